"""A dataset on disk: gestures, each with its recorded clips. One class, a few lines above 400 with its docs.

my-gestures/
  dataset.json                     format version, gestures, flip map, hands matter or not
  clips/<gesture>/<clip id>/       one recorded clip; the folder's name is its gesture
    clip.json                      timestamps, source, subject, session, frame size, software version
    frames/0001.jpg …              optional: a dataset may hold landmarks alone
    landmarks.npz                  made at recording or by `handflow extract`
  trash/                           what was deleted, with a journal to undo it
"""

import errno
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np

from handflow.atomic import staging_folder
from handflow.data.landmarks import GIVEN, StoredLandmarks, read_landmarks, write_landmarks
from handflow.data.layout import (
    CLIP_JSON,
    CLIPS,
    DATASET_JSON,
    FRAMES,
    LANDMARKS,
    ClipEntry,
    PassingFrames,
    entry_of,
    format_version,
    frame_paths,
    write_frames,
)
from handflow.data.meta import (
    FORMAT_VERSION,
    ClipMeta,
    DatasetMeta,
    new_clip_meta,
    parse_dataset_meta,
    read_clip_meta,
    read_json,
    write_meta,
)
from handflow.data.naming import clip_id, gesture_name, natural_paths
from handflow.data.pictures import PackedFrame, read_picture
from handflow.data.stored_frames import StoredFrames
from handflow.data.trash import Step, Trash
from handflow.errors import DatasetError
from handflow.types import BACKGROUND, Clip, Frame, HandSequence

__all__ = ["ClipEntry", "Dataset"]


