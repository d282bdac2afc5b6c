"""Metrics of isolated clips: accuracy, balanced accuracy, per class, confusion, each with its interval.

A clip in which no hand was seen gets no answer and counts as an error, whatever its label.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from handflow.errors import DatasetError
from handflow.evaluate.calibration import Calibration, expected_calibration_error
from handflow.evaluate.intervals import Interval, f1_interval, mean_share_interval, wilson_interval
from handflow.recognize.windows import usable_hands
from handflow.types import Clip, Float32, HandSequence


class ClipRecognizer(Protocol):
    """What evaluation asks of a recognizer."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The gestures it knows, in the order of its probabilities."""

    def classify(self, clip: Clip, /) -> Float32:
        """(labels,) probabilities for a whole clip."""


@dataclass(frozen=True, slots=True)
class ClassScore:
    """How well one gesture is recognized."""

    label: str
    support: int  # clips of this gesture
    right: int  # of them recognized
    precision: float | None  # share of its answers that were right; None where it was never answered
    recall: float | None  # share of its clips that were recognized; None without clips
    f1: float | None  # None where it neither occurred nor was answered
    precision_interval: Interval | None
    recall_interval: Interval | None
    f1_interval: Interval | None


@dataclass(frozen=True, slots=True, eq=False)
class ClipResult:
    """How well clips are recognized."""

    labels: tuple[str, ...]
    confusion: NDArray[np.int64]  # (labels, labels) clips; rows the truth, columns the answer
    unanswered: NDArray[np.int64]  # (labels,) clips of each gesture without a usable hand: errors
    per_class: tuple[ClassScore, ...]  # in the order of labels
    clips: int
    right: int
    accuracy: float
    accuracy_interval: Interval
    balanced_accuracy: float  # mean recall of the gestures that occur
    balanced_accuracy_interval: Interval
    calibration: Calibration | None  # None where no probabilities were given

    def confused_pairs(self) -> list[tuple[str, str, int]]:
        """(truth, answer, clips) of all confusions, the most frequent first."""
        rows, columns = np.nonzero(self.confusion - np.diag(np.diag(self.confusion)))
        found = [
            (self.labels[r], self.labels[c], int(self.confusion[r, c]))
            for r, c in zip(rows, columns, strict=True)
        ]
        return sorted(found, key=lambda pair: -pair[2])

    def document(self) -> dict[str, Any]:
        """The JSON document of `handflow evaluate MODEL DATASET --json`."""
        return {
            "clips": self.clips,
            "accuracy": self.accuracy,
            "balanced_accuracy": self.balanced_accuracy,
            "per_class": {
                score.label: {
                    "precision": score.precision,
                    "recall": score.recall,
                    "f1": score.f1,
                    "support": score.support,
                }
                for score in self.per_class
            },
            "confusion": self.confusion.tolist(),
            "labels": list(self.labels),
        }

    def details(self) -> dict[str, Any]:
        """The document with intervals, clips without a hand and calibration."""
        document = self.document()
        for score in self.per_class:
            document["per_class"][score.label] |= {
                "precision_interval": score.precision_interval,
                "recall_interval": score.recall_interval,
                "f1_interval": score.f1_interval,
            }
        return document | {
            "accuracy_interval": self.accuracy_interval,
            "balanced_accuracy_interval": self.balanced_accuracy_interval,
            "no_hand": dict(zip(self.labels, self.unanswered.tolist(), strict=True)),
            "expected_calibration_error": self.calibration and self.calibration.expected_error,
        }


def clip_metrics(
    labels: Sequence[str],
    truth: Sequence[str],
    predicted: Sequence[str | None],
    confidence: Sequence[float | None] | None = None,
) -> ClipResult:
    """Compares answers with the truth.

    Args:
        labels: all gestures, in the order of the confusion matrix.
        truth: (clips,) label of each clip.
        predicted: (clips,) answer for each clip; None where no usable hand was seen, which is an error.
        confidence: (clips,) probability of each answer, for the calibration; None entries are left out.

    Raises:
        ValueError: no clips, different lengths, a label named twice or a label that is not in `labels`.
    """
    labels = tuple(labels)
    if not truth or len(truth) != len(predicted):
        raise ValueError(
            f"{len(truth)} true labels and {len(predicted)} answers: expected as many, at least one"
        )
    if len(set(labels)) != len(labels):
        raise ValueError(f"labels name a gesture twice: {', '.join(labels)}")
    place = {label: i for i, label in enumerate(labels)}
    if unknown := ({*truth, *predicted} - {*labels, None}):
        raise ValueError(f"labels do not hold {sorted(map(str, unknown))}")

    confusion = np.zeros((len(labels), len(labels)), dtype=np.int64)
    unanswered = np.zeros(len(labels), dtype=np.int64)
    for true, answer in zip(truth, predicted, strict=True):
        if answer is None:
            unanswered[place[true]] += 1
        else:
            confusion[place[true], place[answer]] += 1
    return metrics_of_counts(labels, confusion, unanswered, _calibration(truth, predicted, confidence))


