"""Steadied landmarks tremble less at rest and lag little behind a fast hand."""

import numpy as np
import pytest

from handflow.hands.steady import SteadyFilter
from handflow.types import Float32, Float64

PALM = 80.0


def hand() -> Float32:
    marks = np.random.default_rng(0).uniform(-60, 60, (21, 3)).astype(np.float32)
    marks[[0, 9], :2] = (0, 0), (0, -PALM)
    return marks


def steadied(path: Float64, fps: float, jitter: float) -> tuple[Float64, Float64]:
    """Errors (frames,) of raw and steadied landmarks along a path (frames,) of pixels to the right."""
    rng = np.random.default_rng(1)
    steady = SteadyFilter()
    raw_errors, errors = [], []
    for k, x in enumerate(path):
        true = hand() + np.array([x, 0, 0], np.float32)
        raw = (true + rng.normal(0, jitter, true.shape)).astype(np.float32)
        raw_errors.append(np.abs(raw - true).mean())
        errors.append(np.abs(steady.update(raw, k / fps) - true).mean())
    return np.array(raw_errors), np.array(errors)


@pytest.mark.parametrize("fps", [15, 30, 60])
def test_a_hand_at_rest_trembles_at_most_half_as_much(fps: float) -> None:
    raw, steady = steadied(np.zeros(3 * fps), fps, jitter=0.8)
    assert steady[fps:].mean() < 0.5 * raw[fps:].mean()


@pytest.mark.parametrize("fps", [15, 30, 60])
def test_a_fast_hand_is_not_delayed_by_more_than_a_fifth_of_a_frame(fps: float) -> None:
    speed = 15 * PALM  # pixels a second
    time = np.arange(2 * fps) / fps
    _, steady = steadied(speed * np.maximum(time - 1, 0), fps, jitter=0.0)
    lag = steady[-fps // 2 :].mean() * 3 / speed  # the error is in one of three coordinates
    assert lag < 0.2 / fps


def test_the_first_frames_of_a_stroke_lag_less_than_a_frame() -> None:
    fps, speed = 30, 15 * PALM
    time = np.arange(60) / fps
    _, steady = steadied(speed * np.maximum(time - 1, 0), fps, jitter=0.0)
    assert steady[31:36].max() * 3 < speed / fps


def test_after_a_gap_and_after_a_reset_the_filter_begins_anew() -> None:
    steady = SteadyFilter()
    for k in range(30):
        steady.update(hand(), k / 30)
    far = hand() + np.float32(300)
    assert np.allclose(steady.update(far, 5.0), far)
    steady.reset()
    assert np.allclose(steady.update(hand(), 5.03), hand())


def test_a_second_sight_of_the_same_frame_replaces_the_first() -> None:
    steady = SteadyFilter()
    steady.update(hand(), 1.0)
    other = hand() + np.float32(5)
    assert np.allclose(steady.update(other, 1.0), other)
