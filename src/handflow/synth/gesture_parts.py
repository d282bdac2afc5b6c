"""The parts that random gestures are put together from: poses, turns, paths and how the palm is held."""

from collections.abc import Callable

import numpy as np

from handflow.types import Float64

STEPS = 64
"""Moments of a table, evenly spaced over the progress 0 to 1 of a gesture."""
ANGLES = 20
"""Numbers of a pose, radians: for index to pinky bend of three joints and splay, for the thumb four."""

PROGRESS = np.linspace(0, 1, STEPS)
"""(STEPS,) of every table."""
# Curls (thumb to pinky, 0 straight to 1 closed) of poses that people use.
_KNOWN_POSES = np.array(
    [
        [0, 0, 0, 0, 0],  # open
        [1, 1, 1, 1, 1],  # fist
        [1, 0, 1, 1, 1],  # pointing
        [1, 0, 0, 1, 1],  # two
        [1, 0, 0, 0, 1],  # three
        [1, 0, 0, 0, 0],  # four
        [0, 1, 1, 1, 1],  # thumb
        [0, 0, 1, 1, 0],  # thumb, index, pinky
        [1, 0, 1, 1, 0],  # horns
        [0, 1, 1, 1, 0],  # telephone
        [0, 0, 1, 1, 1],  # thumb and index
        [1, 1, 1, 1, 0],  # pinky
        [0.4, 0.5, 0.5, 0.5, 0.5],  # claw
        [0.5, 0.6, 0.6, 0.6, 0.6],  # all tips together
    ]
)
_SPLAY = np.array([0.16, 0.02, -0.12, -0.28])


def finger_angles(number: int) -> slice:
    """Where a finger's angles stand; 0 is the thumb."""
    return slice(4 * (number - 1), 4 * number) if number else slice(16, 20)


def draw_pose(rng: np.random.Generator) -> Float64:
    """(ANGLES,) a pose: mostly one that people use, a little its own."""
    kind = rng.random()
    if kind < 0.55:
        curl = _KNOWN_POSES[rng.integers(len(_KNOWN_POSES))].astype(float)
    elif kind < 0.7:
        curl = np.full(5, rng.random())
    elif kind < 0.9:
        curl = (rng.random(5) < 0.5).astype(float)
    else:
        curl = rng.random(5)
    curl = np.clip(curl + 0.06 * rng.standard_normal(5), 0, 1.05)
    spread = rng.normal(0, 0.5) if rng.random() < 0.5 else rng.uniform(-0.5, 1.2)
    pose = np.zeros(ANGLES)
    hooked = rng.random() < 0.12
    for i in range(4):
        k = curl[i + 1]
        pose[4 * i : 4 * i + 4] = (
            (0.1 if hooked else 1.45) * k + 0.05,
            1.75 * k + 0.08,
            1.0 * k + 0.05,
            _SPLAY[i] * (1 + spread) * (1 - 0.6 * min(k, 1)),
        )
    if rng.random() < 0.1:  # a flat hand bent at the knuckles
        bend = rng.uniform(0.5, 1.4)
        for i in range(4):
            pose[4 * i : 4 * i + 3] = bend, 0.15, 0.1
    k = curl[0]
    pose[16:20] = (
        0.95 - 0.75 * k + rng.normal(0, 0.1),
        0.25 + 0.55 * k * rng.random() + 0.1 * rng.standard_normal(),
        0.15 + 0.55 * k,
        0.1 + 0.9 * k,
    )
    if rng.random() < 0.15:  # thumb and index meet, perhaps other fingers too
        pose[0:3] = 0.9, 0.85, 0.45
        pose[16:20] = 0.75, 0.75, 0.35, 0.35
        if rng.random() < 0.4:
            pose[4:7] = pose[0:3]
        if rng.random() < 0.3:
            pose[8:11] = pose[12:15] = pose[0:3]
    return pose


def _smooth(x: Float64) -> Float64:
    x = np.clip(x, 0, 1)
    return np.asarray(x * x * (3 - 2 * x))


def _course(rng: np.random.Generator) -> Float64:
    """(STEPS,) how far a change has come: a step, a ramp, there and back, to and fro."""
    kind = rng.integers(4)
    if kind == 0:
        begin, length = rng.uniform(0.1, 0.6), rng.uniform(0.2, 0.6)
        return _smooth((PROGRESS - begin) / min(length, 1 - begin))
    if kind == 1:
        return _smooth(PROGRESS)
    if kind == 2:
        return np.asarray(np.sin(np.pi * PROGRESS) ** rng.choice([1, 2]))
    return np.asarray(0.5 - 0.5 * np.cos(2 * np.pi * rng.integers(1, 5) * PROGRESS))


def draw_poses(rng: np.random.Generator, *, still: bool) -> Float64:
    """(STEPS, ANGLES) one pose held, or one that becomes another."""
    first = draw_pose(rng)
    if still or rng.random() < 0.5:
        return np.repeat(first[None], STEPS, 0)
    last = draw_pose(rng)
    if rng.random() < 0.35:  # one or two fingers alone
        whole, last = last, first.copy()
        for finger in rng.choice(5, rng.integers(1, 3), replace=False):
            last[finger_angles(finger)] = whole[finger_angles(finger)]
    if rng.random() < 0.15:
        third = draw_pose(rng)
        early, late = _smooth(PROGRESS / 0.45)[:, None], _smooth((PROGRESS - 0.5) / 0.45)[:, None]
        return np.asarray(first + (last - first) * early + (third - last) * late)
    return np.asarray(first + (last - first) * _course(rng)[:, None])


