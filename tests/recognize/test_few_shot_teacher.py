"""The teacher: what is taught in pieces or taken back leaves no trace."""

from dataclasses import replace

import numpy as np
import pytest

from handflow.recognize.few_shot.classifier import FewShotClassifier
from handflow.recognize.few_shot.examples import examples_of
from handflow.recognize.few_shot.packaged import packaged_encoders, packaged_usual
from handflow.recognize.few_shot.teacher import Teacher
from handflow.types import Clip
from teach.few_shot_samples import CLEAR, USUAL, clip_of, nothing, takes


def taught(*parts: tuple[Clip, ...]) -> Teacher:
    made = Teacher()
    for clips in parts:
        assert made.add(clips) == []
    return made


def assert_same_answers(one: FewShotClassifier, other: FewShotClassifier, tolerance: float = 0) -> None:
    queries = examples_of(takes(people=(9,)), packaged_encoders())
    assert queries is not None
    assert one.gestures == other.gestures
    np.testing.assert_allclose(one.weights, other.weights, atol=tolerance)
    first, second = one.answer(queries.looks), other.answer(queries.looks)
    np.testing.assert_allclose(first.chance, second.chance, atol=tolerance)
    np.testing.assert_allclose(first.known, second.known, atol=tolerance)


def test_encoders_and_usual_weights_are_the_packaged_ones_where_not_given() -> None:
    assert (Teacher().encoders, Teacher().usual) == (packaged_encoders(), packaged_usual())
    assert Teacher(usual=USUAL).usual is USUAL


def test_taking_back_leaves_no_trace() -> None:
    more = takes(("wave", "pinch", "hand_left"), 2, people=(9,))
    teacher = taught(takes(), more)
    assert teacher.classifier().gestures == ("hand_left", "hand_right", "hold_fist", "pinch", "wave")
    assert teacher.remove(clip.id for clip in more) == len(more)
    assert_same_answers(teacher.classifier(), taught(takes()).classifier())


def test_a_gesture_is_forgotten_with_all_its_clips() -> None:
    more = takes(("wave",), 2, people=(9,))
    teacher = taught(more, takes())
    assert teacher.remove_gesture("wave") == 2
    assert_same_answers(teacher.classifier(), taught(takes()).classifier())
    assert teacher.remove_gesture("wave") == 0


def test_in_pieces_or_at_once_is_the_same() -> None:
    clips = takes()
    pieces = taught(clips[:1], clips[1:4], clips[4:])
    assert_same_answers(pieces.classifier(), taught(clips).classifier(), tolerance=1e-4)
    assert pieces.examples is not None
    assert pieces.examples.clips == tuple(clip.id for clip in clips)
    assert pieces.examples.labels == tuple(clip.label for clip in clips)


@pytest.mark.parametrize("how", ["clip by clip", "all clips", "gesture by gesture", "reset"])
def test_everything_can_be_forgotten(how: str) -> None:
    teacher = taught(takes())
    teacher.classifier()
    if how == "clip by clip":
        assert [teacher.remove([clip.id]) for clip in takes()] == [1] * 9
    elif how == "all clips":
        assert teacher.remove(clip.id for clip in takes()) == 9
    elif how == "gesture by gesture":
        assert [teacher.remove_gesture(gesture) for gesture in CLEAR] == [3] * 3
    else:
        teacher.reset()
    assert teacher.examples is None
    with pytest.raises(ValueError, match="nothing was taught"):
        teacher.classifier()
    assert teacher.remove(["any"]) == teacher.remove_gesture("any") == 0
    assert teacher.add(takes()) == []
    assert_same_answers(teacher.classifier(), taught(takes()).classifier())


def test_clips_without_a_hand_are_named_and_teach_nothing() -> None:
    blank = [clip_of(nothing(20), "hand_left", "blank"), clip_of(nothing(0), "new", "empty")]
    teacher = Teacher()
    assert teacher.add(blank) == ["blank", "empty"]
    assert teacher.examples is None
    assert teacher.add([blank[0], *takes(), blank[1]]) == ["blank", "empty"]
    assert_same_answers(teacher.classifier(), taught(takes()).classifier())
    assert teacher.add([]) == []


def test_a_classifier_is_made_anew_where_something_changed() -> None:
    teacher = taught(takes())
    made = teacher.classifier()
    assert teacher.classifier() is made
    assert teacher.remove(["unknown"]) == 0
    teacher.add([clip_of(nothing(5), "hand_left", "blank")])
    assert teacher.classifier() is made
    teacher.remove([takes()[0].id])
    assert teacher.classifier() is not made
    assert teacher.classifier().counts.tolist() == [2, 3, 3]
    teacher.add(takes()[3:5])
    assert teacher.classifier().counts.tolist() == [2, 5, 3]


def test_one_clip_under_two_labels_is_forgotten_under_one() -> None:
    first = takes()[0]
    teacher = taught(takes(), (replace(first, label="also"),))
    assert teacher.remove_gesture("also") == 1
    assert_same_answers(teacher.classifier(), taught(takes()).classifier())


MANY = (
    "hand_left",
    "hand_right",
    "hold_fist",
    "hold_point",
    "wave",
    "circle_clockwise",
    "pinch",
    "grab",
    "turn",
)


def told_by_the_others(hand: str, *, hands_matter: bool) -> float:
    """Share of takes that are told by the other take of their gesture."""
    teacher = Teacher(usual=USUAL, hands_matter=hands_matter)
    teacher.add(takes(MANY, 2, people=(3, 4), hand=hand)[::2])
    left = teacher.classifier().leave_one_out()
    return float((left.answer == left.truth).mean())


@pytest.mark.parametrize("hand", ["left", "right"])
def test_where_hands_matter_either_hand_is_told_as_well_as_where_not(hand: str) -> None:
    matters, either = (told_by_the_others(hand, hands_matter=matter) for matter in (True, False))
    assert matters > either - 0.15  # of 18 takes two may differ


def of_either_hand(*, second_hand: bool) -> list[Clip]:
    """Takes of two gestures that count as others where the other hand makes them."""
    return [
        replace(clip, label=f"{hand} {clip.label}", id=f"{hand} {clip.id}")
        for hand in ("left", "right")
        for clip in takes(("hold_fist", "hand_left"), 4, hand=hand)
        if second_hand or not clip.sequence.seen.any(axis=0).all()
    ]


def test_where_hands_matter_the_same_gesture_of_the_other_hand_is_another() -> None:
    clips = of_either_hand(second_hand=False)
    assert len({clip.label for clip in clips}) == 4
    teacher = Teacher(usual=USUAL, hands_matter=True)
    teacher.add(clips)
    left = teacher.classifier().leave_one_out()
    assert (left.answer == left.truth).mean() > 0.9
    plain = Teacher(usual=USUAL)
    plain.add(clips)
    left = plain.classifier().leave_one_out()
    assert (left.answer == left.truth).mean() < 0.9
