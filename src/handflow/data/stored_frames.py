"""The pictures of a clip in a dataset, read when they are asked for."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from handflow.data.layout import ClipEntry, frame_paths
from handflow.types import Frame

if TYPE_CHECKING:
    from handflow.data.dataset import Dataset


@dataclass(frozen=True, slots=True)
class StoredFrames:
    """The `types.ClipFrames` of a dataset's clip."""

    dataset: "Dataset"
    entry: ClipEntry

    @property
    def fingerprint(self) -> str:
        """By name, size and time of the files; reads none of them."""
        digest = hashlib.sha256()
        for path in frame_paths(self.entry.path):
            facts = path.stat()
            digest.update(f"{path.resolve()} {facts.st_size} {facts.st_mtime_ns}\n".encode())
        return digest.hexdigest()

    def __iter__(self) -> Iterator[Frame]:
        return self.dataset.frames(self.entry)
