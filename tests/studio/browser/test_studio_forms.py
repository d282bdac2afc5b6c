"""The form of every kind of action: what is filled in stands in the file, and opens again as it was."""

import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from browser_studio import Studio, Visitor, chromium, prepared, studio, visit

pytestmark = pytest.mark.slow

# kind, variant, what is filled in by its label, and the action in the file
FORMS: list[tuple[str, str, dict[str, str], dict[str, Any]]] = [
    ("keys", "Press", {"Keys": "ctrl+shift+s"}, {"keys": "ctrl+shift+s"}),
    ("keys", "Press", {"Keys": "ctrl+a, ctrl+c"}, {"keys": ["ctrl+a", "ctrl+c"]}),
    ("keys", "Type a text", {"Text": "hello {gesture}"}, {"keys": {"text": "hello {gesture}"}}),
    ("mouse", "Click", {"Clicks in a row": "2"}, {"mouse": {"click": "left", "count": 2}}),
    ("mouse", "Scroll", {"Steps ↓": "-4"}, {"mouse": {"scroll": [0, -4]}}),
    ("mouse", "Move to", {"Place on the screen, 0 to 1 →": "0.25"}, {"mouse": {"move_to": [0.25, 0.5]}}),
    ("webhook", "", {"Address": "http://127.0.0.1:1/x"}, {"webhook": "http://127.0.0.1:1/x"}),
    ("mqtt", "", {"Topic": "room/light", "Message": '{"on": true}'},
     {"mqtt": {"topic": "room/light", "payload": {"on": True}}}),
    ("mqtt", "", {"Topic": "room/light", "Message": "off"},
     {"mqtt": {"topic": "room/light", "payload": "off"}}),
    ("say", "", {"Sentence": "It is {gesture}"}, {"say": "It is {gesture}"}),
    ("sound", "", {"File on this computer": "~/ding.ogg", "Volume, 0 to 1": "0.5"},
     {"sound": {"file": "~/ding.ogg", "volume": 0.5}}),
    ("mode", "", {"Change to mode": "slides"}, {"mode": "slides"}),
    ("osc", "", {"Address": "/cue/go", "Values": '[1, "{score}"]'},
     {"osc": {"address": "/cue/go", "args": [1, "{score}"]}}),
    ("midi", "Note", {"Note": "C4"}, {"midi": "C4"}),
    ("midi", "Note", {"Note": "60", "Velocity": "{score}"}, {"midi": {"note": 60, "velocity": "{score}"}}),
    ("midi", "Note", {"Note": "60", "Velocity": "64"}, {"midi": {"note": 60, "velocity": 64}}),
    ("midi", "Control", {"Control": "7", "Value, 0 to 127 or {score}": "64"},
     {"midi": {"control": 7, "value": 64}}),
    ("midi", "Control", {"Control": "7", "Value, 0 to 127 or {score}": "{score}"},
     {"midi": {"control": 7, "value": "{score}"}}),
]  # fmt: skip


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    folder = tmp_path_factory.mktemp("projects")
    prepared(folder)
    with studio(folder) as running:
        yield running


@pytest.fixture(scope="module")
def visitor(served: Studio) -> Iterator[Visitor]:
    with chromium() as browser:
        visitor = visit(served, browser)
        visitor.go("prepared/bind")
        yield visitor
        visitor.no_complaints()


def bound(served: Studio) -> list[dict[str, Any]]:
    text = (served.folder / "prepared" / "bindings.toml").read_text("utf-8")
    found: list[dict[str, Any]] = tomllib.loads(text).get("bindings", [])
    return found


def save(visitor: Visitor) -> None:
    visitor.page.locator("dialog").get_by_role("button", name="Save").click()
    visitor.wait("dialog", state="detached")
    visitor.wait(".binding:not(.unbound)")


@pytest.mark.parametrize(("kind", "variant", "filled", "action"), FORMS)
def test_a_form_writes_what_is_filled_in_and_opens_it_again(
    served: Studio, visitor: Visitor, kind: str, variant: str, filled: dict[str, str], action: dict[str, Any]
) -> None:
    page = visitor.page
    page.get_by_role("button", name="Choose an action").first.click()
    page.locator(f".tile[data-kind={kind}]").click()
    if variant:
        page.locator(".action-part").get_by_role("radio", name=variant, exact=True).check()
    for summary in page.locator(".action-part details:not([open]) summary").all():
        summary.click()
    for label, text in filled.items():
        typed = page.locator(".action-part").locator("input:not([type=radio]), textarea")
        typed.and_(page.get_by_label(label, exact=True)).fill(text)
    save(visitor)
    assert bound(served) == [{"gesture": "wave", "do": [action]}]
    page.get_by_role("button", name="Change what wave does").click()
    save(visitor)
    assert bound(served) == [{"gesture": "wave", "do": [action]}]
    page.get_by_role("button", name="Delete what wave does").click()
    visitor.wait(".binding:not(.unbound)", state="detached")
    assert bound(served) == []


