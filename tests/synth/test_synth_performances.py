"""Performances of drawn gestures: the same from the same seed, finite, and alike as far as people are."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handflow.synth.gesture_parts import ANGLES
from handflow.synth.gesture_parts import STEPS as MOMENTS
from handflow.synth.gesture_tables import Gestures, TableConfig, draw_gestures
from handflow.synth.performances import (
    STEPS,
    NumpyDraws,
    PerformanceConfig,
    Performances,
    perform,
    stacked,
)
from handflow.types import Float32, Float64

SEEDS = st.integers(0, 2**31 - 1)
TIGHT = PerformanceConfig(loose=0, entering=0, leaving=0, returning=0, errors=None)
"""Takes that are cut closely and seen exactly."""
SAME = replace(TIGHT, variety=0.0, one_user=1.0)
"""Takes that hardly differ."""


def task(seed: int, count: int = 8, **shares: float) -> Gestures:
    return draw_gestures(np.random.default_rng(seed), count, TableConfig(**shares))


def performed(
    tasks: list[Gestures], each: int, seed: int = 0, config: PerformanceConfig | None = None, hands: int = 1
) -> Performances:
    return perform(tasks, each, NumpyDraws(seed), config, hands=hands)


def open_hand(path: Float64, *, cyclic: bool = False, any_pose: bool = False) -> Gestures:
    """One gesture: an open hand that goes (MOMENTS, 3) somewhere."""

    def both(values: Float64) -> Float32:
        return np.repeat(values[None, None], 2, axis=1).astype(np.float32)

    flags = (np.full(1, flag, np.float32) for flag in (cyclic, any_pose, 0))
    return Gestures(
        both(np.zeros((MOMENTS, ANGLES))), both(np.zeros((MOMENTS, 3))), both(path), both(np.zeros(3)), *flags
    )


def to_the_right(length: float = 3.0) -> Float64:
    path = np.zeros((MOMENTS, 3))
    path[:, 0] = np.linspace(-length / 2, length / 2, MOMENTS)
    return path


def centres(made: Performances) -> Float32:
    """(performances, STEPS, 2) where the palm of the acting hand is."""
    return np.asarray(made.landmarks[:, :, 0, [0, 5, 17], :2].mean(axis=2))


def travelled(made: Performances) -> Float64:
    """(performances,) the widest way of any coordinate of any landmark, palm lengths."""
    return np.asarray(np.ptp(made.landmarks, axis=1).max(axis=(1, 2, 3)))


def plain_features(made: Performances) -> Float64:
    """(performances, numbers) the shape and the path of the acting hand as they are seen, palm lengths."""
    flat = made.landmarks[:, :, 0, :, :2]
    palm = np.linalg.norm(flat[:, :, [5, 9, 13, 17]] - flat[:, :, :1], axis=-1).mean(axis=(1, 2))
    shape = (flat - flat[:, :, :1]) / palm[:, None, None, None]
    path = centres(made) / palm[:, None, None]
    path = path - path.mean(axis=1, keepdims=True)
    return np.concatenate([0.5 * shape.reshape(len(flat), -1), 3 * path.reshape(len(flat), -1)], axis=1)


def distances(made: Performances) -> Float64:
    """(performances, performances) plain distances of features, in their mean."""
    features = plain_features(made)
    length = (features**2).sum(axis=1)
    squares = length[:, None] + length - 2 * features @ features.T
    np.fill_diagonal(squares, 0)
    return np.sqrt(np.maximum(squares, 0) / features.shape[1])


@settings(max_examples=10, deadline=None)
@given(seed=SEEDS, hands=st.sampled_from([1, 2]))
def test_the_same_seed_gives_the_same_performances_and_another_seed_others(seed: int, hands: int) -> None:
    tasks = [task(seed, 3, two_hands=0.5)]
    one, again, other = (performed(tasks, 2, number, hands=hands) for number in (seed, seed, seed + 1))
    np.testing.assert_array_equal(one.landmarks, again.landmarks)
    np.testing.assert_array_equal(one.seconds, again.seconds)
    assert (one.landmarks[:, :, 0] != other.landmarks[:, :, 0]).mean() > 0.9
    assert not np.array_equal(one.seconds, other.seconds)


@settings(max_examples=25, deadline=None)
@given(
    seed=SEEDS,
    variety=st.floats(0, 1),
    shares=st.tuples(*[st.floats(0, 1)] * 5),
    seconds=st.tuples(st.floats(0.05, 8), st.floats(0.05, 8)).map(sorted).map(tuple),
    rates=st.tuples(st.floats(1, 240), st.floats(1, 240)).map(sorted).map(tuple),
    hands=st.sampled_from([1, 2]),
    exact=st.booleans(),
)
def test_performances_are_finite_and_as_long_as_they_should_be(
    seed: int,
    variety: float,
    shares: tuple[float, ...],
    seconds: tuple[float, float],
    rates: tuple[float, float],
    hands: int,
    exact: bool,
) -> None:
    config = PerformanceConfig(variety, *shares, seconds=seconds, rates=rates)
    if exact:
        config = replace(config, errors=None)
    tasks = [task(seed + k, 3, any_pose=0.5, two_hands=0.5) for k in range(2)]
    made = performed(tasks, 2, seed, config, hands)
    assert made.landmarks.shape == (12, STEPS, hands, 21, 3)
    assert made.landmarks.dtype == np.float32
    acting = made.landmarks[:, :, 0]
    assert np.isfinite(acting).all()
    assert np.abs(acting).max() < 100  # palm lengths
    palm = np.linalg.norm(acting[:, :, 9] - acting[:, :, 0], axis=-1)
    assert np.median(palm) < 3
    if hands == 2:
        both = stacked(tasks).two_hands[made.gesture] > 0
        assert np.isfinite(made.landmarks[both, :, 1]).all()
        assert np.isnan(made.landmarks[~both, :, 1]).all()
    low, high = seconds
    assert made.seconds.shape == (12,)
    assert (made.seconds >= low * (1 - 1e-6)).all()
    assert (made.seconds <= high * (1 + 1e-6)).all()


def test_every_gesture_of_every_task_is_performed_as_often_as_said() -> None:
    made = performed([task(k, 4) for k in range(3)], 5)
    np.testing.assert_array_equal(made.gesture, np.repeat(np.arange(12), 5))
    np.testing.assert_array_equal(made.task, made.gesture // 4)


def test_the_gestures_of_several_tasks_stand_in_one_row() -> None:
    tasks = [task(k, 3, any_pose=0.5, two_hands=0.5) for k in range(2)]
    row = stacked(tasks)
    assert len(row) == 6
    for part in ("pose", "turn", "path", "attitude", "cyclic", "any_pose", "two_hands"):
        np.testing.assert_array_equal(getattr(row, part)[3:], getattr(tasks[1], part))


def test_durations_fill_the_range_and_are_near_each_other_in_takes_of_one_gesture() -> None:
    made = performed([task(k, 16) for k in range(10)], 8)
    logarithm = np.log(made.seconds.reshape(-1, 8))
    assert made.seconds.min() < 0.25
    assert made.seconds.max() > 3.5
    assert logarithm.std(axis=1).mean() < 0.5 * logarithm.mean(axis=1).std()


def test_one_duration_alone_is_kept() -> None:
    made = performed([task(0)], 3, config=replace(TIGHT, seconds=(1.5, 1.5)))
    np.testing.assert_allclose(made.seconds, 1.5, rtol=1e-6)


def test_without_variety_and_errors_all_takes_of_a_gesture_are_nearly_the_same() -> None:
    for seed in range(5):
        gestures = task(seed, 16)
        takes = performed([gestures], 6, seed, SAME).landmarks.reshape(16, -1, STEPS, 21, 3)
        spread = np.abs(takes - takes.mean(axis=1, keepdims=True)).max(axis=(1, 2, 3, 4))
        # What is left is the distance of the camera, which a person keeps nearly.
        assert spread[gestures.cyclic == 0].max() < 0.12


def test_what_is_cyclic_begins_anywhere() -> None:
    takes = performed([open_hand(to_the_right(), cyclic=True)], 40, config=SAME)
    x = centres(takes)[..., 0]
    assert np.ptp(x[:, 0]) > 2
    assert (np.ptp(x, axis=1) > 2.5).all()  # and goes all the way
    turns = (np.diff(np.sign(np.diff(x, axis=1)), axis=1) != 0).sum(axis=1)
    assert set(turns) <= {1, 2}


def test_held_poses_hold_still_and_others_move() -> None:
    held, moving = task(1, 40, held=1.0), task(1, 40, held=0.0, alike=0.0)
    assert travelled(performed([held], 3, config=SAME)).max() < 1e-5
    moves = np.any(
        [np.ptp(part[:, 0], axis=1).max(axis=1) > 0.2 for part in (moving.pose, moving.turn, moving.path)],
        axis=0,
    )
    assert moves.mean() > 0.8
    assert travelled(performed([moving], 1, config=SAME))[moves].min() > 0.05
    for config in (TIGHT, PerformanceConfig()):  # somebody stirs in between, yet less
        still, stirred = (travelled(performed([gestures], 3, config=config)) for gestures in (held, moving))
        assert np.median(still) < 0.5 * np.median(stirred)


def test_a_hand_goes_where_its_path_goes() -> None:
    for axis, sign in ((0, 1), (0, -1), (1, 1), (1, -1)):
        path = np.roll(to_the_right(), axis, axis=1) * sign
        way = centres(performed([open_hand(path)], 50, config=TIGHT))
        change = way[:, -1] - way[:, 0]
        assert (change[:, axis] * sign > 0.8).all()
        assert np.median(np.abs(change[:, 1 - axis])) < 0.3 * np.median(np.abs(change[:, axis]))


def test_a_hand_that_comes_nearer_grows() -> None:
    path = np.roll(to_the_right(), 2, axis=1)
    for sign in (1, -1):
        flat = performed([open_hand(path * sign)], 40, config=TIGHT).landmarks[:, :, 0, :, :2]
        size = np.linalg.norm(flat[:, :, 9] - flat[:, :, 0], axis=-1)
        assert ((size[:, -1] < size[:, 0]) == (sign > 0)).all()  # z points away


def test_an_open_right_hand_is_seen_from_its_palm() -> None:
    hand = performed([open_hand(np.zeros((MOMENTS, 3)))], 1, config=SAME).landmarks[0, 0, 0]
    own = hand - hand[0]
    tips = own[[8, 12, 16, 20]]
    assert (tips[:, 1] < own[[5, 9, 13, 17], 1] - 0.5).all()  # fingers up: y points down
    assert own[5, 0] > own[9, 0] > own[13, 0] > own[17, 0]  # its index finger on the right
    assert own[1:5, 0].min() > own[9, 0] + 0.1  # as its thumb
    assert np.linalg.norm(own[9, :2]) == pytest.approx(1, abs=0.1)  # a palm length is the unit


def test_where_fingers_do_not_matter_every_take_has_others_and_the_same_path() -> None:
    gestures = stacked([task(2, 20, held=1.0, alike=0.0), open_hand(to_the_right(), any_pose=True)])
    config = replace(SAME, seconds=(1.0, 1.0))
    hands = performed([gestures], 12, 3, config).landmarks[-12:, :, 0]
    bones = np.diff(hands[:, :, 5:9], axis=2)  # of the index finger
    straight = np.linalg.norm(bones.sum(axis=2), axis=-1) / np.linalg.norm(bones, axis=-1).sum(axis=2)
    assert 0.2 < (straight[:, 0] > 0.95).mean() < 0.9
    assert np.ptp(straight, axis=1).max() < 0.05
    way = hands[:, -1, 0, 0] - hands[:, 0, 0, 0]
    np.testing.assert_allclose(way, 3, atol=0.5)


def test_each_of_two_hands_does_its_own() -> None:
    one = open_hand(to_the_right())
    gestures = replace(one, two_hands=np.ones(1, np.float32))
    gestures.path[:, 1] *= -1
    hands = performed([gestures], 30, config=TIGHT, hands=2).landmarks
    ways = hands[:, -1, :, 9, 0] - hands[:, 0, :, 9, 0]
    assert (ways[:, 0] > 0.8).all()
    assert (ways[:, 1] < -0.8).all()
    apart = (hands[:, :, 0, 9, 0] - hands[:, :, 1, 9, 0]).mean(axis=1)
    assert np.median(apart) == pytest.approx(2.5, abs=0.5)  # palm lengths beside each other


def proportions(made: Performances) -> Float64:
    """(performances,) a bone beside another, which a person does not change."""
    hand = made.landmarks[:, :, 0]
    pinky, index = (np.linalg.norm(hand[:, :, k] - hand[:, :, 0], axis=-1) for k in (17, 5))
    return np.median(np.log(pinky / index), axis=1)


def test_what_one_user_performs_has_more_in_common_than_what_many_do() -> None:
    tasks = [task(seed, 8) for seed in range(20)]
    gesture = np.repeat(np.arange(80), 3)
    spreads, nearness = [], []
    for one_user in (1.0, 0.0):
        made = performed(tasks, 5, 1, replace(TIGHT, one_user=one_user))
        spreads.append(proportions(made).reshape(20, -1).std(axis=1).mean())
        found = distances(performed(tasks[:10], 3, 1, replace(TIGHT, one_user=one_user)))
        nearness.append(found[(gesture[:, None] == gesture) & (found > 0)].mean())
    assert spreads[0] < 0.7 * spreads[1]
    assert nearness[0] < 0.95 * nearness[1]


def test_users_of_different_tasks_differ() -> None:
    made = performed([task(seed, 8) for seed in range(20)], 5, 1, replace(TIGHT, one_user=1.0))
    of_tasks = proportions(made).reshape(20, -1)
    assert of_tasks.mean(axis=1).std() > 1.2 * of_tasks.std(axis=1).mean()


@pytest.mark.parametrize(("config", "nearer", "right"), [(TIGHT, 0.7, 0.75), (PerformanceConfig(), 0.8, 0.5)])
def test_takes_of_a_gesture_are_nearer_to_each_other_than_to_other_gestures(
    config: PerformanceConfig, nearer: float, right: float
) -> None:
    made = performed([task(seed, 12, alike=0.0) for seed in range(8)], 5, config=config)
    found = distances(made)
    same = made.gesture[:, None] == made.gesture
    itself = np.eye(len(found), dtype=bool)
    task_of_both = made.task[:, None] == made.task
    assert found[same & ~itself].mean() < nearer * found[task_of_both & ~same].mean()
    nearest = np.where(task_of_both & ~itself, found, np.inf).argmin(axis=1)
    assert (made.gesture[nearest] == made.gesture).mean() > right  # by chance 0.07


def test_more_variety_makes_takes_more_different() -> None:
    gestures = task(4, 16, alike=0.0)
    gesture = np.repeat(np.arange(16), 5)
    means = []
    for variety in (0.0, 0.3, 0.6, 1.0):
        found = distances(performed([gestures], 5, 2, replace(SAME, variety=variety)))
        means.append(found[(gesture[:, None] == gesture) & ~np.eye(80, dtype=bool)].mean())
    assert (np.diff(means) > 0.02).all()


@pytest.mark.parametrize(("name", "moment"), [("entering", 0), ("leaving", -1)])
def test_hands_come_from_and_go_to_somewhere_only_where_they_should(name: str, moment: int) -> None:
    gestures = [open_hand(np.zeros((MOMENTS, 3))) for _ in range(40)]
    way = centres(performed(gestures, 10, config=replace(SAME, **{name: 1.0})))
    middle = way[:, STEPS // 2]
    away = np.linalg.norm(way[:, moment] - middle, axis=-1)
    assert 0.3 < (away > 1e-3).mean() < 0.95  # in many takes, not in all
    assert away.max() > 1
    assert np.linalg.norm(way[:, -1 - moment] - middle, axis=-1).max() < 1e-4
    lower = (way[:, moment] - middle)[away > 0.1, 1]  # y points down
    assert 0.6 < (lower > 0).mean() < 1
    never = centres(performed(gestures, 5, config=SAME))
    assert np.ptp(never, axis=1).max() < 1e-4


def test_a_stroke_goes_back_in_takes_of_tasks_that_return_and_last_longer_than_it() -> None:
    gestures = [open_hand(to_the_right()) for _ in range(40)]
    shares = []
    for returning in (0.0, 1.0):
        x = centres(performed(gestures, 5, config=replace(TIGHT, loose=1.0, returning=returning)))[..., 0]
        back = (x.max(axis=1) - x[:, -1]) / np.ptp(x, axis=1)
        shares.append((back > 0.25).mean())
    assert shares[0] == 0
    assert 0.2 < shares[1] < 0.8


def test_loosely_cut_takes_hold_more_waiting() -> None:
    gestures = [open_hand(to_the_right()) for _ in range(40)]
    shares = []
    for loose in (0.0, 1.0):
        x = centres(performed(gestures, 5, config=replace(TIGHT, loose=loose)))[..., 0]
        speed = np.abs(np.diff(x, axis=1))
        shares.append((speed > 0.3 * speed.max(axis=1, keepdims=True)).mean())
    assert shares[1] < 0.75 * shares[0]


def test_thousands_of_performances_fit_in_memory() -> None:
    tracemalloc.start()
    try:
        made = performed([task(seed, 16) for seed in range(4)], 64)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(made.landmarks) == 4096
    assert peak < 4096 * 400_000  # bytes: ten thousand need less than 4 GB


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("seconds", (0.0, 4.0)),
        ("seconds", (-1.0, 4.0)),
        ("seconds", (4.0, 0.2)),
        ("seconds", (float("nan"), 4.0)),
        ("rates", (0.0, 60.0)),
        ("rates", (60.0, 10.0)),
        ("rates", (10.0, float("nan"))),
    ],
)
def test_ranges_that_cannot_be_are_refused_and_named(name: str, value: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match=rf"^{name} are \({value[0]}, {value[1]}\), expected a"):
        PerformanceConfig(**{name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("variety", -0.5),
        ("variety", 2.0),  # loosely cut takes would play gestures backwards
        ("variety", float("nan")),
        *[(name, value) for name in ("one_user", "loose", "entering", "leaving", "returning")
          for value in (-0.1, 1.1)],
    ],
)  # fmt: skip
def test_shares_out_of_range_are_refused_and_named(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name} is {value}"):
        PerformanceConfig(**{name: value})


def test_tasks_of_unequal_size_are_refused() -> None:
    with pytest.raises(ValueError, match=r"3.*5"):
        performed([task(1, 3), task(2, 5)], 2)
