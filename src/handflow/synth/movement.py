"""How a hand moves: overlapping smooth movements of pose, attitude and place, as functions of time.

A state is 13 numbers: pose (7, see `handflow.synth.skeleton`), attitude (3: pitch towards the camera, turn of
the palm inwards, lean clockwise; radians, of a right hand) and place of the wrist (3: metres in the person's
frame, x right and y down in the unmirrored picture, z away from the camera). A hand in attitude 0 shows the
camera its palm, fingers up.

Movements follow the minimum-jerk profile (Flash and Hogan 1985) and add up where they overlap, as human
submovements do, so that one flows into the next. A motion is defined for every moment, so that any frame
rate samples the same path.
"""

from dataclasses import dataclass, replace

import numpy as np

from handflow.types import Float64

STATE = 13
POSE, ATTITUDE, PLACE = slice(0, 7), slice(7, 10), slice(10, 13)
_CHUNK = 1024  # moments evaluated at once: bounds the memory that a long stream needs
_ACTIVE = 0.06  # of the fastest moment: slower than this, a stroke has not begun or is over
_REACH = np.array([0.3] * 7 + [0.3] * 3 + [1.0] * 3)  # how much a change of each number looks like motion


def reach(tau: Float64) -> Float64:
    """Minimum-jerk progress 0 to 1 over the share `tau` of a movement's duration."""
    return np.asarray(tau**3 * (10 - 15 * tau + 6 * tau**2))


def steady(tau: Float64, ramp: float = 0.22) -> Float64:
    """Progress 0 to 1 at one speed, with a smooth start and end: for circles and waves."""

    def rise(x: Float64) -> Float64:
        x = np.clip(x / ramp, 0, 1)
        return np.asarray(ramp * (x**3 - x**4 / 2))

    middle = np.clip(tau - ramp, 0, 1 - 2 * ramp)
    return np.asarray((rise(tau) + middle + ramp / 2 * (tau >= 1 - ramp) - _fall(tau, ramp)) / (1 - ramp))


def _fall(tau: Float64, ramp: float) -> Float64:
    # The end mirrors the start: what is left of the last ramp, taken off its whole area.
    x = np.clip((1 - tau) / ramp, 0, 1)
    return np.asarray(np.where(tau >= 1 - ramp, ramp * (x**3 - x**4 / 2), 0.0))


@dataclass(frozen=True, slots=True, eq=False)
class Loop:
    """A way round, or to and fro: a (cos φ − cos φ0) + b (sin φ − sin φ0), φ = phase + 2π cycles progress."""

    a: Float64  # (13,)
    b: Float64  # (13,)
    cycles: float
    phase: float = 0.0  # radians

    def at(self, progress: Float64) -> Float64:
        """(moments, 13) for progress (moments,) from 0 to 1."""
        angle = (self.phase + 2 * np.pi * self.cycles * progress)[:, None]
        return np.asarray(
            self.a * (np.cos(angle) - np.cos(self.phase)) + self.b * (np.sin(angle) - np.sin(self.phase))
        )


@dataclass(frozen=True, slots=True, eq=False)
class Move:
    """One movement that adds `delta` to the state, in an arc or along a loop."""

    start: float  # seconds
    duration: float  # seconds
    delta: Float64  # (13,) left behind when the movement is over
    bulge: Float64 | None = None  # (13,) added half-way, gone at both ends: the arc
    loop: Loop | None = None
    pose_span: tuple[float, float] = (0.0, 1.0)  # share of the duration in which the fingers move
    skew: float = 1.0  # below 1: the fastest moment comes earlier

    @property
    def end(self) -> float:
        """Seconds."""
        return self.start + self.duration

    def after(self) -> Float64:
        """(13,) what is left behind when the movement is over."""
        return self.delta if self.loop is None else self.delta + self.loop.at(np.ones(1))[0]

    def at(self, times: Float64) -> Float64:
        """(moments, 13) what the movement has added by each time."""
        tau = np.clip((times - self.start) / self.duration, 0, 1)
        if self.skew != 1.0:
            tau = tau**self.skew
        low, high = self.pose_span
        way = reach(tau)[:, None]
        value = way * self.delta
        if self.pose_span != (0.0, 1.0):
            value[:, POSE] = reach(np.clip((tau - low) / (high - low), 0, 1))[:, None] * self.delta[POSE]
        if self.bulge is not None:
            value += np.sin(np.pi * way) * self.bulge
        if self.loop is not None:
            value += self.loop.at(steady(tau))
        return value


@dataclass(frozen=True, slots=True, eq=False)
class Unrest:
    """What never stands still: slow drift and tremor, a sum of sines."""

    hertz: Float64  # (waves,)
    sines: Float64  # (waves, 13)
    cosines: Float64  # (waves, 13)

    def at(self, times: Float64) -> Float64:
        """(moments, 13) added to the state."""
        angle = 2 * np.pi * times[:, None] * self.hertz
        return np.asarray(np.sin(angle) @ self.sines + np.cos(angle) @ self.cosines)


