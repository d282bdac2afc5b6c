"""The spotter: one event per gesture, none for background, the same at every frame rate."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from handflow.recognize import Spotter, SpotterConfig, Threshold
from handflow.types import GestureEvent, Scores

LABELS = ("swipe", "circle", "background")
Piece = tuple[float, str, float]  # seconds, label, its probability


def play(pieces: list[Piece], fps: float = 30.0, config: SpotterConfig | None = None) -> list[GestureEvent]:
    """Events of a source whose scores are constant in pieces; the rest of each goes to background."""
    spotter = Spotter(config or SpotterConfig())
    edges = np.cumsum([0.0] + [p[0] for p in pieces])
    events: list[GestureEvent] = []
    for frame in range(int(edges[-1] * fps)):
        time = frame / fps
        _, label, score = pieces[int(np.searchsorted(edges, time, side="right")) - 1]
        probabilities = np.zeros(3, np.float32)
        probabilities[LABELS.index(label)] = score
        probabilities[2] += 1 - score
        events += spotter.update(Scores(probabilities, LABELS, time, frame, "left", 7))
    return events + list(spotter.finish())


REST: Piece = (1.0, "background", 1.0)
SCENARIOS: list[tuple[str, list[Piece], list[str]]] = [
    ("a clear gesture", [REST, (0.6, "swipe", 0.95), REST], ["swipe"]),
    ("one that lasts", [REST, (5.0, "swipe", 0.95), REST], ["swipe"]),
    ("background never fires", [REST, (3.0, "background", 0.99)], []),
    ("a weak gesture", [REST, (1.0, "swipe", 0.5), REST], []),
    ("a flash", [REST, (0.05, "swipe", 0.99), REST], []),
    (
        "a dip that does not end it",
        [REST, (0.5, "swipe", 0.9), (0.2, "swipe", 0.6), (0.5, "swipe", 0.9)],
        ["swipe"],
    ),
    ("twice with a pause", [REST, (0.5, "swipe", 0.9), REST, (0.5, "swipe", 0.9), REST], ["swipe", "swipe"]),
    (
        "two gestures",
        [REST, (0.5, "swipe", 0.9), (2.0, *REST[1:]), (0.5, "circle", 0.9)],
        ["swipe", "circle"],
    ),
    ("a doubtful way back", [REST, (0.5, "swipe", 0.95), (0.4, "circle", 0.75), REST], ["swipe"]),
    (
        "a clear one soon after",
        [REST, (0.5, "swipe", 0.95), (0.5, *REST[1:]), (0.8, "circle", 0.98)],
        ["swipe", "circle"],
    ),
]


@pytest.mark.parametrize(("pieces", "expected"), [s[1:] for s in SCENARIOS], ids=[s[0] for s in SCENARIOS])
@pytest.mark.parametrize("fps", [10.0, 15.0, 30.0, 60.0])
def test_events_of_scenarios_at_every_frame_rate(
    pieces: list[Piece], expected: list[str], fps: float
) -> None:
    assert [e.gesture for e in play(pieces, fps)] == expected


def test_an_event_says_when_who_and_how_sure() -> None:
    config = SpotterConfig(gesture_seconds={"swipe": 0.5})
    (event,) = play([REST, (1.0, "swipe", 0.9)], config=config)
    assert 1.0 < event.time < 1.4
    assert event.onset == pytest.approx(1.0 - 0.8 * 0.5, abs=0.15)
    assert event.offset is None
    assert (event.hand, event.track) == ("left", 7)
    assert 0.7 <= event.score <= 0.9
    assert event.frame == round(event.time * 30)


def test_times_hardly_depend_on_the_frame_rate() -> None:
    times = [play([REST, (1.0, "swipe", 0.9)], fps)[0].time for fps in (10.0, 15.0, 30.0, 60.0)]
    assert max(times) - min(times) <= 0.1 + 1e-6  # one frame of the slowest


def test_each_gesture_has_its_threshold() -> None:
    config = SpotterConfig(thresholds={"swipe": Threshold(0.95, 0.5), "circle": Threshold(0.5, 0.3)})
    assert not play([REST, (1.0, "swipe", 0.9), REST], config=config)
    assert [e.gesture for e in play([REST, (1.0, "circle", 0.6), REST], config=config)] == ["circle"]


def test_reset_forgets_a_gesture_that_was_going_on() -> None:
    spotter = Spotter()
    scores = [Scores(np.array([0.99, 0, 0.01], np.float32), LABELS, k / 30, k) for k in range(60)]
    assert sum(len(spotter.update(s)) for s in scores) == 1
    spotter.reset()
    assert sum(len(spotter.update(s)) for s in scores) == 1


def test_time_cannot_go_back() -> None:
    spotter = Spotter()
    scores = Scores(np.array([0, 0, 1], np.float32), LABELS, 1.0, 1)
    spotter.update(scores)
    with pytest.raises(ValueError, match=r"1\.0 s"):
        spotter.update(scores)


@pytest.mark.parametrize(
    "wrong", [{"minimum": -1.0}, {"doubt_share": 1.0}, {"longest_gap": 0.0}, {"smoothing": float("nan")}]
)
def test_nonsense_is_refused_at_construction(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        SpotterConfig(**wrong)


@pytest.mark.parametrize(("enter", "leave"), [(0.4, 0.5), (1.2, 0.5), (0.5, 0.0)])
def test_thresholds_must_be_ordered(enter: float, leave: float) -> None:
    with pytest.raises(ValueError, match="leave"):
        Threshold(enter, leave)


# Motion: when a stroke begins, ends, and is waited for

ONSET, OFFSET = 1.0, 1.6  # seconds of a stroke
PEAK = 8.0  # palm lengths a second
Motion = Callable[[float], float]
RATES = [(fps, drop) for fps in (10.0, 15.0, 30.0, 60.0) for drop in (False, True)]
AT_EVERY_RATE = pytest.mark.parametrize(
    ("fps", "drop"), RATES, ids=[f"{fps:.0f}{'-dropping' if drop else ''}" for fps, drop in RATES]
)


def stroke(time: float) -> float:
    """Speed of a hand that rests, makes one stroke as people do (minimum jerk) and rests again."""
    share = (time - ONSET) / (OFFSET - ONSET)
    return 0.1 + (PEAK * 16 * share**2 * (1 - share) ** 2 if 0 < share < 1 else 0.0)


def follow(
    score: Callable[[float], tuple[str, float]],
    motion: Motion,
    fps: float = 30.0,
    *,
    drop: bool = False,
    config: SpotterConfig | None = None,
    seconds: float = 4.0,
) -> list[GestureEvent]:
    """Events of scores and motion that are functions of time; every third frame may be missing."""
    spotter = Spotter(config or SpotterConfig(gesture_seconds={"swipe": OFFSET - ONSET}))
    events: list[GestureEvent] = []
    for frame in range(int(seconds * fps)):
        if drop and frame % 3 == 1:
            continue
        time = frame / fps
        label, p = score(time)
        probabilities = np.zeros(3, np.float32)
        probabilities[LABELS.index(label)] = p
        probabilities[2] += 1 - p
        events += spotter.update(Scores(probabilities, LABELS, time, frame, "right", 3, motion(time)))
    return events


def late_by(fps: float, drop: bool) -> float:
    """How much later things may be seen than they are: a frame, or a tenth of a second."""
    return max(0.1, (2 if drop else 1) / fps) + 1e-6


def told(
    first: float, last: float, gesture: str = "swipe", p: float = 0.97
) -> Callable[[float], tuple[str, float]]:
    """Scores that name a gesture from one moment to another."""
    return lambda time: (gesture, p) if first <= time <= last else ("background", 1.0)


@AT_EVERY_RATE
def test_onset_and_offset_are_those_of_the_motion(fps: float, drop: bool) -> None:
    (event,) = follow(told(OFFSET, OFFSET + 0.6), stroke, fps, drop=drop)
    # The slowest moments of a stroke do not stand out: it seems to begin a little later than it does.
    assert ONSET - 1e-6 <= event.onset <= ONSET + 0.1 + late_by(fps, drop)
    assert event.offset is not None
    assert OFFSET - 0.1 - late_by(fps, drop) <= event.offset <= OFFSET
    assert event.onset < event.offset < event.time
    assert OFFSET < event.time <= OFFSET + 0.1 + late_by(fps, drop)


@AT_EVERY_RATE
def test_a_certain_gesture_waits_for_its_stroke_to_end_unless_it_is_to_be_early(
    fps: float, drop: bool
) -> None:
    certain = told(1.35, 2.0)
    usual = {"swipe": OFFSET - ONSET}
    patient = SpotterConfig(gesture_seconds=usual, patience=0.5, slow=0.25)
    (waiting,) = follow(certain, stroke, fps, drop=drop, config=patient)
    slow_again = OFFSET - 0.1465 * (OFFSET - ONSET)  # where the stroke is down to a quarter of its peak
    assert slow_again - 1e-6 <= waiting.time <= slow_again + late_by(fps, drop)
    (early,) = follow(
        certain, stroke, fps, drop=drop, config=SpotterConfig(gesture_seconds=usual, early=True)
    )
    assert 1.35 < early.time <= 1.45 + late_by(fps, drop)
    assert early.time <= waiting.time
    if fps >= 30:
        assert early.time < OFFSET - 0.1
        assert early.offset is None  # it is under way
    assert early.onset == pytest.approx(waiting.onset, abs=late_by(fps, drop))


@AT_EVERY_RATE
def test_patience_has_an_end(fps: float, drop: bool) -> None:
    config = SpotterConfig(patience=0.15)
    (event,) = follow(told(1.5, 3.0), lambda _: PEAK, fps, drop=drop, config=config)
    (early,) = follow(told(1.5, 3.0), lambda _: PEAK, fps, drop=drop, config=SpotterConfig(early=True))
    gap = (2 if drop else 1) / fps
    assert event.time - early.time == pytest.approx(0.15, abs=gap)
    assert event.time <= 1.5 + 0.1 + 0.15 + 2 * gap
    assert event.offset is None


@pytest.mark.parametrize("fps", [15.0, 30.0, 60.0])
def test_a_gesture_that_was_certain_is_said_though_its_score_falls_before_the_stroke_ends(fps: float) -> None:
    config = SpotterConfig(gesture_seconds={"swipe": OFFSET - ONSET}, patience=1.0, minimum=0.05)

    def fades(time: float) -> tuple[str, float]:
        return ("swipe", 0.97 if time <= 1.4 else 0.55) if 1.2 <= time <= 1.5 else ("background", 1.0)

    (event,) = follow(fades, stroke, fps, config=config)
    assert 1.4 < event.time <= 1.4 + 1 / fps + 0.05


@pytest.mark.parametrize("fps", [15.0, 30.0])
def test_a_gesture_that_was_certain_is_said_though_its_score_vanishes(fps: float) -> None:
    config = SpotterConfig(gesture_seconds={"swipe": OFFSET - ONSET}, patience=1.0)
    assert len(follow(told(1.2, 1.4), stroke, fps, config=config)) == 1


@AT_EVERY_RATE
def test_a_pose_is_held_to_confirm(fps: float, drop: bool) -> None:
    config = SpotterConfig(held=frozenset({"circle"}), hold=0.3)

    def comes_to_rest(time: float) -> float:
        return 5.0 if time < 1.0 else 0.2

    (event,) = follow(told(1.1, 3.0, "circle"), comes_to_rest, fps, drop=drop, config=config)
    assert 1.4 - 1e-6 <= event.time <= 1.5 + late_by(fps, drop)
    assert event.offset is None  # it is still held
    assert 1.0 - 1e-6 <= event.onset <= 1.0 + late_by(fps, drop)
    # Shown in passing it says nothing; a stroke of the same length does.
    passing = 1.1 + 0.2 if fps >= 15 else 1.1 + 0.15
    assert not follow(told(1.1, passing, "circle"), comes_to_rest, fps, drop=drop, config=config)
    assert follow(told(1.1, 1.5, "swipe"), comes_to_rest, fps, drop=drop, config=config)


@AT_EVERY_RATE
def test_a_pose_held_for_long_is_said_once(fps: float, drop: bool) -> None:
    config = SpotterConfig(held=frozenset({"circle"}))
    events = follow(told(1.0, 9.0, "circle"), lambda _: 0.2, fps, drop=drop, config=config, seconds=10)
    assert [e.gesture for e in events] == ["circle"]


@AT_EVERY_RATE
def test_a_held_pose_does_not_wait_for_a_trembling_hand(fps: float, drop: bool) -> None:
    config = SpotterConfig(held=frozenset({"circle"}), hold=0.3)
    unknown, steady, shaking = (
        follow(told(1.0, 3.0, "circle"), motion, fps, drop=drop, config=config)
        for motion in (lambda _: math.nan, lambda _: 0.2, lambda time: 2.0 + math.sin(40 * time))
    )
    assert [e.time for e in unknown] == [e.time for e in steady] == [e.time for e in shaking]


@AT_EVERY_RATE
def test_without_any_motion_a_gesture_lasts_as_long_as_usual(fps: float, drop: bool) -> None:
    (event,) = follow(told(OFFSET, 2.3), lambda _: math.nan, fps, drop=drop)
    (early,) = follow(
        told(OFFSET, 2.3), lambda _: math.nan, fps, drop=drop,
        config=SpotterConfig(gesture_seconds={"swipe": OFFSET - ONSET}, early=True),
    )  # fmt: skip
    assert event == early  # there is nothing to wait for
    assert event.offset is None
    assert event.onset == pytest.approx(OFFSET - 0.8 * (OFFSET - ONSET), abs=late_by(fps, drop))


@AT_EVERY_RATE
def test_a_hand_lost_in_its_stroke_is_no_reason_to_wait_for_ever(fps: float, drop: bool) -> None:
    def lost(time: float) -> float:
        return math.nan if time >= 1.3 else stroke(time)

    (event,) = follow(told(1.4, 2.4), lost, fps, drop=drop)
    assert event.time <= 1.4 + 0.05 + 0.15 + 2 * late_by(fps, drop)
    assert ONSET - 1e-6 <= event.onset <= ONSET + 0.1 + late_by(fps, drop)
    assert not math.isnan(event.onset) and event.offset is None


def test_a_moment_of_nothing_seen_changes_no_event() -> None:
    def blinks(time: float) -> float:
        return math.nan if 1.25 <= time < 1.32 or 1.5 <= time < 1.55 else stroke(time)

    for fps in (15.0, 30.0, 60.0):
        (whole,), (blinking,) = (follow(told(OFFSET, 2.2), m, fps) for m in (stroke, blinks))
        assert blinking.time == whole.time
        assert blinking.onset == pytest.approx(whole.onset, abs=1 / fps + 1e-6)


def test_no_onset_lies_before_the_gesture_that_was_said_last() -> None:
    def twice(time: float) -> float:  # the hand never rests between two strokes
        return max(stroke(time), stroke(time - 0.7), 2.0 if ONSET < time < OFFSET + 0.7 else 0.0)

    def score(time: float) -> tuple[str, float]:
        for start in (OFFSET, OFFSET + 0.7):
            if start <= time < start + 0.3:
                return ("swipe", 0.97)
        return ("background", 1.0)

    first, second = follow(score, twice, 30.0)
    assert first.time <= second.onset < second.time
    assert second.onset > first.onset


@pytest.mark.parametrize("early", [False, True])
def test_frame_rate_and_dropped_frames_change_no_event(early: bool) -> None:
    def score(time: float) -> tuple[str, float]:
        if OFFSET - 0.08 <= time <= OFFSET + 0.3:
            return ("swipe", 0.97)
        return ("circle", 0.97) if 3.0 <= time <= 4.5 else ("background", 1.0)

    config = SpotterConfig(gesture_seconds={"swipe": OFFSET - ONSET}, held=frozenset({"circle"}), early=early)
    best = follow(score, stroke, 60.0, config=config, seconds=5)
    assert [e.gesture for e in best] == ["swipe", "circle"]
    for fps, drop in RATES:
        events = follow(score, stroke, fps, drop=drop, config=config, seconds=5)
        assert [e.gesture for e in events] == ["swipe", "circle"], (fps, drop)
        for event, exact in zip(events, best, strict=True):
            assert event.time == pytest.approx(exact.time, abs=late_by(fps, drop)), (fps, drop)
            assert event.onset == pytest.approx(exact.onset, abs=late_by(fps, drop)), (fps, drop)


def test_after_reset_motion_is_forgotten() -> None:
    spotter = Spotter(SpotterConfig(patience=5.0))
    certain = np.array([0.99, 0, 0.01], np.float32)
    none = np.array([0, 0, 1], np.float32)
    for k in range(30):
        spotter.update(Scores(none, LABELS, k / 30, k, motion=PEAK))
    spotter.reset()
    events = [e for k in range(30) for e in spotter.update(Scores(certain, LABELS, k / 30, k))]
    assert len(events) == 1


@pytest.mark.parametrize("threshold", [Threshold(0.7, 0.4), Threshold(0.9, 0.9), Threshold(0.02, 0.01)])
def test_sensitivity_moves_a_threshold_between_half_of_it_and_nearly_one(threshold: Threshold) -> None:
    assert threshold.tuned(0.0) == threshold
    assert threshold.tuned(1.0).enter == pytest.approx(threshold.enter / 2)
    assert 1 - threshold.tuned(-1.0).enter == pytest.approx((1 - threshold.enter) / 10)
    enters = [threshold.tuned(wish).enter for wish in np.linspace(-1, 1, 21)]
    assert enters == sorted(enters, reverse=True)
    for wish in (-1.0, -0.3, 0.4, 1.0):
        tuned = threshold.tuned(wish)
        assert tuned.leave / tuned.enter == pytest.approx(threshold.leave / threshold.enter)
    assert threshold.tuned(7.0) == threshold.tuned(1.0)
