"""Performs drawn gestures: many people, cameras and trackers at once, as landmarks, with no pictures.

Everything is one batch of arrays, so a processor core makes thousands of performances a second and a GPU
more: `Draws` says where the arrays live (NumPy, or torch on any device; the array API is what both offer).
"""

from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from handflow.synth.gesture_parts import STEPS as MOMENTS
from handflow.synth.gesture_tables import Gestures
from handflow.synth.tracking_errors import TrackerErrors, tracked

STEPS = 32
"""Steps of a performance, evenly spaced over its duration."""

# A right hand of palm length 1: knuckles of index to pinky, their bones, and the thumb.
_KNUCKLES = np.array([[0.28, 0.97, 0], [0.05, 1.0, 0], [-0.17, 0.93, 0], [-0.37, 0.82, 0]])
_BONES = np.array([[0.45, 0.27, 0.22], [0.50, 0.31, 0.23], [0.46, 0.29, 0.23], [0.36, 0.21, 0.20]])
_THUMB_BASE = np.array([0.27, 0.2, 0.08])
_THUMB = np.array([0.42, 0.33, 0.28])
_RELAXED = np.array([0.6, 0.8, 0.4, 0.05] * 4 + [0.6, 0.4, 0.4, 0.4], np.float32)  # angles of a hand at rest


class Draws(Protocol):
    """Random arrays in one namespace of the array API, on one device, from one seed."""

    xp: Any

    def normal(self, *shape: int) -> Any:
        """Standard normal numbers."""

    def uniform(self, low: float, high: float, *shape: int) -> Any:
        """Uniform numbers."""

    def array(self, values: Any) -> Any:
        """A NumPy array of numbers, where these arrays live."""


class NumpyDraws:
    """`Draws` of NumPy arrays."""

    def __init__(self, seed: int) -> None:
        self.xp: Any = np
        self._rng = np.random.default_rng(seed)

    def normal(self, *shape: int) -> Any:
        """Standard normal numbers, float32."""
        return self._rng.standard_normal(shape, np.float32)

    def uniform(self, low: float, high: float, *shape: int) -> Any:
        """Uniform numbers, float32."""
        return self._rng.random(shape, np.float32) * np.float32(high - low) + np.float32(low)

    def array(self, values: Any) -> Any:
        """The array itself."""
        return np.asarray(values)


