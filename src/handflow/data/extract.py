"""Finding the hands in clips that have pictures: in several processes, resumable, past damaged clips."""

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from handflow.data.dataset import Dataset
from handflow.data.landmarks import GIVEN
from handflow.data.layout import ClipEntry
from handflow.errors import DatasetError
from handflow.hands import HandLandmarker, find_hand_models, track_hands
from handflow.processes import cores, in_processes

log = logging.getLogger(__name__)

MakeLandmarker = Callable[[], HandLandmarker]
Progress = Callable[[int, int, str], None]
"""Told (clips done, clips in all, id of the one just done)."""


@dataclass(frozen=True, slots=True)
class ExtractReport:
    """What an extraction did."""

    done: tuple[str, ...]  # ids of clips whose landmarks were found
    kept: int  # clips that had their landmarks already
    failed: tuple[tuple[str, str], ...]  # (id, reason) of clips that could not be read
    without_hands: tuple[str, ...]  # ids of clips in which no hand was seen


def extract_landmarks(
    dataset: Dataset,
    *,
    jobs: int | None = None,
    again: bool = False,
    progress: Progress | None = None,
    make_landmarker: MakeLandmarker = HandLandmarker,
    version: str = HandLandmarker.version,
) -> ExtractReport:
    """Finds landmarks for clips that lack them, or have them from an older landmarker.

    Each clip is stored as soon as it is done: an interrupted run keeps what it has and goes on from there.
    Landmarks that no landmarker of ours made (imported ones, exact truth) stay unless `again`.

    Args:
        dataset: its clips with pictures are looked at.
        jobs: processes; None: one for each core, but no more than clips; 1: in this process.
        again: look anew at every clip with pictures.
        progress: called after each clip.
        make_landmarker: makes the landmarker of each process; must be picklable.
        version: of the landmarks that it makes.

    Raises:
        ModelFileError: the hand models are missing.
        DatasetError: `jobs` is below 1, or a process was killed; the clips done so far stay.
        OSError: the disk is full; the clips done so far stay.
    """
    if jobs is not None and jobs < 1:
        raise DatasetError(f"{jobs} processes cannot be: choose --jobs 1 or more")
    entries, damaged = dataset.scan()
    failed = [(folder.name, reason) for folder, reason in damaged]
    bare = [e for e in entries if not (e.has_frames or e.has_landmarks)]
    failed += [(e.id, "it has no pictures to find hands in") for e in bare]
    wanted = [e for e in entries if e.has_frames and (again or not _is_current(dataset, e, version))]
    if wanted and make_landmarker is HandLandmarker:
        find_hand_models()  # fetched once, before several processes look for them
    jobs = min(jobs or cores(), len(wanted))
    start = partial(_start_worker, make_landmarker) if wanted else None
    outcomes = in_processes(_work, wanted, dataset, processes=jobs, start=start)
    done: list[str] = []
    without: list[str] = []
    for number, (entry, outcome) in enumerate(outcomes, 1):
        if outcome.failure is not None:
            failed.append((entry.id, outcome.failure))
        else:
            done.append(entry.id)
            if not outcome.hands_seen:
                without.append(entry.id)
        if progress is not None:
            progress(number, len(wanted), entry.id)
    kept = len(entries) - len(wanted) - len(bare)
    return ExtractReport(tuple(done), kept, tuple(failed), tuple(without))


@dataclass(frozen=True, slots=True)
class _Outcome:
    failure: str | None = None
    hands_seen: bool = False


def _is_current(dataset: Dataset, entry: ClipEntry, version: str) -> bool:
    if not entry.has_landmarks:
        return False
    try:
        stored = dataset.landmarks(entry).landmarker
    except DatasetError as error:
        log.warning("%s: found anew", error)
        return False
    return stored == GIVEN or not is_older(stored, version)


def is_older(stored: str, current: str) -> bool:
    """Whether stored landmarks should be found anew: of another landmarker, or of a lower version of it.

    >>> is_older("mediapipe-full-1", "mediapipe-full-2"), is_older("mediapipe-full-2", "mediapipe-full-1")
    (True, False)
    """
    a, b = (re.fullmatch(r"(.*?)([0-9]+)", v) for v in (stored, current))
    if a is None or b is None or a[1] != b[1]:
        return stored != current
    return int(a[2]) < int(b[2])


def _extract_one(dataset: Dataset, entry: ClipEntry, landmarker: HandLandmarker) -> _Outcome:
    try:
        sequence = track_hands(dataset.frames(entry), landmarker)
    except DatasetError as error:
        return _Outcome(failure=str(error))
    dataset.store_landmarks(entry, sequence, landmarker.version)
    return _Outcome(hands_seen=bool(sequence.seen.any()))


_OF_THIS_PROCESS: dict[str, HandLandmarker] = {}
"""The landmarker of this process, loaded once for all its clips."""


def _start_worker(make: MakeLandmarker) -> None:
    _OF_THIS_PROCESS["landmarker"] = make()


def _work(entry: ClipEntry, dataset: Dataset) -> _Outcome:
    return _extract_one(dataset, entry, _OF_THIS_PROCESS["landmarker"])
