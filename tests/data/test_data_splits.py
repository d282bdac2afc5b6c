"""Splits: never one group on both sides, even gestures, the same by the same seed."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handflow.data.splits import k_folds, leave_one_subject_out, split_by
from handflow.errors import DatasetError
from handflow.types import Clip, HandSequence

EMPTY = HandSequence(
    np.full((1, 2, 21, 3), np.nan, np.float32),
    np.zeros(1),
    np.full((1, 2), np.nan, np.float32),
    np.zeros((1, 2), np.float32),
)


def clip(n, label, subject=None, session=None):
    return Clip(f"c{n}", label, EMPTY, (640, 480), subject, session)


def people(subjects=4, sessions=2, takes=3, labels=("up", "down")):
    rows = [(g, s, d) for s in range(subjects) for d in range(sessions) for g in labels for _ in range(takes)]
    return [clip(n, g, f"p{s}", f"p{s}-day{d}") for n, (g, s, d) in enumerate(rows)]


def assert_apart(clips, split):
    assert sorted((*split.train, *split.test)) == list(range(len(clips)))
    assert split.train
    assert split.test
    if split.by != "clip":
        sides = [{getattr(clips[i], split.by) for i in side} for side in (split.train, split.test)]
        assert not sides[0] & sides[1]


@pytest.mark.parametrize("by", ["clip", "session", "subject"])
def test_no_group_is_on_both_sides_and_gestures_stay_even(by):
    clips = people()
    split = split_by(clips, by, test=0.25)
    assert split.by == by
    assert_apart(clips, split)
    assert Counter(clips[i].label for i in split.test) == {"up": 6, "down": 6}


@pytest.mark.parametrize(
    ("clips", "by"),
    [
        (people(), "subject"),
        (people(subjects=1, sessions=3), "session"),
        (people(subjects=2, sessions=1), "clip"),  # by subject, half of the clips would be set aside
        (people(subjects=1, sessions=1), "clip"),
        ([*people(), clip(99, "up")], "clip"),  # one clip knows neither subject nor session
        # each gesture recorded by another person: by subject nothing could be learned
        ([clip(n, f"g{n % 3}", f"p{n % 3}", f"s{n % 4}") for n in range(24)], "session"),
    ],
)
def test_auto_takes_the_hardest_split_that_the_clips_allow(clips, by):
    split = split_by(clips, test=0.25)
    assert split.by == by
    assert_apart(clips, split)


def test_results_on_sessions_also_trained_on_are_marked():
    assert split_by(people(), "clip").shares_sessions
    assert "sessions also trained on" in split_by(people(), "clip").note
    assert split_by([clip(n, f"g{n % 2}") for n in range(10)], "clip").shares_sessions, "unknown is not safe"
    assert not split_by(people(), "session").shares_sessions
    assert not split_by(people(), "subject").note


def test_the_seed_decides():
    clips = people(takes=6)
    assert split_by(clips, "clip", seed=3) == split_by(clips, "clip", seed=3)
    assert len({split_by(clips, "clip", seed=s).test for s in range(5)}) > 1


def test_folds_test_every_clip_once():
    clips = people()
    folds = k_folds(clips, 4, "subject")
    assert sorted(i for f in folds for i in f.test) == list(range(len(clips)))
    for fold in folds:
        assert_apart(clips, fold)


def test_leaving_one_subject_out_names_who_and_what_was_never_trained():
    clips = [*people(subjects=3), clip(99, "wave", "p1", "p1-day9")]
    splits = leave_one_subject_out(clips)
    assert [s.held_out for s in splits] == ["p0", "p1", "p2"]
    assert [s.unseen for s in splits] == [(), ("wave",), ()]
    for split in splits:
        assert_apart(clips, split)
        assert {clips[i].subject for i in split.test} == {split.held_out}


@pytest.mark.parametrize(
    ("attempt", "message"),
    [
        (lambda: split_by(people(subjects=1), "subject"), "1 subject cannot be split into 2 parts"),
        (lambda: k_folds(people(subjects=3), 5, "subject"), "3 subjects cannot be split into 5 parts"),
        (lambda: leave_one_subject_out(people(subjects=1)), "1 subject cannot be split"),
        (lambda: leave_one_subject_out([clip(7, "up")]), "'c7' does not say its subject"),
        (lambda: split_by([]), "0 clips cannot be split"),
        (lambda: split_by([clip(0, "a"), clip(1, "a"), clip(2, "b")], "clip"), "'b' has a single clip"),
        (
            lambda: split_by([clip(n, f"g{n % 2}", f"p{n % 2}") for n in range(8)], "subject"),
            "too few subjects",
        ),
        (lambda: split_by(people(), "colour"), "choose one of auto, clip, session, subject"),
        (lambda: split_by(people(), test=1.5), "between 0 and 1"),
        (lambda: k_folds(people(), 1), "choose 2 or more"),
    ],
)
def test_what_cannot_be_split_is_said_in_one_line(attempt, message):
    with pytest.raises(DatasetError, match=message) as caught:
        attempt()
    assert "\n" not in str(caught.value)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 6)), min_size=2, max_size=60),
    test=st.floats(0.05, 0.95),
    seed=st.integers(0, 1000),
)
def test_any_clips_are_split_cleanly_or_refused(rows, test, seed):
    clips = [clip(n, label, f"p{person}", f"s{person}") for n, (label, person) in enumerate(rows)]
    for by in ("clip", "subject"):
        try:
            split = split_by(clips, by, test=test, seed=seed)
        except DatasetError:
            continue
        assert_apart(clips, split)
        assert not split.unseen


@settings(max_examples=40, deadline=None)
@given(n=st.integers(4, 60), k=st.integers(2, 4), seed=st.integers(0, 99))
def test_folds_by_clip_hold_even_numbers_of_each_gesture(n, k, seed):
    clips = [clip(i, f"g{i % 2}") for i in range(2 * n)]
    for fold in k_folds(clips, k, "clip", seed=seed):
        for count in Counter(clips[i].label for i in fold.test).values():
            assert n // k <= count <= -(-n // k)
