"""Mending a dataset: migration of older formats, and clips of which enough is left."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from handflow.data.archive import likely_size
from handflow.data.dataset import Dataset
from handflow.data.landmarks import read_landmarks
from handflow.data.layout import (
    CLIP_JSON,
    CLIPS,
    DATASET_JSON,
    FRAMES,
    LANDMARKS,
    entry_of,
    format_version,
    frame_paths,
)
from handflow.data.meta import (
    FORMAT_VERSION,
    DatasetMeta,
    new_clip_meta,
    parse_dataset_meta,
    read_clip_meta,
    read_json,
    write_meta,
)
from handflow.data.pictures import read_picture
from handflow.data.trash import TRASH
from handflow.errors import DatasetError

Document = dict[str, Any]


def _name_the_version(document: Document) -> Document:
    # Before versions, dataset.json was written by hand or by sketches: the fields were the same.
    return {**document, "format_version": 1}


MIGRATIONS: dict[int, Callable[[Document], Document]] = {0: _name_the_version}
"""From each older format version, what turns its `dataset.json` into the next one's."""


def open_for_check(path: Path) -> tuple[Dataset | None, str]:
    """The dataset, or None and what is wrong with its `dataset.json`.

    Raises:
        DatasetError: there is no dataset at all, or a newer handflow made it.
    """
    file = path / DATASET_JSON
    if not path.is_dir() or not (file.is_file() or (path / CLIPS).is_dir()):
        return Dataset.open(path), ""  # raises and says why
    if not file.is_file():
        return None, f"{DATASET_JSON} is missing"
    try:
        version = format_version(read_json(file), file)
        if version < FORMAT_VERSION:
            return None, f"{DATASET_JSON} has the older format version {version}"
    except DatasetError as error:
        return None, f"{DATASET_JSON} is damaged ({error})"
    if version > FORMAT_VERSION:
        return Dataset.open(path), ""  # raises and says so
    try:
        return Dataset.open(path), ""
    except DatasetError as error:
        return None, f"{DATASET_JSON} is damaged ({error})"


def mend_dataset(path: Path) -> Dataset:
    """Brings `dataset.json` to this version, or makes a new one of the folders where nothing is left of it.

    The old file goes to the trash folder.
    """
    file = path / DATASET_JSON
    meta = DatasetMeta()
    if file.is_file():
        (path / TRASH).mkdir(exist_ok=True)
        shutil.copy2(file, path / TRASH / DATASET_JSON)
        try:
            document = read_json(file)
            version = format_version(document, file)
            while version < FORMAT_VERSION:
                document = MIGRATIONS[version](document)
                version += 1
            meta = parse_dataset_meta(document, file)
        except DatasetError:
            meta = DatasetMeta()  # nothing can be read: the folders say which gestures there are
    dataset = Dataset(path, meta)
    write_meta(file, meta.model_copy(update={"gestures": dataset.gestures}))
    return Dataset.open(path)


def mend_clip(dataset: Dataset, folder: Path) -> str:
    """Makes a damaged clip usable again where enough of it is whole; else moves it to the trash.

    Returns:
        What was done.
    """
    if _rebuild_description(folder):
        return "clip.json made anew from its landmarks; subject and session are lost"
    description = _works(lambda: read_clip_meta(folder / CLIP_JSON))
    if description:
        entry = entry_of(folder, read_clip_meta(folder / CLIP_JSON))
        landmarks = entry.has_landmarks and _works(lambda: dataset.landmarks(entry))
        pictures = entry.has_frames and _works(lambda: [f.size for f in dataset.frames(entry)])
        same_size = pictures and all(f.size == tuple(entry.frame_size) for f in dataset.frames(entry))
        if same_size and not landmarks:
            dataset.trash.discard(folder / LANDMARKS, folder.name)
            return "its landmarks moved to the trash: find them anew with `handflow extract`"
        if landmarks and not pictures:
            dataset.trash.discard(folder / FRAMES, folder.name)
            return "its pictures moved to the trash, its landmarks stay"
    dataset.trash.discard(folder, folder.name)
    return "moved to the trash"


def _rebuild_description(folder: Path) -> bool:
    if _works(lambda: read_clip_meta(folder / CLIP_JSON)):
        return False
    try:
        sequence = read_landmarks(folder / LANDMARKS).sequence
        pictures = frame_paths(folder) if (folder / FRAMES).is_dir() else []
        if pictures and len(pictures) != len(sequence):
            return False
        if pictures:
            height, width = read_picture(pictures[0]).shape[:2]
            size = (width, height)
        else:
            size = likely_size(sequence.landmarks)
        meta = new_clip_meta(folder.name, timestamps=sequence.timestamps.tolist(), frame_size=size)
    except DatasetError:
        return False
    write_meta(folder / CLIP_JSON, meta)
    return True


def _works(read: Callable[[], object]) -> bool:
    try:
        read()
    except DatasetError:
        return False
    return True
