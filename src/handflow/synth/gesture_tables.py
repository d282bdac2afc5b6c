"""Gestures without end: random programs of hand poses, turns and paths, as tables over their progress.

Few-shot encoders are trained on classes that nobody thought of: every batch draws new ones. About half of the
programs are made from another one of the same task by a small change (mirrored, reversed, half as wide, one
finger other, the same pose on another way), because those are the gestures that people confuse.

Nothing is shared with `handflow.synth.motion`, whose gestures serve to test what was learned here.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from handflow.types import Float32, Float64

STEPS = 64
"""Moments of a table, evenly spaced over the progress 0 to 1 of a gesture."""
ANGLES = 20
"""Numbers of a pose, radians: for index to pinky bend of three joints and splay, for the thumb four."""

_PROGRESS = np.linspace(0, 1, STEPS)
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


@dataclass(frozen=True, slots=True, eq=False)
class GestureTable:
    """One gesture: what one hand does, from its beginning to its end."""

    pose: Float64  # (STEPS, ANGLES) radians
    turn: Float64  # (STEPS, 3) rotation vectors, radians, on top of the attitude
    path: Float64  # (STEPS, 3) palm lengths, x right, y down, z away, mean 0
    attitude: Float64  # (3,) pitch, yaw, roll of the palm, radians; 0: palm to the camera, fingers up
    moves: bool  # False: a held pose
    cyclic: bool = False  # to and fro without a beginning
    any_pose: bool = False  # the motion alone is meant, the fingers do not matter

    @property
    def travels(self) -> bool:
        """Whether the hand changes its place."""
        return bool(np.abs(self.path).max() > 0.1)


@dataclass(frozen=True, slots=True)
class TableConfig:
    """What kind of gestures are drawn."""

    held: float = 0.2  # share of held poses
    alike: float = 0.5  # share that differs little from another gesture of the task
    any_pose: float = 0.0  # share of the travelling gestures whose fingers do not matter
    two_hands: float = 0.0  # share of gestures of both hands

    def __post_init__(self) -> None:
        for name in ("held", "alike", "any_pose", "two_hands"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is {getattr(self, name)}, expected a share from 0 to 1")


@dataclass(frozen=True, slots=True, eq=False)
class Gestures:
    """The gestures of one task, stacked, ready to be performed."""

    pose: Float32  # (gestures, 2 hands, STEPS, ANGLES)
    turn: Float32  # (gestures, 2 hands, STEPS, 3)
    path: Float32  # (gestures, 2 hands, STEPS, 3)
    attitude: Float32  # (gestures, 2 hands, 3)
    cyclic: Float32  # (gestures,) 1 where it has no beginning
    any_pose: Float32  # (gestures,)
    two_hands: Float32  # (gestures,) 1 where the other hand takes part

    def __len__(self) -> int:
        return len(self.pose)


def draw_gestures(rng: np.random.Generator, count: int, config: TableConfig | None = None) -> Gestures:
    """Draws the gestures of one task: they all differ, some by little.

    Args:
        rng: what decides.
        count: of gestures.
        config: what kind they are.
    """
    config = config or TableConfig()
    tables: list[GestureTable] = []
    while len(tables) < count:
        if tables and rng.random() < config.alike:
            made = _changed(rng, tables[rng.integers(len(tables))], config)
        else:
            made = _fresh(rng, config)
        if all(_differ(made, other) for other in tables):
            tables.append(made)
    pairs = [_other_hand(rng, table, config) for table in tables]
    both = [(table, other or table) for table, other in zip(tables, pairs, strict=True)]

    def stacked(part: str) -> Float32:
        return np.stack([[getattr(hand, part) for hand in hands] for hands in both]).astype(np.float32)

    return Gestures(
        pose=stacked("pose"),
        turn=stacked("turn"),
        path=stacked("path"),
        attitude=stacked("attitude"),
        cyclic=np.array([t.cyclic for t in tables], np.float32),
        any_pose=np.array([t.any_pose for t in tables], np.float32),
        two_hands=np.array([other is not None for other in pairs], np.float32),
    )


def _differ(one: GestureTable, other: GestureTable) -> bool:
    """Whether anybody could tell them apart: a stroke there and back, reversed, is the same again."""
    if (one.cyclic, one.any_pose) != (other.cyclic, other.any_pose):
        return True
    meant = ("turn", "path", "attitude") if one.any_pose else ("pose", "turn", "path", "attitude")
    return any(np.abs(getattr(one, part) - getattr(other, part)).max() > 0.1 for part in meant)


def _fresh(rng: np.random.Generator, config: TableConfig) -> GestureTable:
    moves = rng.random() >= config.held
    path = _path(rng) if moves else np.zeros((STEPS, 3))
    table = GestureTable(
        pose=_poses(rng, still=not moves),
        turn=_turns(rng) if moves else np.zeros((STEPS, 3)),
        path=path,
        attitude=_attitude(rng),
        moves=bool(moves),
        cyclic=bool(moves and rng.random() < 0.2),
    )
    if moves and np.abs(path).max() > 0.4 and rng.random() < config.any_pose:
        return replace(table, any_pose=True, turn=np.zeros((STEPS, 3)))
    return table


def _changed(rng: np.random.Generator, other: GestureTable, config: TableConfig) -> GestureTable:
    """A gesture that differs from another in one thing."""
    changes = _CHANGES_OF_MOTION if other.any_pose else _CHANGES
    names = list(changes)
    weights = np.array([changes[name] for name in names])
    for _ in range(8):
        made = _CHANGE[str(rng.choice(names, p=weights / weights.sum()))](rng, other)
        if made is not None:
            return made
    return _fresh(rng, config)


def _reversed(rng: np.random.Generator, g: GestureTable) -> GestureTable | None:
    if not g.moves or g.cyclic:
        return None
    return replace(g, pose=g.pose[::-1].copy(), turn=g.turn[::-1].copy(), path=g.path[::-1].copy())


def _mirrored(rng: np.random.Generator, g: GestureTable) -> GestureTable | None:
    if not g.travels:
        return None
    flip = np.ones(3)
    flip[int(np.argmax(np.ptp(g.path, axis=0))) if rng.random() < 0.5 else rng.integers(2)] = -1
    return replace(g, path=g.path * flip)


def _rotated(rng: np.random.Generator, g: GestureTable) -> GestureTable | None:
    if not g.travels:
        return None
    angle = rng.choice([-1, 1]) * np.pi * rng.choice([0.25, 0.5])
    c, s = np.cos(angle), np.sin(angle)
    return replace(g, path=g.path @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1.0]]))


def _resized(rng: np.random.Generator, g: GestureTable) -> GestureTable | None:
    return replace(g, path=g.path * rng.choice([0.4, 2.5])) if g.travels else None


def _halfway(rng: np.random.Generator, g: GestureTable) -> GestureTable | None:
    """The first or the second half alone."""
    if not g.moves or g.cyclic:
        return None
    part = _PROGRESS / 2 + (0.5 if rng.random() < 0.5 else 0.0)

    def cut(table: Float64) -> Float64:
        return np.stack([np.interp(part, _PROGRESS, column) for column in table.T], axis=1)

    path = cut(g.path)
    return replace(g, pose=cut(g.pose), turn=cut(g.turn), path=path - path.mean(axis=0))


def _other_path(rng: np.random.Generator, g: GestureTable) -> GestureTable | None:
    return replace(g, path=_path(rng)) if g.moves else None


def _other_poses(rng: np.random.Generator, g: GestureTable) -> GestureTable | None:
    return replace(g, pose=_poses(rng, still=not g.moves))


def _other_turn(rng: np.random.Generator, g: GestureTable) -> GestureTable | None:
    return replace(g, turn=_turns(rng)) if g.moves else replace(g, attitude=_attitude(rng))


def _other_attitude(rng: np.random.Generator, g: GestureTable) -> GestureTable | None:
    axis = rng.standard_normal(3)
    return replace(g, attitude=g.attitude + axis / np.linalg.norm(axis) * rng.uniform(0.6, 1.2))


def _other_fingers(rng: np.random.Generator, g: GestureTable) -> GestureTable | None:
    pose, alternative = g.pose.copy(), _pose(rng)
    for finger in rng.choice(5, rng.integers(1, 3), replace=False):
        part = _finger(finger)
        pose[:, part] += alternative[part] - pose[0, part]
    return replace(g, pose=pose)


def _folded_finger(rng: np.random.Generator, g: GestureTable) -> GestureTable | None:
    """One straight finger folded, or one folded finger straight."""
    if g.travels:
        return None
    pose, finger = g.pose.copy(), rng.integers(4)
    part = slice(4 * finger, 4 * finger + 3)
    pose[:, part] = (pose[:1, part] < 0.6) * np.array([1.45, 1.75, 1.0]) + 0.05
    return replace(g, pose=pose)


Change = Callable[[np.random.Generator, GestureTable], GestureTable | None]
_CHANGE: dict[str, Change] = {
    "reversed": _reversed,
    "mirrored": _mirrored,
    "rotated": _rotated,
    "resized": _resized,
    "halfway": _halfway,
    "path": _other_path,
    "poses": _other_poses,
    "turn": _other_turn,
    "attitude": _other_attitude,
    "fingers": _other_fingers,
    "folded": _folded_finger,
}
_CHANGES = {
    "reversed": 2.0,
    "mirrored": 1.5,
    "rotated": 0.7,
    "resized": 0.3,
    "halfway": 0.4,
    "path": 1.0,
    "poses": 1.0,
    "turn": 1.0,
    "attitude": 0.8,
    "fingers": 1.5,
    "folded": 0.5,
}
_CHANGES_OF_MOTION = {"reversed": 1.0, "mirrored": 1.0, "rotated": 0.7, "path": 1.0}


def _other_hand(rng: np.random.Generator, g: GestureTable, config: TableConfig) -> GestureTable | None:
    """What the other hand does in a gesture of both; None: it takes no part."""
    if rng.random() >= config.two_hands:
        return None
    kind = rng.random()
    if kind < 0.4:  # a mirror image; poses are of a right hand anyway
        return replace(g, path=g.path * np.array([-1.0, 1, 1]), turn=g.turn * np.array([1.0, -1, -1]))
    if kind < 0.6:
        return g
    if kind < 0.85:  # it is only held
        still = np.repeat(_pose(rng)[None], STEPS, 0)
        return GestureTable(still, np.zeros((STEPS, 3)), np.zeros((STEPS, 3)), _attitude(rng), moves=False)
    return replace(_fresh(rng, config), cyclic=g.cyclic, any_pose=g.any_pose)


def _finger(number: int) -> slice:
    """Where a finger's angles stand; 0 is the thumb."""
    return slice(4 * (number - 1), 4 * number) if number else slice(16, 20)


