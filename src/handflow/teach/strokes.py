"""Teaches what counts live: the strokes of the takes, and the idle motion that looks most like them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from handflow.recognize.few_shot.classifier import FewShotClassifier
from handflow.recognize.few_shot.examples import Examples
from handflow.recognize.few_shot.looks import look_at
from handflow.recognize.few_shot.pace import learn_pace, log_speed
from handflow.recognize.few_shot.stroke_examples import idle_views, stroke_examples
from handflow.recognize.few_shot.teacher import Teacher
from handflow.types import BACKGROUND, Clip, Float32, Float64

_WINDOWS = (0.3, 4.0)  # seconds, shortest and longest live window
_QUANTILES = (0.2, 0.8)  # of the durations of strokes, of which live windows are: each costs time
_ALIKE = 1.35  # windows whose lengths differ by less than this factor are one
_MOST_IDLE, _MOST_OF_CLIP = 24, 6  # idle views that become examples
_ACCEPTED = 0.2  # least score of an idle view that becomes one
_APART = 0.3  # seconds between two of them


@dataclass(frozen=True, slots=True, eq=False)
class Strokes:
    """What a model knows of strokes."""

    examples: Examples  # of the gestures, then of background
    windows: tuple[float, ...]  # seconds, of live windows
    held: tuple[str, ...]  # gestures that are poses held still
    usual: dict[str, float]  # seconds that each gesture lasts
    weights: Float64  # of the parts
    border: float  # of the unknown


def learn_strokes(teacher: Teacher, clips: Sequence[Clip], *, window: float | None = None) -> Strokes | None:
    """Finds the strokes of clips, and the idle views that a classifier of them takes for gestures.

    Args:
        teacher: its encoders, and whether hands matter.
        clips: all that was taught, `background` among them.
        window: seconds of live windows; None: as the strokes last.

    Returns:
        None where no gesture shows a hand.
    """
    matter = teacher.hands_matter
    examples, found = stroke_examples(clips, teacher.encoders, hands_matter=matter, window=window)
    if examples is None:
        return None
    windows = stroke_windows(examples.seconds) if window is None else (window,)
    classifier = FewShotClassifier(examples.looks, examples.labels, teacher.usual, groups=examples.clips)
    idle = _mistaken(classifier, examples, clips, windows, teacher)
    whole = examples if idle is None else examples.joined(idle)
    held = tuple(name for name in sorted(found) if np.mean([stroke.held for stroke in found[name]]) > 0.5)
    usual = {name: float(np.median([stroke.seconds for stroke in found[name]])) for name in found}
    return Strokes(whole, windows, held, usual, classifier.weights, classifier.border)


def stroke_windows(seconds: Float32) -> tuple[float, ...]:
    """Durations of live windows: that of usual strokes, or of short and long ones where they differ."""
    low, middle, high = (
        round(float(np.clip(np.quantile(seconds, q), *_WINDOWS)), 2)
        for q in (_QUANTILES[0], 0.5, _QUANTILES[1])
    )
    return (middle,) if high <= _ALIKE * low else (low, high)


def _mistaken(
    classifier: FewShotClassifier,
    examples: Examples,
    clips: Sequence[Clip],
    windows: Sequence[float],
    teacher: Teacher,
) -> Examples | None:
    """The idle views that are most like a gesture, as examples of background; None where none is."""
    pace = learn_pace(log_speed(examples.views, examples.seconds), classifier.label, classifier.gestures)
    views, which = idle_views(clips, windows, hands_matter=teacher.hands_matter)
    speed = log_speed(views, np.array([seconds for _, _, seconds in which], np.float32))
    fast = pace.hopeful(speed)
    if not len(fast):
        return None
    views, which = views.take(fast), [which[number] for number in fast]
    looks = look_at(views, teacher.encoders)
    answer = classifier.answer(looks)
    accepted = (answer.chance * answer.known[:, None] * pace.share(speed[fast])).max(axis=1)
    chosen = _chosen(accepted, which)
    if not len(chosen):
        return None
    return Examples(
        views.take(chosen),
        looks.take(chosen),
        (BACKGROUND,) * len(chosen),
        tuple(which[number][0] for number in chosen),
        np.array([which[number][2] for number in chosen], np.float32),
    )


def _chosen(accepted: Float64, which: Sequence[tuple[str, float, float]]) -> NDArray[np.intp]:
    """Numbers of the most accepted views, a few of each clip, none of about the same moment as another."""
    ends: dict[str, list[float]] = {}
    chosen: list[int] = []
    for number in np.argsort(-accepted, kind="stable").tolist():
        if accepted[number] < _ACCEPTED or len(chosen) == _MOST_IDLE:
            break
        clip, end, _ = which[number]
        before = ends.setdefault(clip, [])
        if len(before) < _MOST_OF_CLIP and all(abs(end - other) >= _APART for other in before):
            before.append(end)
            chosen.append(number)
    return np.array(chosen, np.intp)
