"""The protocols: what is taught, what is tested, what is summed up."""

import itertools

import numpy as np
import pytest

from evaluate.recognizers import clip, teach_by_memory
from handflow.errors import DatasetError
from handflow.evaluate import few_shot, leave_one_subject_out
from handflow.evaluate.protocols import few_shot_result, few_shot_runs, single_maker

GESTURES = ("up", "down", "left")


def clips(per_gesture: int = 6, **more):
    return [clip(g, g, n, **more) for g in GESTURES for n in range(per_gesture)]


def test_each_clip_is_either_taught_or_tested_and_k_of_each_gesture_are_taught():
    everything = clips()
    taught = []

    def teach(chosen):
        taught.append(chosen)
        return teach_by_memory(chosen)

    runs = list(few_shot_runs(everything, teach, shots=(1, 3), repeats=4))
    assert [(run.shots, run.name) for run in runs] == [(k, str(r)) for r in (1, 2, 3, 4) for k in (1, 3)]
    for run, chosen in zip(runs, taught, strict=True):
        assert [sum(c.label == g for c in chosen) for g in GESTURES] == [run.shots] * 3
        assert len(run.truth) == len(everything) - 3 * run.shots
        assert run.accuracy == 1.0


def test_fewer_shots_are_part_of_more_and_repeats_draw_anew():
    drawn = {}

    def teach(chosen):
        drawn[len(drawn)] = {c.id for c in chosen}
        return teach_by_memory(chosen)

    list(few_shot_runs(clips(9), teach, shots=(5, 1), repeats=6))
    pairs = [(drawn[2 * r], drawn[2 * r + 1]) for r in range(6)]
    assert all(few < many for few, many in pairs)
    assert len({frozenset(few) for few, _ in pairs}) > 3


def test_the_seed_decides_and_more_repeats_leave_the_first_ones_alone():
    def draws(seed, repeats):
        seen = []

        def teach(chosen):
            seen.append(tuple(c.id for c in chosen))
            return teach_by_memory(chosen)

        list(few_shot_runs(clips(9), teach, shots=(2,), repeats=repeats, seed=seed))
        return seen

    assert draws(3, 2) == draws(3, 5)[:2]
    assert draws(3, 2) != draws(4, 2)


def test_mean_spread_and_worst_are_those_of_the_repeats():
    answers = itertools.cycle([1.0, 0.5, 0.75])
    everything = [clip(g, g, n) for g in ("up", "down") for n in range(5)]

    def teach(chosen):
        share, asked = next(answers), itertools.count()
        return lambda one: one.label if next(asked) < share * 8 else "left"

    result = few_shot(everything, teach, shots=(1,), repeats=3)
    score = result.shots[1]
    assert score.mean == pytest.approx(0.75)
    assert score.std == pytest.approx(np.std([1, 0.5, 0.75], ddof=1))
    assert (score.worst, score.repeats) == (0.5, 3)
    assert result.document() == {
        "protocol": "few-shot",
        "labels": ["down", "left", "up"],
        "shots": {"1": {"mean": score.mean, "std": score.std, "worst": 0.5}},
    }


def test_clips_without_a_hand_are_never_taught_and_always_errors():
    everything = [*clips(4), clip("up", None, 50), clip("left", None, 51)]
    result = few_shot(everything, teach_by_memory, shots=(1,), repeats=5)
    tested = 3 * 3 + 2
    assert result.shots[1].mean == pytest.approx((tested - 2) / tested)
    assert result.pooled[1].unanswered.sum() == 2 * 5


def test_an_interrupted_protocol_sums_up_what_is_done():
    runs = few_shot_runs(clips(), teach_by_memory, shots=(1, 3), repeats=10)
    result = few_shot_result(itertools.islice(runs, 3))
    assert {k: s.repeats for k, s in result.shots.items()} == {1: 2, 3: 1}
    assert result.shots[3].std == 0.0


@pytest.mark.parametrize(
    ("few", "shots", "named"),
    [
        ([clip("up", "up", n) for n in range(9)], (1,), "only 'up'"),
        ([], (1,), "none"),
        ([*clips(5), clip("wave", "up"), clip("wave", "up", 1)], (1, 3), "'wave' has 2 clips"),
        ([clip(g, None, n) for g in GESTURES for n in range(5)], (1,), "0 clips with a hand"),
    ],
)
def test_what_cannot_be_taught_is_named(few, shots, named):
    with pytest.raises(DatasetError, match=named):
        few_shot(few, teach_by_memory, shots=shots)


@pytest.mark.parametrize(("shots", "repeats"), [((0, 1), 1), ((), 1), ((1,), 0)])
def test_numbers_below_one_are_refused(shots, repeats):
    with pytest.raises(ValueError, match="at least 1"):
        few_shot(clips(), teach_by_memory, shots=shots, repeats=repeats)


def people(*names: str):
    return [clip(g, g, n, subject=name) for name in names for g in GESTURES for n in range(2)]


def test_nobody_is_taught_with_their_own_clips():
    taught = []

    def teach(chosen):
        taught.append({c.subject for c in chosen})
        return teach_by_memory(chosen)

    result = leave_one_subject_out(people("ann", "ben", "cid"), teach)
    assert taught == [{"ben", "cid"}, {"ann", "cid"}, {"ann", "ben"}]
    assert result.subjects == {"ann": 1.0, "ben": 1.0, "cid": 1.0}
    assert set(result.document()) == {"protocol", "mean", "worst", "subjects", "confusion", "labels"}


def test_the_mean_is_over_persons_and_the_worst_is_named():
    # ben makes "up" look like "down" in both of his takes
    everything = [c for c in people("ann", "cid", "ben") if not (c.subject == "ben" and c.label == "up")]
    everything += [clip("up", "down", n, subject="ben") for n in (7, 8)]
    result = leave_one_subject_out(everything, teach_by_memory)
    assert result.subjects["ben"] == pytest.approx(4 / 6)
    assert result.mean == pytest.approx((1 + 1 + 4 / 6) / 3)
    assert result.worst == pytest.approx(4 / 6)
    assert result.pooled.confused_pairs()[0] == ("up", "down", 2)


def test_a_gesture_of_one_person_alone_counts_as_errors_and_is_named():
    everything = [*people("ann", "ben"), clip("background", "background", 0, subject="ben")]
    assert single_maker(everything) == {"background": "ben"}
    assert leave_one_subject_out(everything, teach_by_memory).subjects["ben"] == pytest.approx(6 / 7)


@pytest.mark.parametrize(
    ("some", "named"),
    [
        ([], "no clips"),
        (people("ann"), "all clips are by 'ann'"),
        ([*people("ann", "ben"), clip("up", "up", 99)], "1 of 13 clips do not say.*up-099.*--subject"),
    ],
)
def test_clips_that_do_not_say_who_made_them_are_refused(some, named):
    with pytest.raises(DatasetError, match=named):
        leave_one_subject_out(some, teach_by_memory)
