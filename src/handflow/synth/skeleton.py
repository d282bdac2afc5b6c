"""The 21 joints of a hand from a pose of seven numbers and the lengths of its bones.

Axes (right-handed): x right, y up along the fingers, z towards a viewer who looks at the palm. A right hand
seen so has its thumb towards +x; the left hand is the same with x negated.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from handflow.types import Float32, Float64

# A hand of length 1 (wrist to the tip of the straight middle finger), thumb towards +x.
_WRIST_TO_TIP = 2.0
_THUMB_BASE = np.array([0.33, 0.215, 0.15]) / _WRIST_TO_TIP
_KNUCKLES = (
    np.array([[0.33, 0.97, 0.00], [0.10, 1.00, -0.04], [-0.12, 0.95, -0.03], [-0.32, 0.84, 0.02]])
    / _WRIST_TO_TIP
)
_FINGERS = (
    np.array([[0.445, 0.25, 0.217], [0.487, 0.28, 0.217], [0.445, 0.27, 0.217], [0.347, 0.19, 0.186]])
    / _WRIST_TO_TIP
)
_THUMB = np.array([0.36, 0.31, 0.255]) / _WRIST_TO_TIP

# Degrees; how far closed fingers bend is fitted to where the hand models see them in a fist.
# Fingers fan out a little even when nobody spreads them; spread adds to or takes from it.
_FAN = np.array([-7.0, -1.0, 5.0, 13.0])
_SPREAD = np.array([-11.0, -1.5, 8.0, 17.0])
_FLEX = np.array([[68.0, 101.0, 76.0], [73.0, 103.0, 78.0], [74.0, 103.0, 78.0], [72.0, 100.0, 76.0]])
_RELAXED = np.array([4.0, 5.0, 3.0])  # a straight finger is never quite straight
_PINCH_FLEX = np.array([54.0, 62.0, 34.0])

# Directions of the thumb's bones: held open, along the index finger, stretched away, closed over a fist.
_THUMB_OPEN = np.array([[0.60, 0.74, 0.30], [0.52, 0.84, 0.14], [0.42, 0.90, 0.10]])
_THUMB_TOGETHER = np.array([[0.42, 0.86, 0.30], [0.20, 0.96, 0.18], [0.08, 0.99, 0.12]])
_THUMB_WIDE = np.array([[0.80, 0.54, 0.26], [0.78, 0.61, 0.10], [0.74, 0.67, 0.06]])
_THUMB_CLOSED = np.array([[0.44, 0.62, 0.72], [-0.20, 0.82, 0.51], [-0.72, 0.55, 0.28]])
# The hand models see a knuckle not where it turns but a little up the finger while that is straight, and
# below, towards the palm, when it is bent. Only the landmark slides; the finger turns about the joint.
_SLIDE_STRAIGHT = np.array([0.0, 0.012, 0.0])
_SLIDE_BENT = np.array([0.0, -0.028, 0.042])
# They also see the far bones of a folded finger shorter than they are, and its tip less turned in.
FOLD_SHORTENS = (0.0, 0.30, 0.45)
"""Shares by which a folded finger's bones are seen shorter; the renderer takes that back."""
FOLD_TURNS = np.deg2rad(50.0)
"""How much less the last bone of a folded finger is seen bent, radians."""
_FOLD = np.deg2rad([55.0, 95.0])  # bend of the middle joint at which it begins and is complete
WRIST_SLIDE = np.array([0.0, 0.012, 0.018])
"""Where the landmark of the wrist lies, seen from the middle of the wrist; shares of the hand's length."""
_PAD_GAP = 0.055  # joints of two finger tips that touch, share of the hand's length apart
_FROM_BELOW = np.array([0.16, -0.93, 0.33])  # where the thumb's tip lies, seen from the index finger's


@dataclass(frozen=True, slots=True)
class HandShape:
    """The lengths that make one person's hand.

    Attributes:
        length: wrist to the tip of the straight middle finger, metres (0.16 small, 0.21 large).
        fingers: multiplier on the finger bones; the palm takes what is left of the length.
        width: multiplier on the breadth of the palm.
        thumb: multiplier on the thumb's bones.
    """

    length: float = 0.185
    fingers: float = 1.0
    width: float = 1.0
    thumb: float = 1.0

    def __post_init__(self) -> None:
        if not 0.05 <= self.length <= 0.4:
            raise ValueError(f"hand length is {self.length} m, expected 0.05 to 0.4")
        for name in ("fingers", "width", "thumb"):
            if not 0.5 <= getattr(self, name) <= 1.5:
                raise ValueError(f"{name} is {getattr(self, name)}, expected a multiplier from 0.5 to 1.5")


def _unit(v: Float64) -> Float64:
    return np.asarray(v / np.linalg.norm(v, axis=-1, keepdims=True))


