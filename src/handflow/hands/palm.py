"""Palm detector: where in a picture hands may be.

Anchors, decoding and the hand region follow MediaPipe's graph files
`modules/palm_detection/palm_detection_cpu.pbtxt` and
`modules/hand_landmark/palm_detection_detection_to_roi.pbtxt` (Apache-2.0).
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np

from handflow.hands.network import Network, sigmoid
from handflow.types import Float32, Image, Region

SIDE = 192  # pixels, input of the network
_WRIST, _MIDDLE_MCP = 0, 2  # key points that show where the fingers point
_OVERLAP = 0.3  # intersection over union from which two boxes are one palm
_SHIFT, _SCALE = -0.5, 2.6  # from the palm's box to the whole hand's region


def _anchors() -> Float32:
    """Centres of the 2016 anchors in [0, 1]: stride 8 with 2 a cell, stride 16 with 6 a cell."""
    grids = []
    for stride, per_cell in ((8, 2), (16, 6)):
        cells = SIDE // stride
        y, x = np.mgrid[0:cells, 0:cells]
        centres = np.stack([(x + 0.5) / cells, (y + 0.5) / cells], axis=-1).reshape(-1, 1, 2)
        grids.append(np.repeat(centres, per_cell, axis=1).reshape(-1, 2))
    return np.concatenate(grids).astype(np.float32)


@dataclass(frozen=True, slots=True)
class View:
    """A part of the picture, pixels; `right` and `bottom` are the first that do not belong to it."""

    left: int
    top: int
    right: int
    bottom: int


@dataclass(frozen=True, slots=True)
class Palm:
    """One palm: how sure the detector is, and the region of its whole hand."""

    score: float  # 0 to 1
    region: Region


class PalmDetector:
    """Finds palms in a picture.

    Args:
        network: the palm detection network.
        min_score: palms below this score are dropped.
    """

    def __init__(self, network: Network, min_score: float = 0.5) -> None:
        self._network = network
        self._min_score = min_score
        self._anchors = _anchors()
        self._input = np.zeros((1, SIDE, SIDE, 3), np.float32)

    def detect(self, image: Image, view: View | None = None) -> list[Palm]:
        """Palms in `image` uint8 (height, width, 3) RGB, or in a view of it, the surest first."""
        corner = (0, 0)
        if view is not None:
            image = image[view.top : view.bottom, view.left : view.right]
            corner = (view.left, view.top)
        height, width = image.shape[:2]
        scale = SIDE / max(height, width)
        inner = (max(1, round(width * scale)), max(1, round(height * scale)))
        left, top = (SIDE - inner[0]) // 2, (SIDE - inner[1]) // 2
        self._input[:] = 0  # letterbox
        resized = cv2.resize(image, inner, interpolation=cv2.INTER_LINEAR)
        np.multiply(
            resized, np.float32(1 / 255), out=self._input[0, top : top + inner[1], left : left + inner[0]]
        )
        boxes, logits = sorted(self._network(self._input), key=lambda o: -o.shape[-1])
        scores = sigmoid(logits.reshape(-1))
        kept = np.flatnonzero(scores >= self._min_score)
        if not len(kept):
            return []
        decoded = (boxes.reshape(-1, 18)[kept] / SIDE).astype(np.float32)
        decoded[:, :2] += self._anchors[kept]
        decoded[:, 4:] += np.tile(self._anchors[kept], 7)
        longer = max(height, width)
        offset = np.array([(longer - width) / 2 - corner[0], (longer - height) / 2 - corner[1]])
        return [
            Palm(score, _hand_region(box, longer, offset)) for box, score in _merge(decoded, scores[kept])
        ]


def _merge(boxes: Float32, scores: Float32) -> list[tuple[Float32, float]]:
    """Weighted non-maximum suppression: boxes (n, 18) that overlap become their score-weighted mean."""
    low, high = boxes[:, :2] - boxes[:, 2:4] / 2, boxes[:, :2] + boxes[:, 2:4] / 2
    area = np.prod(boxes[:, 2:4], axis=1)
    left = np.argsort(-scores)
    merged = []
    while len(left):
        best = left[0]
        inter = np.prod(
            np.clip(np.minimum(high[left], high[best]) - np.maximum(low[left], low[best]), 0, None), axis=1
        )
        same = inter / (area[left] + area[best] - inter) > _OVERLAP
        same[0] = True
        group = left[same]
        merged.append(
            (np.average(boxes[group], axis=0, weights=scores[group]).astype(np.float32), float(scores[best]))
        )
        left = left[~same]
    return merged


def _hand_region(box: Float32, longer: int, offset: np.ndarray) -> Region:
    """The region of the whole hand, in pixels, from a palm box in the letterboxed unit square."""
    x, y = box[:2] * longer - offset
    width, height = box[2:4] * longer
    points = box[4:].reshape(7, 2) * longer
    dx, dy = points[_MIDDLE_MCP] - points[_WRIST]
    angle = math.atan2(dx, -dy)
    shift = _SHIFT * height
    return Region(
        x=float(x - shift * math.sin(angle)),
        y=float(y + shift * math.cos(angle)),
        size=float(max(width, height) * _SCALE),
        angle=angle,
    )
