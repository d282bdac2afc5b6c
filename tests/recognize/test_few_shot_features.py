"""Features of few-shot encoders: finite whatever the hand, without unit or place, the same on torch."""

import importlib.util

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handflow.recognize.few_shot.hand_features import CHANNELS, FRAME_CHANNELS, hand_features, palm_scale
from handflow.recognize.windows import STEPS
from handflow.types import RIGHT, Float32
from needs import need
from teach.few_shot_samples import SIZE, performed, swipe

ACROSS, DOWN = FRAME_CHANNELS - 2, FRAME_CHANNELS - 1  # the path


def hands(count: int = 3, seed: int = 0, steps: int = STEPS) -> Float32:
    """(count, steps, 21, 3) hands that move and curl, a little shaky."""
    chance = np.random.default_rng(seed)
    every = [
        performed(
            np.linspace(0, 1, steps),
            lambda u, k=k: np.stack([(k - 1) * 120 * u, 50 * np.sin(3 * k * u)], axis=1),
            curl=(0.2 * k, 0.9 - 0.2 * k),
        ).landmarks[:, RIGHT]
        for k in range(count)
    ]
    made = np.stack(every)
    return (made + chance.normal(0, 1, made.shape)).astype(np.float32)


@pytest.mark.parametrize(("count", "steps"), [(1, STEPS), (3, STEPS), (2, 1), (2, 7), (0, STEPS)])
def test_each_hand_gets_all_rows_in_single_precision(count: int, steps: int) -> None:
    given_hands = hands(max(count, 1), steps=steps)[:count]
    features = hand_features(given_hands, np)
    assert features.shape == (count, CHANNELS, steps)
    assert features.dtype == np.float32
    assert 0 < FRAME_CHANNELS < CHANNELS


def degenerate(kind: str) -> Float32:
    made = hands(2)
    if kind == "one point":
        made[:] = 7
    elif kind == "zeros":
        made[:] = 0
    elif kind == "a line":
        made[..., 1:] = 0
    elif kind == "depth alone":
        made[..., :2] = 3
    elif kind == "fingers of no length":
        made[:, :, 1:] = made[:, :, 1:2]
    elif kind == "palm of no size":
        made[:, :, [5, 9, 13, 17]] = made[:, :, :1]
    elif kind == "standing still":
        made[:] = made[:, :1]
    elif kind == "very large":
        made *= 1e6 / np.abs(made).max()
    elif kind == "very small":
        made *= 1e-9
    elif kind == "far away":
        made += 1e6
    elif kind == "one step away":
        made[:, 10] += 1e5
    return made


@pytest.mark.parametrize(
    "kind",
    ["one point", "zeros", "a line", "depth alone", "fingers of no length", "palm of no size",
     "standing still", "very large", "very small", "far away", "one step away"],
)  # fmt: skip
def test_a_degenerate_hand_gives_finite_numbers(kind: str) -> None:
    with np.errstate(all="raise", under="ignore"):
        features = hand_features(degenerate(kind), np)
    assert np.isfinite(features).all()


@settings(max_examples=80, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    size=st.floats(-9, 6).map(lambda power: 10**power),
    squeezed=st.lists(st.sampled_from([0.0, 1e-6, 1.0]), min_size=3, max_size=3),
)
def test_any_hand_gives_finite_numbers(seed: int, size: float, squeezed: list[float]) -> None:
    chance = np.random.default_rng(seed)
    marks = chance.uniform(-1, 1, (2, 9, 21, 3)) * size * np.array(squeezed)
    assert np.isfinite(hand_features(marks.astype(np.float32), np)).all()


@settings(max_examples=40, deadline=None)
@given(
    unit=st.floats(-2, 2).map(lambda power: 10**power),
    place=st.tuples(*[st.floats(-5, 5)] * 3),
    seed=st.integers(0, 99),
)
def test_neither_unit_nor_place_matters(unit: float, place: tuple[float, ...], seed: int) -> None:
    made = hands(seed=seed)
    other = (made + SIZE * np.array(place, np.float32)) * np.float32(unit)
    np.testing.assert_allclose(hand_features(other, np), hand_features(made, np), atol=2e-3)


def test_the_scale_is_the_size_of_the_palm_whatever_single_frames_say() -> None:
    made = hands(1)
    size = np.linalg.norm(made[0, :, [5, 9, 13, 17]] - made[0, :, 0], axis=-1).mean()
    assert palm_scale(made, np)[0] == pytest.approx(size, rel=0.05)
    made[:, ::4] *= 20
    assert palm_scale(made, np)[0] == pytest.approx(size, rel=0.05)


def test_the_first_rows_tell_of_single_moments_and_the_others_of_their_order() -> None:
    made = hands()
    order = np.random.default_rng(1).permutation(STEPS)
    plain, mixed = hand_features(made, np)[:, :, order], hand_features(made[:, order], np)
    np.testing.assert_allclose(mixed[:, :FRAME_CHANNELS], plain[:, :FRAME_CHANNELS], atol=1e-4)
    assert np.abs(mixed[:, FRAME_CHANNELS:] - plain[:, FRAME_CHANNELS:]).max() > 0.5


@pytest.mark.parametrize(
    ("direction", "rising", "flat"),
    [((1, 0), ACROSS, DOWN), ((0, 1), DOWN, ACROSS)],
)
def test_the_last_of_them_are_the_path(direction: tuple[float, float], rising: int, flat: int) -> None:
    made = performed(np.linspace(0, 1, STEPS), lambda u: np.outer(u, direction) * 2 * SIZE)
    features = hand_features(made.landmarks[None, :, RIGHT], np)[0]
    assert (np.diff(features[rising]) > 0).all()
    assert features[rising].mean() == pytest.approx(0, abs=1e-4)
    assert np.abs(features[flat]).max() < 1e-3


def test_the_same_way_back_is_something_else() -> None:
    made = performed(np.linspace(0, 1, STEPS), swipe).landmarks[None, :, RIGHT]
    features, back = hand_features(made, np), hand_features(made[:, ::-1], np)
    assert np.abs(features - back)[:, [ACROSS, DOWN]].max() > 1


def test_each_hand_is_on_its_own() -> None:
    made = hands(4)
    every = hand_features(made, np)
    for k in range(4):
        np.testing.assert_array_equal(hand_features(made[k : k + 1], np)[0], every[k])


def test_landmarks_stay_as_they_were() -> None:
    made = hands()
    before = made.copy()
    hand_features(made, np)
    np.testing.assert_array_equal(made, before)


@pytest.mark.parametrize(
    "kind", ["usual", "zeros", "standing still", "fingers of no length", "one step away"]
)
def test_torch_gives_the_same_numbers(kind: str) -> None:
    need(importlib.util.find_spec("torch"), "torch is not installed: run `handflow doctor`")
    need(importlib.util.find_spec("array_api_compat"), "array-api-compat is not installed")
    import torch
    from array_api_compat import torch as namespace

    made = degenerate(kind)
    there = hand_features(torch.from_numpy(made), namespace)
    assert there.dtype == torch.float32
    np.testing.assert_allclose(there.numpy(), hand_features(made, np), rtol=1e-4, atol=1e-4)
