"""The whole system, frame by frame: capture → hands → recognize → events."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

from handflow.capture import Source
from handflow.hands import HandLandmarker, HandSlots
from handflow.recognize import Recognizer, SpotterConfig
from handflow.recognize.spotting import Spotting
from handflow.types import Frame, GestureEvent, Hands, Scores, StageTimes


@dataclass(frozen=True, slots=True, eq=False)
class LiveResult:
    """What is known after one frame."""

    frame: Frame
    hands: Hands
    scores: Scores  # of the hand to show
    events: tuple[GestureEvent, ...]
    each: tuple[Scores, ...] = ()  # of the one hand, or of left, right and perhaps both
    tracks: tuple[int, int] = (-1, -1)  # those that the recognizer was given, left and right; -1 none

    @property
    def chosen(self) -> Hands:
        """The hands that the recognizer was given: those of the person who is followed."""
        return replace(self.hands, hands=tuple(h for h in self.hands.hands if h.track in self.tracks))


class Pipeline:
    """Turns frames into gesture events: `update()` each frame in order, `reset()` between sources.

    Args:
        landmarker: finds the hands.
        recognizer: scores the window that ends with each frame.
        spotter: when a gesture has happened; None: as the model says.
        slots: whose hands are passed on; None: those of the nearest person.
    """

    def __init__(
        self,
        landmarker: HandLandmarker,
        recognizer: Recognizer,
        spotter: SpotterConfig | None = None,
        *,
        slots: HandSlots | None = None,
    ) -> None:
        self._landmarker = landmarker
        self._slots = slots or HandSlots()
        self._spotting = Spotting(recognizer, spotter)
        self.times = StageTimes()

    def reset(self) -> None:
        """Forgets the source seen so far, also its stage times."""
        self._landmarker.reset()
        self._slots.reset()
        self._spotting.reset()
        self.times = StageTimes()

    def update(self, frame: Frame) -> LiveResult:
        """Takes the next frame through all stages."""
        start = time.perf_counter()
        hands = self._landmarker.update(frame)
        seen = time.perf_counter()
        slotted = self._slots.update(hands)
        spotted = self._spotting.update(slotted, frame.timestamp, frame.index, frame.image)
        done = time.perf_counter()
        self.times.add("hands", seen - start)
        self.times.add("recognition", done - seen)
        return LiveResult(frame, hands, spotted.scores, spotted.events, spotted.each, slotted.tracks)

    def finish(self) -> tuple[GestureEvent, ...]:
        """Events that are still pending when the source ends."""
        return self._spotting.finish()

    def run(self, source: Source) -> Iterator[LiveResult]:
        """Takes all frames of a source through the stages, timing each.

        `capture` is the time spent waiting for a frame. `frame → event` runs to the moment a frame's events
        are known: from its capture where the source is live, else from its arrival.
        """
        frames = iter(source)
        while True:
            start = time.perf_counter()
            frame = next(frames, None)
            if frame is None:
                return
            arrived = time.perf_counter()
            self.times.add("capture", arrived - start)
            result = self.update(frame)
            began = arrived if source.epoch is None else source.epoch + frame.timestamp
            self.times.add("frame → event", time.perf_counter() - began)
            yield result
