"""The regression over all examples: one left out is told as if it had never been seen."""

import numpy as np
import pytest

from handflow.recognize.few_shot import classifier as classifier_module
from handflow.recognize.few_shot import regression as regression_module
from handflow.recognize.few_shot.classifier import FewShotClassifier
from handflow.recognize.few_shot.looks import Looks
from handflow.recognize.few_shot.parts import PARTS
from handflow.recognize.few_shot.regression import learn
from handflow.types import Float64
from teach.few_shot_samples import USUAL, WIDTH, around, centres, looks, names, unit


def labelled(counts: tuple[int, ...], spread: float = 1.5, seed: int = 1) -> tuple[Looks, np.ndarray]:
    made = looks(around(centres(len(counts)), counts, spread, seed), noise=0.01)
    return made, np.repeat(np.arange(len(counts)), counts)


def solved_without(made: Looks, label: np.ndarray, gestures: int, gone: np.ndarray) -> Float64:
    """What ridge regression says about some examples that it never saw, learned from the others alone."""
    way = made.frames[:, 0, :: regression_module._PACE].reshape(len(made), -1)
    inputs = np.concatenate([made.points[:, 0], regression_module._WAY * way], axis=1).astype(np.float64)
    spread = inputs.std(axis=0) + regression_module._LEAST_SPREAD
    inputs = np.column_stack([(inputs - inputs.mean(axis=0)) / spread, np.ones(len(inputs))])
    counts = np.bincount(label, minlength=gestures)[label]
    ridge = regression_module._RIDGE * counts / counts.mean()
    targets = np.eye(gestures)[label] - 1 / gestures
    kernel = inputs[~gone] @ inputs[~gone].T + np.diag(ridge[~gone])
    return np.asarray(inputs[gone] @ inputs[~gone].T @ np.linalg.solve(kernel, targets[~gone]))


@pytest.mark.parametrize("counts", [(5, 5), (3, 9, 4), (1, 6, 6)], ids=str)
def test_one_left_out_is_what_was_never_seen(counts: tuple[int, ...]) -> None:
    made, label = labelled(counts)
    n = len(label)
    learned = learn(made, label, len(counts), np.arange(n))
    assert learned.learned.tolist() == list(range(n))
    for k in range(n):
        wanted = solved_without(made, label, len(counts), np.arange(n) == k)
        np.testing.assert_allclose(learned.left_out[k], wanted[0], atol=1e-4)


def test_a_group_left_out_is_what_was_never_seen() -> None:
    made, label = labelled((6, 9))
    group = np.arange(15) % 4
    learned = learn(made, label, 2, group)
    for name in range(4):
        wanted = solved_without(made, label, 2, group == name)
        np.testing.assert_allclose(learned.left_out[group == name], wanted, atol=1e-4)


def test_what_was_seen_is_told_by_all_examples() -> None:
    made, label = labelled((4, 6, 5))
    learned = learn(made, label, 3, np.arange(15))
    twice = Looks.stack([made, made.take([0])])
    wanted = solved_without(twice, np.append(label, 0), 3, np.arange(16) == 15)
    # the first example is asked once more and taught once; it hardly moves mean and spread
    np.testing.assert_allclose(learned.scores(made)[0], wanted[0], atol=0.1)
    assert (learned.scores(made).argmax(axis=1) == label).all()
    np.testing.assert_allclose(learned.scores(made).sum(axis=1), 0, atol=1e-4)


def test_each_gesture_counts_alike_however_many_examples_it_has() -> None:
    shares = []
    for seed in range(6):
        middles = centres(2, seed)
        made = looks(around(middles, (60, 4), 1.0, seed + 50))
        learned = learn(made, np.repeat([0, 1], (60, 4)), 2, np.arange(64))
        fresh = looks(around(middles, (20, 20), 1.0, seed + 90))
        told = learned.scores(fresh).argmax(axis=1) == np.repeat([0, 1], 20)
        shares.append(told.reshape(2, 20).mean(axis=1))
    many, few = np.mean(shares, axis=0)
    assert few > 0.8
    assert many > 0.8


