"""Draws training windows from clips, with what each window deserves to be called.

A clip says what gesture it shows, not when. Live, a window slides over the gesture: first it holds its
beginning, then all of it, then its end and what follows. Every phase is drawn here. A window that holds
most of what happens in the clip (`recognize.content`) carries the clip's label, one that holds little of it
is background, those between are shared between the two.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from handflow.recognize.content import Content, content_of
from handflow.recognize.windows import Windows, cut_window, usable_hands
from handflow.train.compose import (
    at_tempo,
    held,
    is_stroke,
    joined,
    reversed_in_time,
    scrambled,
    thinned,
)
from handflow.types import BACKGROUND, Clip, Float32, Float64, HandSequence

LITTLE, MOST = 0.45, 0.85
"""Shares of a clip's content: a window with less than the first is background, with more than the second
it is the gesture."""


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Windows and what they should be called."""

    windows: Windows
    targets: Float32  # (windows, labels), rows sum to 1

    def __len__(self) -> int:
        return len(self.windows)


def choose_window_seconds(clips: Sequence[Clip]) -> float:
    """Duration of a window that holds nearly all of what happens in most gesture clips, 0.5 to 3 s."""
    spans = []
    for clip in clips:
        if clip.label != BACKGROUND:
            start, end = content_of(clip.sequence).span()
            spans.append(end - start)
    if not spans:
        return 1.0
    return round(float(np.clip(1.2 * np.percentile(spans, 75), 0.5, 3.0)), 2)


def usual_seconds(clips: Sequence[Clip]) -> dict[str, float]:
    """Median duration (seconds) of what happens in the clips of each gesture."""
    spans: dict[str, list[float]] = {}
    for clip in clips:
        if clip.label != BACKGROUND:
            start, end = content_of(clip.sequence).span()
            spans.setdefault(clip.label, []).append(end - start)
    return {label: round(float(np.median(s)), 3) for label, s in sorted(spans.items())}


