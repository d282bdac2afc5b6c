"""Teaches models again and again for a protocol, and stops when the user does."""

import dataclasses
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import typer

from handflow.errors import MissingExtraError
from handflow.evaluate.clips import classify_clip
from handflow.evaluate.protocols import Classify, Run, Teach
from handflow.recognize import load_recognizer
from handflow.types import Clip


class _Cancelled(Exception):  # noqa: N818 - nothing went wrong
    """Ends a training in the background."""


def run_all(
    runs: Iterator[Run], cancelled: threading.Event, on_run: Callable[[int], None]
) -> tuple[list[Run], bool]:
    """All runs, or those done until Ctrl-C, and whether it came.

    They run beside the main thread, because training takes Ctrl-C for itself where it can: it would end one
    training early and go on with the next.
    """
    done: list[Run] = []
    with ThreadPoolExecutor(1) as worker:
        while True:
            future = worker.submit(next, runs, None)
            try:
                while not future.done():
                    wait([future], timeout=0.2)  # one without end could not be interrupted on Windows
            except KeyboardInterrupt:
                cancelled.set()
                return done, True
            run = future.result()
            if run is None:
                return done, False
            done.append(run)
            on_run(len(done))


def teacher(
    kind: str | None,
    dataset: Path,
    seed: int,
    folder: Path,
    cancelled: threading.Event,
    on_epoch: Callable[[float], None],
) -> Teach:
    """Teaches a kind of model; those that are trained in a folder of their own that is removed at the end."""
    if kind in (None, "few-shot"):
        return _few_shot(dataset, on_epoch, cancelled)
    try:
        from handflow.train import MODELS, configured, train_model
    except ModuleNotFoundError as error:
        raise MissingExtraError("teaching models for a protocol", "train") from error
    if kind not in MODELS:
        known = ", ".join(("few-shot", *MODELS))
        raise typer.BadParameter(f"there is no kind of model '{kind}': choose one of {known}")
    taught = 0

    def teach(clips: list[Clip]) -> Classify:
        nonlocal taught
        config = configured(kind, seed=seed)

        def told(epoch: int, epochs: int, row: object) -> None:
            if cancelled.is_set():
                raise _Cancelled
            on_epoch(taught + min(epoch / epochs, 0.99))

        recognizer = load_recognizer(
            train_model(_enough(clips), config, folder, dataset=dataset, report=told)
        )
        taught += 1
        return lambda clip: classify_clip(recognizer, clip)[0]

    return teach


def _few_shot(dataset: Path, on_epoch: Callable[[float], None], cancelled: threading.Event) -> Teach:
    from handflow.data import Dataset
    from handflow.teach.memory import FewShotMemory

    matter = dataset.is_dir() and Dataset.open(dataset).hands_matter
    memory, taught = FewShotMemory(hands_matter=matter), 0

    def teach(clips: list[Clip]) -> Classify:
        nonlocal taught
        if cancelled.is_set():
            raise _Cancelled
        classify = memory.teach(clips)
        taught += 1
        on_epoch(taught - 0.5)
        return classify

    return teach


def _enough(clips: list[Clip]) -> list[Clip]:
    """Doubles the clips where some gesture has a single one.

    Training must set clips aside to know when to stop; with one of a gesture it can only look at that one.
    """
    labels = [clip.label for clip in clips]
    if all(labels.count(label) > 1 for label in set(labels)):
        return clips
    return clips + [dataclasses.replace(clip, id=f"{clip.id}-again") for clip in clips]
