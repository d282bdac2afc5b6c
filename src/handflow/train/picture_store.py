"""The pictures of clips as training needs them: decoded once, on disk, mapped into memory.

One array file a clip in the user's cache folder. Its name says what it was made of, so what changes is made
anew; memory holds only the pages that a batch touches, however large a dataset is.
"""

import hashlib
import logging
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from handflow.atomic import PARTIAL, sweep, temporary_name
from handflow.errors import TrainingError
from handflow.places import cache_dir
from handflow.processes import cores
from handflow.recognize.pictures import PICTURE_VERSION, STORED_SIDE, PictureInput, stored_picture
from handflow.types import Clip, ClipFrames, Image

MOST_BYTES = 8 << 30
"""Of all stored pictures together: beyond it, what was used longest ago goes."""

_log = logging.getLogger(__name__)


class PictureStore:
    """Stored pictures `(frames, height, width, 3)` of clips.

    Args:
        given: what will be cut from them.
        folder: where they lie; None: in the user's cache folder.
    """

    def __init__(self, given: PictureInput, folder: Path | None = None) -> None:
        self._given = given
        self.folder = folder or cache_dir() / "pictures"
        self.folder.mkdir(parents=True, exist_ok=True)

    def prepare(self, clips: Sequence[Clip], on_clip: Callable[[int, int], None] | None = None) -> list[Path]:
        """Decodes what is missing, on all cores, and returns the files in the order of the clips.

        Raises:
            TrainingError: a clip holds no pictures.
            DatasetError: a picture is damaged.
            OSError: the disk is full.
        """
        paths = [self._path(clip) for clip in clips]
        missing = [(clip, path) for clip, path in zip(clips, paths, strict=True) if not path.exists()]
        with ThreadPoolExecutor(cores()) as pool:
            try:
                for done, _ in enumerate(pool.map(self._store, missing), 1):
                    if on_clip is not None:
                        on_clip(done, len(missing))
            finally:  # at Ctrl-C, what is not begun is left
                pool.shutdown(cancel_futures=True)
        for path in paths:
            os.utime(path)
        self._prune(keep=set(paths))
        return paths

    @staticmethod
    def open(path: Path) -> Image:
        """The pictures of a file, read from disk where they are touched."""
        pictures: Image = np.load(path, mmap_mode="r", allow_pickle=False)
        return pictures

    def _path(self, clip: Clip) -> Path:
        if clip.frames is None:
            raise TrainingError(
                f"clip '{clip.id}' holds landmarks alone, and --input {self._given.kind} looks at pictures: "
                "use --input mask, or record with pictures"
            )
        kind = (
            f"full {self._given.width}x{self._given.height}"
            if self._given.kind == "full"
            else f"{STORED_SIDE}"
        )
        text = f"{PICTURE_VERSION} {kind} {clip.frames.fingerprint}"
        return self.folder / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.npy"

    def _store(self, job: tuple[Clip, Path]) -> None:
        clip, path = job
        assert clip.frames is not None
        temporary = temporary_name(self.folder)
        try:
            self._write(clip.frames, len(clip.sequence), temporary)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)

    def _write(self, frames: ClipFrames, count: int, path: Path) -> None:
        pictures: np.memmap[Any, np.dtype[np.uint8]] | None = None
        for number, frame in enumerate(frames):
            small = stored_picture(frame.image, self._given)
            if pictures is None:
                shape = (count, *small.shape)
                pictures = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)
            pictures[number] = small
        if pictures is not None:
            pictures.flush()

    def _prune(self, keep: set[Path]) -> None:
        sweep(self.folder.glob(f"{PARTIAL}*"))
        files = [(file.stat(), file) for file in self.folder.glob("*.npy")]
        total = sum(facts.st_size for facts, _ in files)
        for facts, file in sorted(files, key=lambda pair: pair[0].st_mtime):
            if total <= MOST_BYTES:
                break
            if file not in keep:
                file.unlink(missing_ok=True)
                total -= facts.st_size
                _log.info("%s was not used for long and is removed", file)