class WindowSampler:
    """Draws windows from clips.

    Args:
        labels: in the order of the targets; `background` among them.
        seconds: duration of a window.
        hands_matter: see `windows.cut_window`.
        derive_background: whether to make clips of no gesture from the clips of gestures.
        natural: only what the clips hold, at their own tempo and rate (validation), else all variations.
    """

    def __init__(
        self,
        labels: Sequence[str],
        seconds: float,
        *,
        hands_matter: bool = False,
        derive_background: bool = False,
        natural: bool = False,
    ) -> None:
        self._labels = tuple(labels)
        self._seconds = seconds
        self._hands_matter = hands_matter
        self._derive = derive_background
        self._natural = natural
        self._none = self._labels.index(BACKGROUND)

    def draw(self, clips: Sequence[Clip], per_clip: int, rng: np.random.Generator) -> Samples:
        """Draws `per_clip` windows from every clip that shows a hand."""
        windows: list[Windows] = []
        targets: list[Float32] = []
        for clip in clips:
            if not usable_hands(clip.sequence.landmarks).any():
                continue
            stroke = clip.label != BACKGROUND and is_stroke(clip.sequence)
            for _ in range(per_clip):
                window, target = self._one(clip, stroke, rng)
                windows.append(window)
                targets.append(target)
        return Samples(Windows.stack(windows), np.stack(targets))

    def _one(self, clip: Clip, stroke: bool, rng: np.random.Generator) -> tuple[Windows, Float32]:
        sequence = clip.sequence
        if not self._natural:
            sequence = at_tempo(sequence, float(np.exp(rng.normal(0, 0.15))))
        if clip.label == BACKGROUND:
            return self._background(sequence, rng)
        if self._derive and rng.random() < 0.2:
            return self._background(scrambled(sequence, int(rng.integers(3, 6)), rng), rng)
        content = content_of(sequence)
        core = (float(sequence.timestamps[0]), float(sequence.timestamps[-1]))
        back: tuple[float, float] | None = None
        before, after = rng.uniform(0, self._seconds, 2)
        draw = rng.random()
        if stroke and draw < 0.3:
            # The way back is usually slower than the stroke, and begins after a moment.
            rest = held(sequence, before, float(rng.uniform(0, 0.3)), rng)
            home = reversed_in_time(sequence, float(rng.uniform(0.8, 2.0)))
            sequence = joined(rest, home, 0.0)
            back = (float(rest.timestamps[-1]), float(sequence.timestamps[-1]))
        elif stroke and draw < 0.4:
            # Reaching the place where the stroke begins looks like the opposite stroke, until it follows.
            reach = reversed_in_time(sequence, float(rng.uniform(1.0, 2.0)))
            moved = joined(reach, held(sequence, rng.uniform(0, 0.3), after, rng), 0.0)
            core = self._place_of(moved, sequence, after)
            sequence = moved
        elif draw < 0.75:
            sequence = held(sequence, before, after, rng)
        elif draw < 0.85 and not self._natural:
            sequence = self._still(sequence, rng)
            core = (np.inf, np.inf)
        if not self._natural and rng.random() < 0.5:
            sequence = thinned(sequence, float(rng.uniform(9, 31)), rng)
        return self._cut(clip, sequence, content, core, back, rng)

    def _place_of(self, whole: HandSequence, core: HandSequence, after: float) -> tuple[float, float]:
        """When a core that is followed by `after` seconds of hold happens at the end of `whole`."""
        step = float(np.median(np.diff(core.timestamps))) if len(core) > 1 else 1 / 30
        end = float(whole.timestamps[-1]) - int(after / step) * step
        return end - core.duration, end

    def _still(self, sequence: HandSequence, rng: np.random.Generator) -> HandSequence:
        """The hand as it was before or after the motion, doing nothing."""
        edge = slice(0, 1) if rng.random() < 0.5 else slice(len(sequence) - 1, None)
        frame = HandSequence(
            sequence.landmarks[edge],
            sequence.timestamps[edge],
            sequence.handedness[edge],
            sequence.presence[edge],
        )
        return held(frame, self._seconds, self._seconds, rng)

    def _background(self, sequence: HandSequence, rng: np.random.Generator) -> tuple[Windows, Float32]:
        if rng.random() < 0.3:
            before, after = rng.uniform(0, 0.7 * self._seconds, 2)
            sequence = held(sequence, before, after, rng)
        if not self._natural and rng.random() < 0.5:
            sequence = thinned(sequence, float(rng.uniform(9, 31)), rng)
        times = sequence.timestamps
        first = min(float(times[0]) + 0.2 * self._seconds, float(times[-1]))
        end = self._frame_at(times, float(rng.uniform(first, float(times[-1]))))
        target = np.zeros(len(self._labels), np.float32)
        target[self._none] = 1
        return cut_window(sequence, end, self._seconds, hands_matter=self._hands_matter), target

    def _cut(
        self,
        clip: Clip,
        sequence: HandSequence,
        content: Content,
        core: tuple[float, float],
        back: tuple[float, float] | None,
        rng: np.random.Generator,
    ) -> tuple[Windows, Float32]:
        times = sequence.timestamps
        if np.isinf(core[0]):
            end = float(times[-1])
            amount = 0.0
        else:
            # Half of the windows end where the gesture is nearly or just over: there the answer is needed.
            low = float(times[0]) + 0.2 * self._seconds
            high = float(times[-1])
            if rng.random() < 0.5:
                low, high = core[0] + 0.6 * (core[1] - core[0]), core[1] + 0.5 * self._seconds
            low = min(max(low, float(times[0])), float(times[-1]))
            high = max(low, min(high, float(times[-1])))
            end = self._frame_at(times, float(rng.uniform(low, high)))
            amount = self._amount(content, core, end)
            if back is not None:
                done = np.clip((end - back[0]) / (back[1] - back[0]), 0, 1)
                amount *= 1 - _ramp(float(done), 0.3, 0.7)
        target = np.zeros(len(self._labels), np.float32)
        target[self._labels.index(clip.label)] = amount
        target[self._none] += 1 - amount
        return cut_window(sequence, end, self._seconds, hands_matter=self._hands_matter), target

    def _amount(self, content: Content, core: tuple[float, float], end: float) -> float:
        """How much of the gesture a window that ends at `end` shows, 0 to 1."""
        shift = float(content.times[0]) - core[0]
        start, end = end - self._seconds + shift, end + shift
        ends = np.arange(content.times[0] + 0.5 * self._seconds, content.times[-1] + 0.05, 0.05)
        ends = np.append(ends, content.times[-1])
        fullest = max(content.share(e - self._seconds, float(e)) for e in ends)
        return _ramp(content.share(start, end) / max(fullest, 1e-6), LITTLE, MOST)

    @staticmethod
    def _frame_at(times: Float64, moment: float) -> float:
        return float(times[max(0, int(np.searchsorted(times, moment + 1e-6)) - 1)])


def _ramp(value: float, low: float, high: float) -> float:
    """0 below `low`, 1 above `high`, smooth between."""
    x = min(max((value - low) / (high - low), 0.0), 1.0)
    return x * x * (3 - 2 * x)
