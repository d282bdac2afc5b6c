"""Runs a few-shot model: a clip at once, or frame after frame."""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from handflow.recognize.few_shot.classifier import FewShotClassifier
from handflow.recognize.few_shot.examples import clip_view
from handflow.recognize.few_shot.looks import Encoders, look_at
from handflow.recognize.few_shot.views import Views, live_view
from handflow.recognize.model_folder import ModelInfo
from handflow.recognize.recognizer import Recognizer, TwoHands
from handflow.types import BACKGROUND, LEFT, Clip, Float32, Image, Scores

_BOTH = 0.5
"""Share of a window, and of the examples, in which the other hand is seen where a gesture is of both."""


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
        self._place = np.array([info.labels.index(gesture) for gesture in classifier.gestures])
        self.info = info  # there is no network of windows: views are compared with examples
        self.reset()
        second = classifier.examples.share[:, 1] > _BOTH
        self._of_both = [bool(second[classifier.label == g].mean() > _BOTH) for g in range(len(self._place))]

    def update(self, hands: TwoHands, timestamp: float, frame: int, image: Image | None = None) -> Scores:
        """Takes the hands of the next frame and scores the windows that end with it.

        Raises:
            ValueError: the timestamp is not later than the one before.
        """
        self._remember(hands, timestamp, image)
        sequence = self._buffer()
        views = [
            view
            for seconds in self._windows
            if (view := live_view(sequence, timestamp, seconds, hands_matter=self.info.hands_matter))
            is not None
        ]
        probabilities = self.score_views(views)
        side: Literal["left", "right", "both"] = "right"
        acting = 1
        if views:
            acting = int(views[0].acting[0])
            side = "left" if acting == LEFT else "right"
            best = int(probabilities[self._place].argmax())
            if self._of_both[best] and views[0].share[0, 1] > _BOTH:
                side = "both"
        return Scores(
            probabilities=probabilities,
            labels=self.labels,
            timestamp=timestamp,
            frame=frame,
            hand=side,
            track=self._last_track(acting),
        )

    def score_views(self, views: Sequence[Views]) -> Float32:
        """Probabilities `(labels,)` for views of one moment; what is unlike all examples is background."""
        probabilities = np.zeros(len(self.labels), np.float32)
        background = self.labels.index(BACKGROUND)
        if not views:
            probabilities[background] = 1
            return probabilities
        probabilities[self._place] = self.classifier.scores(look_at(Views.stack(views), self._encoders))
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
