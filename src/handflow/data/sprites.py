"""A clip as one strip of small pictures with the hands drawn, which a page plays as an animation."""

import cv2
import numpy as np

from handflow.data.dataset import Dataset
from handflow.data.layout import ClipEntry
from handflow.data.pictures import encode_jpeg
from handflow.hands import draw_landmarks
from handflow.types import Float32, HandSequence, Image

STEPS = 12  # pictures of a strip
WIDTH = 176  # pixels of one picture
TALLEST = 176
QUALITY = 72
MARGIN = 1.5  # of what is shown around the hands
LEAST_SHARE = 0.4  # of the frame that is always shown
GROUND = (24, 27, 33)  # RGB, behind hands of clips without pictures


def strip_of(dataset: Dataset, entry: ClipEntry) -> tuple[bytes, tuple[int, int]]:
    """A JPEG strip of `STEPS` pictures side by side, evenly spaced in time, and (width, height) of one.

    Raises:
        DatasetError: the clip is damaged.
    """
    sequence = dataset.landmarks(entry).sequence if entry.has_landmarks else None
    moments = np.linspace(entry.timestamps[0], entry.timestamps[-1], STEPS)
    wanted = np.abs(entry.timestamps[None] - moments[:, None]).argmin(axis=1)
    if entry.has_frames:
        pictures, size = _from_frames(dataset, entry, sequence, set(wanted.tolist()))
    else:
        assert sequence is not None, "a clip holds pictures or landmarks"
        pictures, size = _from_landmarks(entry, sequence, set(wanted.tolist()))
    return encode_jpeg(np.concatenate([pictures[int(i)] for i in wanted], axis=1), QUALITY), size


def _fit(size: tuple[float, float]) -> tuple[float, tuple[int, int]]:
    """The scale that brings (width, height) to the size of one picture, and that size."""
    scale = min(WIDTH / size[0], TALLEST / size[1])
    return scale, (max(8, round(size[0] * scale)), max(8, round(size[1] * scale)))


def _from_frames(
    dataset: Dataset, entry: ClipEntry, sequence: HandSequence | None, wanted: set[int]
) -> tuple[dict[int, Image], tuple[int, int]]:
    left, top, width, height = _view(sequence.landmarks if sequence else None, entry.frame_size)
    scale, size = _fit((width, height))
    pictures: dict[int, Image] = {}
    for frame in dataset.frames(entry):
        if frame.index in wanted:
            part = frame.image[top : top + height, left : left + width]
            small = np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA), np.uint8)
            if sequence:
                marks = _shifted(sequence.landmarks[frame.index], left, top, scale)
                small = draw_landmarks(small, marks, sequence.filled[frame.index].tolist())
            pictures[frame.index] = small
    return pictures, size


def _from_landmarks(
    entry: ClipEntry, sequence: HandSequence, wanted: set[int]
) -> tuple[dict[int, Image], tuple[int, int]]:
    landmarks, frame_size = sequence.landmarks, entry.frame_size
    points = _points(landmarks)
    inside = ((points >= 0) & (points <= frame_size)).all(axis=-1)
    if len(points) and (inside.mean() < 0.5 or min(frame_size) < 32):  # another unit than the frame's pixels
        low, high = points.min(axis=0), points.max(axis=0)
        scale = 1000 / (float((high - low).max()) or 1.0)
        left, top = (low - 100 / scale).tolist()
        landmarks = _shifted(landmarks, left, top, scale)
        frame_size = (1200, 1200)
    x, y, width, height = _view(landmarks, frame_size)
    scale, size = _fit((width, height))
    ground = np.full((size[1], size[0], 3), GROUND, np.uint8)
    drawn = {
        i: draw_landmarks(ground, _shifted(landmarks[i], x, y, scale), sequence.filled[i].tolist())
        for i in wanted
    }
    return drawn, size


def _view(landmarks: Float32 | None, frame_size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Left, top, width, height of what is shown: the frame, or where hands are small, the part with them."""
    width, height = frame_size
    points = _points(landmarks) if landmarks is not None else np.zeros((0, 2), np.float32)
    if not len(points):
        return 0, 0, width, height
    low, high = np.clip(points.min(axis=0), 0, frame_size), np.clip(points.max(axis=0), 0, frame_size)
    share = max(LEAST_SHARE, *((high - low) / frame_size * MARGIN))
    if share >= 1:
        return 0, 0, width, height
    w, h = max(1, round(width * share)), max(1, round(height * share))
    x, y = ((low + high) / 2 - (w / 2, h / 2)).clip((0, 0), (width - w, height - h))
    return round(float(x)), round(float(y)), w, h


def _points(landmarks: Float32) -> Float32:
    return landmarks[..., :2][np.isfinite(landmarks[..., :2]).all(axis=-1)]


def _shifted(landmarks: Float32, left: float, top: float, scale: float) -> Float32:
    return ((landmarks - np.array([left, top, 0], np.float32)) * np.float32(scale)).astype(np.float32)