def _pose(rng: np.random.Generator) -> Float64:
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
        return _smooth((_PROGRESS - begin) / min(length, 1 - begin))
    if kind == 1:
        return _smooth(_PROGRESS)
    if kind == 2:
        return np.asarray(np.sin(np.pi * _PROGRESS) ** rng.choice([1, 2]))
    return np.asarray(0.5 - 0.5 * np.cos(2 * np.pi * rng.integers(1, 5) * _PROGRESS))


def _poses(rng: np.random.Generator, *, still: bool) -> Float64:
    """(STEPS, ANGLES) one pose held, or one that becomes another."""
    first = _pose(rng)
    if still or rng.random() < 0.5:
        return np.repeat(first[None], STEPS, 0)
    last = _pose(rng)
    if rng.random() < 0.35:  # one or two fingers alone
        whole, last = last, first.copy()
        for finger in rng.choice(5, rng.integers(1, 3), replace=False):
            last[_finger(finger)] = whole[_finger(finger)]
    if rng.random() < 0.15:
        third = _pose(rng)
        early, late = _smooth(_PROGRESS / 0.45)[:, None], _smooth((_PROGRESS - 0.5) / 0.45)[:, None]
        return np.asarray(first + (last - first) * early + (third - last) * late)
    return np.asarray(first + (last - first) * _course(rng)[:, None])


