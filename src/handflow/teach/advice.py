"""What a few-shot model can say to its teacher: what looks alike, what does not fit, what is missing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from handflow.evaluate.intervals import wilson_interval
from handflow.recognize.few_shot.classifier import TWIN, FewShotClassifier, LeftOut
from handflow.recognize.few_shot.parts import PARTS
from handflow.types import BACKGROUND

_ALIKE = 0.15  # mean probability that a left-out example is the other gesture
_ALIKE_ALONE = 0.5  # the same where gestures have a single example, by how near the other one is
_MISFIT = 0.2  # probability of its own label below which an example does not fit
_WEAK = 0.8  # share of its examples that a gesture should have right
_FEW = 3  # examples from which on a gesture is taught well
_NOTHING_LEFT = 100.0  # unlikeness beyond which there was no other example of the gesture
_WARPED = PARTS.index("warped")
_MOST = 5  # of a kind that are told: more would hide what matters


@dataclass(frozen=True, slots=True)
class Alike:
    """Two gestures that look alike to the model."""

    first: str
    second: str
    chance: float  # 0 to 1, that one is taken for the other


@dataclass(frozen=True, slots=True)
class Misfit:
    """An example that does not fit its gesture."""

    clip: str
    label: str
    looks_like: str
    same_as: str | None = None  # clip of another gesture that is the same recording


@dataclass(frozen=True, slots=True)
class Advice:
    """What to know and to do about a taught model."""

    examples: int
    right: int | None  # of `tested`; None where nothing could be left out
    tested: int  # examples that were left out one by one, those with another one of their gesture
    interval: tuple[float, float] | None  # of the share that is right, 95 %
    for_new_people: float | None  # share right where all examples of a person were left out; None: unknown
    alike: tuple[Alike, ...]
    misfits: tuple[Misfit, ...]
    needs_more: dict[str, str]  # gesture: why

    @property
    def expected(self) -> float | None:
        """Share of takes that will be recognized, as far as the examples tell."""
        return self.right / self.tested if self.right is not None and self.tested else None

    def sentences(self) -> list[str]:
        """Everything in words, what matters most first."""
        lines = [self._expectation()]
        if self.for_new_people is not None:
            lines.append(f"Of someone whose takes were not taught, expect about {self.for_new_people:.0%}.")
        for misfit in self.misfits[:_MOST]:
            if misfit.same_as is not None:
                lines.append(
                    f"The take {misfit.clip} of “{misfit.label}” is the same as {misfit.same_as} of "
                    f"“{misfit.looks_like}”: delete or relabel one of them."
                )
            else:
                lines.append(
                    f"The take {misfit.clip} of “{misfit.label}” looks like “{misfit.looks_like}”: "
                    "look at it, and delete, relabel or repeat it."
                )
        lines += [
            f"“{pair.first}” and “{pair.second}” look alike (one is taken for the other with "
            f"{pair.chance:.0%}): record more takes of both, or make one of them different."
            for pair in self.alike[:_MOST]
        ]
        lines += [
            f"“{gesture}” needs more takes: {why}." for gesture, why in list(self.needs_more.items())[:_MOST]
        ]
        for kind, things in (("takes that do not fit", self.misfits), ("pairs that look alike", self.alike),
                             ("gestures that need more takes", self.needs_more)):  # fmt: skip
            if len(things) > _MOST:
                lines.append(f"{len(things) - _MOST} more {kind}.")
        return lines

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "examples": self.examples,
            "left_one_out": self.tested,
            "expected_accuracy": self.expected,
            "interval": None if self.interval is None else list(self.interval),
            "expected_for_new_people": self.for_new_people,
            "alike": [{"gestures": [a.first, a.second], "chance": round(a.chance, 3)} for a in self.alike],
            "misfits": [
                {"clip": m.clip, "label": m.label, "looks_like": m.looks_like, "same_as": m.same_as}
                for m in self.misfits
            ],
            "needs_more": dict(self.needs_more),
        }

    def _expectation(self) -> str:
        if self.expected is None or self.interval is None:
            return (
                "Each gesture has a single take, so nothing can be left out to see how well it works: "
                "record a few more."
            )
        low, high = self.interval
        return (
            f"Each take left out in turn, {self.right} of {self.tested} were recognized by the others "
            f"({self.expected:.0%}; the truth is probably between {low:.0%} and {high:.0%})."
        )


def advise(
    classifier: FewShotClassifier, clips: Sequence[str], subjects: Sequence[str | None] = ()
) -> Advice:
    """What the examples say about themselves.

    Args:
        classifier: of the examples.
        clips: (examples,) ids.
        subjects: (examples,) who made each; empty or None: unknown.
    """
    left = classifier.leave_one_out()
    counts = classifier.counts
    several = counts[left.truth] > 1
    hit = left.answer == left.truth
    tested, right = int(several.sum()), int((hit & several).sum())
    people = {name for name in subjects if name is not None}
    for_new = None
    if len(people) > 1 and None not in subjects:
        others = classifier.leave_groups_out(list(subjects))
        told = others.nearness[np.arange(len(others.truth)), others.truth] < _NOTHING_LEFT
        if told.any():
            for_new = float((others.answer == others.truth)[told].mean())
    return Advice(
        examples=len(clips),
        right=right if tested else None,
        tested=tested,
        interval=wilson_interval(right, tested) if tested else None,
        for_new_people=for_new,
        alike=_alike(classifier, left),
        misfits=_misfits(classifier, left, clips),
        needs_more=_needs_more(classifier, left),
    )


def _alike(classifier: FewShotClassifier, left: LeftOut) -> tuple[Alike, ...]:
    names, counts = classifier.gestures, classifier.counts
    n = len(names)
    chance = np.zeros((n, n))
    for g in range(n):
        rows = left.truth == g
        if rows.any() and counts[g] > 1:
            chance[g] = left.chance[rows].mean(axis=0)
        elif rows.any():
            chance[g] = classifier.known(left.nearness[rows].mean(axis=0)) * (_ALIKE / _ALIKE_ALONE)
    found = [
        Alike(names[g], names[h], float(max(chance[g, h], chance[h, g])))
        for g in range(n)
        for h in range(g + 1, n)
        if max(chance[g, h], chance[h, g]) >= _ALIKE
    ]
    return tuple(sorted(found, key=lambda pair: -pair.chance))


def _misfits(classifier: FewShotClassifier, left: LeftOut, clips: Sequence[str]) -> tuple[Misfit, ...]:
    names = classifier.gestures
    found: list[tuple[float, Misfit]] = []
    for row, (example, own) in enumerate(zip(left.example, left.truth, strict=True)):
        other = np.where(np.arange(len(names)) == own, np.inf, left.parts[_WARPED, row])
        nearest = int(other.argmin())
        if left.parts[_WARPED, row, nearest] < TWIN:
            twin = clips[left.nearest[row, nearest]]
            if example < left.nearest[row, nearest]:  # tell of each pair once
                found.append((-1.0, Misfit(clips[example], names[own], names[nearest], twin)))
            continue
        chance = float(left.chance[row, own])
        # Of two takes none is the odd one; idle hands may look like anything.
        if classifier.counts[own] >= _FEW and chance < _MISFIT and names[own] != BACKGROUND:
            answer = int(left.answer[row])
            found.append((chance, Misfit(clips[example], names[own], names[answer])))
    return tuple(misfit for _, misfit in sorted(found, key=lambda pair: pair[0]))


def _needs_more(classifier: FewShotClassifier, left: LeftOut) -> dict[str, str]:
    found = {}
    for g, (name, count) in enumerate(zip(classifier.gestures, classifier.counts, strict=True)):
        rows = left.truth == g
        if count < _FEW and name != BACKGROUND:
            found[name] = f"it has {count}, {_FEW} are good and 5 are better"
        elif rows.any() and count > 1 and (share := float((left.answer[rows] == g).mean())) < _WEAK:
            found[name] = f"only {share:.0%} of its {count} were recognized by the others"
    return found
