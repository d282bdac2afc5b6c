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
from handflow.hands import HandLandmarker, HandLandmarkerConfig, find_hand_models, track_hands
from handflow.processes import cores, in_processes

log = logging.getLogger(__name__)

MakeLandmarker = Callable[[HandLandmarkerConfig], HandLandmarker]
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
    config: HandLandmarkerConfig = HandLandmarkerConfig(),
    *,
    jobs: int | None = None,
    again: bool = False,
    progress: Progress | None = None,
    make_landmarker: MakeLandmarker = HandLandmarker,
) -> ExtractReport:
    """Finds landmarks for clips that lack them, or have them from an older or another landmarker.

    Each clip is stored as soon as it is done: an interrupted run keeps what it has and goes on from there.
    Landmarks that no landmarker of ours made (imported ones, exact truth) stay unless `again`.

    Args:
        dataset: its clips with pictures are looked at.
        config: of the landmarker; its version says which landmarks are older.
        jobs: processes; None: one for each core, but no more than clips; 1: in this process.
        again: look anew at every clip with pictures.
        progress: called after each clip.
        make_landmarker: makes the landmarker of each process; must be picklable.

    Raises:
        ModelFileError: the hand models are missing.
        DatasetError: `jobs` is below 1, or a process was killed; the clips done so far stay.
        OSError: the disk is full; the clips done so far stay.
    """
    entries, damaged = dataset.scan()
    failed = [(folder.name, reason) for folder, reason in damaged]
    bare = [e for e in entries if not (e.has_frames or e.has_landmarks)]
    failed += [(e.id, "it has no pictures to find hands in") for e in bare]
    wanted = [e for e in entries if e.has_frames and (again or not is_current(dataset, e, config.version))]
    wanted.sort(key=lambda e: -len(e.timestamps))  # the longest first: no core is left with one at the end
    jobs = processes_for(len(wanted), jobs)
    start = start_with(config, make_landmarker) if wanted else None
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


def processes_for(clips: int, jobs: int | None) -> int:
    """How many processes work on so many clips.

    Raises:
        DatasetError: `jobs` is below 1.
    """
    if jobs is not None and jobs < 1:
        raise DatasetError(f"{jobs} processes cannot be: choose --jobs 1 or more")
    return min(jobs or cores(), clips)


@dataclass(frozen=True, slots=True)
class _Outcome:
    failure: str | None = None
    hands_seen: bool = False


def is_current(dataset: Dataset, entry: ClipEntry, version: str) -> bool:
    """Whether a clip has whole landmarks that a landmarker of `version` need not find anew."""
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


_OF_THIS_PROCESS: dict[str, HandLandmarker] = {}
"""The landmarker of this process, loaded once for all its clips."""


def start_with(config: HandLandmarkerConfig, make: MakeLandmarker) -> Callable[[], None]:
    """What each process does first: it loads its landmarker.

    Raises:
        ModelFileError: the hand models are missing.
    """
    if make is HandLandmarker:
        find_hand_models(model=config.model)  # fetched once, before several processes look for them
    return partial(_load, config, make)


def _load(config: HandLandmarkerConfig, make: MakeLandmarker) -> None:
    _OF_THIS_PROCESS["landmarker"] = make(config)


def own_landmarker() -> HandLandmarker:
    """The landmarker of this process, after `start_with`."""
    return _OF_THIS_PROCESS["landmarker"]


def _work(entry: ClipEntry, dataset: Dataset) -> _Outcome:
    landmarker = own_landmarker()
    try:
        sequence = track_hands(dataset.frames(entry), landmarker)
    except DatasetError as error:
        return _Outcome(failure=str(error))
    dataset.store_landmarks(entry, sequence, landmarker.version)
    return _Outcome(hands_seen=bool(sequence.seen.any()))
