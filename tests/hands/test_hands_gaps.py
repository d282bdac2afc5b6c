"""Short gaps are filled and marked; nothing else changes."""

import numpy as np
import pytest

from handflow.hands import fill_gaps
from handflow.types import LEFT, RIGHT, HandSequence

SAME = np.zeros((40, 2), int)
"""The same track in every frame."""


def sequence(gap: slice, *, fps: float = 30.0, frames: int = 40) -> HandSequence:
    """A right hand on a smooth bend, out of sight in some frames."""
    time = np.arange(frames) / fps
    landmarks = np.full((frames, 2, 21, 3), np.nan, np.float32)
    shape = np.random.default_rng(0).uniform(-50, 50, (21, 3))
    way = np.stack([300 * np.sin(3 * time), 200 * np.cos(2 * time), 0 * time], axis=1)
    landmarks[:, RIGHT] = shape + way[:, None]
    landmarks[gap, RIGHT] = np.nan
    seen = np.isfinite(landmarks).all(axis=(2, 3))
    return HandSequence(landmarks, time, np.where(seen, 0.9, np.nan), seen.astype(np.float32))


@pytest.mark.parametrize("length", [1, 3, 8])
def test_a_short_gap_is_filled_along_the_hands_way_and_marked(length: int) -> None:
    gap = slice(15, 15 + length)
    whole = sequence(slice(0, 0))
    filled = fill_gaps(sequence(gap), SAME)
    assert filled.filled[gap, RIGHT].all()
    assert filled.filled.sum() == length
    assert np.abs(filled.landmarks[gap, RIGHT] - whole.landmarks[gap, RIGHT]).max() < 0.4 * length
    assert not filled.seen[gap, RIGHT].any()
    assert (filled.presence[gap, RIGHT] == 0).all()


@pytest.mark.parametrize("length", [1, 3, 8])
def test_the_filling_comes_twice_as_near_as_a_straight_line(length: int) -> None:
    gap = slice(15, 15 + length)
    truth = sequence(slice(0, 0)).landmarks[gap, RIGHT]
    filled = fill_gaps(sequence(gap), SAME).landmarks[gap, RIGHT]
    ends = sequence(gap).landmarks[[gap.start - 1, gap.stop], RIGHT]
    share = (np.arange(1, length + 1) / (length + 1))[:, None, None]
    straight = ends[0] * (1 - share) + ends[1] * share
    assert 2 * np.abs(filled - truth).mean() < np.abs(straight - truth).mean()


@pytest.mark.parametrize(
    ("name", "gap", "fps"),
    [
        ("a long gap", slice(10, 25), 30.0),
        ("a gap of few frames that lasts long", slice(10, 13), 10.0),
        ("before the first sight", slice(0, 4), 30.0),
        ("after the last sight", slice(36, 40), 30.0),
        ("no gap", slice(0, 0), 30.0),
        ("never seen", slice(0, 40), 30.0),
    ],
)
def test_nothing_else_is_filled(name: str, gap: slice, fps: float) -> None:
    before = sequence(gap, fps=fps)
    after = fill_gaps(before, SAME)
    assert not after.filled.any()
    assert np.array_equal(after.landmarks, before.landmarks, equal_nan=True)


def test_what_was_measured_comes_back_as_it_was() -> None:
    before = sequence(slice(12, 16))
    after = fill_gaps(before, SAME).measured()
    assert np.array_equal(after.landmarks, before.landmarks, equal_nan=True)
    assert not after.filled.any()


def test_filling_twice_changes_nothing_more() -> None:
    once = fill_gaps(sequence(slice(12, 16)), SAME)
    twice = fill_gaps(once, SAME)
    assert np.array_equal(once.landmarks, twice.landmarks, equal_nan=True)
    assert np.array_equal(once.filled, twice.filled)


def test_each_slot_is_filled_for_itself() -> None:
    one = sequence(slice(12, 16))
    landmarks = one.landmarks.copy()
    landmarks[:, LEFT] = landmarks[:, RIGHT] + 5
    landmarks[12:16, LEFT] = 7
    both = fill_gaps(HandSequence(landmarks, one.timestamps, one.handedness, one.presence), SAME)
    assert both.filled.sum(axis=0).tolist() == [0, 4]
    assert (both.landmarks[12:16, LEFT] == 7).all()


def test_nothing_is_filled_between_two_hands() -> None:
    tracks = SAME.copy()
    tracks[14:] = 1
    assert not fill_gaps(sequence(slice(12, 16)), tracks).filled.any()
