"""Pictures on disk: JPEG files, read and written through memory so that any path works on any system."""

import errno
from pathlib import Path

import cv2
import numpy as np

from handflow.errors import DatasetError
from handflow.types import Image

JPEG_QUALITY = 92
LARGEST_SIDE = 16384
"""Pixels: no camera gives more, and a header that says so is damaged or hostile."""
PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")


def encode_jpeg(image: Image, quality: int = JPEG_QUALITY) -> bytes:
    """An RGB picture (height, width, 3) as JPEG."""
    fine, data = cv2.imencode(".jpg", image[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not fine:
        raise DatasetError(f"a picture of shape {image.shape} cannot be stored as JPEG")
    return bytes(data.tobytes())


def read_picture(path: Path) -> Image:
    """An RGB picture (height, width, 3) from a file.

    Raises:
        DatasetError: the file is missing, damaged, or no picture.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise
        raise DatasetError(f"{path}: cannot be read ({error.strerror})") from error
    return decode_picture(data, path)


def decode_picture(data: bytes, path: Path) -> Image:
    """An RGB picture (height, width, 3) from the bytes of a file.

    Raises:
        DatasetError: the bytes are damaged or no picture; names the path.
    """
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    except cv2.error as error:  # an absurd size in the header
        raise DatasetError(f"{path}: damaged or no picture ({error.err})") from error
    if image is None or not _is_whole(data):
        raise DatasetError(f"{path}: damaged or no picture")
    return np.ascontiguousarray(image[:, :, ::-1])


def _is_whole(data: bytes) -> bool:
    # OpenCV fills the rest of a JPEG that was cut off with grey and only prints a warning.
    return not data.startswith(b"\xff\xd8") or b"\xff\xd9" in data[-4096:]
