"""Landmark archives: many clips, or continuous streams, in one `.npz` file without pickles.

landmarks (N, T, 2, 21, 3)   any one isotropic unit, NaN missing; slot 0 left, slot 1 right
timestamps (N, T) seconds    length (N,) frames that count      label (N,) text
subject, session, id, source (N,) text, optional; empty: unknown
frame_size (2,) or (N, 2), handedness (N, T, 2), presence (N, T, 2), optional
segment_stream (M,) int, segment_label (M,), segment_onset (M,), segment_offset (M,) seconds,
segment_hand (M,) optional: where segments stand, the rows are streams, not clips
is_stream (N,) bool, optional: for archives that hold both
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from handflow.errors import DatasetError
from handflow.npz import read_npz, write_npz
from handflow.types import Clip, Float32, HandSequence, Segment, Stream

Arrays = dict[str, NDArray[Any]]

Acting = Literal["left", "right", "both"]
HANDS: tuple[Acting, ...] = ("left", "right", "both")
COMMON_SIZES = ((640, 480), (1280, 720), (1920, 1080))


@dataclass(frozen=True, slots=True, eq=False)
class Archive:
    """What a landmark archive holds."""

    clips: list[Clip]
    streams: list[Stream]


def read_archive(path: str | Path) -> Archive:
    """Reads a landmark archive.

    Raises:
        DatasetError: it is missing, damaged, holds pickles, or its arrays do not fit each other; names what.
    """
    path = Path(path)
    arrays = read_npz(path)
    try:
        return _build(arrays, path)
    except KeyError as error:
        raise DatasetError(
            f"{path}: no landmark archive: it has no '{error.args[0]}', only {', '.join(sorted(arrays))}"
        ) from error
    except (ValueError, TypeError, IndexError) as error:
        raise DatasetError(f"{path}: {error}") from error


def write_archive(
    path: str | Path, items: Archive | Sequence[Clip] | Sequence[Stream] | Sequence[Clip | Stream]
) -> None:
    """Writes clips and streams to a landmark archive, whole or not at all.

    Raises:
        DatasetError: there is nothing to write.
        OSError: the disk is full; an older file stays.
    """
    path = Path(path)
    rows: list[Clip | Stream] = [*items.clips, *items.streams] if isinstance(items, Archive) else list(items)
    if not rows:
        raise DatasetError(f"{path}: there are no clips or streams to write")
    longest = max(len(r.sequence) for r in rows)
    streams = [(n, r) for n, r in enumerate(rows) if isinstance(r, Stream)]
    arrays: Arrays = {
        "landmarks": _padded([r.sequence.landmarks for r in rows], longest, np.nan),
        "timestamps": _padded([r.sequence.timestamps for r in rows], longest, 0.0),
        "handedness": _padded([r.sequence.handedness for r in rows], longest, np.nan),
        "presence": _padded([r.sequence.presence for r in rows], longest, 0.0),
        "filled": _padded([r.sequence.filled for r in rows], longest, 0.0),
        "length": np.array([len(r.sequence) for r in rows], np.int64),
        "label": np.array([r.label if isinstance(r, Clip) else "" for r in rows]),
        "subject": np.array([r.subject or "" for r in rows]),
        "session": np.array([(r.session or "") if isinstance(r, Clip) else "" for r in rows]),
        "source": np.array([r.source if isinstance(r, Clip) else "" for r in rows]),
        "id": np.array([r.id for r in rows]),
        "frame_size": np.array([r.frame_size for r in rows], np.int64),
    }
    if streams:
        segments = [(n, s) for n, stream in streams for s in stream.segments]
        arrays |= {
            "is_stream": np.array([isinstance(r, Stream) for r in rows]),
            "segment_stream": np.array([n for n, _ in segments], np.int64),
            "segment_label": np.array([s.label for _, s in segments], np.str_),
            "segment_onset": np.array([s.onset for _, s in segments], np.float64),
            "segment_offset": np.array([s.offset for _, s in segments], np.float64),
            "segment_hand": np.array([s.hand for _, s in segments], np.str_),
        }
    write_npz(path, arrays)


def _build(arrays: Arrays, path: Path) -> Archive:
    landmarks = arrays["landmarks"]
    if landmarks.ndim != 5 or landmarks.shape[2:] != (2, 21, 3) or landmarks.dtype.kind not in "fiu":
        raise DatasetError(
            f"{path}: landmarks are {landmarks.shape}, expected numbers of shape (N, T, 2, 21, 3)"
        )
    n, t = landmarks.shape[:2]
    times = _fitting(arrays["timestamps"], (n, t), "fiu", "timestamps").astype(np.float64)
    lengths = _fitting(arrays["length"], (n,), "iu", "length")
    if n and (lengths.min() < 1 or lengths.max() > t):
        raise DatasetError(f"{path}: length holds {lengths.min()} to {lengths.max()}, expected 1 to {t}")
    text = {
        name: _fitting(arrays[name], (n,), "U", name)
        for name in ("subject", "session", "source", "id", "label")
        if name in arrays
    }
    labels = text["label"]
    seen: NDArray[np.bool_] = np.asarray(np.isfinite(landmarks).all(axis=(3, 4)))
    landmarks = np.where(seen[..., None, None], landmarks, np.nan).astype(np.float32)
    filled = _fitting(arrays.get("filled", np.zeros((n, t, 2), np.bool_)), (n, t, 2), "b", "filled")
    seen &= ~filled
    presence = arrays.get("presence", seen.astype(np.float32))
    handedness = arrays.get("handedness", np.asarray(np.where(seen, np.array([0, 1], np.float32), np.nan)))
    presence = _fitting(presence, (n, t, 2), "f", "presence").astype(np.float32)
    handedness = _fitting(handedness, (n, t, 2), "f", "handedness").astype(np.float32)
    sizes = np.broadcast_to(arrays.get("frame_size", np.array(likely_size(landmarks))), (n, 2))
    segments = _segments(arrays, n)
    is_stream = _fitting(
        arrays.get("is_stream", np.full(n, "segment_stream" in arrays)), (n,), "b", "is_stream"
    )

    clips: list[Clip] = []
    streams: list[Stream] = []
    for i in range(n):
        stop = int(lengths[i])
        try:
            sequence = HandSequence(
                landmarks[i, :stop],
                times[i, :stop],
                handedness[i, :stop],
                presence[i, :stop],
                filled[i, :stop],
            )
        except ValueError as error:
            raise DatasetError(f"{path}: row {i}: {error}") from error
        known = {name: str(values[i]) for name, values in text.items() if str(values[i])}
        id = known.get("id", f"{path.stem}-{i:04d}")
        size = (int(sizes[i][0]), int(sizes[i][1]))
        subject = known.get("subject")
        if is_stream[i]:
            streams.append(Stream(id, sequence, tuple(segments[i]), size, subject))
        else:
            source = known.get("source", f"{path.name}[{i}]")
            clips.append(Clip(id, str(labels[i]), sequence, size, subject, known.get("session"), source))
    return Archive(clips, streams)


def _segments(arrays: Arrays, n: int) -> list[list[Segment]]:
    found: list[list[Segment]] = [[] for _ in range(n)]
    if "segment_stream" not in arrays:
        return found
    owner = arrays["segment_stream"]
    m = (len(owner),)
    owner = _fitting(owner, m, "iu" if m[0] else "iuf", "segment_stream")
    label = _fitting(arrays["segment_label"], m, "U" if m[0] else "Uf", "segment_label")
    onset = _fitting(arrays["segment_onset"], m, "fiu", "segment_onset")
    offset = _fitting(arrays["segment_offset"], m, "fiu", "segment_offset")
    hand = _fitting(arrays.get("segment_hand", np.full(m, "right")), m, "U", "segment_hand")
    for i in np.argsort(onset, kind="stable"):
        if not 0 <= owner[i] < n:
            raise ValueError(f"segment {i} belongs to stream {owner[i]}, there are {n}")
        if not onset[i] < offset[i]:
            raise ValueError(f"segment {i} lasts from {onset[i]} to {offset[i]} seconds")
        if hand[i] not in HANDS:
            raise ValueError(f"segment_hand holds '{hand[i]}', expected one of {', '.join(HANDS)}")
        found[int(owner[i])].append(
            Segment(str(label[i]), float(onset[i]), float(offset[i]), HANDS[HANDS.index(str(hand[i]))])
        )
    return found


def _fitting(values: NDArray[Any], shape: tuple[int, ...], kinds: str, name: str) -> NDArray[Any]:
    if values.shape != shape or values.dtype.kind not in kinds:
        raise ValueError(f"{name} is {values.dtype} of shape {values.shape}, expected shape {shape}")
    return values


def likely_size(landmarks: Float32) -> tuple[int, int]:
    """A (width, height) for landmarks that come without one: the smallest common one that holds them.

    Some landmarks may lie a little outside. In other units than pixels the size has no meaning.
    """
    points = landmarks[..., :2][np.isfinite(landmarks[..., :2]).all(axis=-1)]
    if not len(points):
        return (640, 480)
    x, y = np.percentile(points, 99, axis=0)
    if max(x, y) <= 4:
        return (1, 1)
    return next((s for s in COMMON_SIZES if x <= s[0] and y <= s[1]), (int(x) + 1, int(y) + 1))


def _padded(items: list[NDArray[Any]], longest: int, fill: float) -> NDArray[Any]:
    out = np.full((len(items), longest, *items[0].shape[1:]), fill, items[0].dtype)
    for row, item in zip(out, items, strict=True):
        row[: len(item)] = item
    return out
