"""Runs a few-shot model: a clip at once, or frame after frame."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from handflow.recognize.few_shot.classifier import FewShotClassifier
from handflow.recognize.few_shot.examples import clip_view
from handflow.recognize.few_shot.looks import Encoders, Looks, look_at
from handflow.recognize.few_shot.views import Views, live_view, rest_of
from handflow.recognize.model_folder import ModelInfo
from handflow.recognize.recent import RecentHands
from handflow.recognize.recognizer import Recognizer
from handflow.recognize.windows import MARGIN, Sightings
from handflow.types import BACKGROUND, LEFT, RIGHT, Clip, Float32, Scores

_BOTH = 0.5
"""Share of a window, and of the examples, in which the other hand is seen where a gesture is of both."""
_SHARED = 0.5
"""How much the hand that moves less must move beside the other, as a share of that in the examples."""


class FewShotRecognizer(Recognizer):
    """Scores of a few-shot model.

    Windows of one or a few durations, those of the taught takes, end with every frame; a gesture gets the
    best of them.

    Args:
        info: the model's own description, with `few_shot`.
        encoders: the encoders it was taught with.
        classifier: of its examples.
    """

    def __init__(self, info: ModelInfo, encoders: Encoders, classifier: FewShotClassifier) -> None:
        assert info.few_shot is not None
        self._encoders, self.classifier = encoders, classifier
        self._windows = info.few_shot.windows
        self.info = info  # there is no network of windows: views are compared with examples
        self._recent = RecentHands(info.window_seconds + MARGIN)
        self._place = self._places(classifier)
        self.reset()
        second = classifier.examples.share[:, 1] > _BOTH
        self._of_both = {
            gesture
            for number, gesture in enumerate(classifier.gestures)
            if gesture != BACKGROUND and second[classifier.label == number].mean() > _BOTH
        }
        self._single = self._classifier_of(set(classifier.gestures) - self._of_both)
        self._pair = self._classifier_of(self._of_both)
        share = _moving_share(classifier.examples)
        self._wanted_share = {
            gesture: float(np.median(share[classifier.label == number]))
            for number, gesture in enumerate(classifier.gestures)
            if gesture in self._of_both
        }

    def _classifier_of(self, gestures: set[str]) -> FewShotClassifier | None:
        """A classifier of some of the gestures and of background; None where none is meant."""
        if not gestures - {BACKGROUND}:
            return None
        whole = self.classifier
        wanted = gestures | {BACKGROUND}
        if wanted >= set(whole.gestures):
            return whole
        names = [whole.gestures[label] for label in whole.label]
        chosen = [number for number, name in enumerate(names) if name in wanted]
        labels = [names[number] for number in chosen]
        examples = whole.examples.take(chosen)
        weights = tuple(whole.weights.tolist())
        return FewShotClassifier(examples, labels, whole.usual, weights=weights, border=whole.border)

    def _places(self, classifier: FewShotClassifier) -> NDArray[np.intp]:
        return np.array([self.labels.index(gesture) for gesture in classifier.gestures])

    @property
    def _reach(self) -> float:
        """Seconds back that the longest view shows: its end is a rest that is supposed."""
        return max(seconds - rest_of(seconds) for seconds in self._windows)

    def _scores(self, shown: Sequence[Sightings], timestamp: float, frame: int) -> list[Scores]:
        """Scores of the views that end now, one for each choice of hands."""
        views = [self._views(seen, timestamp) for seen in shown]
        scores = []
        for seen, some, looks in zip(shown, views, self._looks(views), strict=True):
            probabilities = self._nothing() if looks is None else self._probabilities(looks, self.classifier)
            acting = int(some[0].acting[0]) if some else RIGHT
            best = self.labels[self._place[probabilities[self._place].argmax()]]
            both = bool(best in self._of_both and some and some[0].share[0, 1] > _BOTH)
            scores.append(self._said(seen, probabilities, timestamp, frame, acting=acting, both=both))
        return scores

    def _scores_apart(self, seen: Sightings, timestamp: float, frame: int) -> tuple[Scores, ...]:
        """Scores of the left hand, of the right one and, if a gesture of both was taught, of both.

        A hand alone is compared with examples of one hand, both together with examples of both. Where both
        hands moved in the examples, both must move.
        """
        shown = [seen.alone(LEFT), seen.alone(RIGHT), *([seen] if self._pair else [])]
        views = [self._views(one, timestamp) for one in shown]
        told = self._looks(views)
        hands: list[Literal["left", "right", "both"]] = ["left", "right", "both"]
        scores = []
        for one, some, looks, hand in zip(shown, views, told, hands, strict=False):
            probabilities = self._nothing()
            classifier = self._pair if hand == "both" else self._single
            if looks is not None and classifier is not None:
                probabilities = self._probabilities(looks, classifier)
                if hand == "both":
                    probabilities = self._shared(probabilities, looks)
            acting = int(some[0].acting[0]) if some else (LEFT if hand == "left" else RIGHT)
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

    def _looks(self, views: Sequence[Sequence[Views]]) -> list[Looks | None]:
        """Looks of the views of each choice of hands, encoded together; None where there are none."""
        every = [view for some in views for view in some]
        if not every:
            return [None] * len(views)
        looks = look_at(Views.stack(every), self._encoders)
        if len(views) == 1:
            return [looks]
        ends = np.cumsum([len(some) for some in views]).tolist()
        return [
            looks.take(range(end - len(some), end)) if some else None
            for end, some in zip(ends, views, strict=True)
        ]

    def _views(self, seen: Sightings, end: float) -> list[Views]:
        """What the hands did up to now, over each of the durations."""
        every = (
            live_view(seen, end, seconds, hands_matter=self.info.hands_matter) for seconds in self._windows
        )
        return [view for view in every if view is not None]

    def score_views(self, views: Sequence[Views]) -> Float32:
        """Probabilities `(labels,)` for views of one moment; what is unlike all examples is background."""
        if not views:
            return self._nothing()
        return self._probabilities(look_at(Views.stack(views), self._encoders), self.classifier)

    def _probabilities(self, looks: Looks, classifier: FewShotClassifier) -> Float32:
        """(labels,) what a classifier says of the looks of one moment."""
        probabilities = np.zeros(len(self.labels), np.float32)
        background = self.labels.index(BACKGROUND)
        place = self._place if classifier is self.classifier else self._places(classifier)
        probabilities[place] = classifier.scores(looks)
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