def test_keys_are_caught_as_they_are_pressed(visitor: Visitor) -> None:
    page = visitor.page
    page.get_by_role("button", name="Choose an action").first.click()
    page.locator(".tile[data-kind=keys]").click()
    caught = {}
    for pressed in ("Control+Shift+ArrowRight", "Shift+?", "+", "F5", "Alt+Tab", "Escape", "s"):
        page.get_by_role("button", name="Press the keys").click()
        page.keyboard.press(pressed)
        caught[pressed] = page.locator(".keys-field input").input_value()
    page.locator("dialog").get_by_role("button", name="Cancel").click()
    assert caught == {
        "Control+Shift+ArrowRight": "ctrl+shift+right",
        "Shift+?": "?",
        "+": "plus",
        "F5": "f5",
        "Alt+Tab": "alt+tab",
        "Escape": "escape",
        "s": "s",
    }


def test_what_is_missing_or_wrong_is_said_in_the_form(visitor: Visitor) -> None:
    page = visitor.page
    page.get_by_role("button", name="Choose an action").first.click()
    page.locator(".tile[data-kind=webhook]").click()
    page.locator("dialog").get_by_role("button", name="Save").click()
    assert page.locator("dialog [role=alert]").inner_text() == "Address is missing."
    page.locator(".action-part").get_by_label("Address").fill("nowhere")
    page.locator("dialog").get_by_role("button", name="Save").click()
    visitor.until("() => document.querySelector('dialog [role=alert]').textContent.includes('http://')")
    page.keyboard.press("Escape")
    visitor.complaints[:] = [c for c in visitor.complaints if "422" not in c]


def test_when_a_binding_holds_is_kept(served: Studio, visitor: Visitor) -> None:
    page = visitor.page
    page.get_by_role("button", name="Choose an action").first.click()
    page.locator(".tile[data-kind=say]").click()
    page.get_by_label("Sentence").fill("hello")
    page.get_by_text("Only when …").click()
    page.locator("dialog").get_by_label("Hand", exact=True).select_option("left")
    page.get_by_label("Pause afterwards, seconds").fill("2.5")
    page.get_by_label("Modes").fill("slides, normal")
    save(visitor)
    kept = {
        "gesture": "wave",
        "hand": "left",
        "cooldown": 2.5,
        "modes": ["slides", "normal"],
        "do": [{"say": "hello"}],
    }
    assert bound(served) == [kept]
    page.get_by_role("button", name="Change what wave does").click()
    save(visitor)
    assert bound(served) == [kept]
    page.get_by_role("button", name="Delete what wave does").click()
    visitor.wait(".binding:not(.unbound)", state="detached")


def test_what_is_typed_under_more_stays_when_something_else_is_chosen_to_do(
    served: Studio, visitor: Visitor
) -> None:
    page = visitor.page
    page.get_by_role("button", name="Choose an action").first.click()
    page.locator(".tile[data-kind=mouse]").click()
    page.locator(".action-part summary").click()
    page.get_by_label("Keys held meanwhile").fill("ctrl")
    page.locator(".action-part").get_by_role("radio", name="Scroll", exact=True).check()
    save(visitor)
    assert bound(served) == [{"gesture": "wave", "do": [{"mouse": {"scroll": [0, 3], "holding": "ctrl"}}]}]
    page.get_by_role("button", name="Delete what wave does").click()
    visitor.wait(".binding:not(.unbound)", state="detached")


WRONG = [
    ('{ keyz = "F5" }', '{"keyz":"F5"}'),
    ("{ mouse = { scroll = 3 } }", '{"mouse":{"scroll":3}}'),
    ("{ mouse = {} }", '{"mouse":{}}'),
    ("{ keys = {} }", '{"keys":{}}'),
    ("{ sound = 3 }", '{"sound":{"file":3}}'),
    ("{ constructor = {} }", '{"constructor":{}}'),
]
"""Actions that an editor may write and no form knows, and how they are shown."""


@pytest.mark.parametrize(("action", "told"), WRONG)
def test_a_file_with_an_action_that_nobody_knows_is_shown_and_can_be_mended(
    served: Studio, visitor: Visitor, action: str, told: str
) -> None:
    page = visitor.page
    file = served.folder / "prepared" / "bindings.toml"
    right = '[[bindings]]\ngesture = "hand_left"\nmodes = "slides"\ndo = [{ keys = "F6" }]\n'
    file.write_text(f'{right}\n[[bindings]]\ngesture = "wave"\ndo = [{action}]\n', "utf-8")
    visitor.go("prepared/camera")
    visitor.go("prepared/bind")
    visitor.wait(".binding .does >> text=Press F6")
    assert page.locator(".binding .does", has_text=told).count() == 1
    assert page.locator(".advice .warn").count() > 0
    assert page.get_by_role("button", name="Change what wave does").count() == 0
    page.get_by_role("button", name="Change what hand_left does").click()
    assert page.get_by_label("Modes").input_value() == "slides"
    page.locator("dialog").get_by_role("button", name="Cancel").click()
    page.get_by_text("As text (bindings.toml)").click()
    page.get_by_label("As text (bindings.toml)").fill(
        '[[bindings]]\ngesture = "wave"\ndo = [{ keys = "F5" }]\n'
    )
    page.locator("details.card").get_by_role("button", name="Save").click()
    visitor.wait(".binding .does >> text=Press F5")
    page.get_by_role("button", name="Delete what wave does").click()
    visitor.wait(".binding:not(.unbound)", state="detached")
