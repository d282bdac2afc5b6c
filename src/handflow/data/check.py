"""Looking a dataset over: what is damaged, doubtful or thin, and mending what can be mended."""

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from handflow.atomic import PARTIAL, discard_partial, in_use
from handflow.data.dataset import Dataset
from handflow.data.doubts import doubtful_labels
from handflow.data.layout import CLIP_JSON, CLIPS, ClipEntry, entry_of, frame_paths
from handflow.data.meta import read_clip_meta
from handflow.data.naming import gesture_name, natural_paths
from handflow.data.repair import mend_clip, mend_dataset, open_for_check
from handflow.errors import DatasetError
from handflow.types import BACKGROUND, Clip

FEWEST_CLIPS = 5  # of a gesture; below, results say little
SHORTEST = 0.2  # seconds; no gesture is over sooner
FEWEST_FRAMES = 3
HANDLESS = 0.5  # share of frames without a usable hand from which a clip counts as hand-less

PROBLEMS = (
    "format", "partial", "damaged", "duplicate", "too short", "no hand", "mislabelled", "no clips",
    "one gesture",
)  # fmt: skip
HINTS = ("few clips", "no landmarks")
"""Kinds of findings that are worth knowing and stop nothing."""

Progress = Callable[[int, int, str], None]
"""Told (clips looked at, clips in all, id)."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check found."""

    kind: str  # one of PROBLEMS or HINTS
    message: str  # one line with the remedy
    clip: str | None = None  # clip id
    gesture: str | None = None
    fixed: bool = False
    folder: Path | None = None  # the clip's, where it was found

    @property
    def is_problem(self) -> bool:
        """Whether something stays to be done; hints are none."""
        return not self.fixed and self.kind not in HINTS


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What a check found and, with `fix`, mended."""

    clips: int  # whole clips
    findings: tuple[Finding, ...]

    @property
    def fine(self) -> bool:
        """Whether no problem stays."""
        return not any(f.is_problem for f in self.findings)

    def of_clip(self, id: str) -> list[Finding]:
        """What was found about one clip and still holds."""
        return [f for f in self.findings if f.clip == id and not f.fixed]


def check_dataset(path: str | Path, *, fix: bool = False, progress: Progress | None = None) -> CheckReport:
    """Looks at every file of a dataset.

    Args:
        path: the dataset's folder.
        fix: migrate an older format, remove what a crash left, rebuild what can be rebuilt, and move
            damaged clips and exact copies to the trash, from where `handflow review --undo` brings them back.
        progress: called for each clip.

    Raises:
        DatasetError: there is no dataset, or a newer handflow made it.
    """
    path = Path(path)
    findings: list[Finding] = []
    dataset, complaint = open_for_check(path)
    if dataset is None:
        if not fix:
            return CheckReport(0, (Finding("format", f"{complaint}: run `handflow check --fix {path}`"),))
        dataset = mend_dataset(path)
        findings.append(Finding("format", f"{complaint}: brought to this version's format", fixed=True))
    findings += _partials(dataset, fix)
    findings += _damaged(dataset, fix, progress)

    unusable = {f.folder for f in findings if not f.fixed}
    entries = [e for e in dataset.scan()[0] if e.path not in unusable]
    looked = [_Look(e, dataset.load(e) if e.has_landmarks else None) for e in entries]
    copies = _duplicates(dataset, looked, fix)
    findings += copies
    gone = {f.folder for f in copies if f.fixed}
    looked = [one for one in looked if one.entry.path not in gone]
    findings += [f for one in looked for f in _thin(one)]
    findings += _mislabelled(looked)
    findings += _counts(dataset, [one.entry for one in looked])
    return CheckReport(len(looked), tuple(findings))


@dataclass(frozen=True, slots=True)
class _Look:
    entry: ClipEntry
    clip: Clip | None


def _partials(dataset: Dataset, fix: bool) -> list[Finding]:
    found = []
    for path in sorted(dataset.path.rglob(f"{PARTIAL}*")):
        if in_use(path):
            continue
        name = path.relative_to(dataset.path).as_posix()
        if fix:
            discard_partial(path)
        message = "left by a crash: removed" if fix else "left by a crash: remove it with --fix"
        found.append(Finding("partial", f"{name}: {message}", fixed=fix))
    return found


def _damaged(dataset: Dataset, fix: bool, progress: Progress | None) -> list[Finding]:
    found = []
    clips = dataset.path / CLIPS
    gestures = [p for p in natural_paths(clips) if p.is_dir()] if clips.is_dir() else []
    for gesture in gestures:
        try:
            gesture_name(gesture.name)
        except DatasetError as error:
            found.append(Finding("format", f"{error}: rename the folder", gesture=gesture.name))
    folders = [p for gesture in gestures for p in natural_paths(gesture) if p.is_dir()]
    ids: set[str] = set()
    for number, folder in enumerate(folders, 1):
        where = (folder.name, folder.parent.name)
        reason = damage(dataset, folder)
        if reason is not None:
            remedy = mend_clip(dataset, folder) if fix else "mend or remove it with --fix"
            found.append(Finding("damaged", f"{reason}: {remedy}", *where, fixed=fix, folder=folder))
        elif folder.name in ids:
            message = "another gesture has a clip of the same id: rename the folder"
            found.append(Finding("damaged", message, *where, folder=folder))
        ids.add(folder.name)
        if progress is not None:
            progress(number, len(folders), folder.name)
    return found


def damage(dataset: Dataset, folder: Path) -> str | None:
    """Why the folder of a clip cannot be used as it is; None where it can. Reads every file in it."""
    try:
        entry = entry_of(folder, read_clip_meta(folder / CLIP_JSON))
        if entry.has_landmarks:
            dataset.landmarks(entry)
        elif not entry.has_frames:
            return "it holds neither pictures nor landmarks"
        for frame in dataset.frames(entry):
            if frame.size != tuple(entry.frame_size):
                return (
                    f"picture {frame.index + 1} has {frame.size} pixels, {CLIP_JSON} says {entry.frame_size}"
                )
    except DatasetError as error:
        # The finding names the clip: without the folder's path and the remedy, which is --fix.
        return str(error).replace(f"{folder}{os.sep}", "").split(": run `")[0]
    return None


def _duplicates(dataset: Dataset, looked: list[_Look], fix: bool) -> list[Finding]:
    found = []
    first: dict[str, ClipEntry] = {}
    weights = Counter(_weight(one.entry) for one in looked)
    for one in looked:
        entry = one.entry
        marks = []
        # Only clips whose pictures take up as many bytes can be the same: the others need not be read.
        if entry.has_frames and weights[_weight(entry)] > 1:
            marks.append(_hash(p.read_bytes() for p in frame_paths(entry.path)))
        if one.clip is not None and one.clip.sequence.seen.any():
            marks.append(_hash([one.clip.sequence.landmarks.tobytes()]))
        original = next((first[m] for m in marks if m in first), None)
        for mark in marks:
            first.setdefault(mark, entry)
        if original is None:
            continue
        where = (entry.id, entry.label)
        if original.label != entry.label:
            message = f"the same as '{original.id}' of '{original.label}': delete one with `handflow review`"
            found.append(Finding("duplicate", message, *where, folder=entry.path))
            continue
        if fix:
            dataset.trash.discard(entry.path, entry.id)
        message = f"the same as '{original.id}': " + ("moved to the trash" if fix else "remove it with --fix")
        found.append(Finding("duplicate", message, *where, fixed=fix, folder=entry.path))
    return found


def _thin(one: _Look) -> list[Finding]:
    entry = one.entry
    remedy = f"record it again and `handflow review --delete '{entry.id}'`"
    duration = float(entry.timestamps[-1] - entry.timestamps[0])
    where = (entry.id, entry.label)
    if len(entry.timestamps) < FEWEST_FRAMES or duration < SHORTEST:
        return [Finding("too short", f"{len(entry.timestamps)} frames in {duration:.2f} s: {remedy}", *where)]
    if one.clip is not None and entry.label != BACKGROUND:
        missing = 1 - float(one.clip.sequence.seen.any(axis=1).mean())
        if missing > HANDLESS:
            return [Finding("no hand", f"no hand in {missing:.0%} of its frames: {remedy}", *where)]
    return []


def _mislabelled(looked: list[_Look]) -> list[Finding]:
    return [
        Finding(
            "mislabelled",
            f"looks like '{d.looks_like}': look with `handflow review`, then --relabel or --delete it",
            d.clip,
            d.label,
        )
        for d in doubtful_labels([one.clip for one in looked if one.clip is not None])
    ]


def _counts(dataset: Dataset, entries: list[ClipEntry]) -> list[Finding]:
    found = []
    record = f"record more with `handflow record {dataset.path} --gesture NAME`"
    waiting = sum(not e.has_landmarks for e in entries)
    if waiting:
        message = (
            f"{waiting} of {len(entries)} clips have no landmarks yet: run `handflow extract {dataset.path}`"
        )
        found.append(Finding("no landmarks", message))
    counts = Counter(e.label for e in entries)
    if not counts:
        return [*found, Finding("no clips", f"there are no clips: {record}")]
    if len(counts) == 1:
        found.append(
            Finding(
                "one gesture", f"all clips are of '{next(iter(counts))}', nothing to tell apart: {record}"
            )
        )
    for gesture in dataset.gestures:
        if counts[gesture] < FEWEST_CLIPS:
            clips = f"{counts[gesture]} clip{'s' * (counts[gesture] != 1)}"
            message = f"'{gesture}' has {clips}, fewer than {FEWEST_CLIPS}: {record}"
            found.append(Finding("few clips", message, gesture=gesture))
    return found


def _weight(entry: ClipEntry) -> int:
    return sum(p.stat().st_size for p in frame_paths(entry.path)) if entry.has_frames else 0


def _hash(parts: Iterable[bytes]) -> str:
    total = hashlib.sha256()
    for part in parts:
        total.update(part)
    return total.hexdigest()
