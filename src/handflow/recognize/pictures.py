"""What an image network sees of a window: the one path from pictures to its input, for training and for live.

`full` is the whole picture; `crop` one box for the whole window around the way of the hands, so that motion
stays while place and scale go; `mask` the hands' silhouettes in that box, white on black, from landmarks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from handflow.hands.silhouette import draw_silhouettes
from handflow.recognize.windows import Windows, cut_window
from handflow.types import Float32, Float64, HandSequence, Image

InputKind = Literal["full", "crop", "mask"]
INPUTS: tuple[InputKind, ...] = ("full", "crop", "mask")
PICTURE_VERSION = 1
"""Raised whenever the pictures change: a model of another version is refused."""
MARGIN = 0.15
"""Of the box's longer side: room between the hands' landmarks and its rim."""
STORED_SIDE = 320
"""Pixels of the longer side at which frames are kept to crop from."""


@dataclass(frozen=True, slots=True)
class PictureInput:
    """What is cut from the frames of a window."""

    kind: InputKind
    frames: int
    height: int  # pixels
    width: int  # pixels

    def __post_init__(self) -> None:
        if self.kind not in INPUTS:
            raise ValueError(f"no input '{self.kind}': choose one of {', '.join(INPUTS)}")
        if not 2 <= self.frames <= 64:
            raise ValueError(f"{self.frames} frames a window, expected 2 to 64")

    @property
    def needs_frames(self) -> bool:
        """Whether landmarks alone do not suffice."""
        return self.kind != "mask"

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(frames, height, width, 3) of a window."""
        return self.frames, self.height, self.width, 3


@dataclass(frozen=True, slots=True)
class Box:
    """An upright part of the picture, in its pixels; may reach over its rim."""

    x: float  # left
    y: float  # top
    width: float
    height: float

    def moved(self, right: float, down: float, zoom: float) -> "Box":
        """The box moved by shares of its size and made `zoom` times as large."""
        width, height = self.width * zoom, self.height * zoom
        x = self.x + (self.width - width) / 2 + right * self.width
        y = self.y + (self.height - height) / 2 + down * self.height
        return Box(x, y, width, height)


def stored_picture(image: Image, given: PictureInput) -> Image:
    """What is kept of a frame until its windows are cut: the input itself, or a picture to crop from."""
    height, width = image.shape[:2]
    if given.kind == "full":
        return _letterboxed(image, (given.width, given.height))
    scale = STORED_SIDE / max(height, width)
    if scale >= 1:
        return image
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def window_box(
    sequence: HandSequence, end: float, seconds: float, given: PictureInput, *, hands_matter: bool = False
) -> Box | None:
    """The box around all that the hands do in a window, of the input's proportions; None without hands."""
    return box_around(cut_window(sequence, end, seconds, hands_matter=hands_matter), given)


def box_around(window: Windows, given: PictureInput) -> Box | None:
    """The box around all that the hands do in the one window of a batch; None without hands."""
    points = window.landmarks[0][window.known[0] > 0][..., :2].reshape(-1, 2)
    if not len(points):
        return None
    low, high = points.min(axis=0).astype(float), points.max(axis=0).astype(float)
    wide, tall = high - low
    rim = 2 * MARGIN * max(wide, tall)
    wide, tall = wide + rim, tall + rim
    proportion = given.width / given.height
    wide, tall = max(wide, tall * proportion), max(tall, wide / proportion)
    x, y = (low + high) / 2
    return Box(float(x - wide / 2), float(y - tall / 2), float(wide), float(tall))


def window_pictures(
    sequence: HandSequence,
    stored: Sequence[Image] | Image | None,
    frame_size: tuple[int, int],
    end: float,
    seconds: float,
    given: PictureInput,
    *,
    hands_matter: bool = False,
    box: Box | None = None,
) -> Image:
    """The input `(frames, height, width, 3)` of the window that ends at time `end`, evenly spaced in time.

    Before its first frame a sequence looks as in it. A window without hands is black, but for `full`.

    Args:
        sequence: landmarks of all frames.
        stored: a `stored_picture` of each of them; None where the input needs none.
        frame_size: (width, height) of the frames, the landmarks' pixels.
        end: seconds, on the clock of the sequence. Later frames are not looked at.
        seconds: duration of the window.
        given: what to cut.
        hands_matter: see `windows.cut_window`.
        box: another one than `window_box`, for augmentation.
    """
    result = np.zeros(given.shape, np.uint8)
    if given.kind != "full":
        box = box or window_box(sequence, end, seconds, given, hands_matter=hands_matter)
        if box is None:
            return result
    if given.kind == "mask":
        assert box is not None
        window = cut_window(sequence, end, seconds, hands_matter=hands_matter, steps=given.frames)
        return draw_masks(window, given, box)
    assert stored is not None, "this input is cut from pictures"
    for picture, index in zip(result, sampled_frames(sequence.timestamps, end, seconds, given), strict=True):
        picture[:] = stored[index] if box is None else _cut(stored[index], frame_size, box, given)
    return result


def draw_masks(window: Windows, given: PictureInput, box: Box) -> Image:
    """The input `(frames, height, width, 3)` of the one window of a batch, of as many steps."""
    result = np.zeros(given.shape, np.uint8)
    for picture, hands in zip(result, landmarks_in_box(window, given, box), strict=True):
        picture[:] = draw_silhouettes(hands, (given.width, given.height))[..., None]
    return result


def landmarks_in_box(window: Windows, given: PictureInput, box: Box) -> Float32:
    """Landmarks `(frames, 2, 21, 3)` of one window in pixels of the input; NaN where a hand is unknown."""
    scale = given.width / box.width
    marks: Float32 = (window.landmarks[0] - np.array([box.x, box.y, 0], np.float32)) * np.float32(scale)
    marks[window.known[0] == 0] = np.nan
    return marks


def sampled_frames(times: Float64, end: float, seconds: float, given: PictureInput) -> NDArray[np.intp]:
    """Which frames of a sequence stand for the moments of a window: the nearest, none later than `end`."""
    count = max(1, int(np.searchsorted(times, end + 1e-6)))
    moments = np.linspace(end - seconds, end, given.frames)
    after = np.clip(np.searchsorted(times[:count], moments), 0, count - 1)
    before = np.maximum(after - 1, 0)
    # A tie goes to the earlier frame, whatever rounding makes of it.
    nearer = times[after] - moments < moments - times[before] - 1e-6
    chosen: NDArray[np.intp] = np.where(nearer, after, before)
    return chosen


def _cut(picture: Image, frame_size: tuple[int, int], box: Box, given: PictureInput) -> Image:
    scale = picture.shape[1] / frame_size[0]  # from the frame's pixels to those of the stored picture
    step = box.width * scale / given.width
    half = 0.5 * step - 0.5  # centres of pixels fall on each other
    matrix = np.array([[step, 0, box.x * scale + half], [0, step, box.y * scale + half]], np.float32)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(picture, matrix, (given.width, given.height), flags=flags), np.uint8)


def _letterboxed(image: Image, size: tuple[int, int]) -> Image:
    """The whole picture in `size` (width, height), proportions kept, black beside it."""
    height, width = image.shape[:2]
    scale = min(size[0] / width, size[1] / height)
    inner = (min(size[0], max(1, round(width * scale))), min(size[1], max(1, round(height * scale))))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = np.asarray(cv2.resize(image, inner, interpolation=how), np.uint8)
    if inner == size:
        return small
    result = np.zeros((size[1], size[0], 3), np.uint8)
    x, y = (size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2
    result[y : y + inner[1], x : x + inner[0]] = small
    return result
