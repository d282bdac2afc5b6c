"""Keys, text and mouse on a real X server: what a window is told, and what a real entry field shows."""

import ast
import os
import queue
import socket
import struct
import subprocess
import sys
import threading
from importlib.util import find_spec
from shutil import which

import pytest

from handflow.act.inject import InjectorLostError, chord, key_named
from handflow.act.inject.keynames import KEYS
from handflow.act.inject.x11 import X11Injector
from handflow.errors import ActionError
from needs import need
from virtual_display import HEIGHT, WIDTH, recording_window, virtual_display

Display = pytest.importorskip("Xlib.display", reason="python-xlib is missing: run `handflow doctor`").Display


@pytest.fixture(scope="module")
def display():
    with virtual_display() as name:
        yield name


@pytest.fixture
def window(display):
    with recording_window(display) as window:
        yield window


@pytest.fixture
def injector(display):
    injector = X11Injector(display)
    yield injector
    injector.close()


CHORDS = {
    "right": ["+Right", "-Right"],
    "ctrl+shift+s": ["+Control_L", "+Shift_L", "+S", "-S", "-Shift_L", "-Control_L"],
    "shift+ctrl+s": ["+Shift_L", "+Control_L", "+S", "-S", "-Control_L", "-Shift_L"],
    "alt+F4": ["+Alt_L", "+F4", "-F4", "-Alt_L"],
    "super+up": ["+Super_L", "+Up", "-Up", "-Super_L"],
    "ctrl+plus": ["+Control_L", "+Shift_L", "++", "-+", "-Shift_L", "-Control_L"],
    "shift+/": ["+Shift_L", "+?", "-?", "-Shift_L"],
    "shift+?": ["+Shift_L", "+?", "-?", "-Shift_L"],
    "page down": ["+Next", "-Next"],
    "play_pause": ["+XF86_AudioPlay", "-XF86_AudioPlay"],
    "volume_up": ["+XF86_AudioRaiseVolume", "-XF86_AudioRaiseVolume"],
    "f24": ["+F24", "-F24"],
    "ctrl+ä": ["+Control_L", "+ä", "-ä", "-Control_L"],
}


@pytest.mark.parametrize("keys", CHORDS)
def test_a_chord_goes_down_in_order_and_up_in_reverse(window, injector, keys):
    with injector.held(chord(keys)):
        pass
    assert window.count(len(CHORDS[keys])) == CHORDS[keys]
    assert window.down() == []


def test_modifiers_are_down_as_the_key_goes_down(window, injector):
    with injector.held(chord("ctrl+shift+s")):
        pass
    window.count(6)
    (key,) = [event for event in window.events if event.what == "+S"]
    assert key.state & 0xFF == 0b101, "Shift and Control"


@pytest.mark.parametrize("name", KEYS)
def test_every_named_key_arrives(window, injector, name):
    locked = name.endswith("_lock")
    for _ in range(2 if locked else 1):  # a lock is switched back
        with injector.held([KEYS[name]]):
            pass
    happened = window.count(4 if locked else 2)
    assert len(happened) == (4 if locked else 2) and "+0x0" not in happened
    assert window.down() == []


TEXTS = ["Hello, World?", "ä€😀?", "日本語 Ω ½", 'C:\\a "b" {c} ~^`', "مرحبا", "1²"]


@pytest.mark.parametrize("text", TEXTS)
def test_text_arrives_as_written(window, injector, text):
    injector.type_text(text)
    assert window.until(lambda w: len(w.text) >= len(text)).text == text
    assert window.down() == []


def test_new_lines_and_tabs_are_keys(window, injector):
    injector.type_text("a\r\nb\tc\n")
    assert window.count(12)[::2] == ["+a", "+Return", "+b", "+Tab", "+c", "+Return"]


def test_more_unknown_characters_than_free_keys_arrive_too(window, injector):
    text = "αβγδεζηθικλμνξοπρστυφχψωабвгд"
    typing = threading.Thread(target=injector.type_text, args=[text])  # the window reads meanwhile
    typing.start()
    window.until(lambda w: len(w.text) >= len(text))
    typing.join()
    assert window.text == text


ENTRY_FIELD = """
import tkinter
root = tkinter.Tk()
entry = tkinter.Entry(root)
entry.pack()
told = None

def tell():
    global told
    if root.focus_get() is entry:
        now = [entry.get(), entry.selection_get() if entry.selection_present() else ""]
        if now != told:
            told = now
            print(ascii(now), flush=True)
    root.after(5, tell)

entry.focus_force()
tell()
root.mainloop()
"""


