"""A track says where its hand will be, keeps its side, and wants proof before it is a hand."""

import math

import numpy as np
import pytest

from handflow.hands.landmark import LandmarkResult, region_of
from handflow.hands.track import CLEAR, PROBATION, Sight, Track
from handflow.types import Float32, Region

STEP = 1 / 30


def points(x: float, y: float = 200.0, size: float = 100.0) -> Float32:
    """An upright open hand of this height whose wrist lies at (x, y)."""
    marks = np.zeros((21, 3), np.float32)
    for finger, side in enumerate((-0.3, -0.2, -0.05, 0.1, 0.25)):
        for joint in range(4):
            marks[1 + 4 * finger + joint, :2] = side * size, -size * (0.45 + 0.18 * joint)
    marks[:, :2] += x, y
    return marks


def sight(x: float, presence: float = 0.99, handedness: float = 0.95, size: float = 100.0) -> Sight:
    marks = points(x, size=size)
    return Sight(LandmarkResult(marks, marks, presence, handedness), Region(x, 150, 200, 0), region_of(marks))


def moving(speed: float, frames: int = 3) -> Track:
    """A track after some frames at `speed` pixels a frame."""
    track = Track(0, sight(0), 0.0)
    for k in range(1, frames):
        track.see(sight(speed * k), k * STEP)
    return track


def test_a_hand_is_expected_where_its_motion_takes_it() -> None:
    track = moving(30)
    now = region_of(points(60))
    assert track.expected(3 * STEP).x == pytest.approx(now.x + 30, abs=0.1)
    assert track.expected(4 * STEP).x == pytest.approx(now.x + 60, abs=0.1)  # a dropped frame
    assert track.expected(3 * STEP).size > now.size


def test_a_slow_hand_is_looked_for_once_and_a_fast_one_also_where_it_was_and_on_its_way_back() -> None:
    assert len(moving(3).places(3 * STEP)) == 1
    track = moving(60)
    ahead, still, back = (p.x for p in track.places(3 * STEP))
    assert ahead - still == pytest.approx(60, abs=0.1)
    assert still - back == pytest.approx(60, abs=0.1)


def test_the_same_motion_is_expected_at_any_frame_rate() -> None:
    slow = Track(0, sight(0), 0.0)
    slow.see(sight(120), 4 * STEP)
    assert slow.expected(8 * STEP).x == pytest.approx(moving(30, 5).expected(8 * STEP).x, abs=0.1)


def test_a_flickering_handedness_does_not_turn_a_settled_side() -> None:
    track = moving(0, 10)
    sides = []
    for k in range(10, 30):
        track.see(sight(0, handedness=0.05 if k % 3 == 0 else 0.95), k * STEP)
        sides.append(track.side)
    assert set(sides) == {"right"}


def test_a_side_that_was_wrong_at_first_is_mended_in_half_a_second() -> None:
    track = Track(0, sight(0, handedness=0.05), 0.0)
    for k in range(1, 5):
        track.see(sight(0, handedness=0.05), k * STEP)
    assert track.side == "left"
    for k in range(5, 20):
        track.see(sight(0), k * STEP)
    assert track.side == "right"


def test_doubtful_sights_say_nothing_about_the_side_and_are_believed_for_a_moment_only() -> None:
    track = moving(0, 4)
    votes = [track.may_doubt((4 + k) * STEP) for k in range(30)]
    assert votes[0]
    assert not votes[-1]
    for k in range(4, 40):
        track.see(sight(0, presence=0.2, handedness=0.0), k * STEP, sure=False)
    assert track.side == "right"
    assert not track.may_doubt(40 * STEP)


def test_two_clear_sights_prove_a_hand() -> None:
    track = Track(0, sight(0), 0.0)
    assert not track.proven
    track.see(sight(0), 0.0)  # a second look at the same frame
    assert track.proven


def test_a_hand_that_is_never_seen_clearly_is_proven_by_staying() -> None:
    dim = Track(0, sight(0, presence=CLEAR - 0.05), 0.0)
    for k in range(1, 40):
        dim.see(sight(0, presence=CLEAR - 0.05), k * STEP)
        assert dim.proven == (k * STEP >= PROBATION - 1e-9)


@pytest.mark.parametrize(
    ("worse", "better"),
    [
        (sight(150), sight(90)),  # farther from where it should be
        (sight(90, handedness=0.05), sight(90)),  # the other hand
        (sight(90, size=170), sight(90)),  # of another size
    ],
)
def test_the_sight_that_fits_a_moving_hand_better_has_the_smaller_mismatch(
    worse: Sight, better: Sight
) -> None:
    track = moving(30, 8)
    track.see(sight(60), 8 * STEP)
    assert track.mismatch(better, 9 * STEP) < track.mismatch(worse, 9 * STEP)


def test_a_hand_at_the_other_end_of_the_picture_is_another_hand() -> None:
    assert math.isinf(moving(0).mismatch(sight(900), 3 * STEP))


def test_a_hand_of_another_size_does_not_resemble_it() -> None:
    track = moving(0)
    assert track.resembles(sight(0, size=120), 3 * STEP)
    assert not track.resembles(sight(0, size=50), 3 * STEP)


def test_a_hand_far_from_where_it_should_be_does_not_resemble_it() -> None:
    track = moving(30)
    assert track.resembles(sight(90), 3 * STEP)
    assert track.resembles(sight(30), 3 * STEP)  # it turned back
    assert not track.resembles(sight(500), 3 * STEP)


def test_a_hand_of_the_other_side_or_another_size_far_away_is_another_hand() -> None:
    track = moving(0, 10)
    later = 12 * STEP
    assert math.isfinite(track.mismatch(sight(300), later))
    assert math.isinf(track.mismatch(sight(300, handedness=0.05), later))
    assert math.isinf(track.mismatch(sight(300, size=50), later))
    assert math.isfinite(track.mismatch(sight(40, handedness=0.05), later))  # near it, only its side flickers
