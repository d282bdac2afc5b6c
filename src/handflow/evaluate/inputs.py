"""inputs.png of an image network: windows as the network sees them, one a row, frames side by side."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from handflow.atomic import write_bytes
from handflow.recognize.pictures import InputKind
from handflow.types import Image

SEES: dict[InputKind, str] = {
    "full": "The whole picture: besides the hands the network sees the room, the person and the light.",
    "crop": "A part around the way of the hands: how they move stays, where they are and how large does not.",
    "mask": "The hands alone, white on black, drawn from their landmarks: no room, no skin, no light.",
}
"""What each input shows, in words."""

GAP = 2  # pixels between pictures
ROW_GAP = 6
PAPER, INK = 245, 40  # grey, so that nothing on the sheet but the pictures has colours
WIDEST = 1600  # pixels that a row may take; longer ones are shrunk
NARROWEST = 32  # pixels of a picture: narrower ones show nothing
_TEXT = 15  # pixels
_MARGIN = 8
_LEAST, _MOST = 70, 260  # width of the labels


def inputs_picture(rows: Sequence[tuple[str, Image]], path: Path) -> Path:
    """Draws windows, the first at the top.

    Args:
        rows: label and pictures (frames, height, width, 3) of each window, all of one shape.
        path: PNG to write.

    Returns:
        The PNG's path.

    Raises:
        ValueError: there are no rows, or their shapes differ.
    """
    if not rows:
        raise ValueError("there are no windows to draw")
    shapes = {pictures.shape for _, pictures in rows}
    if len(shapes) > 1:
        raise ValueError(f"the windows are of different shapes: {', '.join(map(str, sorted(shapes)))}")
    frames, height, width, _ = rows[0][1].shape
    scale = min(1.0, max(WIDEST / (frames * (width + GAP)), NARROWEST / width))
    shown = max(1, round(width * scale)), max(1, round(height * scale))
    # A label may be in any script, which `cv2.putText` knows only with a FontFace.
    font = cv2.FontFace("sans")
    wide = max(_text_width(label, font) for label, _ in rows)
    left = min(max(wide, _LEAST), _MOST) + 2 * _MARGIN
    tall = shown[1] + ROW_GAP
    size = (ROW_GAP + len(rows) * tall, left + frames * (shown[0] + GAP) + _MARGIN, 3)
    sheet = np.full(size, PAPER, np.uint8)
    for number, (label, pictures) in enumerate(rows):
        top = ROW_GAP + number * tall
        _write(sheet[top : top + shown[1], : left - _MARGIN], label, font)
        for k, picture in enumerate(pictures):
            x = left + k * (shown[0] + GAP)
            sheet[top : top + shown[1], x : x + shown[0]] = _sized(picture, shown)
    fine, data = cv2.imencode(".png", cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))
    if not fine:
        raise ValueError(f"a sheet of {size[1]}x{size[0]} pixels cannot be stored as PNG")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, data.tobytes())
    return path


def _text_width(text: str, font: cv2.FontFace) -> int:
    x, _, width, _ = cv2.getTextSize((_MOST, _TEXT), text, (0, 0), font, _TEXT)
    return int(x + width)


def _write(room: Image, text: str, font: cv2.FontFace) -> None:
    """Writes at the left of a part of the sheet, in the middle of its height; what is too long is cut off."""
    part = np.ascontiguousarray(room)
    at = (_MARGIN, room.shape[0] // 2 + _TEXT // 3)
    cv2.putText(part, text, at, (INK, INK, INK), font, _TEXT)
    room[:] = part


def _sized(picture: Image, size: tuple[int, int]) -> Image:
    if picture.shape[1::-1] == size:
        return picture
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
