"""Runs a few-shot model: a clip at once, or frame after frame."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from handflow.recognize.few_shot.classifier import FewShotClassifier
from handflow.recognize.few_shot.examples import clip_view
from handflow.recognize.few_shot.looks import Encoders, Looks, look_at
from handflow.recognize.few_shot.pace import Pace, log_speed
from handflow.recognize.few_shot.views import Views, live_view
from handflow.recognize.model_folder import ModelInfo
from handflow.recognize.recent import RecentHands
from handflow.recognize.recognizer import Recognizer
from handflow.recognize.windows import MARGIN, Sightings
from handflow.types import BACKGROUND, LEFT, RIGHT, Clip, Float32, Float64, Scores

_BOTH = 0.5
"""Share of a window, and of the examples, in which the other hand is seen where a gesture is of both."""
_SHARED = 0.5
"""How much the hand that moves less must move beside the other, as a share of that in the examples."""


@dataclass(frozen=True, slots=True, eq=False)
class Live:
    """What live windows are compared with."""

    classifier: FewShotClassifier  # of the strokes of the takes
    pace: Pace  # of the classifier's gestures


@dataclass(frozen=True, slots=True, eq=False)
class _Told:
    """A classifier of live windows, beside what it has to do with the model."""

    classifier: FewShotClassifier
    place: NDArray[np.intp]  # (its gestures,) numbers of the model's labels
    pace: Pace | None  # of its gestures


@dataclass(frozen=True, slots=True, eq=False)
class _Moment:
    """What one choice of hands did up to now."""

    first: Views | None  # over the shortest of the durations; None: no hand is seen
    views: Views  # of all durations in which the hand is fast enough for any gesture
    speed: Float64  # (views,) `log_speed`


class FewShotRecognizer(Recognizer):
    """Scores of a few-shot model.

    Windows of one or a few durations, those of the taught strokes, end with every frame; a gesture gets the
    best of them.

    Args:
        info: the model's own description, with `few_shot`.
        encoders: the encoders it was taught with.
        classifier: of its takes, by which clips are told.
        live: of their strokes, by which live windows are told; None: of the takes, at any pace.
    """

    def __init__(
        self,
        info: ModelInfo,
        encoders: Encoders,
        classifier: FewShotClassifier,
        live: Live | None = None,
    ) -> None:
        assert info.few_shot is not None
        self._encoders, self.classifier = encoders, classifier
        self._live = classifier if live is None else live.classifier
        self._pace = None if live is None else live.pace
        self._windows = info.few_shot.windows
        self.info = info  # there is no network of windows: views are compared with examples
        self._recent = RecentHands(info.window_seconds + MARGIN)
        self._place = self._places(classifier)
        self.reset()
        strokes = self._live
        self._all = self._told(strokes)
        second = strokes.examples.share[:, 1] > _BOTH
        self._of_both = {
            gesture
            for number, gesture in enumerate(strokes.gestures)
            if gesture != BACKGROUND and second[strokes.label == number].mean() > _BOTH
        }
        self._single = self._classifier_of(set(strokes.gestures) - self._of_both)
        self._pair = self._classifier_of(self._of_both)
        share = _moving_share(strokes.examples)
        self._wanted_share = {
            gesture: float(np.median(share[strokes.label == number]))
            for number, gesture in enumerate(strokes.gestures)
            if gesture in self._of_both
        }

    def _told(self, classifier: FewShotClassifier) -> _Told:
        pace = self._pace
        if pace is not None and classifier is not self._live:
            pace = Pace(pace.least[[self._live.gestures.index(name) for name in classifier.gestures]])
        return _Told(classifier, self._places(classifier), pace)

    def _classifier_of(self, gestures: set[str]) -> _Told | None:
        """A classifier of some of the gestures and of background; None where none is meant."""
        if not gestures - {BACKGROUND}:
            return None
        whole = self._live
        wanted = gestures | {BACKGROUND}
        if wanted >= set(whole.gestures):
            return self._all
        names = [whole.gestures[label] for label in whole.label]
        chosen = [number for number, name in enumerate(names) if name in wanted]
        labels = [names[number] for number in chosen]
        examples = whole.examples.take(chosen)
        weights = tuple(whole.weights.tolist())
        return self._told(
            FewShotClassifier(examples, labels, whole.usual, weights=weights, border=whole.border)
        )

    def _places(self, classifier: FewShotClassifier) -> NDArray[np.intp]:
        return np.array([self.labels.index(gesture) for gesture in classifier.gestures])

    @property
    def _reach(self) -> float:
        """Seconds back that the longest view shows."""
        return max(self._windows)

    def _scores(self, shown: Sequence[Sightings], timestamp: float, frame: int) -> list[Scores]:
        """Scores of the views that end now, one for each choice of hands."""
        moments = [self._moment(seen, timestamp) for seen in shown]
        scores = []
        for seen, moment, looks in zip(shown, moments, self._looks(moments), strict=True):
            probabilities = (
                self._nothing() if looks is None else self._probabilities(looks, self._all, moment.speed)
            )
            acting = RIGHT if moment.first is None else int(moment.first.acting[0])
            best = self.labels[self._all.place[probabilities[self._all.place].argmax()]]
            both = bool(
                best in self._of_both and moment.first is not None and moment.first.share[0, 1] > _BOTH
            )
            scores.append(self._said(seen, probabilities, timestamp, frame, acting=acting, both=both))
        return scores

    def _scores_apart(self, seen: Sightings, timestamp: float, frame: int) -> tuple[Scores, ...]:
        """Scores of the left hand, of the right one and, if a gesture of both was taught, of both.

        A hand alone is compared with examples of one hand, both together with examples of both. Where both
        hands moved in the examples, both must move.
        """
        shown = [seen.alone(LEFT), seen.alone(RIGHT), *([seen] if self._pair else [])]
        moments = [self._moment(one, timestamp) for one in shown]
        looked = self._looks(moments)
        hands: list[Literal["left", "right", "both"]] = ["left", "right", "both"]
        scores = []
        for one, moment, looks, hand in zip(shown, moments, looked, hands, strict=False):
            probabilities = self._nothing()
            told = self._pair if hand == "both" else self._single
            if looks is not None and told is not None:
                probabilities = self._probabilities(looks, told, moment.speed)
                if hand == "both":
                    probabilities = self._shared(probabilities, looks)
            acting = LEFT if hand == "left" else RIGHT
            if moment.first is not None:
                acting = int(moment.first.acting[0])
            said = self._said(one, probabilities, timestamp, frame, acting=acting, both=hand == "both")
            scores.append(said if hand == "both" else self._named(said, LEFT if hand == "left" else RIGHT))
        return tuple(scores)

    def _shared(self, probabilities: Float32, looks: Looks) -> Float32:
        """The probabilities of both hands; background where one hand hardly moves that should."""
        share = float(_moving_share(looks).max())
        for label, wanted in self._wanted_share.items():
            if share < _SHARED * wanted:
                probabilities[self.labels.index(label)] = 0
        place = self.labels.index(BACKGROUND)
        probabilities[place] = 0
        probabilities[place] = max(0.0, 1 - float(probabilities.sum()))
        return probabilities

    def _looks(self, moments: Sequence[_Moment]) -> list[Looks | None]:
        """Looks of the views of each choice of hands, encoded together; None where there are none."""
        counts = [len(moment.views) for moment in moments]
        if not sum(counts):
            return [None] * len(moments)
        views = moments[0].views if len(moments) == 1 else Views.stack(moment.views for moment in moments)
        looks = look_at(views, self._encoders)
        if len(moments) == 1:
            return [looks]
        ends = np.cumsum(counts).tolist()
        return [
            looks.take(range(end - count, end)) if count else None
            for end, count in zip(ends, counts, strict=True)
        ]

    def _moment(self, seen: Sightings, end: float) -> _Moment:
        """What the hands did up to now, over each of the durations."""
        views, seconds = [], []
        for each in self._windows:
            view = live_view(seen, end, each, hands_matter=self.info.hands_matter)
            if view is not None:
                views.append(view)
                seconds.append(each)
        every = Views.stack(views)
        speed = log_speed(every, np.array(seconds, np.float32)) if views else np.zeros(0)
        first = views[0] if views else None
        if self._pace is None or not views:
            return _Moment(first, every, speed)
        hopeful = self._pace.hopeful(speed)
        if len(hopeful) == len(views):
            return _Moment(first, every, speed)
        return _Moment(first, every.take(hopeful), speed[hopeful])

    def score_views(self, views: Sequence[Views]) -> Float32:
        """Probabilities `(labels,)` for views of one moment; what is unlike all examples is background.

        They may be of any pace.
        """
        if not views:
            return self._nothing()
        return self._probabilities(look_at(Views.stack(views), self._encoders), self._all)

    def _probabilities(self, looks: Looks, told: _Told, speed: Float64 | None = None) -> Float32:
        """(labels,) what a classifier says of the looks of one moment, at a pace."""
        probabilities = np.zeros(len(self.labels), np.float32)
        background = self.labels.index(BACKGROUND)
        share = 1.0 if told.pace is None or speed is None else told.pace.share(speed)
        probabilities[told.place] = told.classifier.scores(looks, share)
        probabilities[background] = 0  # it gets what the gestures leave, whether it was shown or not
        probabilities[background] = max(0.0, 1 - float(probabilities.sum()))
        return probabilities

    def classify(self, clip: Clip) -> Float32:
        """Probabilities `(labels,)` for a whole clip that shows one of the taught gestures.

        The question is which; whether it is any of them: `known`. A clip without a usable hand is background.
        """
        probabilities = np.zeros(len(self.labels), np.float32)
        made = clip_view(clip.sequence.measured(), hands_matter=self.info.hands_matter)
        if made is None:
            probabilities[self.labels.index(BACKGROUND)] = 1
            return probabilities
        answer = self.classifier.answer(look_at(made[0], self._encoders))
        probabilities[self._place] = answer.chance[0]
        return probabilities

    def known(self, clip: Clip) -> float:
        """Probability that a clip shows any of the taught gestures, 0 where no hand is seen."""
        made = clip_view(clip.sequence.measured(), hands_matter=self.info.hands_matter)
        if made is None:
            return 0.0
        return float(self.classifier.answer(look_at(made[0], self._encoders)).known[0])


def _moving_share(looks: Looks) -> Float32:
    """(n,) how much the hand that moves less does beside the other, 0 to 1: spread of path and shape."""
    spread = np.sqrt(looks.frames.var(axis=2).sum(axis=2))  # (n, 2)
    result: Float32 = spread.min(axis=1) / np.maximum(spread.max(axis=1), 1e-6)
    return result