def unrest(rng: np.random.Generator, drift: float, tremor: float) -> Unrest:
    """Draws a person's unrest.

    Args:
        drift: metres, standard deviation of the slow part at each wave.
        tremor: metres, of the part at 7 to 11 Hz.
    """
    slow = rng.uniform([0.07, 0.15, 0.3, 0.5], [0.15, 0.3, 0.6, 1.1])
    hertz = np.concatenate([slow, rng.uniform(7, 11, 2)])
    level = np.concatenate([drift / (1 + 2 * slow), np.full(2, tremor)])[:, None]
    # Fingers and wrist stir with the arm: about 0.04 of a curl and 2 degrees for a drift of 5 mm.
    size = level * np.array([6.0] * 5 + [10.0, 0.0] + [7.0] * 3 + [1.0, 1.0, 1.4])
    phase = rng.uniform(0, 2 * np.pi, (6, STATE))
    size = size * rng.normal(0, 1, (6, STATE)).clip(-1.8, 1.8)
    return Unrest(hertz, size * np.cos(phase), size * np.sin(phase))


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """One hand's state at every moment: a first state, movements, and unrest."""

    first: Float64  # (13,)
    moves: tuple[Move, ...]  # by start
    unrest: Unrest | None = None

    def at(self, times: Float64) -> Float64:
        """(moments, 13) for increasing times (moments,) in seconds."""
        states = np.empty((len(times), STATE))
        for i in range(0, len(times), _CHUNK):
            part = times[i : i + _CHUNK]
            value = np.tile(self.first, (len(part), 1))
            for move in self.moves:
                if move.end <= part[0]:
                    value += move.after()
                elif move.start < part[-1]:
                    value += move.at(part)
            if self.unrest is not None:
                value += self.unrest.at(part)
            states[i : i + _CHUNK] = value
        states[:, 0:5] = states[:, 0:5].clip(-0.05, 1.05)
        states[:, 5] = states[:, 5].clip(-1.1, 1.1)
        states[:, 6] = states[:, 6].clip(0.0, 1.0)
        return states

    def shifted(self, seconds: float) -> "Motion":
        """The same motion, that much later; its unrest goes on as it was."""
        return replace(self, moves=tuple(replace(m, start=m.start + seconds) for m in self.moves))


@dataclass(frozen=True, slots=True, eq=False)
class Stroke:
    """What a program performs: from a first state through movements that begin at time 0.

    Onset and offset are seconds from the stroke's start: when it visibly begins and ends.
    """

    first: Float64  # (13,)
    moves: tuple[Move, ...]
    duration: float  # seconds, to the end of its last movement
    onset: float
    offset: float

    @property
    def held(self) -> bool:
        """Whether it is a pose held still."""
        return not self.moves


def stroke(first: Float64, moves: list[Move], *, held: tuple[float, float] | None = None) -> Stroke:
    """Puts movements together and finds where they visibly begin and end.

    Args:
        first: (13,) the state it begins in.
        moves: movements from time 0.
        held: a held pose's onset and offset, which no movement marks.
    """
    duration = max(m.end for m in moves) if moves else held[1] if held else 0.0
    if held is None:
        times = np.linspace(0, duration, 241)
        states = Motion(first, tuple(moves)).at(times)
        speed = np.linalg.norm(np.diff(states, axis=0) * _REACH, axis=1)
        active = np.flatnonzero(speed > _ACTIVE * speed.max())
        held = float(times[active[0]]), float(times[active[-1] + 1])
    return Stroke(first, tuple(moves), duration, *held)


class Planner:
    """Puts movements one after another; later ones may begin before the last has quite ended."""

    def __init__(self, first: Float64) -> None:
        self.first = np.asarray(first, float)
        self.state = self.first.copy()
        self.time = 0.0
        self.moves: list[Move] = []

    def copy(self) -> "Planner":
        """The same plan, to try how it goes on."""
        other = Planner(self.first)
        other.state, other.time, other.moves = self.state.copy(), self.time, list(self.moves)
        return other

    def wait(self, seconds: float) -> None:
        """Stays (but for the unrest)."""
        self.time += max(0.0, seconds)

    def move_to(
        self,
        target: Float64,
        duration: float,
        *,
        bulge: Float64 | None = None,
        overlap: float = 0.0,
        pose_span: tuple[float, float] = (0.0, 1.0),
        skew: float = 1.0,
    ) -> None:
        """Goes to a state.

        Args:
            target: (13,) state.
            duration: seconds.
            bulge: (13,) arc of the way.
            overlap: seconds that the next movement may begin before this one ends.
            pose_span: share of the duration in which the fingers move.
            skew: below 1 the fastest moment comes earlier.
        """
        duration = max(duration, 0.08)
        self.moves.append(
            Move(self.time, duration, target - self.state, bulge, pose_span=pose_span, skew=skew)
        )
        self.state = np.asarray(target, float)
        self.time += duration - min(overlap, 0.4 * duration)

    def perform(self, what: Stroke) -> tuple[float, float]:
        """Plays a stroke from where the hand is now; gives its onset and offset in the plan's time."""
        begin = self.time
        for move in what.moves:
            self.moves.append(replace(move, start=begin + move.start))
            self.state = self.state + move.after()
        self.time = begin + what.duration
        return float(begin + what.onset), float(begin + what.offset)

    def motion(self, unrest: Unrest | None = None) -> Motion:
        """All of it."""
        return Motion(self.first, tuple(sorted(self.moves, key=lambda m: m.start)), unrest)
