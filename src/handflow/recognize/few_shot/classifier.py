"""Learns gestures from a few examples of each: no training, the examples themselves are the model."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from handflow.recognize.few_shot.combining import FEWEST_TO_FIT, combined, fit_weights, probabilities
from handflow.recognize.few_shot.looks import Looks
from handflow.recognize.few_shot.parts import DISTANCES, PARTS, members_of, unlikeness
from handflow.recognize.few_shot.regression import Regression, learn
from handflow.types import BACKGROUND, Float32, Float64

_MOST_LEFT_OUT = 400
"""Examples that are left out in turn at most: with more, as many are drawn evenly."""
_BELIEF = 10.0
"""How many examples the usual border of the unknown counts as much as."""
TWIN = -2.0
"""Logarithm of the cost of warping below which two takes are the same recording; of others it is about 4."""
_ALONE = 0.25
"""How much another gesture tells of the border where nothing is known of a gesture's own takes."""
_NOTHING = 100.0
"""Unlikeness beyond which there was no example left to compare with."""


@dataclass(frozen=True, slots=True)
class Usual:
    """What holds before any example of a task is seen; settled on drawn gestures (`handflow pretrain`)."""

    weights: tuple[float, ...]  # of `PARTS`
    levels: tuple[float, ...]  # of the distances, between takes of one gesture
    border: float  # how far above these levels a gesture is as likely unknown
    steepness: float  # how fast known turns into unknown beyond the border

    def __post_init__(self) -> None:
        if len(self.weights) != len(PARTS) or min(self.weights) < 0 or sum(self.weights) <= 0:
            raise ValueError(f"weights are {self.weights}, expected {len(PARTS)} numbers from 0 on")
        if len(self.levels) != DISTANCES:
            raise ValueError(f"levels are {self.levels}, expected {DISTANCES} numbers")
        if self.steepness <= 0:
            raise ValueError(f"steepness is {self.steepness}, expected a number above 0")