class Dataset:
    """Gestures with their clips in a folder. Every write is atomic: a clip is whole or absent."""

    def __init__(self, path: Path, meta: DatasetMeta) -> None:
        self.path = path
        self._meta = meta
        self.trash = Trash(path)

    @classmethod
    def create(
        cls,
        path: str | Path,
        *,
        gestures: Iterable[str] = (),
        flip_map: Mapping[str, str] | None = None,
        hands_matter: bool = False,
        exist_ok: bool = False,
    ) -> "Dataset":
        """Makes an empty dataset.

        Args:
            path: a folder that is absent or empty.
            gestures: names that are known from the start; `add` adds others.
            flip_map: gesture → gesture that it becomes in a mirror; goes both ways.
            hands_matter: whether the same motion of the other hand is another gesture.
            exist_ok: open the dataset where there is one already.

        Raises:
            DatasetError: something else lies there, or a name cannot be a gesture.
        """
        path = Path(path)
        if exist_ok and (path / DATASET_JSON).exists():
            return cls.open(path)
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            what = "already a dataset" if (path / DATASET_JSON).exists() else "no empty folder"
            raise DatasetError(f"{path} is {what}: name a new folder")
        meta = DatasetMeta(
            gestures=tuple(dict.fromkeys(gesture_name(g) for g in gestures)),
            flip_map={gesture_name(a): gesture_name(b) for a, b in (flip_map or {}).items()},
            hands_matter=hands_matter,
        )
        path.mkdir(parents=True, exist_ok=True)
        write_meta(path / DATASET_JSON, meta)
        return cls(path, meta)

    @classmethod
    def open(cls, path: str | Path) -> "Dataset":
        """Opens a dataset.

        Raises:
            DatasetError: there is none, it is damaged, or of an older or newer format version.
        """
        path = Path(path)
        file = path / DATASET_JSON
        if not path.is_dir():
            raise DatasetError(f"no dataset at {path}: no such folder")
        if not file.is_file():
            remedy = (
                f"run `handflow check --fix {path}`" if (path / CLIPS).is_dir() else "name a dataset's folder"
            )
            raise DatasetError(f"{path} has no {DATASET_JSON}: {remedy}")
        document = read_json(file)
        version = format_version(document, file)
        if version > FORMAT_VERSION:
            raise DatasetError(
                f"{path} has format version {version}, this handflow reads {FORMAT_VERSION}: update handflow"
            )
        if version < FORMAT_VERSION:
            raise DatasetError(
                f"{path} has the old format version {version}: migrate it by `handflow check --fix {path}`"
            )
        return cls(path, parse_dataset_meta(document, file))

    @property
    def gestures(self) -> tuple[str, ...]:
        """All gestures, the declared ones first, then those that only have a folder."""
        return tuple(dict.fromkeys((*self._meta.gestures, *(p.name for p in self._gesture_folders()))))

    @property
    def flip_map(self) -> dict[str, str]:
        """Gesture → gesture that it becomes in a mirror, both ways. Empty: flips are not used."""
        return dict(self._meta.flip_map)

    @property
    def hands_matter(self) -> bool:
        """Whether the same motion of the other hand is another gesture."""
        return self._meta.hands_matter

    def entries(self) -> list[ClipEntry]:
        """All clips, by gesture and natural order of their ids; reads each `clip.json` and nothing else.

        Raises:
            DatasetError: a clip is damaged.
        """
        entries, damaged = self.scan()
        if damaged:
            folder, reason = damaged[0]
            more = f" (and {len(damaged) - 1} more)" if len(damaged) > 1 else ""
            raise DatasetError(
                f"clip '{folder.name}' is damaged{more}: {reason}: run `handflow check --fix {self.path}`"
            )
        return entries

    def scan(self) -> tuple[list[ClipEntry], list[tuple[Path, str]]]:
        """Whole clips, and the folders of damaged ones with the reason."""
        entries: list[ClipEntry] = []
        damaged: list[tuple[Path, str]] = []
        for gesture in self._gesture_folders():
            for folder in natural_paths(gesture):
                if not folder.is_dir():
                    continue
                try:
                    entries.append(entry_of(folder, read_clip_meta(folder / CLIP_JSON)))
                except DatasetError as error:
                    damaged.append((folder, str(error)))
        return entries, damaged

    def __contains__(self, id: object) -> bool:
        """Whether there is a clip, whole or damaged, with an id."""
        return isinstance(id, str) and self._folder_of(id) is not None

    def find(self, wanted: str) -> ClipEntry:
        """The clip with an id.

        Raises:
            DatasetError: there is none, or it is damaged.
        """
        folder = self._required(wanted)
        return entry_of(folder, read_clip_meta(folder / CLIP_JSON))

    def load(self, entry: ClipEntry) -> Clip:
        """A clip with its landmarks.

        Raises:
            DatasetError: it has none yet, or they are damaged.
        """
        if not entry.has_landmarks:
            raise DatasetError(f"clip '{entry.id}' has no landmarks yet: run `handflow extract {self.path}`")
        return Clip(
            id=entry.id,
            label=entry.label,
            sequence=self.landmarks(entry).sequence,
            frame_size=entry.frame_size,
            subject=entry.subject,
            session=entry.session,
            source=entry.source,
            frames=StoredFrames(self, entry) if entry.has_frames else None,
        )

    def landmarks(self, entry: ClipEntry) -> StoredLandmarks:
        """The landmarks of a clip with the version of their landmarker.

        Raises:
            DatasetError: they are missing or damaged.
        """
        stored = read_landmarks(entry.path / LANDMARKS)
        if not np.array_equal(stored.sequence.timestamps, entry.timestamps):
            raise DatasetError(
                f"clip '{entry.id}': {LANDMARKS} and {CLIP_JSON} hold different timestamps: "
                f"run `handflow check --fix {self.path}`"
            )
        return stored

    def frames(self, entry: ClipEntry) -> Iterator[Frame]:
        """The pictures of a clip, unmirrored, with their timestamps; nothing where none are stored.

        Raises:
            DatasetError: a picture is missing or damaged.
        """
        if not entry.has_frames:
            return
        paths = frame_paths(entry.path)
        if len(paths) != len(entry.timestamps):
            raise DatasetError(
                f"clip '{entry.id}' has {len(paths)} pictures and {len(entry.timestamps)} timestamps: "
                f"run `handflow check --fix {self.path}`"
            )
        for index, (path, time) in enumerate(zip(paths, entry.timestamps, strict=True)):
            yield Frame(read_picture(path), float(time), index)

    def add(
        self,
        clip: Clip,
        frames: Iterable[Frame | PackedFrame] | None = None,
        *,
        landmarker: str = GIVEN,
        assumed_fps: float | None = None,
        digest: str | None = None,
    ) -> ClipEntry:
        """Stores a clip with its landmarks, whole or not at all.

        Args:
            clip: the clip; where its id is taken or empty it gets another one, which the entry says.
            frames: its pictures, unmirrored, one for each timestamp; None: landmarks alone.
            landmarker: version of the landmarker that found the landmarks.
            assumed_fps: the rate that was assumed where the source told no times.
            digest: of what was imported.

        Raises:
            DatasetError: an unsafe name, or frames that do not fit the landmarks.
            OSError: the disk is full; nothing of the clip stays.
        """
        meta = new_clip_meta(
            clip.id,
            timestamps=clip.sequence.timestamps.tolist(),
            frame_size=clip.frame_size,
            source=clip.source,
            subject=clip.subject,
            session=clip.session,
            assumed_fps=assumed_fps,
            digest=digest,
        )
        gesture = gesture_name(clip.label)
        with staging_folder(self.path / CLIPS / gesture) as folder:
            if frames is not None:
                times, size = write_frames(folder / FRAMES, frames)
                if len(times) != len(meta.timestamps):
                    raise DatasetError(
                        f"clip '{clip.id}' has {len(times)} frames and landmarks for {len(meta.timestamps)}"
                    )
                if size != tuple(meta.frame_size):
                    raise DatasetError(
                        f"clip '{clip.id}' says {meta.frame_size} pixels, its frames have {size}"
                    )
            write_landmarks(folder / LANDMARKS, clip.sequence, landmarker)
            return self._finish(folder, gesture, clip.id, meta)

    def add_frames(
        self,
        gesture: str,
        frames: Iterable[Frame],
        *,
        id: str = "",
        source: str = "",
        subject: str | None = None,
        session: str | None = None,
        assumed_fps: float | None = None,
        digest: str | None = None,
        find: Callable[[Iterable[Frame]], HandSequence] | None = None,
        landmarker: str = GIVEN,
        keep: bool = True,
    ) -> ClipEntry:
        """Stores pictures, whole or not at all, with the landmarks that are found in them on the way.

        Args:
            gesture: what they show.
            frames: unmirrored pictures; each is asked for once.
            id, source, subject, session, assumed_fps, digest: as in `add`.
            find: finds the landmarks of all frames; None: `handflow extract` does later.
            landmarker: version of what `find` finds.
            keep: write the pictures; False: the landmarks alone stay.

        Raises:
            DatasetError: an unsafe name, no frame, frames of different sizes, or times that do not increase.
            OSError: the disk is full; nothing of the clip stays.
        """
        gesture = gesture_name(gesture)
        with staging_folder(self.path / CLIPS / gesture) as folder:
            passing = PassingFrames(frames, folder / FRAMES if keep else None)
            sequence = find(passing) if find is not None else None
            for _ in passing if sequence is None else ():
                pass
            meta = new_clip_meta(
                id or source,
                timestamps=passing.times,
                frame_size=passing.size,
                source=source,
                subject=subject,
                session=session,
                assumed_fps=assumed_fps,
                digest=digest,
            )
            if sequence is not None:
                write_landmarks(folder / LANDMARKS, sequence, landmarker)
            return self._finish(folder, gesture, id, meta)

    def store_landmarks(self, entry: ClipEntry, sequence: HandSequence, landmarker: str) -> None:
        """Writes or replaces the landmarks of a clip, whole or not at all."""
        write_landmarks(entry.path / LANDMARKS, sequence, landmarker)

    def delete(self, id: str) -> None:
        """Moves a clip, damaged or not, to the trash; `undo` brings it back.

        Raises:
            DatasetError: there is no such clip.
        """
        self.trash.discard(self._required(id), id)

    def relabel(self, id: str, gesture: str, *, new: bool = False) -> ClipEntry:
        """Gives a clip another gesture; `undo` takes it back.

        Args:
            id: the clip.
            gesture: one of `gestures`, or `background`.
            new: allow a gesture that the dataset does not know yet.

        Raises:
            DatasetError: there is no such clip, or no such gesture.
        """
        entry = self.find(id)
        gesture = self.known_gesture(gesture, new=new)
        if gesture != entry.label:
            self.trash.move(entry.path, self.path / CLIPS / gesture / id, id)
            self.declare((gesture,))
        return self.find(id)

    def known_gesture(self, name: str, *, new: bool = False) -> str:
        """The name in its normal form.

        Raises:
            DatasetError: it cannot be a gesture, or the dataset lacks it and `new` is False.
        """
        gesture = gesture_name(name)
        if not new and gesture not in (*self.gestures, BACKGROUND):
            known = ", ".join(self.gestures) or "none yet"
            raise DatasetError(
                f"no gesture '{gesture}' in {self.path} (it has {known}): --new-gesture adds it"
            )
        return gesture

    def undo(self) -> Step:
        """Takes the last `delete` or `relabel` back.

        Raises:
            DatasetError: there is nothing to undo.
        """
        return self.trash.undo()

    def _finish(self, folder: Path, gesture: str, wish: str, meta: ClipMeta) -> ClipEntry:
        write_meta(folder / CLIP_JSON, meta)
        self.declare((gesture,))  # before the rename: a disk that is full by now leaves no clip
        base = clip_id(wish)
        number = 1 if base else sum(1 for _ in folder.parent.iterdir())
        while True:
            name = (base if number == 1 else f"{base}-{number}") if base else f"{gesture}-{number:04d}"
            number += 1
            if self._folder_of(name) is not None:
                continue
            try:
                folder.rename(folder.parent / name)
            except OSError as error:  # another process took the name between the look and the rename
                if error.errno in (errno.EEXIST, errno.ENOTEMPTY):
                    continue
                raise
            break
        return entry_of(folder.parent / name, meta)

    def declare(self, gestures: Iterable[str]) -> None:
        """Writes down gestures that the dataset does not know yet; adding a clip does so for its own."""
        new = [g for g in map(gesture_name, gestures) if g not in self._meta.gestures]
        if new:
            # Another process may have declared gestures meanwhile; those in folders count in any case.
            current = parse_dataset_meta(read_json(self.path / DATASET_JSON), self.path / DATASET_JSON)
            known = tuple(dict.fromkeys((*current.gestures, *new)))
            self._meta = current.model_copy(update={"gestures": known})
            write_meta(self.path / DATASET_JSON, self._meta)

    def knowing(self, gestures: Iterable[str]) -> "Dataset":
        """This dataset for a process beside others: it leaves it to another to `declare` these gestures."""
        known = tuple(dict.fromkeys((*self._meta.gestures, *gestures)))
        return Dataset(self.path, self._meta.model_copy(update={"gestures": known}))

    def _gesture_folders(self) -> list[Path]:
        clips = self.path / CLIPS
        return [p for p in natural_paths(clips) if p.is_dir()] if clips.is_dir() else []

    def _folder_of(self, id: str) -> Path | None:
        if not id or id != clip_id(id):
            return None
        return next((g / id for g in self._gesture_folders() if (g / id).is_dir()), None)

    def _required(self, id: str) -> Path:
        folder = self._folder_of(id)
        if folder is None:
            raise DatasetError(f"no clip '{id}' in {self.path}: `handflow review` shows the ids of all clips")
        return folder
