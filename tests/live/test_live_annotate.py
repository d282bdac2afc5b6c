"""What the annotated picture shows of events and of being armed."""

import dataclasses

import numpy as np
import pytest

from handflow.live.annotate import Annotator
from handflow.live.arming import ArmedState
from handflow.live.pipeline import LiveResult
from handflow.types import Frame, GestureEvent, Hands, Image, Scores

LABELS = ("swipe", "turn", "background")
FOOT = slice(430, 480)  # rows of the banner


def event(gesture: str, time: float, hand: str = "right") -> GestureEvent:
    return GestureEvent(gesture, 0.9, hand, 0, time - 0.5, None, time, 0)  # type: ignore[arg-type]


def result(time: float, *events: GestureEvent) -> LiveResult:
    frame = Frame(np.full((480, 640, 3), 90, np.uint8), time, round(30 * time))
    hands = Hands((), time, frame.index, frame.size)
    scores = Scores(np.array([0, 0, 1], np.float32), LABELS, time, frame.index)
    return LiveResult(frame, hands, scores, events)


def columns_lit(picture: Image) -> int:
    """Columns of the banner that hold text."""
    foot = picture[FOOT].astype(int)
    return int(((foot[..., 2] - foot[..., 0]) > 60).any(axis=0).sum())


def test_two_events_of_one_frame_are_both_shown() -> None:
    both = (event("swipe", 1.0, "left"), event("turn", 1.0))
    alone = [columns_lit(Annotator(LABELS).draw(result(1.0, e))) for e in both]
    assert columns_lit(Annotator(LABELS).draw(result(1.0, *both))) == pytest.approx(sum(alone), abs=4)


def test_an_event_of_the_other_hand_does_not_push_the_first_from_the_picture() -> None:
    annotator = Annotator(LABELS)
    first = columns_lit(annotator.draw(result(1.0, event("swipe", 1.0))))
    second = columns_lit(annotator.draw(result(1.3, event("turn", 1.3))))
    later = columns_lit(annotator.draw(result(1.9)))
    assert second > 1.5 * first > 0
    assert 0 < later < second
    assert columns_lit(annotator.draw(result(2.2))) == 0


def test_many_long_names_stay_within_the_picture() -> None:
    events = [event("a_gesture_with_a_very_long_name", 1.0)] * 3
    picture = Annotator(LABELS).draw(result(1.0, *events))
    empty = Annotator(LABELS).draw(result(1.0, event(" ", 1.0)))
    for edge in (slice(0, 4), slice(-4, None)):
        assert np.array_equal(picture[470:480, edge], empty[470:480, edge])


def test_armed_and_disarmed_are_said_in_words_and_a_held_hand_closes_a_ring() -> None:
    armed, disarmed = ArmedState(True, ()), ArmedState(False, ())
    shown = [Annotator(LABELS).draw(result(1.0), state) for state in (None, armed, disarmed)]
    panels = [picture[480:505] for picture in shown]
    assert not np.array_equal(panels[0], panels[1]) and not np.array_equal(panels[1], panels[2])
    assert all(np.array_equal(shown[0][:480], picture[:480]) for picture in shown[1:])
    greens = []
    for progress in (0.0, 0.25, 0.75, 1.0):
        state = dataclasses.replace(disarmed, progress=progress)
        top = Annotator(LABELS).draw(result(1.0), state)[:240].astype(int)
        greens.append(int((top[..., 1] - top[..., 0] > 60).sum()))
    assert greens[0] == greens[3] == 0 and 0 < 2 * greens[1] < greens[2]
