"""Who and what a model was trained on and tested on: decides how far its numbers can be believed."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from handflow.types import Clip


@dataclass(frozen=True, slots=True)
class Provenance:
    """Whose clips, and from which sittings, a set of clips holds."""

    clips: int
    subjects: frozenset[str] = frozenset()
    sessions: frozenset[str] = frozenset()  # as `session_name` calls them
    keys: frozenset[str] = frozenset()  # of the clips' landmarks, as `clip_key` makes them

    @classmethod
    def of(cls, clips: Iterable[Clip]) -> "Provenance":
        """The provenance of clips."""
        known = list(clips)
        return cls(
            clips=len(known),
            subjects=frozenset(c.subject for c in known if c.subject),
            sessions=frozenset(name for c in known if (name := session_name(c))),
            keys=frozenset(clip_key(c) for c in known),
        )

    def document(self) -> dict[str, int | list[str]]:
        """As JSON, for model.json under `trained_on`."""
        return {
            "clips": self.clips,
            "subjects": sorted(self.subjects),
            "sessions": sorted(self.sessions),
            "keys": sorted(self.keys),
        }

    def in_words(self) -> str:
        """How many takes, by how many people: "40 takes by 2 people (ann, ben)"."""
        words = count(self.clips, "take")
        if self.subjects:
            words += f" by {count(len(self.subjects), 'person', 'people')} ({listed(sorted(self.subjects))})"
        return words


def trained_provenance(model: Path) -> Provenance | None:
    """What `trained_on` in the model.json of a folder says; None where it says nothing that can be read."""
    document = json.loads((model / "model.json").read_text(encoding="utf-8")).get("trained_on")
    if not isinstance(document, dict) or not isinstance(document.get("clips"), int):
        return None
    names = [document.get(key) for key in ("subjects", "sessions", "keys")]
    if not all(isinstance(value, list) for value in names):
        return None
    subjects, sessions, keys = (frozenset(map(str, value or ())) for value in names)
    return Provenance(document["clips"], subjects, sessions, keys)


def clip_key(clip: Clip) -> str:
    """Short hash of a clip's landmarks: the same take is known again under another name or in an archive."""
    landmarks = np.ascontiguousarray(clip.sequence.measured().landmarks)  # training leaves filled ones out
    return hashlib.sha256(landmarks.tobytes()).hexdigest()[:16]


def session_name(clip: Clip) -> str | None:
    """Name of the sitting a clip was recorded in; those of different people differ, whatever their names."""
    if not clip.session:
        return None
    return f"{clip.session} of {clip.subject}" if clip.subject else clip.session


def whose_takes(trained: Provenance, tested: Provenance) -> str:
    """Whose takes were tested, in words that belong behind "of 40 takes"."""
    if trained.keys & tested.keys:
        return "some of which it was trained on"
    if trained.subjects & tested.subjects:
        if trained.sessions and tested.sessions and not trained.sessions & tested.sessions:
            return "by people it knows, recorded on another occasion"
        return "by people it was also trained on"
    if trained.sessions & tested.sessions:
        return "from sittings it was also trained on"
    if trained.subjects and tested.subjects:
        return "by people it never saw"
    return "it was not trained on (nobody noted who made them)"


def overlap_notes(trained: Provenance, tested: Provenance) -> tuple[str, ...]:
    """Plain sentences on everything that makes the result look better than it will be for someone new."""
    notes = []
    if same := trained.keys & tested.keys:
        notes.append(
            f"{len(same)} of the {count(tested.clips, 'clip')} were used to train this model: "
            "the result says how well it remembers them, not how well it recognizes new ones."
        )
    if sessions := trained.sessions & tested.sessions:
        notes.append(
            f"The model was also trained on {_named('session', sessions)}: "
            "takes of one sitting resemble each other, so expect less on another day."
        )
    if subjects := trained.subjects & tested.subjects:
        notes.append(
            f"The model was also trained on {_named('subject', subjects)}: "
            "the result holds for people it knows, expect less for someone new."
        )
    return tuple(notes)


def count(number: int, noun: str, plural: str | None = None) -> str:
    """A number with its noun.

    >>> count(1, "take"), count(3, "take"), count(2, "person", "people")
    ('1 take', '3 takes', '2 people')
    """
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def listed(names: Iterable[str], most: int = 6) -> str:
    """Names in one line, the tail of a long list counted."""
    names = list(names)
    rest = len(names) - most
    return ", ".join(names) if rest <= 0 else f"{', '.join(names[:most])} and {rest} more"


def _named(noun: str, names: frozenset[str]) -> str:
    return f"{noun}{'s' if len(names) > 1 else ''} {listed(sorted(names))}"
