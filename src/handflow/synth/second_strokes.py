"""Movement of the second source: time-overlapped strokes of lognormal speed over a wandering posture.

Plamondon's kinematic theory ("A kinematic theory of rapid human movements", Biological Cybernetics 72, 1995;
sigma-lognormal model: O'Reilly and Plamondon, Pattern Recognition 42, 2009): a movement is a vector sum of
strokes, each with a lognormal speed and a direction that turns evenly along its arc.
"""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from handflow.types import Float64

X, Y, Z, PRONATION, FLEXION, DEVIATION, THUMB, INDEX, MIDDLE, RING, PINKY, SPREAD, OPPOSITION = range(13)
"""Channels of an arm's state. X to Z: wrist, metres as a right hand's owner sees them from the camera.

PRONATION 0: palm to the camera, positive: palm to the middle. FLEXION: to the palm, DEVIATION: to the
thumb, radians. THUMB to PINKY: curl 0 straight to 1 fist. SPREAD of the fingers, OPPOSITION of the thumb:
0 to 1.
"""
CHANNELS = 13
CURLS = (THUMB, INDEX, MIDDLE, RING, PINKY)
EDGE = 0.06
"""Share of its peak speed above which a stroke counts as begun and not yet ended."""
_EDGE_Z = math.sqrt(-2 * math.log(EDGE))  # in standard deviations of log time from the peak
_CUT_Z = 3.2  # speed below 0.6 % of the peak is cut off, so that strokes end
_GRID = 8.0  # samples a second of the wandering posture
_WANDER = np.array([0.006, 0.006, 0.008, 0.06, 0.05, 0.04, 0.03, 0.03, 0.025, 0.025, 0.03, 0.05, 0.04])
_RELAX = np.array([1.6, 1.6, 2.0, 2.5, 2.0, 2.0, 1.5, 1.5, 1.8, 1.8, 1.5, 3.0, 2.0])  # seconds
_TREMOR = 0.0003  # metres

Point = tuple[float, float, float]


class Move(NamedTuple):
    """One stroke: a change of channels with a lognormal speed, bent to an arc in space."""

    begin: float  # seconds, nothing moves before
    end: float  # seconds, nothing moves after
    origin: float  # seconds, zero of the lognormal's time
    mu: float
    sigma: float
    turn: float  # radians that the direction turns along the arc
    normal: Point  # side to which the arc bulges, of unit length
    change: tuple[float, ...]  # (13,) of all channels


def peak_factor(sigma: float) -> float:
    """Peak speed times duration (between the edges) of a stroke of length 1."""
    return 2 * math.sinh(_EDGE_Z * sigma) / (math.sqrt(2 * math.pi) * sigma * math.exp(sigma**2 / 2))


def arc_factor(turn: float) -> float:
    """Length of an arc over its chord."""
    return (turn / 2) / math.sin(turn / 2) if abs(turn) > 1e-6 else 1.0


def stroke(
    onset: float,
    seconds: float,
    change: Mapping[int, float],
    sigma: float,
    turn: float = 0.0,
    lean: float = 0.0,
) -> Move:
    """A stroke above EDGE of its peak speed from `onset` on for `seconds`.

    `turn` bends it, positive to the right as one looks along it in the picture; `lean` turns that arc out
    of the picture's plane, radians.
    """
    mu = math.log(seconds / (2 * math.sinh(_EDGE_Z * sigma))) + sigma**2
    mode = mu - sigma**2
    origin = onset - math.exp(mode - _EDGE_Z * sigma)
    begin, end = (origin + math.exp(mode + way * _CUT_Z * sigma) for way in (-1, 1))
    full = tuple(change.get(channel, 0.0) for channel in range(CHANNELS))
    return Move(begin, end, origin, mu, sigma, turn, _normal(full[X], full[Y], full[Z], lean), full)


def _normal(dx: float, dy: float, dz: float, lean: float) -> Point:
    """Unit vector at right angles to the way, on the left of it in the picture (y down)."""
    flat = math.hypot(dx, dy)
    if flat < 0.2 * abs(dz):  # to or from the camera: bulges to the side
        return (1.0, 0.0, 0.0)
    if flat == 0.0:
        return (0.0, 0.0, 0.0)
    side = (dy / flat, -dx / flat, 0.0)
    length = math.sqrt(flat**2 + dz**2)
    deep = (side[1] * dz / length, -side[0] * dz / length, (side[0] * dy - side[1] * dx) / length)
    c, s = math.cos(lean), math.sin(lean)
    return (c * side[0] + s * deep[0], c * side[1] + s * deep[1], s * deep[2])


class Track:
    """The channels of an arm at any time: start, plus every stroke up to then. Immutable."""

    def __init__(self, start: Sequence[float], moves: Sequence[Move]) -> None:
        self._head = np.array([m[:6] for m in moves], np.float64).reshape(-1, 6)
        self._normal = np.array([m.normal for m in moves], np.float64).reshape(-1, 3)
        self._change = np.array([m.change for m in moves], np.float64).reshape(-1, CHANNELS)
        order = np.argsort(self._head[:, 1], kind="stable")
        self._ends = self._head[order, 1]
        self._sums = np.vstack([np.array(start, np.float64), self._change[order]]).cumsum(axis=0)

    def at(self, times: Float64) -> Float64:
        """(times, 13) channels at increasing times, seconds."""
        state = self._sums[np.searchsorted(self._ends, times, "right")]
        first, last = (np.searchsorted(times, self._head[:, column], "left") for column in (0, 1))
        count = last - first
        move = np.repeat(np.arange(len(count)), count)
        sample = np.arange(len(move)) + np.repeat(first - (np.cumsum(count) - count), count)
        _, _, origin, mu, sigma, turn = self._head[move].T
        share = _covered(np.log(times[sample] - origin), mu, sigma)
        change = share[:, None] * self._change[move]
        half = np.where(np.abs(turn) > 1e-6, turn, 1e-6) / 2
        angle = half * (2 * share - 1)
        chord = self._change[move, :3]
        along = (np.sin(angle) / np.sin(half) + 1) / 2
        bulge = np.linalg.norm(chord, axis=1) * (np.cos(angle) - np.cos(half)) / (2 * np.sin(half))
        change[:, :3] = along[:, None] * chord + bulge[:, None] * self._normal[move]
        for channel in range(CHANNELS):
            state[:, channel] += np.bincount(sample, change[:, channel], minlength=len(times))
        return state


