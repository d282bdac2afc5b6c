"""Looks, and how unlike two of them are: in the encoders' eyes, step by step, by the second hand; weights."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handflow.recognize.few_shot import looks as looks_module
from handflow.recognize.few_shot.combining import combined, fit_weights, probabilities
from handflow.recognize.few_shot.hand_features import CHANNELS, FRAME_CHANNELS, hand_features
from handflow.recognize.few_shot.looks import PACE, Looks, look_at, looks_of
from handflow.recognize.few_shot.parts import NEAREST, PARTS, members_of, unlikeness
from handflow.recognize.few_shot.time_warping import warped_distances
from handflow.recognize.few_shot.views import Views, view_of
from handflow.recognize.windows import STEPS
from handflow.types import LEFT, RIGHT, Float32, Float64
from teach.few_shot_samples import SIZE, WIDTH, around, centres, looks, performed, stay, together, unit

EXACT, MOTION, WARPED, OTHER = (PARTS.index(name) for name in ("exact", "motion", "warped", "other hand"))
USUAL = np.array([1.5, 1.5, 3.0, 0.8])


def parts_of(queries: Looks, examples: Looks, label: list[int], excluded=None) -> Float32:
    """(PARTS, queries, gestures)"""
    members = members_of(np.array(label), max(label) + 1)
    return unlikeness(queries, examples, members, excluded=excluded).parts


def two_handed(n: int, seed: int) -> tuple[Float64, Float64]:
    acting, other = around(centres(2, seed), (n, n), 1.0, seed + 1).reshape(2, n, WIDTH)
    return acting, other


def test_one_example_is_as_unlike_as_its_distances_say() -> None:
    made = around(centres(1), [2], 1.0, 1)
    query, example = looks(made[:1], seed=1), looks(made[1:], seed=2)
    parts = parts_of(query, example, [0])[:, 0, 0]
    distance = 1 - float(made[0] @ made[1])
    assert parts[EXACT] == pytest.approx(np.log(distance), abs=1e-4)
    assert parts[MOTION] == pytest.approx(np.log(distance), abs=1e-4)
    cost = float(warped_distances(query.frames[:, 0], example.frames[:, 0])[0])
    assert parts[WARPED] == pytest.approx(np.log(cost), abs=1e-3)


@pytest.mark.parametrize(("query", "example", "alike"), [(0, 0, 1), (1, 1, 1), (0, 1, 0), (1, 0, 0)])
def test_a_second_hand_must_be_there_where_it_was_taught(query: int, example: int, alike: int) -> None:
    acting, other = two_handed(1, 3)
    here, there = (looks(acting, other if hands else None) for hands in (query, example))
    unlike = float(parts_of(here, there, [0])[OTHER, 0, 0])
    assert unlike < np.log(0.05) if alike else unlike > np.log(0.3)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(1, NEAREST))
def test_several_examples_are_as_unlike_as_something_between_the_nearest_and_their_mean(
    seed: int, n: int
) -> None:
    acting, other = two_handed(n + 1, seed)
    query = looks(acting[:1], other[:1])
    examples = looks(acting[1:], other[1:])
    each = parts_of(query, examples, list(range(n)))[:, 0]
    whole = parts_of(query, examples, [0] * n)[:, 0, 0]
    assert (each.min(axis=1) - 1e-4 <= whole).all()
    assert (whole <= each.mean(axis=1) + 1e-4).all()


def test_beyond_the_nearest_few_more_examples_count_for_what_chance_brings_alone() -> None:
    some = around(centres(2), (NEAREST, 2), 0.3, 1)
    far = around(-centres(1), [4], 0.3, 2)
    query = looks(around(centres(1), [3], 0.3, 3), seed=5)
    fewer = parts_of(query, looks(some), [0] * NEAREST + [1, 1])
    examples = Looks.stack([looks(some), looks(far, seed=9)])
    more = parts_of(query, examples, [0] * NEAREST + [1, 1] + [0] * 4)
    np.testing.assert_allclose(more[:, :, 1], fewer[:, :, 1], atol=1e-5)
    by_chance = more[:, :, 0] - fewer[:, :, 0]
    assert (by_chance > 0).all()
    np.testing.assert_allclose(by_chance[0], 0.2 * np.log((NEAREST + 4) / NEAREST), atol=1e-5)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), data=st.data())
def test_what_is_excluded_does_not_count(seed: int, data: st.DataObject) -> None:
    counts = data.draw(st.lists(st.integers(1, NEAREST + 3), min_size=2, max_size=3))
    label = np.repeat(np.arange(len(counts)), counts)
    gone = np.array(data.draw(st.lists(st.booleans(), min_size=len(label), max_size=len(label))))
    gone[[int(np.flatnonzero(label == g)[0]) for g in range(len(counts))]] = False
    chance = np.random.default_rng(seed)
    examples = looks(unit(chance.normal(size=(len(label), WIDTH))))
    queries = looks(unit(chance.normal(size=(2, WIDTH))), seed=1)
    excluded = np.stack([gone, np.zeros_like(gone)])
    parts = parts_of(queries, examples, label.tolist(), excluded)
    left = parts_of(queries, examples.take(np.flatnonzero(~gone)), label[~gone].tolist())
    every = parts_of(queries, examples, label.tolist())
    np.testing.assert_allclose(parts[:, 0], left[:, 0], atol=1e-4)
    np.testing.assert_allclose(parts[:, 1], every[:, 1], atol=1e-4)


@pytest.mark.parametrize("others", [1, NEAREST, NEAREST + 1])
def test_an_only_example_left_out_leaves_a_gesture_as_unlike_as_can_be(others: int) -> None:
    examples = looks(around(centres(2), (1, others), 0.5, 1))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        parts = parts_of(examples, examples, [0] + [1] * others, np.eye(others + 1, dtype=bool))
    assert np.isposinf(parts[:, 0, 0]).all()
    assert np.isfinite(parts[:, 1:, 0]).all()
    assert np.isposinf(parts[:, 1, 1]).all() == (others == 1)


def test_crossed_hands_are_the_same_two_hands() -> None:
    acting, other = two_handed(4, 3)
    examples = looks(acting, other)
    plain = parts_of(looks(acting, other, seed=4), examples, [0, 1, 2, 3])
    crossed = parts_of(looks(other, acting, seed=4), examples, [0, 1, 2, 3])
    assert (plain.sum(axis=0).argmin(axis=1) == np.arange(4)).all()
    assert (crossed.sum(axis=0).argmin(axis=1) == np.arange(4)).all()
    assert crossed[WARPED].diagonal().max() < crossed[WARPED][~np.eye(4, dtype=bool)].min() - 2
    # they are paired alike, but the hand that acts is the other one
    to_none = np.exp(plain[OTHER]).diagonal().min()
    np.testing.assert_allclose(np.exp(crossed[EXACT]), np.exp(plain[OTHER]) - to_none, atol=1e-4)
    np.testing.assert_allclose(np.exp(crossed[OTHER]) - to_none, np.exp(plain[EXACT]), atol=1e-4)


def sided(made: Looks, side: int) -> Looks:
    return replace(made, side=np.full(len(made), side))


def test_where_hands_matter_left_is_compared_with_left() -> None:
    left, right = two_handed(4, 3)
    examples = sided(looks(left, right), LEFT)
    as_taught, more_right, exchanged, anyhow = (
        parts_of(query, examples, [0, 1, 2, 3])
        for query in (
            sided(looks(left, right, seed=4), LEFT),
            sided(looks(right, left, seed=4), RIGHT),  # the same hands, of which the right one moves more
            sided(looks(right, left, seed=4), LEFT),
            looks(right, left, seed=4),
        )
    )
    same = np.eye(4, dtype=bool)
    for part in (EXACT, MOTION):
        assert as_taught[part][same].max() < -8
        assert more_right[part][same].max() < -8
        np.testing.assert_allclose(exchanged[part], np.log(1 - right @ left.T), atol=1e-4)
        assert anyhow[part][same].max() < -8


def test_where_hands_matter_a_hand_alone_is_never_like_the_other_one() -> None:
    points = centres(2)
    example = sided(looks(points[:1]), LEFT)
    same_hand, other_hand = (sided(looks(points[:1], seed=1), side) for side in (LEFT, RIGHT))
    another = sided(looks(unit(points[:1] + 0.5 * points[1:])), LEFT)
    same, other, different = (parts_of(q, example, [0])[EXACT] for q in (same_hand, other_hand, another))
    assert same < other - 2
    assert different < np.log(0.5)
    # a performance as unlike as can be is nothing against the wrong hand
    unlike, wrong = sided(looks(-points[:1]), LEFT), sided(looks(unit(points[:1] + points[1:])), RIGHT)
    assert parts_of(unlike, example, [0])[EXACT] < parts_of(wrong, example, [0])[EXACT]


def test_one_hand_of_two_is_not_taken_for_the_other() -> None:
    one, two, three = centres(3)
    examples = looks(np.stack([one, two]), np.stack([np.full(WIDTH, np.nan), three]))
    parts = parts_of(looks(three[None]), examples, [0, 1])
    assert parts[EXACT, 0, 1] == pytest.approx(np.log(1 - three @ two), abs=1e-3)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    queries=st.integers(1, 5),
    gestures=st.integers(1, 8),
    size=st.floats(-3, 4).map(lambda power: 10**power),
    weights=st.lists(st.floats(0, 50), min_size=4, max_size=4),
)
def test_probabilities_are_shares_and_the_least_unlike_is_the_likeliest(
    seed: int, queries: int, gestures: int, size: float, weights: list[float]
) -> None:
    parts = np.random.default_rng(seed).normal(0, size, (4, queries, gestures))
    chance = probabilities(parts, np.array(weights))
    np.testing.assert_allclose(chance.sum(axis=1), 1, atol=1e-9)
    assert ((chance >= 0) & (chance <= 1)).all()
    unlike = combined(parts, np.array(weights))
    rows = np.arange(queries)
    assert (chance[rows, unlike.argmin(axis=1)] >= chance.max(axis=1) - 1e-12).all()


def parts_that_say(sure: tuple[float, ...], count: int, seed: int = 0) -> tuple[Float32, np.ndarray]:
    """Parts (4, count, 2) of which each speaks so much for the truth, and the truth."""
    chance = np.random.default_rng(seed)
    truth = np.arange(count) % 2
    parts = chance.normal(0, 0.5, (4, count, 2))
    parts[:, np.arange(count), truth] -= np.array(sure)[:, None]
    return parts.astype(np.float32), truth


def test_a_part_that_knows_counts_more_and_one_that_misleads_less() -> None:
    parts, truth = parts_that_say((1.0, 0.0, 0.0, -0.3), 80)
    weights = fit_weights(parts, truth, USUAL)
    assert weights[0] > USUAL[0] + 0.2
    assert weights[3] < USUAL[3] - 0.2
    assert (weights >= 0).all()


@pytest.mark.parametrize("seed", range(12))
def test_fitted_weights_answer_the_examples_better_than_the_usual_ones(seed: int) -> None:
    sure = tuple(np.random.default_rng(seed).uniform(-0.3, 0.8, 4))
    parts, truth = parts_that_say(sure, 60, seed)

    def loss(weights: Float64) -> float:
        return float(-np.log(probabilities(parts, weights)[np.arange(60), truth]).sum())

    assert loss(fit_weights(parts, truth, USUAL)) < loss(USUAL)


def test_the_more_examples_the_further_weights_go() -> None:
    moved = [
        np.abs(fit_weights(*parts_that_say((1.0, 0.0, 0.0, 0.0), n), USUAL) - USUAL).sum()
        for n in (2, 12, 200)
    ]
    assert moved[0] < moved[1] < moved[2]


def test_examples_that_say_nothing_leave_the_usual_weights() -> None:
    parts, truth = parts_that_say((1, 1, 1, 1), 20)
    alone = np.where(np.arange(2)[None, None] == truth[None, :, None], np.inf, parts)
    np.testing.assert_array_equal(fit_weights(alone, truth, USUAL), USUAL)
    np.testing.assert_array_equal(fit_weights(parts[:, :0], truth[:0], USUAL), USUAL)


class BySums:
    """Encoders of no weights: unit vectors of features' means over time; counts the hands it was shown."""

    shown = 0

    def __call__(self, features: Float32) -> Float32:
        assert features.shape[1:] == (CHANNELS, STEPS)
        self.shown += len(features)
        means = unit(features.mean(axis=2)[:, :WIDTH] + 1e-3)
        return np.concatenate([means, means], axis=1).astype(np.float32)