class EntryField:
    """A line of text in a real window; in a process of its own, as Tk ends that of a server that is gone."""

    def __init__(self, display):
        command = [sys.executable, "-c", ENTRY_FIELD]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.states: queue.Queue[list[str]] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        self.until(["", ""])  # it has the keyboard

    def _read(self):
        for line in self.process.stdout:
            self.states.put(ast.literal_eval(line))

    def until(self, state):
        """Waits for text and selection to be so."""
        while self.states.get(timeout=10) != state:
            pass

    def close(self):
        self.process.kill()
        self.process.wait(10)
        self.process.stdout.close()


@pytest.fixture
def field(display):
    need(find_spec("tkinter"), "this Python has no tkinter (Debian: python3-tk)")
    field = EntryField(display)
    yield field
    field.close()


def test_a_real_entry_field_shows_what_was_typed(field, injector):
    wanted = "Straße? ä€ñ ŷ"
    injector.type_text(wanted)
    field.until([wanted, ""])
    for keys in ("home", "shift+end"):
        with injector.held(chord(keys)):
            pass
    field.until([wanted, wanted])


def test_a_control_character_types_nothing_and_is_not_told(window, injector):
    with pytest.raises(ActionError, match="character 3 of the text cannot be typed") as error:
        injector.type_text("ab\x1bc")
    assert "\x1b" not in str(error.value) and "x1b" not in str(error.value)
    assert window.count(0) == []


def test_borrowed_keys_are_given_back(display):
    before = keyboard(display)
    injector = X11Injector(display)
    injector.type_text("日本")
    with injector.held(chord("brightness_up+ф")):
        assert keyboard(display) != before
    injector.close()
    assert keyboard(display) == before


def test_a_key_that_a_new_layout_has_taken_is_not_given_back(display):
    injector = X11Injector(display)
    injector.type_text("日")
    ((code, _),) = injector._borrowed.items()
    other = Display(display)
    other.change_keyboard_mapping(code, [(0x61, 0x41)])
    other.sync()
    injector.close()
    assert keyboard(display)[code - 8][:2] == (0x61, 0x41)
    other.change_keyboard_mapping(code, [(0, 0)])
    other.close()


def keyboard(display):
    connection = Display(display)
    rows = connection.get_keyboard_mapping(8, 248)
    connection.close()
    width = max(len(row) for row in rows)
    return [(*row, *[0] * (width - len(row))) for row in rows]


def test_caps_lock_changes_no_text_and_stays_on(window, injector):
    caps_lock = [KEYS["caps_lock"]]
    with injector.held(caps_lock):
        pass
    window.count(2)
    window.clear()
    try:
        injector.type_text("Abc äÖ ж")
        assert window.until(lambda w: len(w.text) >= 8).text == "Abc äÖ ж"
        assert not any(event.state & 2 for event in window.events if len(event.what) == 2)
        assert window.root.query_pointer().mask & 2, "it is on again"
    finally:
        with injector.held(caps_lock):
            pass


@pytest.fixture
def two_layouts(display):
    """English and Russian, which the key Scroll Lock switches."""
    need(which("setxkbmap"), "no setxkbmap, which comes with Xvfb: apt install xvfb")
    switch = "grp:sclk_toggle"
    setting = ["setxkbmap", "-display", display]
    subprocess.run([*setting, "-layout", "us,ru", "-option", switch], check=True, timeout=20)
    yield
    subprocess.run([*setting, "-layout", "us", "-option", ""], check=True, timeout=20)


def test_text_arrives_whichever_layout_is_active(two_layouts, field, injector):
    from Xlib import XK

    asked = Display(os.environ["DISPLAY"])
    injector.type_text("Hi ")
    (switch, _) = injector._find(XK.XK_ISO_Next_Group, 0)
    injector._tap((switch,))
    try:
        assert asked.screen().root.query_pointer().mask >> 13 & 3 == 1, "the second layout is active"
        wanted = "Hi you, 5? ы"
        injector.type_text(wanted[3:])
        field.until([wanted, ""])
        with injector.held(chord("home")):
            pass
        injector.type_text(".")
        field.until(["." + wanted, ""])
    finally:
        injector._tap((switch,))
        asked.close()


