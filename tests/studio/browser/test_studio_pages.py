"""The studio's pages in a real browser: by keyboard, in both languages, light and dark, wide and narrow."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser_studio import Studio, Visitor, chromium, prepared, studio, visit

from handflow.hands import HandModels

pytestmark = pytest.mark.slow

PAGES = ("camera", "gestures", "train", "try", "bind", "take-away", "article")

LONG = {
    "wave": "Donaudampfschifffahrtsgesellschaftskapitän",
    "hand_left": "turning a very big wheel slowly to the left with the whole hand",
}
"""Names of gestures that are hard to fit."""

UNNAMED = """() => {
  const own = (label) => [...label.childNodes].filter((one) => !one.matches?.("select, textarea"))
    .map((one) => one.textContent).join("");
  const named = (one) => [one.getAttribute("aria-label"), one.title, ...[...(one.labels ?? [])].map(own),
    one.matches("button, a") && one.textContent].some((text) => text && text.trim());
  const all = "button, a[href], input, select, textarea, [role=img], dialog";
  return [...document.querySelectorAll(all)]
    .filter((one) => one.checkVisibility() && !named(one)).map((one) => one.outerHTML.slice(0, 120));
}"""
UNTRANSLATED = r"""() => [...document.body.innerText.matchAll(/\b[a-z-]+(?:\.[a-z][a-z_-]*)+\b/g)]
  .map(([text]) => text).filter((text) => !/^(bindings\.toml|dataset\.json|fake_)/.test(text))"""
TWICE = """() => {
  const ids = [...document.querySelectorAll("[id]")].map((one) => one.id);
  return ids.filter((id, place) => ids.indexOf(id) !== place);
}"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, hand_models: HandModels) -> Iterator[Studio]:
    folder = tmp_path_factory.mktemp("projects")
    prepared(folder, trained=True)
    prepared(folder, "Long", trained=True, called=LONG)
    (folder / prepared(folder, "Broken") / "dataset" / "dataset.json").write_text("{", "utf-8")
    (model,) = (folder / prepared(folder, "Forgetful", trained=True)).glob("models/*/model.json")
    model.write_text("{", "utf-8")
    with studio(folder) as running:
        yield running


@pytest.fixture(scope="module")
def browser(served: Studio) -> Iterator[Any]:
    with chromium() as running:
        yield running


@pytest.fixture
def visitor(served: Studio, browser: Any) -> Iterator[Visitor]:
    visitor = visit(served, browser)
    yield visitor
    visitor.page.close()


@pytest.mark.parametrize("language", ["en-US", "de-DE"])
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_every_page_fits_is_named_and_speaks_one_language(
    served: Studio, browser: Any, language: str, width: int, scheme: str
) -> None:
    how = {"viewport": {"width": width, "height": 844}, "locale": language, "color_scheme": scheme}
    visitor = visit(served, browser, **how)
    assert visitor.page.evaluate("() => document.documentElement.lang") == language[:2]
    for route in ["", *(f"{project}/{name}" for project in ("prepared", "long") for name in PAGES)]:
        visitor.go(route)
        visitor.until("() => document.querySelectorAll('h1').length === 1")
        assert visitor.page.evaluate("() => document.documentElement.scrollWidth") <= width, route
        assert visitor.page.evaluate(UNNAMED) == [], route
        assert visitor.page.evaluate(UNTRANSLATED) == [], route
        assert visitor.page.evaluate(TWICE) == [], route
    visitor.no_complaints()
    visitor.page.close()


def test_a_damaged_project_is_told_and_hides_no_other(visitor: Visitor) -> None:
    broken = visitor.page.locator(".project", has_text="Broken")
    assert "cannot be read" in broken.inner_text()
    assert "handflow check" in broken.inner_text()
    visitor.page.locator(".project", has_text="Prepared").locator("a").click()
    visitor.until_takes("wave", 5)
    visitor.no_complaints()


