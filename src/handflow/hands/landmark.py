"""Landmark model: 21 points of the hand in a region, and the region to look at next.

Constants follow MediaPipe's `modules/hand_landmark/hand_landmark_landmarks_to_roi.pbtxt` and
`calculators/hand_landmarks_to_rect_calculator.cc` (Apache-2.0).
"""

import math
from dataclasses import dataclass

import numpy as np

from handflow.hands.crop import crop_hand, crop_matrix
from handflow.hands.network import Network
from handflow.types import Float32, HandLandmark, Image, Region

SIDE = 224  # pixels, input of the network
_STABLE = [0, 1, 2, 3, 5, 6, 9, 10, 13, 14, 17, 18]  # points without the finger ends: they move less
_SHIFT, _SCALE = -0.1, 2.0
_DEPTH = 0.4
"""The network's z counts in units of this share of x's: `normalize_z` of `hand_landmark_cpu.pbtxt`."""
_SMALLEST = 1e-3  # pixels: a region has some size, whatever the network says


@dataclass(frozen=True, slots=True, eq=False)
class LandmarkResult:
    """What the landmark model says about one region."""

    landmarks: Float32  # (21, 3) image pixels
    world: Float32  # (21, 3) metres
    presence: float  # 0 to 1
    handedness: float  # 0 to 1: a right hand


class LandmarkModel:
    """Finds the 21 landmarks of the hand in a region of a picture."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._input = np.empty((1, SIDE, SIDE, 3), np.float32)

    def locate(self, image: Image, region: Region) -> LandmarkResult:
        """Looks at `region` of `image` uint8 (height, width, 3) RGB."""
        np.multiply(crop_hand(image, region, SIDE), np.float32(1 / 255), out=self._input[0])
        # In file order: image landmarks (63), presence (1), handedness (1), world landmarks (63).
        points, presence, handedness, world = self._network(self._input)
        crop = points.reshape(21, 3)
        matrix = crop_matrix(region, SIDE)
        landmarks = np.empty((21, 3), np.float32)
        landmarks[:, :2] = crop[:, :2] @ matrix[:, :2].T + matrix[:, 2]
        landmarks[:, 2] = crop[:, 2] * (region.size / SIDE / _DEPTH)
        return LandmarkResult(
            landmarks=landmarks,
            world=_rotate(world.reshape(21, 3), region.angle),
            presence=float(presence.reshape(-1)[0]),
            handedness=float(handedness.reshape(-1)[0]),
        )


def _rotate(world: Float32, angle: float) -> Float32:
    """Turns world landmarks (21, 3) from the upright crop back into the picture."""
    c, s = math.cos(angle), math.sin(angle)
    turned = world.copy()
    turned[:, 0] = c * world[:, 0] - s * world[:, 1]
    turned[:, 1] = s * world[:, 0] + c * world[:, 1]
    return turned


def region_of(landmarks: Float32) -> Region:
    """The region to look at in the next frame, from landmarks (21, 3) in pixels."""
    xy = landmarks[:, :2]
    index, middle, ring = HandLandmark.INDEX_MCP, HandLandmark.MIDDLE_MCP, HandLandmark.RING_MCP
    dx, dy = ((xy[index] + xy[ring]) / 2 + xy[middle]) / 2 - xy[HandLandmark.WRIST]
    angle = math.atan2(dx, -dy)
    c, s = math.cos(angle), math.sin(angle)
    points = xy[_STABLE]
    middle_point = (points.max(axis=0) + points.min(axis=0)) / 2
    upright = (points - middle_point) @ np.array([[c, -s], [s, c]], np.float32)
    high, low = upright.max(axis=0), upright.min(axis=0)
    width, height = high - low
    cx, cy = (high + low) / 2
    cy += _SHIFT * height
    return Region(
        x=float(c * cx - s * cy + middle_point[0]),
        y=float(s * cx + c * cy + middle_point[1]),
        size=max(float(max(width, height)) * _SCALE, _SMALLEST),
        angle=angle,
    )
