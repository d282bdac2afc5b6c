"""Silhouettes: the hand white, all else black, drawn from its landmarks.

A hand is a palm with a rim and fingers of capsules that grow thinner towards the tip. Widths are shares of
the palm's length, from hand breadths and finger breadths of adults (Garrett, Human Factors 13, 1971).
"""

import cv2
import numpy as np

from handflow.types import PARENTS, Float32, Float64, Image

_PALM = (0, 1, 2, 5, 9, 13, 17)
_RIM = 0.10  # around the palm's landmarks
_RADIUS = {1: 0.14, 2: 0.13, 3: 0.11, 4: 0.095}  # along the thumb
_RADIUS |= {base + k: r for base in (5, 9, 13) for k, r in enumerate((0.115, 0.10, 0.09, 0.08))}
_RADIUS |= {17 + k: r for k, r in enumerate((0.10, 0.085, 0.077, 0.068))}  # the little finger
_FINGERS = tuple((PARENTS[end], end) for end in range(1, 21) if PARENTS[end])
_ARC = np.linspace(0, np.pi, 7)  # corners of a round end
_FRACTION_BITS = 4  # cv2 draws at 1/16 pixel
_FAR = float(1 << 14)  # pixels: landmarks further out are drawn there


def draw_silhouettes(hands: Float32, size: tuple[int, int]) -> Image:
    """A picture (height, width) of hands: 255 where a hand is, 0 elsewhere, soft at the rim.

    Args:
        hands: (hands, 21, 3) landmarks in pixels of the picture to draw; those with NaN are left out.
        size: (width, height) of the picture.
    """
    picture = np.zeros((size[1], size[0]), np.uint8)
    for landmarks in hands:
        if np.isfinite(landmarks).all():
            _draw_hand(picture, np.clip(landmarks[:, :2].astype(np.float64), -_FAR, _FAR))
    return picture


def _draw_hand(picture: Image, points: Float64) -> None:
    # Tilting shortens a palm's length or its width, seldom both.
    size = float(max(np.hypot(*(points[9] - points[0])), 1.5 * np.hypot(*(points[17] - points[5]))))
    hull = cv2.convexHull(points[list(_PALM)].astype(np.float32))[:, 0].astype(np.float64)
    start = np.concatenate([hull, points[[a for a, _ in _FINGERS]]])
    end = np.concatenate([np.roll(hull, -1, axis=0), points[[b for _, b in _FINGERS]]])
    rim = [_RIM] * len(hull)
    at_start = np.array(rim + [_RADIUS[a] for a, _ in _FINGERS]) * size
    at_end = np.array(rim + [_RADIUS[b] for _, b in _FINGERS]) * size
    for corners in (hull, *_capsules(start, end, at_start, at_end)):
        fixed = np.rint(corners * (1 << _FRACTION_BITS)).astype(np.int32)
        cv2.fillConvexPoly(picture, fixed, 255, cv2.LINE_AA, _FRACTION_BITS)


def _capsules(start: Float64, end: Float64, at_start: Float64, at_end: Float64) -> Float64:
    """Outlines `(n, corners, 2)` of lines with round ends, so many pixels wide to each side."""
    way = end - start
    angle = np.arctan2(way[:, 1], way[:, 0])[:, None]
    around = np.concatenate([angle + np.pi / 2 + _ARC, angle - np.pi / 2 + _ARC], axis=1)
    radius = np.repeat(np.stack([at_start, at_end], axis=1), len(_ARC), axis=1)
    middle = np.repeat(np.stack([start, end], axis=1), len(_ARC), axis=1)
    outlines: Float64 = middle + radius[..., None] * np.stack([np.cos(around), np.sin(around)], axis=-1)
    return outlines
