"""Writes the folder of a few-shot model: the packaged encoders, the examples, what is known about them."""

import logging
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from handflow.atomic import free_name, staging_folder
from handflow.data import Dataset
from handflow.errors import MissingExtraError, TrainingError
from handflow.evaluate import ClipResult, clip_metrics
from handflow.evaluate.facts import data_fingerprint, versions
from handflow.evaluate.plots import confusion_picture
from handflow.evaluate.provenance import Provenance
from handflow.evaluate.report import write_report
from handflow.evaluate.stored import write_result
from handflow.recognize.few_shot.classifier import FewShotClassifier
from handflow.recognize.few_shot.examples import STROKES_FILE, Examples, write_examples
from handflow.recognize.few_shot.packaged import ENCODERS_FILE, packaged_folder, read_card
from handflow.recognize.few_shot.teacher import Teacher
from handflow.recognize.model_folder import (
    NETWORK_FILE,
    Evaluation,
    FewShot,
    ModelInfo,
    Spread,
    write_model_info,
)
from handflow.recognize.spotter import Threshold
from handflow.teach.advice import Advice, advise
from handflow.teach.strokes import Strokes, learn_strokes
from handflow.types import BACKGROUND, Clip

KIND = "few-shot"
_ENTER, _LEAVE = 0.7, 0.4  # scores at which a gesture counts when running live, and is over
_WINDOWS = (0.4, 4.0)  # seconds, shortest and longest window that can be wished

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TeachConfig:
    """How a few-shot model is taught."""

    hands_matter: bool = False  # left and right hands are different gestures
    window_seconds: float | None = None  # of live windows; None: as the strokes of the takes last

    def __post_init__(self) -> None:
        low, high = _WINDOWS
        if self.window_seconds is not None and not low <= self.window_seconds <= high:
            raise ValueError(f"the window is {self.window_seconds} s, expected {low} to {high}")


@dataclass(frozen=True, slots=True)
class Taught:
    """A taught model."""

    folder: Path
    advice: Advice  # what its examples say to the teacher


def teach_model(
    clips: Sequence[Clip],
    out: Path,
    config: TeachConfig | None = None,
    *,
    dataset: Path | None = None,
    notes: Sequence[str] = (),
) -> Taught:
    """Teaches a few-shot model and writes its folder, whole or not at all.

    Args:
        clips: labelled clips, one or more of each gesture.
        out: folder of models; the new one is named by date, time, kind, loss and accuracy.
        config: how.
        dataset: where the clips come from, for the report; its word on whether hands matter is used.
        notes: sentences that a reader of the results should know.

    Raises:
        TrainingError: no clip shows a hand, or all are background.
    """
    config = config or TeachConfig()
    matter = config.hands_matter or (
        dataset is not None and dataset.is_dir() and Dataset.open(dataset).hands_matter
    )
    teacher = Teacher(hands_matter=matter)
    examples, without = taught(teacher, clips)
    classifier = teacher.classifier()
    strokes = learn_strokes(teacher, clips, window=config.window_seconds)
    assert strokes is not None  # a gesture was taught, and a hand seen
    people = {clip.id: clip.subject for clip in clips}
    advice = advise(classifier, examples.clips, [people[clip] for clip in examples.clips])
    result = left_out_result(classifier)
    learned = set(examples.clips)
    used = [clip for clip in clips if clip.id in learned]
    notes = [*notes, *_notes(classifier, without)]
    info = _info(classifier, examples, strokes, used, result, notes, hands_matter=matter)
    with staging_folder(out) as folder:
        shutil.copyfile(packaged_folder() / ENCODERS_FILE, folder / NETWORK_FILE)
        write_examples(folder, examples)
        write_examples(folder, strokes.examples, STROKES_FILE)
        write_model_info(folder, info)
        now = datetime.now()  # noqa: DTZ005 - a folder is named by the clock on the user's wall
        measured = "" if result is None else f"_acc{result.accuracy:.3f}"
        loss = "" if info.evaluation.loss is None else f"_loss{info.evaluation.loss:.3f}"
        final = free_name(out, f"{now:%Y-%m-%d_%H-%M-%S}_{KIND}{loss}{measured}")
        if result is not None:
            write_result(folder, result)
            try:
                confusion_picture(result.confusion, result.labels, folder / "confusion.png")
            except MissingExtraError:
                _log.info("no picture of the confusions: matplotlib is not installed")
        write_report(
            folder,
            result,
            trained_on=Provenance.of(used),
            tested_on=Provenance.of(used),
            thresholds={gesture: t.enter for gesture, t in info.thresholds.items()},
            title=f"Model {final.name}",
            model=final,
            dataset=dataset,
            notes=notes,
            told=advice.sentences(),
            left_one_out=True,
        )
        folder.replace(final)
    return Taught(final, advice)


