"""How a few-shot recognizer looks at a clip, or at the last moments of a stream: one stretch of time.

A view is cut from its first to its last moment, whatever it lasts, and resampled to `STEPS` steps, so that a
quick and a slow performance look alike. It holds up to two hands: the one that acts first, then the other.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from handflow.recognize.windows import STEPS, Sightings, even_times, sightings
from handflow.types import LEFT, RIGHT, Float32, Float64, HandSequence

LEAST_SEEN = 0.3
"""Share of a live window in which a hand must be seen; below it nothing is going on."""

_CENTRE = (0, 5, 17)
_TIPS = (4, 8, 12, 16, 20)
_RIGHT_BONUS = 1.25  # the left hand acts where it moves clearly more: a tie must not flip
_SHORTEST = 1e-3  # seconds that a view lasts at least: a clip may be one frame
_TOO_SHORT = 0.3  # seconds: such takes are taken whole
_STILL = 0.2  # of the fastest moment: slower than this the hand waits or rests
_JITTER = 0.015  # hand sizes a step: what a tracker adds to a hand at rest
_AROUND = 0.4  # seconds that are kept before and after


@dataclass(frozen=True, slots=True, eq=False)
class Views:
    """A batch of views. Hands that are not there hold zeros."""

    landmarks: Float32  # (views, STEPS, 2, 21, 3) in the sequence's unit: the acting hand, then the other
    share: Float32  # (views, 2) share of the view in which each hand was seen; 0: not there
    acting: NDArray[np.intp]  # (views,) slot of the acting hand
    side: NDArray[np.intp] = field(  # (views,) the same where it matters which hand it is, else -1
        default_factory=lambda: np.zeros(0, np.intp)
    )

    def __post_init__(self) -> None:
        if not len(self.side):  # not given: either hand will do
            object.__setattr__(self, "side", np.full(len(self.landmarks), -1))

    def __len__(self) -> int:
        return len(self.landmarks)

    def part(self, first: int, end: int) -> "Views":
        """The views from `first` to before `end`."""
        return self.take(range(first, min(end, len(self))))

    def take(self, which: NDArray[np.intp] | Sequence[int]) -> "Views":
        """The views of these numbers."""
        index = np.asarray(which, np.intp)
        return Views(self.landmarks[index], self.share[index], self.acting[index], self.side[index])

    @staticmethod
    def stack(views: Iterable["Views"]) -> "Views":
        """All views of several batches in one batch."""
        parts = list(views)
        if not parts:
            nothing = np.zeros((0, 2), np.float32)
            return Views(np.zeros((0, STEPS, 2, 21, 3), np.float32), nothing, np.zeros(0, np.intp))
        return Views(
            np.concatenate([p.landmarks for p in parts]),
            np.concatenate([p.share for p in parts]),
            np.concatenate([p.acting for p in parts]),
            np.concatenate([p.side for p in parts]),
        )


def seen_span(sequence: HandSequence) -> tuple[float, float] | None:
    """First and last moment (seconds) at which a usable hand is seen; None: never."""
    found = sightings(sequence, -math.inf, math.inf)
    times = found.times[found.usable.any(axis=1)]
    return (float(times[0]), float(times[-1])) if len(times) else None


def view_of(
    sequence: HandSequence | Sightings,
    start: float,
    end: float,
    *,
    hands_matter: bool = False,
) -> Views | None:
    """The view of `sequence` from `start` to `end` (seconds); None where no hand is seen in it.

    Where a hand is not seen for a while its landmarks are interpolated; before it is first seen and after it
    is last seen they stay as they were.

    Args:
        sequence: landmarks over time, at any frame rate.
        start: seconds, on the clock of the sequence.
        end: seconds; later frames are not looked at.
        hands_matter: True keeps left hands as they are; else they are mirrored in shape, never in path. The
            acting hand comes first in any case.
    """
    found = sightings(sequence, start - 1e-6, end + 1e-6)
    if not found.usable.any():
        return None
    if not hands_matter:
        found = found.merged()
    grid = even_times(start, max(end, start + _SHORTEST))
    marks = np.zeros((STEPS, 2, 21, 3), np.float32)
    for slot in (LEFT, RIGHT):
        there = found.usable[:, slot]
        if there.any():
            marks[:, slot] = _resampled(found.landmarks[there, slot], found.times[there], grid)
    share = found.usable.mean(axis=0, dtype=np.float32)
    acting = _acting(marks, share)
    order = [acting, 1 - acting]
    if not hands_matter and share[LEFT] > 0:
        _mirror(marks[:, LEFT])
    side = np.array([acting if hands_matter else -1])
    return Views(marks[None, :, order], share[None, order], np.array([acting]), side)


def _resampled(values: Float32, times: Float64, grid: Float64) -> Float32:
    """Linear interpolation of `(n, 21, 3)` at `times` onto `grid`; constant beyond the ends."""
    if len(times) == 1:
        return np.repeat(values, len(grid), axis=0)
    after = np.minimum(np.maximum(times.searchsorted(grid), 1), len(times) - 1)
    before = after - 1
    weight = (grid - times[before]) / np.maximum(times[after] - times[before], 1e-9)
    weight = np.minimum(np.maximum(weight, 0), 1).astype(np.float32)[:, None, None]
    result: Float32 = values[before] * (1 - weight) + values[after] * weight
    return result


def _acting(marks: Float32, share: Float32) -> int:
    """Slot of the hand that does more: spread of its place and of its fingers, in hand sizes."""
    if not share.all():  # a hand alone acts
        return LEFT if share[LEFT] > 0 else RIGHT
    activity = np.zeros(2)
    for slot in (LEFT, RIGHT):
        hand = marks[:, slot, :, :2]
        size = np.median(np.linalg.norm(hand[:, 9] - hand[:, 0], axis=-1)) + 1e-6
        centre = hand[:, _CENTRE].mean(axis=1)
        tips = (hand[:, _TIPS] - centre[:, None]).reshape(len(hand), -1)
        spread = np.sqrt(centre.var(axis=0).sum()) + 0.5 * np.sqrt(tips.var(axis=0).sum())
        activity[slot] = (0.05 + spread / size) * share[slot]
    return LEFT if activity[LEFT] > _RIGHT_BONUS * activity[RIGHT] else RIGHT


def _mirror(hand: Float32) -> None:
    """Mirrors the shape of a hand `(STEPS, 21, 3)` about the palm's centre, in place; its path stays."""
    centre = hand[:, _CENTRE, 0].mean(axis=1, keepdims=True)
    hand[..., 0] = 2 * centre - hand[..., 0]


