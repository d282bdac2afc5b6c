"""The spotter: one event per gesture, none for background, the same at every frame rate."""

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
