"""The pipeline hands each frame through all stages, in order, and times them."""

import dataclasses
import time
from collections.abc import Iterator

import numpy as np

from handflow.capture import Source
from handflow.hands import HandSlots, SlottedHands
from handflow.live.annotate import Annotator
from handflow.live.pipeline import LiveResult, Pipeline
from handflow.recognize import Spotter
from handflow.types import Frame, GestureEvent, Hand, Hands, Image, Region, Scores, Segment

LABELS = ("swipe", "background")


class FakeLandmarker:
    def __init__(self) -> None:
        self.resets = 0

    def reset(self) -> None:
        self.resets += 1

    def update(self, frame: Frame) -> Hands:
        points = np.full((21, 3), 40.0, np.float32)
        points[:, 1] += np.arange(21)
        region = Region(40, 40, 60, 0)
        return Hands(
            (Hand(points, points, points, 0.9, 0.98, "right", 7, region),),
            frame.timestamp,
            frame.index,
            frame.size,
        )


class FakeRecognizer:
    def __init__(self) -> None:
        self.resets = 0

    def reset(self) -> None:
        self.resets += 1

    def update_each(
        self, hands: SlottedHands, timestamp: float, frame: int, image: Image
    ) -> tuple[Scores, ...]:
        assert hands.tracks == (-1, 7)
        p = np.array([0.9, 0.1] if frame == 3 else [0.1, 0.9], np.float32)
        return (Scores(p, LABELS, timestamp, frame, "right", 7),)

    def spotter(self) -> Spotter:
        return FakeSpotter()


class FakeSpotter(Spotter):
    def update(self, scores: Scores) -> tuple[GestureEvent, ...]:
        if scores.probabilities[0] < 0.5:
            return ()
        return (GestureEvent("swipe", 0.9, "right", 7, 0.0, None, scores.timestamp, scores.frame),)

    def finish(self) -> tuple[GestureEvent, ...]:
        return ()


class Frames:
    """A source of blank frames at 10 fps."""

    epoch: float | None = None

    def __init__(self, count: int, live: bool = False) -> None:
        self._frames = (Frame(np.full((60, 80, 3), 99, np.uint8), k / 10, k) for k in range(count))
        self.epoch = time.perf_counter() - 5.0 if live else None

    def __iter__(self) -> Iterator[Frame]:
        return self._frames


def pipeline() -> Pipeline:
    return Pipeline(FakeLandmarker(), FakeRecognizer())  # type: ignore[arg-type]


def results(source: Frames, pipe: Pipeline) -> list[LiveResult]:
    as_source: Source = source  # type: ignore[assignment]
    return list(pipe.run(as_source))


def test_every_frame_goes_through_all_stages_in_order() -> None:
    found = results(Frames(6), pipeline())
    assert [r.frame.index for r in found] == list(range(6))
    assert [r.scores.frame for r in found] == list(range(6))
    assert [len(r.events) for r in found] == [0, 0, 0, 1, 0, 0]


def test_every_stage_is_timed_once_a_frame() -> None:
    pipe = pipeline()
    results(Frames(4), pipe)
    assert {s: len(v) for s, v in pipe.times.milliseconds.items()} == {
        "capture": 4,
        "hands": 4,
        "recognition": 4,
        "frame → event": 4,
    }
    assert set(pipe.times.percentiles(50, 95)) == set(pipe.times.milliseconds)


def test_latency_of_a_live_source_counts_from_the_capture_of_the_frame() -> None:
    """The source began 5 s ago, so a frame stamped 0.0 s is 5 s old when its events are known."""
    pipe = pipeline()
    results(Frames(1, live=True), pipe)
    assert pipe.times.milliseconds["frame → event"][0] > 4900


def test_reset_reaches_all_stages_and_forgets_the_times() -> None:
    landmarker, recognizer = FakeLandmarker(), FakeRecognizer()
    pipe = Pipeline(landmarker, recognizer)  # type: ignore[arg-type]
    results(Frames(2), pipe)
    pipe.reset()
    assert (landmarker.resets, recognizer.resets) == (1, 1)
    assert pipe.times.milliseconds == {}


def test_a_given_choice_of_hands_is_used() -> None:
    class Nobody(HandSlots):
        def update(self, hands: Hands) -> SlottedHands:
            return super().update(dataclasses.replace(hands, hands=hands.hands[:0]))

    class Unasked(FakeRecognizer):
        def update_each(
            self, hands: SlottedHands, timestamp: float, frame: int, image: Image
        ) -> tuple[Scores, ...]:
            assert hands.tracks == (-1, -1)
            return (Scores(np.array([0, 1], np.float32), LABELS, timestamp, frame),)

    pipe = Pipeline(FakeLandmarker(), Unasked(), slots=Nobody())  # type: ignore[arg-type]
    assert [r.events for r in results(Frames(3), pipe)] == [()] * 3


def test_the_banner_stays_for_a_moment_after_the_event() -> None:
    annotator = Annotator(LABELS)
    pictures = [annotator.draw(r) for r in results(Frames(14), pipeline())]
    foot = [int(p[440:475].mean()) for p in pictures]  # where the banner lies in the enlarged picture
    lit = [k for k, value in enumerate(foot) if value != foot[0]]
    assert lit == list(range(3, 12))  # the event is at 0.3 s, the banner stays 0.8 s


def test_small_pictures_are_enlarged_so_that_text_is_legible() -> None:
    picture = Annotator(LABELS).draw(results(Frames(1), pipeline())[0])
    assert picture.shape[1] == 640
    assert picture.shape[0] > 480  # the panel of scores lies below


def test_the_truth_is_shown_while_its_gesture_lasts() -> None:
    found = results(Frames(8), pipeline())
    annotator = Annotator(LABELS, [Segment("swipe", 0.2, 0.4)])
    panels = [annotator.draw(r)[480:505, 320:] for r in found]
    shown = [k for k, p in enumerate(panels) if not np.array_equal(p, panels[0])]
    assert shown == [2, 3, 4]


def test_a_mirror_shows_the_hand_on_the_other_side() -> None:
    result = results(Frames(1), pipeline())[0]
    plain, mirrored = Annotator(LABELS).draw(result), Annotator(LABELS, mirror=True).draw(result)
    drawn = [np.nonzero((p[:480] != 99).any(axis=(0, 2)))[0].mean() for p in (plain, mirrored)]
    assert abs(drawn[0] + drawn[1] - 639) < 8
