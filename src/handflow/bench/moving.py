"""A photo of a hand, moved through a picture: how fast may a hand be, before a tracker loses it?

Real skin and real rooms, exact motion. The photo is moved sideways as a whole, so every tracker sees the same
hand at every speed; blur is that of a shutter which stays open for half of the time between two frames.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from handflow.capture.folder import read_image
from handflow.hands import HandLandmarker
from handflow.types import Float32, Float64, Frame, HandLandmark, Image

SIZE = (640, 480)  # pixels, the picture that the hand moves through
PALM = 70.0  # pixels from wrist to the base of the middle finger
FRAMES = 60  # of a wave
STILL = 5  # frames before the motion begins, not counted
FPS = 30.0
SUBSTEPS = 12  # pictures averaged for one blurred frame
SHUTTER = 0.5  # share of the time between two frames for which the shutter is open
WAVE, SWEEP = 120.0, 220.0  # pixels to each side of the middle
FOUND = 35.0  # pixels: a hand is found where the mean error of its landmarks is below this

Path_ = Literal["wave", "sweep"]
PATHS: tuple[Path_, ...] = ("wave", "sweep")
SPEEDS = (30.0, 60.0, 90.0)  # pixels a frame


@dataclass(frozen=True, slots=True, eq=False)
class StillHand:
    """A photo's hand, brought to the middle of the picture in the usual size."""

    name: str
    image: Image  # the photo
    matrix: Float64  # (2, 3) from the photo to the picture, hand in the middle
    landmarks: Float32  # (21, 2) where they are in the picture then


def still_hand(path: Path, landmarker: HandLandmarker) -> StillHand | None:
    """The hand of a photo; None where not exactly one is found in it.

    Its landmarks are those that the tracker finds in the picture at rest.
    """
    image = read_image(path)
    landmarker.reset()
    hands = landmarker.update(Frame(image, 0.0, 0)).hands
    if len(hands) != 1:
        return None
    points = hands[0].landmarks[:, :2]
    matrix = np.eye(2, 3)
    for _ in range(2):  # the second time from landmarks at the final size
        palm = np.linalg.norm(points[HandLandmark.MIDDLE_MCP] - points[HandLandmark.WRIST])
        scale = PALM / float(palm)
        middle = (points.max(axis=0) + points.min(axis=0)) / 2
        step = np.array(
            [[scale, 0, SIZE[0] / 2 - scale * middle[0]], [0, scale, SIZE[1] / 2 - scale * middle[1]]]
        )
        matrix = step @ np.vstack([matrix, [0, 0, 1]])
        if matrix[0, 0] < 1:  # made smaller once, by means over areas, so that nothing is aliased
            image = np.asarray(
                cv2.resize(image, None, fx=matrix[0, 0], fy=matrix[0, 0], interpolation=cv2.INTER_AREA),
                np.uint8,
            )
            matrix[:, :2] = np.eye(2)
        landmarker.reset()
        for k in range(3):
            seen = landmarker.update(Frame(picture(image, matrix), k / FPS, k)).hands
        if len(seen) != 1:
            return None
        points = seen[0].landmarks[:, :2]
    return StillHand(path.stem, image, matrix, points)


def picture(image: Image, matrix: Float64, shift: float = 0.0) -> Image:
    """The photo laid into the picture, `shift` pixels to the right; its edges go on to the picture's."""
    moved = matrix.copy()
    moved[0, 2] += shift
    return np.asarray(cv2.warpAffine(image, moved, SIZE, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def shift_at(path: Path_, speed: float, time: float) -> float:
    """Pixels from the middle at a time in frames since the motion began; before, the hand is still."""
    way = speed * max(time, 0.0)
    if path == "sweep":
        return min(way, 2 * SWEEP) - SWEEP
    return WAVE - abs((way + WAVE) % (4 * WAVE) - 2 * WAVE)


def frames_in_motion(path: Path_, speed: float) -> int:
    """How many frames of a path are counted."""
    return FRAMES if path == "wave" else int(2 * SWEEP / speed)


def moving_frames(
    hand: StillHand, path: Path_, speed: float, *, blurred: bool
) -> Iterator[tuple[Image, float]]:
    """Pictures with the shift in the middle of each one's exposure; the first `STILL` are not counted."""
    for number in range(-STILL, frames_in_motion(path, speed)):
        time = number + 1.0 if number >= 0 else -1.0
        shift = shift_at(path, speed, time)
        if not blurred or number < 0:
            yield picture(hand.image, hand.matrix, shift), shift
            continue
        moments = time + SHUTTER * ((np.arange(SUBSTEPS) + 0.5) / SUBSTEPS - 0.5)
        total = np.zeros((SIZE[1], SIZE[0], 3), np.float32)
        for moment in moments:
            total += picture(hand.image, hand.matrix, shift_at(path, speed, float(moment)))
        yield (total / SUBSTEPS + 0.5).astype(np.uint8), shift