@dataclass(frozen=True, slots=True)
class PerformanceConfig:
    """How differently a gesture is performed."""

    variety: float = 1.0  # of persons, of takes and of cameras: 0 none, 1 usual
    one_user: float = 0.5  # share of tasks that one person performs before one camera
    loose: float = 0.5  # share of tasks whose takes are cut loosely
    entering: float = 0.4  # share of tasks in whose takes the hand comes up
    leaving: float = 0.4  # share of tasks in whose takes it sinks
    returning: float = 0.15  # share of tasks in whose takes the stroke goes back
    seconds: tuple[float, float] = (0.2, 4.0)  # shortest and longest performance
    rates: tuple[float, float] = (10.0, 60.0)  # slowest and fastest camera, frames a second
    errors: TrackerErrors | None = field(default_factory=TrackerErrors)  # None: exact landmarks

    def __post_init__(self) -> None:
        for name in ("variety", "one_user", "loose", "entering", "leaving", "returning"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is {getattr(self, name)}, expected 0 to 1")
        if not 0 < self.seconds[0] <= self.seconds[1]:
            raise ValueError(f"seconds are {self.seconds}, expected a shortest above 0 and a longest")
        if not 0 < self.rates[0] <= self.rates[1]:
            raise ValueError(f"rates are {self.rates}, expected a slowest above 0 and a fastest")


@dataclass(frozen=True, slots=True, eq=False)
class Performances:
    """What a tracker would have seen of a batch of performances, in palm lengths; arrays of `Draws.xp`."""

    landmarks: Any  # (performances, STEPS, hands, 21, 3) right hand shapes, the acting hand first
    gesture: Any  # (performances,) number of the gesture
    task: Any  # (performances,) number of the task that the gesture is of
    seconds: Any  # (performances,) how long each lasts


def stacked(tasks: list[Gestures]) -> Gestures:
    """The gestures of several tasks in one row."""
    names = ("pose", "turn", "path", "attitude", "cyclic", "any_pose", "two_hands")
    return Gestures(*(np.concatenate([getattr(task, name) for task in tasks]) for name in names))


def perform(
    tasks: list[Gestures], each: int, draws: Draws, config: PerformanceConfig | None = None, *, hands: int = 1
) -> Performances:
    """Performs every gesture of every task `each` times.

    Args:
        tasks: gestures that are to be told apart, by task; equally many in each.
        each: performances of a gesture.
        draws: what decides, and where the arrays live.
        config: how different the performances are.
        hands: 1: the acting hand alone; 2: the other one too, NaN where it takes no part.
    """
    config = config or PerformanceConfig()
    sizes = {len(gestures) for gestures in tasks}
    if len(sizes) > 1:
        raise ValueError(f"tasks hold {sorted(sizes)} gestures, expected equally many in each")
    xp, gestures = draws.xp, stacked(tasks)
    count = len(gestures) * each
    number = draws.array(np.repeat(np.arange(len(gestures)), each))
    task = draws.array(np.repeat(np.arange(len(tasks)), len(gestures) * each // len(tasks)))
    person = _Persons(draws, task, len(tasks), config)
    course = _course(draws, person, gestures, number, config)
    marks = [_hand(draws, person, gestures, number, course, side, config) for side in range(hands)]
    world = xp.stack(marks, axis=2)  # (B, S, hands, 21, 3)
    seen = _camera(draws, person, world + _away(draws, course)[:, :, None, None], config)
    low, high = config.seconds
    usual = draws.uniform(0, 1, len(gestures))[number]
    length = low * xp.exp(np.log(high / low) * xp.clip(usual + 0.1 * draws.normal(count), 0.0, 1.0))
    if config.errors is not None:
        seen = tracked(draws, seen, length, config.rates, config.errors, person.blend)
    if hands == 2:
        there = draws.array(gestures.two_hands)[number] > 0
        other = xp.where(there[:, None, None, None], seen[:, :, 1], xp.asarray(np.float32(np.nan)))
        seen = xp.stack([seen[:, :, 0], other], axis=2)
    return Performances(seen, number, task, length)


class _Persons:
    """What is the same in all takes of a person: in some tasks for all performances, else for each alone."""

    def __init__(self, draws: Draws, task: Any, tasks: int, config: PerformanceConfig) -> None:
        self._draws, self.task, self.tasks = draws, task, tasks
        one = draws.uniform(0, 1, tasks) < config.one_user
        self.one = draws.xp.astype(one, draws.xp.float32)[task][:, None]  # (B, 1)

    def blend(self, size: int) -> Any:
        """(B, size) standard normal numbers of each performance's person."""
        draws = self._draws
        of_task = draws.normal(self.tasks, size)[self.task]
        of_take = draws.normal(len(self.task), size)
        return of_task * self.one + of_take * (1 - self.one) + 0.15 * self.one * of_take


@dataclass(frozen=True, slots=True, eq=False)
class _Course:
    """When the gesture happens within the take, `(B, STEPS)` each."""

    progress: Any  # 0 to 1, how far the gesture has come
    before: Any  # 0 to 1, how much of the preparation is still to come
    after: Any  # 0 to 1, how much of the retraction is done


def _course(
    draws: Draws, person: _Persons, gestures: Gestures, number: Any, config: PerformanceConfig
) -> _Course:
    """Takes are cut closely in some tasks; in others the hand waits, comes up, sinks or goes back in them."""
    xp, b, v = draws.xp, len(number), config.variety
    task, tasks = person.task, person.tasks

    def some(share: float, of_takes: float) -> Any:  # (B, 1) 1 in most takes of some tasks
        does = (draws.uniform(0, 1, tasks) < share)[task] & (draws.uniform(0, 1, b) < of_takes)
        return xp.astype(does, xp.float32)[:, None]

    even = draws.array(np.linspace(0, 1, STEPS, dtype=np.float32))[None]
    loose = 0.4 + 0.6 * draws.uniform(0, 1, b, 1)
    begin = draws.uniform(-0.1, 0.26, b, 1) * loose * v
    end = 1 - draws.uniform(-0.1, 0.26, b, 1) * loose * v
    # In loosely cut takes the gesture fills a seventh to nine tenths of the time, anywhere.
    filled = draws.uniform(0.15, 0.9, b, 1)
    anywhere = draws.uniform(0, 1, b, 1) * (1 - filled)
    cut = some(config.loose, 0.9) * v
    begin = begin + cut * (anywhere - begin)
    end = end + cut * (anywhere + filled - end)
    within = xp.clip((even - begin) / (end - begin), 0.0, 1.0)
    skewed = within ** xp.exp(0.18 * v * draws.normal(b, 1))
    for harmonic in (1, 2, 3):
        skewed = skewed + 0.05 * v / harmonic * draws.normal(b, 1) * xp.sin(np.pi * harmonic * within)
    # The stroke's return, partly cut off: slower, after a rest.
    pause, back = draws.uniform(0.0, 0.1, b, 1), draws.uniform(0.25, 0.8, b, 1)
    returned = xp.clip((even - end - pause) / back, 0.0, 1.0)
    returned = returned * returned * (3 - 2 * returned)
    skewed = skewed * (1 - some(config.returning, 0.7) * returned)
    phase = draws.uniform(0, 1, b, 1) + xp.exp(0.15 * v * draws.normal(b, 1)) * even
    phase = phase - xp.floor(phase)
    to_and_fro = 1 - xp.abs(2 * phase - 1)
    cyclic = draws.array(gestures.cyclic)[number][:, None] > 0
    progress = xp.clip(xp.where(cyclic, to_and_fro, skewed), 0.0, 1.0)
    start = xp.clip(begin, 0.0, 1.0) + draws.uniform(0.0, 0.15, b, 1)
    stop = xp.clip(end, 0.0, 1.0) - draws.uniform(0.0, 0.15, b, 1)
    coming = draws.uniform(0.05, 0.35, b, 1)
    before = xp.clip((start - even) / coming, 0.0, 1.0) ** 1.5 * some(config.entering, 0.7)
    after = xp.clip((even - stop) / coming, 0.0, 1.0) ** 1.5 * some(config.leaving, 0.6)
    return _Course(progress, before, after)


def _at(table: Any, number: Any, progress: Any, xp: Any) -> Any:
    """Rows of tables (C, MOMENTS, d) for numbers (B,) at progress (B, S): (B, S, d)."""
    place = progress * (MOMENTS - 1)
    low = xp.clip(xp.floor(place), 0, MOMENTS - 2)
    weight = (place - low)[..., None]
    index = xp.astype(low, xp.int64)
    rows = number[:, None]
    return table[rows, index] * (1 - weight) + table[rows, index + 1] * weight


def _hand(
    draws: Draws,
    person: _Persons,
    gestures: Gestures,
    number: Any,
    course: _Course,
    side: int,
    config: PerformanceConfig,
) -> Any:
    """(B, STEPS, 21, 3) one hand before the camera, palm lengths; x right, y down, z away."""
    xp, b, v = draws.xp, len(number), config.variety
    even = draws.array(np.linspace(0, 1, STEPS, dtype=np.float32))[None]
    table = {name: draws.array(getattr(gestures, name)[:, side]) for name in ("pose", "turn", "path")}
    attitude = draws.array(gestures.attitude[:, side])[number]
    angles = _at(table["pose"], number, course.progress, xp)
    free = draws.array(gestures.any_pose)[number] > 0
    others = xp.astype(draws.uniform(0, len(gestures), b), xp.int64)
    others = xp.clip(others, 0, len(gestures) - 1)
    angles = xp.where(free[:, None, None], table["pose"][others, 0][:, None], angles)
    # On the way from and to its rest the hand is half open.
    curl = draws.array(_RELAXED)[None, None] * draws.uniform(0.2, 1.0, b, 1, 1)
    angles = angles + (course.before + course.after)[..., None] * 0.8 * (curl - angles)
    loose = 0.10 + 0.06 * xp.abs(draws.normal(b, 1, 1))
    stir = xp.sin(2 * np.pi * (1.3 * even + draws.uniform(0, 1, b, 1)))[..., None]
    angles = angles + v * (
        loose * draws.normal(b, 1, 20)
        + 0.10 * person.blend(20)[:, None]
        + 0.04 * draws.normal(b, 1, 20) * stir
    )
    mean = xp.mean(angles, axis=1, keepdims=True)
    angles = mean + (angles - mean) * xp.exp(0.12 * v * draws.normal(b, 1, 1))
    hand = _joints(angles, person, v, draws)
    attitude = attitude + 0.5 * xp.astype(free, xp.float32)[:, None] * draws.normal(b, 3)
    first = _euler(attitude + v * (0.16 * draws.normal(b, 3) + 0.12 * person.blend(3)), xp)
    wobble = xp.sin(2 * np.pi * (even + draws.uniform(0, 1, b, 1)))[..., None]
    turn = _at(table["turn"], number, course.progress, xp) * xp.exp(0.2 * v * draws.normal(b, 1, 1))
    hanging = (course.before + course.after)[..., None] * draws.normal(b, 1, 3) * 0.5  # it turns as it goes
    turned = _rotation(turn + v * hanging + 0.06 * v * draws.normal(b, 1, 3) * wobble, xp) @ first[:, None]
    hand = hand @ xp.matrix_transpose(turned)
    path = _at(table["path"], number, course.progress, xp)
    path = path * xp.exp(v * (0.25 * draws.normal(b, 1, 1) + 0.2 * person.blend(1)[:, None]))
    path = path * xp.exp(0.1 * v * draws.normal(b, 1, 3))
    slant = _rotation(v * (0.12 * draws.normal(b, 3) + 0.08 * person.blend(3)), xp)
    path = path @ xp.matrix_transpose(slant)
    for wave in (1, 2):
        drift = xp.sin(np.pi * wave * even + 2 * np.pi * draws.uniform(0, 1, b, 1))[..., None]
        path = path + 0.12 * v / wave * draws.normal(b, 1, 3) * drift
    if side == 1:  # beside the acting hand
        path = (
            path
            + xp.stack([-2.5 + 0.5 * draws.normal(b), 0.4 * draws.normal(b), 0.3 * draws.normal(b)], axis=-1)[
                :, None
            ]
        )
    return hand + path[:, :, None]


def _joints(angles: Any, person: _Persons, v: float, draws: Draws) -> Any:
    """(B, S, 21, 3) a right hand from its angles (B, S, 20): x across, y down, z away from the viewer."""
    xp = draws.xp
    b, steps = angles.shape[:2]
    bone = xp.exp(0.07 * v * person.blend(19)) * xp.exp(0.05 * v * person.blend(1))
    knuckles = draws.array(_KNUCKLES.astype(np.float32))[None] * bone[:, :4, None]
    lengths = draws.array(_BONES.astype(np.float32))[None] * xp.reshape(bone[:, 4:16], (b, 4, 3))
    thumb = draws.array(_THUMB.astype(np.float32))[None] * bone[:, 16:19]
    fingers = xp.reshape(angles[..., :16], (b, steps, 4, 4))
    splay, bend = fingers[..., 3], xp.cumulative_sum(fingers[..., :3], axis=-1)
    # Hand models see the far bones of a folded finger shorter, each person's more or less so.
    folded = xp.clip((fingers[..., 1] - 0.9) / 0.8, 0.0, 1.0)[..., None]
    shorter = v * 0.35 * xp.abs(person.blend(1))[:, None, None] * folded
    here = xp.broadcast_to(knuckles[:, None], (b, steps, 4, 3))
    chain = [here]
    for k in range(3):
        turn = bend[..., k]
        direction = xp.stack(
            [xp.sin(splay) * xp.cos(turn), xp.cos(splay) * xp.cos(turn), xp.sin(turn)], axis=-1
        )
        seen = lengths[:, None, :, k, None] * (1 - xp.clip(shorter * (0.0, 0.7, 1.0)[k], 0.0, 0.5))
        here = here + direction * seen
        chain.append(here)
    base = draws.array(_THUMB_BASE.astype(np.float32))[None] * bone[:, 16:17]
    here = xp.broadcast_to(base[:, None], (b, steps, 3))
    tip = [here]
    raised, turn = angles[..., 17], angles[..., 16]
    for k in range(3):
        direction = xp.stack(
            [xp.sin(turn) * xp.cos(raised), xp.cos(turn) * xp.cos(raised), xp.sin(raised)], axis=-1
        )
        here = here + direction * thumb[:, None, k, None]
        tip.append(here)
        if k < 2:
            turn = turn - angles[..., 18 + k]
    wrist = xp.zeros_like(here)
    fingers = xp.reshape(xp.stack(chain, axis=3), (b, steps, 16, 3))  # knuckle, then its joints, by finger
    joints = xp.concat([xp.stack([wrist, *tip], axis=2), fingers], axis=2)
    return joints * draws.array(np.array([1, -1, -1], np.float32))


def _away(draws: Draws, course: _Course) -> Any:
    """(B, STEPS, 3) added to the path: where the hand comes from before the gesture, and goes to after it."""
    xp, b = draws.xp, len(course.progress)
    total = 0.0
    for how_far in (course.before, course.after):
        # Mostly from and to below, else from and to any side.
        down = xp.stack([0.5 * draws.normal(b), 1 + draws.uniform(0, 1.5, b), 0.5 * draws.normal(b)], axis=-1)
        aside = draws.normal(b, 3) * draws.array(np.array([1.5, 0.8, 0.6], np.float32))
        way = xp.where((draws.uniform(0, 1, b) < 0.65)[:, None], down, aside)
        way = way * xp.clip(xp.exp(0.6 * draws.normal(b, 1)), 0.2, 1.6)
        total = total + how_far[..., None] * way[:, None]
    return total


def _camera(draws: Draws, person: _Persons, world: Any, config: PerformanceConfig) -> Any:
    """(B, STEPS, hands, 21, 3) as pixels would be, in palm lengths at the hand's distance."""
    xp, v, b = draws.xp, config.variety, world.shape[0]
    view = _rotation(draws.array(np.array([0.18, 0.22, 0.10], np.float32)) * v * person.blend(3), xp)
    world = world @ xp.matrix_transpose(view)[:, None, None]
    distance = (5 + 7 / (1 + xp.exp(-1.3 * person.blend(1))))[:, :, None, None, None]
    place = xp.concat([0.9 * v * person.blend(2), xp.zeros_like(person.one)], axis=1)[:, None, None, None]
    depth = xp.clip(distance + world[..., 2:], 2.0, None)
    wrist = world[..., :1, 2:]
    flat = (world[..., :2] + place[..., :2]) / depth
    away = (world[..., 2:] - wrist) / xp.clip(distance + wrist, 2.0, None)
    # Archives may hold landmarks of pictures that are not quite to scale.
    squeezed = xp.where(
        draws.uniform(0, 1, b) < 0.4, xp.exp(0.2 * v * person.blend(1)[:, 0]), xp.asarray(1.0)
    )
    x = flat[..., :1] * squeezed[:, None, None, None, None]
    return xp.astype(xp.concat([x, flat[..., 1:], away], axis=-1) * distance, xp.float32)


def _rotation(vector: Any, xp: Any) -> Any:
    """(…, 3, 3) rotations of rotation vectors (…, 3), after Rodrigues."""
    angle = xp.sqrt(xp.sum(vector**2, axis=-1, keepdims=True) + 1e-12)
    x, y, z = (vector[..., k] / angle[..., 0] for k in range(3))
    sine, rest = xp.sin(angle[..., 0]), 1 - xp.cos(angle[..., 0])
    cosine = 1 - rest
    rows = [
        [cosine + x * x * rest, x * y * rest - z * sine, x * z * rest + y * sine],
        [y * x * rest + z * sine, cosine + y * y * rest, y * z * rest - x * sine],
        [z * x * rest - y * sine, z * y * rest + x * sine, cosine + z * z * rest],
    ]
    return xp.stack([xp.stack(row, axis=-1) for row in rows], axis=-2)


def _euler(angles: Any, xp: Any) -> Any:
    """(…, 3, 3) rotations: roll after pitch after yaw; angles (…, 3) are pitch, yaw, roll."""
    zero = angles[..., :1] * 0
    pitch = _rotation(xp.concat([angles[..., :1], zero, zero], axis=-1), xp)
    yaw = _rotation(xp.concat([zero, angles[..., 1:2], zero], axis=-1), xp)
    roll = _rotation(xp.concat([zero, zero, angles[..., 2:]], axis=-1), xp)
    return roll @ pitch @ yaw