def test_language_and_light_are_kept(visitor: Visitor) -> None:
    visitor.page.get_by_label("Language").select_option("de")
    visitor.until("() => document.querySelector('h1').textContent.startsWith('Bring')")
    visitor.page.get_by_role("button", name="Hell oder dunkel").click()
    visitor.page.get_by_role("button", name="Zu dunkel wechseln").click()
    dark = "() => getComputedStyle(document.body).backgroundColor"
    colour = visitor.page.evaluate(dark)
    visitor.page.reload()
    visitor.until("() => document.querySelector('h1')?.textContent.startsWith('Bring')")
    assert visitor.page.evaluate(dark) == colour
    assert colour == "rgb(18, 21, 24)"
    visitor.no_complaints()


def test_takes_are_moved_and_deleted_by_keyboard_and_all_is_taken_back(visitor: Visitor) -> None:
    page = visitor.page
    visitor.go("prepared/gestures")
    visitor.until_takes("wave", 5)
    page.locator('[data-gesture="wave"] .take-button').nth(1).focus()
    page.keyboard.press("Enter")
    page.get_by_label("Belongs to").select_option("hand_left")
    page.get_by_role("button", name="Move").press("Enter")
    visitor.until_takes("hand_left", 6)
    assert visitor.takes("wave") == 4
    page.locator('[data-gesture="wave"] .take-button').first.focus()
    page.keyboard.press("Delete")
    visitor.until("() => document.querySelectorAll(`[data-gesture='wave'] .take`).length === 3")
    visitor.until("() => document.activeElement.closest(`[data-gesture='wave'] .take`)")  # the next one
    page.keyboard.press("Control+z")
    visitor.until_takes("wave", 4)
    page.keyboard.press("Control+z")
    visitor.until_takes("wave", 5)
    assert visitor.takes("hand_left") == 5
    visitor.no_complaints()


def test_a_take_is_dragged_to_another_gesture_and_doubted_there(visitor: Visitor) -> None:
    page = visitor.page
    visitor.go("prepared/gestures")
    visitor.until_takes("wave", 5)
    page.locator('[data-gesture="wave"] .take').first.drag_to(
        page.locator('[data-gesture="hand_left"] header')
    )
    visitor.until_takes("hand_left", 6)
    visitor.wait('[data-gesture="hand_left"] .take-doubt')
    assert "it looks like “wave”" in page.locator('[data-gesture="hand_left"] .doubts').inner_text()
    page.locator(".toast").get_by_role("button", name="Undo").click()
    visitor.until_takes("wave", 5)
    visitor.no_complaints()


def test_gestures_are_named_renamed_and_refused(visitor: Visitor) -> None:
    page = visitor.page
    visitor.go("prepared/gestures")
    page.get_by_label("Name of the gesture").fill("größer als 1")
    page.keyboard.press("Enter")
    visitor.wait('[data-gesture="größer als 1"].chosen')
    page.get_by_role("button", name="Rename größer als 1").click()
    page.locator("dialog input").fill("bigger")
    page.keyboard.press("Enter")
    visitor.wait('[data-gesture="bigger"]')
    page.get_by_role("button", name="Delete bigger").click()
    visitor.wait('[data-gesture="bigger"]', state="detached")
    page.get_by_label("Name of the gesture").fill("wave")
    page.keyboard.press("Enter")
    visitor.wait(".toast.bad")
    assert "“wave” already" in page.locator(".toast.bad").inner_text()
    assert [c for c in visitor.complaints if "409" not in c] == []


def test_a_dialog_holds_the_focus_and_gives_it_back(visitor: Visitor) -> None:
    page = visitor.page
    visitor.go("prepared/bind")
    page.get_by_role("button", name="Choose an action").first.focus()
    page.keyboard.press("Enter")
    visitor.wait("dialog[open]")
    for _ in range(20):
        page.keyboard.press("Tab")
        inside = page.evaluate(
            "() => document.activeElement === document.body || !!document.activeElement.closest('dialog')"
        )
        assert inside
    page.keyboard.press("Escape")
    visitor.wait("dialog", state="detached")
    assert page.evaluate("() => document.activeElement.textContent") == "Choose an action"


