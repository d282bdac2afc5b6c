"""What a network sees of a window: the one path from landmarks to numbers, for training and for live.

Every hand gives its shape (in hand sizes, a left hand mirrored to a right one), its path and velocity over
the picture, its growth (a push towards the camera) and masks that tell what is known. Place in the picture,
distance from the camera and frame rate do not matter.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from handflow.recognize.windows import STEPS, Windows, cut_window
from handflow.types import LEFT, PARENTS, RIGHT, Float32, HandSequence

FEATURE_VERSION = 2
"""Raised whenever the numbers change: a model of another version is refused."""
CHANNELS_PER_HAND = 129
CHANNELS = 2 * CHANNELS_PER_HAND + 3
"""Rows of a window of features."""
SHAPE_CHANNELS = 120
"""Of each hand's channels the first ones: its shape. The others are path, growth and masks."""
LIMIT = 8.0
"""Features are cut to ± this many: one wild landmark must not drown the rest."""

_CENTRE = (0, 5, 9, 13, 17)
_DEPTH_WEIGHT = 0.5  # the z of hand models is several times noisier than x and y
_RIGHT_BONUS = 1.25  # the left hand acts where it moves clearly more: a tie must not flip from frame to frame
_TIPS = (4, 8, 12, 16, 20)


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """A batch of windows as features."""

    features: Float32  # (windows, CHANNELS, STEPS), finite, within ± LIMIT
    acting: NDArray[np.intp]  # (windows,) slot of the hand that acts, the first block of channels
    both: NDArray[np.bool_]  # (windows,) whether the other hand moves about as much


def window_features(
    sequence: HandSequence, end: float, seconds: float, *, hands_matter: bool = False
) -> Float32:
    """Features `(CHANNELS, STEPS)` of the window that ends at time `end` and lasts `seconds`."""
    window = cut_window(sequence, end, seconds, hands_matter=hands_matter)
    features: Float32 = encode(window, seconds, hands_matter=hands_matter).features[0]
    return features


def encode(windows: Windows, seconds: float, *, hands_matter: bool = False) -> Encoded:
    """Turns windows into features.

    Args:
        windows: a batch, as `windows.cut_window` makes it.
        seconds: duration of every window: velocities are per second.
        hands_matter: True keeps the left hand in the first block and the right in the second, both as they
            are; else the first block is the acting hand, and left hands are mirrored in shape, never in path.
    """
    n = len(windows)
    if n == 0:
        nobody = np.zeros(0, bool)
        return Encoded(np.zeros((0, CHANNELS, STEPS), np.float32), nobody.astype(np.intp), nobody)
    marks = windows.landmarks
    known = windows.known  # (n, S, 2)
    size = _hand_sizes(marks)  # (n, S, 2)
    scale = _median_known(size, known)  # (n, 2)
    # A hand never seen borrows the other's size, so that relative positions stay finite.
    other = scale[:, ::-1]
    scale = np.where(scale > 0, scale, np.where(other > 0, other, 1.0))
    centre = marks[..., _CENTRE, :2].mean(axis=-2)  # (n, S, 2, 2)
    if known[..., LEFT].any():
        activity = _activity(marks, centre, known, scale)  # (n, 2)
    else:  # the right hand acts, whatever it does
        activity = np.zeros((n, 2), np.float32)
    alike = activity.min(axis=1) > 0.6 * activity.max(axis=1)
    both = alike & (known.max(axis=1).min(axis=1) > 0) & (activity.max(axis=1) > 0)
    if hands_matter:
        acting = np.where(activity[:, LEFT] > activity[:, RIGHT], LEFT, RIGHT)
        order = np.tile(np.array([LEFT, RIGHT]), (n, 1))
    else:
        acting = np.where(activity[:, LEFT] > _RIGHT_BONUS * activity[:, RIGHT], LEFT, RIGHT)
        order = np.stack([acting, 1 - acting], axis=1)
    blocks = [
        _hand_block(
            marks, centre, size, scale, windows, slot=order[:, k], seconds=seconds, mirror=not hands_matter
        )
        for k in (0, 1)
    ]
    rows = np.arange(n)
    together = known.min(axis=2)  # (n, S)
    apart = centre[rows, :, order[:, 1]] - centre[rows, :, order[:, 0]]  # (n, S, 2)
    relative = apart / scale[rows, order[:, 0]][:, None, None] * 0.5 * together[..., None]
    features = np.concatenate([*blocks, relative, together[..., None]], axis=2).transpose(0, 2, 1)
    features = _limited(np.ascontiguousarray(features, np.float32))
    features[np.isnan(features)] = 0
    return Encoded(features, acting.astype(np.intp), both)


def _limited(values: Float32) -> Float32:
    """`values` within ± LIMIT, in place; NaN stays."""
    np.maximum(values, -LIMIT, out=values)
    return np.minimum(values, LIMIT, out=values)


