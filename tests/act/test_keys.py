"""`keys`: chords and text from a bindings file into a real window; nothing stays down, whatever fails."""

import threading
import time

import pytest
from pydantic import ValidationError

from handflow.act.actions.keys import KEYS, KeysSettings
from handflow.act.connections import Connections, KeyboardConnection
from handflow.act.inject import Injector, InjectorLostError
from handflow.errors import ActionError
from handflow.types import GestureEvent
from virtual_display import recording_window, virtual_display

EVENT = GestureEvent("swipe_left", 0.93, "right", 1, 0.2, 0.9, 1.0, 30)
X11 = Connections(keyboard=KeyboardConnection(by="x11"))


def settings(**given):
    return KeysSettings.model_validate(given)


@pytest.fixture(scope="module")
def display():
    with virtual_display() as name:
        yield name


@pytest.fixture
def window(display):
    with recording_window(display) as window:
        yield window


@pytest.fixture
def performer(display):
    performer = KEYS.perform_by(X11)
    performer.start()
    yield performer
    performer.close()


def test_a_chord_is_pressed(window, performer):
    performer.perform(settings(press="ctrl+shift+s"), EVENT)
    assert window.count(6) == ["+Control_L", "+Shift_L", "+S", "-S", "-Shift_L", "-Control_L"]


def test_chords_follow_one_another(window, performer):
    performer.perform(settings(press=["ctrl+a", "Delete", "alt+F4"], hold=0), EVENT)
    assert window.count(10) == [
        "+Control_L", "+a", "-a", "-Control_L", "+Delete", "-Delete", "+Alt_L", "+F4", "-F4", "-Alt_L",
    ]  # fmt: skip


def test_text_is_typed_with_what_the_event_tells(window, performer, monkeypatch):
    monkeypatch.setenv("HANDFLOW_TEST_WORD", "geheim")
    performer.perform(settings(text="{gesture}: ${HANDFLOW_TEST_WORD} ä€😀?"), EVENT)
    wanted = "swipe_left: geheim ä€😀?"
    assert window.until(lambda w: len(w.text) >= len(wanted)).text == wanted


def test_a_number_alone_is_typed_too(window, performer):
    performer.perform(settings(text="{score}"), EVENT)
    assert window.until(lambda w: len(w.text) >= 4).text == "0.93"


def test_a_chord_is_held_until_the_program_ends(window, performer):
    """`stop` comes from another thread: what is held comes up at once."""
    work = threading.Thread(target=performer.perform, args=[settings(press="shift+right", hold=60), EVENT])
    work.start()
    assert window.until(lambda w: len(w.down()) == 2).down() == ["Shift_L", "Right"]
    performer.stop()
    work.join(10)
    assert not work.is_alive() and window.down() == []


def test_a_hold_lasts(window, performer):
    started = time.monotonic()
    performer.perform(settings(press="a", hold=0.15), EVENT)
    assert time.monotonic() - started >= 0.15
    assert window.count(2) == ["+a", "-a"]


WRONG = {
    "nothing": ({}, "needs either `press`"),
    "both": ({"press": "a", "text": "b"}, "and not both"),
    "unknown key": ("ctrl+lefft", "no key is called 'lefft': did you mean left"),
    "unknown key in a list": (["a", "b+vlume_up"], "did you mean volume_up"),
    "plus": ("ctrl++", "+ itself is called plus"),
    "no key": ("", "is no chord"),
    "no chord": ([], "a list of chords"),
    "a number": (5, "write a chord"),
    "hold with text": ({"text": "a", "hold": 1}, "goes with `press`"),
    "endless hold": ({"press": "a", "hold": 1000}, "less than or equal to 60"),
    "no text": ({"text": ""}, "at least 1 character"),
    "misspelt": ({"pres": "a"}, "Extra inputs"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_told_as_the_file_is_read(name):
    given, says = WRONG[name]
    with pytest.raises(ValidationError) as error:
        KeysSettings.model_validate(given)
    assert says in error.value.errors()[0]["msg"]
    assert len(error.value.errors()) == 1


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("Ctrl+S", "press Ctrl+S"),
        (["ctrl+a", "ctrl+c"], "press ctrl+a, then ctrl+c"),
        ({"text": "{gesture} ${PASSWORD}"}, "type '{gesture} ${PASSWORD}'"),
    ],
)
def test_it_says_what_it_does_as_written(given, told, monkeypatch):
    monkeypatch.setenv("PASSWORD", "geheim")
    assert KeysSettings.model_validate(given).describe() == told


class Failing(Injector):
    """Fails as one key is pressed; records what goes down and up."""

    def __init__(self, at, error):
        super().__init__()
        self.at, self.error, self.done, self.closed = at, error, [], False

    def _press(self, key):
        self.done.append(f"+{key.name}")
        if key.name == self.at:
            raise self.error

    def _release(self, key):
        self.done.append(f"-{key.name}")

    def _button(self, name, down): ...

    def _type(self, text):
        self.done.append(text)

    def move(self, dx, dy): ...

    def move_to(self, x, y): ...

    def scroll(self, dx, dy): ...

    def _close(self):
        self.closed = True


def performer_with(*injectors):
    left = list(injectors)
    made = type(KEYS.perform_by(X11))(X11.keyboard, lambda connection: left.pop(0))
    return made


def test_a_failure_in_the_middle_of_a_chord_leaves_nothing_down(display):
    injector = Failing("s", ActionError("no"))
    performer = performer_with(injector)
    with pytest.raises(ActionError, match="no"):
        performer.perform(settings(press=["ctrl+shift+s", "a"]), EVENT)
    assert injector.done == ["+ctrl", "+shift", "+s", "-s", "-shift", "-ctrl"]
    performer.perform(settings(press="b"), EVENT)
    assert injector.done[-2:] == ["+b", "-b"] and not injector.closed, "it goes on with the same keyboard"


def test_a_lost_keyboard_is_made_anew(display):
    lost, fresh = Failing("a", InjectorLostError("gone")), Failing("", None)
    performer = performer_with(lost, fresh)
    with pytest.raises(ActionError, match="gone"):
        performer.perform(settings(press="a"), EVENT)
    assert lost.closed and fresh.done == [], "each action is performed at most once"
    performer.perform(settings(press="a"), EVENT)
    assert fresh.done == ["+a", "-a"]


def test_no_keyboard_yet_is_told_and_tried_again(display, monkeypatch):
    performer = KEYS.perform_by(X11)
    monkeypatch.setenv("DISPLAY", ":5001")
    for attempt in (performer.start, lambda: performer.perform(settings(press="a"), EVENT)):
        with pytest.raises(ActionError, match="cannot reach the display :5001"):
            attempt()
    monkeypatch.setenv("DISPLAY", display)
    performer.perform(settings(press="a"), EVENT)
    performer.close()


def test_problems_are_found_without_pressing_anything(display, window, monkeypatch):
    monkeypatch.delenv("HANDFLOW_TEST_WORD", raising=False)
    assert list(KEYS.problems(settings(press="ctrl+s"), X11)) == []
    (unset,) = KEYS.problems(settings(text="${HANDFLOW_TEST_WORD}"), X11)
    assert "HANDFLOW_TEST_WORD is not set" in unset
    monkeypatch.delenv("DISPLAY")
    (nowhere,) = KEYS.problems(settings(press="a"), X11)
    assert "DISPLAY is not set: start handflow on the desktop" in nowhere
    assert window.count(0) == []
