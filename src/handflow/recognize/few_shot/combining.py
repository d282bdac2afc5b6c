"""How the parts count together: weights from the examples themselves, drawn towards the usual ones."""

import numpy as np
from numpy.typing import NDArray

from handflow.types import Float32, Float64

_LOYALTY = 4.0  # how strongly weights are drawn to the usual ones, in examples
FEWEST_TO_FIT = 3
"""Examples of a gesture from which on weights are fitted."""


def fit_weights(parts: Float32, truth: NDArray[np.intp], usual: Float64) -> Float64:
    """Weights (parts,) ≥ 0 under which leaving one example out is answered best.

    The probability of a gesture is the softmax of minus the weighted unlikeness, so the weights also say how
    sure an answer is. Newton's method on the convex log-loss with a quadratic pull to `usual`.

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
    rows = np.arange(len(truth))
    pull = _LOYALTY / np.maximum(np.abs(usual), 0.3) ** 2
    for _ in range(30):
        chance = probabilities(values, weights)
        mean = (chance[None] * values).sum(axis=2)
        gradient = (values[:, rows, truth] - mean).sum(axis=1) + pull * (weights - usual)
        spread = np.einsum("nc,pnc,qnc->pq", chance, values, values, optimize=True) - mean @ mean.T
        step = np.linalg.solve(spread + np.diag(pull), gradient)
        moved = np.maximum(weights - step, 0)
        done = np.abs(moved - weights).max() < 1e-4
        weights = moved
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
