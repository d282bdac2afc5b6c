"""Intervals of confidence: how far a measured share or rate may be from the true one, by chance alone.

All of them treat clips (or events) as independent. Takes of one person resemble each other, so with few
persons the truth may lie further away than these intervals say.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np

Interval = tuple[float, float]
"""Lower and upper end, 95 % unless said otherwise."""

_Z = 1.959963984540054  # two-sided 95 % of the normal distribution
_DRAWS = 4000


def wilson_interval(right: int, total: int) -> Interval | None:
    """95 % interval of a share, after Wilson (1927); None without a trial.

    Unlike the usual ± it stays inside 0 to 1 and is not empty for 0 % and 100 %.

    >>> tuple(round(end, 3) for end in wilson_interval(39, 40))
    (0.871, 0.996)
    """
    if not 0 <= right <= total:
        raise ValueError(f"{right} of {total} is no share")
    if total == 0:
        return None
    share, z2 = right / total, _Z * _Z
    centre = (share + z2 / (2 * total)) / (1 + z2 / total)
    half = _Z * math.sqrt(share * (1 - share) / total + z2 / (4 * total * total)) / (1 + z2 / total)
    # At the ends rounding would leave the share just outside its own interval.
    return 0.0 if right == 0 else centre - half, 1.0 if right == total else centre + half


def mean_share_interval(right: Sequence[int], totals: Sequence[int]) -> Interval | None:
    """95 % interval of the mean of several shares, such as balanced accuracy; those without trials left out.

    Recovers the variance of the mean from the Wilson intervals of the shares: Zou and Donner, "Construction
    of confidence limits about effect measures", Statistics in Medicine 27, 2008.

    >>> tuple(round(end, 3) for end in mean_share_interval([20, 20], [20, 20]))
    (0.886, 1.0)
    """
    pairs = [(r, n) for r, n in zip(right, totals, strict=True) if n > 0]
    if not pairs:
        return None
    below = above = 0.0
    for r, n in pairs:
        interval = wilson_interval(r, n)
        assert interval is not None  # n > 0
        below += (r / n - interval[0]) ** 2
        above += (interval[1] - r / n) ** 2
    mean = sum(r / n for r, n in pairs) / len(pairs)
    return max(0.0, mean - math.sqrt(below) / len(pairs)), min(1.0, mean + math.sqrt(above) / len(pairs))


def f1_interval(hits: int, false: int, missed: int, seed: int = 0) -> Interval | None:
    """95 % interval of F1 from the counts it is made of; None where all are zero.

    F1 is distributed as U / (U + V), U ~ Gamma(hits + ½, scale 2), V ~ Gamma(false + missed + 1, scale 1):
    Goutte and Gaussier, "A probabilistic interpretation of precision, recall and F-score", ECIR 2005.
    """
    if hits + false + missed == 0:
        return None
    rng = np.random.default_rng(seed)
    u = rng.gamma(hits + 0.5, 2.0, _DRAWS)
    v = rng.gamma(false + missed + 1.0, 1.0, _DRAWS)
    low, high = np.percentile(u / (u + v), (2.5, 97.5))
    measured = 2 * hits / (2 * hits + false + missed)
    return min(float(low), measured), max(float(high), measured)  # a prior pulls 0 and 1 inwards


def poisson_interval(count: int) -> Interval:
    """95 % interval of the mean of a Poisson count, exact after Garwood (1936).

    Divided by the hours watched it bounds the false activations per hour.

    >>> tuple(round(end, 2) for end in poisson_interval(0))
    (0.0, 3.69)
    """
    if count < 0:
        raise ValueError(f"a count is at least 0, not {count}")
    top = count + 10 * math.sqrt(count + 1) + 10
    upper = _bisect(lambda mean: _poisson_at_most(count, mean) - 0.025, top)
    lower = 0.0 if count == 0 else _bisect(lambda mean: _poisson_at_most(count - 1, mean) - 0.975, top)
    return lower, upper


def _poisson_at_most(count: int, mean: float) -> float:
    """P(X ≤ count) of a Poisson variable, summed in logarithms."""
    if mean <= 0:
        return 1.0
    k = np.arange(count + 1)
    log_factorials = np.concatenate([[0.0], np.cumsum(np.log(k[1:]))])
    logs = k * math.log(mean) - mean - log_factorials
    return float(np.exp(logs).sum())


def _bisect(falling: Callable[[float], float], top: float) -> float:
    """The zero of a falling function between 0 and `top`."""
    low, high = 0.0, top
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if falling(middle) > 0 else (low, middle)
    return (low + high) / 2
