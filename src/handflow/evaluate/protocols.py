"""Protocols: teach again and again, test on what was not taught, say mean, spread and worst.

A protocol takes `teach`, which turns clips into a classifier, so it measures any kind of model and needs no
torch itself. The runs are generators: who is interrupted keeps the runs that are done.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from handflow.data.splits import Split
from handflow.data.splits import leave_one_subject_out as split_by_subject
from handflow.errors import DatasetError
from handflow.evaluate.clips import ClipResult, clip_metrics, has_hand
from handflow.types import Clip

Classify = Callable[[Clip], str | None]
"""The label of a clip; None where nothing can be said."""
Teach = Callable[[list[Clip]], Classify]
"""Fits a classifier to clips, each gesture of which it may answer with."""


@dataclass(frozen=True, slots=True)
class Run:
    """One teaching and its test."""

    shots: int  # clips of each gesture that were taught; 0 where it is not few-shot
    name: str  # number of the repeat, or the subject that was left out
    truth: tuple[str, ...]
    predicted: tuple[str | None, ...]  # None where no hand was seen: an error

    @property
    def accuracy(self) -> float:
        """Share of right answers."""
        return sum(t == p for t, p in zip(self.truth, self.predicted, strict=True)) / len(self.truth)


@dataclass(frozen=True, slots=True)
class ShotScore:
    """Accuracy over the repeats with one number of shots."""

    mean: float
    std: float  # of single repeats, ddof 1; 0 for one repeat
    worst: float
    repeats: int


@dataclass(frozen=True, slots=True, eq=False)
class FewShotResult:
    """What the protocol `few-shot` measured."""

    labels: tuple[str, ...]
    shots: dict[int, ShotScore]
    pooled: dict[int, ClipResult]  # all repeats together: which gestures are confused

    def document(self) -> dict[str, Any]:
        """The JSON document of `handflow evaluate … --protocol few-shot --json`."""
        return {
            "protocol": "few-shot",
            "labels": list(self.labels),
            "shots": {
                str(k): {"mean": s.mean, "std": s.std, "worst": s.worst} for k, s in self.shots.items()
            },
        }


@dataclass(frozen=True, slots=True, eq=False)
class SubjectResult:
    """What the protocol `leave-one-subject-out` measured."""

    labels: tuple[str, ...]
    subjects: dict[str, float]  # accuracy on each person, none of whose clips was taught
    pooled: ClipResult  # all persons together

    @property
    def mean(self) -> float:
        """Mean accuracy of the persons."""
        return float(np.mean(list(self.subjects.values())))

    @property
    def worst(self) -> float:
        """Accuracy on the person for whom it is least."""
        return min(self.subjects.values())

    def document(self) -> dict[str, Any]:
        """The JSON document of `handflow evaluate … --protocol leave-one-subject-out --json`."""
        return {
            "protocol": "leave-one-subject-out",
            "mean": self.mean,
            "worst": self.worst,
            "subjects": dict(self.subjects),
            "confusion": self.pooled.confusion.tolist(),
            "labels": list(self.labels),
        }


def few_shot_runs(
    clips: Sequence[Clip], teach: Teach, *, shots: Sequence[int] = (1, 3, 5), repeats: int = 10, seed: int = 0
) -> Iterator[Run]:
    """Teaches k random clips of each gesture and tests on all others, again and again.

    In one repeat the clips of fewer shots are part of those of more, so that numbers of shots are compared on
    like draws. Only clips in which a hand is seen are taught (a person would be told to repeat such a take);
    all others are tested, and those without a hand are errors.

    Args:
        clips: labelled clips; background is a gesture like the others.
        teach: makes a classifier of clips.
        shots: numbers of clips to teach of each gesture.
        repeats: how often each.
        seed: of the draws.

    Raises:
        DatasetError: fewer than two gestures, or a gesture with too few clips.
        ValueError: a number of shots or repeats below 1.
    """
    shots = sorted(set(shots))
    if not shots or shots[0] < 1 or repeats < 1:
        raise ValueError(f"shots {list(shots)} and repeats {repeats} must be at least 1")
    usable = _usable_by_label(clips, shots[-1])
    return _few_shot_runs(clips, usable, teach, shots, repeats, seed)


def few_shot_result(runs: Iterable[Run]) -> FewShotResult:
    """Sums up runs of `few_shot_runs`, also an incomplete set of them.

    Raises:
        ValueError: there are no runs.
    """
    done = list(runs)
    labels = _labels(done)
    scores, pooled = {}, {}
    for k in sorted({run.shots for run in done}):
        of_k = [run for run in done if run.shots == k]
        values = np.array([run.accuracy for run in of_k])
        std = float(values.std(ddof=1)) if len(values) > 1 else 0.0
        scores[k] = ShotScore(float(values.mean()), std, float(values.min()), len(values))
        pooled[k] = _pool(labels, of_k)
    return FewShotResult(labels, scores, pooled)


def few_shot(
    clips: Sequence[Clip],
    teach: Teach,
    *,
    shots: Sequence[int] = (1, 3, 5),
    repeats: int = 10,
    seed: int = 0,
    on_run: Callable[[Run], None] | None = None,
) -> FewShotResult:
    """The protocol `few-shot` in one call; see `few_shot_runs`. `on_run` is called after each run."""
    runs = few_shot_runs(clips, teach, shots=shots, repeats=repeats, seed=seed)
    return few_shot_result(_reported(runs, on_run))


def leave_one_subject_out_runs(clips: Sequence[Clip], teach: Teach) -> Iterator[Run]:
    """Tests on each person in turn what was taught with the clips of all others.

    A gesture that nobody else made cannot be taught; its clips are errors all the same.

    Raises:
        DatasetError: a clip's subject is not known, or there are fewer than two subjects.
    """
    if not clips:
        raise DatasetError("there are no clips to evaluate: record or import some, or name another dataset")
    subjects = {clip.subject for clip in clips}
    if len(subjects) < 2 and None not in subjects:
        raise DatasetError(
            f"all clips are by '{subjects.pop()}': leave-one-subject-out needs clips of at least two people"
        )
    if nameless := [clip.id for clip in clips if clip.subject is None]:
        raise DatasetError(
            f"{len(nameless)} of {len(clips)} clips do not say who made them (the first: '{nameless[0]}'): "
            "record or import them with --subject NAME"
        )
    splits = split_by_subject(clips)
    return _subject_runs(clips, splits, teach)


def leave_one_subject_out_result(runs: Iterable[Run]) -> SubjectResult:
    """Sums up runs of `leave_one_subject_out_runs`, also an incomplete set of them.

    Raises:
        ValueError: there are no runs.
    """
    done = list(runs)
    labels = _labels(done)
    return SubjectResult(labels, {run.name: run.accuracy for run in done}, _pool(labels, done))


def leave_one_subject_out(
    clips: Sequence[Clip], teach: Teach, *, on_run: Callable[[Run], None] | None = None
) -> SubjectResult:
    """The protocol `leave-one-subject-out` in one call. `on_run` is called after each run."""
    return leave_one_subject_out_result(_reported(leave_one_subject_out_runs(clips, teach), on_run))


def single_maker(clips: Sequence[Clip]) -> dict[str, str]:
    """Gestures that one person alone made, with that person: nobody else can teach them."""
    makers: dict[str, set[str]] = {}
    for clip in clips:
        makers.setdefault(clip.label, set()).add(clip.subject or "")
    return {label: next(iter(names)) for label, names in sorted(makers.items()) if len(names) == 1}


def _few_shot_runs(
    clips: Sequence[Clip],
    usable: dict[str, list[int]],
    teach: Teach,
    shots: Sequence[int],
    repeats: int,
    seed: int,
) -> Iterator[Run]:
    for repeat in range(repeats):
        # Draws depend on seed and repeat alone, so more repeats leave the earlier draws as they were.
        rng = np.random.default_rng([seed, repeat])
        order = {label: rng.permutation(places) for label, places in usable.items()}
        for k in shots:
            taught = {int(place) for places in order.values() for place in places[:k]}
            classify = teach([clips[i] for i in sorted(taught)])
            yield _test(k, str(repeat + 1), [c for i, c in enumerate(clips) if i not in taught], classify)


def _subject_runs(clips: Sequence[Clip], splits: Sequence[Split], teach: Teach) -> Iterator[Run]:
    for split in splits:
        classify = teach([clips[i] for i in split.train])
        yield _test(0, split.held_out, [clips[i] for i in split.test], classify)


def _test(shots: int, name: str, clips: Sequence[Clip], classify: Classify) -> Run:
    answers = tuple(classify(clip) if has_hand(clip.sequence) else None for clip in clips)
    return Run(shots, name, tuple(clip.label for clip in clips), answers)


def _usable_by_label(clips: Sequence[Clip], most: int) -> dict[str, list[int]]:
    """Places of the clips with a hand, by label; there must be one more than are taught."""
    labels = sorted({clip.label for clip in clips})
    if len(labels) < 2:
        found = f"only '{labels[0]}'" if labels else "none"
        raise DatasetError(
            f"few-shot needs at least two gestures, the dataset holds {found}: record another one"
        )
    usable = {
        label: [i for i, c in enumerate(clips) if c.label == label and has_hand(c.sequence)]
        for label in labels
    }
    short = {label: len(places) for label, places in usable.items() if len(places) <= most}
    if short:
        label, number = min(short.items(), key=lambda item: item[1])
        raise DatasetError(
            f"'{label}' has {number} clips with a hand: too few to teach {most} and test on the others; "
            f"record more takes or name fewer --shots"
        )
    return usable


def _labels(runs: Sequence[Run]) -> tuple[str, ...]:
    if not runs:
        raise ValueError("there are no runs to sum up")
    return tuple(
        sorted({label for run in runs for label in (*run.truth, *run.predicted) if label is not None})
    )


def _pool(labels: Sequence[str], runs: Sequence[Run]) -> ClipResult:
    truth = [label for run in runs for label in run.truth]
    predicted = [answer for run in runs for answer in run.predicted]
    return clip_metrics(labels, truth, predicted)


def _reported(runs: Iterator[Run], on_run: Callable[[Run], None] | None) -> Iterator[Run]:
    for run in runs:
        if on_run:
            on_run(run)
        yield run
