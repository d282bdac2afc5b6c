"""Where things lie in a dataset's folder, and how the folder of one clip is read and written."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from handflow.data.meta import ClipMeta
from handflow.data.naming import natural_paths
from handflow.data.pictures import PackedFrame, encode_jpeg
from handflow.errors import DatasetError
from handflow.types import Float64, Frame

DATASET_JSON, CLIP_JSON, LANDMARKS, FRAMES, CLIPS = (
    "dataset.json", "clip.json", "landmarks.npz", "frames", "clips",
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class ClipEntry:
    """What is known of a clip without reading its landmarks or frames."""

    id: str  # unique in the dataset
    label: str  # gesture
    path: Path  # its folder
    timestamps: Float64  # (frames,) seconds
    frame_size: tuple[int, int]  # (width, height), pixels
    source: str = ""
    subject: str | None = None
    session: str | None = None
    assumed_fps: float | None = None  # the rate that was assumed where the source told no times
    digest: str | None = None  # of what was imported

    @property
    def has_frames(self) -> bool:
        """Whether the pictures of this clip are stored."""
        return (self.path / FRAMES).is_dir()

    @property
    def has_landmarks(self) -> bool:
        """Whether its landmarks were found or given."""
        return (self.path / LANDMARKS).is_file()


def format_version(document: object, path: Path) -> int:
    """The format version that a `dataset.json` declares; 0 where it is older than versions.

    Raises:
        DatasetError: the document is no `dataset.json`.
    """
    if not isinstance(document, dict):
        raise DatasetError(f"{path}: damaged (not a JSON object): run `handflow check --fix` on its dataset")
    version = document.get("format_version", 0)
    if not isinstance(version, int) or isinstance(version, bool) or version < 0:
        raise DatasetError(f"{path}: format_version is {version!r}, expected a number")
    return version


def frame_paths(clip: Path) -> list[Path]:
    """The pictures in a clip's folder, in order."""
    return [p for p in natural_paths(clip / FRAMES) if p.suffix.lower() == ".jpg"]


def entry_of(folder: Path, meta: ClipMeta) -> ClipEntry:
    """The entry of a clip whose folder and description are known."""
    return ClipEntry(
        id=folder.name,
        label=folder.parent.name,
        path=folder,
        timestamps=np.asarray(meta.timestamps, np.float64),
        frame_size=meta.frame_size,
        source=meta.source,
        subject=meta.subject,
        session=meta.session,
        assumed_fps=meta.assumed_fps,
        digest=meta.digest,
    )


class PassingFrames:
    """Frames that are checked on their way and written where a folder is named; passes once.

    Attributes:
        times: timestamps of the frames so far, seconds.
        size: their (width, height), pixels.

    Raises:
        DatasetError: on the way, for frames of different sizes, or times that do not increase.
        OSError: the disk is full.
    """

    def __init__(self, frames: Iterable[Frame], folder: Path | None) -> None:
        """`folder` is made; None: no picture is written."""
        self.times: list[float] = []
        self.size = (0, 0)
        self._frames = frames
        self._folder = folder
        if folder is not None:
            folder.mkdir()

    def __iter__(self) -> Iterator[Frame]:
        for frame in self._frames:
            self.take(frame)
            yield frame

    def take(self, frame: Frame | PackedFrame) -> None:
        """Checks one more frame and writes it."""
        number = len(self.times) + 1
        if self.times and frame.size != self.size:
            raise DatasetError(f"frame {number} has {frame.size} pixels, those before have {self.size}")
        if self.times and frame.timestamp <= self.times[-1]:
            raise DatasetError(f"frame {number} is not later than the one before it")
        self.size = frame.size
        self.times.append(float(frame.timestamp))
        if self._folder is not None:
            jpeg = frame.jpeg if isinstance(frame, PackedFrame) else encode_jpeg(frame.image)
            (self._folder / f"{number:04d}.jpg").write_bytes(jpeg)


def write_frames(folder: Path, frames: Iterable[Frame | PackedFrame]) -> tuple[list[float], tuple[int, int]]:
    """Writes pictures to a new folder as they come.

    Returns:
        Their timestamps in seconds and their (width, height).

    Raises:
        DatasetError: frames of different sizes, or times that do not increase.
        OSError: the disk is full.
    """
    passing = PassingFrames((), folder)
    for frame in frames:
        passing.take(frame)
    return passing.times, passing.size
