"""From clips to the folder of a trained model: what can be trained, and what is written."""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from safetensors.torch import save_file

from handflow.atomic import free_name, staging_folder
from handflow.data import Dataset
from handflow.errors import TrainingError
from handflow.evaluate import ClipResult, evaluate_clips
from handflow.evaluate.clips import classify_clip
from handflow.evaluate.facts import data_fingerprint, versions
from handflow.evaluate.inputs import inputs_picture
from handflow.evaluate.plots import confusion_picture, loss_picture
from handflow.evaluate.provenance import Provenance
from handflow.evaluate.report import write_report
from handflow.evaluate.stored import write_result
from handflow.recognize.loading import load_recognizer
from handflow.recognize.model_folder import NETWORK_FILE, Evaluation, ModelInfo, Spread, write_model_info
from handflow.recognize.windows import usable_hands
from handflow.train.config import TrainConfig
from handflow.train.export import export_onnx
from handflow.train.fitting import EpochReport, write_history
from handflow.train.images import train_convlstm, train_lrcn
from handflow.train.landmark import train_landmark
from handflow.train.shown import held_out_windows
from handflow.train.trained import TrainedNetwork
from handflow.types import BACKGROUND, Clip

Trainer = Callable[[Sequence[Clip], TrainConfig, EpochReport | None], TrainedNetwork]

MODELS: dict[str, Trainer] = {
    # kind: how to train it
    "landmark": train_landmark,
    "lrcn": train_lrcn,
    "convlstm": train_convlstm,
}
"""What `handflow train --model` knows. A new network is one function and one entry."""

INTERRUPTED = "Training was interrupted"
"""How the note of a model begins that Ctrl-C ended early."""
FEWEST_CLIPS = 2
"""Clips that every gesture needs: some to learn from and one to check with."""

_PACKAGES = ("numpy", "torch", "lightning", "onnx", "onnxruntime", "safetensors")  # whose versions are noted

_log = logging.getLogger(__name__)


def check_config(config: TrainConfig) -> Trainer:
    """How to train the kind of model that the configuration names.

    Raises:
        TrainingError: nobody knows it; the message lists the known ones.
    """
    if config.model not in MODELS:
        raise TrainingError(f"no kind of model '{config.model}': choose one of {', '.join(MODELS)}")
    return MODELS[config.model]


def train_model(
    clips: Sequence[Clip],
    config: TrainConfig,
    out: Path,
    *,
    dataset: Path | None = None,
    report: EpochReport | None = None,
    notes: Sequence[str] = (),
) -> Path:
    """Trains a model and writes its folder, whole or not at all.

    Args:
        clips: labelled clips of at least two labels.
        config: how to train.
        out: folder of models; the new one is named by date, time, network, loss and accuracy.
        dataset: where the clips come from, for the report; a dataset's flip map is used, and its word on
            whether hands matter, unless `config` says something itself.
        report: called after every epoch.
        notes: sentences that a reader of the results should know.

    Returns:
        the model's folder. After Ctrl-C it holds the best model so far, and its notes say so.

    Raises:
        TrainingError: the clips are not enough to train on, or the kind of model is unknown.
        DatasetError: the clips cannot be split as wished.
        KeyboardInterrupt: Ctrl-C before the first epoch was done; nothing is written.
    """
    trainer = check_config(config)
    used = usable_clips(clips)
    config = with_dataset(config, dataset)
    trained = trainer(used, config, report)
    with staging_folder(out) as folder:
        name = "features" if trained.pictures is None else "pictures"
        export_onnx(trained.network, folder / NETWORK_FILE, trained.examples, name=name)
        save_file(
            {k: v.contiguous() for k, v in trained.weights.state_dict().items()},
            folder / "weights.safetensors",
        )
        write_history(folder / "history.csv", trained.fitted.history)
        notes = [*notes, *_notes(trained, dropped=len(clips) - len(used))]
        info, result = _measured(trained, used, config, folder, notes)
        write_model_info(folder, info)
        write_result(folder, result)
        held_out = [used[i] for i in trained.tested]
        _draw(folder, trained, result)
        if trained.input_kind != "landmarks":
            inputs_picture(held_out_windows(held_out, info), folder / "inputs.png")
        now = datetime.now()  # noqa: DTZ005 - a folder is named by the clock on the user's wall
        name = (
            f"{now:%Y-%m-%d_%H-%M-%S}_{config.model}"
            f"_loss{trained.fitted.best_loss:.3f}_acc{result.accuracy:.3f}"
        )
        final = free_name(out, name)
        write_report(
            folder,
            result,
            trained_on=Provenance.of([used[i] for i in trained.learned]),
            tested_on=Provenance.of(held_out),
            history=trained.fitted.history,
            thresholds={g: t.enter for g, t in trained.thresholds.items()},
            title=f"Model {final.name}",
            model=final,
            dataset=dataset,
            notes=notes,
            tuned_on_it=not trained.untouched,
            sees=None if trained.input_kind == "landmarks" else trained.input_kind,
        )
        folder.replace(final)
    return final


