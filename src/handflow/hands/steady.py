"""Steady landmarks: still where the hand is still, without delay where it is fast.

The one-euro filter (Casiez, Roussel, Vogel: "1€ Filter", CHI 2012), on the hand's path and on its shape
apart: a fast hand with a held pose keeps the pose steady and the path undelayed. Speeds are in palm lengths,
so that near and far hands are treated alike.
"""

import math

import numpy as np

from handflow.types import Float32, Float64

_PALM = [0, 5, 9, 13, 17]  # wrist and finger bases: the hand's place and size
SLOWEST = 1.0
"""Cutoff in Hz of a hand at rest."""
GAIN = 8.0
"""Hz by which the cutoff rises with each palm length a second, beyond what jitter looks like."""
JITTER_SPEED = 0.4
"""Palm lengths a second that the jitter of a hand at rest looks like."""
SPEED_CUTOFF = 8.0
"""Cutoff in Hz of the speed itself; low ones notice late that a stroke has begun."""
LONGEST_GAP = 0.3
"""Seconds without a sight after which the filter begins anew."""


class _OneEuro:
    """The filter for values (n, d) whose speed is measured for each of n rows."""

    def __init__(self) -> None:
        self._value: Float64 | None = None
        self._before: Float64 | None = None
        self._speed: Float64 | None = None

    def update(self, value: Float64, step: float, unit: float) -> Float64:
        if self._value is None or self._before is None:
            self._value, self._before = value, value
            self._speed = np.zeros_like(value)
            return value
        assert self._speed is not None
        self._speed += _share(SPEED_CUTOFF, step) * ((value - self._before) / (step * unit) - self._speed)
        self._before = value
        speed = np.linalg.norm(self._speed, axis=-1, keepdims=True)
        cutoff = SLOWEST + GAIN * np.maximum(speed - JITTER_SPEED, 0)
        self._value = self._value + _share(cutoff, step) * (value - self._value)
        return self._value


def _share(cutoff: Float64 | float, step: float) -> Float64:
    """Weight of the newest value for a low-pass of `cutoff` Hz after `step` seconds."""
    return np.asarray(1 / (1 + 1 / (2 * math.pi * cutoff * step)))


class SteadyFilter:
    """Steadies the landmarks of one hand: `update()` each sight in order, `reset()` before another hand."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forgets all sights."""
        self._path, self._shape = _OneEuro(), _OneEuro()
        self._time: float | None = None

    def update(self, landmarks: Float32, time: float) -> Float32:
        """Steady landmarks (21, 3), pixels, from those seen at `time`, seconds."""
        if self._time is not None and not 0 < time - self._time <= LONGEST_GAP:
            self.reset()
        step = 1.0 if self._time is None else time - self._time
        self._time = time
        points = landmarks.astype(np.float64)
        palm = points[_PALM]
        centre = palm.mean(axis=0, keepdims=True)
        length, width = np.linalg.norm(palm[[2, 4], :2] - palm[[0, 1], :2], axis=1)
        unit = max(float(length), float(width), 1e-3)
        path = self._path.update(centre, step, unit)
        shape = self._shape.update(points - centre, step, unit)
        return np.asarray(path + shape, np.float32)
