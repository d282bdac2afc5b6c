"""Teaches few-shot classifiers again and again from the same clips, looking at each clip once."""

from collections.abc import Callable, Sequence

from handflow.recognize.few_shot.classifier import FewShotClassifier
from handflow.recognize.few_shot.examples import Examples, examples_of
from handflow.recognize.few_shot.looks import Looks
from handflow.recognize.few_shot.packaged import packaged_encoders, packaged_usual
from handflow.types import Clip


class FewShotMemory:
    """Remembers how clips look.

    Args:
        hands_matter: whether left and right hands are different gestures.
    """

    def __init__(self, *, hands_matter: bool = False) -> None:
        self._encoders, self._usual = packaged_encoders(), packaged_usual()
        self._hands_matter = hands_matter
        self._seen: dict[int, tuple[Clip, Examples | None]] = {}

    def teach(self, clips: Sequence[Clip]) -> Callable[[Clip], str | None]:
        """A function that gives the label of a clip, None where no hand is seen in it.

        Raises:
            ValueError: none of the clips shows a hand.
        """
        looks = [(clip.label, seen.looks) for clip in clips if (seen := self._look(clip)) is not None]
        classifier = FewShotClassifier(
            Looks.stack(look for _, look in looks), [label for label, _ in looks], self._usual
        )

        def told(clip: Clip) -> str | None:
            seen = self._look(clip)
            if seen is None:
                return None
            return classifier.gestures[int(classifier.answer(seen.looks).chance[0].argmax())]

        return told

    def _look(self, clip: Clip) -> Examples | None:
        if id(clip) not in self._seen:  # the clip is kept too, so that its id stays its own
            self._seen[id(clip)] = (
                clip,
                examples_of([clip], self._encoders, hands_matter=self._hands_matter),
            )
        return self._seen[id(clip)][1]
