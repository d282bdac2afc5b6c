"""Intervals against values from textbooks and by simulation."""

import math

import numpy as np
import pytest

from handflow.evaluate.calibration import expected_calibration_error
from handflow.evaluate.intervals import f1_interval, mean_share_interval, poisson_interval, wilson_interval


@pytest.mark.parametrize(
    ("right", "total", "expected"),
    [
        (0, 10, (0.0, 0.2775)),
        (10, 10, (0.7225, 1.0)),
        (81, 263, (0.2553, 0.3662)),  # Newcombe, Statistics in Medicine 17, 1998, table I
        (15, 148, (0.0624, 0.1605)),  # the same
        (1, 29, (0.0061, 0.1718)),  # the same
    ],
)
def test_wilson_equals_published_values(right, total, expected):
    assert wilson_interval(right, total) == pytest.approx(expected, abs=6e-5)


def test_no_trial_no_interval():
    assert wilson_interval(0, 0) is None
    assert mean_share_interval([0], [0]) is None
    assert f1_interval(0, 0, 0) is None


def test_more_right_than_trials_is_refused():
    with pytest.raises(ValueError, match="3 of 2"):
        wilson_interval(3, 2)


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, (0.0, 3.6889)),  # Garwood's exact limits as tabulated, e.g. Ulm, Am. J. Epidemiology 131, 1990
        (1, (0.0253, 5.5716)),
        (5, (1.6235, 11.6683)),
        (10, (4.7954, 18.3904)),
        (100, (81.3639, 121.6275)),
    ],
)
def test_poisson_limits_equal_tables(count, expected):
    assert poisson_interval(count) == pytest.approx(expected, abs=2e-3)


def test_poisson_limits_of_a_large_count_come_near_the_normal_ones():
    low, high = poisson_interval(40_000)
    assert (high - low) / 2 == pytest.approx(1.96 * math.sqrt(40_000), rel=0.02)


def test_intervals_narrow_with_more_clips():
    widths = [np.ptp(mean_share_interval([9 * k, 8 * k], [10 * k, 10 * k])) for k in (1, 4, 16)]
    assert widths[0] > widths[1] > widths[2]
    few, many = f1_interval(9, 1, 1), f1_interval(900, 100, 100)
    assert few[0] < many[0] < 0.9 < many[1] < few[1]


def test_the_f1_interval_holds_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(300):
        hits, missed = (n := rng.binomial(60, 0.9)), 60 - n
        low, high = f1_interval(int(hits), int(rng.poisson(6)), int(missed))
        held += low <= 2 * 54 / (2 * 54 + 6 + 6) <= high
    assert held >= 0.92 * 300


def test_calibration_of_answers_counted_by_hand():
    # 0.9 said four times, right three times; 0.55 said twice, right once
    result = expected_calibration_error([0.9] * 4 + [0.55] * 2, [True, True, True, False, True, False])
    assert result.expected_error == pytest.approx(4 / 6 * 0.15 + 2 / 6 * 0.05)
    assert [b.clips for b in result.bins if b.clips] == [2, 4]


def test_calibration_is_said_in_words():
    assert "can be believed" in expected_calibration_error([1.0] * 5, [True] * 5).in_words()
    assert "surer than it should be" in expected_calibration_error([0.95] * 4, [True, False] * 2).in_words()
    assert "less sure than it could be" in expected_calibration_error([0.5] * 4, [True] * 4).in_words()


def test_calibration_refuses_what_is_no_probability():
    for confidence, right in (([1.2], [True]), ([], []), ([0.5, 0.5], [True])):
        with pytest.raises(ValueError, match="confidence"):
            expected_calibration_error(confidence, right)
