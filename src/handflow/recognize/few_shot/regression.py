"""Ridge regression from looks to gestures: what many examples together say, where single ones leave doubt.

It is solved in one step, and so is what it would say about each example without that one (or without all of
its group): Rasmussen and Williams, Gaussian Processes for Machine Learning, 2006, section 5.4.2.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from handflow.recognize.few_shot.looks import Looks
from handflow.types import Float32, Float64

MOST = 1500
"""Examples that it learns from at most; of more, an even choice of each gesture."""
_RIDGE = 30.0  # chosen on persons and recordings that no result is told of
_WAY = 0.3  # how much the way, step by step, counts beside the encoders' points
_SIDES = 64  # how often it counts, beside hundreds of numbers, which hand acts, where that matters
_PACE = 2  # every which step of the way
_LEAST_SPREAD = 0.05


def _inputs(looks: Looks) -> Float32:
    """(n, d) of the acting hand: where the encoders put it, and its way."""
    way = looks.frames[:, 0, ::_PACE].reshape(len(looks), -1)
    side = np.repeat(looks.side[:, None], _SIDES, axis=1).astype(np.float32)
    return np.concatenate([looks.points[:, 0], _WAY * way, side], axis=1)


@dataclass(frozen=True, slots=True, eq=False)
class Regression:
    """What was learned."""

    mean: Float32  # (d,)
    spread: Float32  # (d,)
    slope: Float64  # (d, gestures)
    offset: Float64  # (gestures,)
    learned: NDArray[np.intp]  # (k,) examples that it was learned from
    left_out: Float64  # (k, gestures) what it would say about each of them without their group

    def scores(self, looks: Looks) -> Float64:
        """(n, gestures) about 1 for the gesture it is and 0 for others, less 1 over their number."""
        inputs = (_inputs(looks) - self.mean) / self.spread
        return np.asarray(inputs @ self.slope + self.offset)


def learn(looks: Looks, label: NDArray[np.intp], gestures: int, group: NDArray[np.intp]) -> Regression:
    """Learns from examples; each gesture counts alike, however many it has.

    Args:
        looks: examples.
        label: (n,) number of each example's gesture.
        gestures: how many there are.
        group: (n,) examples of one group are left out together.
    """
    learned = _even_choice(label)
    label, group = label[learned], group[learned]
    inputs = _inputs(looks.take(learned))
    mean, spread = inputs.mean(axis=0), inputs.std(axis=0) + np.float32(_LEAST_SPREAD)
    inputs = (inputs - mean) / spread
    targets = np.eye(gestures)[label] - 1 / gestures
    counts = np.bincount(label, minlength=gestures)[label]
    ridge = _RIDGE * counts / counts.mean()
    kernel = (inputs @ inputs.T).astype(np.float64) + 1.0
    inverse = np.linalg.inv(kernel + np.diag(ridge))
    dual = inverse @ targets
    left_out = np.empty_like(targets)
    for name in np.unique(group):
        own = np.flatnonzero(group == name)
        left_out[own] = targets[own] - np.linalg.solve(inverse[np.ix_(own, own)], dual[own])
    return Regression(mean, spread, inputs.T @ dual, dual.sum(axis=0), learned, left_out)


def _even_choice(label: NDArray[np.intp]) -> NDArray[np.intp]:
    """Numbers of at most `MOST` examples, the same share of each gesture but no gesture below five."""
    if len(label) <= MOST:
        return np.arange(len(label))
    share = MOST / len(label)
    chosen = []
    for gesture in np.unique(label):
        own = np.flatnonzero(label == gesture)
        wanted = min(len(own), max(5, int(len(own) * share)))
        chosen.append(own[np.linspace(0, len(own) - 1, wanted).astype(np.intp)])
    return np.sort(np.concatenate(chosen))
