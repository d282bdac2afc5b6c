"""The takes of a project: what there are, what speaks against them, and changes that can be taken back."""

import hashlib
import threading
from collections import OrderedDict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from handflow.data import Dataset
from handflow.data.dataset import ClipEntry
from handflow.data.gestures import delete_gesture, rename_gesture
from handflow.data.layout import CLIP_JSON, CLIPS, LANDMARKS
from handflow.data.naming import natural_paths
from handflow.data.sprites import STEPS, strip_of
from handflow.errors import DatasetError, NothingToUndoError
from handflow.studio.errors import StudioError, absent
from handflow.teach.doubts import TakeDoubt, TakeJudge
from handflow.types import BACKGROUND, Clip

_MOST_PREVIEWS = 400  # that are kept: one has about 25 kB


class Takes:
    """The takes of one dataset.

    Args:
        folder: of the dataset.
        lock: held while takes are changed.
    """

    def __init__(self, folder: Path, lock: threading.RLock) -> None:
        self._folder, self._lock = folder, lock
        self._judging = threading.Lock()  # held while takes are judged, and taken before the other
        self._keeping = threading.Lock()  # held while previews are looked up or kept
        self._clips: dict[tuple[str, str, int], Clip | None] = {}
        self._previews: OrderedDict[tuple[str, int], tuple[bytes, tuple[int, int]]] = OrderedDict()
        self._judge: TakeJudge | None = None

    def open(self) -> Dataset:
        """The dataset as it is now.

        Raises:
            DatasetError: it is damaged.
        """
        return Dataset.open(self._folder)

    def counts(self) -> dict[str, int]:
        """Takes of each gesture, by the folders alone."""
        clips = self._folder / CLIPS
        return {
            gesture: sum(1 for _ in natural_paths(clips / gesture)) if (clips / gesture).is_dir() else 0
            for gesture in self.open().gestures
        }

    def fingerprint(self) -> str:
        """Changes when takes are added, taken away or moved, by the folders alone."""
        clips = self._folder / CLIPS
        folders = [folder for folder in natural_paths(clips) if folder.is_dir()] if clips.is_dir() else []
        names = (f"{folder.name}/{take.name}\n" for folder in folders for take in natural_paths(folder))
        return hashlib.sha256("".join(names).encode()).hexdigest()

    def gestures(self) -> list[dict[str, Any]]:
        """All gestures with their takes, `background` last."""
        with self._judging:
            with self._lock:  # nothing is moved or deleted while it is looked at
                dataset = self.open()
                entries, damaged = dataset.scan()
                clips = self._load(dataset, entries)
                documents = [_document(entry) for entry in entries]
                broken = [(folder.parent.name, _damaged(folder, reason)) for folder, reason in damaged]
            doubts = self._doubts(dataset, clips)  # takes time, in which takes may be added and moved
        found: dict[str, list[dict[str, Any]]] = {name: [] for name in dataset.gestures}
        for entry, document in zip(entries, documents, strict=True):
            if (doubt := doubts.get(entry.id)) is not None:
                document["doubts"].insert(0, _told(doubt))
            found.setdefault(entry.label, []).append(document)
        for gesture, document in broken:
            found.setdefault(gesture, []).append(document)
        names = sorted(found, key=lambda name: name == BACKGROUND)
        return [{"name": name, "background": name == BACKGROUND, "takes": found[name]} for name in names]

    def take(self, id: str) -> dict[str, Any]:
        """One take, as in `gestures`, with its `gesture`.

        Raises:
            StudioError: there is none.
        """
        for gesture in self.gestures():
            for take in gesture["takes"]:
                if take["id"] == id:
                    return {**take, "gesture": gesture["name"]}
        raise absent("take", id)

    def preview(self, id: str) -> tuple[bytes, tuple[int, int], int]:
        """A JPEG strip of a take, (width, height) of one of its pictures, and how many it has.

        Raises:
            StudioError: there is no such take.
            DatasetError: it is damaged.
        """
        dataset = self.open()
        if id not in dataset:
            raise absent("take", id)
        entry = dataset.find(id)
        key = (id, _stamp(entry))
        with self._keeping:
            if key in self._previews:
                self._previews.move_to_end(key)
                return *self._previews[key], STEPS
        if not entry.has_frames and not entry.has_landmarks:
            raise DatasetError(f"take '{id}' holds neither pictures nor landmarks: delete it")
        made = strip_of(dataset, entry)
        with self._keeping:
            self._previews[key] = made
            while len(self._previews) > _MOST_PREVIEWS:
                self._previews.popitem(last=False)
        return *made, STEPS

    def add_gesture(self, name: str) -> str:
        """Declares a gesture; its name in the normal form.

        Raises:
            DatasetError: it cannot name a gesture.
            StudioError: it is there already.
        """
        with self._lock:
            dataset = self.open()
            known = dataset.known_gesture(name, new=True)
            self._require_free(dataset, known)
            dataset.declare((known,))
        return known

    def rename_gesture(self, gesture: str, name: str) -> str:
        """Gives a gesture another name, in its normal form.

        Raises:
            DatasetError: it cannot name a gesture.
            StudioError: there is no such gesture, or the name is taken.
        """
        with self._lock:
            dataset = self.open()
            self._require(dataset, gesture)
            known = dataset.known_gesture(name, new=True)
            if BACKGROUND in (gesture, known):
                raise _reserved()
            if known != gesture:
                self._require_free(dataset, known, besides=gesture)
                rename_gesture(dataset, gesture, known)
        return known

    def delete_gesture(self, gesture: str) -> bool:
        """Moves a gesture with all its takes to the trash; whether `undo` brings it back (not without takes).

        Raises:
            StudioError: there is no such gesture.
        """
        with self._lock:
            dataset = self.open()
            self._require(dataset, gesture)
            return delete_gesture(dataset, gesture)

    def delete(self, id: str) -> None:
        """Moves a take to the trash.

        Raises:
            StudioError: there is no such take.
        """
        with self._lock:
            dataset = self.open()
            if id not in dataset:
                raise absent("take", id)
            dataset.delete(id)

    def move(self, id: str, gesture: str) -> None:
        """Gives a take to another gesture of the dataset, or to `background`.

        Raises:
            StudioError: there is no such take or gesture.
        """
        with self._lock:
            dataset = self.open()
            if id not in dataset:
                raise absent("take", id)
            if gesture != BACKGROUND:
                self._require(dataset, gesture)
            dataset.relabel(id, gesture)

    def undo(self) -> dict[str, str]:
        """Takes the last deletion or move back.

        Raises:
            StudioError: there is nothing to take back, or its name is taken by now.
        """
        with self._lock:
            dataset = self.open()
            try:
                step = dataset.undo()
            except NothingToUndoError as error:
                raise StudioError("cannot-undo", "there is nothing to take back") from error
            except DatasetError as error:
                raise StudioError("undo-blocked", str(error)) from error
        return {"action": step.action, "take": step.clip}

    def _require(self, dataset: Dataset, gesture: str) -> None:
        if gesture not in dataset.gestures:
            raise absent("gesture", gesture)

    def _require_free(self, dataset: Dataset, name: str, *, besides: str = "") -> None:
        """Names differ in more than case: not every disk tells `Wave` and `wave` apart."""
        if name != BACKGROUND and name.casefold() == BACKGROUND:
            raise _reserved()
        if name.casefold() in {other.casefold() for other in dataset.gestures if other != besides}:
            raise StudioError("taken", f"there is a gesture '{name}' already: choose another name", name=name)

    def _load(self, dataset: Dataset, entries: list[ClipEntry]) -> list[Clip]:
        """The takes that can be read; the same objects as before where nothing changed."""
        known = {}
        for entry in entries:
            key = (entry.id, entry.label, _stamp(entry))
            known[key] = self._clips[key] if key in self._clips else _loaded(dataset, entry)
        self._clips = known
        return [clip for clip in known.values() if clip is not None]

    def _doubts(self, dataset: Dataset, clips: list[Clip]) -> dict[str, TakeDoubt]:
        if self._judge is None:
            self._judge = TakeJudge(hands_matter=dataset.hands_matter)
        return self._judge.judge(clips)


