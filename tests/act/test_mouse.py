"""`mouse`: clicks, moves, wheel and drags from a bindings file into a real window."""

import threading

import pytest
from pydantic import ValidationError

from handflow.act.actions.mouse import DRAG_STEPS, MOUSE, MouseSettings
from handflow.act.connections import Connections, KeyboardConnection
from handflow.types import GestureEvent
from virtual_display import HEIGHT, WIDTH, recording_window, virtual_display

EVENT = GestureEvent("pinch", 0.9, "right", 1, 0.2, 0.9, 1.0, 30)
X11 = Connections(keyboard=KeyboardConnection(by="x11"))


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
    performer = MOUSE.perform_by(X11)
    performer.start()
    yield performer
    performer.close()


ACTIONS = {
    "click": ("left", ["+1", "-1"]),
    "right click": ({"click": "right"}, ["+3", "-3"]),
    "double click": ({"click": "left", "count": 2}, ["+1", "-1", "+1", "-1"]),
    "scroll down": ({"scroll": [0, 2]}, ["+5", "-5", "+5", "-5"]),
    "scroll left": ({"scroll": [-1, 0]}, ["+6", "-6"]),
    "zoom": ({"scroll": [0, -1], "holding": "ctrl"}, ["+Control_L", "+4", "-4", "-Control_L"]),
    "shift click": (
        {"click": "left", "holding": "shift+ctrl"},
        ["+Shift_L", "+Control_L", "+1", "-1", "-Control_L", "-Shift_L"],
    ),
}


@pytest.mark.parametrize("name", ACTIONS)
def test_the_window_is_told(window, performer, name):
    given, happened = ACTIONS[name]
    performer.perform(MouseSettings.model_validate(given), EVENT)
    assert window.count(len(happened)) == happened
    assert window.down() == []


def test_the_pointer_moves(window, performer):
    performer.perform(MouseSettings(move_to=(0.25, 1)), EVENT)
    assert window.pointer() == (round(0.25 * (WIDTH - 1)), HEIGHT - 1)
    performer.perform(MouseSettings(move=(-20, -100)), EVENT)
    assert window.pointer() == (round(0.25 * (WIDTH - 1)) - 20, HEIGHT - 101)


@pytest.mark.parametrize(("button", "number"), [("left", 1), ("middle", 2)])
def test_a_drag_moves_in_steps_while_the_button_is_down(window, performer, button, number):
    performer.perform(MouseSettings(move_to=(0.5, 0.5)), EVENT)
    window.clear()
    start = window.pointer()
    performer.perform(MouseSettings(drag=(103, -47), button=button), EVENT)
    assert window.count(2) == [f"+{number}", f"-{number}"]
    down, *moves, up = window.events
    assert down.place == start and up.place == (start[0] + 103, start[1] - 47)
    assert len(moves) == DRAG_STEPS and moves[-1].place == up.place
    assert all(move.state >> (7 + number) & 1 for move in moves), "the button is down meanwhile"


def test_a_drag_ends_as_the_program_does(window, performer):
    performer.stop()
    performer.perform(MouseSettings(drag=(30, 0)), EVENT)
    assert window.count(2) == ["+1", "-1"]


def test_a_pointer_that_fails_leaves_nothing_down(window, performer, monkeypatch):
    def fail(dx, dy):
        assert window.down() == ["Control_L", "1"]
        raise ZeroDivisionError

    monkeypatch.setattr(performer._injector, "move", fail)
    with pytest.raises(ZeroDivisionError):
        performer.perform(MouseSettings(drag=(1, 1), holding="ctrl"), EVENT)
    assert window.down() == []


def test_keys_and_mouse_work_beside_each_other(window, performer):
    from handflow.act.actions.keys import KEYS, KeysSettings

    keys = KEYS.perform_by(X11)
    work = [
        threading.Thread(target=keys.perform, args=[KeysSettings(press=("a",) * 20, hold=0), EVENT]),
        threading.Thread(target=performer.perform, args=[MouseSettings(scroll=(0, 20)), EVENT]),
    ]
    for thread in work:
        thread.start()
    for thread in work:
        thread.join(10)
    keys.close()
    happened = window.count(80)
    assert happened.count("+a") == happened.count("-a") == happened.count("+5") == happened.count("-5") == 20


WRONG = {
    "nothing": ({}, "needs one of click, move, move_to, scroll, drag, but has nothing"),
    "two": ({"click": "left", "move": [1, 1]}, "but has click and move"),
    "no such button": ("lefty", "Input should be 'left', 'middle' or 'right'"),
    "too many clicks": ({"click": "left", "count": 4}, "less than or equal to 3"),
    "count without click": ({"scroll": [0, 1], "count": 2}, "`count` goes with `click`, not with `scroll`"),
    "button without drag": ({"click": "left", "button": "right"}, "`button` goes with `drag`"),
    "off the screen": ({"move_to": [0.5, 1.5]}, "less than or equal to 1"),
    "half a pixel": ({"move": [0.5, 1]}, "valid integer"),
    "one number": ({"scroll": [3]}, "Field required"),
    "unknown key": ({"scroll": [0, 1], "holding": "ctlr"}, "did you mean ctrl"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_told_as_the_file_is_read(name):
    given, says = WRONG[name]
    with pytest.raises(ValidationError) as error:
        MouseSettings.model_validate(given)
    assert says in error.value.errors()[0]["msg"]
    assert len(error.value.errors()) == 1


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("left", "click left"),
        ({"click": "right", "count": 2}, "click right twice"),
        ({"click": "left", "count": 3, "holding": "ctrl"}, "click left three times, holding ctrl"),
        ({"move": [0, -5]}, "move the mouse by 0, -5 pixels"),
        ({"move_to": [0.5, 0.25]}, "move the mouse to 50%, 25% of the screen"),
        ({"scroll": [0, 3]}, "scroll by 0, 3 steps"),
        ({"drag": [10, 0]}, "drag left by 10, 0 pixels"),
    ],
)
def test_it_says_what_it_does(given, told):
    assert MouseSettings.model_validate(given).describe() == told


def test_problems_are_found(display, monkeypatch):
    scroll = MouseSettings(scroll=(0, 1))
    assert list(MOUSE.problems(scroll, X11)) == []
    monkeypatch.delenv("DISPLAY")
    (nowhere,) = MOUSE.problems(scroll, X11)
    assert "DISPLAY is not set" in nowhere
