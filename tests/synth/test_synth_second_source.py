"""The second source: strokes as the theory says, directions as people mean them, truth that fits."""

import ast
from pathlib import Path

import numpy as np
import pytest

from handflow.synth import second_source
from handflow.synth.second_idle import IDLES
from handflow.synth.second_source import GESTURES, Plan, plan_stream, second_stream
from handflow.synth.second_strokes import (
    CHANNELS,
    EDGE,
    Arm,
    Track,
    X,
    Y,
    Z,
    arc_factor,
    peak_factor,
    span,
    stroke,
)
from handflow.types import LEFT, RIGHT, SIDES, Float64, HandLandmark

KNOWN = ("hand_up", "hand_down", "hand_left", "hand_right")
WAY = {"hand_up": (0, -1), "hand_down": (0, 1), "hand_left": (1, 0), "hand_right": (-1, 0)}
RATE = 60.0  # samples a second
WRIST_LIMIT, TIP_LIMIT = 3.2, 6.0  # m/s
SEEDS = range(6)


def moments(plan: Plan) -> Float64:
    return np.arange(0, plan.seconds, 1 / RATE)


def speeds(plan: Plan) -> Float64:
    """(times - 1, 3 hands, 21) m/s."""
    return np.linalg.norm(np.diff(plan.metres(moments(plan)), axis=0), axis=-1) * RATE


def at(plan: Plan, time: float) -> Float64:
    """(21, 3) the gesturing hand before the camera, metres."""
    return plan.metres(np.array([time]))[0, 0]


class TestStroke:
    @pytest.mark.parametrize("sigma", [0.1, 0.2, 0.34])
    def test_lasts_as_long_as_asked_and_is_as_fast_as_said(self, sigma: float) -> None:
        move = stroke(1.0, 0.5, {X: 0.3, Y: 0.1}, sigma, turn=0.6)
        assert span([move], (X, Y, Z)) == pytest.approx((1.0, 1.5), abs=0.003)
        times = np.arange(0.5, 2.5, 0.001)
        path = Track((0.0,) * CHANNELS, [move]).at(times)
        fastest = np.linalg.norm(np.diff(path[:, :3], axis=0), axis=1).max() / 0.001
        length = np.hypot(0.3, 0.1) * arc_factor(0.6)
        assert fastest == pytest.approx(length * peak_factor(sigma) / 0.5, rel=0.01)

    @pytest.mark.parametrize(("turn", "side"), [(0.8, -1), (-0.8, 1)])
    def test_turns_right_for_positive_angles_and_ends_where_it_should(self, turn: float, side: int) -> None:
        path = Track((0.0,) * CHANNELS, [stroke(1.0, 0.5, {X: 0.3}, 0.25, turn)]).at(np.linspace(0, 3, 300))
        np.testing.assert_allclose(path[-1, :3], (0.3, 0, 0), atol=1e-9)
        assert np.sign(path[:, Y][np.argmax(np.abs(path[:, Y]))]) == side

    def test_overlapped_strokes_add_up(self) -> None:
        arm = Arm(np.random.default_rng(0), (0.0,) * CHANNELS)
        for onset in (0.5, 0.6, 0.9):
            arm.by(onset, 0.4, {X: 0.1, Z: -0.02})
        np.testing.assert_allclose(Track(arm.start, arm.moves).at(np.array([5.0]))[0], arm.state, atol=1e-9)

    def test_state_does_not_depend_on_what_else_is_asked(self) -> None:
        plan = plan_stream([], 3, seconds=20)
        times = moments(plan)
        np.testing.assert_array_equal(plan.metres(times)[100:200], plan.metres(times[100:200]))


def test_same_seed_gives_the_same_stream_and_another_seed_another() -> None:
    first, again, other = (second_stream(KNOWN, seed, gestures_count=4) for seed in (12, 12, 13))
    np.testing.assert_array_equal(first.sequence.landmarks, again.sequence.landmarks)
    np.testing.assert_array_equal(first.sequence.timestamps, again.sequence.timestamps)
    assert first.segments == again.segments != other.segments
    assert first.id == first.subject == "second-12"


@pytest.mark.parametrize("fps", [15.0, 24.0, 60.0])
def test_frame_rate_changes_moments_and_not_the_path(fps: float) -> None:
    plan = plan_stream(KNOWN, 5, gestures_count=4)
    stream = second_stream(KNOWN, 5, gestures_count=4, fps=fps)
    assert stream.segments == plan.segments
    np.testing.assert_array_equal(stream.sequence.landmarks, plan.landmarks(stream.sequence.timestamps))
    assert np.abs(np.diff(stream.sequence.timestamps) * fps - 1).max() <= 0.2 + 1e-6


