"""Drawn gestures: the same from the same seed, each change what its name says, no two of a task alike."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handflow.synth import gesture_tables
from handflow.synth.gesture_parts import ANGLES, STEPS
from handflow.synth.gesture_tables import Gestures, GestureTable, TableConfig, draw_gestures
from handflow.types import Float64

ARRAYS = ("pose", "turn", "path", "attitude")
FLAGS = ("cyclic", "any_pose", "two_hands")
THUMB, INDEX, MIDDLE, RING, PINKY = slice(16, 20), slice(0, 4), slice(4, 8), slice(8, 12), slice(12, 16)
FINGERS = (THUMB, INDEX, MIDDLE, RING, PINKY)
SEEDS = st.integers(0, 2**32 - 1)


def drawn(seed: int, count: int = 16, config: TableConfig | None = None) -> Gestures:
    return draw_gestures(np.random.default_rng(seed), count, config)


def fresh(seed: int, **shares: float) -> GestureTable:
    """A gesture that was made from no other."""
    return gesture_tables._fresh(np.random.default_rng(seed), TableConfig(**shares))


def some(fits: Callable[[GestureTable], bool], count: int = 40, **shares: float) -> Iterator[GestureTable]:
    """The first gestures that are of a kind."""
    found = (table for seed in range(5000) if fits(table := fresh(seed, **shares)))
    for _ in range(count):
        yield next(found)


def changed(name: str, table: GestureTable, seed: int = 0) -> GestureTable | None:
    return gesture_tables._CHANGE[name](np.random.default_rng(seed), table)


def made(name: str, table: GestureTable, seed: int = 0) -> GestureTable:
    other = changed(name, table, seed)
    assert other is not None
    return other


def assert_only(parts: set[str], one: GestureTable, other: GestureTable) -> None:
    """Holds that two gestures differ in these parts at most."""
    for part in {*ARRAYS, "moves", "cyclic", "any_pose"} - parts:
        np.testing.assert_array_equal(getattr(one, part), getattr(other, part), err_msg=part)


def strokes(table: GestureTable) -> bool:
    """Whether it moves on and has two ends."""
    return table.moves and not table.cyclic


@settings(max_examples=25, deadline=None)
@given(seed=SEEDS, count=st.integers(1, 20))
def test_the_same_seed_gives_the_same_gestures_and_another_seed_others(seed: int, count: int) -> None:
    config = TableConfig(any_pose=0.5, two_hands=0.5)
    one, again, other = drawn(seed, count, config), drawn(seed, count, config), drawn(seed + 1, count, config)
    assert len(one) == len(other) == count
    for part in (*ARRAYS, *FLAGS):
        np.testing.assert_array_equal(getattr(one, part), getattr(again, part))
    assert not np.array_equal(one.pose, other.pose)
    assert not np.array_equal(one.attitude, other.attitude)


@settings(max_examples=25, deadline=None)
@given(seed=SEEDS, shares=st.tuples(*[st.floats(0, 1)] * 4))
def test_gestures_of_any_kind_are_finite_float32_tables_that_a_hand_can_do(
    seed: int, shares: tuple[float, float, float, float]
) -> None:
    gestures = drawn(seed, 6, TableConfig(*shares))
    assert gestures.pose.shape == (6, 2, STEPS, ANGLES)
    assert gestures.turn.shape == gestures.path.shape == (6, 2, STEPS, 3)
    assert gestures.attitude.shape == (6, 2, 3)
    for part in (*ARRAYS, *FLAGS):
        values = getattr(gestures, part)
        assert values.dtype == np.float32
        assert np.isfinite(values).all()
    for flag in FLAGS:
        assert set(getattr(gestures, flag)) <= {0.0, 1.0}
        assert getattr(gestures, flag).shape == (6,)
    assert np.abs(gestures.pose).max() < 4.5  # radians: three bends of a joint's usual range at most
    np.testing.assert_allclose(gestures.path.mean(axis=2), 0, atol=1e-4)
    assert np.abs(gestures.turn).max() <= 2.2 + 1e-5


def apart(gestures: Gestures) -> Float64:
    """(n, n) how far gestures differ in what is meant, radians or palm lengths, at any moment."""
    n = len(gestures)
    meant = gestures.pose[:, 0] * (1 - gestures.any_pose[:, None, None])
    parts = (meant, gestures.turn[:, 0], gestures.path[:, 0], gestures.attitude[:, 0])
    flat = np.concatenate([part.reshape(n, -1) for part in parts], axis=1).astype(np.float64)
    flat = np.concatenate([flat, gestures.cyclic[:, None], gestures.any_pose[:, None]], axis=1)
    return np.abs(flat[:, None] - flat[None]).max(axis=2) + 10 * np.eye(n)


@pytest.mark.parametrize(
    "config", [TableConfig(), TableConfig(held=0.1, any_pose=0.6), TableConfig(alike=1.0, two_hands=0.5)]
)
def test_all_gestures_of_a_task_differ(config: TableConfig) -> None:
    twins = [seed for seed in range(60) if apart(drawn(seed, config=config)).min() < 0.01]
    assert not twins


def test_gestures_that_were_made_from_no_other_differ_clearly() -> None:
    for seed in range(40):
        assert apart(drawn(seed, config=TableConfig(alike=0.0))).min() > 0.05


def test_alike_gestures_share_most_with_one_that_came_before() -> None:
    for seed in range(20):
        gestures = drawn(seed, 8, TableConfig(alike=1.0, held=0.0))
        for later in range(1, 8):
            shared = [
                sum(
                    np.array_equal(getattr(gestures, part)[later, 0], getattr(gestures, part)[earlier, 0])
                    for part in ARRAYS
                )
                for earlier in range(later)
            ]
            assert max(shared) >= 1  # a reversal keeps the attitude, all other changes keep more


def test_without_alike_ones_no_gesture_has_anything_of_another() -> None:
    gestures = drawn(3, 12, TableConfig(alike=0.0))
    attitudes = {tuple(row) for row in gestures.attitude[:, 0]}
    assert len(attitudes) == 12


def test_held_gestures_move_nothing_and_all_others_may() -> None:
    held = drawn(1, 40, TableConfig(held=1.0))
    assert not held.turn.any()
    assert not held.path.any()
    np.testing.assert_array_equal(held.pose, np.repeat(held.pose[:, :, :1], STEPS, axis=2))
    assert not held.cyclic.any()
    moving = drawn(1, 40, TableConfig(held=0.0, alike=0.0))
    still = [
        np.ptp(part[:, 0], axis=1).max(axis=1) < 1e-6 for part in (moving.pose, moving.turn, moving.path)
    ]
    assert np.all(still, axis=0).mean() < 0.25


@pytest.mark.parametrize(("held", "low", "high"), [(0.2, 0.13, 0.27), (0.7, 0.62, 0.78)])
def test_about_the_given_share_is_held(held: float, low: float, high: float) -> None:
    assert low < 1 - np.mean([fresh(seed, held=held).moves for seed in range(400)]) < high


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_the_given_share_is_of_both_hands(share: float) -> None:
    gestures = drawn(5, 300, TableConfig(two_hands=share))
    assert gestures.two_hands.mean() == pytest.approx(share, abs=0.1 if 0 < share < 1 else 0)
    alone = gestures.two_hands == 0
    for part in ARRAYS:  # nothing is said about a hand that takes no part
        values = getattr(gestures, part)[alone]
        np.testing.assert_array_equal(values[:, 0], values[:, 1])


def test_the_other_hand_mirrors_follows_is_held_or_does_something_of_its_own() -> None:
    gestures = drawn(2, 300, TableConfig(two_hands=1.0, held=0.0, alike=0.0))
    travels = np.abs(gestures.path[:, 0]).max(axis=(1, 2)) > 0.1
    first, other = gestures.path[travels, 0], gestures.path[travels, 1]
    mirrored = (first * [-1, 1, 1] == other).all(axis=(1, 2))
    follows = (first == other).all(axis=(1, 2)) & ~mirrored
    held = ~other.any(axis=(1, 2))
    own = ~mirrored & ~follows & ~held
    for kind, low, high in ((mirrored, 0.3, 0.55), (follows, 0.1, 0.3), (held, 0.15, 0.45), (own, 0.03, 0.3)):
        assert low < kind.mean() < high


def test_in_gestures_of_any_pose_the_hand_travels_and_does_not_turn() -> None:
    gestures = drawn(4, 200, TableConfig(held=0.1, any_pose=1.0, alike=0.0))
    free, far = gestures.any_pose > 0, np.abs(gestures.path[:, 0]).max(axis=(1, 2)) > 0.4
    np.testing.assert_array_equal(free, far)
    assert free.any()
    assert not free.all()
    assert not gestures.turn[free].any()
    assert not drawn(4, 200).any_pose.any()


def test_gestures_of_any_pose_are_changed_in_their_motion_only() -> None:
    config = TableConfig(any_pose=1.0)
    for number, table in enumerate(some(lambda t: t.any_pose, any_pose=1.0)):
        for seed in range(5):
            other = gesture_tables._changed(np.random.default_rng([number, seed]), table, config)
            assert_only({"path", "pose"}, table, other)
            played = (table.pose, table.pose[::-1])  # a reversal takes the fingers along
            assert any(np.array_equal(other.pose, pose) for pose in played)


def test_reversed_is_reversed() -> None:
    for table in some(strokes):
        other = made("reversed", table)
        for part in ("pose", "turn", "path"):
            np.testing.assert_array_equal(getattr(other, part)[::-1], getattr(table, part))
        assert_only({"pose", "turn", "path"}, table, other)


def test_mirrored_is_the_path_negated_along_one_axis() -> None:
    axes = set()
    for seed, table in enumerate(some(lambda t: t.travels)):
        other = made("mirrored", table, seed)
        assert_only({"path"}, table, other)
        flips = [axis for axis in range(3) if not np.array_equal(table.path[:, axis], other.path[:, axis])]
        assert len(flips) <= 1
        for axis in flips:
            np.testing.assert_array_equal(other.path[:, axis], -table.path[:, axis])
        axes |= set(flips)
    assert {0, 1} <= axes


def test_rotated_turns_the_path_within_the_picture_by_an_eighth_or_a_quarter() -> None:
    found = set()
    for seed, table in enumerate(some(lambda t: np.abs(t.path[:, :2]).max() > 0.3, 60)):
        other = made("rotated", table, seed)
        assert_only({"path"}, table, other)
        np.testing.assert_allclose(other.path[:, 2], table.path[:, 2], atol=1e-9)
        flat, turned = (t.path[:, :2] @ [1, 1j] for t in (table, other))
        np.testing.assert_allclose(np.abs(turned), np.abs(flat), atol=1e-9)
        far = np.abs(flat) > 0.1
        angle = np.angle(turned[far] / flat[far])
        np.testing.assert_allclose(angle, angle[0], atol=1e-6)
        found.add(round(np.degrees(angle[0])))
    assert found == {-90, -45, 45, 90}


def test_resized_is_much_smaller_or_much_larger() -> None:
    found = set()
    for seed, table in enumerate(some(lambda t: t.travels)):
        other = made("resized", table, seed)
        assert_only({"path"}, table, other)
        factor = float(np.abs(other.path).max() / np.abs(table.path).max())
        np.testing.assert_allclose(other.path, factor * table.path, atol=1e-9)
        found.add(round(factor, 6))
    assert found == {0.4, 2.5}


def test_halfway_is_one_half_of_the_gesture() -> None:
    halves = set()
    for seed, table in enumerate(some(strokes)):
        other = made("halfway", table, seed)
        assert_only({"pose", "turn", "path"}, table, other)
        for second in (False, True):
            # The new table at half the pace: its even rows lie on the old one's, but for its middle.
            old = table.pose[STEPS // 2 :] if second else table.pose[: STEPS // 2]
            new = other.pose[1::2] if second else other.pose[::2]
            way = table.path[STEPS // 2 :] if second else table.path[: STEPS // 2]
            walked = other.path[1::2] if second else other.path[::2]
            if np.allclose(old, new, atol=1e-9) and np.allclose(
                np.diff(way, axis=0), np.diff(walked, axis=0)
            ):
                halves.add(second)
                break
        else:
            pytest.fail("neither the first half nor the second")
        np.testing.assert_allclose(other.path.mean(axis=0), 0, atol=1e-9)
    assert halves == {False, True}


@pytest.mark.parametrize(
    ("name", "part"), [("path", "path"), ("poses", "pose"), ("turn", "turn"), ("attitude", "attitude")]
)
def test_one_part_is_drawn_anew_and_the_others_stay(name: str, part: str) -> None:
    others = []
    for seed, table in enumerate(some(lambda t: t.moves)):
        other = made(name, table, seed)
        assert_only({part}, table, other)
        others.append(not np.array_equal(getattr(other, part), getattr(table, part)))
    assert np.mean(others) > 0.6


def test_a_held_pose_stays_held_whatever_is_changed() -> None:
    for table in some(lambda t: not t.moves):
        for name in gesture_tables._CHANGE:
            other = changed(name, table)
            if other is not None:
                assert not other.moves
                assert not other.path.any()
                assert not other.turn.any()
                np.testing.assert_array_equal(other.pose, np.repeat(other.pose[:1], STEPS, axis=0))


def test_a_held_pose_is_turned_by_another_attitude() -> None:
    for seed, table in enumerate(some(lambda t: not t.moves)):
        other = made("turn", table, seed)
        assert_only({"attitude"}, table, other)
        assert np.abs(other.attitude - table.attitude).max() > 1e-6


def test_another_attitude_is_clearly_another() -> None:
    for seed, table in enumerate(some(lambda t: True)):
        assert 0.6 <= np.linalg.norm(made("attitude", table, seed).attitude - table.attitude) <= 1.2


def test_other_fingers_are_one_or_two_whose_motion_stays() -> None:
    counts = set()
    for seed, table in enumerate(some(lambda t: True)):
        other = made("fingers", table, seed)
        assert_only({"pose"}, table, other)
        difference = other.pose - table.pose
        np.testing.assert_allclose(difference, np.repeat(difference[:1], STEPS, axis=0), atol=1e-9)
        counts.add(sum(bool(np.abs(difference[:, finger]).max() > 1e-9) for finger in FINGERS))
    assert counts == {1, 2}


def test_a_folded_finger_was_straight_or_the_other_way_round() -> None:
    outcomes = set()
    for seed, table in enumerate(some(lambda t: not t.travels)):
        other = made("folded", table, seed)
        assert_only({"pose"}, table, other)
        difference = np.abs(other.pose - table.pose).max(axis=0)
        touched = [number for number, finger in enumerate(FINGERS) if difference[finger].max() > 0]
        assert len(touched) == 1
        assert touched != [0]  # the thumb folds otherwise
        bend = slice(FINGERS[touched[0]].start, FINGERS[touched[0]].stop - 1)
        assert difference[bend.stop] == 0  # the splay stays
        was_straight = table.pose[0, bend] < 0.6
        is_straight = other.pose[:, bend] < 0.6
        assert (is_straight != was_straight).all()
        outcomes |= set(was_straight)
    assert outcomes == {True, False}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("reversed", lambda t: not t.moves),
        ("reversed", lambda t: t.cyclic),
        ("halfway", lambda t: not t.moves),
        ("halfway", lambda t: t.cyclic),
        ("mirrored", lambda t: not t.travels),
        ("rotated", lambda t: not t.travels),
        ("resized", lambda t: not t.travels),
        ("path", lambda t: not t.moves),
        ("folded", lambda t: t.travels),
    ],
)
def test_what_makes_no_sense_is_not_changed(name: str, kind: Callable[[GestureTable], bool]) -> None:
    for seed, table in enumerate(some(kind, 10)):
        assert changed(name, table, seed) is None


@settings(max_examples=100, deadline=None)
@given(seed=SEEDS, name=st.sampled_from(sorted(gesture_tables._CHANGE)))
def test_a_change_leaves_the_gesture_that_it_was_made_from_as_it_was(seed: int, name: str) -> None:
    table = fresh(seed)
    before = [getattr(table, part).copy() for part in ARRAYS]
    other = changed(name, table, seed)
    if other is not None:
        for part in ARRAYS:  # also where somebody writes into the new one
            if getattr(other, part) is not getattr(table, part):
                getattr(other, part)[...] = np.nan
    for part, values in zip(ARRAYS, before, strict=True):
        np.testing.assert_array_equal(getattr(table, part), values)


@pytest.mark.parametrize("name", ["held", "alike", "any_pose", "two_hands"])
@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan"), float("inf")])
def test_a_share_out_of_range_is_refused_and_named(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"^{name} is {value}, expected a share from 0 to 1"):
        TableConfig(**{name: value})


@pytest.mark.parametrize("value", [0, 1])
def test_the_ends_of_the_range_are_shares(value: int) -> None:
    assert len(drawn(0, 5, TableConfig(value, value, value, value))) == 5
