"""What a tracker makes of exact landmarks: nothing without errors, more jitter and losses of fast hands."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handflow.synth.performances import STEPS, NumpyDraws
from handflow.synth.tracking_errors import TrackerErrors, tracked
from handflow.types import Float32, Float64

NONE = TrackerErrors(
    jitter=0, by_speed=0, slow=0, together=0, bias=0, heavy=0, depth_seen=(0, 0),
    losses=0, losses_by_speed=0, frozen=0, wild=0,
)  # fmt: skip
FAST_CAMERA = (1000.0, 1000.0)
ALWAYS_LOST = replace(NONE, losses=1e9, lost=(99, 99))
HAND = np.random.default_rng(0).uniform(-1, 1, (21, 3)).astype(np.float32)


def moving(
    takes: int, speed: float = 0.0, seconds: float = 1.0, hands: int = 1, lift: float = 0.0
) -> Float32:
    """Hands that go to the right, and up and down, palm lengths a second; (takes, STEPS, hands, 21, 3)."""
    along = np.linspace(0, seconds * speed, STEPS)
    up = lift * np.sin(np.linspace(0, 3 * np.pi, STEPS))
    way = np.stack([along, up, np.zeros(STEPS)], axis=1)
    return np.tile((HAND + way[:, None])[None, :, None], (takes, 1, hands, 1, 1)).astype(np.float32)


def seen(
    marks: Float32,
    errors: TrackerErrors,
    *,
    seconds: float = 1.0,
    rates: tuple[float, float] = FAST_CAMERA,
    seed: int = 0,
    person: Callable[[int], Any] | None = None,
) -> Float32:
    draws = NumpyDraws(seed)
    own = person or (lambda size: draws.normal(len(marks), size))
    lasts = np.full(len(marks), seconds, np.float32)
    return np.asarray(tracked(draws, marks, lasts, rates, errors, own))


def error(marks: Float32, errors: TrackerErrors, **how: Any) -> Float32:
    return seen(marks, errors, **how) - marks


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**31 - 1),
    hands=st.sampled_from([1, 2]),
    speed=st.floats(0, 20),
    seconds=st.floats(0.2, 4),
)
def test_errors_of_zero_and_a_fast_camera_change_nothing(
    seed: int, hands: int, speed: float, seconds: float
) -> None:
    marks = moving(4, speed, seconds, hands, lift=1.0)
    np.testing.assert_array_equal(seen(marks, NONE, seconds=seconds, seed=seed), marks)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**31 - 1),
    seconds=st.floats(0.1, 5),
    rate=st.floats(1, 120),
    losses=st.floats(0, 100),
    frozen=st.floats(0, 1),
    size=st.floats(0, 3),
)
def test_whatever_is_lost_is_bridged(
    seed: int, seconds: float, rate: float, losses: float, frozen: float, size: float
) -> None:
    usual = TrackerErrors()
    errors = replace(usual, losses=losses, frozen=frozen, jitter=size * usual.jitter, wild=min(size, 1))
    marks = moving(5, 3.0, seconds, hands=2)
    found = seen(marks, errors, seconds=seconds, rates=(rate, rate), seed=seed)
    assert found.shape == marks.shape
    assert found.dtype == np.float32
    assert np.isfinite(found).all()


def test_the_same_seed_gives_the_same_errors_and_another_seed_others() -> None:
    marks = moving(3, 2.0)
    one, again, other = (seen(marks, TrackerErrors(), seed=seed) for seed in (5, 5, 6))
    np.testing.assert_array_equal(one, again)
    assert (one != other).mean() > 0.9


def test_the_exact_landmarks_stay_as_they_are() -> None:
    marks = moving(3, 2.0)
    before = marks.copy()
    seen(marks, TrackerErrors(), rates=(10, 20))
    np.testing.assert_array_equal(marks, before)


def test_jitter_grows_with_speed() -> None:
    errors = replace(NONE, jitter=0.01, by_speed=0.002, depth=3.0)
    spreads = [float(error(moving(300, speed), errors)[..., :2].std()) for speed in (0, 5, 20)]
    assert spreads == pytest.approx([0.01, 0.02, 0.05], rel=0.05)


def test_speed_counts_up_to_a_limit() -> None:
    errors = replace(NONE, by_speed=0.002)
    assert error(moving(300, 500.0), errors)[..., :2].std() == pytest.approx(0.06, rel=0.05)


def test_jitter_is_new_in_every_frame_and_worse_in_depth() -> None:
    noise = error(moving(300), replace(NONE, jitter=0.01, depth=3.0))
    assert noise[..., 2].std() == pytest.approx(0.03, rel=0.05)
    flat = noise[..., :2].reshape(300, STEPS, -1)
    assert np.abs((flat[:, 1:] * flat[:, :-1]).mean()) < 0.02 * flat.var()


def test_the_whole_hand_shakes_together_within_the_picture() -> None:
    noise = error(moving(300), replace(NONE, jitter=0.01, together=1.0))
    whole = noise.mean(axis=3)
    assert whole[..., :2].std() == pytest.approx(0.01, rel=0.1)
    assert whole[..., 2].std() < 0.01  # its depth does not: that is the mean of 21 of its own


def test_the_slow_error_is_forgotten_over_its_memory() -> None:
    errors = replace(NONE, slow=0.02, memory=0.5)
    noise = error(moving(400, seconds=STEPS - 1.0), errors, seconds=STEPS - 1.0)[..., :2]  # a step a second
    quick = error(moving(400, seconds=1.0), errors, seconds=1.0)[..., :2]
    assert noise.std() == pytest.approx(0.02, rel=0.05)
    assert quick.std() == pytest.approx(0.02, rel=0.05)
    step = 1 / (STEPS - 1)
    for lag in (1, 8, 16):
        kept = (quick[:, lag:] * quick[:, :-lag]).mean() / quick.var()
        assert kept == pytest.approx(np.exp(-lag * step / 0.5), abs=0.04)
    assert (noise[:, 1:] * noise[:, :-1]).mean() / noise.var() == pytest.approx(np.exp(-2), abs=0.04)


def test_a_bias_lasts_for_a_take_and_is_mostly_a_persons_own() -> None:
    of_person: dict[int, Float32] = {}

    def one_person(size: int) -> Float32:  # all takes are of the same one
        if size not in of_person:
            of_person[size] = np.random.default_rng(size).standard_normal((1, size), np.float32)
        return np.repeat(of_person[size], 200, axis=0)

    errors = replace(NONE, bias=0.05, depth=2.0)
    found = error(moving(200), errors, person=one_person)
    np.testing.assert_allclose(found, np.repeat(found[:, :1], STEPS, axis=1), atol=1e-6)
    shared = found[:, 0].mean(axis=0)
    own = found[:, 0] - shared
    assert own[..., :2].std() == pytest.approx(0.6 * 0.05, rel=0.1)
    assert own[..., 2].std() == pytest.approx(2 * 0.6 * 0.05, rel=0.1)
    assert shared[..., :2].std() == pytest.approx(0.8 * 0.05, rel=0.35)
    many = error(moving(200), errors)
    assert many[:, 0, ..., :2].std() == pytest.approx(0.05, rel=0.1)


def test_some_takes_are_seen_much_worse_than_others() -> None:
    marks = moving(400)
    alike, different = (
        error(marks, replace(NONE, jitter=0.01, heavy=heavy))[..., :2].std(axis=(1, 2, 3, 4))
        for heavy in (0.0, 0.5)
    )
    assert np.log(alike).std() < 0.05
    assert np.log(different).std() == pytest.approx(0.5, abs=0.06)


def test_the_depth_that_is_seen_is_a_share_of_the_true_one() -> None:
    marks = moving(500)
    found = seen(marks, replace(NONE, depth_seen=(-0.25, 0.0)))
    np.testing.assert_array_equal(found[..., :2], marks[..., :2])
    np.testing.assert_allclose(found[..., 2], np.exp(-0.25) * marks[..., 2], rtol=1e-5)
    shares = (seen(marks, replace(NONE, depth_seen=(-0.25, 0.35)))[..., 2] / marks[..., 2])[:, 0, 0, 0]
    assert np.log(shares).std() == pytest.approx(0.35, abs=0.05)
    wide = (seen(marks, replace(NONE, depth_seen=(0.0, 5.0)))[..., 2] / marks[..., 2])[:, 0, 0, 0]
    assert wide.min() == pytest.approx(0.2)
    assert wide.max() == pytest.approx(1.5)


def changed_steps(marks: Float32, errors: TrackerErrors, **how: Any) -> Float64:
    """(takes,) share of the steps at which another hand is seen than there is."""
    return (np.abs(error(marks, errors, **how)).max(axis=(2, 3, 4)) > 1e-4).mean(axis=1)


def test_fast_hands_are_lost_more_often() -> None:
    errors = replace(NONE, losses=0.2, losses_by_speed=0.05)
    shares = [changed_steps(moving(1500, speed, lift=0.5), errors).mean() for speed in (0.0, 8.0, 25.0)]
    assert 0 < 1.5 * shares[0] < shares[1]
    assert 1.5 * shares[1] < shares[2] < 0.5


def test_a_loss_lasts_as_long_as_said() -> None:
    errors = replace(NONE, losses=0.3, lost=(0.2, 0.2))  # one in most of the takes that have any
    gaps = np.abs(error(moving(600, lift=0.5), errors)).max(axis=(2, 3, 4)) > 1e-4
    step = 1 / (STEPS - 1)
    lengths = [
        end - begin
        for take in gaps
        for begin, end in np.flatnonzero(np.diff(np.r_[False, take, False])).reshape(-1, 2)
        if begin > 0 and end < STEPS - 1
    ]
    assert len(lengths) > 50
    assert np.median(lengths) * step == pytest.approx(0.2, abs=1.5 * step)


def test_a_hand_that_is_lost_all_the_time_goes_straight_from_its_first_to_its_last_place() -> None:
    marks = moving(3, 4.0, lift=1.0)
    found = seen(marks, ALWAYS_LOST)
    even = np.linspace(0, 1, STEPS)[None, :, None, None, None]
    np.testing.assert_allclose(found, marks[:, :1] * (1 - even) + marks[:, -1:] * even, atol=1e-5)


def test_losses_of_a_steady_motion_leave_no_trace() -> None:
    marks = moving(50, 4.0)
    np.testing.assert_allclose(seen(marks, replace(NONE, losses=5.0)), marks, atol=1e-5)
    np.testing.assert_allclose(seen(marks, NONE, rates=(10, 20)), marks, atol=1e-5)


def test_frozen_takes_repeat_what_was_seen_last() -> None:
    marks = moving(50, 4.0, lift=1.0)
    found = seen(marks, replace(NONE, losses=3.0, frozen=1.0))
    new = (np.abs(found - marks) < 1e-4).all(axis=(2, 3, 4))
    repeated = (np.abs(found[:, 1:] - found[:, :-1]) < 1e-4).all(axis=(2, 3, 4))
    assert new[:, [0, -1]].all()
    assert (new[:, 1:] | repeated).all()
    assert 0.05 < repeated.mean() < 0.95


def test_either_hand_is_lost_on_its_own() -> None:
    marks = moving(200, hands=2, lift=0.5)
    gone = np.abs(error(marks, replace(NONE, losses=2.0))).max(axis=(3, 4)) > 1e-4
    both, one = gone.all(axis=2).mean(), gone.mean()
    assert 0.1 < one < 0.7
    assert both == pytest.approx(one**2, rel=0.4)


@pytest.mark.parametrize("rate", [10.0, 15.0, 25.0])
def test_slow_cameras_give_straight_ways_between_their_frames(rate: float) -> None:
    rng = np.random.default_rng(1)
    marks = (moving(100) + 0.5 * rng.standard_normal((100, STEPS, 1, 1, 3))).astype(np.float32)
    found = seen(marks, NONE, rates=(rate, rate))
    taken = (found == marks).all(axis=(2, 3, 4))
    bends = np.abs(np.diff(found, n=2, axis=1)).max(axis=(2, 3, 4)) > 1e-3
    assert taken[:, [0, -1]].all()
    assert not bends[~taken[:, 1:-1]].any()
    assert taken.sum(axis=1).mean() == pytest.approx(rate + 1, abs=1.5)  # frames in one second, both ends


def test_a_camera_faster_than_the_steps_misses_none() -> None:
    marks = moving(20, lift=1.0)
    np.testing.assert_array_equal(seen(marks, NONE, rates=(STEPS - 1.0, 500.0)), marks)


def test_in_some_takes_the_hand_is_seen_quite_wrong_for_a_moment() -> None:
    marks = moving(800)
    assert not error(marks, NONE).any()
    wrong = np.abs(error(marks, replace(NONE, wild=0.5))).max(axis=(2, 3, 4)) > 1e-6
    assert wrong.any(axis=1).mean() == pytest.approx(0.5, abs=0.06)
    lasting = wrong.sum(axis=1)[wrong.any(axis=1)]
    assert 1 <= lasting.min() <= lasting.max() <= 4
    for take in wrong[wrong.any(axis=1)]:
        assert np.ptp(np.flatnonzero(take)) + 1 == take.sum()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("jitter", -0.1),
        ("by_speed", -1.0),
        ("slow", -0.1),
        ("memory", 0.0),
        ("bias", float("nan")),
        ("depth", -1.0),
        ("heavy", -0.5),
        ("depth_seen", (0.0, -0.1)),
        ("losses", -1.0),
        ("losses_by_speed", -1.0),
        ("lost", (0.3, 0.03)),
        ("lost", (-0.1, 0.3)),
        ("frozen", 1.5),
        ("wild", -0.5),
    ],
)
def test_errors_that_cannot_be_are_refused_and_named(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"{name} (is|are) "):
        TrackerErrors(**{name: value})  # type: ignore[arg-type]