def views(count: int = 5) -> Views:
    """Every other one with two hands."""
    times = np.arange(0, 1.01, 0.05)
    made = [performed(times, curl=(0, 0.1 * k)) for k in range(count)]
    resting = performed(times, stay, slot=LEFT, at=(300, 50))
    found = [view_of(together(resting, m) if k % 2 else m, 0.0, 1.0) for k, m in enumerate(made)]
    return Views.stack(view for view in found if view is not None)


def test_hands_that_are_there_are_encoded_and_the_others_are_zero() -> None:
    encoders, batch = BySums(), views()
    made = look_at(batch, encoders)
    assert encoders.shown == 5 + 2
    assert made.points.shape == (5, 2, 2 * WIDTH)
    assert made.frames.shape == (5, 2, STEPS // PACE, FRAME_CHANNELS)
    there = batch.share > 0
    assert (np.abs(made.points).sum(axis=2) > 0).tolist() == there.tolist()
    assert (np.abs(made.frames).sum(axis=(2, 3)) > 0).tolist() == there.tolist()
    np.testing.assert_array_equal(made.share, batch.share)


@pytest.mark.parametrize("chunk", [1, 2, 512])
def test_looks_do_not_depend_on_what_is_encoded_together(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = views()
    alone = Looks.stack(look_at(batch.part(k, k + 1), BySums()) for k in range(5))
    monkeypatch.setattr(looks_module, "_CHUNK", chunk)
    for made in (look_at(batch, BySums()), looks_of(batch, alone.points), alone.take([0, 1, 2, 3, 4])):
        np.testing.assert_allclose(made.points, alone.points, atol=1e-6)
        np.testing.assert_array_equal(made.frames, alone.frames)
        np.testing.assert_array_equal(made.share, alone.share)


def test_time_warping_sees_the_path_in_several_times_its_size() -> None:
    times = np.arange(0, 1.01, 0.05)
    view = view_of(performed(times, lambda u: np.outer(u, [SIZE, 0.0])), 0.0, 1.0)
    assert view is not None
    frames = looks_of(view, np.zeros((1, 2, 2), np.float32)).frames[0, 0]
    features = hand_features(view.landmarks[:, :, 0], np)[0, :FRAME_CHANNELS, ::PACE].T
    np.testing.assert_allclose(frames[:, :-2], features[:, :-2], atol=1e-6)
    assert frames[-1, -2] - frames[0, -2] > 2 * (features[-1, -2] - features[0, -2]) > 0
