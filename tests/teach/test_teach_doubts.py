"""What speaks against single takes."""

from dataclasses import replace

import numpy as np
import pytest
from few_shot_samples import takes

from data_samples import clip
from handflow.synth.clips import landmark_clips
from handflow.synth.person import random_person
from handflow.teach.doubts import TakeDoubt, TakeJudge
from handflow.types import BACKGROUND, Clip

SWIPES = ("hand_left", "hand_right")


def test_good_takes_are_left_alone() -> None:
    assert TakeJudge().judge(takes(SWIPES, 5)) == {}
    assert TakeJudge().judge([]) == {}


def test_takes_that_show_nothing_are_named_and_disturb_no_other() -> None:
    bad = [
        clip("unseen", "hand_left", missing=0.8),
        clip("nobody", "hand_left", missing=1.0),
        clip("short", "hand_left", frames=3, fps=30.0),
    ]
    found = TakeJudge().judge([*takes(SWIPES), *bad])
    assert found == {
        "unseen": TakeDoubt("no hand"),
        "nobody": TakeDoubt("no hand"),
        "short": TakeDoubt("too short"),
    }


def test_idle_hands_may_be_out_of_sight() -> None:
    assert TakeJudge().judge([*takes(SWIPES), clip("away", BACKGROUND, missing=1.0)]) == {}


def relabelled(take: Clip, label: str) -> Clip:
    return replace(take, id=f"{take.id} again", label=label)


def test_a_take_of_another_gesture_and_a_copy_are_told_apart() -> None:
    many = takes(SWIPES, 4)
    foreign = next(iter(landmark_clips(("hand_left",), [random_person(5)], 1, seed=9, fps=15, seconds=1.5)))
    found = TakeJudge().judge([*many, replace(foreign, id="moved", label="hand_right")])
    assert found == {"moved": TakeDoubt("looks like", "hand_left")}
    copied = relabelled(many[0], "hand_right")
    found = TakeJudge().judge([*many, copied])
    same = {many[0].id: TakeDoubt("same as", copied.id), copied.id: TakeDoubt("same as", many[0].id)}
    assert found == same


def test_a_take_unlike_all_others_is_told_from_the_third_of_its_gesture_on() -> None:
    swipes = [take for take in takes(SWIPES, 4) if take.label == "hand_left"]
    wave = next(iter(landmark_clips(("wave",), [random_person(5)], 1, seed=3, fps=15, seconds=1.5)))
    odd = replace(wave, id="odd", label="hand_left")
    assert TakeJudge().judge([*swipes, odd]) == {"odd": TakeDoubt("unlike")}
    assert TakeJudge().judge([swipes[0], odd]) == {}


def test_most_odd_takes_are_found_and_few_good_ones_suspected() -> None:
    gestures = ("hand_up", "circle_clockwise", "wave", "pinch", "turn", "grab", "hold_point", "hold_fist")
    found = wrong = 0
    for number in range(24):
        person, gesture, other = random_person(900 + number), gestures[number % 8], gestures[number % 8 - 3]
        good = [*landmark_clips((gesture,), [person], 5, seed=number, fps=15, seconds=1.5)]
        odd = next(iter(landmark_clips((other,), [person], 1, seed=number + 50, fps=15, seconds=1.5)))
        told = TakeJudge().judge([*good, replace(odd, id="odd", label=gesture)])
        found += "odd" in told
        wrong += len(told.keys() - {"odd"})
    assert found >= 18 and wrong <= 6, (found, wrong)  # of 24, and of 120


def test_takes_are_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    judge, many = TakeJudge(), list(takes(SWIPES, 4))
    looked: list[int] = []
    add = judge._teacher.add
    monkeypatch.setattr(judge._teacher, "add", lambda clips: looked.append(len(clips)) or add(clips))
    judge.judge(many[:-1])
    judge.judge(many)
    moved = relabelled(many[0], SWIPES[1])
    judge.judge([*many[1:], moved])
    assert judge.judge(many) == {}
    assert looked == [len(many) - 1, 1, 1, 1]
    assert judge._teacher.examples is not None
    assert sorted(judge._teacher.examples.clips) == sorted(take.id for take in many)


def test_a_take_that_shows_something_else_by_now_is_looked_at_again() -> None:
    judge, many = TakeJudge(), list(takes(SWIPES, 4))
    assert judge.judge(many) == {}
    other = next(clip for clip in many if clip.label == SWIPES[1])
    now = replace(many[0], sequence=other.sequence)  # its hands were found anew
    assert judge.judge([now, *many[1:]])[now.id] in (
        TakeDoubt("looks like", SWIPES[1]),
        TakeDoubt("same as", other.id),
    )


@pytest.mark.parametrize("code", ["too short", "no hand", "looks like", "same as", "unlike"])
def test_each_doubt_says_what_to_do(code: str) -> None:
    told = str(TakeDoubt(code, "wave"))  # type: ignore[arg-type]
    assert ":" in told and ("wave" in told) == (code in ("looks like", "same as"))


def test_hands_matter_where_the_dataset_says_so() -> None:
    assert TakeJudge(hands_matter=True)._teacher.hands_matter
    assert np.isfinite(len(TakeJudge(hands_matter=True).judge(takes(SWIPES))))
