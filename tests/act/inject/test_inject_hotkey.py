"""A key that works whichever program is in front: on a real X server, by a signal, or not at all."""

import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from handflow.act.inject import chord
from handflow.act.inject.choice import Surroundings
from handflow.act.inject.hotkey import Hotkey, is_signal, on_signal
from handflow.act.inject.x11 import X11Injector
from handflow.errors import ActionError, MissingExtraError
from virtual_display import RecordingWindow, recording_window, virtual_display

LIMIT = 10.0  # seconds; nothing here needs so long


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    with virtual_display() as name:
        yield name


@pytest.fixture
def window(display: str) -> Iterator[RecordingWindow]:
    with recording_window(display) as window:
        yield window


@pytest.fixture
def injector(display: str) -> Iterator[X11Injector]:
    injector = X11Injector(display)
    yield injector
    injector.close()


Pressed = queue.Queue[str]


@pytest.fixture
def watch(display: str) -> Iterator[Callable[[str], Pressed]]:
    """Watches a chord; gives a queue with an entry for each time it is pressed."""
    with ExitStack() as stack:

        def begin(text: str) -> Pressed:
            pressed: Pressed = queue.Queue()
            stack.enter_context(Hotkey(text, lambda: pressed.put(text)))
            return pressed

        yield begin


def press(injector: X11Injector, text: str) -> None:
    """Presses a chord as a person would: some time passes before the next one."""
    with injector.held(chord(text)):
        pass
    time.sleep(0.02)


Watch = Callable[[str], Pressed]


@pytest.mark.parametrize("text", ["ctrl+alt+g", "F9", "ctrl+?", "super+Page Up", "ctrl+shift+plus", "alt+ω"])
def test_a_chord_calls_back_once_each_time_and_reaches_no_window(
    text: str, watch: Watch, window: RecordingWindow, injector: X11Injector
) -> None:
    if text == "alt+ω":  # which this keyboard has only once somebody has put it there
        press(injector, "ω")
        window.count(2)
        window.clear()
    pressed = watch(text)
    for _ in range(3):
        press(injector, text)
        assert pressed.get(timeout=LIMIT) == text
    press(injector, "b")  # whatever came before has come by then
    happened = window.until(lambda w: "-b" in w.happened).happened
    assert pressed.empty()
    key = chord(text)[-1].name
    assert f"+{key}" not in [what.lower() for what in happened]


@pytest.mark.parametrize("locks", [("caps_lock",), ("num_lock",), ("caps_lock", "num_lock")], ids="+".join)
def test_locks_make_no_difference(
    locks: tuple[str, ...], watch: Watch, window: RecordingWindow, injector: X11Injector
) -> None:
    pressed = watch("ctrl+alt+g")
    for lock in locks:
        press(injector, lock)
    try:
        press(injector, "b")
        window.until(lambda w: "-b" in w.happened or "-B" in w.happened)
        state = next(event.state for event in window.events if event.what.lower() == "+b")
        assert bool(state & 2) == ("caps_lock" in locks) and bool(state & 16) == ("num_lock" in locks)
        press(injector, "ctrl+alt+g")
        assert pressed.get(timeout=LIMIT)
    finally:
        for lock in locks:
            press(injector, lock)


@pytest.mark.parametrize("other", ["g", "ctrl+g", "ctrl+alt+h", "ctrl+alt+shift+g", "ctrl+super+g"])
def test_other_chords_do_not_call_back_and_reach_the_window(
    other: str, watch: Watch, window: RecordingWindow, injector: X11Injector
) -> None:
    pressed = watch("ctrl+alt+g")
    press(injector, other)
    count = 2 * len(chord(other))
    assert len(window.count(count)) == count
    assert pressed.empty()


def test_a_key_that_is_kept_down_counts_once(
    watch: Watch, window: RecordingWindow, injector: X11Injector
) -> None:
    with injector.held(chord("b")):  # this server repeats keys, else the test says nothing
        window.until(lambda w: w.happened.count("+b") >= 3)
    assert window.happened.count("+b") >= 3
    pressed = watch("ctrl+alt+g")
    with injector.held(chord("ctrl+alt+g")):
        assert pressed.get(timeout=LIMIT)
        time.sleep(1.0)  # it begins to repeat after 0.66 s
    assert pressed.empty()
    time.sleep(0.02)
    press(injector, "ctrl+alt+g")
    assert pressed.get(timeout=LIMIT)


def test_a_chord_that_another_program_has_is_refused(watch: Watch, injector: X11Injector) -> None:
    pressed = watch("ctrl+alt+g")
    with pytest.raises(ActionError, match=r"--arm-key ctrl\+alt\+g: another program has this key: choose"):
        Hotkey("ctrl+alt+g", print)
    press(injector, "ctrl+alt+g")
    assert pressed.get(timeout=LIMIT), "the first one still has it"