def test_of_very_many_examples_it_learns_an_even_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regression_module, "MOST", 30)
    label = np.random.default_rng(0).permutation(np.repeat([0, 1, 2], (60, 30, 6)))
    made = looks(around(centres(1), [96], 1.0, 1))
    learned = learn(made, label, 3, np.arange(96))
    assert (np.diff(learned.learned) > 0).all()
    assert np.bincount(label[learned.learned]).tolist() == [18, 9, 5]
    assert learned.left_out.shape == (32, 3)


# In the classifier


def right(made: FewShotClassifier, queries: Looks, truth: list[str]) -> float:
    answer = made.answer(queries).chance.argmax(axis=1)
    return float(np.mean([made.gestures[a] == t for a, t in zip(answer, truth, strict=True)]))


def along_one_line(count: int, seed: int) -> Float64:
    """(2 · count, WIDTH) two gestures that differ in one direction and are noise in all others."""
    chance = np.random.default_rng(seed)
    points = chance.normal(0, 1, (2 * count, WIDTH))
    points[:, 0] = np.repeat([1.0, -1.0], count) + chance.normal(0, 0.3, 2 * count)
    return unit(points)


def test_it_sees_what_all_examples_have_in_common_where_none_of_them_is_near() -> None:
    labels, truth = names("ab", (25, 25)), names("ab", (50, 50))
    examples, queries = looks(along_one_line(25, 1)), looks(along_one_line(50, 2))
    with_it = FewShotClassifier(examples, labels, USUAL, weights=USUAL.weights, border=0.0)
    weights = [0.0 if name == "learned" else w for name, w in zip(PARTS, USUAL.weights, strict=True)]
    without = FewShotClassifier(examples, labels, USUAL, weights=weights, border=0.0)
    assert right(with_it, queries, truth) > right(without, queries, truth) + 0.04
    assert right(with_it, queries, truth) > 0.85


@pytest.mark.parametrize("counts", [(1, 1), (2, 2), (2, 2, 9), (9,)], ids=str)
def test_of_too_few_examples_nothing_is_learned(counts: tuple[int, ...]) -> None:
    made, label = labelled(counts)
    labels = [f"g{k}" for k in label]
    queries = looks(around(centres(len(counts)), [2] * len(counts), 1.0, 9))
    answers = [
        FewShotClassifier(made, labels, USUAL, weights=weights, border=0.0).answer(queries).chance
        for weights in (USUAL.weights, (*USUAL.weights[:-1], 100.0))
    ]
    np.testing.assert_array_equal(answers[0], answers[1])


def test_an_even_choice_of_both_fits_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regression_module, "MOST", 40)
    monkeypatch.setattr(classifier_module, "_MOST_LEFT_OUT", 30)
    made, label = labelled((60, 60), spread=0.5)
    classifier = FewShotClassifier(made, [f"g{k}" for k in label], USUAL)
    left = classifier.leave_one_out()
    assert 0 < len(left.example) <= 30
    assert left.truth.tolist() == label[left.example].tolist()
    assert (left.answer == left.truth).all()
    grouped = classifier.leave_groups_out([n % 3 for n in range(120)])
    assert (grouped.answer == grouped.truth).all()


def test_of_a_group_left_out_nothing_is_learned() -> None:
    made, label = labelled((6, 6, 6))
    group = np.arange(18) % 3
    weights = [float(name == "learned") for name in PARTS]
    classifier = FewShotClassifier(made, [f"g{k}" for k in label], USUAL, weights=weights, border=0.0)
    for left, groups in (
        (classifier.leave_groups_out(group.tolist()), group),
        (classifier.leave_one_out(), np.arange(18)),
    ):
        said = learn(made, label, 3, groups).left_out
        wanted = np.exp(said) / np.exp(said).sum(axis=1, keepdims=True)
        np.testing.assert_allclose(left.chance, wanted, atol=1e-5)


def test_where_few_are_learned_from_as_many_are_left_out_as_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regression_module, "MOST", 40)
    monkeypatch.setattr(classifier_module, "_MOST_LEFT_OUT", 30)
    made, label = labelled((60, 60), spread=0.5)
    assert len(FewShotClassifier(made, [f"g{k}" for k in label], USUAL).leave_one_out().example) >= 25
