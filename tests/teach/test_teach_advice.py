"""Advice: what looks alike, what does not fit and what is missing is named, and nothing else."""

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from handflow.recognize.few_shot.classifier import FewShotClassifier
from handflow.recognize.few_shot.teacher import Teacher
from handflow.teach import Advice, advise
from handflow.types import BACKGROUND, Clip, Float64
from teach.few_shot_samples import CLEAR, USUAL, around, centres, looks, names, takes, unit


def ids(count: int) -> list[str]:
    return [f"take-{n}" for n in range(count)]


def of_points(
    points: Float64, labels: list[str], subjects: list[str | None] | None = None
) -> tuple[Advice, FewShotClassifier]:
    made = FewShotClassifier(looks(points), labels, USUAL)
    return advise(made, ids(len(labels)), subjects or []), made


def of_clips(clips: list[Clip] | tuple[Clip, ...]) -> Advice:
    teacher = Teacher()
    assert teacher.add(clips) == []
    assert teacher.examples is not None
    return advise(teacher.classifier(), teacher.examples.clips, [clip.subject for clip in clips])


def text(advice: Advice) -> str:
    return "\n".join(advice.sentences())


def test_of_clear_gestures_there_is_nothing_to_complain_of() -> None:
    for advice in (
        of_clips(takes(CLEAR, 4)),
        of_points(around(centres(3), [4] * 3, 0.3, 1), names("abc", [4] * 3))[0],
    ):
        assert (advice.examples, advice.right, advice.tested) == (12, 12, 12)
        assert advice.expected == 1.0
        assert (advice.alike, advice.misfits, advice.needs_more) == ((), (), {})
        assert len(advice.sentences()) == 1
        assert "12 of 12 were recognized by the others (100%" in text(advice)


# What looks alike


@pytest.mark.parametrize("count", [2, 5])
def test_gestures_that_look_alike_are_named(count: int) -> None:
    one, other = centres(2)
    near = unit(one + 0.05 * centres(1, seed=9)[0])
    points = around(np.stack([one, near, other]), [count] * 3, 0.3, 1)
    advice, _ = of_points(points, names(("clap", "cut", "wave"), [count] * 3))
    assert [(a.first, a.second) for a in advice.alike] == [("clap", "cut")]
    assert 0.15 <= advice.alike[0].chance <= 1
    assert "“clap” and “cut” look alike" in text(advice)


def test_single_takes_that_look_alike_are_named() -> None:
    one, other = centres(2)
    points = np.stack([one, unit(one + 0.02 * centres(1, seed=9)[0]), other])
    advice, _ = of_points(points, ["clap", "cut", "wave"])
    assert [(a.first, a.second) for a in advice.alike] == [("clap", "cut")]


def test_real_gestures_that_look_alike_are_named() -> None:
    again = [replace(c, label="wave off", id=f"{c.id}-again") for c in takes(("hand_left",), 8)[4:]]
    advice = of_clips([*takes(CLEAR, 4), *again])
    assert ("hand_left", "wave off") in {(a.first, a.second) for a in advice.alike}
    assert not any("hold_fist" in (a.first, a.second) for a in advice.alike)


def test_the_most_alike_come_first_and_all_are_counted() -> None:
    middles = unit(centres(1) + 0.02 * centres(4, seed=9))
    points = around(np.concatenate([middles, centres(2, seed=5)]), [4] * 6, 0.3, 1)
    advice, _ = of_points(points, names("abcdef", [4] * 6))
    chances = [pair.chance for pair in advice.alike]
    assert chances == sorted(chances, reverse=True)
    assert len(chances) == 6
    assert sum("look alike" in line for line in advice.sentences()) == 5 + 1
    assert "1 more pairs that look alike." in advice.sentences()


# What does not fit


@pytest.mark.parametrize("count", [4, 6])
def test_a_mislabelled_clip_is_named_with_what_it_looks_like(count: int) -> None:
    points = around(centres(3), [count] * 3, 0.3, 1)
    labels = names("abc", [count] * 3)
    labels[count] = "a"  # is a b
    advice, _ = of_points(points, labels)
    assert [(m.clip, m.label, m.looks_like, m.same_as) for m in advice.misfits] == [
        (f"take-{count}", "a", "b", None)
    ]
    assert f"The take take-{count} of “a” looks like “b”" in text(advice)


def test_a_mislabelled_real_clip_is_named() -> None:
    clips = list(takes(CLEAR, 5))
    assert (clips[0].label, clips[5].label) == ("hand_left", "hand_right")
    clips[0] = replace(clips[0], label="hand_right")
    misfits = of_clips(clips).misfits
    assert [(m.clip, m.label, m.looks_like) for m in misfits] == [(clips[0].id, "hand_right", "hand_left")]