def test_programs_cannot_be_bound_unless_the_studio_was_told_so(visitor: Visitor) -> None:
    visitor.go("prepared/bind")
    visitor.page.get_by_role("button", name="Choose an action").first.click()
    for kind in ("command", "python"):
        tile = visitor.page.locator(f".tile[data-kind={kind}]")
        assert tile.is_disabled()
        assert "--allow-commands" in tile.inner_text()


def test_a_wrong_file_of_bindings_is_refused_with_the_reason(visitor: Visitor) -> None:
    page = visitor.page
    visitor.go("prepared/bind")
    page.get_by_text("As text (bindings.toml)").click()
    page.get_by_label("As text (bindings.toml)").fill(
        '[[bindings]]\ngesture = "wave"\ndo = [{ keyz = "Right" }]\n'
    )
    page.locator("details.card").get_by_role("button", name="Save").click()
    visitor.wait("details.card .warn")
    assert "did you mean keys?" in page.locator("details.card .warn").inner_text()


def test_bindings_are_brought_from_a_file_and_replaced_only_if_that_is_wanted(visitor: Visitor) -> None:
    def bring(key: str) -> None:
        visitor.go("long/take-away")
        text = f'[[bindings]]\ngesture = "{LONG["wave"]}"\ndo = [{{ keys = "{key}" }}]\n'
        file = {"name": "slides.toml", "mimeType": "application/toml", "buffer": text.encode()}
        visitor.page.locator("input[type=file]").set_input_files(files=[file])

    bring("F5")
    visitor.wait(".binding .does >> text=F5")
    bring("F6")
    visitor.press("Cancel", "dialog")
    visitor.go("long/bind")
    assert "F5" in visitor.page.locator(".binding .does").inner_text()
    bring("F6")
    visitor.press("Replace", "dialog")
    visitor.wait(".binding .does >> text=F6")
    visitor.no_complaints()


def test_a_model_that_cannot_be_read_is_told_and_taught_anew(visitor: Visitor) -> None:
    visitor.go("forgetful/train")
    visitor.wait(".warn >> text=cannot be read")
    visitor.press("Teach it")
    visitor.wait(".verdict")
    assert not visitor.count(".warn >> text=cannot be read")


def test_what_one_hears_and_sees_does_not_move_for_those_who_do_not_want_it(
    served: Studio, browser: Any
) -> None:
    visitor = visit(served, browser, reduced_motion="reduce")
    visitor.go("prepared/gestures")
    visitor.wait('.thumb[data-state="moving"]')
    moving = "() => getComputedStyle(document.querySelector('.thumb img')).animationPlayState"
    assert visitor.page.evaluate(moving) == "paused"
    visitor.page.close()


SPOKEN = """() => {
  window.spoken = [];
  new MutationObserver((news) => spoken.push(...news.flatMap(({ addedNodes }) => [...addedNodes])
    .map((one) => one.textContent))).observe(document.getElementById("spoken"), { childList: true });
}"""


def test_training_by_keyboard_keeps_the_focus_and_tells_its_result(visitor: Visitor) -> None:
    page = visitor.page
    visitor.go("prepared/train")
    page.evaluate(SPOKEN)
    page.get_by_role("button", name="Teach it again").press("Enter")
    visitor.until("() => document.activeElement.textContent === 'Cancel'")
    visitor.until("() => document.activeElement.closest('.verdict')")
    visitor.until("() => window.spoken.some((one) => /learned your gestures.* of 15 takes/.test(one))")
    visitor.no_complaints()


def test_a_new_gesture_leads_to_its_recording_and_typing_records_nothing(visitor: Visitor) -> None:
    page = visitor.page
    visitor.go("prepared/gestures")
    visitor.wait(".record:not([disabled])")
    page.get_by_label("Name of the gesture").press_sequentially("rr")
    assert page.locator(".record").get_attribute("data-active") == "false"
    page.keyboard.press("Enter")
    visitor.until("() => document.activeElement.matches('.record')")
    page.evaluate(SPOKEN)
    page.keyboard.press("r")
    visitor.until("() => window.spoken.some((one) => one.startsWith('Get ready: rr'))")
    page.keyboard.press("Escape")
    visitor.wait('.record[data-active="false"]')
    page.get_by_role("button", name="Delete rr").click()
    visitor.wait('[data-gesture="rr"]', state="detached")
    visitor.no_complaints()


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_the_hand_of_the_first_page_moves_for_those_who_want_it(
    served: Studio, browser: Any, motion: str
) -> None:
    visitor = visit(served, browser, reduced_motion=motion)
    drawn = "() => document.querySelector('.moving-hand canvas').toDataURL()"
    visitor.until(f"() => ({drawn})().length > 5000")
    before = visitor.page.evaluate(drawn)
    visitor.page.wait_for_timeout(300)
    assert (visitor.page.evaluate(drawn) != before) == (motion == "no-preference")
    visitor.page.close()


