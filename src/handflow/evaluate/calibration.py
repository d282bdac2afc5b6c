"""Whether a model's probabilities can be believed: of the answers given with 80 %, are 80 % right?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """The answers whose probability lies in one range."""

    low: float  # probability, exclusive (the first bin includes 0)
    high: float  # probability, inclusive
    clips: int
    confidence: float  # mean probability of the answers; 0 where there are none
    accuracy: float  # share of right answers; 0 where there are none


@dataclass(frozen=True, slots=True)
class Calibration:
    """How far probabilities are from the shares they promise."""

    expected_error: float  # 0 to 1, expected calibration error
    bins: tuple[CalibrationBin, ...]

    def in_words(self) -> str:
        """One sentence for a person: over-confident, under-confident or about right."""
        clips = sum(b.clips for b in self.bins)
        confidence = sum(b.confidence * b.clips for b in self.bins) / clips
        accuracy = sum(b.accuracy * b.clips for b in self.bins) / clips
        if self.expected_error < 0.05:
            return f"Its probabilities can be believed (off by {self.expected_error:.1%} on average)."
        way = "surer than it should be" if confidence > accuracy else "less sure than it could be"
        return f"It is {way}: its probabilities are off by {self.expected_error:.0%} on average."


def expected_calibration_error(
    confidence: ArrayLike, right: Sequence[bool] | ArrayLike, bins: int = 10
) -> Calibration:
    """Expected calibration error of answers: the mean distance of confidence and accuracy over bins.

    After Guo et al., "On calibration of modern neural networks", ICML 2017 (equal-width bins).

    Args:
        confidence: (clips,) probability of the answer that was given, 0 to 1.
        right: (clips,) whether it was right.
        bins: how many ranges of probability.

    Raises:
        ValueError: no answers, arrays of different length or probabilities outside 0 to 1.
    """
    p = np.asarray(confidence, dtype=np.float64)
    hit = np.asarray(right, dtype=bool)
    if p.ndim != 1 or p.shape != hit.shape or not len(p):
        raise ValueError(
            f"confidence is {p.shape} and right {hit.shape}, expected the same (clips,), not empty"
        )
    if not ((p >= 0) & (p <= 1 + 1e-6)).all():
        raise ValueError("confidence must lie between 0 and 1")
    place = np.clip(np.ceil(p * bins).astype(int) - 1, 0, bins - 1)
    found: list[CalibrationBin] = []
    error = 0.0
    for b in range(bins):
        inside = place == b
        count = int(inside.sum())
        mean_p = float(p[inside].mean()) if count else 0.0
        mean_hit = float(hit[inside].mean()) if count else 0.0
        error += count / len(p) * abs(mean_p - mean_hit)
        found.append(CalibrationBin(b / bins, (b + 1) / bins, count, mean_p, mean_hit))
    return Calibration(error, tuple(found))
