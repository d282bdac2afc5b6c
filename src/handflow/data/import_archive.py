"""Importer of landmark archives (`.npz`): their clips become clips without pictures."""

import hashlib
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from handflow.data.archive import read_archive
from handflow.data.incoming import ImportOptions, Incoming, SkipList
from handflow.data.naming import gesture_name
from handflow.errors import DatasetError
from handflow.types import Clip, HandSequence


class LandmarkArchive:
    """One `.npz` file of landmarks; continuous streams with segments stay archives."""

    description = "a landmark archive X.npz"

    def detects(self, path: Path) -> bool:
        """Whether it is a file named `.npz`."""
        return path.is_file() and path.suffix.lower() == ".npz"

    def takes(self, path: Path, options: ImportOptions, skip: SkipList) -> list[Incoming]:
        """One take for each clip.

        Raises:
            DatasetError: the archive is damaged, or holds streams alone.
        """
        archive = read_archive(path)
        if not archive.clips:
            raise DatasetError(
                f"{path} holds continuous streams, which stay an archive: "
                f"measure a model on them with `handflow evaluate MODEL {path} --protocol stream`"
            )
        for stream in archive.streams:
            skip.add(path, f"stream '{stream.id}' stays in the archive")
        found: list[Incoming] = []
        for number, clip in enumerate(archive.clips):
            try:
                gesture = gesture_name(clip.label)
            except DatasetError as error:
                skip.add(path, f"clip {number}: {error}")
                continue
            turned = replace(
                clip,
                label=gesture,
                sequence=_turned_back(clip) if options.mirrored else clip.sequence,
                subject=options.subject or clip.subject,
                session=options.session or clip.session or path.stem,
            )
            found.append(
                Incoming(
                    gesture=gesture,
                    name=clip.id,
                    source=clip.source,
                    path=path,
                    subject=turned.subject,
                    session=turned.session,
                    digest=partial(_digest, clip),
                    clip=turned,
                )
            )
        return found


def _turned_back(clip: Clip) -> HandSequence:
    """A clip of mirrored pictures as the camera saw it: x from the other edge, and the other hand."""
    old = clip.sequence
    landmarks = old.landmarks[:, ::-1].copy()
    landmarks[..., 0] = clip.frame_size[0] - landmarks[..., 0]
    return HandSequence(
        landmarks,
        old.timestamps,
        1 - old.handedness[:, ::-1],
        old.presence[:, ::-1].copy(),
        old.filled[:, ::-1].copy(),
    )


def _digest(clip: Clip) -> str:
    data = (np.ascontiguousarray(clip.sequence.landmarks), np.ascontiguousarray(clip.sequence.timestamps))
    return hashlib.sha256(b"".join(a.tobytes() for a in data)).hexdigest()