def test_a_new_layout_is_noticed(window, injector, display):
    need(which("setxkbmap"), "no setxkbmap, which comes with Xvfb: apt install xvfb")
    injector.type_text("zy")
    assert window.until(lambda w: len(w.text) >= 2).text == "zy"
    window.clear()
    try:
        subprocess.run(["setxkbmap", "-display", display, "-layout", "de"], check=True, timeout=20)
        injector.type_text("zyß/")
        assert window.until(lambda w: len(w.text) >= 4).text == "zyß/"
        with injector.held(chord("ctrl+z")):
            pass
        assert window.until(lambda w: "-z" in w.happened[-2:]).happened[-4:] == [
            "+Control_L", "+z", "-z", "-Control_L",
        ]  # fmt: skip
    finally:
        subprocess.run(["setxkbmap", "-display", display, "-layout", "us"], check=True, timeout=20)


def test_clicks(window, injector):
    injector.click("left", 2)
    injector.click("middle")
    injector.click("right")
    assert window.count(8) == ["+1", "-1", "+1", "-1", "+2", "-2", "+3", "-3"]


def test_the_wheel_turns_right_and_down(window, injector):
    injector.scroll(0, 2)
    injector.scroll(1, -1)
    injector.scroll(-1, 0)
    assert window.count(10)[::2] == ["+5", "+5", "+7", "+4", "+6"]


def test_the_mouse_moves_by_pixels_and_to_places(window, injector):
    injector.move_to(0.5, 0.5)
    middle = round(0.5 * (WIDTH - 1)), round(0.5 * (HEIGHT - 1))
    assert window.pointer() == middle
    injector.move(30, -20)
    assert window.pointer() == (middle[0] + 30, middle[1] - 20)
    injector.move_to(1, 1)
    assert window.pointer() == (WIDTH - 1, HEIGHT - 1)
    injector.move_to(0, 0)
    assert window.pointer() == (0, 0)


def test_nothing_stays_down_when_the_middle_of_a_chord_fails(window, injector):
    with (
        pytest.raises(ZeroDivisionError),
        injector.held(chord("ctrl+shift+s")),
        injector.button_held("left"),
    ):
        assert window.until(lambda w: len(w.down()) == 4).down() == ["Control_L", "s", "Shift_L", "1"]
        raise ZeroDivisionError
    assert window.down() == []


def test_closing_lets_go_of_all(display, window):
    injector = X11Injector(display)
    for name in ("ctrl", "plus", "f13"):
        injector.press(key_named(name))
    injector.button("right", True)
    assert len(window.down()) == 5, "Control, Shift, =, F13 and a button"
    injector.close()
    assert window.down() == []


def test_a_key_that_is_down_is_not_pressed_again(window, injector):
    for _ in range(2):
        injector.press(key_named("a"))
    injector.release(key_named("a"))
    injector.release(key_named("a"))
    assert window.count(2) == ["+a", "-a"]


def test_no_display_is_one_clear_line():
    with pytest.raises(
        ActionError, match=r"cannot reach the display :5000 .*: start handflow on the desktop"
    ):
        X11Injector(":5000")


def test_a_display_that_lets_nobody_in_is_one_clear_line(tmp_path, monkeypatch):
    def part(text):
        return struct.pack(">H", len(text)) + text

    host, name, cookie = socket.gethostname().encode(), b"MIT-MAGIC-COOKIE-1", bytes(range(16))
    local = struct.pack(">H", 256)  # FamilyLocal, in Xauth.h
    key = tmp_path / "key"
    key.write_bytes(local + part(host) + part(b"") + part(name) + part(cookie))
    monkeypatch.setenv("XAUTHORITY", str(tmp_path / "absent"))
    with virtual_display("-auth", str(key)) as display:
        with pytest.raises(ActionError, match=r"cannot reach the display :\d+ \(Auth.*\): start") as error:
            X11Injector(display)
        assert "\n" not in str(error.value) and "b'" not in str(error.value)


def test_a_server_that_ends_is_told_and_closing_stays_quiet():
    before = os.environ.get("DISPLAY")
    with virtual_display() as name:
        injector = X11Injector(name)
        injector.press(key_named("a"))
        injector.type_text("日")
    with pytest.raises(InjectorLostError, match="the X server is gone"):
        injector.press(key_named("b"))
    injector.close()
    assert os.environ.get("DISPLAY") == before


def test_an_empty_authority_file_leaves_standard_output_alone(display, tmp_path):
    """python-xlib warns of one there; where events go to standard output, that would break them."""
    authority = tmp_path / "Xauthority"
    authority.touch()
    code = f"from handflow.act.inject.x11 import X11Injector; X11Injector({display!r}).close(); print('done')"
    told = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"XAUTHORITY": str(authority)},
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert told.stdout == "done\n"
