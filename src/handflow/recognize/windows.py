"""Cuts a landmark sequence into a window of fixed duration, resampled by time.

The window that ends with a frame uses only that frame and earlier ones, so a window cut from a recording
equals the one that the live buffer gives at that moment. Between two sightings of a hand its landmarks are
interpolated; a gap that is too long stays unknown.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from handflow.types import LEFT, RIGHT, Float32, Float64, HandSequence

STEPS = 32
"""Steps of every window, whatever it lasts."""
MARGIN = 0.5
"""Seconds before the window that may serve to interpolate its first steps."""
LONGEST_BRIDGE = 0.5
"""Longest gap in seconds that is interpolated. Trackers lose hands in the middle of fast strokes."""
LONGEST_SIGHT = 0.15
"""Two sightings no further apart (seconds) count as seen all the way: cameras go down to 10 fps."""
PALM = (0, 1, 5, 9, 13, 17)
"""Landmarks that keep their distances when fingers move."""


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """A batch of windows. Unknown steps hold zeros."""

    landmarks: Float32  # (windows, STEPS, 2, 21, 3) in the sequence's unit, slot 0 left, slot 1 right
    known: Float32  # (windows, STEPS, 2) 1 where the hand is seen or its gap is bridged, else 0
    seen: Float32  # (windows, STEPS, 2) 1 where it is seen, 0 where it is bridged or unknown

    def __len__(self) -> int:
        return len(self.landmarks)

    def take(self, indices: NDArray[np.intp]) -> "Windows":
        """The windows of these numbers, copied."""
        return Windows(self.landmarks[indices], self.known[indices], self.seen[indices])

    @staticmethod
    def stack(windows: Iterable["Windows"]) -> "Windows":
        """All windows of several batches in one batch."""
        parts = list(windows)
        return Windows(
            np.concatenate([p.landmarks for p in parts]),
            np.concatenate([p.known for p in parts]),
            np.concatenate([p.seen for p in parts]),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Sightings:
    """Hands over time and where they can be used: what windows and views are cut from."""

    landmarks: Float32  # (frames, 2, 21, 3) in one unit, slot 0 left, slot 1 right
    times: Float64  # (frames,) seconds, rising
    usable: NDArray[np.bool_]  # (frames, 2) whether the hand was seen, sound and larger than a point

    def alone(self, slot: int) -> "Sightings":
        """The same as if the hand in the other slot had never been seen."""
        usable = self.usable.copy()
        usable[:, 1 - slot] = False
        return Sightings(self.landmarks, self.times, usable)

    def merged(self) -> "Sightings":
        """The two slots joined into one where no frame shows both hands; see `merge_slots`."""
        landmarks, usable = merge_slots(self.landmarks, self.usable)
        return Sightings(landmarks, self.times, usable)


def sightings(hands: HandSequence | Sightings, first: float, end: float) -> Sightings:
    """What was seen at the times (seconds) from `first` to before `end`; filled gaps were not seen."""
    times = hands.times if isinstance(hands, Sightings) else hands.timestamps
    low, high = times.searchsorted((first, end))
    landmarks, times = hands.landmarks[low:high], times[low:high]
    if isinstance(hands, Sightings):
        return Sightings(landmarks, times, hands.usable[low:high])
    return Sightings(landmarks, times, usable_hands(landmarks) & ~hands.filled[low:high])


def empty_windows(count: int, steps: int = STEPS) -> Windows:
    """`count` windows in which no hand is known."""
    nothing = np.zeros((count, steps, 2), np.float32)
    return Windows(np.zeros((count, steps, 2, 21, 3), np.float32), nothing, nothing.copy())


def usable_hands(landmarks: Float32) -> NDArray[np.bool_]:
    """Whether each hand `(…, 21, 3)` is finite and larger than a point."""
    flat = landmarks.reshape(*landmarks.shape[:-2], 63)
    # Beyond 1e6 (pixels, or any unit that anybody uses) squares lose their meaning in float32.
    sound = np.abs(flat).max(axis=-1) < 1e6  # NaN compares as false
    palm = landmarks[..., PALM, :2]
    with np.errstate(invalid="ignore"):
        extent = (palm.max(axis=-2) - palm.min(axis=-2)).max(axis=-1)
        result: NDArray[np.bool_] = sound & (extent > 1e-6)
    return result


def merge_slots(landmarks: Float32, usable: NDArray[np.bool_]) -> tuple[Float32, NDArray[np.bool_]]:
    """Joins the two slots into one where no frame shows both hands.

    A hand that was lost and found again may have come back in the other slot. If the two were never seen
    together they are taken for one hand, which gets the slot that held it longer.

    Args:
        landmarks: `(frames, 2, 21, 3)`.
        usable: `(frames, 2)`.
    """
    left, right = usable[:, LEFT], usable[:, RIGHT]
    if not left.any() or not right.any() or (left & right).any():
        return landmarks, usable
    home = LEFT if left.sum() > right.sum() else RIGHT
    joined = landmarks.copy()
    joined[:, home] = np.where(usable[:, home, None, None], landmarks[:, home], landmarks[:, 1 - home])
    together = np.zeros_like(usable)
    together[:, home] = left | right
    return joined, together


def cut_window(
    sequence: HandSequence | Sightings,
    end: float,
    seconds: float,
    *,
    hands_matter: bool = False,
    steps: int = STEPS,
) -> Windows:
    """The one window of `sequence` that ends at time `end`.

    Args:
        sequence: landmarks over time, at any frame rate.
        end: seconds, on the clock of the sequence. Later frames are not looked at.
        seconds: duration of the window.
        hands_matter: whether left and right stay apart even if never seen together.
        steps: of the window; pictures are fewer than the steps of landmarks.

    Returns:
        a batch of one window; all unknown where no hand is seen.
    """
    found = sightings(sequence, end - seconds - MARGIN, end + 1e-6)  # gaps are bridged here, as live
    window = empty_windows(1, steps)
    if not found.usable.any():
        return window
    if not hands_matter:
        found = found.merged()
    grid = even_times(end - seconds, end, steps)
    for slot in (LEFT, RIGHT):
        there = found.usable[:, slot]
        if there.any():
            values, known, seen = _interpolate(found.landmarks[there, slot], found.times[there], grid)
            window.landmarks[0, :, slot] = values
            window.known[0, :, slot] = known
            window.seen[0, :, slot] = seen
    return window


def even_times(first: float, last: float, steps: int = STEPS) -> Float64:
    """`np.linspace` for numbers, to the bit: most of its time goes into cases that never come here."""
    times: Float64 = np.arange(steps, dtype=np.float64) * ((last - first) / (steps - 1)) + first
    times[-1] = last
    return times


def _interpolate(values: Float32, times: Float64, grid: Float64) -> tuple[Float32, Float32, Float32]:
    """Linear interpolation `(n, 21, 3)` at `times` onto `grid`, with what is known and what is seen."""
    before = times.searchsorted(grid + 1e-6, side="right") - 1
    inside = before >= 0
    low = np.maximum(before, 0)
    exact = inside & (np.abs(grid - times[low]) <= 1e-6)
    high = np.minimum(low + 1, len(times) - 1)
    gap = times[high] - times[low]
    bridged = inside & (high > low) & (gap <= LONGEST_BRIDGE)
    known = exact | bridged
    weight = np.where(bridged & ~exact, (grid - times[low]) / np.maximum(gap, 1e-9), 0.0).astype(np.float32)
    weight = weight[:, None, None]
    result = values[low] * (1 - weight) + values[high] * weight
    result[~known] = 0
    seen = exact | (bridged & (gap <= LONGEST_SIGHT))
    return result, known.astype(np.float32), seen.astype(np.float32)