def live_view(
    sequence: HandSequence | Sightings, end: float, seconds: float, *, hands_matter: bool = False
) -> Views | None:
    """The view of the last moments, up to `end`: compared with strokes, which end where a gesture is over.

    Args:
        sequence: landmarks over time; later frames are not looked at.
        end: seconds, now.
        seconds: of the view.
        hands_matter: see `view_of`.

    Returns:
        None where no hand is seen, or too little of one.
    """
    view = view_of(sequence, end - seconds, end, hands_matter=hands_matter)
    return view if view is not None and view.share.max() >= LEAST_SEEN else None


def active_span(sequence: HandSequence) -> tuple[float, float] | None:
    """The part of a take in which something happens (seconds), with a little time around it.

    Before it the hand waits, after it the hand rests. Of a held pose it is all of the time the hand is seen.
    None where no hand is seen.
    """
    span = seen_span(sequence)
    if span is None or span[1] - span[0] < _TOO_SHORT:
        return span
    view = view_of(sequence, *span)
    assert view is not None
    hand = view.landmarks[0, :, 0]
    size = float(np.median(np.linalg.norm(hand[:, 9] - hand[:, 0], axis=-1))) + 1e-6
    centre = hand[:, _CENTRE, :2].mean(axis=1)
    own = (hand[:, :, :2] - centre[:, None]).reshape(STEPS, 21, 2)
    motion = np.linalg.norm(np.diff(centre, axis=0), axis=1)
    motion = (motion + np.linalg.norm(np.diff(own, axis=0), axis=2).mean(axis=1)) / size
    motion = np.convolve(motion, np.ones(3) / 3, "same")
    active = np.flatnonzero(motion > max(_STILL * motion.max(), _JITTER))
    if not len(active):
        return span
    times = np.linspace(*span, STEPS)
    return (
        max(span[0], float(times[active[0]]) - _AROUND),
        min(span[1], float(times[active[-1] + 1]) + _AROUND),
    )
