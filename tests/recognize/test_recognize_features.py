"""Features: finite for whatever comes, blind to what must not matter, the same live as in training."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handflow.recognize.features import (
    CHANNELS,
    CHANNELS_PER_HAND,
    LIMIT,
    SHAPE_CHANNELS,
    encode,
    window_features,
)
from handflow.recognize.windows import STEPS, cut_window
from handflow.synth.clips import make_clip
from handflow.synth.person import random_person
from handflow.types import LEFT, RIGHT, HandSequence

PATH = slice(SHAPE_CHANNELS, SHAPE_CHANNELS + 2)
VELOCITY = slice(SHAPE_CHANNELS + 2, SHAPE_CHANNELS + 4)
KNOWN = CHANNELS_PER_HAND - 2


def sequence(landmarks: np.ndarray, times: np.ndarray) -> HandSequence:
    n = len(times)
    return HandSequence(
        np.asarray(landmarks, np.float32),
        np.asarray(times, np.float64),
        np.full((n, 2), 0.5, np.float32),
        np.ones((n, 2), np.float32),
    )


def swipe(gesture: str = "hand_left", fps: float = 30.0, hand: str = "right", seed: int = 3) -> HandSequence:
    return make_clip(gesture, random_person(5, hand=hand), seed, fps=fps, second_hand=False).clip.sequence


@st.composite
def wild_sequences(draw: st.DrawFn) -> HandSequence:
    """Any number of frames at any rate, hands missing, halves of hands missing, points, giants."""
    n = draw(st.integers(0, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    marks = rng.normal(
        draw(st.sampled_from([0, 1e3])), draw(st.sampled_from([0.0, 1e-9, 30.0, 1e5, 1e30])), (n, 2, 21, 3)
    )
    for value in draw(st.lists(st.sampled_from([np.nan, np.inf, -np.inf]), max_size=3)):
        marks[rng.random((n, 2)) < 0.4] = value
        marks[rng.random(marks.shape) < 0.001] = value
    with np.errstate(over="ignore"):
        marks = marks.astype(np.float32)
    times = np.cumsum(rng.uniform(0.002, draw(st.sampled_from([0.01, 0.1, 1.0])), n))
    return sequence(marks, times)


@settings(max_examples=60, deadline=None)
@given(wild_sequences(), st.floats(-2, 10), st.floats(0.1, 4), st.booleans())
def test_features_are_finite_and_bounded_for_anything(
    clip: HandSequence, end: float, seconds: float, hands_matter: bool
) -> None:
    features = window_features(clip, end, seconds, hands_matter=hands_matter)
    assert features.shape == (CHANNELS, STEPS)
    assert features.dtype == np.float32
    assert np.isfinite(features).all()
    assert np.abs(features).max() <= LIMIT


def test_nothing_seen_gives_zeros() -> None:
    empty = sequence(np.zeros((0, 2, 21, 3)), np.zeros(0))
    assert not window_features(empty, 1.0, 1.0).any()
    assert not window_features(sequence(np.full((9, 2, 21, 3), np.nan), np.arange(9)), 8.0, 1.0).any()
    points = np.full((9, 2, 21, 3), 7.0)  # hands of no size
    assert not window_features(sequence(points, np.arange(9) / 30), 8 / 30, 1.0).any()


def test_one_frame_is_known_at_the_last_step_alone() -> None:
    clip = swipe()
    one = sequence(clip.landmarks[:1], clip.timestamps[:1])
    known = window_features(one, float(one.timestamps[0]), 1.0)[KNOWN]
    assert known[-1] == 1
    assert known[:-1].sum() == 0


@pytest.mark.parametrize("fps", [10.0, 15.0, 60.0])
def test_the_frame_rate_hardly_matters(fps: float) -> None:
    # The hand's path over the picture (metres of the same motion), seen at another rate.
    end, seconds = 1.5, 1.2
    usual = window_features(swipe(fps=30), end, seconds)
    other = window_features(swipe(fps=fps), end, seconds)
    assert np.abs(usual[PATH, :-4] - other[PATH, :-4]).max() < 0.25
    assert np.abs(usual[:SHAPE_CHANNELS, :-4] - other[:SHAPE_CHANNELS, :-4]).mean() < 0.03
    assert np.corrcoef(usual[VELOCITY].ravel(), other[VELOCITY].ravel())[0, 1] > 0.85


def test_place_and_distance_do_not_matter() -> None:
    clip = swipe()
    moved = sequence(clip.landmarks * 3.5 + np.array([400, -90, 0]), clip.timestamps)
    a = window_features(clip, 1.4, 1.2)
    b = window_features(moved, 1.4, 1.2)
    np.testing.assert_allclose(a, b, atol=2e-3)


def test_time_of_day_does_not_matter() -> None:
    clip = swipe()
    later = sequence(clip.landmarks, clip.timestamps + 86_000)
    end = float(clip.timestamps[-1])
    np.testing.assert_allclose(
        window_features(clip, end, 1.0), window_features(later, end + 86_000, 1.0), atol=1e-3
    )


def mirrored_shape(clip: HandSequence) -> HandSequence:
    """The same path made with the other hand: the shape is mirrored about the wrist, the slot changes."""
    marks = clip.landmarks.copy()
    centre = marks[:, :, (0, 5, 9, 13, 17), :1].mean(axis=2, keepdims=True)
    marks[..., :1] = 2 * centre - marks[..., :1]
    return sequence(marks[:, ::-1], clip.timestamps)


def test_either_hand_gives_the_same_features_and_the_path_is_never_mirrored() -> None:
    right = swipe("hand_left")
    assert right.seen[:, RIGHT].any() and not right.seen[:, LEFT].any()
    left = mirrored_shape(right)
    a, b = window_features(right, 1.4, 1.2), window_features(left, 1.4, 1.2)
    np.testing.assert_allclose(a, b, atol=2e-3)


def test_hands_that_matter_keep_their_slots() -> None:
    right = swipe("hand_left")
    a = window_features(right, 1.4, 1.2, hands_matter=True)
    b = window_features(mirrored_shape(right), 1.4, 1.2, hands_matter=True)
    assert not a[:CHANNELS_PER_HAND].any()  # the left hand's block
    assert a[CHANNELS_PER_HAND : 2 * CHANNELS_PER_HAND].any()
    assert b[:CHANNELS_PER_HAND].any()
    assert not b[CHANNELS_PER_HAND : 2 * CHANNELS_PER_HAND].any()


def test_left_is_not_right() -> None:
    a, b = (window_features(swipe(g), 1.9, 1.8)[SHAPE_CHANNELS + 2] for g in ("hand_left", "hand_right"))
    assert a.max() > 1.5 * -a.min()  # towards their left is +x of the unmirrored picture
    assert -b.min() > 1.5 * b.max()


def test_the_acting_hand_comes_first() -> None:
    mover = swipe("hand_up", hand="left")
    marks = mover.landmarks.copy()
    marks[:, RIGHT] = mover.landmarks[0, LEFT] + np.array([90, 20, 0])  # a right hand that rests
    both = encode(cut_window(sequence(marks, mover.timestamps), 1.5, 1.4), 1.4)
    assert both.acting[0] == LEFT
    assert not both.both[0]
    alone = encode(cut_window(mover, 1.5, 1.4), 1.4)
    np.testing.assert_allclose(
        both.features[0, :CHANNELS_PER_HAND], alone.features[0, :CHANNELS_PER_HAND], atol=1e-5
    )


def test_two_hands_keep_their_relative_position() -> None:
    clip = swipe("hold_open")
    marks = clip.landmarks.copy()
    marks[:, LEFT] = marks[:, RIGHT]
    near, far = marks.copy(), marks.copy()
    near[:, LEFT, :, 0] -= 80
    far[:, LEFT, :, 0] -= 160
    a, b = (window_features(sequence(m, clip.timestamps), 1.2, 1.0)[-3, -1] for m in (near, far))
    assert a == pytest.approx(b / 2, rel=0.05)


def test_training_and_live_see_the_same() -> None:
    # Live, the buffer holds the last frames only; in training the whole clip is there, later frames too.
    clip = swipe(fps=25)
    for last in (20, 31, len(clip) - 1):
        end = float(clip.timestamps[last])
        first = int(np.searchsorted(clip.timestamps, end - 1.0 - 0.5))
        buffer = sequence(clip.landmarks[first : last + 1], clip.timestamps[first : last + 1])
        np.testing.assert_array_equal(window_features(clip, end, 1.0), window_features(buffer, end, 1.0))
