"""What importers are told and what they hand out, one take at a time."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from handflow.errors import DatasetError
from handflow.types import Clip, Frame

HIGHEST_FPS = 1000.0


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How a source is brought in.

    Attributes:
        fps: frames a second, assumed where the source tells no times.
        mirrored: whether its pictures are mirrored and must be turned back; None: as its layout has it.
        subject: who performs; None: as the source says.
        session: the sitting; None: as the source says, else the name of the source.
    """

    fps: float = 30.0
    mirrored: bool | None = None
    subject: str | None = None
    session: str | None = None

    def __post_init__(self) -> None:
        if not 0 < self.fps <= HIGHEST_FPS:
            raise DatasetError(f"{self.fps} frames a second cannot be: choose --fps up to {HIGHEST_FPS:g}")
        for name in ("subject", "session"):
            value = getattr(self, name)
            if value is not None and not value.strip():
                raise DatasetError(f"--{name} is empty: name the {name} or leave the option out")


@dataclass(slots=True)
class SkipList:
    """Files that could not be read, with the reason."""

    skipped: list[tuple[Path, str]] = field(default_factory=list)

    def add(self, path: Path, reason: str | Exception) -> None:
        """Notes a file; the path is taken out of the reason, which may begin with it."""
        self.skipped.append((path, str(reason).removeprefix(str(path)).lstrip(": ")))


@dataclass(frozen=True, slots=True, eq=False)
class Incoming:
    """One take of a source, not read yet."""

    gesture: str
    name: str  # wish for its id
    source: str  # where it comes from, the same at every import
    path: Path  # what messages name
    subject: str | None
    session: str | None
    digest: Callable[[], str]  # SHA-256 of its content
    frames: Callable[[SkipList], Iterator[Frame]] | None = None  # pictures, unmirrored; names unreadable ones
    clip: Clip | None = None  # landmarks, where there are no pictures
    assumed_fps: float | None = None


class Importer(Protocol):
    """One kind of source."""

    description: str  # one line: how it looks on disk

    def detects(self, path: Path) -> bool:
        """Whether a file or folder looks like this kind; reads names only."""

    def takes(self, path: Path, options: ImportOptions, skip: SkipList) -> list[Incoming]:
        """All takes, in order; what cannot be one is named in `skip`."""


def digest_files(paths: list[Path]) -> str:
    """SHA-256 over the bytes of files, in order.

    Raises:
        DatasetError: one cannot be read.
    """
    total = hashlib.sha256()
    for path in paths:
        try:
            with path.open("rb") as file:
                total.update(hashlib.file_digest(file, "sha256").digest())
        except OSError as error:
            raise DatasetError(f"{path}: cannot be read ({error.strerror})") from error
    return total.hexdigest()