def _reserved() -> StudioError:
    return StudioError("background", f"'{BACKGROUND}' is reserved for idle hands: choose another name", 422)


def _loaded(dataset: Dataset, entry: ClipEntry) -> Clip | None:
    try:
        return dataset.load(entry)
    except DatasetError:
        return None


def _stamp(entry: ClipEntry) -> int:
    """Changes when the landmarks of a take change."""
    path = entry.path / LANDMARKS
    return path.stat().st_mtime_ns if path.is_file() else 0


def _told(doubt: TakeDoubt) -> dict[str, str]:
    return {"code": doubt.code.replace(" ", "-"), "message": str(doubt), "other": doubt.other}


def _document(entry: ClipEntry) -> dict[str, Any]:
    unread = {"code": "no-landmarks", "message": "its hands were not found yet", "other": ""}
    return {
        "id": entry.id,
        "seconds": round(float(entry.timestamps[-1] - entry.timestamps[0]), 2),
        "recorded": _recorded(entry.path),
        "has_frames": entry.has_frames,
        "source": entry.source,
        "doubts": [] if entry.has_landmarks else [unread],
    }


def _damaged(folder: Path, reason: str) -> dict[str, Any]:
    doubt = {"code": "damaged", "message": f"damaged: {reason}", "other": ""}
    return {
        "id": folder.name,
        "seconds": 0.0,
        "recorded": _recorded(folder),
        "has_frames": False,
        "source": "",
        "doubts": [doubt],
    }


def _recorded(folder: Path) -> str:
    """When a take was stored, ISO 8601, UTC."""
    path = folder / CLIP_JSON
    when = (path if path.is_file() else folder).stat().st_mtime
    return datetime.fromtimestamp(when, UTC).isoformat(timespec="seconds")
