"""Bringing recordings of other layouts into a dataset.

A new layout is a class with the methods of `Importer`, plus one entry in `IMPORTERS`.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from handflow.data.dataset import Dataset
from handflow.data.import_archive import LandmarkArchive
from handflow.data.import_article import ArticleFolders
from handflow.data.import_videos import LabelVideos
from handflow.data.incoming import Importer, ImportOptions, Incoming, SkipList
from handflow.data.layout import CLIPS, DATASET_JSON, ClipEntry
from handflow.errors import DatasetError, SourceError

log = logging.getLogger(__name__)

IMPORTERS: dict[str, Importer] = {
    "archive": LandmarkArchive(),
    "article": ArticleFolders(),
    "videos": LabelVideos(),
}

Progress = Callable[[int, int, str], None]
"""Told (takes done, takes in all, name of the one just done)."""


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import brought."""

    kind: str  # name of the importer
    added: tuple[ClipEntry, ...]
    known: tuple[ClipEntry, ...]  # takes that an earlier import had brought already
    skipped: tuple[tuple[Path, str], ...]  # what could not be read, with the reason


def detect_importer(path: Path) -> str:
    """The name of the importer for a file or folder.

    Raises:
        DatasetError: there is nothing, or nothing that an importer knows.
    """
    if not path.exists():
        raise DatasetError(f"nothing to import at {path}: no such file or folder")
    for name, importer in IMPORTERS.items():
        if importer.detects(path):
            return name
    known = "; ".join(i.description for i in IMPORTERS.values())
    raise DatasetError(f"{path} has no layout that can be imported: {known}")


def chosen_importer(path: Path, kind: str | None) -> str:
    """The name of the importer that a user chose, or else of the one that knows the layout.

    Raises:
        DatasetError: there is nothing at the path, or no such importer, or none that knows the layout.
    """
    if kind is None:
        return detect_importer(path)
    if kind not in IMPORTERS:
        raise DatasetError(f"no importer '{kind}': choose one of {', '.join(IMPORTERS)}")
    if not path.exists():
        raise DatasetError(f"nothing to import at {path}: no such file or folder")
    return kind


def nothing_came(path: Path, skip: SkipList) -> DatasetError:
    """The error for a source of which nothing could be read."""
    first = f": {skip.skipped[0][0]} {skip.skipped[0][1]}" if skip.skipped else ""
    return DatasetError(f"nothing in {path} could be imported{first}")


def import_into(
    dataset: Dataset,
    path: str | Path,
    options: ImportOptions = ImportOptions(),
    *,
    kind: str | None = None,
    progress: Progress | None = None,
) -> ImportReport:
    """Imports all takes of a source; those of an earlier, perhaps interrupted, import are not brought twice.

    Args:
        dataset: where they go; each take is stored whole or not at all.
        path: a folder or file of a layout in `IMPORTERS`.
        options: frame rate, mirroring, subject and session.
        kind: name of an importer; None: found by looking.
        progress: called after each take.

    Raises:
        DatasetError: the source is missing, of no known layout, or nothing in it can be read.
        OSError: the disk is full; the takes stored so far stay.
    """
    path = Path(path)
    kind = chosen_importer(path, kind)
    skip = SkipList()
    takes = IMPORTERS[kind].takes(path, options, skip)
    imported = {(e.source, e.label, e.digest): e for e in dataset.scan()[0] if e.digest}
    added: list[ClipEntry] = []
    known: list[ClipEntry] = []
    for number, take in enumerate(takes, 1):
        try:
            digest = take.digest()
            entry = imported.get((take.source, take.gesture, digest))
            if entry is None:
                added.append(_store(dataset, take, digest, skip))
            else:
                known.append(entry)
        except (DatasetError, SourceError) as error:
            skip.add(take.path, error)
        if progress is not None:
            progress(number, len(takes), take.name)
    if not added and not known:
        raise nothing_came(path, skip)
    return ImportReport(kind, tuple(added), tuple(known), tuple(skip.skipped))


def import_path(
    target: str | Path,
    path: str | Path,
    options: ImportOptions = ImportOptions(),
    *,
    kind: str | None = None,
    progress: Progress | None = None,
) -> ImportReport:
    """`import_into` for the dataset in a folder, which is made where there is none and something comes.

    Raises:
        DatasetError, OSError: as in `import_into`.
    """
    with target_dataset(Path(target)) as dataset:
        return import_into(dataset, path, options, kind=kind, progress=progress)


@contextmanager
def target_dataset(target: Path) -> Iterator[Dataset]:
    """The dataset in a folder; one that had to be made goes again where nothing has come into it.

    Raises:
        DatasetError: something else lies there.
    """
    existed, made = target.exists(), not (target / DATASET_JSON).exists()
    dataset = Dataset.create(target, exist_ok=True)
    try:
        yield dataset
    finally:
        if made and not (target / CLIPS).exists():  # nothing came: nothing stays
            (target / DATASET_JSON).unlink()
            if not existed:
                target.rmdir()


def _store(dataset: Dataset, take: Incoming, digest: str, skip: SkipList) -> ClipEntry:
    if take.clip is not None:
        return dataset.add(take.clip, digest=digest, assumed_fps=take.assumed_fps)
    assert take.frames is not None, "an importer hands out pictures or landmarks"
    return dataset.add_frames(
        take.gesture,
        take.frames(skip),
        id=take.name,
        source=take.source,
        subject=take.subject,
        session=take.session,
        assumed_fps=take.assumed_fps,
        digest=digest,
    )
