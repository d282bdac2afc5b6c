"""Slips and bad moments: a click beside, a key held down, late answers, another studio in its place."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import pytest
from browser_studio import Studio, Visitor, chromium, eventually, prepared, studio, videos, visit
from fake_camera import FakeCamera

from data_samples import picture
from handflow.hands import HandModels

pytestmark = pytest.mark.slow

TAKES = 5


@pytest.fixture
def served(tmp_path: Path, hand_models: HandModels) -> Iterator[Studio]:
    for name in ("First", "Second"):
        prepared(tmp_path / "projects", name, trained=name == "First", takes=TAKES)
    with studio(tmp_path / "projects") as running:
        yield running


@pytest.fixture
def visitor(served: Studio) -> Iterator[Visitor]:
    with chromium() as browser:
        visitor = visit(served, browser)
        yield visitor
        visitor.no_complaints()


def opened(visitor: Visitor, project: str, page: str) -> None:
    visitor.go(f"{project}/{page}")
    visitor.until("name => document.querySelector('.project-name')?.textContent === name", project.title())


def test_a_click_in_a_dialog_keeps_it_and_one_beside_ends_it(visitor: Visitor) -> None:
    page = visitor.page
    visitor.go("")
    page.get_by_role("button", name="Rename First").click()
    box = page.locator("dialog").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 3, box["y"] + box["height"] - 3)  # its margin
    page.locator("dialog input").hover()
    page.mouse.down()
    page.mouse.move(box["x"] - 40, box["y"] + 10)  # marks the text, and lets it go beside
    page.mouse.up()
    assert page.locator("dialog[open]").count() == 1
    page.mouse.click(box["x"] - 40, box["y"] + 10)
    page.locator("dialog").wait_for(state="detached")


def test_a_question_about_another_page_is_closed_with_it(visitor: Visitor) -> None:
    page = visitor.page
    for project in ("second", "first"):
        opened(visitor, project, "gestures")
    page.get_by_role("button", name="Delete wave").click()
    page.locator("dialog[open]").wait_for()
    page.go_back()
    visitor.until("() => document.querySelector('.project-name')?.textContent === 'Second'")
    page.locator("dialog").wait_for(state="detached")
    assert visitor.count("[data-gesture=wave] .take") == TAKES


def test_undo_takes_back_what_was_changed_wherever_one_is_by_then(visitor: Visitor) -> None:
    page = visitor.page
    opened(visitor, "second", "gestures")
    page.locator(".take-delete").first.click()
    visitor.until("n => document.querySelectorAll('.take').length === n", 3 * TAKES - 1)
    opened(visitor, "first", "gestures")
    page.locator(".toast").get_by_role("button", name="Undo").click()
    page.locator(".toast").get_by_role("button", name="Undo").wait_for(state="detached")
    opened(visitor, "second", "gestures")
    visitor.until("n => document.querySelectorAll('.take').length === n", 3 * TAKES)


def test_a_key_held_down_deletes_one_take(visitor: Visitor) -> None:
    opened(visitor, "first", "gestures")
    visitor.page.locator(".take-button").first.focus()
    for _ in range(4):
        visitor.page.keyboard.down("Delete")  # the second and later ones are repeats
        visitor.page.wait_for_timeout(150)
    visitor.page.keyboard.up("Delete")
    visitor.until("n => document.querySelectorAll('.take').length === n", 3 * TAKES - 1)
    visitor.page.keyboard.press("Control+Shift+z")  # redo elsewhere; here it must not undo
    visitor.page.wait_for_timeout(300)
    assert visitor.count(".take") == 3 * TAKES - 1
    visitor.page.keyboard.press("Control+z")
    visitor.until("n => document.querySelectorAll('.take').length === n", 3 * TAKES)


def test_the_project_that_was_opened_last_is_shown(visitor: Visitor) -> None:
    page, waiting = visitor.page, []

    def hold(route: Any) -> None:
        waiting.append(route)

    visitor.go("")
    page.route("**/api/projects/first", hold)
    page.evaluate("() => { location.hash = '#/first/train'; }")
    eventually(lambda: page.wait_for_timeout(20) or waiting, "the first project is asked for")
    opened(visitor, "second", "train")
    with page.expect_response("**/api/projects/first"):
        waiting[0].continue_()
    page.wait_for_timeout(200)
    assert page.locator(".project-name").inner_text() == "Second"
    assert page.evaluate("() => location.hash") == "#/second/train"


def test_a_project_that_cannot_be_opened_leads_back_to_all(visitor: Visitor, served: Studio) -> None:
    page = visitor.page
    opened(visitor, "first", "train")
    (served.folder / "second" / "dataset" / "dataset.json").write_text("{")
    page.evaluate("() => { location.hash = '#/second/train'; }")
    visitor.wait(".toast.bad")
    visitor.until("() => document.querySelector('main').dataset.page === 'projects'")
    page.get_by_role("button", name="Delete Second").click()
    page.locator("dialog").get_by_role("button", name="Delete").last.click()
    visitor.until("() => document.querySelectorAll('.project').length === 1")
    visitor.complaints.clear()  # the browser itself tells of the refusal


def test_another_studio_in_its_place_asks_for_its_start_link(
    served: Studio, tmp_path: Path, hand_models: HandModels
) -> None:
    with chromium() as browser:
        context = browser.new_context(locale="en-US")
        visitor = visit(served, context)
        opened(visitor, "first", "camera")
        served.end()
        visitor.wait('.banner[data-kind="gone"]')
        prepared(tmp_path / "others", "First")
        served.folder = tmp_path / "others"  # another token
        served.start()
        visitor.wait('.banner[data-kind="locked"]')
        context.new_page().goto(served.link)
        visitor.wait(".banner", state="hidden")
        visitor.wait('[data-check="picture"][data-state="good"]')


def test_a_recording_that_cannot_go_on_ends_on_the_page_too(served: Studio, tmp_path: Path) -> None:
    camera = FakeCamera(tmp_path)
    camera.show(videos().wave)
    with chromium(camera) as browser:
        visitor = visit(served, browser)
        visitor.go("first/gestures")
        visitor.wait(".record:not([disabled])")
        clips = served.folder / "first" / "dataset" / "clips"
        clips.rename(clips.with_name("elsewhere"))
        clips.write_text("a disk that says no")
        visitor.page.keyboard.press("r")
        visitor.wait('.record[data-active="true"]')
        visitor.wait(".toast.bad")
        visitor.wait('.record[data-active="false"]')


def test_a_wide_picture_of_the_computers_camera_is_shown_whole(
    tmp_path: Path, hand_models: HandModels
) -> None:
    prepared(tmp_path / "projects", "First")
    wide = tmp_path / "wide"
    wide.mkdir()
    for number in range(3):
        cv2.imwrite(str(wide / f"{number}.png"), picture(size=(640, 360)))
    with studio(tmp_path / "projects", "--source", str(wide)) as running, chromium(fake=False) as browser:
        visitor = visit(running, browser)
        visitor.go("first/camera")
        visitor.wait('.picture[data-state="missing"]')
        visitor.page.get_by_label("Camera", exact=True).select_option("own")
        visitor.until(
            "() => { const { width, height } = document.querySelector('.picture').getBoundingClientRect();"
            " return Math.abs(width / height - 16 / 9) < 0.03; }"
        )
        visitor.no_complaints()