@pytest.mark.parametrize("label", KNOWN)
def test_strokes_go_the_persons_own_way_with_either_hand(label: str) -> None:
    hands = set()
    for seed in range(14):
        plan = plan_stream([label], seed, gestures_count=3)
        for segment in plan.segments:
            assert segment.label == label
            assert segment.hand == SIDES[plan.person.side]
            assert 0.24 <= segment.offset - segment.onset <= 0.82
            way = at(plan, segment.offset)[0] - at(plan, segment.onset)[0]
            assert 0.14 <= np.linalg.norm(way) <= 0.48
            assert way[:2] @ WAY[label] > 0.85 * np.linalg.norm(way)
            hands.add(segment.hand)
    assert hands == {"left", "right"}


def test_directions_hold_in_pixels_of_the_unmirrored_picture() -> None:
    stream = second_stream(["hand_left"], 4, gestures_count=4)
    times, slot = stream.sequence.timestamps, SIDES.index(stream.segments[0].hand)
    for segment in stream.segments:
        during = (times >= segment.onset) & (times <= segment.offset)
        palm = stream.sequence.landmarks[during, slot, HandLandmark.MIDDLE_MCP]
        assert palm[-1, 0] - palm[0, 0] > 2 * abs(palm[-1, 1] - palm[0, 1])


@pytest.mark.parametrize("label", KNOWN)
@pytest.mark.parametrize("seed", SEEDS)
def test_truth_spans_the_fast_part_and_ways_there_are_slower(label: str, seed: int) -> None:
    plan = plan_stream([label], seed, gestures_count=4, idle=[])
    times, speed = moments(plan)[:-1], speeds(plan)[:, 0, 0]
    inside = np.zeros(len(times), bool)
    for segment in plan.segments:
        during = (times >= segment.onset - 1 / RATE) & (times <= segment.offset)
        inside |= during
        peak = speed[during].max()
        ends = np.interp([segment.onset - 0.02, segment.offset + 0.02], times, speed)
        assert peak > 0.35
        assert ends.max() < 0.75 * peak
    assert speed[~inside].max() < 0.62 * plan.person.peak


def test_span_is_where_speed_crosses_the_edge() -> None:
    moves = [stroke(1.0, 0.4, {X: 0.2}, 0.2), stroke(1.3, 0.4, {X: -0.15}, 0.3)]
    onset, offset = span(moves, (X, Y, Z))
    times = np.arange(0.5, 2.5, 0.0005)
    path = Track((0.0,) * CHANNELS, moves).at(times)[:, X]
    speed = np.abs(np.gradient(path, times))
    outside = (times < onset - 0.001) | (times > offset + 0.001)
    assert speed[outside].max() <= 1.03 * EDGE * speed.max()
    np.testing.assert_allclose(np.interp([onset, offset], times, speed), EDGE * speed.max(), rtol=0.1)


@pytest.mark.parametrize("label", sorted(set(GESTURES) - set(KNOWN)))
def test_gestures_nobody_taught_are_marked_and_seen(label: str) -> None:
    stream = second_stream([label], 2, gestures_count=3, idle=["rest", "talk"])
    times = stream.sequence.timestamps
    assert [s.label for s in stream.segments] == [label] * 3
    for segment in stream.segments:
        assert 0.2 < segment.offset - segment.onset < 2.2
        during = (times >= segment.onset) & (times <= segment.offset)
        assert stream.sequence.seen[during, SIDES.index(segment.hand)].mean() > 0.8


def test_pinch_and_fist_close_the_hand() -> None:
    for label, tip in (("pinch", HandLandmark.INDEX_TIP), ("fist", HandLandmark.MIDDLE_TIP)):
        for seed in SEEDS:
            plan = plan_stream([label], seed, gestures_count=1)
            other = HandLandmark.THUMB_TIP if label == "pinch" else HandLandmark.WRIST
            before, after = (
                float(np.linalg.norm(hand[tip] - hand[other]))
                for hand in (at(plan, plan.segments[0].onset), at(plan, plan.segments[0].offset))
            )
            assert after < (0.5 if label == "pinch" else 0.65) * before


@pytest.mark.parametrize("name", IDLES)
def test_idle_motion_is_unhurried_and_has_no_segments(name: str) -> None:
    fastest = []
    for seed in SEEDS:
        plan = plan_stream([], seed, seconds=30, idle=[name])
        assert plan.segments == ()
        speed = speeds(plan)[:, :2, 0]
        fastest.append(speed.max())
    assert max(fastest) < 1.15
    assert max(fastest) > 0.05


