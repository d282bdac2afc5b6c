"""macOS and Windows: what pynput is asked to do, by a stand-in with pynput's own names and exceptions."""

import enum
import sys
from types import ModuleType, SimpleNamespace

import pytest

from handflow.act.actions.keys import KEYS
from handflow.act.connections import Connections, KeyboardConnection
from handflow.act.inject import chord, key_named, problems, system
from handflow.act.inject.choice import Surroundings
from handflow.errors import ActionError, MissingExtraError

MAC_KEYS = (
    "alt alt_gr backspace caps_lock cmd cmd_r ctrl ctrl_r delete down end enter esc home left page_down "
)
MAC_KEYS += "page_up right shift shift_r space tab up media_play_pause media_volume_mute media_volume_down "
MAC_KEYS += "media_volume_up media_previous media_next f1 f2 f20"
Named = enum.Enum("Key", MAC_KEYS)
Buttons = enum.Enum("Button", "left middle right")


class Keyboard:
    class InvalidCharacterException(Exception):  # noqa: N818
        pass

    def __init__(self):
        self.done = []

    def press(self, key):
        self.done.append(("+", getattr(key, "name", key)))

    def release(self, key):
        self.done.append(("-", getattr(key, "name", key)))

    def type(self, text):
        if "☠" in text:
            raise self.InvalidCharacterException(text.index("☠"), "☠")
        self.done.append(("type", text))


class Mouse:
    def __init__(self):
        self.done, self.position = [], (0, 0)

    def __enter__(self):
        self.done.append("series")
        return self

    def __exit__(self, *error):
        self.done.append("end")

    def press(self, button):
        self.done.append(f"+{button.name}")

    def release(self, button):
        self.done.append(f"-{button.name}")

    def move(self, dx, dy):
        self.position = self.position[0] + dx, self.position[1] + dy

    def scroll(self, dx, dy):
        self.done.append((dx, dy))


@pytest.fixture
def pynput(monkeypatch):
    """pynput on a Mac that trusts this program."""
    keyboard, mouse, package = (ModuleType(f"pynput{part}") for part in (".keyboard", ".mouse", ""))
    keyboard.Controller, keyboard.Key = Keyboard, Named
    mouse.Controller, mouse.Button = Mouse, Buttons
    package.keyboard, package.mouse = keyboard, mouse
    bounds = SimpleNamespace(size=SimpleNamespace(width=1440.0, height=900.0))
    asked = []
    quartz = SimpleNamespace(
        CGDisplayBounds=lambda display: bounds,
        CGMainDisplayID=lambda: 1,
        CGEventCreateKeyboardEvent=lambda *event: asked.append(event),
    )
    trust = SimpleNamespace(AXIsProcessTrusted=lambda: True)
    modules = {
        "pynput": package, "pynput.keyboard": keyboard, "pynput.mouse": mouse,
        "Quartz": quartz, "HIServices": trust,
    }  # fmt: skip
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(sys, "platform", "darwin")
    here = Surroundings("darwin", {}, "absent")
    monkeypatch.setattr("handflow.act.inject.choice.Surroundings", lambda: here)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name in sys.modules or None)
    system.controllers.cache_clear()
    yield SimpleNamespace(trust=trust, asked=asked)
    system.controllers.cache_clear()


def test_chords_go_by_pynputs_names(pynput):
    injector = system.SystemInjector()
    with injector.held(chord("cmd+shift+s")):
        pass
    assert injector._keyboard.done == [
        ("+", "cmd"), ("+", "shift"), ("+", "s"), ("-", "s"), ("-", "shift"), ("-", "cmd"),
    ]  # fmt: skip


def test_media_keys_and_text(pynput):
    injector = system.SystemInjector()
    with injector.held([key_named("play_pause")]):
        pass
    injector.type_text("ä€\r\n")
    assert injector._keyboard.done[0] == ("+", "media_play_pause")
    assert injector._keyboard.done[-1] == ("type", "ä€\n")


def test_a_key_that_this_system_lacks_is_told(pynput):
    injector = system.SystemInjector()
    for _ in range(2):
        with pytest.raises(ActionError, match="no key f24"), injector.held(chord("ctrl+f24")):
            pass
    assert injector._keyboard.done == [("+", "ctrl"), ("-", "ctrl")] * 2
    assert list(problems(KeyboardConnection(), chord("f24+brightness_up+left"))) == [
        "this system has no key f24: bind another one",
        "this system has no key brightness_up: bind another one",
    ]


def test_a_character_that_cannot_be_typed_is_told_by_its_place(pynput):
    with pytest.raises(ActionError, match="character 3 of the text") as error:
        system.SystemInjector().type_text("ab☠")
    assert "☠" not in str(error.value)


def test_the_mouse(pynput):
    injector = system.SystemInjector()
    injector.click("left", 2)
    injector.scroll(1, 3)
    injector.move_to(1, 0.5)
    assert injector._mouse.position == (1439, 450)
    injector.move(-9, 1)
    assert injector._mouse.position == (1430, 451)
    assert injector._mouse.done == ["series", "+left", "-left", "+left", "-left", "end", (1, -3)]


def test_closing_lets_go_of_all(pynput):
    injector = system.SystemInjector()
    injector.press(key_named("a"))
    injector.button("right", True)
    injector.close()
    assert injector._keyboard.done[-1] == ("-", "a") and injector._mouse.done[-1] == "-right"


def test_without_permission_nothing_is_pressed_into_the_void(pynput):
    pynput.trust.AXIsProcessTrusted = lambda: False
    with pytest.raises(ActionError, match="Accessibility"):
        system.SystemInjector()
    (told,) = problems(KeyboardConnection())
    assert "macOS does not let this program press keys: allow your terminal" in told


def test_making_what_performs_readies_the_keyboard_for_its_thread(pynput):
    """macOS ends a process whose first question about the layout comes from another than the main thread."""
    KEYS.perform_by(Connections())
    assert pynput.asked, "the layout was asked for"
    asked = len(pynput.asked)
    system.SystemInjector()
    system.SystemInjector()
    assert len(pynput.asked) == asked


def test_without_pynput_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynput", None)
    system.controllers.cache_clear()
    with pytest.raises(MissingExtraError, match="control"):
        system.SystemInjector()
