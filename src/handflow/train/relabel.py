"""Finds out which windows of a scene show its gesture, from what the network makes of them.

A scene shows its gesture once: windows before it and after it show none. Of all ways to place that one run
of windows, each is weighed by how well it fits what the network says, and every window gets the weight of
the runs that hold it: expectation of a hidden path, as in connectionist temporal classification (Graves et
al., ICML 2006), with the repeated label kept together.
"""

import numpy as np
from numpy.typing import NDArray

from handflow.types import Float32, Float64

SHORTEST_RUN = 2
"""Windows that show the gesture at least."""
_SURE = 0.03  # scores are kept this far from 0 and 1: no single window decides alone


def placed(score: Float64, prior: Float64, possible: NDArray[np.bool_], trust: float) -> Float64:
    """How likely each window shows the gesture of its scene.

    Args:
        score: (scenes, windows) probability of the scene's gesture, by the network.
        prior: (scenes, windows) what was believed before, 0 to 1.
        possible: (scenes, windows) False where a window cannot show it.
        trust: weight of the network against the prior, 0 to 1.

    Returns:
        (scenes, windows) 0 to 1; the prior where no run is possible.
    """
    windows = score.shape[1]
    gain = trust * _odds(score) + (1 - trust) * _odds(prior)  # (scenes, windows)
    gain = np.where(possible, gain, -1e3)
    total = np.concatenate([np.zeros((len(gain), 1)), np.cumsum(gain, axis=1)], axis=1)
    runs = [(i, j) for i in range(windows) for j in range(i + SHORTEST_RUN, windows + 1)]
    weight = np.stack([total[:, j] - total[:, i] for i, j in runs], axis=1)  # (scenes, runs)
    weight = np.exp(weight - weight.max(axis=1, keepdims=True))
    weight /= weight.sum(axis=1, keepdims=True)
    holds = np.zeros((len(runs), windows))
    for k, (i, j) in enumerate(runs):
        holds[k, i:j] = 1
    found: Float64 = weight @ holds
    return np.where(possible.sum(axis=1, keepdims=True) >= SHORTEST_RUN, found, prior)


def _odds(p: Float64 | Float32) -> Float64:
    kept = np.clip(p, _SURE, 1 - _SURE).astype(np.float64)
    odds: Float64 = np.log(kept / (1 - kept))
    return odds
