"""How much happens in each part of a sequence: which windows of a clip show its gesture.

Recorded clips say what gesture they show, not when. What the hands do is concentrated in the stroke of a
moving gesture and spread evenly over a held pose.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from handflow.recognize.windows import PALM, usable_hands
from handflow.types import BACKGROUND, Clip, Float64, HandSequence

REST = 0.4
"""Hand sizes per second that merely showing a hand counts for: a held pose is content, too."""
BRIDGE = 0.5
"""Seconds: a longer gap between two sightings of a hand says nothing of its movement."""
_TIPS = (4, 8, 12, 16, 20)


@dataclass(frozen=True, slots=True, eq=False)
class Content:
    """What happens between the frames of a sequence, running total."""

    times: Float64  # (frames,) seconds
    total: Float64  # (frames,) hand sizes, from 0; grows where hands are shown and move

    def share(self, start: float, end: float) -> float:
        """Share of all content between two times, 0 to 1; 0 where nothing happens at all."""
        if len(self.total) < 2 or self.total[-1] <= 0:
            return float(len(self.total) > 0 and self.total[-1] > 0)
        low, high = np.interp([start, end], self.times, self.total)
        return float((high - low) / self.total[-1])

    def span(self, low: float = 0.05, high: float = 0.95) -> tuple[float, float]:
        """Times (seconds) between which the content grows from share `low` to share `high`."""
        if len(self.total) < 2 or self.total[-1] <= 0:
            return (float(self.times[0]), float(self.times[-1])) if len(self.times) else (0.0, 0.0)
        # np.interp wants rising values: a hair of time keeps flat stretches apart.
        rising = self.total / self.total[-1] + 1e-9 * np.arange(len(self.total))
        start, end = np.interp([low, high], rising, self.times)
        return float(start), float(end)


def content_of(sequence: HandSequence) -> Content:
    """Measures what the hands do: movement of the palm, of the finger tips against it, and growth."""
    times = sequence.timestamps
    total = np.zeros(len(times))
    usable = usable_hands(sequence.landmarks)
    for slot in (0, 1):
        there = np.flatnonzero(usable[:, slot])
        if len(there) < 2:
            continue
        hand = sequence.landmarks[there, slot, :, :2].astype(np.float64)
        when = times[there]
        palm = hand[:, PALM]
        size = np.linalg.norm(palm - palm.mean(axis=1, keepdims=True), axis=-1).mean(axis=1) * 1.6
        unit = max(float(np.median(size)), 1e-9)
        gap = np.diff(when)
        centre = palm.mean(axis=1)
        tips = hand[:, _TIPS] - centre[:, None]
        moved = np.linalg.norm(_steady(np.diff(centre, axis=0) / unit, gap), axis=-1)
        bent = np.linalg.norm(_steady(np.diff(tips, axis=0) / unit, gap), axis=-1).mean(axis=-1)
        grown = np.abs(_steady(np.diff(np.log(np.maximum(size, 1e-9)))[:, None], gap))[:, 0]
        amount = np.where(gap <= BRIDGE, np.minimum(moved + 0.5 * bent + grown, 20) + REST * gap, 0.0)
        running = np.concatenate([[0.0], np.cumsum(amount)])
        total += np.interp(times, when, running)
    return Content(times, total)


def choose_window_seconds(clips: Sequence[Clip]) -> float:
    """Duration of a window that holds nearly all of what happens in most gesture clips, 0.5 to 3 s."""
    spans = _spans(clips)
    if not spans:
        return 1.0
    every = [s for of_label in spans.values() for s in of_label]
    return round(float(np.clip(1.6 * np.median(every), 0.5, 3.0)), 2)


def usual_seconds(clips: Sequence[Clip]) -> dict[str, float]:
    """Median duration (seconds) of what happens in the clips of each gesture."""
    return {label: round(float(np.median(s)), 3) for label, s in sorted(_spans(clips).items())}


def _spans(clips: Sequence[Clip]) -> dict[str, list[float]]:
    spans: dict[str, list[float]] = {}
    for clip in clips:
        if clip.label != BACKGROUND:
            start, end = content_of(clip.sequence).span(0.1, 0.9)
            spans.setdefault(clip.label, []).append(end - start)
    return spans


def _steady(change: Float64, gap: Float64) -> Float64:
    """Mean change over about 0.1 s: jitter cancels, movement does not. `(n, …)` per step."""
    width = max(1, round(0.1 / max(float(np.median(gap)), 1e-3)))
    if width == 1 or len(change) < width:
        return change
    padded = np.concatenate([np.zeros((1, *change.shape[1:])), np.cumsum(change, axis=0)])
    centre = np.arange(len(change))
    low = np.clip(centre - width // 2, 0, len(change))
    high = np.clip(low + width, 0, len(change))
    steady: Float64 = (padded[high] - padded[low]) / (high - low).reshape(-1, *[1] * (change.ndim - 1))
    return steady
