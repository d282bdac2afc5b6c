"""The few-shot classifier: nearest examples decide; one example is enough, hundreds are not too many."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from handflow.recognize.few_shot import classifier as classifier_module
from handflow.recognize.few_shot.classifier import FewShotClassifier
from handflow.recognize.few_shot.combining import FEWEST_TO_FIT
from handflow.recognize.few_shot.looks import Looks
from handflow.recognize.few_shot.parts import PARTS
from handflow.types import BACKGROUND, Float64
from teach.few_shot_samples import USUAL, WIDTH, around, centres, looks, names, unit


def taught(
    counts: tuple[int, ...], spread: float = 0.5, seed: int = 0, fresh: int = 3
) -> tuple[FewShotClassifier, Looks, list[str]]:
    """A classifier of some clusters, and a few fresh queries of each with their labels."""
    middles = centres(len(counts), seed)
    gestures = [f"g{k:03d}" for k in range(len(counts))]
    examples = looks(around(middles, counts, spread, seed + 1000), seed=1)
    queries = looks(around(middles, [fresh] * len(counts), spread, seed + 2000), seed=2)
    made = FewShotClassifier(examples, names(gestures, counts), USUAL)
    return made, queries, names(gestures, [fresh] * len(counts))


def right(made: FewShotClassifier, queries: Looks, truth: list[str]) -> Float64:
    answer = made.answer(queries).chance.argmax(axis=1)
    return np.array([made.gestures[a] == t for a, t in zip(answer, truth, strict=True)])


def test_nearest_examples_decide_however_far_the_others_are() -> None:
    near, far, between = centres(3)
    query = looks(near[None])
    spread_out = looks(np.stack([unit(near + 0.2 * between), far, -near]))
    middling = looks(unit(near + 0.6 * between + np.zeros((3, 1))))
    examples = Looks.stack([spread_out, middling])
    made = FewShotClassifier(examples, list("aaabbb"), USUAL, weights=USUAL.weights, border=USUAL.border)
    assert made.answer(query).chance[0, 0] > 0.9


def test_the_second_hand_tells_gestures_whose_acting_hand_is_the_same() -> None:
    one, first, second = centres(3)
    acting = around(one[None], [2], 0.3, 1)[[0, 1, 0, 1]]
    nowhere = np.full(WIDTH, np.nan)
    both = np.stack([first, first, second, second])
    made = FewShotClassifier(looks(acting, both, noise=0), list("aabb"), USUAL)
    answer = made.answer(looks(np.stack([one, one]), np.stack([second, first])))
    assert answer.chance.argmax(axis=1).tolist() == [1, 0]
    alone = np.stack([first, first, nowhere, nowhere])
    made = FewShotClassifier(looks(acting, alone, noise=0), list("aabb"), USUAL)
    answer = made.answer(looks(np.stack([one, one]), np.stack([nowhere, first])))
    assert answer.chance.argmax(axis=1).tolist() == [1, 0]


@pytest.mark.parametrize("count", [1, 2])
def test_with_one_or_two_examples_weights_are_the_usual_ones(count: int) -> None:
    made, _, _ = taught((count,) * 4, spread=1.5)
    np.testing.assert_array_equal(made.weights, USUAL.weights)


def test_with_many_examples_weights_are_their_own() -> None:
    assert FEWEST_TO_FIT <= 15
    made, _, _ = taught((15,) * 4, spread=1.5)
    assert np.abs(made.weights - USUAL.weights).max() > 0.05


@pytest.mark.parametrize(
    ("counts", "spread"),
    [((3, 3, 3), 0.5), ((2, 7), 0.5), ((1,) * 200, 0.4), ((5,) * 20, 0.5), ((300, 2), 0.6),
     ((2, 300), 0.6)],
    ids=["three of each", "two and seven", "200 once", "20 of five", "300 beside 2", "2 beside 300"],
)  # fmt: skip
def test_gestures_that_lie_apart_are_told(counts: tuple[int, ...], spread: float) -> None:
    made, queries, truth = taught(counts, spread, fresh=1 if len(counts) > 100 else 3)
    assert right(made, queries, truth).mean() >= 0.99
    answer = made.answer(queries)
    np.testing.assert_allclose(answer.chance.sum(axis=1), 1, atol=1e-9)
    assert made.gestures == tuple(sorted(set(truth)))
    assert made.counts.tolist() == list(counts)
    assert [made.gestures[made.label[n]] for n in answer.nearest] == [
        made.gestures[a] for a in answer.chance.argmax(axis=1)
    ]


def test_300_examples_of_another_gesture_do_not_drown_two() -> None:
    def shown(many: int) -> tuple[float, float]:
        mine = truly = 0.0
        for seed in range(4):
            middles = centres(2, seed)
            middles[1] = unit(middles[1] + 0.4 * middles[0])
            examples = looks(around(middles, (many, 2), 0.6, seed + 100), seed=1)
            queries = looks(around(middles, (0, 40), 0.6, seed + 200), seed=2)
            made = FewShotClassifier(examples, names("ab", (many, 2)), USUAL)
            answer = made.answer(queries)
            mine += float((answer.chance.argmax(axis=1) == 1).mean()) / 4
            truly += float(answer.known.mean()) / 4
        return mine, truly

    beside_few, beside_many = shown(2), shown(300)
    assert beside_many[0] > beside_few[0] - 0.03 > 0.9
    assert beside_many[1] > 0.5


def test_an_example_is_what_it_was_taught_as() -> None:
    made, _, _ = taught((3, 3, 3), spread=0.8)
    answer = made.answer(made.examples)
    assert answer.chance.argmax(axis=1).tolist() == made.label.tolist()
    assert answer.chance.max(axis=1).min() > 0.9
    assert answer.nearest.tolist() == list(range(9))
    assert answer.known.min() > 0.9


def test_known_falls_the_more_unlike_a_query_is() -> None:
    one, two, away = np.linalg.qr(centres(3).T)[0].T
    examples = looks(around(np.stack([one, two]), (3, 3), 0.1, 1))
    made = FewShotClassifier(examples, list("aaabbb"), USUAL)
    turned = [unit(np.cos(t) * one + np.sin(t) * away) for t in np.linspace(0, np.pi / 2, 7)]
    known = made.answer(looks(np.stack(turned))).known
    assert (np.diff(known) <= 0).all()
    assert known[0] > 0.9
    assert known[-1] < 0.5
    nearness = made.nearness(looks(np.stack(turned)))
    np.testing.assert_array_equal(made.known(nearness), known)
    assert made.known(np.array([-1e9, made.border, np.inf, 1e9])).tolist() == pytest.approx([1, 0.5, 0, 0])


@pytest.mark.parametrize("count", [2, 3, 8])
def test_a_single_gesture_is_told_from_what_is_unlike_it(count: int) -> None:
    made, queries, _ = taught((count,), spread=0.3)
    answer = made.answer(queries)
    assert answer.chance.tolist() == [[1.0]] * 3
    assert (answer.known > made.answer(looks(-centres(1))).known[0]).all()
    assert np.isfinite(made.border)


def test_a_single_example_is_a_classifier() -> None:
    one = centres(1)
    made = FewShotClassifier(looks(one), ["a"], USUAL)
    assert made.answer(looks(one)).chance.tolist() == [[1.0]]
    assert made.answer(looks(one)).known[0] > made.answer(looks(-one)).known[0]
    assert made.border == USUAL.border


def test_the_same_clip_under_two_labels_may_be_either() -> None:
    both = looks(centres(2)).take([0, 0, 1])
    made = FewShotClassifier(both, list("abc"), USUAL)
    assert made.answer(both.take([0])).chance[0] == pytest.approx([0.5, 0.5, 0], abs=1e-3)
    assert np.isfinite(made.leave_one_out().chance).all()


def test_one_recording_under_two_labels_does_not_spoil_the_weights() -> None:
    spread = around(centres(3), (4, 4, 1), 0.5, 1)
    spread[8] = spread[0]
    made = FewShotClassifier(looks(spread), names("abc", (4, 4, 1)), USUAL)
    assert made.weights == pytest.approx(USUAL.weights, rel=0.5)


def test_the_order_of_the_examples_does_not_matter() -> None:
    made, queries, _ = taught((4, 7, 2), spread=0.8)
    order = np.random.default_rng(0).permutation(13)
    labels = [made.gestures[g] for g in made.label[order]]
    other = FewShotClassifier(made.examples.take(order), labels, USUAL)
    np.testing.assert_allclose(other.weights, made.weights, atol=1e-3)
    np.testing.assert_allclose(other.answer(queries).chance, made.answer(queries).chance, atol=1e-3)
    np.testing.assert_array_equal(order[other.answer(queries).nearest], made.answer(queries).nearest)


def test_a_query_is_on_its_own() -> None:
    made, queries, _ = taught((4, 7, 2), spread=0.8)
    every = made.answer(queries)
    for k in range(len(queries)):
        alone = made.answer(queries.take([k]))
        np.testing.assert_allclose(alone.chance[0], every.chance[k], atol=1e-4)
        assert alone.known[0] == pytest.approx(every.known[k], abs=1e-4)


def test_given_weights_and_border_stay() -> None:
    made, queries, _ = taught((6, 6), spread=0.8)
    labels = [made.gestures[g] for g in made.label]
    again = FewShotClassifier(made.examples, labels, USUAL, weights=tuple(made.weights), border=made.border)
    np.testing.assert_array_equal(again.answer(queries).chance, made.answer(queries).chance)
    np.testing.assert_array_equal(again.answer(queries).known, made.answer(queries).known)
    np.testing.assert_allclose(again.leave_one_out().chance, made.leave_one_out().chance, atol=1e-6)


def without(made: FewShotClassifier, gone: np.ndarray) -> FewShotClassifier:
    kept = np.flatnonzero(~gone)
    return FewShotClassifier(
        made.examples.take(kept),
        [made.gestures[g] for g in made.label[kept]],
        USUAL,
        weights=tuple(made.weights),
        border=made.border,
    )


def test_one_left_out_is_told_by_the_others_alone() -> None:
    made, _, _ = taught((2, 2, 9), spread=1.2)
    left = made.leave_one_out()
    assert left.example.tolist() == list(range(13))
    for k in range(13):
        others = without(made, np.arange(13) == k).answer(made.examples.take([k]))
        np.testing.assert_allclose(left.chance[k], others.chance[0], atol=1e-3)
    assert left.truth.tolist() == made.label.tolist()
    assert left.answer.tolist() == left.chance.argmax(axis=1).tolist()


def test_a_group_left_out_is_told_by_the_other_groups_alone() -> None:
    made, _, _ = taught((2, 2, 8), spread=1.2)
    group = ["ann", "ben"] * 4 + ["cid"] * 4
    left = made.leave_groups_out(group)
    for k, name in enumerate(group):
        others = without(made, np.array(group) == name).answer(made.examples.take([k]))
        np.testing.assert_allclose(left.chance[k], others.chance[0], atol=1e-3)


def test_an_only_example_is_never_told_as_its_own_gesture() -> None:
    made, _, _ = taught((1, 3, 3))
    left = made.leave_one_out()
    assert left.chance[0, 0] == pytest.approx(0, abs=1e-9)
    assert left.answer[0] != 0
    assert left.nearness[0, 0] > 100
    assert np.isfinite(left.nearness).all()


def test_of_very_many_examples_an_even_choice_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classifier_module, "_MOST_LEFT_OUT", 10)
    made, queries, truth = taught((20, 20), spread=0.5)
    left = made.leave_one_out()
    assert len(left.example) == 10
    assert set(np.diff(left.example)) <= {4, 5}
    assert (left.example[0], left.example[-1]) == (0, 39)
    assert left.truth.tolist() == made.label[left.example].tolist()
    assert right(made, queries, truth).all()


@pytest.mark.parametrize(("count", "labels"), [(0, []), (2, ["a"]), (1, ["a", "b"])])
def test_as_many_labels_as_examples_are_asked_for(count: int, labels: list[str]) -> None:
    with pytest.raises(ValueError, match=f"{count} examples and {len(labels)} labels"):
        FewShotClassifier(looks(centres(2)).take(range(count)), labels, USUAL)


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"weights": (1.0, 1.0)}, "expected"),
        ({"weights": (*USUAL.weights[:-1], -0.1)}, "from 0 on"),
        ({"weights": (0.0,) * len(PARTS)}, "weights"),
        ({"levels": (0.0,)}, "levels"),
        ({"steepness": 0.0}, "steepness"),
        ({"steepness": -2.0}, "steepness"),
    ],
    ids=str,
)
def test_usual_values_that_cannot_be_are_refused(changed: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        replace(USUAL, **changed)


def test_what_is_only_like_idle_hands_is_not_known() -> None:
    examples = looks(around(centres(3), (4, 4, 4), 0.5, 1))
    made = FewShotClassifier(examples, names(("wave", "point", BACKGROUND), (4, 4, 4)), USUAL)
    idle, wave = looks(around(centres(3), (0, 0, 5), 0.5, 2)), looks(around(centres(3), (5, 0, 0), 0.5, 3))
    assert made.answer(idle).chance[:, made.gestures.index(BACKGROUND)].min() > 0.9
    assert made.answer(idle).known.max() < 0.2
    assert made.answer(wave).known.min() > 0.8


def test_idle_hands_alone_are_known_among_themselves() -> None:
    made = FewShotClassifier(looks(around(centres(1), [4], 0.3, 1)), [BACKGROUND] * 4, USUAL)
    answer = made.answer(looks(around(centres(1), [3], 0.3, 2)))
    assert answer.chance.tolist() == [[1.0]] * 3
    assert (answer.known > made.answer(looks(-centres(1))).known[0]).all()


def test_scores_of_several_windows_are_the_best_of_each_gesture_and_at_most_1_in_all() -> None:
    made, queries, _ = taught((3, 3, 3))
    answer = made.answer(queries)
    best = (answer.chance * answer.known[:, None]).max(axis=0)
    assert best.sum() > 2
    np.testing.assert_allclose(made.scores(queries), best / best.sum())
    nothing = looks(-centres(1))
    assert made.scores(nothing).sum() < 0.3
    np.testing.assert_allclose(made.scores(nothing).sum(), made.answer(nothing).known[0])


def test_the_border_of_the_unknown_lies_between_takes_of_one_gesture_and_the_next_gesture() -> None:
    made, _, _ = taught((12, 12, 12), spread=0.3)
    left = made.leave_one_out()
    own = left.truth[:, None] == np.arange(3)
    assert left.nearness[own].max() < made.border < left.nearness[~own].min()


def test_loose_gestures_push_the_border_out() -> None:
    borders = [taught((12, 12, 12), spread=spread)[0].border for spread in (0.2, 0.5, 0.8)]
    assert borders[0] < borders[1] < borders[2]


def test_single_takes_draw_the_border_before_other_gestures_and_one_gesture_leaves_it() -> None:
    assert taught((1,))[0].border == USUAL.border
    assert taught((1, 1, 1))[0].border < USUAL.border
