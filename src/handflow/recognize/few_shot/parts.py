"""How unlike two performances are, in parts: one number of each kind for every query and gesture.

Each part is the logarithm of a distance: weighted sums are products of powers, and no part's unit matters.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from handflow.recognize.few_shot.looks import Looks
from handflow.recognize.few_shot.time_warping import warped_distances
from handflow.types import Float32

PARTS = ("exact", "motion", "warped", "other hand", "learned")
"""Encoder of poses and motions; encoder of motions whatever the fingers do; time warping; the second hand;
and what regression over all examples says, which is no distance and knows nothing of unknown gestures."""
DISTANCES = 4
"""How many of the parts are distances, the first ones."""
NEAREST = 5
"""Examples of a gesture that decide, those that the encoders find nearest."""

_SHARPNESS = 4.0  # how much more the nearest of them counts
_BY_CHANCE = np.array([0.2, 0.2, 0.06, 0.1])  # that a part falls while examples become e times as many
_PAIRS = 4096  # that are warped at once: bounds the memory
_LEAST = 1e-6
_OTHER_SIDE = np.float32(4.0)  # added to the logarithms where the other hand acts and hands matter
_OTHER_NONE, _OTHER_MISSING, _OTHER_LEAST = 0.03, 0.4, 0.01  # distance of no hand to none, and to one


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Unlikeness of queries to gestures."""

    parts: Float32  # (DISTANCES, queries, gestures)
    nearest: NDArray[np.intp]  # (queries, gestures) number of the example that is most alike by the encoders


def unlikeness(
    queries: Looks,
    examples: Looks,
    members: tuple[NDArray[np.intp], NDArray[np.bool_]],
    *,
    excluded: NDArray[np.bool_] | None = None,
) -> Scores:
    """Compares every query with the nearest examples of every gesture.

    Args:
        queries: what is to be told.
        examples: what was taught, at least one of every gesture.
        members: which examples each gesture has, as `members_of` gives them.
        excluded: (queries, examples) which examples do not count, such as the query itself. A gesture of
            which none is left is as unlike as can be: +inf.
    """
    exact, motion, other, crossed = _encoder_distances(queries, examples)
    first = exact + motion + 0.25 * other
    if excluded is not None:
        first = np.where(excluded, np.inf, first)
    chosen, some, count = _nearest_of_each(first, members)
    rows = np.broadcast_to(np.arange(len(queries))[:, None, None], chosen.shape)
    warped = np.zeros(chosen.shape, np.float32)
    warped[some] = _warping(queries, examples, rows[some], chosen[some], crossed)
    parts = np.stack([exact[rows, chosen], motion[rows, chosen], warped, other[rows, chosen]])
    least = np.where(some, first[rows, chosen], np.inf).argmin(axis=2)
    nearest = np.take_along_axis(chosen, least[..., None], axis=2)[..., 0]
    # The nearest of many are nearer by chance alone.
    chance = np.log(np.maximum(count, NEAREST) / NEAREST)
    parts = _soft_least(parts, some) + _BY_CHANCE[:, None, None] * chance
    return Scores(parts.astype(np.float32), nearest)


def _encoder_distances(
    queries: Looks, examples: Looks
) -> tuple[Float32, Float32, Float32, NDArray[np.bool_]]:
    """Logarithms (m, n) of both encoders' distances and of the second hand's; where the hands are crossed.

    Which of two hands acts is a matter of little where both do: they are paired as fits better, or left with
    left where hands matter.
    """
    width = queries.points.shape[2] // 2
    mine, theirs = queries.share[:, 1], examples.share[:, 1]
    both = np.minimum(mine[:, None], theirs[None])
    hands = (0, 1) if both.any() else (0,)
    exact, motion = (
        [[_cosine(queries, examples, a, b, part) for b in hands] for a in hands]
        for part in (slice(0, width), slice(width, 2 * width))
    )
    apart = queries.side[:, None] != examples.side[None]  # left and right, where that matters
    crossed = np.zeros(both.shape, bool)
    acting, second = [e[0][0] for e in (exact, motion)], np.zeros(both.shape, np.float32)
    if len(hands) == 2:
        fits = exact[0][1] + exact[1][0] < exact[0][0] + exact[1][1]
        crossed = (both > 0.25) & np.where(queries.side[:, None] < 0, fits, apart)
        acting = [np.where(crossed, e[0][1], e[0][0]) for e in (exact, motion)]
        second = np.where(crossed, exact[1][0], exact[1][1])
    penalty = np.where(apart & ~crossed, _OTHER_SIDE, np.float32(0))
    missing = np.abs(mine[:, None] - theirs[None])
    other = both * second + missing * _OTHER_MISSING + (1 - both - missing) * _OTHER_NONE
    logs = [np.log(np.maximum(d, _LEAST)) + penalty for d in acting]
    return logs[0], logs[1], np.log(other + _OTHER_LEAST), crossed


def _cosine(queries: Looks, examples: Looks, a: int, b: int, part: slice) -> Float32:
    result: Float32 = 1 - queries.points[:, a, part] @ examples.points[:, b, part].T
    return result


def members_of(label: NDArray[np.intp], gestures: int) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Examples of each gesture as rows of a table (gestures, most), and which places are taken."""
    counts = np.bincount(label, minlength=gestures)
    table = np.zeros((gestures, max(int(counts.max(initial=1)), 1)), np.intp)
    taken = np.arange(table.shape[1])[None] < counts[:, None]
    table[taken] = np.argsort(label, kind="stable")
    return table, taken


def _nearest_of_each(
    first: Float32, members: tuple[NDArray[np.intp], NDArray[np.bool_]]
) -> tuple[NDArray[np.intp], NDArray[np.bool_], NDArray[np.intp]]:
    """Nearest examples of every gesture (m, gestures, few), which of them there are, and of how many."""
    table, taken = members
    distances = np.where(taken[None], first[:, table], np.inf)  # (m, gestures, most)
    there = np.isfinite(distances)
    count = there.sum(axis=2)
    if table.shape[1] <= NEAREST:
        return np.broadcast_to(table, distances.shape), there, count
    best = np.argpartition(distances, NEAREST - 1, axis=2)[:, :, :NEAREST]
    chosen = np.take_along_axis(np.broadcast_to(table, distances.shape), best, axis=2)
    return chosen, np.take_along_axis(there, best, axis=2), count


def _warping(
    queries: Looks,
    examples: Looks,
    query: NDArray[np.intp],
    example: NDArray[np.intp],
    crossed: NDArray[np.bool_],
) -> Float32:
    """Logarithm (pairs,) of the cost of aligning the acting hands."""
    costs = np.zeros(len(query), np.float32)
    for i in range(0, len(query), _PAIRS):
        some = slice(i, i + _PAIRS)
        hand = crossed[query[some], example[some]].astype(np.intp)
        mine = queries.frames[:, 0] if len(queries) == 1 else queries.frames[query[some], 0]
        costs[some] = warped_distances(mine, examples.frames[example[some], hand])
    result: Float32 = np.log(costs + 1e-3)
    return result


def _soft_least(values: Float32, some: NDArray[np.bool_]) -> Float32:
    """(parts, m, gestures) between the least and the mean of those there are; +inf where there is none."""
    powers = np.exp(-_SHARPNESS * values.astype(np.float64))
    powers[:, ~some] = 0
    with np.errstate(divide="ignore"):
        return np.asarray(-np.log(powers.sum(axis=3) / np.maximum(some.sum(axis=2), 1)) / _SHARPNESS)