def test_closing_gives_the_chord_back(display: str, window: RecordingWindow, injector: X11Injector) -> None:
    pressed: Pressed = queue.Queue()
    threads = threading.active_count()
    with Hotkey("ctrl+alt+g", lambda: pressed.put("first")):
        press(injector, "ctrl+alt+g")
        assert pressed.get(timeout=LIMIT) == "first"
    assert threading.active_count() <= threads
    window.clear()
    press(injector, "ctrl+alt+g")
    assert "+g" in window.count(6) and pressed.empty()
    with Hotkey("ctrl+alt+g", lambda: pressed.put("second")):
        press(injector, "ctrl+alt+g")
        assert pressed.get(timeout=LIMIT) == "second"


def test_it_ends_in_good_order_when_the_server_is_gone() -> None:
    with virtual_display():
        hotkey = Hotkey("ctrl+alt+g", print)
    hotkey.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "hotkey"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("ctrl+lefft", "no key is called 'lefft': did you mean left"),
        ("ctrl++", "is no chord"),
        ("ctrl+alt", "name modifiers and one other key, such as ctrl+alt+g"),
        ("g+h", "name modifiers and one other key"),
        ("alt_gr+g", "name modifiers and one other key"),
        ("ctrl+日", "this keyboard has no key 日"),
    ],
)
def test_what_is_no_chord_is_told(text: str, says: str, display: str) -> None:
    with pytest.raises(ActionError) as error:
        Hotkey(text, print)
    assert str(error.value).startswith(f"--arm-key {text}: ") and says in str(error.value)


@pytest.mark.parametrize(
    "environ", [{"DISPLAY": ":0", "WAYLAND_DISPLAY": "wayland-0", "XDG_SESSION_TYPE": "wayland"}, {}]
)
def test_where_no_program_may_watch_keys_the_signal_is_named(environ: dict[str, str]) -> None:
    with pytest.raises(ActionError) as error:
        Hotkey("ctrl+alt+g", print, Surroundings("linux", environ, "writable"))
    assert "write --arm-key USR1, and bind a shortcut of the desktop to `pkill -USR1 -x handflow`" in str(
        error.value
    )


def test_a_display_that_is_not_there_is_told() -> None:
    with pytest.raises(ActionError, match="cannot reach the display :5001"):
        Hotkey("ctrl+alt+g", print, Surroundings("linux", {"DISPLAY": ":5001"}, "absent"))


class Listener:
    """Stands for pynput's GlobalHotKeys."""

    def __init__(self, hotkeys: dict[str, Callable[[], None]]) -> None:
        self.hotkeys, self.state = hotkeys, "new"

    def start(self) -> None:
        self.state = "started"

    def stop(self) -> None:
        self.state = "stopped"


@pytest.mark.parametrize("system", ["darwin", "win32"])
@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("ctrl+alt+g", "<ctrl>+<alt>+g"),
        ("Cmd+Shift+F9", "<cmd>+<shift>+<f9>"),
        ("ctrl+page up", "<ctrl>+<page_up>"),
    ],
)
def test_macos_and_windows_watch_by_pynput(
    system: str, text: str, written: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Listener] = []

    def make(hotkeys: dict[str, Callable[[], None]]) -> Listener:
        made.append(Listener(hotkeys))
        return made[-1]

    keyboard: Any = ModuleType("pynput.keyboard")
    keyboard.GlobalHotKeys = make
    monkeypatch.setitem(sys.modules, "pynput", SimpleNamespace(keyboard=keyboard))
    monkeypatch.setitem(sys.modules, "pynput.keyboard", keyboard)
    pressed: list[int] = []
    with Hotkey(text, lambda: pressed.append(1), Surroundings(system, {}, "absent")):
        (listener,) = made
        assert listener.state == "started" and list(listener.hotkeys) == [written]
        listener.hotkeys[written]()
    assert pressed == [1] and listener.state == "stopped"


def test_a_missing_package_is_told_with_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynput", None)
    monkeypatch.setitem(sys.modules, "pynput.keyboard", None)
    with pytest.raises(MissingExtraError, match="a key that arms needs the extra 'control'"):
        Hotkey("ctrl+alt+g", print, Surroundings("darwin", {}, "absent"))


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="this system has no SIGUSR1")
def test_the_signal_calls_back_inside_alone() -> None:
    assert is_signal("USR1") and not is_signal("ctrl+alt+g")
    pressed: list[int] = []
    before = signal.getsignal(signal.SIGUSR1)
    with on_signal(lambda: pressed.append(1)):
        os.kill(os.getpid(), signal.SIGUSR1)
        os.kill(os.getpid(), signal.SIGUSR1)
    assert 1 <= len(pressed) <= 2, "two that come at once may be one"
    assert signal.getsignal(signal.SIGUSR1) == before


def test_other_threads_hear_no_signal() -> None:
    errors: list[BaseException] = []

    def work() -> None:
        try:
            with on_signal(print):
                pass
        except BaseException as error:  # noqa: BLE001
            errors.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert not errors
