"""Turns scores into events: one per gesture, none for background.

The machine is that of voice activity detection (silero-vad, `VADIterator`): a score must rise above an upper
threshold to open a segment and fall below a lower one to close it. All its times are seconds, so it does the
same at every frame rate.
"""

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

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

    def tuned(self, sensitivity: float) -> "Threshold":
        """The threshold for a gesture that should come more (up to 1) or less (down to -1) easily; 0: this.

        At 1 `enter` is half of it, at -1 nine tenths of the way to 1, in between in proportion; `leave` keeps
        its share of `enter`.

        >>> Threshold(0.5, 0.25).tuned(1.0), Threshold(0.5, 0.25).tuned(-1.0)
        (Threshold(enter=0.25, leave=0.125), Threshold(enter=0.95, leave=0.475))
        """
        wish = min(max(sensitivity, -1.0), 1.0)
        if wish == 0:
            return self
        enter = self.enter * (1 - wish / 2) if wish > 0 else self.enter - 0.9 * wish * (1 - self.enter)
        return Threshold(enter, min(self.leave * (enter / self.enter), enter))


@dataclass(frozen=True, slots=True)
class SpotterConfig:
    """How sure and for how long a score must be before it counts."""

    thresholds: Mapping[str, Threshold] = field(default_factory=dict)  # per gesture, else `default`
    default: Threshold = field(default_factory=lambda: Threshold(enter=0.7, leave=0.4))
    gesture_seconds: Mapping[str, float] = field(default_factory=dict)  # usual durations, to estimate onsets
    held: frozenset[str] = frozenset()  # gestures that are poses held still
    smoothing: float = 0.015  # seconds, time constant of the running mean of the scores
    minimum: float = 0.05  # seconds that a gesture's smoothed score must stay above its enter threshold
    hold: float = 0.3  # the same for a held pose: hold to confirm
    refractory: float = 0.3  # seconds after an event in which nothing fires
    doubt: float = 1.2  # seconds after an event in which another gesture may be its return stroke
    doubt_minimum: float = 0.05  # `minimum` for another gesture while in doubt
    doubt_share: float = 0.3  # how far its enter threshold moves towards 1 while in doubt
    early: bool = False  # decide while the hand still moves, as soon as the gesture is certain
    slow: float = 0.5  # of the fastest moment: below it a stroke is ending
    patience: float = 0.08  # seconds that a certain gesture waits for its stroke to end
    longest_gap: float = 1.0  # seconds without a score after which the running mean starts afresh

    def __post_init__(self) -> None:
        for name in ("smoothing", "minimum", "hold", "refractory", "doubt", "doubt_minimum", "patience"):
            if not 0 <= getattr(self, name) <= 60:
                raise ValueError(f"{name} is {getattr(self, name)}, expected 0 to 60 seconds")
        if not 0 <= self.doubt_share < 1:
            raise ValueError(f"doubt_share is {self.doubt_share}, expected 0 to below 1")
        if not 0 < self.slow <= 1:
            raise ValueError(f"slow is {self.slow}, expected above 0 to 1")
        if self.longest_gap <= 0:
            raise ValueError(f"longest_gap is {self.longest_gap}, expected a time above 0 seconds")


_USUAL = 0.6  # seconds that a gesture lasts of which nothing else is known
_REMEMBERED = 6.0  # seconds of motion that are kept: twice the longest gesture
_ENDS = 0.15  # share of a stroke's fastest moment at which it begins and ends
_FAINT, _STILL = 0.4, 1.0  # palm lengths a second: below them nothing moves, and a pose is held
_PAUSE = 0.1  # seconds that a stroke may pause


