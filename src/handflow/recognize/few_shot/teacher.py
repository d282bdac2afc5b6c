"""Takes clips, gives a classifier: what is taught can be added to and taken back at any time."""

from collections.abc import Callable, Iterable, Sequence

from handflow.recognize.few_shot.classifier import FewShotClassifier, Usual
from handflow.recognize.few_shot.examples import Examples, examples_of
from handflow.recognize.few_shot.looks import Encoders
from handflow.recognize.few_shot.packaged import packaged_encoders, packaged_usual
from handflow.types import Clip


class Teacher:
    """Holds examples and answers with a classifier of them.

    Args:
        encoders: None: those that come with handflow.
        usual: None: what was settled with them.
        hands_matter: whether left and right hands are different gestures.
    """

    def __init__(
        self, encoders: Encoders | None = None, usual: Usual | None = None, *, hands_matter: bool = False
    ) -> None:
        self.encoders = encoders or packaged_encoders()
        self.usual = usual or packaged_usual()
        self.hands_matter = hands_matter
        self.reset()

    def reset(self) -> None:
        """Forgets all examples."""
        self.examples: Examples | None = None
        self._classifier: FewShotClassifier | None = None

    def add(self, clips: Sequence[Clip]) -> list[str]:
        """Takes more examples.

        Returns:
            ids of the clips in which no hand is seen: they teach nothing.
        """
        fresh = examples_of(clips, self.encoders, hands_matter=self.hands_matter)
        if fresh is not None:
            self.examples = fresh if self.examples is None else self.examples.joined(fresh)
            self._classifier = None
        taught = set(fresh.clips) if fresh is not None else set()
        return [clip.id for clip in clips if clip.id not in taught]

    def remove(self, clips: Iterable[str]) -> int:
        """Forgets the examples of these clips; gives how many there were."""
        gone = set(clips)
        return self._forget(lambda clip, label: clip in gone)

    def remove_gesture(self, label: str) -> int:
        """Forgets a gesture; gives how many examples it had."""
        return self._forget(lambda clip, of: of == label)

    def classifier(self) -> FewShotClassifier:
        """The classifier of all examples, made anew where they changed.

        Raises:
            ValueError: nothing was taught.
        """
        if self.examples is None:
            raise ValueError("nothing was taught yet")
        if self._classifier is None:
            self._classifier = FewShotClassifier(self.examples.looks, self.examples.labels, self.usual)
        return self._classifier

    def _forget(self, gone: Callable[[str, str], bool]) -> int:
        """Forgets the examples of which that holds, by clip and label; gives how many there were."""
        if self.examples is None:
            return 0
        named = zip(self.examples.clips, self.examples.labels, strict=True)
        kept = [i for i, (clip, label) in enumerate(named) if not gone(clip, label)]
        removed = len(self.examples) - len(kept)
        if removed:
            self.examples = self.examples.take(kept) if kept else None
            self._classifier = None
        return removed