def usable_clips(clips: Sequence[Clip]) -> list[Clip]:
    """The clips that show a hand; the others are named in the log.

    Raises:
        TrainingError: no clips, a single label, or too few clips of a gesture.
    """
    if not clips:
        raise TrainingError("there are no clips to train on: record some with `handflow record`")
    # Filled gaps are bridged by the feature path, in training as live.
    clips = [replace(clip, sequence=clip.sequence.measured()) for clip in clips]
    seen = [bool(usable_hands(clip.sequence.landmarks).any()) for clip in clips]
    used = [clip for clip, there in zip(clips, seen, strict=True) if there]
    without = [clip.id for clip, there in zip(clips, seen, strict=True) if not there]
    if without:
        shown = ", ".join(without[:5]) + (" …" if len(without) > 5 else "")
        _log.warning("%d of %d clips show no hand and are left out: %s", len(without), len(clips), shown)
    if not used:
        raise TrainingError(
            f"none of the {len(clips)} clips shows a hand: run `handflow check` on the dataset"
        )
    labels = Counter(clip.label for clip in used)
    if len(labels) < 2:
        raise TrainingError(
            f"all clips are of '{next(iter(labels))}': record another gesture, or '{BACKGROUND}', too"
        )
    few = {label: labels[label] for label in sorted({c.label for c in clips}) if labels[label] < FEWEST_CLIPS}
    if few:
        named = ", ".join(f"'{label}' ({count})" for label, count in few.items())
        raise TrainingError(
            f"too few clips that show a hand: {named}; record at least {FEWEST_CLIPS} of each gesture"
        )
    return used


def with_dataset(config: TrainConfig, dataset: Path | None) -> TrainConfig:
    """The configuration with the flip map of a dataset and its word on whether hands matter."""
    if dataset is None or not dataset.is_dir():
        return config
    opened = Dataset.open(dataset)
    return replace(
        config,
        flip_map=config.flip_map or opened.flip_map,
        hands_matter=config.hands_matter or opened.hands_matter,
    )


def _measured(
    trained: TrainedNetwork, clips: Sequence[Clip], config: TrainConfig, folder: Path, notes: Sequence[str]
) -> tuple[ModelInfo, ClipResult]:
    """Evaluates the exported network on the held-out clips, on the way that `evaluate` and `run` take."""
    blank = Evaluation(
        held_out=trained.tested_by,
        clips=len(trained.tested),
        accuracy=Spread(mean=0, std=0, parts=0),
        balanced_accuracy=0,
        loss=trained.fitted.best_loss,
    )
    info = ModelInfo(
        kind=config.model,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        labels=trained.labels,
        window_seconds=trained.window_seconds,
        hands_matter=config.hands_matter,
        input_kind=trained.input_kind,
        pictures=trained.pictures,
        background=trained.background,
        thresholds=trained.thresholds,
        gesture_seconds=trained.gesture_seconds,
        held=trained.held,
        evaluation=blank,
        parameters=trained.parameters,
        seed=config.seed,
        data_fingerprint=data_fingerprint(clips),
        trained_clips=dict(sorted(Counter(clip.label for clip in clips).items())),
        trained_on=Provenance.of(clips).document(),
        notes=tuple(notes),
        versions=versions(*_PACKAGES),
    )
    held_out = [clips[i] for i in trained.tested]
    write_model_info(folder, info)
    recognizer = load_recognizer(folder)
    result = evaluate_clips(recognizer, held_out)
    parts: dict[str, list[bool]] = {}
    for number, clip in enumerate(held_out):
        part = {"subject": clip.subject, "session": clip.session}.get(trained.tested_by)
        answer, _ = classify_clip(recognizer, clip)
        parts.setdefault(part or f"part {number % 5}", []).append(answer == clip.label)
    shares = [float(np.mean(hits)) for hits in parts.values()]
    evaluation = blank.model_copy(
        update={
            "accuracy": Spread(mean=result.accuracy, std=float(np.std(shares)), parts=len(shares)),
            "balanced_accuracy": result.balanced_accuracy,
            "subjects": tuple(sorted({c.subject for c in held_out if c.subject})),
            "note": trained.note,
        }
    )
    return info.model_copy(update={"evaluation": evaluation}), result


def _draw(folder: Path, trained: TrainedNetwork, result: ClipResult) -> None:
    loss_picture(trained.fitted.history, folder / "loss.png", best_epoch=trained.fitted.best_epoch)
    confusion_picture(result.confusion, result.labels, folder / "confusion.png", unanswered=result.unanswered)


def _notes(trained: TrainedNetwork, dropped: int) -> list[str]:
    notes = []
    if trained.note:
        notes.append(trained.note)
    if trained.background == "derived":
        notes.append(
            f"The data holds no '{BACKGROUND}' clips: the model learned to say none from cut, mixed-up and "
            f"still clips. Record some idle hands as '{BACKGROUND}' for fewer false events."
        )
    if trained.fitted.interrupted:
        notes.append(
            f"{INTERRUPTED} after {trained.fitted.epochs} epochs: these are the best weights so far."
        )
    if dropped:
        notes.append(f"{dropped} clips show no hand and were left out.")
    return notes
