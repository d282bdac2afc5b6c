"""Each hand is spotted for itself, a gesture of both hands once."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from handflow.evaluate.streams import follow_stream, recognize_stream, slotted_frames
from handflow.hands import SlottedHands
from handflow.recognize import Recognizer, Spotter, SpotterConfig, Threshold, load_recognizer
from handflow.recognize.few_shot.recognizer import FewShotRecognizer
from handflow.recognize.spotting import FADING, Spotting
from handflow.teach import TeachConfig, teach_model
from handflow.types import LEFT, RIGHT, Clip, Float64, GestureEvent, HandSequence, Scores
from recognize.test_recognize_recognizer import ByVelocity, model_info
from recognize.two_hands import (
    FPS,
    both_hands,
    fidgeting,
    hand_doing,
    one_handed,
    reflected,
    stream_of,
    two_handed,
)
from teach.few_shot_samples import nothing, sequence

SECONDS = 3.5


def taught(clips: list[Clip], out: Path, **config: bool) -> FewShotRecognizer:
    opened = load_recognizer(teach_model(clips, out, TeachConfig(**config)).folder)
    assert isinstance(opened, FewShotRecognizer)
    return opened


@pytest.fixture(scope="module")
def of_one(tmp_path_factory: pytest.TempPathFactory) -> FewShotRecognizer:
    """Knows gestures of one hand."""
    return taught(one_handed(), tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def of_both(tmp_path_factory: pytest.TempPathFactory) -> FewShotRecognizer:
    """Knows "open" of both hands besides gestures of one hand."""
    clips = one_handed(("hand_up", "hand_down")) + two_handed("open", "hand_right")
    return taught(clips, tmp_path_factory.mktemp("models"))


def doing(what: str) -> Float64:
    return fidgeting(SECONDS) if what == "fidget" else hand_doing(what, 1.0, SECONDS)


def events_of(recognizer: FewShotRecognizer, made: HandSequence) -> list[GestureEvent]:
    return recognize_stream(Spotting(recognizer), stream_of(made))


def who(events: Sequence[GestureEvent]) -> list[tuple[str, str, int]]:
    return sorted((event.gesture, event.hand, event.track) for event in events)


# Taught models


@pytest.mark.parametrize(
    ("left", "right"),
    [("hand_up", "hand_left"), ("hand_left", "hand_right"), ("hand_up", "hand_up"), ("hand_down", "hand_up")],
)
def test_two_hands_that_gesture_at_once_give_an_event_each(
    of_one: FewShotRecognizer, left: str, right: str
) -> None:
    events = events_of(of_one, both_hands(doing(left), doing(right)))
    assert who(events) == sorted([(left, "left", 0), (right, "right", 1)])


@pytest.mark.parametrize("other", ["rest", "fidget"])
@pytest.mark.parametrize("gesture", ["hand_left", "hand_up"])
@pytest.mark.parametrize("acts", ["left", "right"])
def test_one_hand_gestures_whatever_the_other_does(
    of_one: FewShotRecognizer, other: str, gesture: str, acts: str
) -> None:
    hands = (doing(gesture), doing(other)) if acts == "left" else (doing(other), doing(gesture))
    events = events_of(of_one, both_hands(*hands))
    assert who(events) == [(gesture, acts, 0 if acts == "left" else 1)]


def test_hands_that_only_fidget_say_nothing(of_one: FewShotRecognizer) -> None:
    assert events_of(of_one, both_hands(doing("rest"), doing("fidget"))) == []


def test_a_gesture_of_both_hands_is_one_event(of_both: FewShotRecognizer) -> None:
    right = doing("hand_right")
    (event,) = events_of(of_both, both_hands(reflected(right), right))
    assert (event.gesture, event.hand) == ("open", "both")


def test_beside_gestures_of_both_hands_each_hand_has_its_own(of_both: FewShotRecognizer) -> None:
    events = events_of(of_both, both_hands(doing("hand_up"), doing("hand_down")))
    assert who(events) == [("hand_down", "right", 1), ("hand_up", "left", 0)]


@pytest.mark.parametrize("other", ["rest", "fidget"])
def test_a_gesture_of_both_hands_is_not_made_with_one(of_both: FewShotRecognizer, other: str) -> None:
    assert events_of(of_both, both_hands(doing(other), doing("hand_right"))) == []


@pytest.mark.parametrize("lost_at", [1.2, 1.5, 1.8, 2.1])
@pytest.mark.parametrize("other", [None, "rest"])
def test_a_hand_that_is_lost_in_mid_gesture_makes_one(
    of_one: FewShotRecognizer, lost_at: float, other: str | None
) -> None:
    made = both_hands(doing(other) if other else None, doing("hand_up"))
    marks = made.landmarks.copy()
    first = round(lost_at * FPS)
    marks[first : first + round(0.25 * FPS), RIGHT] = np.nan
    (event,) = events_of(of_one, sequence(marks, made.timestamps))
    assert (event.gesture, event.hand) == ("hand_up", "right")


@pytest.mark.parametrize("lost_at", [1.8, 2.0, 2.2, 2.4])
def test_a_hand_that_comes_back_in_the_other_slot_makes_one(
    of_one: FewShotRecognizer, lost_at: float
) -> None:
    made = both_hands(None, doing("hand_up"))
    marks = made.landmarks.copy()
    first = round(lost_at * FPS)
    again = first + round(0.25 * FPS)
    marks[again:, LEFT] = marks[again:, RIGHT]
    marks[first:, RIGHT] = np.nan
    assert [e.gesture for e in events_of(of_one, sequence(marks, made.timestamps))] == ["hand_up"]


@pytest.mark.parametrize("gesture", ["hand_left", "hand_up"])
def test_of_one_hand_it_says_what_one_spotter_says(of_one: FewShotRecognizer, gesture: str) -> None:
    made = both_hands(None, doing(gesture))
    of_one.reset()
    spotter, wanted, scores = of_one.spotter(), [], []
    for number, hands in enumerate(slotted_frames(made)):
        scores.append(of_one.update(hands, float(made.timestamps[number]), number))
        wanted += spotter.update(scores[-1])
    found = list(follow_stream(Spotting(of_one), stream_of(made)))
    assert [event for spotted in found for event in spotted.events] == wanted
    for spotted, alone in zip(found, scores, strict=True):
        assert spotted.each == (spotted.scores,)
        np.testing.assert_array_equal(spotted.scores.probabilities, alone.probabilities)


def test_where_hands_matter_only_the_taught_hand_makes_the_gesture(tmp_path: Path) -> None:
    model = taught(one_handed(("hand_left", "hand_up")), tmp_path, hands_matter=True)
    both = events_of(model, both_hands(doing("hand_left"), doing("hand_up")))
    assert who(both) == [("hand_up", "right", 1)]


# Networks


def test_a_network_tells_the_hands_apart_and_says_both_where_both_move() -> None:
    recognizer = Recognizer(model_info(), ByVelocity())
    made = both_hands(doing("hand_left"), doing("rest"))
    for number, hands in enumerate(slotted_frames(made)):
        each = recognizer.update_each(hands, float(made.timestamps[number]), number)
        assert [scores.hand for scores in each] == ["left", "right", "both"]
        assert [scores.track for scores in each[:2]] == [0, 1]
        assert each[2].probabilities.argmax() == 2  # the right hand rests: nothing of both
    made = both_hands(doing("hand_left"), doing("hand_left"))
    recognizer.reset()
    pairs = [
        recognizer.update_each(hands, float(made.timestamps[number]), number)[2].probabilities[0]
        for number, hands in enumerate(slotted_frames(made))
    ]
    assert max(pairs) > 0.9


def test_the_score_of_a_hand_alone_is_that_without_the_other() -> None:
    recognizer, alone = (Recognizer(model_info(), ByVelocity()) for _ in range(2))
    made = both_hands(doing("hand_left"), doing("fidget"))
    left_only = both_hands(doing("hand_left"), None)
    frames = zip(slotted_frames(made), slotted_frames(left_only), strict=True)
    for number, (two, one) in enumerate(frames):
        time = float(made.timestamps[number])
        found, wanted = recognizer.update_each(two, time, number)[0], alone.update(one, time, number)
        np.testing.assert_allclose(found.probabilities, wanted.probabilities, atol=1e-6)
        if number < 3:
            continue  # of a hand that has not moved at all it is not said which it is
        assert (found.hand, found.motion) == (wanted.hand, pytest.approx(wanted.motion, nan_ok=True))


# Rules, on scores as wished


class Told:
    """Gives the scores that a test wishes for."""

    def __init__(self, frames: Sequence[dict[str, tuple[str, float]]]) -> None:
        self.frames = frames
        self.resets = 0

    def reset(self) -> None:
        self.resets += 1

    def spotter(self) -> Spotter:
        return Spotter(SpotterConfig(smoothing=0.0, minimum=0.05))

    def update_each(self, hands: object, timestamp: float, frame: int, image: object = None) -> tuple:
        return tuple(scores(hand, *said, timestamp, frame) for hand, said in self.frames[frame].items())


LABELS = ("swipe", "turn", "background")


def scores(hand: str, gesture: str, p: float, timestamp: float, frame: int, motion: float = 0.0) -> Scores:
    told = np.zeros(3, np.float32)
    told[LABELS.index(gesture)] = p
    told[2] += 1 - p
    return Scores(told, LABELS, timestamp, frame, hand, {"left": 0}.get(hand, 1), motion)  # type: ignore[arg-type]


HANDS = SlottedHands(
    np.full((2, 21, 3), np.nan, np.float32),
    np.full(2, np.nan, np.float32),
    np.zeros(2, np.float32),
    (-1, -1),
)
IDLE = ("swipe", 0.0)


def spotted(
    said: Callable[[float], dict[str, tuple[str, float]]], seconds: float = 4.0
) -> list[GestureEvent]:
    times = np.arange(0, seconds, 1 / 30)
    spotting = Spotting(Told([said(float(t)) for t in times]))
    events = [e for n, t in enumerate(times) for e in spotting.update(HANDS, float(t), n).events]
    return [*events, *spotting.finish()]


def on(first: float, last: float, t: float, gesture: str, p: float = 0.95) -> tuple[str, float]:
    return (gesture, p) if first <= t < last else IDLE


def test_hands_wait_while_the_pair_scores_high() -> None:
    events = spotted(
        lambda t: {
            "left": on(1.0, 1.8, t, "swipe"),
            "right": on(1.0, 1.9, t, "swipe"),
            "both": on(1.0, 1.6, t, "swipe", 0.9),
        }
    )
    assert [(e.gesture, e.hand) for e in events] == [("swipe", "both")]


def test_after_a_gesture_of_both_hands_are_free_again() -> None:
    events = spotted(
        lambda t: {
            "left": on(1.0, 1.8, t, "swipe") if t < 2 else on(2.5, 3.0, t, "turn"),
            "right": IDLE,
            "both": on(1.0, 1.5, t, "turn"),
        }
    )
    assert [(e.gesture, e.hand) for e in events] == [("turn", "both"), ("turn", "left")]


def test_of_a_hand_and_a_pair_at_about_the_same_time_the_first_wins() -> None:
    events = spotted(
        lambda t: {
            "left": on(1.0, 1.15, t, "swipe"),
            "right": IDLE,
            "both": on(1.15, 1.3, t, "turn"),
        }
    )
    assert [(e.gesture, e.hand) for e in events] == [("swipe", "left")]


def test_a_pair_that_repeats_what_a_hand_says_for_itself_adds_nothing() -> None:
    events = spotted(
        lambda t: {
            "left": on(1.0, 1.5, t, "swipe"),
            "right": on(1.0, 1.5, t, "turn"),
            "both": on(1.0, 1.5, t, "turn"),
        }
    )
    assert sorted((e.gesture, e.hand) for e in events) == [("swipe", "left"), ("turn", "right")]


def test_what_neither_hand_says_alone_the_pair_says() -> None:
    events = spotted(lambda t: {"left": IDLE, "right": IDLE, "both": on(1.0, 1.5, t, "turn")})
    assert [(e.gesture, e.hand) for e in events] == [("turn", "both")]


def test_the_spotter_of_the_only_hand_goes_with_it_to_the_other_slot() -> None:
    events = spotted(lambda t: {"right" if t < 1.3 else "left": on(1.0, 1.6, t, "swipe")})
    assert [(e.gesture, e.hand) for e in events] == [("swipe", "right")]


@pytest.mark.parametrize("stays", ["left", "right"])
def test_when_the_other_hand_leaves_the_gesture_goes_on(stays: str) -> None:
    other = {"left": "right", "right": "left"}[stays]

    def said(t: float) -> dict[str, tuple[str, float]]:
        mine = {stays: on(1.0, 2.0, t, "swipe")}
        return mine | ({other: on(0.2, 1.3, t, "turn")} if t < 1.3 else {})

    events = spotted(said)
    assert sorted((e.gesture, e.hand) for e in events) == [("swipe", stays), ("turn", other)]


def test_a_hand_that_left_counts_as_idle_for_a_while() -> None:
    seen: list[tuple[float, float]] = []

    class Noting(Spotter):
        def update(self, scores: Scores) -> tuple[GestureEvent, ...]:
            if scores.hand == "left":
                seen.append((scores.timestamp, float(scores.probabilities[2])))
            return super().update(scores)

    times = np.arange(0, 4, 1 / 30)
    told = Told([{"left": ("swipe", 0.9), "right": IDLE} if t < 1 else {"right": IDLE} for t in times])
    told.spotter = Noting  # type: ignore[method-assign, assignment]
    spotting = Spotting(told)
    for n, t in enumerate(times):
        spotting.update(HANDS, float(t), n)
    assert [p for t, p in seen if t >= 1] == [1.0] * len([t for t, _ in seen if t >= 1])
    assert 1 + FADING - 0.1 < max(t for t, _ in seen) < 1 + FADING + 0.1


def test_the_hand_to_show_has_the_highest_score_else_it_moves_most() -> None:
    class Moving(Told):
        def update_each(self, hands: object, timestamp: float, frame: int, image: object = None) -> tuple:
            high = 0.8 if frame else 0.03
            return (
                scores("left", "swipe", 0.0, timestamp, frame, 2.0),
                scores("right", "swipe", high, timestamp, frame, float("nan")),
            )

    spotting = Spotting(Moving([]))
    assert [spotting.update(HANDS, n / 30, n).scores.hand for n in range(2)] == ["left", "right"]


def test_another_persons_hand_begins_anew() -> None:
    told = Told([{"right": IDLE}] * 2)
    spotting = Spotting(told)
    spotting.update(HANDS, 0.0, 0)
    taken = SlottedHands(HANDS.landmarks, HANDS.handedness, HANDS.presence, (-1, 3), taken_over=True)
    spotting.update(taken, 0.1, 1)
    assert told.resets == 1


def test_a_given_config_decides_instead_of_the_models() -> None:
    told = Told([{"right": ("swipe", 0.6)}] * 60)
    eager = SpotterConfig(default=Threshold(0.5, 0.3))
    for config, count in ((None, 0), (eager, 1)):
        spotting = Spotting(told, config)
        events = [e for n in range(60) for e in spotting.update(HANDS, n / 30, n).events]
        assert len(events) == count


def test_reset_reaches_recognizer_and_spotters(of_one: FewShotRecognizer) -> None:
    spotting = Spotting(of_one)
    made = stream_of(both_hands(doing("hand_up"), doing("hand_left")))
    first = recognize_stream(spotting, made)
    assert len(first) == 2
    assert recognize_stream(spotting, made) == first


def test_without_hands_nothing_happens(of_both: FewShotRecognizer) -> None:
    assert events_of(of_both, nothing(60)) == []


def test_another_configuration_holds_in_the_middle_of_a_gesture() -> None:
    hands = ("left", "right", "both")
    frames = [dict.fromkeys(hands, IDLE)] * 30 + [dict.fromkeys(hands, ("swipe", 0.5))] * 30
    spotting = Spotting(Told(frames))
    events = [e for n in range(45) for e in spotting.update(HANDS, n / 30, n).events]
    assert events == []
    spotting.configure(SpotterConfig(default=Threshold(0.35, 0.2)))
    events = [e for n in range(45, 60) for e in spotting.update(HANDS, n / 30, n).events]
    assert [(e.gesture, e.hand) for e in events] == [("swipe", "both")]
