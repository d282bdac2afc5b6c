"""Which bindings an event means: modes, hands, scores, cool-downs, the window in front, held poses."""

import numpy as np
import pytest

from handflow.act.application import Application
from handflow.act.bindings_file import parse_bindings
from handflow.act.switchboard import Switchboard
from handflow.types import GestureEvent, Scores

LABELS = ("fist", "wave", "background")


def event(gesture: str = "wave", time: float = 1.0, hand: str = "right", score: float = 0.9) -> GestureEvent:
    return GestureEvent(gesture, score, hand, 1, time - 0.5, time - 0.1, time, round(30 * time))  # type: ignore[arg-type]


def board(text: str, front: Application | None = None) -> Switchboard:
    return Switchboard(parse_bindings(text), lambda: front)


def binding(more: str = "", gesture: str = "wave", do: str = '{ command = ["true"] }') -> str:
    return f'[[bindings]]\ngesture = "{gesture}"\ndo = [{do}]\n{more}\n'


def due(switchboard: Switchboard, *args: object, **kwargs: object) -> bool:
    return any(choice.due for choice in switchboard.choose(event(*args, **kwargs)))  # type: ignore[arg-type]


def shown(gesture: str, score: float, time: float, hand: str = "right") -> tuple[Scores, ...]:
    probabilities = np.array([score if label == gesture else 0.0 for label in LABELS], np.float32)
    probabilities[-1] = 1 - score
    return (Scores(probabilities, LABELS, time, round(30 * time), hand),)  # type: ignore[arg-type]


def test_only_the_gesture_and_the_hand_that_are_bound_count() -> None:
    switchboard = board(binding('hand = "left"'))
    assert not due(switchboard)
    assert due(switchboard, hand="left")
    assert not due(switchboard, "fist", hand="left")


@pytest.mark.parametrize(
    ("more", "score", "why"),
    [
        ("least_score = 0.95", 0.9, "its score 0.90 is below 0.95"),
        ("enabled = false", 0.9, "it is not enabled"),
        ('modes = ["music"]', 0.9, "the mode is normal, not music"),
        ('application = "*impress*"', 0.9, "Browser is in front"),
    ],
)
def test_what_is_not_done_says_why(more: str, score: float, why: str) -> None:
    (choice,) = board(binding(more), Application("Browser", ("firefox",))).choose(event(score=score))
    assert choice.refused == why


def test_a_cool_down_is_counted_from_the_last_time_it_was_done() -> None:
    switchboard = board(binding("cooldown = 2"))
    assert [due(switchboard, time=t) for t in (1.0, 2.9, 3.0, 4.9, 5.1)] == [True, False, True, False, True]


def test_an_application_must_be_in_front_and_known() -> None:
    text = binding('application = "*Impress*"')
    assert due(board(text, Application("talk.odp - LibreOffice Impress", ("libreoffice",))))
    assert due(board(text, Application("", ("impress",))))
    (choice,) = board(text).choose(event())
    assert choice.refused.startswith("it is not known which window is in front")


def test_the_window_in_front_is_only_asked_for_where_it_matters() -> None:
    def forbidden() -> Application | None:
        raise AssertionError

    switchboard = Switchboard(parse_bindings(binding()), forbidden)
    assert due(switchboard)


def test_a_gesture_switches_layers_and_back() -> None:
    switchboard = board(
        binding('modes = ["normal"]')
        + binding('modes = ["music"]', do='{ mode = "music" }, { command = ["next"] }').replace(
            '{ mode = "music" }, ', ""
        )
        + binding(gesture="fist", do='{ mode = "music" }')
    )

    def done() -> list[str]:
        return [c.binding.do[0].describe() for c in switchboard.choose(event()) if c.due]

    first = done()
    assert due(switchboard, "fist") and switchboard.mode == "music"
    assert done() != first
    assert due(switchboard, "fist") and switchboard.mode == "normal"
    assert done() == first


def test_bindings_after_a_switch_of_mode_still_belong_to_the_mode_of_the_event() -> None:
    switchboard = board(
        binding('modes = ["normal"]\nhand = "right"', do='{ mode = "music" }') + binding('modes = ["music"]')
    )
    first, second = switchboard.choose(event())
    assert first.due and not second.due


@pytest.mark.parametrize("fps", [10, 15, 30, 60])
def test_a_held_pose_is_repeated_until_it_ends(fps: int) -> None:
    switchboard = board(binding("repeat = 0.5", gesture="fist"))
    assert due(switchboard, "fist", time=1.0)
    times = []
    for frame in range(1, 4 * fps):
        now = 1.0 + frame / fps
        held = now < 3.2
        for choice in switchboard.repeated(shown("fist", 0.9 if held else 0.0, now)):
            assert choice.event.time == now
            times.append(now)
    assert len(times) == 4  # 1.5, 2.0, 2.5, 3.0
    assert all(t == pytest.approx(1.0 + 0.5 * (k + 1), abs=1.01 / fps) for k, t in enumerate(times))


def test_a_short_slip_does_not_end_a_hold_and_a_late_frame_brings_no_burst() -> None:
    switchboard = board(binding("repeat = 0.2", gesture="fist"))
    switchboard.choose(event("fist", time=1.0))
    assert switchboard.repeated(shown("fist", 0.9, 1.1)) == ()
    assert switchboard.repeated(shown("fist", 0.1, 1.25)) == ()  # a slip
    assert len(switchboard.repeated(shown("fist", 0.9, 1.35))) == 1
    assert len(switchboard.repeated(shown("fist", 0.9, 3.0))) == 1  # frames were dropped
    assert switchboard.repeated(shown("fist", 0.9, 3.05)) == ()
    assert switchboard.repeated(shown("fist", 0.1, 3.4)) == ()  # longer than a slip: over
    assert switchboard.repeated(shown("fist", 0.9, 3.6)) == ()


def test_a_repetition_ends_where_the_binding_is_no_longer_active() -> None:
    switchboard = board(
        binding('repeat = 0.2\nmodes = ["normal"]', gesture="fist") + binding(do='{ mode = "music" }')
    )
    switchboard.choose(event("fist", time=1.0))
    switchboard.choose(event("wave", time=1.1))
    assert switchboard.repeated(shown("fist", 0.9, 1.3)) == ()


def test_new_bindings_keep_the_mode_that_they_know() -> None:
    switchboard = board(binding(do='{ mode = "music" }'))
    switchboard.choose(event())
    assert switchboard.mode == "music"
    switchboard.change(parse_bindings(binding('modes = ["music"]')))
    assert switchboard.mode == "music"
    switchboard.change(parse_bindings(binding('modes = ["home"]')))
    assert switchboard.mode == "normal"
