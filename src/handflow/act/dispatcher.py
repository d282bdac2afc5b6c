"""Performs actions off the recognition's thread: a bounded queue and a worker for each kind of action.

An event's actions are performed one after the other; each is handed to the worker of its kind when the
one before is done, so that what hangs holds up its own binding and its own kind alone. Nothing is performed
twice: what fails is told, not tried again (a webhook has retries of its own).
"""

import logging
import queue
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from handflow.act.action import Performer
from handflow.act.actions import ACTIONS
from handflow.act.bindings import Action, Bindings
from handflow.act.outcome import Outcome
from handflow.act.switchboard import Choice
from handflow.errors import ActionError

_log = logging.getLogger("handflow.act")

ENDING = 3.0
"""Seconds that workers get to end once they are told to."""


@dataclass(frozen=True, slots=True)
class _Job:
    """What is left to do for an event."""

    choice: Choice
    place: int  # of the next action in the binding
    since: float  # time.monotonic() when it was put into the queue it waits in

    @property
    def action(self) -> Action:
        """The next one."""
        return self.choice.binding.do[self.place]


class Dispatcher:
    """Performs what the switchboard chose: `start()`, then `perform()` returns at once, `close()` ends all.

    Before `start()` actions wait.

    Args:
        bindings: which kinds are needed, where they go, and how long an action may wait.
        report: told what became of each action, by the threads that perform them.
        actions: kinds of action by name.

    Raises:
        MissingExtraError: packages of a kind are missing.
    """

    def __init__(self, bindings: Bindings, report: Callable[[Outcome], None], actions: Any = ACTIONS) -> None:
        self._report, self._max_delay = report, bindings.max_delay
        self._finish = bindings.on_exit == "finish"
        self.counts: Counter[str] = Counter()  # of outcomes
        self._lock = threading.Lock()
        self._workers: dict[str, _Worker] = {}
        performers = {kind: actions[kind].perform_by(bindings) for kind in bindings.kinds}
        for kind, performer in performers.items():
            self._workers[kind] = _Worker(kind, performer, actions[kind].queue, self)

    def start(self) -> None:
        """Starts the workers."""
        for worker in self._workers.values():
            worker.thread.start()

    def perform(self, choice: Choice) -> None:
        """Hands the actions of a choice over; if too many wait, it is dropped and counted."""
        self.hand_over(_Job(choice, 0, time.monotonic()))

    def hand_over(self, job: _Job) -> None:
        """Puts a job into the queue of its next action's kind."""
        if not self._workers[job.action.kind].put(job):
            self.drop(job, "too many actions wait")

    def drop(self, job: _Job, why: str) -> None:
        """Reports that the rest of a job is not performed."""
        for action in job.choice.binding.do[job.place :]:
            self.tell(Outcome.of(job.choice.event, action, "dropped", why))

    def tell(self, outcome: Outcome) -> None:
        """Counts and reports."""
        with self._lock:
            self.counts[outcome.outcome] += 1
        self._report(outcome)

    def is_late(self, job: _Job) -> bool:
        """Whether a job has waited so long that its action would surprise."""
        return time.monotonic() - job.since > self._max_delay

    def close(self, *, finish: bool = False) -> None:
        """Ends all workers and releases all keys.

        Args:
            finish: first do what waits, in a few seconds; else as the bindings say.
        """
        if finish or self._finish:
            end = time.monotonic() + ENDING + self._max_delay
            while any(worker.busy for worker in self._workers.values()) and time.monotonic() < end:
                time.sleep(0.01)
        for worker in self._workers.values():
            worker.stop()
        end = time.monotonic() + ENDING
        for worker in self._workers.values():
            if worker.thread.ident is not None:  # else it was never started
                worker.thread.join(max(0.0, end - time.monotonic()))
            if worker.thread.is_alive():
                _log.warning("%s hangs and is left behind", worker.kind)
            worker.forget()


class _Worker:
    """The thread of one kind of action."""

    def __init__(self, kind: str, performer: Performer[Any], room: int, dispatcher: Dispatcher) -> None:
        self.kind = kind
        self._performer, self._dispatcher = performer, dispatcher
        self._queue: queue.Queue[_Job | None] = queue.Queue(room)
        self._stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, name=f"act {kind}", daemon=True)

    @property
    def busy(self) -> bool:
        """Whether actions wait or one is performed."""
        return self._queue.unfinished_tasks > 0 and self.thread.is_alive()

    def put(self, job: _Job) -> bool:
        """Queues a job; False where no room is left or the worker is told to end."""
        if self._stopping.is_set():
            return False
        try:
            self._queue.put_nowait(job)
        except queue.Full:
            return False
        return True

    def stop(self) -> None:
        """Ends the thread after the action it performs."""
        self._stopping.set()
        self._performer.stop()
        with suppress(queue.Full):  # then it is awake
            self._queue.put_nowait(None)

    def forget(self) -> None:
        """Drops what still waits, because the thread hangs or was never started."""
        with suppress(queue.Empty):
            while True:
                job = self._queue.get_nowait()
                if job is not None:
                    self._dispatcher.drop(job, "the program ends")

    def _run(self) -> None:
        try:
            self._performer.start()
        except ActionError as error:
            _log.warning("%s: %s", self.kind, error)
        try:
            while True:
                job = self._queue.get()
                if job is not None:
                    self._take(job)
                self._queue.task_done()
                if self._stopping.is_set() and self._queue.empty():
                    return
        finally:
            self._performer.close()

    def _take(self, job: _Job) -> None:
        """Performs the job's next action and hands the job on."""
        if self._stopping.is_set():
            self._dispatcher.drop(job, "the program ends")
            return
        if self._dispatcher.is_late(job):
            self._dispatcher.drop(job, "it waited too long")
            return
        event, action = job.choice.event, job.action
        why, begin = "", time.perf_counter()
        try:
            self._performer.perform(action.settings, event)
        except ActionError as error:
            why = str(error)
        except Exception as error:  # noqa: BLE001  a fault of one kind of action must not end the others
            _log.exception("%s", action.describe())
            why = type(error).__name__
        seconds = time.perf_counter() - begin
        outcome = Outcome.of(event, action, "failed" if why else "performed", why, seconds)
        self._dispatcher.tell(outcome)
        if job.place + 1 < len(job.choice.binding.do):
            self._dispatcher.hand_over(_Job(job.choice, job.place + 1, time.monotonic()))
