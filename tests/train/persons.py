"""Clips of virtual persons for the tests of training."""

from handflow.synth.clips import landmark_clips
from handflow.synth.person import random_person
from handflow.types import Clip

GESTURES = ("hand_left", "hand_right", "background")


def persons_clips(first: int, persons: int, clips: int, gestures: tuple[str, ...] = GESTURES) -> list[Clip]:
    """`clips` takes of every gesture by each of some persons, at 15 frames a second."""
    people = [random_person(first + k) for k in range(persons)]
    return list(landmark_clips(gestures, people, clips, seed=first, fps=15, seconds=1.4))