def _fingers(
    curl: Float64, spread: Float64, pinch: Float64, shape: HandShape
) -> tuple[Float64, Float64, Float64]:
    """Knuckles as seen (…, 4, 3) and as turned about (4, 3), and finger bones (…, 4, 3 bones, 3).

    Curls are (…, 4); lengths are shares of the hand's.
    """
    bones = _FINGERS * shape.fingers
    palm = (1.0 - bones[1].sum()) / _KNUCKLES[1, 1]
    knuckles = _KNUCKLES * np.array([shape.width, palm, 1.0])
    flex = np.deg2rad(_RELAXED + curl[..., None] * (_FLEX - _RELAXED))  # (…, 4, 3)
    index = np.deg2rad(_PINCH_FLEX) * pinch[..., None] + flex[..., 0, :] * (1 - pinch[..., None])
    flex = np.concatenate([index[..., None, :], flex[..., 1:, :]], axis=-2)
    # A bent knuckle cannot move sideways: closed fingers lie side by side.
    fan = np.deg2rad(_FAN + spread[..., None] * _SPREAD) * (1 - 0.85 * np.sin(flex[..., 0]).clip(0, 1))
    up = np.stack([-np.sin(fan), np.cos(fan), np.zeros_like(fan)], axis=-1)[..., None, :]
    folded = ((flex[..., 1:2] - _FOLD[0]) / (_FOLD[1] - _FOLD[0])).clip(0, 1)[..., None, :]
    bent = np.cumsum(flex, axis=-1)[..., None] - folded * np.array([0.0, 0.0, FOLD_TURNS])[:, None]
    lengths = bones[..., None] * (1 - folded * np.array(FOLD_SHORTENS)[:, None])
    directions = np.cos(bent) * up + np.sin(bent) * np.array([0.0, 0.0, 1.0])
    bend = np.sin(flex[..., :1]).clip(0, 1)
    return (
        knuckles + _SLIDE_STRAIGHT * (1 - bend) + _SLIDE_BENT * bend,
        knuckles,
        directions * lengths,
    )


def _reach(start: Float64, target: Float64, lengths: Float64, outward: Float64) -> Float64:
    """Directions (…, 3 bones, 3) of an evenly bent chain from start that ends at the target.

    The chain bulges to the side of `outward`. Where the target is too far it is stretched towards it.
    """
    way = target - start
    distance = np.linalg.norm(way, axis=-1)
    along = _unit(way)
    side = _unit(outward - (outward * along).sum(-1, keepdims=True) * along)
    low, high = np.zeros_like(distance), np.full_like(distance, np.deg2rad(110))

    def ends(bend: Float64) -> Float64:
        turns = np.cumsum(np.stack([np.zeros_like(bend), bend, bend], -1), -1)
        return np.stack([(lengths * np.cos(turns)).sum(-1), (lengths * np.sin(turns)).sum(-1)], -1)

    for _ in range(30):  # the reach falls as the bend grows
        middle = (low + high) / 2
        far = np.linalg.norm(ends(middle), axis=-1) > distance
        low, high = np.where(far, middle, low), np.where(far, high, middle)
    bend = (low + high) / 2
    tip = ends(bend)
    turns = np.arctan2(tip[..., 1], tip[..., 0])[..., None] - bend[..., None] * np.arange(3)
    return np.asarray(
        np.cos(turns)[..., None] * along[..., None, :] + np.sin(turns)[..., None] * side[..., None, :]
    )


def hand_joints(pose: ArrayLike, shape: HandShape | None = None) -> Float32:
    """The joints of a right hand, wrist at the origin, fingers along +y, thumb towards +x, palm towards +z.

    Args:
        pose: (…, 7) curl of thumb, index, middle, ring and pinky (0 straight to 1 closed), spread
            (-1 together to 1 wide), pinch (0 to 1: thumb tip meets index tip, whatever these two curl).
        shape: whose hand; None: an average one.

    Returns:
        (…, 21, 3) metres, in the order of `HandLandmark`. A left hand has x negated.

    Raises:
        ValueError: the pose has not seven numbers.
    """
    shape = shape or HandShape()
    p = np.asarray(pose, np.float64)
    if p.ndim < 1 or p.shape[-1] != 7:
        raise ValueError(f"a pose has 7 numbers (5 curls, spread, pinch), got shape {p.shape}")
    curl, spread, pinch = p[..., :5].clip(-0.1, 1.1), p[..., 5].clip(-1.2, 1.2), p[..., 6].clip(0.0, 1.0)
    seen, knuckles, bones = _fingers(curl[..., 1:], spread, pinch, shape)
    fingers = np.concatenate([seen[..., None, :], knuckles[:, None] + np.cumsum(bones, -2)], -2)

    base = np.broadcast_to(_THUMB_BASE * np.array([shape.width, 1.0, 1.0]), (*spread.shape, 3))
    lengths = _THUMB * shape.thumb
    wide, together = spread.clip(0, None)[..., None, None], (-spread).clip(0, None)[..., None, None]
    held = _THUMB_OPEN + wide * (_THUMB_WIDE - _THUMB_OPEN) + together * (_THUMB_TOGETHER - _THUMB_OPEN)
    held = _unit(held)
    directions = _unit(held + curl[..., 0, None, None] * (_unit(_THUMB_CLOSED) - held))
    tip = fingers[..., 0, 3, :]
    target = tip + _PAD_GAP * _FROM_BELOW
    closed = _reach(base, target, lengths, np.broadcast_to(np.array([0.75, -0.2, 0.65]), base.shape))
    directions = _unit(directions + pinch[..., None, None] * (closed - directions))
    thumb = base[..., None, :] + np.cumsum(directions * lengths[:, None], -2)

    joints = np.zeros((*spread.shape, 21, 3))
    joints[..., 1, :] = base
    joints[..., 2:5, :] = thumb
    joints[..., 5:21, :] = fingers.reshape(*spread.shape, 16, 3)
    joints[..., 1:, :] -= WRIST_SLIDE
    return (joints * shape.length).astype(np.float32)
