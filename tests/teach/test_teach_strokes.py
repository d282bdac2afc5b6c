"""Teaching strokes: idle motion that looks like a gesture becomes background, other idle motion does not."""

from dataclasses import replace

import numpy as np

from handflow.recognize.few_shot.stroke_examples import ENDS
from handflow.recognize.few_shot.teacher import Teacher
from handflow.teach.strokes import learn_strokes
from handflow.types import BACKGROUND, Clip, Float64
from teach.few_shot_samples import Path, clip_of, nothing, performed, stay, swipe

TIMES = np.arange(0, 3, 1 / 30)


def back(phase: Float64) -> Float64:
    return -swipe(phase)


def takes_of(path: Path, label: str) -> list[Clip]:
    return [
        clip_of(performed(TIMES, path, start=1.0 + 0.1 * n, lasts=0.5 + 0.03 * n), label, f"{label}-{n}")
        for n in range(4)
    ]


MEANT = [*takes_of(swipe, "there"), *takes_of(back, "back")]


def idle(path: Path, lasts: float) -> Clip:
    return clip_of(performed(TIMES, path, start=1.0, lasts=lasts), BACKGROUND, "idle")


def test_idle_motion_that_is_taken_for_a_gesture_becomes_background() -> None:
    strokes = learn_strokes(Teacher(), [*MEANT, idle(swipe, 0.5)])
    assert strokes is not None
    labels = list(strokes.examples.labels)
    assert labels.count("there") == labels.count("back") == 4 * len(ENDS)
    assert 1 <= labels.count(BACKGROUND) <= 6  # of one clip
    assert strokes.held == ()
    assert 0.3 < strokes.usual["there"] < 0.9


def test_slow_and_resting_hands_need_no_examples() -> None:
    for clip in (idle(swipe, 2.0), idle(stay, 1.0), replace(idle(stay, 1.0), sequence=nothing(30))):
        strokes = learn_strokes(Teacher(), [*MEANT, clip])
        assert strokes is not None
        assert BACKGROUND not in strokes.examples.labels


def test_a_pose_that_is_held_is_known_as_such() -> None:
    fists = [
        clip_of(performed(TIMES, stay, curl=(1.0, 1.0), at=(100 + n, 120)), "fist", f"f{n}") for n in range(3)
    ]
    strokes = learn_strokes(Teacher(), [*MEANT, *fists])
    assert strokes is not None
    assert strokes.held == ("fist",)


def test_without_hands_there_are_no_strokes() -> None:
    assert learn_strokes(Teacher(), [clip_of(nothing(30), "there", "blank")]) is None
