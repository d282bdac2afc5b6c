"""Short gaps: where a hand was out of sight for a moment, its landmarks are interpolated and marked so."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from handflow.types import Float32, Float64, HandSequence

LONGEST_FILL = 0.3
"""Seconds between two sights up to which the frames between are filled: as long as a hand keeps its track."""


def fill_gaps(
    sequence: HandSequence, tracks: NDArray[np.int_], longest: float = LONGEST_FILL
) -> HandSequence:
    """Fills short gaps of each slot; `filled` marks them, and their presence stays 0.

    The hand goes on as it moved at both ends of the gap (cubic Hermite spline), which comes twice as near
    as a straight way. Nothing is filled before the first sight or after the last.

    Args:
        sequence: landmarks over time.
        tracks: `(frames, 2)` the track in each slot; between two hands nothing is filled.
        longest: seconds between the sights on both sides of a gap that is filled.
    """
    seen = sequence.seen
    landmarks, filled = sequence.landmarks.copy(), sequence.filled.copy()
    for slot in range(2):
        sights = np.flatnonzero(seen[:, slot])
        for k in np.flatnonzero(np.diff(sights) > 1):
            before, after = int(sights[k]), int(sights[k + 1])
            if sequence.timestamps[after] - sequence.timestamps[before] > longest + 1e-6:
                continue
            if tracks[before, slot] != tracks[after, slot]:
                continue
            ends = sights[np.clip([k - 1, k, k + 1, k + 2], 0, len(sights) - 1)]
            inside = np.arange(before + 1, after)
            landmarks[inside, slot] = _between(
                sequence.landmarks[ends, slot],
                sequence.timestamps[ends],
                sequence.timestamps[inside],
                longest,
            )
            filled[inside, slot] = True
    return replace(sequence, landmarks=landmarks, filled=filled)


def _between(points: Float32, times: Float64, at: Float64, longest: float) -> Float32:
    """Points (4, 21, 3) at four times to those between the two in the middle, at times (n,)."""
    span = times[2] - times[1]
    straight = (points[2] - points[1]) / span
    slopes = []
    for outer, inner in ((0, 1), (3, 2)):
        step = abs(times[inner] - times[outer])
        slope = straight
        if 0 < step <= longest:  # of the parabola through the sight before, that one and the one after
            beyond = (points[inner] - points[outer]) / (times[inner] - times[outer])
            slope = (beyond * span + straight * step) / (span + step)
        slopes.append(slope)
    s = ((at - times[1]) / span)[:, None, None]
    return np.asarray(
        (1 + 2 * s) * (1 - s) ** 2 * points[1]
        + s * (1 - s) ** 2 * span * slopes[0]
        + s**2 * (3 - 2 * s) * points[2]
        - s**2 * (1 - s) * span * slopes[1],
        np.float32,
    )
