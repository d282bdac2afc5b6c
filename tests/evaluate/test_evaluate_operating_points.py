"""Thresholds from background: each as high as it must be, and no higher."""

import types
from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from evaluate.recognizers import FPS, LABELS, FakeRecognizer, hand, sequence
from handflow.evaluate.intervals import poisson_interval
from handflow.evaluate.operating_points import GRID, LEAVE, OperatingPoint, choose_thresholds, hours_needed
from handflow.recognize import SpotterConfig, Threshold
from handflow.types import BACKGROUND, Float32, HandSequence, Scores, Segment, Stream

Burst = tuple[str, float, float]  # label, second at which it begins, how sure the recognizer is
GESTURES = ("down", "left", "up")
LASTS = 0.5  # seconds of a burst


class Sure(FakeRecognizer):
    """Reads the gesture off the wrist's x and how sure it is off its y."""

    def __init__(self, thresholds: Mapping[str, Threshold] | None = None) -> None:
        super().__init__()
        self.asked = 0
        config = SpotterConfig(thresholds=thresholds or {}, smoothing=0.0, minimum=0.05, doubt=0.0)
        self.info = types.SimpleNamespace(spotter=config)

    def update_each(self, hands, timestamp: float, frame: int, image=None) -> tuple[Scores, ...]:
        self.asked += 1
        x, y = (float(v) for v in hands.landmarks[1, 0, :2])
        p = np.full(len(self.labels), 0, np.float32)
        p[0] = 1.0
        if np.isfinite(x):
            p[0] -= y
            p[round(x / 100)] += y
        return (Scores(p, self.labels, timestamp, frame, track=hands.tracks[1]),)


def shown(bursts: Sequence[Burst], seconds: float = 60.0) -> HandSequence:
    """What the recognizer sees: background, and bursts of a gesture."""
    made = sequence([0.0] * round(seconds * FPS))
    marks: Float32 = made.landmarks.copy()
    for label, start, sure in bursts:
        inside = (made.timestamps >= start) & (made.timestamps < start + LASTS)
        marks[inside, 1] = hand(100.0 * LABELS.index(label))
        marks[inside, 1, 0, 1] = sure
    return HandSequence(marks, made.timestamps, made.handedness, made.presence)


def idle(*bursts: Burst, seconds: float = 60.0, id: str = "idle") -> Stream:
    """Background in which the recognizer sees some gestures."""
    return Stream(id, shown(bursts, seconds), (), (640, 480))


def made(*bursts: Burst, seconds: float = 60.0) -> Stream:
    """A stream in which every burst is a gesture that is really made."""
    segments = tuple(Segment(label, start - 0.1, start + LASTS) for label, start, _ in bursts)
    return Stream("made", shown(bursts, seconds), segments, (640, 480))


def spaced(label: str, *sure: float, start: float = 2.0) -> list[Burst]:
    return [(label, start + 2.0 * n, s) for n, s in enumerate(sure)]


def chosen(streams: Sequence[Stream], wanted: float, recognizer: Sure | None = None) -> OperatingPoint:
    """`wanted`: false activations in all the streams, at most."""
    hours = sum(s.sequence.duration for s in streams) / 3600
    return choose_thresholds(recognizer or Sure(), streams, wanted / hours)


def enters(point: OperatingPoint) -> dict[str, float]:
    return {gesture: threshold.enter for gesture, threshold in point.thresholds.items()}


@pytest.mark.parametrize(
    ("allowed", "expected"), [(4, 0.7), (3, 0.8), (2, 0.85), (1, 0.9), (0.9, 0.98), (0.01, 0.98)]
)
def test_a_threshold_rises_only_as_far_as_needed(allowed: float, expected: float) -> None:
    background = idle(*spaced("down", 0.78, 0.83, 0.88, 0.975))
    point = chosen([background], allowed)
    assert enters(point) == {"down": expected, "left": 0.7, "up": 0.7}
    assert point.reached
    assert point.after.all_false <= allowed
    assert (point.before.false, point.before.all_false) == ({"down": 4}, 4)
    # One step less would have been too little.
    lower = GRID[GRID.index(expected) - 1]
    assert expected == 0.7 or sum(s >= lower for s in (0.78, 0.83, 0.88, 0.975)) > allowed


def test_nothing_false_leaves_all_thresholds_on_the_grid_as_they_were() -> None:
    own = {"down": Threshold(0.6, 0.3), "left": Threshold(0.9, 0.4), "up": Threshold(0.97, 0.5)}
    point = chosen([idle()], 1, Sure(own))
    assert enters(point) == {"down": 0.6, "left": 0.9, "up": 0.97}
    assert point.before == point.after
    assert (point.after.all_false, point.rate, point.made, point.rivals) == (0, 0.0, {}, ())


def test_no_threshold_is_lowered_where_no_gesture_is_shown() -> None:
    own = {g: Threshold(e, 0.4) for g, e in zip(GESTURES, (0.55, 0.72, 0.941), strict=True)}
    point = chosen([idle(("up", 3.0, 0.999))], 1, Sure(own))
    for gesture, threshold in own.items():
        assert threshold.enter <= enters(point)[gesture] <= threshold.enter + 0.1


