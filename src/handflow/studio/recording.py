"""Recording at the desk: which takes are recorded, and what became of each."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from handflow.data.dataset import ClipEntry
from handflow.data.idle_recorder import IdleConfig, IdleRecorder
from handflow.data.landmarks import GIVEN
from handflow.data.naming import gesture_name
from handflow.data.pictures import PackedFrame
from handflow.data.recorder import Recorder
from handflow.data.take import Phase, RecorderConfig, RecorderState, Take
from handflow.data.take_writer import TakeLabels, TakeWriter
from handflow.hands.slots import SlottedHands
from handflow.studio.errors import StudioError
from handflow.studio.orders import Record
from handflow.studio.workspace import Project
from handflow.types import BACKGROUND, Clip, Frame

Tell = Callable[[dict[str, Any]], None]
"""Takes a message for the page; any thread may call it."""

_LONGEST_TAKE = 20.0  # seconds of a take that ends by the clock


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """A frame, and what the desk knows of it."""

    frame: Frame
    slotted: SlottedHands
    received: float  # time.perf_counter()
    packed: PackedFrame  # the picture for the disk and the page


class Mode(Protocol):
    """What the desk does with the hands of each frame. One thread calls all of it."""

    name: str

    def update(self, shown: Shown) -> dict[str, Any]:
        """Takes a frame; what the page is told of it."""

    def restart(self, source: str) -> None:
        """Frames come from another source from now on, or its clock began anew."""

    def tick(self) -> None:
        """Called often, also while no frame comes.

        Raises:
            HandflowError: it cannot go on.
        """

    def close(self) -> None:
        """Ends it: what is complete stays."""


class Looking:
    """Shows hands and nothing else."""

    name = "look"

    def update(self, shown: Shown) -> dict[str, Any]:
        """Nothing to add."""
        return {}

    def restart(self, source: str) -> None:
        """Nothing to forget."""

    def tick(self) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to end."""