SEND = "async message => (await import('/static/live.js')).live.send(message)"
"""JavaScript: tells the server, as a page does."""


@pytest.fixture
def bound(served: Studio) -> Iterator[Path]:
    file = served.folder / "prepared" / "bindings.toml"
    file.write_text('[[bindings]]\ngesture = "wave"\ndo = [{ mode = "music" }]\n', "utf-8")
    yield file
    file.unlink()


def arm(visitor: Visitor) -> None:
    visitor.go("prepared/bind")
    visitor.wait(".overlay[data-hands]")  # the desk answers
    visitor.page.get_by_label("Armed").check()
    visitor.wait('.picture[data-frame="armed"]')


def test_whether_gestures_act_is_shown_as_the_studio_says(visitor: Visitor, bound: Path) -> None:
    page = visitor.page
    arm(visitor)
    page.evaluate(SEND, {"type": "source", "camera": "server"})
    visitor.wait(".toast.bad")
    assert page.get_by_label("Armed").is_checked()  # it acts, whatever else went wrong
    page.evaluate("""() => {
      for (const how of ["dry", "armed", "off"]) document.querySelector(`[value=${how}]`).click();
    }""")
    page.evaluate(SEND, {"type": "source", "camera": "server"})
    visitor.until("() => document.querySelectorAll('.toast.bad').length === 2")  # by now all is obeyed
    assert page.get_by_label("Off", exact=True).is_checked()
    bound.write_text("[", "utf-8")
    page.get_by_label("Rehearse").check()
    visitor.until("() => document.querySelector('[value=off]').checked")
    assert not visitor.count('.picture[data-frame="armed"]')


def test_nothing_is_shown_to_act_while_nobody_answers(visitor: Visitor, bound: Path) -> None:
    arm(visitor)
    visitor.page.evaluate("async () => (await import('/static/live.js')).live.link.close()")
    assert visitor.page.get_by_label("Off", exact=True).is_checked()


def test_testing_what_a_gesture_does_asks_for_nothing_else(visitor: Visitor, bound: Path) -> None:
    visitor.go("prepared/bind")
    asked: list[str] = []
    visitor.page.on("request", lambda one: "/api/" in one.url and asked.append(f"{one.method} {one.url}"))
    visitor.page.get_by_role("button", name="Test what wave does now").click()
    visitor.wait(".log [data-kind=performed]")
    visitor.page.evaluate("() => fetch('/api/state')")  # after which nothing else was asked
    prefix = visitor.studio.url + "api/"
    assert asked == [f"POST {prefix}projects/prepared/bindings/test", f"GET {prefix}state"]
    visitor.no_complaints()


def test_a_model_without_its_result_tells_no_counts_that_nobody_knows(
    served: Studio, visitor: Visitor
) -> None:
    (result,) = (served.folder / "long").glob("models/*/result.json")
    kept = result.read_bytes()
    result.unlink()
    visitor.go("long/train")
    visitor.wait(".verdict")
    told = visitor.page.locator(".results").inner_text()
    result.write_bytes(kept)
    assert "measured on 15 takes" in told
    assert "null" not in told and "held back" not in told


def test_gestures_with_few_takes_are_named_each_by_itself(served: Studio, visitor: Visitor) -> None:
    prepared(served.folder, "Few", takes=2)
    visitor.go("few/train")
    assert "“wave” and “hand_left” have only a few" in visitor.page.locator(".train-card").inner_text()
    visitor.no_complaints()