@dataclass(frozen=True, slots=True, eq=False)
class LeftOut:
    """What the others say about each example that was left out."""

    example: NDArray[np.intp]  # (n,) which ones
    truth: NDArray[np.intp]  # (n,) their gestures
    chance: Float64  # (n, gestures) probabilities; an only example of a gesture has 0 for it
    nearness: Float64  # (n, gestures) unlikeness above the usual level; huge where nothing is left
    nearest: NDArray[np.intp]  # (n, gestures) the example of each gesture that is most alike
    parts: Float32  # (PARTS, n, gestures) what the chances are made of

    @property
    def answer(self) -> NDArray[np.intp]:
        """(n,) the likeliest gestures."""
        return np.asarray(self.chance.argmax(axis=1))


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What the examples say about queries."""

    chance: Float64  # (queries, gestures) given that it is one of them, each row summing to 1
    known: Float64  # (queries,) 0 to 1, that it is any of them
    nearest: NDArray[np.intp]  # (queries,) example of the likeliest gesture that is most alike


class FewShotClassifier:
    """Tells gestures by their examples.

    Args:
        examples: what was taught.
        labels: (examples,) the gesture of each.
        usual: weights and border where the examples do not say better.
        border: of the unknown, where it was settled before; None: from the examples.
        weights: of the parts, likewise.
        groups: (examples,) which examples are of one take, and are left out together; None: each is of its
            own.

    Raises:
        ValueError: there are no examples, or not as many labels.
    """

    def __init__(
        self,
        examples: Looks,
        labels: Sequence[str],
        usual: Usual,
        *,
        weights: Sequence[float] | None = None,
        border: float | None = None,
        groups: Sequence[Hashable] | None = None,
    ) -> None:
        if not len(examples) or len(examples) != len(labels):
            raise ValueError(
                f"{len(examples)} examples and {len(labels)} labels: expected as many, 1 or more"
            )
        self.examples = examples
        self.gestures = tuple(sorted(set(labels)))
        self.label: NDArray[np.intp] = np.array([self.gestures.index(name) for name in labels])
        self._meant = np.array([gesture != BACKGROUND for gesture in self.gestures])
        self._members = members_of(self.label, len(self.gestures))
        self.usual = usual
        self._left_out: LeftOut | None = None
        self._group = _numbered(range(len(examples)) if groups is None else groups)
        self._regression = self._learned(self._group)
        if weights is None or border is None:
            self.weights, self.border = self._fitted()
        else:
            self.weights, self.border = np.array(weights, np.float64), float(border)

    @property
    def counts(self) -> NDArray[np.intp]:
        """(gestures,) examples of each."""
        return np.asarray(np.bincount(self.label, minlength=len(self.gestures)))

    @property
    def _takes(self) -> NDArray[np.intp]:
        """(gestures,) takes of each, several examples of which may be there."""
        pairs = np.unique(np.stack([self.label, self._group]), axis=1)
        return np.asarray(np.bincount(pairs[0], minlength=len(self.gestures)))

    def answer(self, queries: Looks) -> Answer:
        """What the examples say about queries."""
        scores = unlikeness(queries, self.examples, self._members)
        parts = self._with_learned(
            scores.parts, None if self._regression is None else self._regression.scores(queries)
        )
        chance = probabilities(parts, self.weights)
        nearness = self._above(scores.parts)
        best = chance.argmax(axis=1)
        rows = np.arange(len(best))
        return Answer(chance, self.known(self._least(nearness)), scores.nearest[rows, best])

    def scores(self, queries: Looks, share: Float64 | float = 1.0) -> Float64:
        """(gestures,) probabilities for windows of one moment: each gesture's best, at most 1 in all.

        Args:
            queries: the windows.
            share: (queries, gestures) factors 0 to 1, such as of their pace.
        """
        answer = self.answer(queries)
        best: Float64 = (answer.chance * answer.known[:, None] * share).max(axis=0)
        return best / max(1.0, float(best.sum()))

    def levels(self, queries: Looks, gesture: NDArray[np.intp]) -> Float64:
        """(queries, parts) unlikeness of queries to their own gestures, given by number."""
        scores = unlikeness(queries, self.examples, self._members)
        return np.asarray(scores.parts[:, np.arange(len(gesture)), gesture].T, np.float64)

    def nearness(self, queries: Looks) -> Float64:
        """(queries,) least unlikeness to any gesture above the usual level."""
        scores = unlikeness(queries, self.examples, self._members)
        return self._least(self._above(scores.parts))

    def _learned(self, group: NDArray[np.intp]) -> Regression | None:
        """The regression over all examples; None where there are too few for it to say anything."""
        if len(self.gestures) < 2 or np.median(self._takes) < FEWEST_TO_FIT:
            return None
        return learn(self.examples, self.label, len(self.gestures), group)

    def _with_learned(self, parts: Float32, scores: Float64 | None) -> Float32:
        """(PARTS, queries, gestures) all parts; what was not learned says nothing."""
        last = np.zeros(parts.shape[1:], np.float32) if scores is None else -scores.astype(np.float32)
        return np.concatenate([parts, last[None]])

    def _above(self, parts: Float32) -> Float64:
        """(queries, gestures) mean unlikeness above the usual level, by weight."""
        weights = self.weights[:DISTANCES]
        level = float(weights @ np.array(self.usual.levels))
        return (combined(parts[:DISTANCES], weights) - level) / max(float(weights.sum()), 1e-9)

    def _least(self, nearness: Float64) -> Float64:
        """(queries,) of the gestures that mean something, where there are any."""
        result: Float64 = (nearness[:, self._meant] if self._meant.any() else nearness).min(axis=1)
        return result

    def known(self, nearness: Float64) -> Float64:
        """Probability of being a gesture that was taught, from the least unlikeness."""
        exponent = np.clip((nearness - self.border) * self.usual.steepness, -60, 60)
        return np.asarray(1 / (1 + np.exp(exponent)))

    def leave_one_out(self) -> LeftOut:
        """What the others say about each example; of more than some hundred, about an even choice."""
        if self._left_out is None:
            self._left_out = self._weighed(*self._without(self._group))
        return self._left_out

    def leave_groups_out(self, group: Sequence[Hashable]) -> LeftOut:
        """What the examples of other groups say about each example.

        Args:
            group: (examples,) such as whose each is.
        """
        return self._weighed(*self._without(_numbered(group)))

    def _fitted(self) -> tuple[Float64, float]:
        example, parts, nearest = self._without(self._group)
        truth = self.label[example]
        usual = np.array(self.usual.weights)
        # With fewer, leaving one out says more about the lack of examples than about the parts.
        enough = (self._takes[truth] >= FEWEST_TO_FIT) & ~self._twins(parts, truth)
        self.weights = fit_weights(parts[:, enough], truth[enough], usual)
        self.border = self.usual.border
        self._left_out = self._weighed(example, parts, nearest)
        return self.weights, self._settled_border(self._left_out)

    def _twins(self, parts: Float32, truth: NDArray[np.intp]) -> NDArray[np.bool_]:
        """(n,) which examples are the same recording as one of another gesture: no weights help there."""
        own = np.arange(len(self.gestures))[None] == truth[:, None]
        warped = np.where(own, np.inf, parts[PARTS.index("warped")])
        return np.asarray(warped.min(axis=1) < TWIN)

    def _without(self, group: NDArray[np.intp]) -> tuple[NDArray[np.intp], Float32, NDArray[np.intp]]:
        """Examples, and how unlike they are to each gesture without the examples of their own group."""
        n = len(self.examples)
        regression = self._regression
        if regression is not None and len(np.unique(group)) < n:
            regression = learn(self.examples, self.label, len(self.gestures), group)
        every = np.arange(n) if regression is None else regression.learned
        example = every[
            np.unique(np.linspace(0, len(every) - 1, min(len(every), _MOST_LEFT_OUT)).astype(np.intp))
        ]
        queries = self.examples.take(example)
        own = group[example][:, None] == group[None]
        scores = unlikeness(queries, self.examples, self._members, excluded=own)
        said = None
        if regression is not None:
            said = regression.left_out[np.searchsorted(regression.learned, example)]
        return example, self._with_learned(scores.parts, said), scores.nearest

    def _weighed(self, example: NDArray[np.intp], parts: Float32, nearest: NDArray[np.intp]) -> LeftOut:
        whole = np.where(np.isfinite(parts), parts, 1e3)
        return LeftOut(
            example=example,
            truth=self.label[example],
            chance=probabilities(whole, self.weights),
            nearness=self._above(whole),
            nearest=nearest,
            parts=parts,
        )

    def _settled_border(self, left: LeftOut) -> float:
        """The border of the unknown, between examples left out and what is not their gesture.

        What is not: for each example the nearest other gesture, and idle hands the nearest gesture. The
        logistic loss of both, which count alike, with a pull to the usual border.
        """
        rows = np.arange(len(left.example))
        is_own = np.arange(len(self.gestures))[None] == left.truth[:, None]
        others = np.where(is_own | ~self._meant, np.inf, left.nearness).min(axis=1)
        own = left.nearness[rows, left.truth][self._meant[left.truth]]
        twin = self._twins(left.parts, left.truth)[self._meant[left.truth]]
        own, other = own[(own < _NOTHING) & ~twin], others[others < _NOTHING]
        if not len(other):
            return self.usual.border
        # Of single takes nothing is known of their own gesture: the usual border stands for it.
        count = min(len(own), len(other)) if len(own) else len(other) * _ALONE
        border, steepness = self.usual.border, self.usual.steepness
        for _ in range(50):
            outside = 1 / (1 + np.exp(-steepness * (own - border).clip(-9, 9)))  # of what should be known
            inside = 1 / (1 + np.exp(steepness * (other - border).clip(-9, 9)))  # of what should not
            pull = _BELIEF * (self.usual.border - border) / 4
            slope = count * ((outside.mean() if len(own) else 0.0) - inside.mean()) + pull
            bend = count * sum((x * (1 - x)).mean() for x in (outside, inside) if len(x)) + _BELIEF / 4
            step = slope / (bend * steepness)
            border += float(np.clip(step, -0.3, 0.3))
            if abs(step) < 1e-5:
                break
        return border


def _numbered(group: Sequence[Hashable]) -> NDArray[np.intp]:
    """(n,) numbers for names of groups."""
    names = {name: number for number, name in enumerate(dict.fromkeys(group))}
    return np.array([names[name] for name in group], np.intp)