@dataclass(slots=True)
class _Candidate:
    """A gesture whose smoothed score is above its leave threshold."""

    gesture: str
    since: float  # seconds, when it rose above leave
    above: float | None = None  # seconds, when it rose above enter without falling back
    certain: bool = False  # whether it was above enter for long enough
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
        self._before: tuple[Float32 | None, float] = None, -math.inf  # mean and time of the frame before
        self._candidate: _Candidate | None = None
        self._last: GestureEvent | None = None
        self._motion = _Motion()

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
        self._motion.add(scores.timestamp, scores.motion)
        assert self._mean is not None
        self._let_go(scores)
        best = self._best(scores)
        if self._candidate is None and best is not None:
            self._candidate = _Candidate(best, scores.timestamp)
        elif best is not None and self._overtaken(best):
            # Another gesture took the lead: it begins anew, whether or not the first has fired.
            self._candidate = _Candidate(best, scores.timestamp)
        return self._decide(scores)

    def _overtaken(self, best: str) -> bool:
        """Whether another gesture leads than the one that was the candidate."""
        held = self._candidate
        if held is None or best == held.gesture:
            return False
        return held.fired or not held.certain

    def finish(self) -> tuple[GestureEvent, ...]:
        """Ends the source. A gesture that was not sure by now stays unsaid."""
        self.reset()
        return ()

    def threshold(self, gesture: str) -> Threshold:
        """When `gesture` is accepted and let go."""
        return self.config.thresholds.get(gesture, self.config.default)

    def _smooth(self, scores: Scores) -> None:
        elapsed = scores.timestamp - self._time
        self._before = self._mean, self._time
        if self._mean is None or elapsed > self.config.longest_gap:
            # The source begins: no gesture was going on, so the mean starts at zero.
            self._mean = np.zeros_like(scores.probabilities)
            elapsed = 1 / 30
            self._before = self._mean, scores.timestamp - elapsed
            self._candidate = None
        share = 1.0 if self.config.smoothing == 0 else 1 - math.exp(-elapsed / self.config.smoothing)
        self._mean = self._mean + np.float32(share) * (scores.probabilities - self._mean)
        self._time = scores.timestamp

    def _score(self, scores: Scores, gesture: str) -> float:
        assert self._mean is not None
        return float(self._mean[scores.labels.index(gesture)])

    def _let_go(self, scores: Scores) -> None:
        held = self._candidate
        if held is not None and held.certain and not held.fired:
            return  # it is only waiting for its stroke to end
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
        config = self.config
        score = self._score(scores, held.gesture)
        enter, minimum = self.threshold(held.gesture).enter, config.minimum
        if held.gesture in config.held:
            minimum = max(minimum, config.hold)
        since_last = math.inf if self._last is None else scores.timestamp - self._last.time
        if self._last is not None and held.gesture != self._last.gesture and since_last < config.doubt:
            enter += (1 - enter) * config.doubt_share
            minimum = max(minimum, config.doubt_minimum)
        if score < enter and not held.certain:
            held.above = None
            return ()
        held.above = self._crossed(scores, held.gesture, enter) if held.above is None else held.above
        waited = scores.timestamp - held.above + 1e-9
        if waited < minimum or since_last < config.refractory:
            return ()
        # A certain gesture is said when its stroke ends, at the latest when it is no longer certain.
        held.certain = True
        if score >= enter and waited < minimum + config.patience and self._under_way(held.gesture):
            return ()
        held.fired = True
        self._last = self._event(held, score, scores)
        return (self._last,)

    def _crossed(self, scores: Scores, gesture: str, enter: float) -> float:
        """When the score rose above `enter` (seconds): between two frames, as the crow flies.

        With few frames a second a score need not wait for yet another one.
        """
        mean, time = self._before
        if mean is None:
            return scores.timestamp
        low, high = float(mean[scores.labels.index(gesture)]), self._score(scores, gesture)
        share = (enter - low) / max(high - low, 1e-9)
        return time + min(max(share, 0.0), 1.0) * (scores.timestamp - time)

    def _under_way(self, gesture: str) -> bool:
        """Whether the stroke has not ended yet, where its end is waited for."""
        config = self.config
        if config.early or gesture in config.held:
            return False
        usual = config.gesture_seconds.get(gesture, _USUAL)
        return self._motion.now > max(config.slow * self._motion.peak(usual), _FAINT)

    def _event(self, held: _Candidate, score: float, scores: Scores) -> GestureEvent:
        usual = self.config.gesture_seconds.get(held.gesture, _USUAL)
        if held.gesture in self.config.held:
            onset, offset = self._motion.rest(held.since), None  # it is still held
        else:
            onset, offset = self._motion.stroke(usual)
        if onset is None:  # nothing is known of the motion: a gesture lasts as long as usual
            onset = held.since - 0.8 * usual
        if self._last is not None:  # never before the gesture that was said last
            onset = max(onset, min(self._last.time, held.since))
        return GestureEvent(
            gesture=held.gesture,
            score=min(score, 1.0),
            hand=scores.hand,
            track=scores.track,
            onset=min(onset, scores.timestamp),
            offset=offset,
            time=scores.timestamp,
            frame=scores.frame,
        )


class _Motion:
    """How fast the hand has moved lately."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, float]] = deque()  # (seconds, palm lengths a second)

    @property
    def now(self) -> float:
        """Palm lengths a second; 0 where it is not known."""
        return self._seen[-1][1] if self._seen else 0.0

    def add(self, time: float, motion: float) -> None:
        """Takes the motion of a frame; NaN, where the hand is not seen, changes nothing."""
        if not math.isnan(motion):
            self._seen.append((time, motion))
        while self._seen and self._seen[0][0] < time - _REMEMBERED:
            self._seen.popleft()

    def peak(self, seconds: float) -> float:
        """The fastest of the last seconds."""
        start = self._seen[-1][0] - seconds if self._seen else 0.0
        return max((speed for time, speed in self._seen if time >= start), default=0.0)

    def stroke(self, usual: float) -> tuple[float | None, float | None]:
        """Onset and offset of the movement that ends now; the offset is None while it goes on.

        Args:
            usual: seconds that the gesture lasts; its peak lies in the last such stretch.
        """
        if len(self._seen) < 2:
            return None, None
        now = self._seen[-1][0]
        recent = [pair for pair in self._seen if pair[0] >= now - usual]
        summit, peak = max(recent, key=lambda pair: pair[1])
        slow = max(_ENDS * peak, _FAINT)
        onset = offset = summit
        for time, speed in reversed(self._seen):
            if time > summit:
                continue
            if speed >= slow:
                onset = time
            elif onset - time > _PAUSE or now - time > 2 * usual + 0.5:
                break
        for time, speed in self._seen:
            if time > summit and speed >= slow:
                offset = time
        return onset, None if self.now >= slow else offset

    def rest(self, before: float) -> float | None:
        """Since when the hand has been still, looking back from a moment on (seconds)."""
        onset = None
        for time, speed in reversed(self._seen):
            if time <= before and speed > _STILL:
                break
            onset = time
        return onset
