"""One training, as a program: `python -m handflow.studio.train_job PROJECT KIND`.

It tells in `training.json` how far it is, puts the model to use when it is done, and leaves nothing behind
when it is cancelled.
"""

import _thread
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from handflow.atomic import PARTIAL, sweep
from handflow.data import load_takes
from handflow.data.naming import natural_paths
from handflow.errors import HandflowError
from handflow.recognize.model_folder import read_model_info, replace_model_info
from handflow.studio.errors import code_of
from handflow.studio.lock import FileLock
from handflow.studio.notes import write_notes
from handflow.studio.training import CANCEL, LOCK, TrainingState, write_state
from handflow.studio.workspace import DATASET, Project
from handflow.types import Clip

_LOOK = 0.2  # seconds between two looks for a wish to cancel
_PATIENCE = 10.0  # seconds until an earlier training has let go
_LEAVING = 4.0  # seconds in which a cancelled training ends in good order
_NICE = 5  # live recognition comes first
_COMPARED = 0.75  # of an "auto" training, for the progress, is comparing

_Made = tuple[Path, dict[str, Any]]  # the folder of a model, and its advice


class Report:
    """Says how far a training is."""

    def __init__(self, folder: Path, kind: str) -> None:
        self._folder = folder
        self._state = TrainingState(state="running", kind=kind, pid=os.getpid(), started=time.time())
        self._trained_since: float | None = None
        self._share = 1.0  # of the whole, that the training itself is

    @property
    def cancelled(self) -> bool:
        """Whether somebody wants it to end."""
        return (self._folder / CANCEL).exists()

    def say(self, **changes: Any) -> None:
        """Says what has changed."""
        self._state = self._state.model_copy(update=changes)
        write_state(self._folder, self._state)

    def end(self, state: str, **changes: Any) -> None:
        """Says how it ended."""
        self.say(state=state, phase="", seconds_left=None, ended=time.time(), **changes)

    def compare(self, fold: int, folds: int, share: float) -> None:
        """Takes how much of a comparison is done."""
        self._stop_if_cancelled()
        self._share = 1 - _COMPARED
        self.say(phase="comparing", progress=round(_COMPARED * (fold + share) / folds, 3))

    def epoch(self, epoch: int, epochs: int, row: Mapping[str, float]) -> None:
        """Takes what an epoch measured, as `train.EpochReport`."""
        self._stop_if_cancelled()
        if not epoch:
            return
        now = time.monotonic()
        if self._trained_since is None:  # the first epoch begins slowly
            self._trained_since, left = now, None
        else:
            left = round((now - self._trained_since) / (epoch - 1) * (epochs - epoch), 1)
        losses = (epoch, _rounded(row.get("train_loss")), _rounded(row.get("val_loss")))
        self.say(
            phase="training",
            epoch=epoch,
            epochs=epochs,
            loss=(*self._state.loss, losses),
            seconds_left=left,
            progress=round(1 - self._share * (1 - epoch / epochs), 3),
        )

    def _stop_if_cancelled(self) -> None:
        if self.cancelled:
            raise KeyboardInterrupt


def main(arguments: Sequence[str]) -> int:
    """Trains; 0 done, 1 failed or cancelled, 2 another training runs."""
    folder, kind = Path(arguments[0]), arguments[1]
    lock = FileLock(folder / LOCK)
    if not lock.acquire(_PATIENCE):
        print("another training runs", file=sys.stderr)
        return 2
    report = Report(folder, kind)
    report.say(phase="reading")
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have had it ignored
    if hasattr(os, "nice"):
        os.nice(_NICE)
    threading.Thread(target=_watch, args=(report,), daemon=True).start()
    project = Project(folder)
    project.models.mkdir(exist_ok=True)
    before = {path.name for path in natural_paths(project.models)}
    try:
        model = _train(project, kind, report)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # from here on it is not cancelled any more
        if report.cancelled:
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        for made in [path for path in natural_paths(project.models) if path.name not in before]:
            shutil.rmtree(made)  # training keeps the best so far
        report.end("cancelled")
        return 1
    except HandflowError as error:
        report.end("failed", code=code_of(error), message=str(error))
        return 1
    project.use_model(model.name)
    report.end("done", model=model.name, progress=1.0)
    return 0


def _train(project: Project, kind: str, report: Report) -> Path:
    sweep(project.models.glob(f"{PARTIAL}*"))  # of a training that was killed
    before, takes = project.model(), project.takes.fingerprint()
    clips = load_takes(project.folder / DATASET)
    notes: tuple[str, ...] = ()
    if kind == "auto":
        kind, notes = _better(clips, report, project)
    make = _teach if kind == "few-shot" else _fit
    model, advice = make(clips, project, report, notes)
    write_notes(model, takes, advice)
    if before is not None:
        _keep_sensitivity(before, model)
    return model


def _teach(clips: Sequence[Clip], project: Project, report: Report, notes: Sequence[str]) -> _Made:
    from handflow.teach import teach_model

    report.say(phase="training")
    taught = teach_model(clips, project.models, dataset=project.folder / DATASET, notes=notes)
    return taught.folder, taught.advice.document()


def _fit(clips: Sequence[Clip], project: Project, report: Report, notes: Sequence[str]) -> _Made:
    from handflow.train import configured, train_model

    config, dataset = configured("landmark"), project.folder / DATASET
    report.say(phase="training", epochs=config.epochs)
    return train_model(clips, config, project.models, dataset=dataset, report=report.epoch, notes=notes), {}


def _better(clips: Sequence[Clip], report: Report, project: Project) -> tuple[str, tuple[str, ...]]:
    """The kind of model that did better on these clips, and a sentence about that."""
    from handflow.train import configured
    from handflow.train.auto import choose
    from handflow.train.models import with_dataset

    report.say(phase="comparing")
    config = with_dataset(configured("landmark"), project.folder / DATASET)
    choice = choose(clips, config, report.compare)
    return choice.kind, (f"Chosen by --model auto: {choice.why}.",)


def _keep_sensitivity(before: Path, model: Path) -> None:
    """The new model is as sensitive as the one before it was made."""
    with suppress(HandflowError):  # a model that can no longer be read has nothing to say
        wished, info = read_model_info(before).sensitivity, read_model_info(model)
        kept = {gesture: value for gesture, value in wished.items() if gesture in info.labels}
        if kept:
            replace_model_info(model, info.model_copy(update={"sensitivity": kept}))


def _watch(report: Report) -> None:
    """Ends the training soon after somebody wants it to."""
    while not report.cancelled:
        time.sleep(_LOOK)
    _thread.interrupt_main()
    time.sleep(_LEAVING)
    _thread.interrupt_main()  # training takes the first for "keep the best so far"
    # What still does not hear sits in a library; `Training.cancel` ends the process.


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 5)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
