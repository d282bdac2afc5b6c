"""Dynamic time warping of many pairs of short sequences at once (Sakoe and Chiba, IEEE TASSP 26, 1978).

Cells of one anti-diagonal do not depend on each other, so a whole diagonal of all pairs is one operation.
"""

from functools import cache

import numpy as np

from handflow.types import Float32

BAND = 4
"""Steps that one sequence may run ahead of the other."""
_CHUNK = 8192  # pairs at once: bounds the memory


def warped_distances(first: Float32, second: Float32, band: int = BAND) -> Float32:
    """Cost of the cheapest alignment of each pair, by Euclidean distance of steps.

    Args:
        first: (pairs, steps, d), or (1, steps, d) to compare one with all of `second`.
        second: (pairs, steps, d), of as many steps.
        band: steps that one may run ahead of the other.

    Returns:
        (pairs,) the sum over the alignment.
    """
    pairs = max(len(first), len(second)) if len(first) and len(second) else 0
    result = np.zeros(pairs, np.float32)
    for i in range(0, pairs, _CHUNK):
        one = first if len(first) == 1 else first[i : i + _CHUNK]
        other = second if len(second) == 1 else second[i : i + _CHUNK]
        result[i : i + _CHUNK] = _aligned(_step_distances(one, other), band)
    return result


def _step_distances(first: Float32, second: Float32) -> Float32:
    """(pairs, steps, steps) distances between the steps of each pair; which is first makes no difference."""
    mine = np.einsum("nsd,nsd->ns", first, first)
    theirs = np.einsum("nsd,nsd->ns", second, second)
    if len(first) == 1:  # one product of two large matrices is quicker than many of small ones
        n, steps, width = second.shape
        products = (second.reshape(n * steps, width) @ first[0].T).reshape(n, steps, steps)
    else:
        products = np.matmul(second, first.transpose(0, 2, 1))
    products *= -2
    products += theirs[:, :, None]
    products += mine[:, None]
    np.maximum(products, 0, out=products)
    result: Float32 = np.sqrt(products, out=products)
    return result


def _aligned(cost: Float32, band: int) -> Float32:
    """(pairs,) cost of the cheapest alignment."""
    pairs, steps, _ = cost.shape
    flat = np.ascontiguousarray(cost.reshape(pairs, steps * steps).T)
    # Row i + 1 of a diagonal stands for step i of the first; row 0 and rows out of the band are infinite.
    ways = np.full((3, steps + 1, pairs), np.inf, np.float32)
    before, last, now = ways
    last[1] = flat[0]
    for low, high, cells in _diagonals(steps, band):
        best = now[low + 1 : high + 1]
        np.minimum(last[low:high], last[low + 1 : high + 1], out=best)
        np.minimum(best, before[low:high], out=best)
        best += flat[cells]
        now[low] = np.inf
        if high < steps:
            now[high + 1] = np.inf
        before, last, now = last, now, before
    result: Float32 = last[steps].copy()
    return result


@cache
def _diagonals(steps: int, band: int) -> tuple[tuple[int, int, slice], ...]:
    """For each anti-diagonal i + j = 1, 2, …: the range of i within the band and its cells."""
    every = []
    for s in range(1, 2 * steps - 1):
        inside = [i for i in range(max(0, s - steps + 1), min(steps, s + 1)) if abs(2 * i - s) <= band]
        low, high = inside[0], inside[-1] + 1
        start = low * steps + s - low  # the next cell of a diagonal lies steps - 1 further
        every.append((low, high, slice(start, start + (high - low - 1) * (steps - 1) + 1, steps - 1)))
    return tuple(every)