def metrics_of_counts(
    labels: Sequence[str],
    confusion: NDArray[np.int64],
    unanswered: NDArray[np.int64],
    calibration: Calibration | None = None,
) -> ClipResult:
    """The metrics of clips that are counted.

    Args:
        labels: all gestures, each once.
        confusion: (labels, labels) clips; rows the truth, columns the answer. At least one clip.
        unanswered: (labels,) clips of each gesture without a usable hand.
        calibration: of the probabilities, where there were any.
    """
    hits = np.diag(confusion).copy()
    support = confusion.sum(axis=1) + unanswered
    answered = confusion.sum(axis=0)
    right, clips = int(hits.sum()), int(support.sum())
    recalls = [int(h) / int(n) for h, n in zip(hits, support, strict=True) if n]
    balanced = mean_share_interval(hits.tolist(), support.tolist())
    accuracy_interval = wilson_interval(right, clips)
    assert balanced is not None and accuracy_interval is not None  # there is at least one clip
    return ClipResult(
        labels=tuple(labels),
        confusion=confusion,
        unanswered=unanswered,
        per_class=tuple(
            _class_score(label, int(hits[i]), int(support[i]), int(answered[i]))
            for i, label in enumerate(labels)
        ),
        clips=clips,
        right=right,
        accuracy=right / clips,
        accuracy_interval=accuracy_interval,
        balanced_accuracy=sum(recalls) / len(recalls),
        balanced_accuracy_interval=balanced,
        calibration=calibration,
    )


def evaluate_clips(
    recognizer: ClipRecognizer, clips: Sequence[Clip], on_clip: Callable[[], None] | None = None
) -> ClipResult:
    """Classifies each clip and compares with its label.

    Args:
        recognizer: knows `labels` and `classify(clip)`.
        clips: labelled clips.
        on_clip: called after each clip, for a progress bar.

    Raises:
        DatasetError: there are no clips, or some have a label that the recognizer does not know.
    """
    check_labels(recognizer.labels, clips)
    predicted: list[str | None] = []
    confidence: list[float | None] = []
    for clip in clips:
        answer, probability = classify_clip(recognizer, clip)
        predicted.append(answer)
        confidence.append(probability)
        if on_clip:
            on_clip()
    return clip_metrics(recognizer.labels, [clip.label for clip in clips], predicted, confidence)


def classify_clip(recognizer: ClipRecognizer, clip: Clip) -> tuple[str | None, float | None]:
    """The most likely label and its probability; (None, None) where no hand is seen in the clip."""
    if not has_hand(clip.sequence):
        return None, None
    probabilities = np.asarray(recognizer.classify(clip), dtype=np.float64)
    if not np.isfinite(probabilities).all():
        return None, None
    best = int(probabilities.argmax())
    return recognizer.labels[best], float(probabilities[best])


def has_hand(sequence: HandSequence) -> bool:
    """Whether a hand that features can be made of is seen in any frame."""
    return bool(usable_hands(sequence.measured().landmarks).any())


def check_labels(known: Sequence[str], clips: Sequence[Clip]) -> None:
    """Raises a DatasetError where there is nothing to evaluate or a label is unknown to the model."""
    if not clips:
        raise DatasetError("there are no clips to evaluate: record or import some, or name another dataset")
    if unknown := sorted({clip.label for clip in clips} - set(known)):
        raise DatasetError(
            f"the model was not taught {_quoted(unknown)} (it knows {_quoted(known)}): "
            f"train it with them, or name the gestures to measure with --only"
        )


def _quoted(labels: Sequence[str]) -> str:
    shown = [f"'{label}'" for label in labels[:8]]
    return ", ".join(shown) + (f" and {len(labels) - 8} more" if len(labels) > 8 else "")


def _class_score(label: str, right: int, support: int, answered: int) -> ClassScore:
    false, missed = answered - right, support - right
    return ClassScore(
        label=label,
        support=support,
        right=right,
        precision=right / answered if answered else None,
        recall=right / support if support else None,
        f1=2 * right / (support + answered) if support + answered else None,
        precision_interval=wilson_interval(right, answered),
        recall_interval=wilson_interval(right, support),
        f1_interval=f1_interval(right, false, missed),
    )


def _calibration(
    truth: Sequence[str], predicted: Sequence[str | None], confidence: Sequence[float | None] | None
) -> Calibration | None:
    if confidence is None:
        return None
    answers = [
        (p, true == answer)
        for true, answer, p in zip(truth, predicted, confidence, strict=True)
        if p is not None and answer is not None
    ]
    if not answers:
        return None
    return expected_calibration_error([p for p, _ in answers], [hit for _, hit in answers])
