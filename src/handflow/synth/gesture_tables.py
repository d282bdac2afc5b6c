"""Gestures without end: random programs of hand poses, turns and paths, as tables over their progress.

Few-shot encoders are trained on classes that nobody thought of: every batch draws new ones. About half of the
programs are made from another one of the same task by a small change (mirrored, reversed, half as wide, one
finger other, the same pose on another way), because those are the gestures that people confuse.

Nothing is shared with `handflow.synth.motion`, whose gestures serve to test what was learned here.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from handflow.synth.gesture_parts import (
    PROGRESS,
    STEPS,
    draw_attitude,
    draw_path,
    draw_pose,
    draw_poses,
    draw_turns,
    finger_angles,
)
from handflow.types import Float32, Float64


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
    path = draw_path(rng) if moves else np.zeros((STEPS, 3))
    table = GestureTable(
        pose=draw_poses(rng, still=not moves),
        turn=draw_turns(rng) if moves else np.zeros((STEPS, 3)),
        path=path,
        attitude=draw_attitude(rng),
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
    part = PROGRESS / 2 + (0.5 if rng.random() < 0.5 else 0.0)

    def cut(table: Float64) -> Float64:
        return np.stack([np.interp(part, PROGRESS, column) for column in table.T], axis=1)

    path = cut(g.path)
    return replace(g, pose=cut(g.pose), turn=cut(g.turn), path=path - path.mean(axis=0))


def _other_path(rng: np.random.Generator, g: GestureTable) -> GestureTable | None:
    return replace(g, path=draw_path(rng)) if g.moves else None


def _other_poses(rng: np.random.Generator, g: GestureTable) -> GestureTable | None:
    return replace(g, pose=draw_poses(rng, still=not g.moves))


def _other_turn(rng: np.random.Generator, g: GestureTable) -> GestureTable | None:
    return replace(g, turn=draw_turns(rng)) if g.moves else replace(g, attitude=draw_attitude(rng))


def _other_attitude(rng: np.random.Generator, g: GestureTable) -> GestureTable | None:
    axis = rng.standard_normal(3)
    return replace(g, attitude=g.attitude + axis / np.linalg.norm(axis) * rng.uniform(0.6, 1.2))


def _other_fingers(rng: np.random.Generator, g: GestureTable) -> GestureTable | None:
    pose, alternative = g.pose.copy(), draw_pose(rng)
    for finger in rng.choice(5, rng.integers(1, 3), replace=False):
        part = finger_angles(finger)
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
        still = np.repeat(draw_pose(rng)[None], STEPS, 0)
        return GestureTable(
            still, np.zeros((STEPS, 3)), np.zeros((STEPS, 3)), draw_attitude(rng), moves=False
        )
    return replace(_fresh(rng, config), cyclic=g.cyclic, any_pose=g.any_pose)
