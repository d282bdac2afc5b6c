"""The way of somebody who has never seen the studio: teach two gestures, see how they work, bind them."""

import json
import re
from pathlib import Path

import pytest
from browser_studio import (
    HAND,
    SURE,
    TAKES,
    Visitor,
    chromium,
    eventually,
    listener,
    studio,
    videos,
    visit,
)
from fake_camera import FakeCamera

from handflow.hands import HandModels

WAVE, SWIPE = "wave", "swipe left"


@pytest.mark.slow
def test_two_gestures_are_taught_recognized_on_unseen_video_and_bound(
    tmp_path: Path, hand_models: HandModels
) -> None:
    films, camera = videos(), FakeCamera(tmp_path)
    camera.show(films.wave)
    with studio(tmp_path / "projects") as served, chromium(camera) as browser:
        visitor = visit(served, browser)
        visitor.picture("projects")
        visitor.press("Start")
        all_is_well(visitor)
        visitor.picture("camera", HAND)
        visitor.press("Next: Gestures")
        teach(visitor)
        camera.show(films.swipe)
        teach_another(visitor)
        camera.show(films.idling)
        show_idle_hands(visitor)
        train(visitor)
        camera.show(films.performance)
        recognized = try_it(visitor, films.seconds)
        print(f"{len(films.segments)} gestures were made, recognized: {recognized}")
        assert set(recognized) == {WAVE, SWIPE}
        assert len(recognized) <= 2 * len(films.segments)
        bind(visitor)
        take_away(visitor, tmp_path)
        other_looks(visitor)
        visitor.no_complaints()


def all_is_well(visitor: Visitor) -> None:
    """Step 1 finds camera, rate, light and hand good, and measures the way of the pictures."""
    for check in ("picture", "rate", "light", "hand"):
        visitor.wait(f'.checks [data-check="{check}"][data-state="good"]')
    visitor.until("() => window.handflow.measured.roundTrip.n > 40")
    measured = visitor.page.evaluate("() => window.handflow.measured")
    print(json.dumps(measured))
    assert measured["sent"] - measured["answered"] - measured["dropped"] <= 4  # none piles up


def teach(visitor: Visitor) -> None:
    """Takes by themselves, with the page reloaded in the middle."""
    page = visitor.page
    page.get_by_role("button", name=WAVE, exact=True).click()  # an idea
    page.get_by_label("Hands-free").check()
    page.locator(".options summary").first.click()
    page.get_by_label("Takes in a row").fill(str(TAKES))
    out_of_sight(visitor)
    visitor.page.keyboard.press("r")
    visitor.until_takes(WAVE, 2)
    page.reload()
    visitor.until_takes(WAVE, 2)
    visitor.wait(".record:not([disabled])")
    missing = TAKES - visitor.takes(WAVE)
    page.locator(".options summary").first.click()
    page.get_by_label("Takes in a row").fill(str(missing))
    out_of_sight(visitor)
    visitor.press("Record R")
    visitor.wait('.picture[data-frame="recording"]')
    visitor.picture("recording", HAND)
    visitor.until_takes(WAVE, TAKES)
    visitor.wait('.record[data-active="false"]')
    assert visitor.takes(WAVE) == TAKES


def out_of_sight(visitor: Visitor) -> None:
    """Waits until the hand is down: who begins in the middle of a gesture records the way back from it."""
    visitor.until("() => document.querySelector('.overlay')?.dataset.hands === '0'")


def teach_another(visitor: Visitor) -> None:
    restart_camera(visitor)
    page = visitor.page
    page.get_by_label("Name of the gesture").fill(SWIPE)
    visitor.press("Add")
    page.locator(".options summary").first.click()
    page.get_by_label("Takes in a row").fill(str(TAKES))
    out_of_sight(visitor)
    page.get_by_role("button", name=f"Record a take of {SWIPE}").click()
    visitor.until_takes(SWIPE, TAKES)
    visitor.wait('.record[data-active="false"]')


def show_idle_hands(visitor: Visitor) -> None:
    """Idle minutes that are ended early are kept."""
    restart_camera(visitor)
    visitor.press("30 s")
    visitor.until("() => document.querySelector('.note')?.textContent.startsWith('Move as you usually do')")
    visitor.page.wait_for_timeout(5000)
    visitor.press("Stop R")
    visitor.until_takes("background", 1)
    visitor.until("() => document.querySelectorAll('.thumb[data-state=moving]').length >= 9")
    visitor.picture("gestures", HAND)


