"""Importer of videos in label folders: `LABEL/*.mp4`, with `SUBJECT` or `SUBJECT/SESSION` in between."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from handflow.data.incoming import ImportOptions, Incoming, SkipList, digest_files
from handflow.data.naming import gesture_name, natural_paths
from handflow.errors import DatasetError
from handflow.types import Frame

VIDEO_SUFFIXES = (".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".wmv", ".3gp")
DEEPEST = 3  # LABEL/SUBJECT/SESSION


class LabelVideos:
    """Folders of gestures that hold videos, one take each; times come from the videos."""

    description = "folders of videos LABEL/*.mp4, LABEL/SUBJECT/*.mp4 or LABEL/SUBJECT/SESSION/*.mp4"

    def detects(self, path: Path) -> bool:
        """Whether some folder in the folder holds a video."""
        return path.is_dir() and next(_videos(path), None) is not None

    def takes(self, path: Path, options: ImportOptions, skip: SkipList) -> list[Incoming]:
        """One take for each video."""
        found: list[Incoming] = []
        for stray in natural_paths(path):
            if stray.is_file() and stray.suffix.lower() in VIDEO_SUFFIXES:
                skip.add(stray, "lies in no folder that names its gesture")
        for video in _videos(path):
            label, *folders = video.parent.relative_to(path).parts
            try:
                gesture = gesture_name(label)
            except DatasetError as error:
                skip.add(video, error)
                continue
            found.append(
                Incoming(
                    gesture=gesture,
                    name="-".join((gesture, *folders, video.stem)),
                    source=f"{path.resolve().name}/{video.relative_to(path).as_posix()}",
                    path=video,
                    subject=options.subject or (folders[0] if folders else None),
                    session=options.session or (folders[1] if len(folders) > 1 else path.resolve().name),
                    digest=partial(digest_files, [video]),
                    frames=partial(_frames, video, bool(options.mirrored)),
                )
            )
        return found


def _videos(folder: Path, depth: int = 0) -> Iterator[Path]:
    for path in natural_paths(folder):
        if path.is_dir() and depth < DEEPEST:
            yield from _videos(path, depth + 1)
        elif depth and path.suffix.lower() in VIDEO_SUFFIXES and path.is_file():
            yield path


def _frames(video: Path, mirrored: bool, skip: SkipList) -> Iterator[Frame]:
    from handflow.capture import open_source

    with open_source(video) as source:
        for frame in source:
            image = np.ascontiguousarray(frame.image[:, ::-1]) if mirrored else frame.image
            yield Frame(image, frame.timestamp, frame.index)