def _turns(rng: np.random.Generator) -> Float64:
    """(STEPS, 3) no turn, one about an axis, or to and fro."""
    if rng.random() < 0.55:
        return np.zeros((STEPS, 3))
    axis = rng.standard_normal(3)
    axis /= np.linalg.norm(axis)
    if rng.random() < 0.7:
        axis = np.eye(3)[rng.integers(3)] * rng.choice([-1, 1])
    angle = rng.uniform(0.4, 2.2)
    if rng.random() < 0.5:
        return np.asarray(
            axis * min(angle, 1.0) * np.sin(2 * np.pi * rng.integers(1, 5) * _PROGRESS)[:, None]
        )
    return np.asarray(axis * angle * _course(rng)[:, None])


def _path(rng: np.random.Generator) -> Float64:
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
    return _smooth(_PROGRESS), np.zeros(STEPS), 1.0


def _back(rng: np.random.Generator) -> Plane:
    return np.sin(np.pi * _PROGRESS), np.zeros(STEPS), 1.0


def _circle(rng: np.random.Generator) -> Plane:
    phase = 2 * np.pi * rng.integers(1, 4) * _PROGRESS + rng.uniform(0, 2 * np.pi)
    return np.cos(phase), rng.uniform(0.6, 1) * np.sin(phase), 0.4


def _arc(rng: np.random.Generator) -> Plane:
    phase = rng.uniform(0.25, 0.7) * 2 * np.pi * _smooth(_PROGRESS)
    return np.cos(phase), np.sin(phase), 0.6


def _wave(rng: np.random.Generator) -> Plane:
    phase = 2 * np.pi * rng.integers(1, 5) * _PROGRESS
    return np.sin(phase), 0.25 * rng.random() * np.cos(2 * phase), 0.4


def _zigzag(rng: np.random.Generator) -> Plane:
    return _PROGRESS, 0.3 * np.sin(2 * np.pi * rng.integers(1, 4) * _PROGRESS), 1.0


def _corners(rng: np.random.Generator) -> Plane:
    count = rng.integers(3, 6)
    points = rng.standard_normal((count, 2))
    points /= np.abs(points).max()
    at = np.linspace(0, 1, count)
    return np.interp(_PROGRESS, at, points[:, 0]), np.interp(_PROGRESS, at, points[:, 1]), 1.0


def _smooth_way(rng: np.random.Generator) -> Plane:
    def waves() -> Float64:
        parts = [
            rng.standard_normal() / h * np.sin(np.pi * h * _PROGRESS + rng.uniform(0, 2 * np.pi))
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


def _attitude(rng: np.random.Generator) -> Float64:
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
