"""Pace: how fast a hand is in a view, and which gestures that is fast enough for."""

import numpy as np
import pytest

from handflow.recognize.few_shot.pace import Pace, learn_pace, log_speed
from handflow.recognize.few_shot.views import Views, view_of
from handflow.types import BACKGROUND
from teach.few_shot_samples import performed, sequence, stay

TIMES = np.arange(0, 3, 1 / 30)


def speed_of(lasts: float, **options) -> float:
    made = performed(TIMES, start=0.2, lasts=lasts, **options)
    view = view_of(made, 0.2, 0.2 + lasts)
    assert view is not None
    return float(log_speed(view, lasts)[0])


@pytest.mark.parametrize("lasts", [0.4, 0.8, 1.6])
def test_the_same_way_in_half_the_time_is_twice_as_fast(lasts: float) -> None:
    assert speed_of(lasts / 2) - speed_of(lasts) == pytest.approx(np.log(2), abs=0.12)


def test_speed_is_in_palm_lengths_and_asks_for_no_frame_rate() -> None:
    made = performed(np.arange(0, 2, 1 / 30), lasts=1.0)
    other = performed(np.arange(0, 2, 1 / 15), lasts=1.0)
    larger = sequence(made.landmarks * 3, made.timestamps)
    speeds = []
    for one in (made, other, larger):
        view = view_of(one, 0.0, 1.0)
        assert view is not None
        speeds.append(float(log_speed(view, 1.0)[0]))
    assert speeds == pytest.approx([speeds[0]] * 3, abs=0.05)


def test_a_hand_at_rest_has_no_speed_and_closing_fingers_have() -> None:
    still = speed_of(1.0, path=stay)
    assert still == pytest.approx(np.log(0.05), abs=0.01)
    assert speed_of(1.0, path=stay, curl=(0.0, 1.0)) > still + 1


def test_a_view_of_one_moment_and_no_views_are_no_error() -> None:
    view = view_of(performed(TIMES[:1]), 0.0, 0.0)
    assert view is not None
    assert np.isfinite(log_speed(view, 0.001)).all()
    assert len(log_speed(Views.stack([]), np.zeros(0, np.float32))) == 0


def test_a_gesture_wants_about_the_pace_of_its_examples_and_background_none() -> None:
    names = ("quick", BACKGROUND, "slow")
    speed = np.log([8.0, 8.5, 7.5, 3.0, 1.0, 1.1, 0.9])
    pace = learn_pace(speed, np.array([0, 0, 0, 1, 2, 2, 2]), names)
    share = pace.share(np.log([8.0, 3.0, 1.0, 0.1]))
    assert share.shape == (4, 3)
    np.testing.assert_array_equal(share[:, 1], 1)
    assert share[[0, 2], [0, 2]].min() > 0.95
    assert share[[1, 3], [0, 2]].max() < 0.05
    assert share[0, 2] > 0.95  # faster than shown is as good
    assert pace.hopeful(np.log([8.0, 1.0, 0.1])).tolist() == [0, 1]


def test_of_one_take_a_slower_performance_is_allowed_more() -> None:
    one = learn_pace(np.log([8.0]), np.array([0]), ("quick",))
    three = learn_pace(np.log([8.0, 8.0, 8.0]), np.array([0, 0, 0]), ("quick",))
    assert one.least[0] < three.least[0] < np.log(8.0)


def test_nothing_is_hopeful_where_no_gesture_is_known() -> None:
    assert len(Pace(np.array([-np.inf])).hopeful(np.zeros(3))) == 0