def test_of_two_takes_none_is_the_odd_one() -> None:
    points = around(centres(2), [4, 2], 0.3, 1)
    advice, _ = of_points(points, [*"aaab", "b", "c"])
    assert {m.label for m in advice.misfits} <= {"a"}


def test_idle_hands_may_look_like_anything() -> None:
    points = around(centres(2), [5, 5], 0.3, 1)
    labels = names(("wave", BACKGROUND), [5, 5])
    labels[0] = BACKGROUND
    assert of_points(points, labels)[0].misfits == ()


@pytest.mark.parametrize(
    "counts",
    [(1, 1, 1), (2, 2, 1), pytest.param((4, 4, 1)), pytest.param((4, 4, 4))],
    ids=str,
)
def test_one_recording_under_two_labels_is_named_once(counts: tuple[int, ...]) -> None:
    points = around(centres(3), counts, 0.4, 1)
    twin = len(points) - 1
    made = looks(points)
    made = made.take([*range(twin), 0])
    labels = names("abc", counts)
    advice = advise(FewShotClassifier(made, labels, USUAL), ids(len(labels)))
    twins = [m for m in advice.misfits if m.same_as is not None]
    assert [(m.clip, m.label, m.looks_like, m.same_as) for m in twins] == [
        ("take-0", "a", "c", f"take-{twin}")
    ]
    assert text(advice).count(f"is the same as take-{twin} of “c”") == 1


def test_a_real_recording_under_two_labels_is_named_once() -> None:
    clips = takes(CLEAR, 4)
    copy = replace(clips[0], label="hold_fist", id="copy")
    twins = [m for m in of_clips([*clips, copy]).misfits if m.same_as is not None]
    assert [(m.clip, m.label, m.looks_like, m.same_as) for m in twins] == [
        (clips[0].id, "hand_left", "hold_fist", "copy")
    ]


def test_no_more_than_five_of_a_kind_are_told() -> None:
    # twice seven gestures of two takes, the second time under other names
    made = looks(around(centres(7), [2] * 7, 0.3, 1))
    twice = made.take([*range(14), *range(14)])
    labels = names("abcdefghijklmn", [2] * 14)
    advice = advise(FewShotClassifier(twice, labels, USUAL), ids(28))
    assert [m.same_as for m in advice.misfits] == [f"take-{n}" for n in range(14, 28)]
    assert sum("is the same as" in line for line in advice.sentences()) == 5
    assert "9 more takes that do not fit." in advice.sentences()
    assert "2 more pairs that look alike." in advice.sentences()
    assert "9 more gestures that need more takes." in advice.sentences()


# What is missing


@pytest.mark.parametrize(("count", "more"), [(1, True), (2, True), (3, False), (5, False)])
def test_a_gesture_of_few_takes_needs_more(count: int, more: bool) -> None:
    advice, _ = of_points(around(centres(2), [5, count], 0.3, 1), names(("up", "down"), [5, count]))
    assert set(advice.needs_more) == ({"down"} if more else set())
    if more:
        assert str(count) in advice.needs_more["down"]
        assert "“down” needs more takes" in text(advice)


@pytest.mark.parametrize(
    "count",
    [
        pytest.param(1),
        2,
        5,
    ],
)
def test_idle_hands_are_never_too_few(count: int) -> None:
    points = around(centres(2), [5, count], 0.3, 1)
    assert of_points(points, names(("up", BACKGROUND), [5, count]))[0].needs_more == {}


def test_a_gesture_that_is_often_missed_needs_more() -> None:
    alike = np.concatenate([around(centres(1), [6], 0.3, 1), around(centres(1), [6], 0.3, 2)])
    advice, made = of_points(
        np.concatenate([alike, around(-centres(1), [4], 0.3, 3)]), names("abc", [6, 6, 4])
    )
    left = made.leave_one_out()
    for g, name in enumerate("abc"):
        share = float((left.answer[left.truth == g] == g).mean())
        assert (name in advice.needs_more) == (share < 0.8)
    assert "c" not in advice.needs_more and advice.needs_more
    assert all("of its 6 were recognized by the others" in why for why in advice.needs_more.values())


# What to expect