def _covered(log_time: Float64, mu: Float64, sigma: Float64) -> Float64:
    """Share of the stroke that lies behind, 0 to 1."""
    low, high = _normal_cdf(-sigma - _CUT_Z), _normal_cdf(-sigma + _CUT_Z)
    share = (_normal_cdf((log_time - mu) / sigma) - low) / (high - low)
    return np.clip(share, 0.0, 1.0)


def _normal_cdf(z: Float64) -> Float64:
    """The normal distribution function; error under 1e-7 (Abramowitz and Stegun, 7.1.26)."""
    a = np.abs(z) / math.sqrt(2)
    t = 1 / (1 + 0.3275911 * a)
    poly = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    tail = poly * np.exp(-a * a) / 2
    return np.where(z > 0, 1 - tail, tail)


def span(moves: Sequence[Move], channels: tuple[int, ...]) -> tuple[float, float]:
    """Onset and offset, seconds: the summed speed in `channels` first and last exceeds EDGE of its peak."""
    times = np.arange(min(m.begin for m in moves), max(m.end for m in moves), 0.001)
    path = Track((0.0,) * CHANNELS, moves).at(times)[:, list(channels)]
    speed = np.linalg.norm(np.diff(path, axis=0), axis=1)
    moving = np.flatnonzero(speed > EDGE * speed.max())
    return float(times[moving[0]]) + 0.0005, float(times[moving[-1]]) + 0.0005


class Wander:
    """Ornstein-Uhlenbeck wandering of all channels and a tremor of the wrist, at any time."""

    def __init__(self, rng: np.random.Generator, seconds: float) -> None:
        count = int(seconds * _GRID) + 8
        keep = np.exp(-1 / (_GRID * np.append(_RELAX, (0.6,) * 3)))
        kicks = rng.standard_normal((count, CHANNELS + 3)) * np.sqrt(1 - keep**2)
        kicks[0] /= np.sqrt(1 - keep**2)  # starts in balance
        for k in range(1, count):
            kicks[k] += keep * kicks[k - 1]
        self._knots = kicks
        self._rate = rng.uniform(8.0, 11.0, 3)  # Hz, physiological tremor

    def at(self, times: Float64) -> Float64:
        """(times, 13) what to add to the channels."""
        place = (times + 0.5) * _GRID
        index = np.clip(place.astype(np.int64), 1, len(self._knots) - 3)
        f = (place - index)[:, None]
        weights = ((1 - f) ** 3, 3 * f**3 - 6 * f**2 + 4, -3 * f**3 + 3 * f**2 + 3 * f + 1, f**3)
        smooth = sum((w / 6 * self._knots[index + k - 1] for k, w in enumerate(weights)), np.zeros(()))
        wander = smooth[:, :CHANNELS] * _WANDER
        wander[:, :3] += _TREMOR * smooth[:, CHANNELS:] * np.sin(2 * np.pi * self._rate * times[:, None])
        return np.asarray(wander, np.float64)


class Arm:
    """An arm as it is planned: collects strokes and knows where they will end."""

    def __init__(self, rng: np.random.Generator, start: Sequence[float]) -> None:
        self.start = tuple(start)
        self.state = list(start)  # channels after all strokes so far
        self.moves: list[Move] = []
        self._rng = rng

    @property
    def wrist(self) -> Point:
        """Where the wrist will be, metres."""
        return self.state[X], self.state[Y], self.state[Z]

    def way(self, point: Point) -> float:
        """Metres from there to a point."""
        return math.dist(self.wrist, point)

    def by(self, onset: float, seconds: float, change: Mapping[int, float], turn: float = 0.0) -> float:
        """Changes channels by a stroke; returns when it ends."""
        sigma = float(self._rng.uniform(0.16, 0.34))
        self.moves.append(stroke(onset, seconds, change, sigma, turn, float(self._rng.normal(0, 0.4))))
        for channel, delta in change.items():
            self.state[channel] += delta
        return onset + seconds

    def to(self, onset: float, seconds: float, target: Mapping[int, float], turn: float = 0.0) -> float:
        """Brings channels to `target` by a stroke; returns when it ends."""
        return self.by(onset, seconds, {c: value - self.state[c] for c, value in target.items()}, turn)

    def reach(self, onset: float, point: Point, peak: float, least: float = 0.0) -> float:
        """Brings the wrist to a point at a peak speed (m/s), in `least` seconds or more."""
        turn = float(self._rng.normal(0, 0.35))
        turn = min(max(turn, -0.8), 0.8)
        seconds = max(least, peak_factor(0.34) * arc_factor(turn) * self.way(point) / peak, 0.25)
        return self.to(onset, seconds, {X: point[0], Y: point[1], Z: point[2]}, turn)

    def shape(self, onset: float, seconds: float, target: Mapping[int, float]) -> None:
        """Brings joints to `target`, each by its own transition within `seconds`."""
        for channel, value in target.items():
            wait, share = self._rng.uniform(0, 0.3), self._rng.uniform(0.55, 0.7)
            self.to(onset + wait * seconds, share * seconds, {channel: value})
