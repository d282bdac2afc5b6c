"""Chooses from validation data when a gesture's score counts. Never looks at data that is reported."""

from collections.abc import Sequence

import numpy as np

from handflow.recognize.spotter import Threshold
from handflow.types import BACKGROUND, Float32

LOWEST, HIGHEST = 0.85, 0.92
"""Range of enter thresholds: below, idle motion counts too often in streams; above, few gestures would."""


def tuned_thresholds(labels: Sequence[str], probabilities: Float32, targets: Float32) -> dict[str, Threshold]:
    """An enter and a leave threshold for every gesture.

    Enter lies midway between what the gesture scores where it is clearly shown and what it scores where
    something else is; leave at 0.6 of it.

    Args:
        labels: in the order of the columns; background gets no threshold.
        probabilities: (windows, labels) of the validation windows.
        targets: (windows, labels) what they should be called.
    """
    result = {}
    for k, label in enumerate(labels):
        if label == BACKGROUND:
            continue
        shown = probabilities[targets[:, k] > 0.9, k]
        other = probabilities[targets[:, k] < 0.1, k]
        high = float(np.quantile(shown, 0.2)) if len(shown) else 1.0
        low = float(np.quantile(other, 0.99)) if len(other) else 0.0
        enter = float(np.clip(0.5 * (low + high), LOWEST, HIGHEST))
        result[label] = Threshold(enter=round(enter, 3), leave=round(0.6 * enter, 3))
    return result