def test_the_gesture_that_fires_falsely_pays_and_the_others_do_not() -> None:
    point = chosen([idle(*spaced("left", 0.8, 0.8, 0.8), ("down", 30.0, 0.75))], 1)
    assert enters(point) == {"down": 0.7, "left": 0.85, "up": 0.7}
    assert point.after.false == {"down": 1}


def test_what_a_threshold_is_let_go_at_follows_it() -> None:
    point = chosen([idle(("up", 5.0, 0.96))], 0.5)
    assert point.thresholds["up"] == Threshold(0.97, round(LEAVE * 0.97, 4))


def test_what_cannot_be_reached_is_said_and_nothing_is_hidden() -> None:
    point = chosen([idle(*spaced("up", 1.0, 1.0, 1.0))], 1)
    assert not point.reached
    assert enters(point)["up"] == GRID[-1]
    assert point.after.false == {"up": 3}
    hours = point.hours
    assert hours == pytest.approx(60 / 3600, rel=0.01)
    assert point.rate == pytest.approx(3 / hours)
    assert point.upper == pytest.approx(poisson_interval(3)[1] / hours)
    assert point.upper > point.rate > point.wanted


def test_events_that_match_a_gesture_are_none_of_the_false_ones() -> None:
    gestures = made(*spaced("up", 0.95, 0.95, 0.95), *spaced("left", 0.6, start=20.0))
    point = chosen([gestures], 0.5)
    assert point.after.all_false == point.before.all_false == 0
    assert point.made == {"up": 3, "left": 1}
    assert point.before.hits == {"up": 3}  # the doubtful one was missed
    assert point.after.hits == {"up": 3, "left": 1}  # and is no longer: nothing speaks against it
    assert enters(point)["left"] == GRID[1] == 0.6  # no lower than it takes
    assert enters(point)["up"] == enters(point)["down"] == 0.7  # nothing is gained by less


def test_segments_called_background_are_no_gestures() -> None:
    stream = Stream("s", shown([("up", 5.0, 0.91)]), (Segment(BACKGROUND, 4.9, 6.0),), (640, 480))
    point = chosen([stream], 0.5)
    assert point.made == {}
    assert point.before.false == {"up": 1}
    assert enters(point)["up"] == 0.93


def test_the_threshold_that_costs_no_recall_rises_first() -> None:
    for costly, free in (("up", "down"), ("down", "up")):
        gestures = made(*spaced(costly, *[0.55] * 4), *spaced(free, *[0.96] * 4, start=20.0))
        background = idle((costly, 5.0, 0.55), (free, 15.0, 0.75))
        point = chosen([gestures, background], 1)
        assert enters(point) == {costly: 0.5, free: 0.8, "left": 0.7}
        assert point.after.hits == {costly: 4, free: 4}
        assert point.after.false == {costly: 1}


def test_recall_is_given_up_where_the_wish_demands_it() -> None:
    gestures = made(*spaced("up", 0.55, 0.75, 0.92, 0.92))
    point = chosen([gestures, idle(*spaced("up", 0.82, 0.82))], 0.5)
    assert enters(point)["up"] == 0.85
    assert (point.before.hits, point.after.hits) == ({"up": 3}, {"up": 2})
    assert point.after.all_false == 0


def test_gestures_told_for_each_other_are_named() -> None:
    bursts = spaced("up", 0.999, 0.999, 0.999)
    segments = tuple(Segment("down", start - 0.1, start + LASTS) for _, start, _ in bursts)
    point = chosen([Stream("s", shown(bursts), segments, (640, 480))], 5)
    assert point.rivals == (("down", "up", 3),)


def test_the_recognizer_is_asked_once_a_frame_for_all_thresholds() -> None:
    recognizer, told = Sure(), []
    streams = [idle(seconds=3, id=f"{k}") for k in range(3)]
    choose_thresholds(recognizer, streams, 1.0, progress=told.append)
    assert recognizer.asked == 2 * sum(len(s.sequence) for s in streams)
    assert told == [1, 2, 3, 4, 5, 6]
    assert recognizer.resets >= 6  # it forgets one stream before the next


def test_streams_do_not_run_into_each_other() -> None:
    cut = idle(("up", 2.9, 0.95), seconds=3.2)  # begins just before the stream ends
    one, three = (chosen([cut] * n, 10) for n in (1, 3))
    assert three.before.all_false == 3 * one.before.all_false
    assert three.hours == pytest.approx(3 * one.hours)


@pytest.mark.parametrize("streams", [[], [idle(seconds=1 / FPS)]])
def test_nothing_to_watch_is_refused(streams: list[Stream]) -> None:
    with pytest.raises(ValueError, match="no background"):
        choose_thresholds(Sure(), streams, 0.5)


@pytest.mark.parametrize("wanted", [0.0, -1.0, float("nan")])
def test_no_false_activations_at_all_cannot_be_promised(wanted: float) -> None:
    with pytest.raises(ValueError, match="cannot be reached"):
        choose_thresholds(Sure(), [idle(seconds=3)], wanted)


def test_hours_without_a_false_activation_follow_the_rule_of_three() -> None:
    assert hours_needed(1.0) == pytest.approx(3.0, abs=0.01)
    assert hours_needed(0.5) == pytest.approx(6.0, abs=0.02)
