"""Times are mended so that they increase strictly; good ones are left alone."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handflow.capture.source import Timeline, fit_image, fit_size

anything = st.one_of(
    st.none(), st.just(float("nan")), st.just(float("inf")), st.floats(-1e12, 1e12), st.floats(-10, 100)
)


def mended(times, period=1 / 30):
    timeline = Timeline(period)
    return [timeline.mend(t) for t in times]


@given(st.lists(anything, max_size=60), st.sampled_from([1 / 240, 1 / 30, 1.0]))
def test_whatever_a_file_states_times_increase_strictly_and_are_finite(times, period):
    result = mended(times, period)
    assert np.isfinite(result).all()
    assert all(b > a for a, b in itertools.pairwise(result))


@given(st.lists(st.floats(0.001, 60), min_size=1, max_size=60), st.floats(-5, 1e6))
def test_good_times_pass_unchanged(steps, start):
    times = list(start + np.cumsum(steps))
    assert mended(times) == times


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ([0.0, None, 0.2], [0.0, 0.1, 0.2]),
        ([None, None, None], [0.0, 0.1, 0.2]),
        ([0.0, 0.1, 0.1, 0.2], [0.0, 0.1, 0.1001, 0.2]),
        ([0.0, 0.2, 0.1, 0.3], [0.0, 0.2, 0.2001, 0.3]),
        ([7.0, 7.1, 0.0, 0.1], [7.0, 7.1, 7.2, 7.3]),
        ([0.0, 0.1, 90_000.0, 90_000.1], [0.0, 0.1, 0.2, 0.3]),
        ([0.0, 20.0, 20.1], [0.0, 20.0, 20.1]),
    ],
    ids=["one missing", "all missing", "twice", "out of order", "starts again", "leaps", "a real pause"],
)
def test_each_kind_of_bad_time(stated, expected):
    assert mended(stated, 0.1) == pytest.approx(expected)


@given(
    st.tuples(st.integers(1, 4000), st.integers(1, 4000)),
    st.tuples(st.integers(1, 4000), st.integers(1, 4000)),
)
def test_fitting_never_enlarges_nor_exceeds_the_limit(size, limit):
    width, height = fit_size(size, limit)
    assert 1 <= width <= min(size[0], limit[0])
    assert 1 <= height <= min(size[1], limit[1])


def test_fitting_keeps_proportions():
    assert fit_image(np.zeros((480, 640, 3), np.uint8), (320, 320)).shape == (240, 320, 3)
    small = np.zeros((48, 64, 3), np.uint8)
    assert fit_image(small, (320, 320)) is small
