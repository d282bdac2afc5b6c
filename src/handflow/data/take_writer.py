"""Saves takes in the background, so that the loop that reads the camera never waits for the disk."""

import errno
import logging
import threading
from dataclasses import dataclass, replace
from queue import Queue
from typing import Protocol

from handflow.data.dataset import ClipEntry, Dataset
from handflow.data.landmarks import GIVEN
from handflow.data.pictures import PackedFrame
from handflow.data.take import Take
from handflow.errors import DatasetError
from handflow.types import Clip, Frame

log = logging.getLogger(__name__)

_WAITING_TAKES = 3  # takes in memory at most (a take of 1.5 s in 640x480 is 40 MB); then `add` waits


@dataclass(frozen=True, slots=True)
class TakeLabels:
    """What all takes of one recording share."""

    gesture: str
    stamp: str  # begins the ids of the clips: the time of the start
    source: str = ""
    subject: str | None = None
    session: str | None = None
    landmarker: str = GIVEN  # version of the landmarker that finds the hands


class ClipStore(Protocol):
    """What the writer needs of a dataset."""

    def add(
        self, clip: Clip, frames: list[Frame | PackedFrame] | None = None, *, landmarker: str = GIVEN
    ) -> ClipEntry: ...
    def delete(self, id: str) -> None: ...


class TakeWriter:
    """Writes takes to a dataset from a thread of its own; each is whole on disk or absent.

    A context manager: leaving it waits for what is still to be written. What fails is kept in `failure`;
    takes added after a failure are not written and counted as `lost`.
    """

    def __init__(self, dataset: Dataset | ClipStore, labels: TakeLabels) -> None:
        self.labels = labels
        self.saved: list[ClipEntry] = []
        self.undone = 0
        self.lost = 0
        self.failure: Exception | None = None
        self._dataset = dataset
        self._number = 0
        self._queue: Queue[tuple[Take, TakeLabels] | str] = Queue(_WAITING_TAKES)
        # A daemon: a second Ctrl-C ends the program at once, and writes are atomic.
        self._thread = threading.Thread(target=self._work, name="take writer", daemon=True)
        self._thread.start()

    def __enter__(self) -> "TakeWriter":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def add(self, take: Take, source: str | None = None) -> None:
        """Hands over a complete take; returns at once unless the disk is several takes behind.

        Args:
            take: the take.
            source: where it comes from; None: as the labels say.
        """
        labels = self.labels if source is None else replace(self.labels, source=source)
        self._queue.put((take, labels))

    def undo(self) -> None:
        """Deletes the last take that was added and not yet undone (to the dataset's trash)."""
        self._queue.put("undo")

    def close(self) -> None:
        """Waits until all is written. May be called twice."""
        if self._thread.is_alive():
            self._queue.put("close")
            self._thread.join()

    def check(self) -> None:
        """Raises what went wrong in the background.

        Raises:
            DatasetError: the disk is full, or the dataset refused a take; names what is kept.
        """
        error = self.failure
        if error is None:
            return
        kept = len(self.saved)
        if isinstance(error, OSError):
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            what = "the disk is full" if full else f"{error.strerror or error}"
            remedy = "free some space and record on" if full else "check the dataset's folder and record on"
            raise DatasetError(
                f"take {kept + 1} could not be saved, {what}: {kept} complete take{'s are' * (kept != 1)}"
                f"{' is' * (kept == 1)} kept; {remedy}"
            ) from error
        raise error

    def _work(self) -> None:
        while (job := self._queue.get()) != "close":
            if self.failure is not None:
                self.lost += isinstance(job, tuple)
                continue
            try:
                self._do(job)
            except Exception as error:
                log.debug("writing failed", exc_info=True)
                self.failure = error
                self.lost += isinstance(job, tuple)

    def _do(self, job: tuple[Take, TakeLabels] | str) -> None:
        if isinstance(job, tuple):
            take, labels = job
            self._number += 1
            clip = Clip(
                id=f"{labels.stamp}_{self._number:03d}",
                label=labels.gesture,
                sequence=take.sequence,
                frame_size=take.frame_size,
                subject=labels.subject,
                session=labels.session,
                source=labels.source,
            )
            frames = list(take.frames) or None
            self.saved.append(self._dataset.add(clip, frames, landmarker=labels.landmarker))
        elif self.saved:
            self._dataset.delete(self.saved[-1].id)
            self.saved.pop()
            self.undone += 1