def taught(teacher: Teacher, clips: Sequence[Clip]) -> tuple[Examples, list[str]]:
    """Gives clips to a teacher; its examples, and the ids of clips in which no hand is seen.

    Raises:
        TrainingError: nothing can be taught with them.
    """
    if not clips:
        raise TrainingError("there are no clips to teach: record some with `handflow record`")
    without = teacher.add(clips)
    examples = teacher.examples
    if examples is None:
        raise TrainingError(
            f"none of the {len(clips)} clips shows a hand: run `handflow check` on the dataset"
        )
    if without:
        shown = ", ".join(without[:5]) + (" …" if len(without) > 5 else "")
        _log.warning("%d of %d clips show no hand and are left out: %s", len(without), len(clips), shown)
    lost = sorted({clip.label for clip in clips} - set(examples.labels))
    if lost:
        raise TrainingError(f"no clip of '{lost[0]}' shows a hand: record it again, or delete it")
    if set(examples.labels) == {BACKGROUND}:
        raise TrainingError(f"all clips are of '{BACKGROUND}': record a gesture, too")
    return examples, without


def left_out_result(classifier: FewShotClassifier) -> ClipResult | None:
    """Each example told by the others, as far as its gesture has others; None where none has."""
    left = classifier.leave_one_out()
    several = classifier.counts[left.truth] > 1
    if not several.any():
        return None
    names = classifier.gestures
    answer = left.answer[several]
    return clip_metrics(
        names,
        [names[t] for t in left.truth[several]],
        [names[a] for a in answer],
        [float(p) for p in left.chance[several].max(axis=1)],
    )


def _info(
    classifier: FewShotClassifier,
    examples: Examples,
    strokes: Strokes,
    clips: Sequence[Clip],
    result: ClipResult | None,
    notes: Sequence[str],
    *,
    hands_matter: bool,
) -> ModelInfo:
    gestures = [gesture for gesture in classifier.gestures if gesture != BACKGROUND]
    usual = classifier.usual
    return ModelInfo(
        kind=KIND,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        labels=(*gestures, BACKGROUND),
        window_seconds=max(strokes.windows),
        hands_matter=hands_matter,
        few_shot=FewShot(
            windows=strokes.windows,
            weights=tuple(float(w) for w in classifier.weights),
            border=classifier.border,
            stroke_weights=tuple(float(w) for w in strokes.weights),
            stroke_border=strokes.border,
            usual_weights=usual.weights,
            usual_levels=usual.levels,
            usual_border=usual.border,
            steepness=usual.steepness,
        ),
        background="learned" if BACKGROUND in classifier.gestures else "derived",
        thresholds={gesture: Threshold(enter=_ENTER, leave=_LEAVE) for gesture in gestures},
        gesture_seconds={gesture: max(strokes.usual[gesture], 0.2) for gesture in gestures},
        held=strokes.held,
        evaluation=_evaluation(classifier, result),
        parameters=int(read_card(packaged_folder())["parameters"]),
        seed=0,
        data_fingerprint=data_fingerprint(clips),
        trained_clips=dict(sorted(Counter(examples.labels).items())),
        trained_on=Provenance.of(clips).document(),
        notes=tuple(notes),
        versions=versions("numpy", "onnxruntime"),
    )


def _evaluation(classifier: FewShotClassifier, result: ClipResult | None) -> Evaluation:
    if result is None:
        note = "Each gesture has a single take: nothing could be left out."
        return Evaluation(
            held_out="clip", clips=0, accuracy=None, balanced_accuracy=None, loss=None, note=note
        )
    left = classifier.leave_one_out()
    several = classifier.counts[left.truth] > 1
    own = left.chance[np.arange(len(left.truth)), left.truth][several]
    shares = [score.recall for score in result.per_class if score.recall is not None]
    return Evaluation(
        held_out="clip",
        clips=result.clips,
        accuracy=Spread(mean=result.accuracy, std=float(np.std(shares)), parts=len(shares)),
        balanced_accuracy=result.balanced_accuracy,
        loss=float(-np.log(np.maximum(own, 1e-6)).mean()),
        note="Each take was told by the others.",
    )


def _notes(classifier: FewShotClassifier, without: Sequence[str]) -> list[str]:
    notes = []
    if BACKGROUND not in classifier.gestures:
        notes.append(
            f"The data holds no '{BACKGROUND}' clips: what is unlike all examples counts as none of them. "
            f"Record some idle hands as '{BACKGROUND}' for fewer false events."
        )
    if len(classifier.gestures) == 1:
        notes.append(
            f"Only '{classifier.gestures[0]}' was taught: it can only be told from what is unlike it."
        )
    if without:
        notes.append(f"{len(without)} clips show no hand and were left out.")
    return notes
