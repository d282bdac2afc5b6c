"""Idle hands of virtual persons: seen by a tracker, as long as wished, the same for the same seed."""

import numpy as np
import pytest

from handflow.recognize.windows import usable_hands
from handflow.train.idle_hands import idle_hands


def test_they_fill_the_wished_minutes_and_always_show_a_hand() -> None:
    found = idle_hands(2.0, seed=1)
    assert 3 <= len(found) <= 4  # a person who stays out of sight the whole time is left out
    for sequence in found:
        assert 15 < sequence.duration < 31  # half of them are quicker than most people
        assert usable_hands(sequence.landmarks).any()
        assert (np.diff(sequence.timestamps) > 0).all()


def test_none_are_made_where_none_are_wished() -> None:
    assert idle_hands(0.0, seed=1) == []


def test_the_same_seed_gives_the_same_hands_and_another_one_others() -> None:
    one, again, other = (idle_hands(0.5, seed)[0] for seed in (3, 3, 4))
    np.testing.assert_array_equal(one.landmarks, again.landmarks)
    assert len(one) != len(other) or not np.array_equal(one.landmarks, other.landmarks, equal_nan=True)


def test_a_tracker_sees_them_not_exactly() -> None:
    (one,) = idle_hands(0.5, seed=3)
    hand = one.landmarks[:, 1] if np.isfinite(one.landmarks[:, 1]).any() else one.landmarks[:, 0]
    bones = np.linalg.norm(hand[:, 5, :2] - hand[:, 6, :2], axis=-1)
    steps = np.abs(np.diff(bones[np.isfinite(bones)]))
    assert np.median(steps) > 0.01  # pixels: what is exact would hardly change from frame to frame
    assert one.duration == pytest.approx(30, abs=16)
