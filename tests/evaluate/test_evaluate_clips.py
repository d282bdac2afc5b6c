"""Clip metrics against counts made by hand and against scikit-learn."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluate.recognizers import LABELS, FakeRecognizer, clip
from handflow.errors import DatasetError
from handflow.evaluate import clip_metrics, evaluate_clips


def test_counts_made_by_hand_come_out():
    result = clip_metrics(
        ("a", "b", "c"),
        ["a", "a", "a", "a", "b", "b", "c", "c"],
        ["a", "a", "b", None, "b", "b", "c", "a"],
    )
    assert result.confusion.tolist() == [[2, 1, 0], [0, 2, 0], [1, 0, 1]]
    assert result.unanswered.tolist() == [1, 0, 0]
    assert (result.clips, result.right, result.accuracy) == (8, 5, 5 / 8)
    assert result.balanced_accuracy == pytest.approx((0.5 + 1.0 + 0.5) / 3)
    a, b, c = result.per_class
    assert (a.support, a.right, a.recall, a.precision) == (4, 2, 0.5, pytest.approx(2 / 3))
    assert a.f1 == pytest.approx(2 * 0.5 * (2 / 3) / (0.5 + 2 / 3))
    assert (b.recall, b.precision, c.recall, c.precision) == (1.0, pytest.approx(2 / 3), 0.5, 1.0)
    assert result.confused_pairs() == [("a", "b", 1), ("c", "a", 1)]


def test_the_document_has_the_form_of_the_command():
    document = clip_metrics(("a", "b"), ["a", "b"], ["a", "a"]).document()
    assert set(document) == {"clips", "accuracy", "balanced_accuracy", "per_class", "confusion", "labels"}
    assert document["confusion"] == [[1, 0], [1, 0]]
    assert document["per_class"]["b"] == {"precision": None, "recall": 0.0, "f1": 0.0, "support": 1}


def test_a_gesture_that_does_not_occur_neither_helps_nor_harms_balanced_accuracy():
    result = clip_metrics(("a", "b", "never"), ["a", "b", "b"], ["a", "b", "a"])
    assert result.balanced_accuracy == pytest.approx((1 + 0.5) / 2)
    never = result.per_class[2]
    assert (never.support, never.recall, never.precision, never.f1) == (0, None, None, None)


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("abcd")), min_size=1, max_size=60))
def test_figures_equal_scikit_learns(pairs):
    from sklearn import metrics

    truth, told = [t for t, _ in pairs], [p for _, p in pairs]
    result = clip_metrics("abcd", truth, told)
    assert result.accuracy == pytest.approx(metrics.accuracy_score(truth, told))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of answers that never are the truth
        assert result.balanced_accuracy == pytest.approx(metrics.balanced_accuracy_score(truth, told))
    precision, recall, f1, support = metrics.precision_recall_fscore_support(
        truth, told, labels=list("abcd"), zero_division=np.nan
    )
    for i, score in enumerate(result.per_class):
        assert score.support == support[i]
        for ours, theirs in ((score.precision, precision[i]), (score.recall, recall[i])):
            assert (ours is None and np.isnan(theirs)) or ours == pytest.approx(theirs)
        if score.f1 is not None:
            assert score.f1 == pytest.approx(f1[i])
    assert (result.confusion == metrics.confusion_matrix(truth, told, labels=list("abcd"))).all()


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from(["a", "b", "c", None])), min_size=1, max_size=40
    )
)
def test_every_interval_holds_its_figure_and_stays_between_0_and_1(pairs):
    result = clip_metrics("abc", [t for t, _ in pairs], [p for _, p in pairs])
    low, high = result.accuracy_interval
    assert 0 <= low <= result.accuracy <= high <= 1
    for score in result.per_class:
        for value, interval in (
            (score.recall, score.recall_interval),
            (score.precision, score.precision_interval),
        ):
            assert (value is None) == (interval is None)
            if value is not None and interval is not None:
                assert 0 <= interval[0] <= value + 1e-12 and value - 1e-12 <= interval[1] <= 1


@pytest.mark.parametrize(
    ("labels", "truth", "told", "named"),
    [
        (("a",), [], [], "at least one"),
        (("a",), ["a"], ["a", "a"], "2 answers"),
        (("a",), ["b"], ["a"], "'b'"),
        (("a",), ["a"], ["b"], "'b'"),
        (("a", "a"), ["a"], ["a"], "twice"),
    ],
)
def test_wrong_use_is_named(labels, truth, told, named):
    with pytest.raises(ValueError, match=named):
        clip_metrics(labels, truth, told)


def test_a_recognizer_is_measured_on_clips_and_its_probabilities_with_it():
    clips = [clip(label, label, n) for label in LABELS for n in range(5)] + [clip("up", "down", 9)]
    seen = []
    result = evaluate_clips(FakeRecognizer(sure=0.7), clips, on_clip=lambda: seen.append(1))
    assert (result.right, result.clips, len(seen)) == (20, 21, 21)
    assert result.calibration is not None
    assert result.calibration.expected_error == pytest.approx(20 / 21 - 0.7, abs=1e-6)


def test_a_clip_without_a_hand_is_an_error_also_for_background():
    result = evaluate_clips(
        FakeRecognizer(), [clip("up", None), clip("background", None), clip("up", "up", 1)]
    )
    assert (result.right, result.clips) == (1, 3)
    assert dict(zip(result.labels, result.unanswered.tolist(), strict=True))["background"] == 1


def test_a_hand_shrunk_to_a_point_is_no_usable_hand():
    whole = clip("up", "up")
    whole.sequence.landmarks[:, 1] = 300.0
    assert evaluate_clips(FakeRecognizer(), [whole]).right == 0


def test_probabilities_that_are_no_numbers_are_an_error_and_no_crash():
    class Broken(FakeRecognizer):
        def classify(self, clip):
            return np.full(len(self.labels), np.nan, np.float32)

    assert evaluate_clips(Broken(), [clip("up", "up")]).right == 0


def test_gestures_that_the_model_does_not_know_are_named():
    with pytest.raises(DatasetError, match=r"not taught 'wave' \(it knows 'background', .*--only"):
        evaluate_clips(FakeRecognizer(), [clip("up", "up"), clip("wave", "up")])


def test_no_clips_say_what_to_do():
    with pytest.raises(DatasetError, match="record or import"):
        evaluate_clips(FakeRecognizer(), [])