def train(visitor: Visitor) -> None:
    visitor.press("Next: Train")
    visitor.press("Teach it")
    visitor.wait(".verdict")
    right, tested = map(
        int, re.search(r"(\d+) of (\d+) takes", visitor.page.locator(".verdict").inner_text()).groups()
    )
    assert tested >= 2 * TAKES
    assert right >= 0.75 * tested
    assert visitor.page.locator(".confusion tbody th").all_inner_texts() == [WAVE, SWIPE, "Doing nothing"]
    visitor.picture("train")


def try_it(visitor: Visitor, seconds: float) -> list[str]:
    """What is recognized while the performance plays, at least once and until both gestures were."""
    visitor.page.evaluate(
        """() => {
          window.heard = [];
          const events = (news) => news.flatMap(({ addedNodes }) => [...addedNodes])
            .filter((one) => one.matches?.(".events li"));
          new MutationObserver((news) => {
            for (const one of events(news)) heard.push(one.querySelector("strong").textContent);
          }).observe(document.querySelector("main"), { childList: true, subtree: true });
        }"""
    )
    visitor.press("Next: Try")
    visitor.wait(".badge:not([hidden])")
    visitor.page.wait_for_timeout(1000 * seconds)
    visitor.until("() => new Set(window.heard).size > 1")
    heard = list(visitor.page.evaluate("() => window.heard"))
    visitor.picture("try", SURE)
    visitor.page.get_by_role("button", name="was wrong").first.click()
    visitor.until("() => document.querySelector('.toast')?.textContent.startsWith('Noted')")
    visitor.wait(".news", state="visible")  # there is something to teach again
    return heard


def bind(visitor: Visitor) -> None:
    """First tested, then rehearsed without effect, then armed."""
    page = visitor.page
    with listener() as (address, bodies):
        visitor.press("Next: Bind")
        page.locator(".binding", has_text=WAVE).get_by_role("button", name="Choose an action").click()
        page.locator(".tile[data-kind=webhook]").click()
        page.get_by_label("Address").fill(address)
        visitor.press("Save")
        visitor.wait(".binding:not(.unbound)")
        page.get_by_role("button", name=f"Test what {WAVE} does now").click()
        visitor.wait(".log [data-kind=performed]")
        assert len(bodies) == 1
        page.get_by_label("Rehearse").check()
        visitor.wait(".log [data-kind=dry-run]")
        assert len(bodies) == 1
        page.get_by_label("Armed").check()
        eventually(lambda: len(bodies) > 1, "the call of a gesture")
        event = json.loads(bodies[1])
        assert event["gesture"] == WAVE
        assert event["score"] > 0.5
        visitor.until("() => document.querySelectorAll('.log [data-kind=performed]').length > 1")
        visitor.picture("bind", HAND)


def take_away(visitor: Visitor, folder: Path) -> None:
    """Everything goes out, and comes in again as another project."""
    visitor.press("Next: Take away")
    visitor.until("() => document.querySelector('.command')?.textContent.includes('handflow run --model')")
    visitor.picture("take-away")
    with visitor.page.expect_download() as download:
        visitor.page.get_by_role("link", name="Download: Everything").click()
    zipped = folder / "everything.zip"
    download.value.save_as(zipped)
    visitor.page.locator("input[type=file]").set_input_files(zipped)
    visitor.until_takes(WAVE, TAKES)
    assert visitor.takes(SWIPE) == TAKES
    assert "everything" in visitor.page.url


def other_looks(visitor: Visitor) -> None:
    """The article's program; and the same pages on a telephone's width, dark, and in German."""
    visitor.go("my-gestures/article")
    visitor.wait(".badge:not([hidden])")
    visitor.picture("article", HAND)
    visitor.page.set_viewport_size({"width": 390, "height": 844})
    visitor.go("my-gestures/try")
    visitor.wait(".badge:not([hidden])")
    visitor.picture("narrow", SURE)
    visitor.page.set_viewport_size({"width": 1280, "height": 900})
    visitor.page.emulate_media(color_scheme="dark")
    visitor.page.get_by_label("Language").select_option("de")
    visitor.until("() => document.activeElement.value === 'de'")  # the page is drawn anew
    visitor.go("my-gestures/gestures")
    visitor.until("() => document.activeElement.matches('h1')")
    visitor.until("() => document.querySelectorAll('.thumb[data-state=moving]').length >= 9")
    visitor.picture("dark", HAND)


def restart_camera(visitor: Visitor) -> None:
    """Leaves and comes back, so that the camera starts anew."""
    route = visitor.page.evaluate("() => location.hash.slice(2)")
    visitor.go("")
    visitor.go(route)
    visitor.wait(".record:not([disabled])")