def _length(vectors: Float32) -> Float32:
    """Lengths `(…, 1)` of vectors `(…, d)`."""
    result: Float32 = np.sqrt((vectors * vectors).sum(axis=-1, keepdims=True))
    return result


def _hand_sizes(marks: Float32) -> Float32:
    """Size of each hand `(n, S, 2)`: the longer of palm length and (scaled) palm width.

    Tilting the hand shortens one of the two, seldom both.
    """
    length = _length(marks[..., 9, :2] - marks[..., 0, :2])[..., 0]
    width = _length(marks[..., 5, :2] - marks[..., 17, :2])[..., 0]
    result: Float32 = np.maximum(length, 1.5 * width)
    return result


def _median_known(values: Float32, known: Float32) -> Float32:
    """Median over the known steps `(n, S, 2) -> (n, 2)`; 0 where none is known."""
    ordered = np.sort(np.where(known > 0, values, np.inf), axis=1)
    count = known.sum(axis=1).astype(np.intp)
    middle = np.take_along_axis(ordered, np.maximum(count - 1, 0)[:, None] // 2, axis=1)[:, 0]
    return np.where(count > 0, middle, 0.0).astype(np.float32)


def _spread(values: Float32, known: Float32) -> Float32:
    """Root mean square distance `(n, 2)` of `values` `(n, S, 2, d)` from their mean, known steps only."""
    total = np.maximum(known.sum(axis=1), 1.0)  # (n, 2)
    weight = known[..., None]
    mean = (values * weight).sum(axis=1, keepdims=True) / total[:, None, :, None]
    square = (((values - mean) ** 2) * weight).sum(axis=(1, 3)) / total
    result: Float32 = np.sqrt(square)
    return result


def _activity(marks: Float32, centre: Float32, known: Float32, scale: Float32) -> Float32:
    """How much each hand does in the window `(n, 2)`, in hand sizes: spread of its place and of its shape.

    A spread grows with the movement and hardly with the tracker's jitter, unlike the length of a path.
    """
    tips = (marks[..., _TIPS, :2] - centre[..., None, :]).reshape(*marks.shape[:3], 10)
    share = known.mean(axis=1)
    activity: Float32 = (_spread(centre, known) + 0.5 * _spread(tips, known)) / scale * share
    return activity.astype(np.float32, copy=False)


def _hand_block(
    marks: Float32,
    centre: Float32,
    size: Float32,
    scale: Float32,
    windows: Windows,
    *,
    slot: NDArray[np.intp],
    seconds: float,
    mirror: bool,
) -> Float32:
    """Channels of one hand `(n, S, CHANNELS_PER_HAND)`, zero where it is unknown."""
    n, steps = marks.shape[:2]
    rows = np.arange(n)
    known = windows.known[rows, :, slot][..., None]  # (n, S, 1)
    if not known.any():
        return np.zeros((n, steps, CHANNELS_PER_HAND), np.float32)
    seen = windows.seen[rows, :, slot][..., None]
    hand = marks[rows, :, slot]  # (n, S, 21, 3)
    unit = scale[rows, slot][:, None, None]  # (n, 1, 1)
    shape = (hand - hand[:, :, :1]) / unit[..., None]
    if mirror:
        shape[..., 0] *= np.where(slot == LEFT, -1.0, 1.0).astype(np.float32)[:, None, None]
    shape[..., 2] *= _DEPTH_WEIGHT
    bones = shape[:, :, 1:] - shape[:, :, PARENTS[1:]]
    bones = bones / np.maximum(_length(bones), 1e-4)
    place = centre[rows, :, slot]  # (n, S, 2)
    count = np.maximum(known.sum(axis=1, keepdims=True), 1.0)
    path = (place - (place * known).sum(axis=1, keepdims=True) / count) / unit
    growth = np.log(np.maximum(size[rows, :, slot][..., None] / unit, 1e-3))
    step = seconds / (steps - 1)
    moving = known[:, 1:] * known[:, :-1]
    velocity = np.zeros((n, steps, 2), np.float32)
    velocity[:, 1:] = (path[:, 1:] - path[:, :-1]) / step * moving
    opening = np.zeros((n, steps, 1), np.float32)
    opening[:, 1:] = (growth[:, 1:] - growth[:, :-1]) / step * moving
    channels = [
        shape[:, :, 1:].reshape(n, steps, 60),
        bones.reshape(n, steps, 60) * 0.7,
        path * 0.7,
        velocity * 0.25,
        np.log1p(_length(velocity)),
        growth * 2.0,
        opening,
    ]
    told = _limited(np.concatenate(channels, axis=2)) * known
    block: Float32 = np.concatenate([told, known, seen], axis=2)
    return block
