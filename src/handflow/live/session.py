"""A running recording: source → hands → recorder → writer in a thread, watched by a window or a terminal.

The thread keeps window and Ctrl-C alive while a camera stalls. A take is handed to the writer by this thread
within one frame, so that an interruption finds it either not complete or already on its way to the disk.
"""

import logging
import threading
import time
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Literal

from handflow.capture import Source
from handflow.data.idle_recorder import IdleConfig, IdleRecorder
from handflow.data.recorder import Recorder
from handflow.data.take import Phase, RecorderConfig, RecorderState
from handflow.data.take_writer import TakeWriter
from handflow.hands import HandLandmarker, HandSlots
from handflow.types import Frame, Hands

log = logging.getLogger(__name__)

EndedBy = Literal["source", "takes", "time", "person", "interrupt"]
STALL = 1.0  # seconds without a picture after which a display says so


@dataclass(frozen=True, slots=True, eq=False)
class LiveView:
    """The newest of what a display shows."""

    frame: Frame
    hands: Hands | None  # None: hands are not looked for
    state: RecorderState | None  # None: nothing is recorded
    arrived: float  # time.monotonic() at which it was ready


@dataclass(frozen=True, slots=True)
class RecordingPlan:
    """What the keys can switch between, and when it is over."""

    by_key: RecorderConfig
    hands_free: RecorderConfig
    begin_hands_free: bool = False
    linger: float = 0.0  # seconds after the last take in which U can still undo it


class RecordingSession:
    """Runs a source through hands and recorder: `start`, then `press` and `view` until `over`, then `finish`.

    Args:
        source: frames; closed by its owner after `finish`.
        landmarker: None: the source is only shown.
        writer: where takes go; None: nothing is recorded.
        plan: how takes start and stop, or how idle minutes are cut; needed with a writer.
    """

    def __init__(
        self,
        source: Source,
        landmarker: HandLandmarker | None,
        writer: TakeWriter | None = None,
        plan: RecordingPlan | IdleConfig | None = None,
    ) -> None:
        if writer is not None and (landmarker is None or plan is None):
            raise ValueError("recording needs a landmarker and a plan")
        self.source = source
        self.writer = writer
        self.plan = plan if isinstance(plan, RecordingPlan) else None
        self.hands_free = bool(self.plan and self.plan.begin_hands_free)
        self.view: LiveView | None = None
        self.notes: SimpleQueue[RecorderState] = SimpleQueue()  # each change of what the recorder says
        self.frames = 0
        self.ended_by: EndedBy = "person"
        self.recorder: Recorder | IdleRecorder | None = None
        if isinstance(plan, IdleConfig):
            self.recorder = IdleRecorder(plan)
        elif writer is not None and plan is not None:
            self.recorder = Recorder(plan.hands_free if self.hands_free else plan.by_key)
        self._landmarker = landmarker
        self._slots = HandSlots()
        self._keys: SimpleQueue[str] = SimpleQueue()
        self._stop = threading.Event()
        self._failure: BaseException | None = None
        self._done_at: float | None = None
        self._said = ""
        self._thread = threading.Thread(target=self._run, name="recording", daemon=True)

    def start(self) -> None:
        """Begins to read the source."""
        self._thread.start()

    def press(self, key: str) -> None:
        """Passes a key on: "r" records, "u" undoes, "h" switches hands-free, "q" ends."""
        if key == "q":
            self._stop.set()
        else:
            self._keys.put(key)

    @property
    def over(self) -> bool:
        """Whether the source has ended, all takes are there, something failed, or Q was pressed."""
        return not self._thread.is_alive() or self._stop.is_set()

    @property
    def stalled(self) -> bool:
        """Whether pictures have come and come no longer."""
        return self.view is not None and time.monotonic() - self.view.arrived > STALL

    def stop(self) -> None:
        """Ends the reading: the take in progress is dropped, complete ones and idle minutes are kept."""
        self._stop.set()
        self._thread.join(0.5)
        if self._thread.is_alive() and self.source.live:
            self.source.close()  # it waits for a camera that gives no picture
        self._thread.join(5.0)

    def finish(self) -> None:
        """Ends the reading and raises what went wrong in it.

        Raises:
            SourceError: the source is lost.
            DatasetError: a take could not be saved.
        """
        self.stop()
        if self.writer is not None:
            self.writer.close()
            self.writer.check()
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            self._read()
        except BaseException as error:  # noqa: BLE001  a thread has nobody above it: finish() raises it
            self._failure = error

    def _read(self) -> None:
        try:
            self._read_frames()
        finally:  # of takes only whole ones are kept, of idle minutes all that there are
            if isinstance(self.recorder, IdleRecorder):
                self._pass_on(self.recorder.finish())

    def _read_frames(self) -> None:
        for frame in self.source:
            if self._stop.is_set():
                return
            self._obey()
            hands = self._landmarker.update(frame) if self._landmarker is not None else None
            state = None
            if self.recorder is not None and hands is not None:
                state = self.recorder.update(frame, self._slots.update(hands))
                self._pass_on(state)
            self.frames += 1
            self.view = LiveView(frame, hands, state, time.monotonic())
            if self.writer is not None and self.writer.failure is not None:
                return
            if self._is_done(frame, state):
                self.ended_by = "takes" if self.plan is not None else "time"
                return
        self.ended_by = "source"
        if isinstance(self.recorder, Recorder):
            self._pass_on(self.recorder.finish())

    def _is_done(self, frame: Frame, state: RecorderState | None) -> bool:
        if state is None or state.phase is not Phase.DONE:
            self._done_at = None
            return False
        if self.plan is None:
            return True
        if self._done_at is None:
            self._done_at = frame.timestamp
        return frame.timestamp - self._done_at >= self.plan.linger

    def _pass_on(self, state: RecorderState) -> None:
        if state.take is not None and self.writer is not None:
            self.writer.add(state.take)
        if state.message != self._said:
            self._said = state.message
            self.notes.put(state)

    def _obey(self) -> None:
        recorder, plan = self.recorder, self.plan
        while True:
            try:
                key = self._keys.get_nowait()
            except Empty:
                return
            if not isinstance(recorder, Recorder) or plan is None or self.writer is None:
                continue
            if key == "r":
                recorder.trigger()
            elif key == "u" and recorder.undo():
                self.writer.undo()
            elif key == "h":
                self.hands_free = not self.hands_free
                recorder.configure(plan.hands_free if self.hands_free else plan.by_key)
