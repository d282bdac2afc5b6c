"""Clips from wherever they lie: a dataset's folder or a landmark archive."""

from pathlib import Path

from handflow.data.archive import read_archive
from handflow.data.cutting import clips_of
from handflow.data.dataset import Dataset
from handflow.errors import DatasetError
from handflow.types import BACKGROUND, Clip, Segment, Stream


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


def load_streams(path: str | Path, *, idle_alone: bool = False) -> list[Stream]:
    """Continuous recordings: the streams of an archive, or each clip of an archive or a dataset as one.

    Of a clip that is not background all of it is a segment.

    Args:
        path: archive or dataset.
        idle_alone: leaves clips of gestures out.

    Raises:
        DatasetError: as `load_clips`, or nothing is left.
    """
    path = Path(path)
    streams: list[Stream] = []
    if path.suffix.lower() == ".npz":
        streams = list(read_archive(path).streams)
    if not streams:
        clips = [c for c in load_clips(path) if len(c.sequence) > 1]
        if idle_alone:
            clips = [clip for clip in clips if clip.label == BACKGROUND]
        streams = [_as_stream(clip) for clip in clips]
    if not streams:
        raise DatasetError(
            f"{path} holds no '{BACKGROUND}' clips: record some with `handflow record {path} --background 5m`"
        )
    return [stream for stream in streams if len(stream.sequence) > 1]


def _as_stream(clip: Clip) -> Stream:
    times = clip.sequence.timestamps
    whole = () if clip.label == BACKGROUND else (Segment(clip.label, float(times[0]), float(times[-1])),)
    return Stream(clip.id, clip.sequence, whole, clip.frame_size, clip.subject)
