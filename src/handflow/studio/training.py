"""Training in a process of its own: it survives the server, and whoever comes later finds it again.

The process holds `training.lock` for its life and says in `training.json` how far it is. A file that says
"running" without a process that holds the lock tells of one that was ended from outside.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from handflow.atomic import write_bytes
from handflow.errors import MissingExtraError
from handflow.extras import has_extra
from handflow.studio.errors import StudioError
from handflow.studio.lock import is_held
from handflow.studio.workspace import Project

Kind = Literal["few-shot", "landmark", "auto"]
KINDS: tuple[Kind, ...] = get_args(Kind)
STATE, LOCK, CANCEL, LOG = "training.json", "training.lock", "training.cancel", "training.log"

_BEGINNING = 60.0  # seconds that a process may take to hold its lock: a slow disk loads Python slowly
_ENDING = 8.0  # seconds that a cancelled training gets to tidy up
_STEP = 0.1  # seconds between two looks


class TrainingState(BaseModel):
    """`training.json`: how far a training is, or how it ended."""

    model_config = ConfigDict(frozen=True)

    state: Literal["none", "running", "done", "failed", "cancelled"] = "none"
    kind: str = ""
    pid: int | None = None  # None: it has not said so yet
    started: float = 0.0  # seconds since the epoch
    ended: float | None = None
    phase: Literal["starting", "reading", "comparing", "training", ""] = ""
    progress: float | None = None  # 0 to 1 of all; None: not known
    epoch: int = 0
    epochs: int = 0  # at most: training ends early when it stops improving
    loss: tuple[tuple[int, float | None, float | None], ...] = ()  # epoch, of training, of validation windows
    seconds_left: float | None = None  # at most
    code: str = ""  # of what went wrong
    message: str = ""
    model: str = ""  # the folder that came of it


def read_state(folder: Path) -> TrainingState:
    """What a project's folder says about its last training."""
    try:
        return TrainingState.model_validate_json((folder / STATE).read_bytes())
    except (FileNotFoundError, ValidationError):
        return TrainingState()


def write_state(folder: Path, state: TrainingState) -> None:
    """Says it, whole or not at all."""
    write_bytes(folder / STATE, (state.model_dump_json(exclude_none=True) + "\n").encode())


def kinds() -> dict[str, bool]:
    """Kinds of model, and whether the packages that training one needs are there."""
    networks = has_extra("train")
    return {kind: kind == "few-shot" or networks for kind in KINDS}


class Training:
    """The training of one project."""

    def __init__(self, project: Project) -> None:
        self._project, self._folder = project, project.folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, kind: str) -> TrainingState:
        """Starts one.

        Raises:
            StudioError: one runs already, there is nothing to train on, or nobody knows the kind.
            MissingExtraError: packages are missing.
        """
        if kind not in KINDS:
            raise StudioError("absent", f"no kind of model '{kind}': choose one of {', '.join(KINDS)}", 422)
        if not kinds()[kind]:
            raise MissingExtraError(f"training a {kind} model", "train")
        with self._project.lock:
            if self.state().state == "running":
                raise StudioError(
                    "training-runs", "a training runs already: cancel it, or wait until it is done"
                )
            if not any(self._project.takes.counts().values()):
                raise StudioError("no-takes", "there are no takes yet: record some first")
            (self._folder / CANCEL).unlink(missing_ok=True)
            state = TrainingState(state="running", kind=kind, started=time.time(), phase="starting")
            write_state(self._folder, state)
            command = [sys.executable, "-m", "handflow.studio.train_job", str(self._folder.absolute()), kind]
            with (self._folder / LOG).open("wb") as out:
                self._process = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, **_detached()
                )
        return state

    def state(self) -> TrainingState:
        """How far it is."""
        state = read_state(self._folder)
        if state.state != "running" or self._lives(state):
            return state
        again = read_state(self._folder)  # it may have ended in good order between the two looks
        if again.state != "running":
            return again
        message = f"the training ended unexpectedly: {LOG} in {self._folder} may say why; start it again"
        return state.model_copy(update={"state": "failed", "code": "killed", "message": message, "phase": ""})

    def document(self) -> dict[str, Any]:
        """The state as JSON."""
        state = self.state()
        cancelling = state.state == "running" and (self._folder / CANCEL).exists()
        document: dict[str, Any] = json.loads(state.model_dump_json(exclude={"pid"}))
        return {**document, "cancelling": cancelling}

    def cancel(self) -> TrainingState:
        """Ends a running one and what there is of its model; returns when it is over."""
        state = self.state()
        if state.state != "running":
            return state
        (self._folder / CANCEL).touch()
        end = time.monotonic() + _ENDING
        while (state := self.state()).state == "running" or is_held(self._folder / LOCK):
            if time.monotonic() >= end:
                return self._kill(state)
            time.sleep(_STEP)
        if state.code == "killed":  # it had not begun to look for the wish
            state = _cancelled(state)
            write_state(self._folder, state)
        return state

    def _lives(self, state: TrainingState) -> bool:
        ended = self._process is not None and self._process.poll() is not None
        if is_held(self._folder / LOCK):
            return True
        # It may not hold its lock yet.
        return state.pid is None and not ended and abs(time.time() - state.started) < _BEGINNING

    def _kill(self, state: TrainingState) -> TrainingState:
        """Ends a process that does not end by itself."""
        if state.pid is not None and is_held(self._folder / LOCK):
            with suppress(ProcessLookupError):
                os.kill(state.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
            end = time.monotonic() + _ENDING
            while is_held(self._folder / LOCK) and time.monotonic() < end:
                time.sleep(_STEP)
        elif self._process is not None:
            self._process.kill()
        if state.state == "running":  # else it had ended and only hung on its way out
            state = _cancelled(state)
            write_state(self._folder, state)
        return state  # the wish stays until the next start: a process that begins only now sees it


def _cancelled(state: TrainingState) -> TrainingState:
    return state.model_copy(
        update={"state": "cancelled", "code": "", "message": "", "phase": "", "ended": time.time()}
    )


def _detached() -> Mapping[str, Any]:
    """How a process is started that outlives this one and hears no Ctrl-C of its terminal."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.DETACHED_PROCESS}
    return {"start_new_session": True}
