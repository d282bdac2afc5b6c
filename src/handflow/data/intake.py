"""Importing recordings and finding their hands in one pass of decoding, over several processes.

Each take is stored whole, pictures with landmarks or landmarks alone, as soon as it is done: a run that was
interrupted or killed goes on where it was. Takes that an earlier run has brought are known by their source
and the digest of their content, as in `importers`.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from handflow.atomic import PARTIAL, sweep
from handflow.data.dataset import Dataset
from handflow.data.extract import (
    MakeLandmarker,
    is_current,
    own_landmarker,
    processes_for,
    start_with,
)
from handflow.data.importers import IMPORTERS, chosen_importer, nothing_came, target_dataset
from handflow.data.incoming import ImportOptions, Incoming, SkipList
from handflow.data.layout import CLIPS, ClipEntry
from handflow.data.naming import clip_id
from handflow.errors import DatasetError, SourceError
from handflow.hands import HandLandmarker, HandLandmarkerConfig, track_hands
from handflow.processes import in_processes
from handflow.types import Frame, HandSequence

log = logging.getLogger(__name__)

Progress = Callable[[int, int, str], None]
"""Told (takes done, takes in all, wish for the id of the one just done)."""


@dataclass(frozen=True, slots=True)
class IntakeReport:
    """What came into the dataset."""

    kind: str  # name of the importer
    added: tuple[str, ...]  # ids of clips that are new
    renewed: tuple[str, ...]  # ids of clips that were there and have their landmarks from this run
    kept: int  # clips that were there with their landmarks
    skipped: tuple[tuple[Path, str], ...]  # what could not be read, with the reason
    without_hands: tuple[str, ...]  # ids of new and renewed clips in which no hand was seen


def extract_from(
    target: str | Path,
    path: str | Path,
    options: ImportOptions = ImportOptions(),
    config: HandLandmarkerConfig = HandLandmarkerConfig(),
    *,
    kind: str | None = None,
    keep_frames: bool = True,
    jobs: int | None = None,
    again: bool = False,
    progress: Progress | None = None,
    make_landmarker: MakeLandmarker = HandLandmarker,
) -> IntakeReport:
    """Imports all takes of a source and finds the hands in them while they are decoded.

    A take that is there already is only looked at again where it lacks landmarks, or has them from an older
    or another landmarker; then its stored pictures count, if it has any.

    Args:
        target: the dataset's folder; made where there is none and something comes.
        path: a folder of a layout in `IMPORTERS` that has pictures.
        options: frame rate, mirroring, subject and session.
        config: of the landmarker.
        kind: name of an importer; None: found by looking.
        keep_frames: store the pictures as well; False: landmarks alone.
        jobs: processes; None: one for each core, but no more than takes; 1: in this process.
        again: find landmarks anew in takes that have them.
        progress: called after each take.
        make_landmarker: makes the landmarker of each process; must be picklable.

    Raises:
        ModelFileError: the hand models are missing.
        DatasetError: the source is missing, of no known layout or without pictures, nothing in it can be
            read, or a process was killed; the takes stored so far stay.
        OSError: the disk is full; the takes stored so far stay.
    """
    path = Path(path)
    kind = chosen_importer(path, kind)
    skip = SkipList()
    takes = IMPORTERS[kind].takes(path, options, skip)
    if any(take.frames is None for take in takes):
        raise DatasetError(
            f"{path} holds landmarks, no pictures: `handflow import {path} {target}` brings them"
        )
    processes = processes_for(len(takes), jobs)
    added: list[str] = []
    renewed: list[str] = []
    without: list[str] = []
    kept = 0
    with ExitStack() as stack:
        dataset = stack.enter_context(target_dataset(Path(target)))
        sweep((dataset.path / CLIPS).glob(f"*/{PARTIAL}*"))
        start = start_with(config, make_landmarker) if takes else None
        helper = dataset.knowing(take.gesture for take in takes)  # this process alone writes them down
        rules = _Rules(config.version, keep_frames, again)
        orders = _orders(dataset, takes)
        work = stack.enter_context(
            closing(in_processes(_bring, orders, helper, rules, processes=processes, start=start))
        )
        for number, (order, brought) in enumerate(work, 1):
            skip.skipped.extend(brought.skipped)
            if brought.how in ("added", "renewed"):
                dataset.declare((order.take.gesture,))
                (added if brought.how == "added" else renewed).append(brought.id)
                if not brought.hands_seen:
                    without.append(brought.id)
            kept += brought.how == "kept"
            if progress is not None:
                progress(number, len(takes), order.take.name)
        if not (added or renewed or kept):
            raise nothing_came(path, skip)
    return IntakeReport(kind, tuple(added), tuple(renewed), kept, tuple(skip.skipped), tuple(without))


@dataclass(frozen=True, slots=True)
class _Rules:
    version: str  # of the landmarks to be found
    keep_frames: bool
    again: bool


@dataclass(frozen=True, slots=True, eq=False)
class _Order:
    """One take to be brought."""

    take: Incoming
    id: str  # free when the run began
    known: tuple[ClipEntry, ...]  # clips that earlier runs made of this source


@dataclass(frozen=True, slots=True)
class _Brought:
    """What became of an order."""

    how: Literal["added", "renewed", "kept", "failed"]
    id: str = ""
    hands_seen: bool = False
    skipped: tuple[tuple[Path, str], ...] = ()


def _orders(dataset: Dataset, takes: list[Incoming]) -> list[_Order]:
    """The takes with their ids, the longest first: no core is left with a long one at the end."""
    entries, damaged = dataset.scan()
    taken = {e.id for e in entries} | {folder.name for folder, _ in damaged}
    known: dict[tuple[str, str], list[ClipEntry]] = defaultdict(list)
    for entry in entries:
        if entry.digest:
            known[entry.source, entry.label].append(entry)
    orders = []
    # New takes first: the others need an id only where the file's content has changed.
    for take in sorted(takes, key=lambda t: (t.source, t.gesture) in known):
        wish = clip_id(take.name)
        id = wish
        number = 2
        while wish and id in taken:
            id, number = f"{wish}-{number}", number + 1
        taken.add(id)
        orders.append(_Order(take, id, tuple(known.get((take.source, take.gesture), ()))))
    return sorted(orders, key=lambda order: -_extent(order.take.path))


def _extent(path: Path) -> int:
    """How long a take is, to be compared within one layout: bytes of a video, pictures in a folder."""
    try:
        return sum(1 for _ in path.iterdir()) if path.is_dir() else path.stat().st_size
    except OSError:
        return 0  # reading it will say why


def _bring(order: _Order, dataset: Dataset, rules: _Rules) -> _Brought:
    skip = SkipList()
    try:
        how, id, seen = _store(order, dataset, rules, skip)
    except (DatasetError, SourceError) as error:
        skip.add(order.take.path, error)
        return _Brought("failed", skipped=tuple(skip.skipped))
    return _Brought(how, id, seen, tuple(skip.skipped))


def _store(
    order: _Order, dataset: Dataset, rules: _Rules, skip: SkipList
) -> tuple[Literal["added", "renewed", "kept"], str, bool]:
    """How the take is in the dataset now, the clip's id, and whether a hand was seen."""
    take, landmarker = order.take, own_landmarker()
    assert take.frames is not None, "takes without pictures were refused"
    digest = take.digest()
    entry = next((e for e in order.known if e.digest == digest), None)
    if entry is not None and not rules.again and is_current(dataset, entry, rules.version):
        return "kept", entry.id, False
    if entry is not None:
        frames = dataset.frames(entry) if entry.has_frames else take.frames(skip)
        sequence = track_hands(frames, landmarker)
        if not np.array_equal(sequence.timestamps, entry.timestamps):
            raise DatasetError(
                f"clip '{entry.id}' was made of it with other times (--fps?): "
                f"run `handflow review {dataset.path} --delete {entry.id}` first"
            )
        dataset.store_landmarks(entry, sequence, landmarker.version)
        return "renewed", entry.id, bool(sequence.seen.any())
    found: list[HandSequence] = []

    def find(frames: Iterable[Frame]) -> HandSequence:
        found.append(track_hands(frames, landmarker))
        return found[0]

    made = dataset.add_frames(
        take.gesture,
        take.frames(skip),
        id=order.id,
        source=take.source,
        subject=take.subject,
        session=take.session,
        assumed_fps=take.assumed_fps,
        digest=digest,
        find=find,
        landmarker=landmarker.version,
        keep=rules.keep_frames,
    )
    return "added", made.id, bool(found[0].seen.any())