def draw_turns(rng: np.random.Generator) -> Float64:
    """(STEPS, 3) no turn, one about an axis, or to and fro."""
    if rng.random() < 0.55:
        return np.zeros((STEPS, 3))
    axis = rng.standard_normal(3)
    axis /= np.linalg.norm(axis)
    if rng.random() < 0.7:
        axis = np.eye(3)[rng.integers(3)] * rng.choice([-1, 1])
    angle = rng.uniform(0.4, 2.2)
    if rng.random() < 0.5:
        return np.asarray(axis * min(angle, 1.0) * np.sin(2 * np.pi * rng.integers(1, 5) * PROGRESS)[:, None])
    return np.asarray(axis * angle * _course(rng)[:, None])


def draw_path(rng: np.random.Generator) -> Float64:
    """(STEPS, 3) the way of the palm, palm lengths."""
    kinds = ("hold", "line", "back", "circle", "arc", "wave", "zigzag", "corners", "smooth", "push")
    kind = str(rng.choice(kinds, p=[0.26, 0.17, 0.08, 0.12, 0.06, 0.08, 0.04, 0.06, 0.04, 0.09]))
    if kind == "hold":
        return np.zeros((STEPS, 3))
    angle = rng.uniform(0, 2 * np.pi) if rng.random() < 0.4 else rng.integers(8) * np.pi / 4
    along = np.array([np.cos(angle), np.sin(angle), 0.0])
    across = np.array([-np.sin(angle), np.cos(angle), 0.0]) * rng.choice([-1, 1])
    tilt = rng.random()
    if tilt < 0.12:
        across = np.array([0, 0, 1.0]) * rng.choice([-1, 1])
    if tilt < 0.18:
        along = along + np.array([0, 0, 1.0]) * rng.normal(0, 0.7)
        along /= np.linalg.norm(along)
    if kind == "push":
        along = np.array([0, 0, rng.choice([-1.0, 1.0])])
        kind = str(rng.choice(["line", "back", "wave"]))
    length = np.exp(rng.uniform(np.log(0.35), np.log(4.5)))
    a, b, scale = _PATHS[kind](rng)
    path = length * scale * (a[:, None] * along + b[:, None] * across)
    return np.asarray(path - path.mean(axis=0))


Plane = tuple[Float64, Float64, float]


def _line(rng: np.random.Generator) -> Plane:
    return _smooth(PROGRESS), np.zeros(STEPS), 1.0


def _back(rng: np.random.Generator) -> Plane:
    return np.sin(np.pi * PROGRESS), np.zeros(STEPS), 1.0


def _circle(rng: np.random.Generator) -> Plane:
    phase = 2 * np.pi * rng.integers(1, 4) * PROGRESS + rng.uniform(0, 2 * np.pi)
    return np.cos(phase), rng.uniform(0.6, 1) * np.sin(phase), 0.4


def _arc(rng: np.random.Generator) -> Plane:
    phase = rng.uniform(0.25, 0.7) * 2 * np.pi * _smooth(PROGRESS)
    return np.cos(phase), np.sin(phase), 0.6


def _wave(rng: np.random.Generator) -> Plane:
    phase = 2 * np.pi * rng.integers(1, 5) * PROGRESS
    return np.sin(phase), 0.25 * rng.random() * np.cos(2 * phase), 0.4


def _zigzag(rng: np.random.Generator) -> Plane:
    return PROGRESS, 0.3 * np.sin(2 * np.pi * rng.integers(1, 4) * PROGRESS), 1.0


def _corners(rng: np.random.Generator) -> Plane:
    count = rng.integers(3, 6)
    points = rng.standard_normal((count, 2))
    points /= np.abs(points).max()
    at = np.linspace(0, 1, count)
    return np.interp(PROGRESS, at, points[:, 0]), np.interp(PROGRESS, at, points[:, 1]), 1.0


def _smooth_way(rng: np.random.Generator) -> Plane:
    def waves() -> Float64:
        parts = [
            rng.standard_normal() / h * np.sin(np.pi * h * PROGRESS + rng.uniform(0, 2 * np.pi))
            for h in (1, 2, 3)
        ]
        return np.asarray(sum(parts))

    return waves(), waves(), 1.0


_PATHS: dict[str, Callable[[np.random.Generator], Plane]] = {
    "line": _line,
    "back": _back,
    "circle": _circle,
    "arc": _arc,
    "wave": _wave,
    "zigzag": _zigzag,
    "corners": _corners,
    "smooth": _smooth_way,
}


def draw_attitude(rng: np.random.Generator) -> Float64:
    """(3,) how the palm is held: often to the camera, sometimes edge on, turned away or sideways."""
    roll = (
        rng.normal(0, 0.4)
        if rng.random() < 0.6
        else rng.choice([0, np.pi / 2, -np.pi / 2, np.pi]) + rng.normal(0, 0.3)
    )
    yaw = (
        rng.normal(0, 0.4)
        if rng.random() < 0.6
        else rng.choice([np.pi, np.pi / 2, -np.pi / 2]) + rng.normal(0, 0.3)
    )
    pitch = rng.normal(0, 0.45) if rng.random() < 0.7 else rng.choice([1.2, -1.2]) + rng.normal(0, 0.3)
    return np.array([pitch, yaw, roll])
