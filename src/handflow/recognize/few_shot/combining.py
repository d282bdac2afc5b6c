"""How the parts count together: weights from the examples themselves, drawn towards the usual ones."""

import numpy as np
from numpy.typing import NDArray

from handflow.types import Float32, Float64

_LOYALTY = 4.0  # how strongly weights are drawn to the usual ones, in examples
_MISLABELLED = 0.05  # share of examples whose label may be wrong
FEWEST_TO_FIT = 3
"""Examples of a gesture from which on weights are fitted."""


def fit_weights(parts: Float32, truth: NDArray[np.intp], usual: Float64) -> Float64:
    """Weights (parts,) ≥ 0 under which leaving one example out is answered best.

    The probability of a gesture is the softmax of minus the weighted unlikeness, so the weights also say how
    sure an answer is. A few examples may be mislabelled: the loss allows for it, so that one of them does not
    spoil all. Newton's method within the bounds, with a quadratic pull to `usual`.

    Args:
        parts: (parts, examples, gestures) unlikeness, each example left out of its own gesture.
        truth: (examples,) number of each example's gesture.
        usual: (parts,) weights that hold without examples.
    """
    weights = usual.astype(np.float64).copy()
    finite = np.isfinite(parts[0]).all(axis=1)  # an only example of its gesture says nothing
    values, truth = parts[:, finite].astype(np.float64), truth[finite]
    if not len(truth):
        return weights
    rows, wrong = np.arange(len(truth)), _MISLABELLED / values.shape[2]
    pull = _LOYALTY / np.maximum(np.abs(usual), 0.3) ** 2

    def loss(tried: Float64) -> float:
        own = probabilities(values, tried)[rows, truth]
        fits = -np.log((1 - _MISLABELLED) * own + wrong).sum()
        return float(fits + 0.5 * (pull * (tried - usual) ** 2).sum())

    now = loss(weights)
    for _ in range(50):
        chance = probabilities(values, weights)
        own = (1 - _MISLABELLED) * chance[rows, truth]
        trust = own / (own + wrong)
        mean = (chance[None] * values).sum(axis=2)
        gradient = ((values[:, rows, truth] - mean) * trust).sum(axis=1) + pull * (weights - usual)
        spread = np.einsum("nc,pnc,qnc,n->pq", chance, values, values, trust, optimize=True)
        spread += np.diag(pull) - (mean * trust) @ mean.T
        free = (weights > 0) | (gradient < 0)  # those that are held at 0 stay there
        step = np.zeros_like(weights)
        step[free] = np.linalg.solve(spread[np.ix_(free, free)], gradient[free])
        moved, then = weights, now
        for halved in range(12):
            moved = np.maximum(weights - step / 2**halved, 0)
            then = loss(moved)
            if then <= now:
                break
        else:
            break
        done = np.abs(moved - weights).max() < 1e-4
        weights, now = moved, then
        if done:
            break
    return weights


def probabilities(parts: Float64 | Float32, weights: Float64) -> Float64:
    """(queries, gestures) the softmax of minus the weighted unlikeness (parts, queries, gestures)."""
    logits = -combined(parts, weights)
    logits -= logits.max(axis=1, keepdims=True)
    powers = np.exp(logits)
    result: Float64 = powers / powers.sum(axis=1, keepdims=True)
    return result


def combined(parts: Float64 | Float32, weights: Float64) -> Float64:
    """(queries, gestures) weighted unlikeness."""
    result: Float64 = np.tensordot(weights, np.asarray(parts, np.float64), axes=1)
    return result
