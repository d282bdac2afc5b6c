"""A folder of images as a source: natural order, an assumed rate."""

import re
from pathlib import Path

import cv2
import numpy as np

from handflow.capture.source import OfflineSource, fit_image
from handflow.errors import SourceError
from handflow.types import Frame, Image

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})
DEFAULT_FPS = 30.0  # frames a second assumed where nothing states times


def natural_key(name: str | Path) -> tuple[tuple[int, int, str], ...]:
    """Sorts as people count: frame10 after frame9, folder by folder, whatever the case.

    >>> sorted(["frame10.jpg", "frame9.jpg", "Frame1.jpg"], key=natural_key)
    ['Frame1.jpg', 'frame9.jpg', 'frame10.jpg']
    """
    parts = re.split(r"([0-9]+)", str(name))
    # numbers before text; the text of a number breaks the tie of 1, 01 and 001
    numbered = tuple(
        (0, int(p), p) if p.isdigit() and p.isascii() else (1, 0, p.casefold()) for p in parts if p
    )
    return (*numbered, (-1, 0, str(name)))


def list_images(folder: Path) -> list[Path]:
    """The image files of a folder in natural order; hidden ones (`._x.jpg` of macOS) are left out."""
    return sorted(
        (
            p
            for p in folder.iterdir()
            if p.suffix.lower() in IMAGE_SUFFIXES and not p.name.startswith(".") and p.is_file()
        ),
        key=lambda p: natural_key(p.name),
    )


def _cut_off(content: bytes) -> bool:
    """Whether a JPEG or PNG lacks its end: decoders fill such pictures with grey and say nothing."""
    if content.startswith(b"\x89PNG"):
        return b"IEND" not in content
    if not content.startswith(b"\xff\xd8"):
        return False
    at = 2  # walk the segments to the picture's own data: EXIF may hold a whole thumbnail with its end mark
    while at + 4 <= len(content) and content[at] == 0xFF and content[at + 1] != 0xDA:
        at += 2 + int.from_bytes(content[at + 2 : at + 4], "big")
    return b"\xff\xd9" not in content[at:]


def read_image(path: Path) -> Image:
    """Reads an image file as RGB uint8 (height, width, 3), turned as its EXIF mark says.

    Raises:
        SourceError: it is missing, empty, cut off or no image; the message names it.
    """
    try:
        content = path.read_bytes()  # cv2.imread fails on non-ASCII paths on Windows
    except OSError as error:
        raise SourceError(f"cannot read {path}: {error.strerror}") from error
    if not content:
        raise SourceError(f"{path} is empty: delete it or copy it again")
    if _cut_off(content):
        raise SourceError(f"{path} is cut off: copy it again or delete it")
    try:
        picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR_RGB)
    except cv2.error as error:
        raise SourceError(f"{path} is damaged: {error.err}") from error
    if picture is None:
        raise SourceError(f"{path} is damaged or no image: delete it or copy it again")
    return np.asarray(picture, dtype=np.uint8)


class FolderSource(OfflineSource):
    """The images of a folder, one after the other, as if recorded at a steady rate."""

    def __init__(self, path: Path, *, fps: float | None = None, size: tuple[int, int] | None = None) -> None:
        """Looks at the folder; `fps` is the rate assumed (30), `size` (width, height) shrinks to fit.

        Raises:
            SourceError: there is no image, or the first is damaged.
        """
        self.name = str(path)
        self.fps = DEFAULT_FPS if fps is None else fps
        try:
            self._paths = list_images(path)
        except OSError as error:
            raise SourceError(f"cannot read the folder {path}: {error.strerror}") from error
        if not self._paths:
            kinds = ", ".join(sorted(IMAGE_SUFFIXES))
            raise SourceError(f"no images in {path}: expected files that end in {kinds}")
        self._limit = size
        self._next = 0
        first = fit_image(read_image(self._paths[0]), size)
        self.size = (first.shape[1], first.shape[0])

    def __len__(self) -> int:
        return len(self._paths)

    def __next__(self) -> Frame:
        """Raises SourceError that names the image where one is damaged."""
        if self._next >= len(self._paths):
            raise StopIteration
        index, self._next = self._next, self._next + 1
        image = fit_image(read_image(self._paths[index]), self._limit)
        return Frame(image=image, timestamp=index / self.fps, index=index)

    def close(self) -> None:
        """Ends the iteration."""
        self._next = len(self._paths)
