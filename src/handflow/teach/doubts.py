"""What speaks against single takes, as the one who records them wants to know after each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from handflow.data.check import FEWEST_FRAMES, HANDLESS, SHORTEST
from handflow.recognize.few_shot.classifier import FewShotClassifier
from handflow.recognize.few_shot.teacher import Teacher
from handflow.teach.advice import advise
from handflow.types import BACKGROUND, Clip

Code = Literal["too short", "no hand", "looks like", "same as", "unlike"]

FEW = 3
"""Takes of a gesture from which on one can be unlike the others."""
_UNKNOWN, _ODD = 0.1, 0.5
"""Unlikeness above the border of the unknown, and above the middle of its gesture, at which a take is unlike.

Of virtual persons' takes (160 persons, 16 gestures, 3 to 10 takes each) two in a hundred are called so
wrongly, and eight of ten that show another motion."""


@dataclass(frozen=True, slots=True)
class TakeDoubt:
    """Something that speaks against a take."""

    code: Code
    other: str = ""  # the gesture that it looks like, or the take that it is the same as

    def __str__(self) -> str:
        """In words, with the remedy."""
        told = {
            "too short": "too short to show a gesture: record it again",
            "no hand": "hardly any hand is seen in it: record it again, in good light",
            "looks like": f"looks like “{self.other}”: move it there, or record it again",
            "same as": f"is the same recording as {self.other}: delete one of them",
            "unlike": "unlike the other takes: look at it, and record it again if it went wrong",
        }
        return told[self.code]


class TakeJudge:
    """Judges all takes of a dataset again and again, looking at each clip once: a new one costs little.

    Args:
        hands_matter: whether left and right hands are different gestures.
    """

    def __init__(self, *, hands_matter: bool = False) -> None:
        self._teacher = Teacher(hands_matter=hands_matter)
        self._known: dict[str, Clip] = {}  # those that were looked at
        self._without: set[str] = set()  # those of them in which no hand is seen

    def judge(self, clips: Sequence[Clip]) -> dict[str, TakeDoubt]:
        """What speaks most against each of these takes, by id; those that are fine are left out.

        A clip is looked at again where it is not the object that it was: it may show something else by now.
        """
        found = {clip.id: doubt for clip in clips if (doubt := _alone(clip)) is not None}
        sound = [clip for clip in clips if clip.id not in found]
        self._look_at(sound)
        for clip in sound:
            if clip.label != BACKGROUND and clip.id in self._without:
                found[clip.id] = TakeDoubt("no hand")
        if self._teacher.examples is not None:
            found |= _compared(self._teacher.classifier(), self._teacher.examples.clips)
        return found

    def _look_at(self, clips: Sequence[Clip]) -> None:
        """Looks at takes that were not seen yet, and forgets those that are gone."""
        wanted = {clip.id: clip for clip in clips}
        gone = [id for id, clip in self._known.items() if wanted.get(id) is not clip]
        self._teacher.remove(gone)
        for id in gone:
            del self._known[id]
        self._without.difference_update(gone)
        fresh = [clip for clip in clips if clip.id not in self._known]
        if fresh:
            self._without.update(self._teacher.add(fresh))
            self._known |= {clip.id: clip for clip in fresh}


def _alone(clip: Clip) -> TakeDoubt | None:
    """What can be told of a take without the others."""
    sequence = clip.sequence
    if len(sequence) < FEWEST_FRAMES or sequence.duration < SHORTEST:
        return TakeDoubt("too short")
    unseen = 1 - float(sequence.seen.any(axis=1).mean())
    return TakeDoubt("no hand") if clip.label != BACKGROUND and unseen > HANDLESS else None


def _compared(classifier: FewShotClassifier, clips: Sequence[str]) -> dict[str, TakeDoubt]:
    """What the takes say about each other."""
    found = {}
    for misfit in advise(classifier, clips).misfits:
        if misfit.same_as is not None:
            found[misfit.clip] = TakeDoubt("same as", misfit.same_as)
            found[misfit.same_as] = TakeDoubt("same as", misfit.clip)
        elif misfit.looks_like != misfit.label:
            found[misfit.clip] = TakeDoubt("looks like", misfit.looks_like)
    left = classifier.leave_one_out()
    own = left.nearness[np.arange(len(left.truth)), left.truth]
    for number, gesture in enumerate(classifier.gestures):
        rows = np.flatnonzero(left.truth == number)
        if gesture == BACKGROUND or len(rows) < FEW:
            continue  # idle hands may look like anything
        middle = float(np.median(own[rows]))
        for row in rows:
            if own[row] > max(classifier.border + _UNKNOWN, middle + _ODD):
                found.setdefault(clips[left.example[row]], TakeDoubt("unlike"))
    return found
