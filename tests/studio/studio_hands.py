"""Pictures of a virtual person's hands, and takes from which a project learns how that person moves."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from handflow.data import Dataset
from handflow.data.pictures import encode_jpeg
from handflow.synth.clips import landmark_clips, make_clip
from handflow.synth.person import random_person
from handflow.synth.render import render_frames

PERSON = random_person(3)
GESTURES = ("hand_left", "hand_up")


@dataclass(frozen=True)
class Shown:
    """A gesture in pictures, 320x240."""

    jpegs: list[bytes]
    fps: float


@cache
def shown(gesture: str) -> Shown:
    """A gesture as it was never taught."""
    scene = make_clip(gesture, PERSON, 50, fps=15, seconds=1.6).scene
    return Shown([encode_jpeg(frame.image) for frame in render_frames(scene)], 15)


def teach_by_landmarks(dataset: Path, takes: int = 4) -> None:
    """Fills a dataset with takes of the person, as landmarks."""
    opened = Dataset.open(dataset)
    for take in landmark_clips((*GESTURES, "background"), [PERSON], takes, seed=1, fps=20, seconds=1.8):
        opened.add(take)
