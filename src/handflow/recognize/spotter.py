"""Turns scores into events: one per gesture, none for background.

The machine is that of voice activity detection (silero-vad, `VADIterator`): a score must rise above an upper
threshold to open a segment and fall below a lower one to close it. All its times are seconds, so it does the
same at every frame rate.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from handflow.types import BACKGROUND, Float32, GestureEvent, Scores


@dataclass(frozen=True, slots=True)
class Threshold:
    """When a gesture begins and ends in the scores."""

    enter: float  # smoothed probability at which the gesture is accepted
    leave: float  # below it the gesture is over and may come again

    def __post_init__(self) -> None:
        if not 0 < self.leave <= self.enter <= 1:
            raise ValueError(f"enter {self.enter}, leave {self.leave}: expected 0 < leave <= enter <= 1")


@dataclass(frozen=True, slots=True)
class SpotterConfig:
    """How sure and for how long a score must be before it counts."""

    thresholds: Mapping[str, Threshold] = field(default_factory=dict)  # per gesture, else `default`
    default: Threshold = field(default_factory=lambda: Threshold(enter=0.7, leave=0.4))
    gesture_seconds: Mapping[str, float] = field(default_factory=dict)  # usual durations, to estimate onsets
    smoothing: float = 0.1  # seconds, time constant of the running mean of the scores
    minimum: float = 0.15  # seconds that a gesture's smoothed score must stay above its enter threshold
    refractory: float = 0.3  # seconds after an event in which nothing fires
    doubt: float = 1.2  # seconds after an event in which another gesture may be its return stroke
    doubt_minimum: float = 0.2  # `minimum` for another gesture while in doubt
    doubt_share: float = 0.5  # how far its enter threshold moves towards 1 while in doubt
    longest_gap: float = 1.0  # seconds without a score after which the running mean starts afresh

    def __post_init__(self) -> None:
        for name in ("smoothing", "minimum", "refractory", "doubt", "doubt_minimum"):
            if not 0 <= getattr(self, name) <= 60:
                raise ValueError(f"{name} is {getattr(self, name)}, expected 0 to 60 seconds")
        if not 0 <= self.doubt_share < 1:
            raise ValueError(f"doubt_share is {self.doubt_share}, expected 0 to below 1")
        if self.longest_gap <= 0:
            raise ValueError(f"longest_gap is {self.longest_gap}, expected a time above 0 seconds")


@dataclass(slots=True)
class _Candidate:
    """A gesture whose smoothed score is above its leave threshold."""

    gesture: str
    since: float  # seconds, when it rose above leave
    above: float | None = None  # seconds, when it rose above enter without falling back
    fired: bool = False


class Spotter:
    """One event per gesture: `update()` with every scores, `finish()` at the end of the source."""

    def __init__(self, config: SpotterConfig | None = None) -> None:
        self.config = config or SpotterConfig()
        self.reset()

    def reset(self) -> None:
        """Forgets everything: another source follows."""
        self._mean: Float32 | None = None
        self._time = -math.inf
        self._candidate: _Candidate | None = None
        self._last: GestureEvent | None = None

    def update(self, scores: Scores) -> tuple[GestureEvent, ...]:
        """Takes the scores of the next window.

        Returns:
            the events that these scores decide: at most one.

        Raises:
            ValueError: the timestamp is not later than the one before.
        """
        if scores.timestamp <= self._time:
            raise ValueError(f"scores of {scores.timestamp} s come after those of {self._time} s")
        self._smooth(scores)
        assert self._mean is not None
        self._let_go(scores)
        best = self._best(scores)
        if self._candidate is None and best is not None:
            self._candidate = _Candidate(best, scores.timestamp)
        elif self._candidate is not None and best is not None and best != self._candidate.gesture:
            # Another gesture took the lead: it begins anew, whether or not the first has fired.
            self._candidate = _Candidate(best, scores.timestamp)
        return self._decide(scores)

    def finish(self) -> tuple[GestureEvent, ...]:
        """Ends the source. A gesture that was not sure by now stays unsaid."""
        self.reset()
        return ()

    def threshold(self, gesture: str) -> Threshold:
        """When `gesture` is accepted and let go."""
        return self.config.thresholds.get(gesture, self.config.default)

    def _smooth(self, scores: Scores) -> None:
        elapsed = scores.timestamp - self._time
        if self._mean is None or elapsed > self.config.longest_gap:
            # The source begins: no gesture was going on, so the mean starts at zero.
            self._mean = np.zeros_like(scores.probabilities)
            elapsed = 1 / 30
            self._candidate = None
        share = 1.0 if self.config.smoothing == 0 else 1 - math.exp(-elapsed / self.config.smoothing)
        self._mean = self._mean + np.float32(share) * (scores.probabilities - self._mean)
        self._time = scores.timestamp

    def _score(self, scores: Scores, gesture: str) -> float:
        assert self._mean is not None
        return float(self._mean[scores.labels.index(gesture)])

    def _let_go(self, scores: Scores) -> None:
        held = self._candidate
        if held is not None and self._score(scores, held.gesture) < self.threshold(held.gesture).leave:
            self._candidate = None

    def _best(self, scores: Scores) -> str | None:
        """The most likely gesture, if it is above its leave threshold."""
        assert self._mean is not None
        order = np.argsort(-self._mean)
        for index in order:
            gesture = scores.labels[index]
            if gesture != BACKGROUND:
                return gesture if self._mean[index] >= self.threshold(gesture).leave else None
        return None

    def _decide(self, scores: Scores) -> tuple[GestureEvent, ...]:
        held = self._candidate
        if held is None or held.fired:
            return ()
        score = self._score(scores, held.gesture)
        enter, minimum = self.threshold(held.gesture).enter, self.config.minimum
        since_last = math.inf if self._last is None else scores.timestamp - self._last.time
        if self._last is not None and held.gesture != self._last.gesture and since_last < self.config.doubt:
            enter += (1 - enter) * self.config.doubt_share
            minimum = max(minimum, self.config.doubt_minimum)
        if score < enter:
            held.above = None
            return ()
        held.above = scores.timestamp if held.above is None else held.above
        if scores.timestamp - held.above < minimum - 1e-9 or since_last < self.config.refractory:
            return ()
        held.fired = True
        self._last = self._event(held, score, scores)
        return (self._last,)

    def _event(self, held: _Candidate, score: float, scores: Scores) -> GestureEvent:
        # A window scores high once most of the gesture is in it, so the gesture began about its usual
        # duration before; never before the gesture that was said last.
        onset = held.since - 0.8 * self.config.gesture_seconds.get(held.gesture, 0.0)
        if self._last is not None:
            onset = max(onset, min(self._last.time, held.since))
        hand: Literal["left", "right", "both"] = scores.hand
        return GestureEvent(
            gesture=held.gesture,
            score=min(score, 1.0),
            hand=hand,
            track=scores.track,
            onset=onset,
            offset=None,
            time=scores.timestamp,
            frame=scores.frame,
        )
