"""Time warping: the textbook's dynamic programme, for many pairs at once."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handflow.recognize.few_shot import time_warping
from handflow.recognize.few_shot.time_warping import BAND, warped_distances
from handflow.types import Float32


def textbook(first: Float32, second: Float32, band: int) -> float:
    """Cost of the cheapest alignment of two sequences (steps, d), cell after cell in double precision."""
    steps = len(first)
    one, other = first.astype(np.float64), second.astype(np.float64)
    ways = np.full((steps, steps), np.inf)
    for i in range(steps):
        for j in range(max(0, i - band), min(steps, i + band + 1)):
            before = [0.0] if i == j == 0 else []
            if i > 0:
                before.append(ways[i - 1, j])
            if j > 0:
                before.append(ways[i, j - 1])
            if i > 0 and j > 0:
                before.append(ways[i - 1, j - 1])
            ways[i, j] = np.sqrt(((one[i] - other[j]) ** 2).sum()) + min(before)
    return float(ways[-1, -1])


def some(pairs: int, steps: int = 16, width: int = 5, seed: int = 0) -> Float32:
    return np.random.default_rng(seed).normal(0, 1, (pairs, steps, width)).astype(np.float32)


@pytest.mark.parametrize("band", [1, 2, 3, BAND, 7, 15, 40])
@pytest.mark.parametrize("steps", [1, 2, 3, 8, 16])
def test_it_is_the_textbooks_programme(steps: int, band: int) -> None:
    first, second = some(6, steps, seed=1), some(6, steps, seed=2)
    wanted = [textbook(a, b, band) for a, b in zip(first, second, strict=True)]
    np.testing.assert_allclose(warped_distances(first, second, band), wanted, rtol=1e-4)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    steps=st.integers(1, 12),
    width=st.integers(1, 6),
    band=st.integers(1, 14),
    size=st.floats(-3, 3).map(lambda power: 10**power),
)
def test_any_sequences_are_aligned_as_cheaply_as_can_be(
    seed: int, steps: int, width: int, band: int, size: float
) -> None:
    chance = np.random.default_rng(seed)
    # a walk, and the same walk at another pace: their best alignments leave the diagonal
    walk = size * chance.normal(0, 1, (3, steps, width)).cumsum(axis=1)
    moments = np.sort(chance.integers(0, steps, steps))
    other = walk[:, moments] + size * chance.normal(0, 0.1, walk.shape)
    first, second = walk.astype(np.float32), other.astype(np.float32)
    found = warped_distances(first, second, band)
    wanted = [textbook(a, b, band) for a, b in zip(first, second, strict=True)]
    largest = np.abs(np.concatenate([first, second])).max()
    np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=2e-2 * largest)


def test_which_is_first_does_not_matter() -> None:
    first, second = some(9, seed=1), some(9, seed=2)
    np.testing.assert_allclose(warped_distances(first, second), warped_distances(second, first), rtol=1e-5)


def test_nothing_lies_between_a_sequence_and_itself() -> None:
    made = some(9)
    assert np.abs(warped_distances(made, made)).max() < 0.02
    assert warped_distances(made, some(9, seed=5)).min() > 10


def test_a_wider_band_never_costs_more_and_none_more_than_step_by_step() -> None:
    turns = np.linspace(0, 7, 16) - np.linspace(0, 2, 9)[:, None]
    first, second = (some(9, 16, 1, k) / 10 + np.sin(turns + k)[..., None] for k in (0, 1))
    costs = [warped_distances(first, second, band) for band in (1, 2, 4, 8, 16)]
    straight = np.linalg.norm(first - second, axis=2).sum(axis=1)
    for wider, narrower in zip([*costs[1:], costs[0]], [*costs[:-1], straight], strict=True):
        assert (wider <= narrower * (1 + 1e-5)).all()
    assert (costs[2] < 0.9 * costs[0]).any()


@pytest.mark.parametrize("late", [1, 2, 4])
def test_a_start_that_comes_late_costs_little(late: int) -> None:
    way = np.linspace(0, 10, 16, dtype=np.float32)[None, :, None]
    delayed = np.concatenate([np.repeat(way[:, :1], late, axis=1), way[:, :-late]], axis=1)
    straight = float(np.abs(way - delayed).sum())
    assert warped_distances(way, delayed)[0] < straight / 2


@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 8, 100])
def test_neither_chunks_nor_company_change_a_pair(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = some(7, seed=1), some(7, seed=2)
    alone = [warped_distances(first[k : k + 1], second[k : k + 1])[0] for k in range(7)]
    monkeypatch.setattr(time_warping, "_CHUNK", chunk)
    np.testing.assert_allclose(warped_distances(first, second), alone, rtol=1e-5)


@pytest.mark.parametrize("chunk", [1, 3, 8192])
def test_one_is_compared_with_many(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    one, many = some(1, seed=1), some(7, seed=2)
    pairs = [warped_distances(one, many[k : k + 1])[0] for k in range(7)]
    monkeypatch.setattr(time_warping, "_CHUNK", chunk)
    np.testing.assert_allclose(warped_distances(one, many), pairs, rtol=1e-5)
    np.testing.assert_allclose(warped_distances(many, one), pairs, rtol=1e-5)


def test_sequences_stay_as_they_were() -> None:
    first, second = some(3, seed=1), some(3, seed=2)
    warped_distances(first, second)
    np.testing.assert_array_equal(first, some(3, seed=1))
    np.testing.assert_array_equal(second, some(3, seed=2))


def test_no_pairs_have_no_distances() -> None:
    assert warped_distances(some(0), some(0)).shape == (0,)


def test_one_compared_with_none_has_no_distances() -> None:
    assert warped_distances(some(1), some(0)).shape == (0,)