class _Shelf:
    """A dataset that a thread writes to while others change it."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._dataset = project.takes.open()

    def add(
        self, clip: Clip, frames: list[Frame | PackedFrame] | None = None, *, landmarker: str = GIVEN
    ) -> ClipEntry:
        with self._project.lock:
            return self._dataset.add(clip, frames, landmarker=landmarker)

    def delete(self, id: str) -> None:
        with self._project.lock:
            if id in self._dataset:  # else somebody else has deleted it already
                self._dataset.delete(id)


class Keeper:
    """Stores takes of one gesture and says when each is on disk.

    Args:
        project: whose.
        gesture: what they show.
        session: the sitting they belong to.
        landmarker: version of the landmarker that finds the hands.
        kept: told the id of each take that is on disk.
        undone: told the id of each that was taken back.
    """

    def __init__(
        self,
        project: Project,
        gesture: str,
        *,
        session: str,
        landmarker: str,
        kept: Callable[[str], None],
        undone: Callable[[str], None],
    ) -> None:
        stamp = datetime.now().astimezone().strftime("%Y-%m-%d_%H-%M-%S")
        labels = TakeLabels(gesture, stamp, session=session, landmarker=landmarker)
        self._writer = TakeWriter(_Shelf(project), labels)
        self._kept, self._undone = kept, undone
        self._given = 0
        self._told: dict[str, None] = {}  # ids in their order

    @property
    def settled(self) -> bool:
        """Whether all that it was given is on disk, and was told so."""
        return len(self._told) + self._writer.undone == self._given

    def add(self, take: Take, source: str) -> None:
        """Takes a complete take, and where it comes from."""
        self._given += 1
        self._writer.add(take, source)

    def undo(self) -> None:
        """Takes the last one back."""
        self._writer.undo()

    def tick(self) -> None:
        """Tells what came on disk and what was taken back.

        Raises:
            DatasetError: a take could not be saved.
        """
        there = dict.fromkeys(entry.id for entry in list(self._writer.saved))
        before, self._told = self._told, there
        for id in before.keys() - there.keys():
            self._undone(id)
        for id in there:
            if id not in before:
                self._kept(id)
        self._writer.check()

    def close(self) -> None:
        """Waits until all is on disk, and tells it."""
        self._writer.close()
        self.tick()


MakeKeeper = Callable[[str], Keeper]
"""Makes the keeper for takes of a gesture."""


class Recording:
    """Records takes, or idle minutes.

    Args:
        order: what to record.
        make_keeper: of where takes go.
        source: where frames come from.
        tell: takes messages for the page.

    Raises:
        DatasetError: the order names no gesture that there can be.
        StudioError: its takes would be too long.
    """

    name = "record"

    def __init__(self, order: Record, make_keeper: MakeKeeper, source: str, tell: Tell) -> None:
        self.gesture = gesture_of(order)
        self._source, self._tell = source, tell
        self._recorder: Recorder | IdleRecorder
        if order.how == "background":
            idle = IdleConfig(order.idle_seconds, countdown=order.countdown, keep_frames=order.keep_frames)
            self._recorder = IdleRecorder(idle)
        else:
            self._recorder = Recorder(recorder_config(order))
        self._keeper = make_keeper(self.gesture)  # last: it runs a thread, which only `close` ends

    def update(self, shown: Shown) -> dict[str, Any]:
        """Takes a frame; what the recorder says."""
        state = self._recorder.update(shown.frame, shown.slotted, shown.packed)
        self._pass_on(state)
        return {"recorder": _document(state)}

    def restart(self, source: str) -> None:
        """Drops a take in progress and waits anew; idle minutes are kept."""
        self._end_idle_minutes()
        self._recorder.reset()
        self._source = source

    def trigger(self) -> None:
        """Begins a take with the next frame."""
        if isinstance(self._recorder, Recorder):
            self._recorder.trigger()

    def undo(self) -> None:
        """Takes the last take back."""
        if isinstance(self._recorder, Recorder) and self._recorder.undo():
            self._keeper.undo()

    def tick(self) -> None:
        """Tells of takes that are on disk by now.

        Raises:
            DatasetError: a take could not be saved.
        """
        self._keeper.tick()

    def close(self) -> None:
        """Ends it: complete takes and idle minutes are kept."""
        self._end_idle_minutes()
        self._keeper.close()

    def _end_idle_minutes(self) -> None:
        if isinstance(self._recorder, IdleRecorder):
            self._pass_on(self._recorder.finish())

    def _pass_on(self, state: RecorderState) -> None:
        if state.take is not None:
            self._keeper.add(state.take, self._source)
        if state.rejected is not None:
            self._tell({"type": "rejected", "code": state.code, "reason": state.rejected})


def recorder_config(order: Record) -> RecorderConfig:
    """How the takes of an order start and stop.

    By key a take starts at once. By countdown and hands-free takes follow each other by themselves, until as
    many are there as were asked for.

    Raises:
        StudioError: a take would be too long.
    """
    seconds = 1.5 if order.seconds is None else order.seconds
    if seconds > _LONGEST_TAKE:
        message = f"a take of {seconds:g} s is too long: record up to {_LONGEST_TAKE:g} s"
        raise StudioError("too-long", message, 422, most=_LONGEST_TAKE)
    return RecorderConfig(
        start={"key": "key", "countdown": "auto", "hands-free": "motion"}[order.how],  # type: ignore[arg-type]
        stop="rest" if order.how == "hands-free" and order.seconds is None else "seconds",
        seconds=seconds,
        takes=order.takes,
        countdown=order.countdown if order.how == "countdown" else 0.0,
        pause=0.5 if order.how == "key" else 1.5,
        keep_frames=order.keep_frames,
    )


def gesture_of(order: Record) -> str:
    """The gesture that an order records, in its normal form.

    Raises:
        DatasetError: it cannot name a gesture.
    """
    if order.how == "background":
        return BACKGROUND
    return gesture_name(order.gesture)


def _document(state: RecorderState) -> dict[str, Any]:
    return {
        "phase": state.phase.value,
        "code": state.code,
        "message": state.message,
        "takes": state.takes,
        "wanted": state.wanted,
        "progress": round(state.progress, 3),
        "count": state.count,
        "done": state.phase is Phase.DONE,
    }
