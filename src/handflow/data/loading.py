"""Clips from wherever they lie: a dataset's folder or a landmark archive."""

from pathlib import Path

from handflow.data.archive import read_archive
from handflow.data.cutting import clips_of
from handflow.data.dataset import Dataset
from handflow.errors import DatasetError
from handflow.types import Clip


def load_clips(path: str | Path) -> list[Clip]:
    """All clips of a dataset or of a landmark archive (`.npz`), with their landmarks.

    Raises:
        DatasetError: there is none, a clip is damaged or has no landmarks yet, or the archive holds streams.
    """
    path = Path(path)
    if path.suffix.lower() == ".npz":
        archive = read_archive(path)
        if not archive.clips:
            raise DatasetError(
                f"{path} holds continuous streams and no clips: "
                f"measure a model on it with `handflow evaluate MODEL {path} --protocol stream`"
            )
        return list(archive.clips)
    dataset = Dataset.open(path)
    clips = [dataset.load(entry) for entry in dataset.entries()]
    if not clips:
        raise DatasetError(f"{path} holds no clips: record some with `handflow record {path} --gesture NAME`")
    return clips


def load_takes(path: str | Path) -> list[Clip]:
    """Clips to learn from: those of `load_clips`, or what the streams of an archive hold.

    Raises:
        DatasetError: as `load_clips`.
    """
    path = Path(path)
    if path.suffix.lower() == ".npz":
        archive = read_archive(path)
        if archive.streams:
            return [*archive.clips, *(clip for stream in archive.streams for clip in clips_of(stream))]
    return load_clips(path)
