"""The frames that a live recognizer keeps, and how fast a hand moves."""

import math

import numpy as np
import pytest

from handflow.recognize.recent import UNSEEN_SECONDS, RecentHands, hand_motion
from handflow.recognize.windows import Sightings, sightings
from handflow.types import LEFT, RIGHT, HandSequence
from recognize.test_recognize_recognizer import hands_of
from teach.few_shot_samples import SIZE, performed, sequence, shapes, until

RATES = (10, 15, 30, 60)


def seen(made: HandSequence) -> Sightings:
    return sightings(made, -math.inf, math.inf)


def moving(fps: float, speed: float, *, seconds: float = 1.0, slot: int = RIGHT) -> HandSequence:
    """A stiff hand that moves at `speed` palm lengths a second."""
    times = np.arange(round(seconds * fps) + 1) / fps
    return performed(times, lambda u: np.outer(u, [speed * seconds * SIZE, 0]), lasts=seconds, slot=slot)


@pytest.mark.parametrize("fps", RATES)
@pytest.mark.parametrize("speed", [0.0, 1.0, 8.0])
def test_the_speed_of_a_palm_does_not_depend_on_the_frame_rate(fps: float, speed: float) -> None:
    assert hand_motion(seen(moving(fps, speed)), RIGHT, 1.0) == pytest.approx(speed, abs=0.02)


@pytest.mark.parametrize("fps", RATES)
def test_fingers_that_move_alone_count_half(fps: float) -> None:
    times = np.arange(round(fps) + 1) / fps
    hand = shapes(np.zeros(len(times)))
    hand[:, (4, 8, 12, 16, 20), 1] -= (3.0 * SIZE * times)[:, None]
    marks = np.full((len(times), 2, 21, 3), np.nan)
    marks[:, RIGHT] = hand + 200
    assert hand_motion(seen(sequence(marks, times)), RIGHT, 1.0) == pytest.approx(1.5, abs=0.02)


def test_a_smooth_swipe_is_about_as_fast_at_every_frame_rate() -> None:
    def peak(fps: float) -> float:
        made = performed(np.arange(0, 1.5, 1 / fps), start=0.3, lasts=0.8)
        return max(hand_motion(seen(until(made, t)), RIGHT, t) for t in made.timestamps[3:].tolist())

    peaks = [peak(fps) for fps in RATES]
    assert max(peaks) < 1.15 * min(peaks)


@pytest.mark.parametrize("fps", [30, 60])
def test_one_frame_in_which_the_tracker_errs_hardly_counts(fps: float) -> None:
    made = moving(fps, 0.0)
    for late in range(5):
        marks = made.landmarks.copy()
        marks[-1 - late] += 0.5 * SIZE
        assert hand_motion(seen(sequence(marks, made.timestamps)), RIGHT, 1.0) < 0.3


@pytest.mark.parametrize("fps", RATES)
def test_jitter_is_slow(fps: float) -> None:
    made = moving(fps, 0.0)
    noise = np.random.default_rng(0).normal(0, 0.01 * SIZE, made.landmarks.shape)
    assert hand_motion(seen(sequence(made.landmarks + noise, made.timestamps)), RIGHT, 1.0) < 0.5


@pytest.mark.parametrize("fps", RATES)
def test_a_hand_that_is_unseen_for_too_long_moves_nobody_knows_how(fps: float) -> None:
    made = seen(moving(fps, 2.0))
    assert hand_motion(made, RIGHT, 1.0 + UNSEEN_SECONDS) == pytest.approx(2, abs=0.02)
    assert math.isnan(hand_motion(made, RIGHT, 1.0 + UNSEEN_SECONDS + 0.02))
    assert math.isnan(hand_motion(seen(until(moving(fps, 2.0), 0.0)), RIGHT, 0.0))  # a single sighting


def test_a_hand_that_was_lost_moved_as_far_as_it_came() -> None:
    made = moving(30, 4.0)
    marks = made.landmarks.copy()
    marks[20:27] = np.nan
    found = [
        hand_motion(seen(sequence(marks[:n], made.timestamps[:n])), RIGHT, (n - 1) / 30) for n in (28, 31)
    ]
    assert found == pytest.approx([4, 4], abs=0.02)


def test_a_hand_that_came_back_in_the_other_slot_is_the_same() -> None:
    made = moving(30, 3.0)
    marks = made.landmarks.copy()
    marks[27:, LEFT], marks[27:, RIGHT] = marks[27:, RIGHT], np.nan
    swapped = seen(sequence(marks, made.timestamps))
    for slot in (LEFT, RIGHT):
        assert hand_motion(swapped, slot, 1.0) == pytest.approx(3, abs=0.02)
    assert math.isnan(hand_motion(seen(moving(30, 1.0)), LEFT, 1.0, hands_matter=True))


def test_it_keeps_what_windows_reach_and_no_more() -> None:
    made = moving(30, 1.0, seconds=20)
    recent = RecentHands(1.0)
    for n in range(len(made)):
        recent.add(hands_of(made, n), float(made.timestamps[n]))
        low = int(np.searchsorted(made.timestamps, made.timestamps[n] - 1.0))
        kept = recent.sightings
        np.testing.assert_array_equal(kept.landmarks, made.landmarks[low : n + 1])
        np.testing.assert_array_equal(kept.times, made.timestamps[low : n + 1])
        np.testing.assert_array_equal(kept.usable, seen(made).usable[low : n + 1])
    assert 30 <= len(recent) <= 31


@pytest.mark.parametrize("fps", [30, 1000])
def test_its_memory_stays_flat(fps: float) -> None:
    recent = RecentHands(1.0)
    hands = hands_of(moving(30, 0.0), 0)
    room: list[int] = []
    for n in range(20_000):
        recent.add(hands, n / fps)
        room.append(len(recent._times))
    assert room[-1] == room[3000]
    assert room[-1] <= max(128, 3 * fps)


@pytest.mark.parametrize(
    ("tracks", "wanted"), [([(3, -1), (-1, -1)], (3, -1)), ([(3, 5), (4, -1)], (4, 5)), ([], (-1, -1))]
)
def test_it_knows_the_last_track_of_each_slot(tracks: list[tuple[int, int]], wanted: tuple[int, int]) -> None:
    recent = RecentHands(1.0)
    hands = hands_of(moving(30, 0.0), 0)
    for n, track in enumerate(tracks):
        hands.tracks = track
        recent.add(hands, n / 30)
    assert (recent.last_track(LEFT), recent.last_track(RIGHT)) == wanted
