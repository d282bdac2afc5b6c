"""Importer of the article's layout: `data/<gesture>/sequenceN/<gesture>_sequenceM_frameK.jpg`.

It knows no metadata, one folder a take, the
take's number in file names may be N+1, and the pictures were saved mirrored.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from handflow.capture.folder import list_images, read_image
from handflow.data.incoming import ImportOptions, Incoming, SkipList, digest_files
from handflow.data.naming import gesture_name, natural_paths
from handflow.errors import DatasetError, SourceError
from handflow.types import Frame


class ArticleFolders:
    """Folders of gestures that hold folders of takes that hold pictures."""

    description = "folders GESTURE/TAKE/*.jpg"

    def detects(self, path: Path) -> bool:
        """Whether some GESTURE/TAKE folder holds pictures."""
        return path.is_dir() and any(list_images(take) for _, take in _takes(_root(path)))

    def takes(self, path: Path, options: ImportOptions, skip: SkipList) -> list[Incoming]:
        """One take for each folder; the folder counts, whatever number its file names bear."""
        root = _root(path)
        mirrored = True if options.mirrored is None else options.mirrored
        found: list[Incoming] = []
        for folder, take in _takes(root):
            pictures = list_images(take)
            if not pictures:
                skip.add(take, "holds no pictures")
                continue
            try:
                gesture = gesture_name(folder.name)
            except DatasetError as error:
                skip.add(take, error)
                continue
            found.append(
                Incoming(
                    gesture=gesture,
                    name=f"{gesture}-{take.name}",
                    source=f"{root.name}/{folder.name}/{take.name}",
                    path=take,
                    subject=options.subject,
                    session=options.session or path.resolve().name,
                    digest=partial(digest_files, pictures),
                    frames=partial(_frames, pictures, options.fps, mirrored),
                    assumed_fps=options.fps,
                )
            )
        return found


def _root(path: Path) -> Path:
    # The article's folder is `data`; the folder around it does as well.
    inner = path / "data"
    return inner if inner.is_dir() and not any(list_images(take) for _, take in _takes(path)) else path


def _takes(root: Path) -> Iterator[tuple[Path, Path]]:
    for gesture in natural_paths(root):
        if gesture.is_dir():
            for take in natural_paths(gesture):
                if take.is_dir():
                    yield gesture, take


def _frames(pictures: list[Path], fps: float, mirrored: bool, skip: SkipList) -> Iterator[Frame]:
    """The readable pictures; a damaged one leaves a gap in time, and its name in `skip`.

    Raises:
        DatasetError: hardly anything can be read.
    """
    damaged = 0
    for index, path in enumerate(pictures):
        try:
            image = read_image(path)
        except SourceError as error:
            skip.add(path, error)
            damaged += 1
            if damaged > len(pictures) / 2:
                raise DatasetError(f"{damaged} of {len(pictures)} pictures are damaged") from error
            continue
        yield Frame(np.ascontiguousarray(image[:, ::-1]) if mirrored else image, index / fps, index)
