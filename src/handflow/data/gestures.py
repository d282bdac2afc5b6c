"""Gestures of a dataset as wholes: another name for one, or all its takes to the trash."""

from handflow.data.dataset import Dataset
from handflow.data.layout import CLIPS, DATASET_JSON
from handflow.data.meta import DatasetMeta, parse_dataset_meta, read_json, write_meta
from handflow.data.naming import gesture_name
from handflow.errors import DatasetError


def rename_gesture(dataset: Dataset, old: str, new: str) -> None:
    """Gives a gesture with all its clips another name; what is in the trash comes back under it.

    The dataset must be opened anew.

    Raises:
        DatasetError: there is no such gesture, or the new name is taken or cannot be one.
    """
    new = gesture_name(new)
    _require(dataset, old)
    if new in dataset.gestures:
        raise DatasetError(f"{dataset.path} has a gesture '{new}' already: choose another name")
    folder = dataset.path / CLIPS / old
    if folder.is_dir():
        folder.rename(dataset.path / CLIPS / new)
    dataset.trash.renamed(f"{CLIPS}/{old}", f"{CLIPS}/{new}")
    meta = _meta(dataset)
    flips = {new if a == old else a: new if b == old else b for a, b in meta.flip_map.items()}
    _write(dataset, meta, [new if name == old else name for name in meta.gestures], flips)


def delete_gesture(dataset: Dataset, gesture: str) -> bool:
    """Moves all clips of a gesture to the trash and forgets its name; one `undo` brings both back.

    The dataset must be opened anew.

    Returns:
        Whether there is something to undo: a gesture without clips is forgotten for good.

    Raises:
        DatasetError: there is no such gesture.
    """
    _require(dataset, gesture)
    folder = dataset.path / CLIPS / gesture
    has_clips = folder.is_dir()
    if has_clips:
        dataset.trash.discard(folder, gesture)
    meta = _meta(dataset)
    flips = {a: b for a, b in meta.flip_map.items() if gesture not in (a, b)}
    _write(dataset, meta, [name for name in meta.gestures if name != gesture], flips)
    return has_clips


def _require(dataset: Dataset, gesture: str) -> None:
    if gesture not in dataset.gestures:
        known = ", ".join(dataset.gestures) or "none yet"
        raise DatasetError(f"no gesture '{gesture}' in {dataset.path} (it has {known})")


def _meta(dataset: Dataset) -> DatasetMeta:
    file = dataset.path / DATASET_JSON
    return parse_dataset_meta(read_json(file), file)


def _write(dataset: Dataset, meta: DatasetMeta, gestures: list[str], flips: dict[str, str]) -> None:
    changed = meta.model_copy(update={"gestures": tuple(gestures), "flip_map": flips})
    write_meta(dataset.path / DATASET_JSON, changed)