@pytest.mark.parametrize("spread", [0.3, 1.5, 3.0])
def test_what_to_expect_is_told_with_its_uncertainty(spread: float) -> None:
    advice, made = of_points(around(centres(3), [5] * 3, spread, 1), names("abc", [5] * 3))
    left = made.leave_one_out()
    right = int((left.answer == left.truth).sum())
    assert (advice.right, advice.tested, advice.expected) == (right, 15, right / 15)
    assert advice.interval is not None
    low, high = advice.interval
    assert 0 <= low < right / 15 <= high <= 1
    assert high - low > 0.15
    assert f"{right} of 15 were recognized by the others ({right / 15:.0%}; " in advice.sentences()[0]
    assert f"between {low:.0%} and {high:.0%}" in advice.sentences()[0]


@pytest.mark.parametrize(
    "count",
    [
        pytest.param(1),
        2,
        7,
    ],
)
def test_of_single_takes_nothing_can_be_left_out(count: int) -> None:
    advice, _ = of_points(centres(count), [f"g{n}" for n in range(count)])
    assert (advice.examples, advice.right, advice.tested) == (count, None, 0)
    assert (advice.expected, advice.interval, advice.for_new_people) == (None, None, None)
    assert "nothing can be left out" in advice.sentences()[0]
    assert set(advice.needs_more) == {f"g{n}" for n in range(count)}


def test_single_takes_beside_others_are_not_counted() -> None:
    advice, _ = of_points(around(centres(3), [4, 4, 1], 0.3, 1), names("abc", [4, 4, 1]))
    assert (advice.examples, advice.right, advice.tested) == (9, 8, 8)


def test_what_new_people_can_expect_is_told_where_people_are_known() -> None:
    # ann's a is nearly ben's b and the other way round: nobody can learn it from the other
    one, two, aside = centres(3)
    points = around(np.stack([one, unit(one + 0.5 * aside), two, unit(two + 0.5 * aside)]), [2] * 4, 0.1, 1)
    labels, people = list("aabbbbaa"), ["ann", "ann", "ben", "ben"] * 2
    advice, _ = of_points(points, labels, list(people))
    assert advice.for_new_people == 0.0
    assert advice.expected == 1.0
    assert "not taught, expect about 0%" in text(advice)
    alike, _ = of_points(points, list("aaaabbbb"), list(people))
    assert alike.for_new_people == 1.0


@pytest.mark.parametrize("people", [[], ["ann"] * 8, [None] * 8, ["ann", "ben"] * 3 + ["ann", None]], ids=str)
def test_where_people_are_not_known_nothing_is_said_about_new_ones(people: list[str | None]) -> None:
    advice, _ = of_points(around(centres(2), [4, 4], 0.3, 1), names("ab", [4, 4]), people)
    assert advice.for_new_people is None
    assert "not taught" not in text(advice)


def test_gestures_of_one_person_alone_say_nothing_about_new_people() -> None:
    points = around(centres(2), [4, 4], 0.3, 1)
    advice, _ = of_points(points, names("ab", [4, 4]), ["ann"] * 4 + ["ben"] * 4)
    assert advice.for_new_people is None


def test_real_people_are_told_apart() -> None:
    advice = of_clips(takes(CLEAR, 2, people=(5, 9, 11)))
    assert advice.for_new_people is not None
    assert advice.for_new_people > 0.6
    assert "Of someone whose takes were not taught" in text(advice)


# As JSON


def assert_plain(value: Any) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            assert type(key) is str
            assert_plain(inner)
    elif isinstance(value, list):
        for inner in value:
            assert_plain(inner)
    else:
        assert value is None or type(value) in (str, int, float, bool), type(value)
        assert not (isinstance(value, float) and not math.isfinite(value))


@pytest.mark.parametrize(
    ("counts", "people"),
    [
        ((4, 4, 4), None),
        ((1, 1, 1), None),
        ((2, 1, 5), None),
        ((4, 4, 4), "both"),
        ((3,), None),
        ((2,), "both"),
    ],
    ids=str,
)
def test_the_document_is_plain_json(counts: tuple[int, ...], people: str | None) -> None:
    total = sum(counts)
    points = around(centres(len(counts)), counts, 1.5, 1)
    points[-1] = points[0]
    known = [("ann", "ben")[n % 2] for n in range(total)] if people else None
    advice, _ = of_points(points, names("abc"[: len(counts)], counts), known)
    document = advice.document()
    assert_plain(document)
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert document["examples"] == total
    assert document["left_one_out"] == advice.tested
    assert document["expected_accuracy"] == advice.expected
    assert [a["gestures"] for a in document["alike"]] == [[a.first, a.second] for a in advice.alike]
    assert [m["clip"] for m in document["misfits"]] == [m.clip for m in advice.misfits]
    assert document["needs_more"] == advice.needs_more
    assert all("nan" not in line for line in advice.sentences())