@pytest.mark.parametrize("name", ["reach", "face", "drink", "hair", "point_at_screen"])
def test_reaches_are_as_fast_as_people_reach(name: str) -> None:
    fastest = [speeds(plan_stream([], s, seconds=30, idle=[name]))[:, 0, 0].max() for s in SEEDS]
    assert 0.4 < np.median(fastest) < 1.0


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_jumps_between_strokes_and_idles(seed: int) -> None:
    plan = plan_stream(list(GESTURES), seed, gestures_count=11)
    speed = speeds(plan)
    assert speed[:, :, 0].max() < WRIST_LIMIT
    assert speed.max() < TIP_LIMIT
    marks = plan.landmarks(moments(plan))
    step = np.linalg.norm(np.diff(marks[:, :, 0, :2], axis=0), axis=-1)
    nearest = plan.person.distance * 0.4  # hands come nearer than where gestures are made
    assert np.nanmax(step) < WRIST_LIMIT / RATE * plan.person.focal / nearest


@pytest.mark.parametrize("seed", SEEDS)
def test_hands_keep_their_bones(seed: int) -> None:
    points = (plan := plan_stream(list(GESTURES), seed, gestures_count=6)).metres(moments(plan))
    palm = np.linalg.norm(points[:, :, 9] - points[:, :, 0], axis=-1)
    np.testing.assert_allclose(palm, palm[:1].repeat(len(palm), 0), rtol=1e-6)
    assert np.all((palm > 0.065) & (palm < 0.125))
    middle = sum(np.linalg.norm(points[:, :, j + 1] - points[:, :, j], axis=-1) for j in (9, 10, 11))
    assert np.all((middle > 0.07) & (middle < 0.14))


def test_hands_are_the_right_ones() -> None:
    """Palm to the camera and fingers up, a right thumb points to the right of the unmirrored picture."""
    for seed in range(12):
        plan = plan_stream(["push"], seed, gestures_count=1, idle=[])
        hand = at(plan, plan.segments[0].onset)
        across = hand[HandLandmark.INDEX_MCP, 0] - hand[HandLandmark.PINKY_MCP, 0]
        assert hand[HandLandmark.MIDDLE_MCP, 1] < hand[HandLandmark.WRIST, 1]
        assert np.sign(across) == (1 if plan.person.side == RIGHT else -1)
        assert np.sign(hand[HandLandmark.WRIST, 0]) == -np.sign(across)


def test_out_of_the_picture_is_nan_and_depth_counts_from_the_wrist() -> None:
    stream = second_stream([], 1, seconds=60, idle=["away"])
    marks, seen = stream.sequence.landmarks, stream.sequence.seen
    hidden = ~seen
    assert hidden.any(axis=0).all() and seen.any()
    assert np.isnan(marks[hidden]).all()
    np.testing.assert_array_equal(stream.sequence.presence, seen)
    np.testing.assert_array_equal(marks[seen][:, 0, 2], 0)
    assert np.all(stream.sequence.handedness[seen[:, LEFT], LEFT] == 0)
    assert np.all(stream.sequence.handedness[seen[:, RIGHT], RIGHT] == 1)
    inside = np.all((marks[seen][:, :, :2] >= 0) & (marks[seen][:, :, :2] < stream.frame_size), axis=-1)
    assert inside.sum(axis=1).min() >= 13


def test_others_pass_through_the_free_slot() -> None:
    plans = (plan_stream([], seed, seconds=30, idle=["pass"]) for seed in range(20))
    plan = next(p for p in plans if np.isnan(p.landmarks(np.array([0.1]))[0, 1 - p.person.side]).all())
    marks = plan.landmarks(moments(plan))[:, 1 - plan.person.side, 0]
    assert 0.1 < np.isfinite(marks[:, 0]).mean() < 0.95


def test_seconds_spread_the_gestures_and_say_when_they_do_not_fit() -> None:
    stream = second_stream(KNOWN, 7, gestures_count=8, seconds=90)
    onsets = [s.onset for s in stream.segments]
    assert sorted(onsets) == onsets and onsets[-1] > 60
    assert 89.8 < stream.sequence.timestamps[-1] <= 90.1
    assert sorted(s.label for s in stream.segments) == sorted(KNOWN * 2)
    with pytest.raises(ValueError, match="give more than 5 s"):
        second_stream(KNOWN, 7, gestures_count=8, seconds=5)


@pytest.mark.parametrize(
    ("gestures", "arguments", "message"),
    [
        (["swipe"], {"gestures_count": 1}, "unknown gesture 'swipe': choose from hand_up"),
        ([], {"seconds": 5, "idle": ["sleep"]}, "unknown idle motion 'sleep'"),
        ([], {"gestures_count": 2}, "name some"),
        (["fist"], {}, "say how long"),
        ([], {"seconds": 0}, "seconds is 0"),
        ([], {"seconds": 5, "fps": 0}, "fps is 0"),
    ],
)
def test_misuse_is_named(gestures: list[str], arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        second_stream(gestures, 0, **arguments)  # type: ignore[arg-type]


def test_second_source_shares_no_code_with_the_first() -> None:
    for path in Path(second_source.__file__).parent.glob("second_*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith("handflow"):
                assert str(node.module).startswith(("handflow.types", "handflow.synth.second_")), path.name
