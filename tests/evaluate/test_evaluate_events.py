"""The stream scorer on cases written by hand: who matches whom, and what each figure then is."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluate.recognizers import event
from handflow.evaluate import StreamEvents, edit_distance, score_events, score_streams
from handflow.types import Segment


@dataclass(frozen=True)
class Case:
    """Gestures (label, onset, offset) and events (label, time) of a stream, and what they are worth."""

    name: str
    gestures: list[tuple[str, float, float]]
    events: list[tuple[str, float]]
    hits: int
    kinds: list[str] = field(default_factory=list)  # of the false activations, in the order of time
    edits: int = 0


CASES = [
    Case("one gesture, one event", [("up", 1, 2)], [("up", 1.9)], 1),
    Case("event on the onset counts", [("up", 1, 2)], [("up", 1.0)], 1),
    Case("event before the onset does not", [("up", 1, 2)], [("up", 0.99)], 0, ["idle"]),
    Case("event half a second after the offset counts", [("up", 1, 2)], [("up", 2.5)], 1),
    Case("rounding does not spoil half a second", [("up", 1, 1.1)], [("up", 1.1 + 0.5)], 1),
    Case("later than that does not", [("up", 1, 2)], [("up", 2.51)], 0, ["idle"]),
    Case("a missed gesture", [("up", 1, 2)], [], 0, [], 1),
    Case("nothing made, nothing said", [], [], 0),
    Case("an event for nothing", [], [("up", 5)], 0, ["idle"], 1),
    Case("fired twice: the second is false", [("up", 1, 2)], [("up", 1.5), ("up", 2.2)], 1, ["repeated"], 1),
    Case("wrong gesture", [("up", 1, 2)], [("down", 1.8)], 0, ["confused"], 1),
    Case(
        "wrong gesture first, then the right one",
        [("up", 1, 2)],
        [("down", 1.2), ("up", 1.8)],
        1,
        ["confused"],
        1,
    ),
    Case("return stroke after the window", [("left", 1, 2)], [("left", 1.9), ("right", 2.7)], 1, ["idle"], 1),
    Case(
        "return stroke inside the window",
        [("left", 1, 2)],
        [("left", 1.9), ("right", 2.3)],
        1,
        ["confused"],
        1,
    ),
    Case("two of a kind in a row, both found", [("up", 1, 2), ("up", 2.2, 3)], [("up", 1.9), ("up", 2.9)], 2),
    Case("two of a kind, both told late", [("up", 1, 2), ("up", 2.2, 3)], [("up", 2.3), ("up", 3.2)], 2),
    Case(
        "two of a kind, one event in both windows takes the earlier",
        [("up", 1, 2), ("up", 2.2, 3)],
        [("up", 2.3)],
        1,
        [],
        1,
    ),
    Case(
        "the gesture that runs out first is served first, whatever the order of onsets",
        [("up", 1.0, 5.0), ("up", 2.0, 2.4)],
        [("up", 2.5), ("up", 4.5)],
        2,
    ),
    Case("events given in any order", [("up", 1, 2), ("up", 4, 5)], [("up", 4.5), ("up", 1.5)], 2),
    Case(
        "order of labels matters for Levenshtein alone",
        [("up", 1.0, 3.0), ("down", 1.2, 2.8)],
        [("down", 2.5), ("up", 2.6)],
        2,
        [],
        2,
    ),
    Case("background is no gesture", [("background", 1, 5), ("up", 6, 7)], [("up", 6.8)], 1),
]


def scored(case: Case):
    segments = [Segment(*gesture) for gesture in case.gestures]
    return score_events(segments, [event(*e) for e in case.events])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_events_match_gestures_as_written(case):
    match = scored(case)
    assert len(match.hits) == case.hits
    assert [false.kind for false in match.false] == case.kinds
    made = sum(label != "background" for label, *_ in case.gestures)
    assert len(match.hits) + len(match.missed) == made
    assert match.edits == case.edits  # times play no part: the right label at a wrong time is no edit


def test_figures_of_a_stream_counted_by_hand():
    # 4 gestures in 30 minutes: three found, one of them fired twice, one missed, one event for nothing
    segments = (
        Segment("up", 10, 11),
        Segment("down", 20, 21),
        Segment("up", 30, 31),
        Segment("left", 40, 41),
    )
    events = (
        event("up", 10.9),
        event("down", 21.2),
        event("up", 30.8),
        event("up", 31.1),
        event("left", 100),
    )
    result = score_streams([StreamEvents("s", segments, events, 1800.0)])
    assert (result.gestures, result.events, result.hits, result.false_activations) == (4, 5, 3, 2)
    assert result.precision == pytest.approx(3 / 5)
    assert result.recall == pytest.approx(3 / 4)
    assert result.f1 == pytest.approx(2 * 3 / (2 * 3 + 2 + 1))
    # true: up down up left; told: up down up up left: one insertion
    assert result.levenshtein_accuracy == pytest.approx(1 - 1 / 4)
    assert result.hours == 0.5
    assert result.false_activations_per_hour == pytest.approx(4.0)
    assert result.false_by_kind() == {"repeated": 1, "confused": 0, "idle": 1}
    assert result.onset_event is not None and result.offset_event is not None
    assert result.onset_event.p50 == pytest.approx(np.median([0.9, 1.2, 0.8]))
    assert result.offset_event.p95 == pytest.approx(np.percentile([-0.1, 0.2, -0.2], 95))
    by_name = {score.label: score for score in result.per_gesture}
    assert (by_name["up"].support, by_name["up"].hits, by_name["up"].false) == (2, 2, 1)
    assert (by_name["left"].recall, by_name["left"].precision) == (0.0, 0.0)
    assert by_name["down"].f1 == 1.0


def test_streams_are_pooled_and_times_of_one_never_match_those_of_another():
    first = StreamEvents("a", (Segment("up", 1, 2),), (), 3600.0)
    second = StreamEvents("b", (), (event("up", 1.5),), 3600.0)
    result = score_streams([first, second])
    assert (result.hits, result.false_activations, result.hours) == (0, 1, 2.0)
    assert result.false_activations_per_hour == 0.5


def test_levenshtein_accuracy_falls_below_zero_where_errors_outnumber_gestures():
    events = tuple(event("down", t) for t in (10, 20, 30))
    result = score_streams([StreamEvents("s", (Segment("up", 1, 2),), events, 60)])
    assert result.levenshtein_accuracy == pytest.approx(1 - 3)


def test_an_idle_stream_has_false_activations_and_nothing_else():
    result = score_streams([StreamEvents("idle", (), (), 7200.0)])
    document = result.document()
    assert document["precision"] is document["recall"] is document["f1"] is None
    assert document["levenshtein_accuracy"] is None
    assert document["false_activations_per_hour"] == 0.0
    # none in two hours: the rate may still be up to 3.69 / 2, Poisson's 95 % limit
    assert result.false_activations_interval == pytest.approx((0.0, 1.844), abs=1e-3)


def test_the_document_has_the_form_of_the_command():
    result = score_streams([StreamEvents("s", (Segment("up", 1, 2),), (event("up", 1.9),), 60.0)])
    document = result.document()
    assert set(document) == {
        "precision", "recall", "f1", "levenshtein_accuracy", "false_activations_per_hour", "hours", "latency",
        "per_gesture",
    }  # fmt: skip
    assert set(document["latency"]) == {"onset_event", "offset_event"}
    assert document["latency"]["onset_event"] == {"p50": pytest.approx(0.9), "p95": pytest.approx(0.9)}


def test_no_streams_and_negative_times_are_refused():
    with pytest.raises(ValueError, match="no streams"):
        score_streams([])
    with pytest.raises(ValueError, match="-1"):
        StreamEvents("s", (), (), -1.0)


@pytest.mark.parametrize(
    ("truth", "told", "edits"),
    [
        ("", "", 0),
        ("abc", "", 3),
        ("", "ab", 2),
        ("kitten", "sitting", 3),  # Levenshtein's classic
        ("abcd", "acbd", 2),  # a swap is two edits
        ("aaaa", "aa", 2),
        ("abab", "baba", 2),
    ],
)
def test_edit_distances_known_by_heart(truth, told, edits):
    assert edit_distance(list(truth), list(told)) == edits


@settings(deadline=None)
@given(st.text("abc", max_size=12), st.text("abc", max_size=12))
def test_edit_distance_equals_the_plain_recursion(truth, told):
    table = [[max(i, j) for j in range(len(told) + 1)] for i in range(len(truth) + 1)]
    for i, a in enumerate(truth, 1):
        for j, b in enumerate(told, 1):
            table[i][j] = min(table[i - 1][j] + 1, table[i][j - 1] + 1, table[i - 1][j - 1] + (a != b))
    assert edit_distance(list(truth), list(told)) == table[-1][-1]


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 20), st.integers(1, 6)), max_size=6),
    st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 26)), max_size=6),
)
def test_no_other_one_to_one_matching_has_more_hits(gestures, events):
    segments = [Segment(label, onset / 2, (onset + length) / 2) for label, onset, length in gestures]
    told = [event(label, time / 2) for label, time in events]
    match = score_events(segments, told)
    assert len(match.hits) == _most_hits(segments, told)
    assert len(match.hits) + len(match.missed) == len(segments)
    assert len(match.hits) + len(match.false) == len(told)


def _most_hits(segments, events) -> int:
    """Maximum bipartite matching by augmenting paths."""
    owner: dict[int, int] = {}

    def place(e: int, tried: set[int]) -> bool:
        for s, segment in enumerate(segments):
            fits = (
                segment.label == events[e].gesture and segment.onset <= events[e].time <= segment.offset + 0.5
            )
            if fits and s not in tried:
                tried.add(s)
                if s not in owner or place(owner[s], tried):
                    owner[s] = e
                    return True
        return False

    return sum(place(e, set()) for e in range(len(events)))
