"""What the timeline of a stream shows, and where."""

import math

import numpy as np
import pytest

from evaluate.recognizers import LABELS, FakeRecognizer, event, stream
from handflow.evaluate.events import score_events
from handflow.evaluate.timeline import rows_to_show, stream_timeline, timeline_picture
from handflow.evaluate.timeline_row import Row, ScoreLines
from handflow.recognize.spotting import Spotting
from handflow.types import BACKGROUND, GestureEvent, Scores, Segment

COLOURS = {"up": "#0072b2", "left": "#009e73", "down": "#cc79a7"}


def row(end: float = 10.0) -> Row:
    figure = pytest.importorskip("matplotlib.figure").Figure()
    return Row(figure.add_subplot(), 0.0, end, COLOURS)


def words(of: Row) -> list[str]:
    return [text.get_text() for text in of.axes.texts]


def scores(time: float, up: float, hand: str = "right", motion: float = math.nan) -> Scores:
    values = {BACKGROUND: 1 - up, "down": 0.0, "left": 0.0, "up": up}
    return Scores(np.array([values[label] for label in LABELS], np.float32), LABELS, time, 0, hand, 0, motion)


def told(gesture: str, onset: float, offset: float | None, time: float) -> GestureEvent:
    return GestureEvent(gesture, 0.9, "right", 0, onset, offset, time, 0)


@pytest.mark.parametrize(
    ("made", "said", "expected"),
    [
        ([("up", 1, 2)], [("up", 2.1)], "up"),
        ([("up", 1, 2)], [("up", 2.4)], "up 0.40 s late"),
        ([("up", 1, 2)], [("up", 1.9), ("up", 2.4)], "up (again)"),
        ([("up", 1, 2)], [("down", 1.5)], "down (wrong)"),
        ([("up", 1, 2)], [("up", 3.0)], "up (too late: 1.00 s)"),
        ([("up", 1, 2)], [("up", 6.0)], "up (for nothing)"),
    ],
)
def test_each_event_says_what_became_of_it(made, said, expected):
    one = row()
    one.draw_events(score_events([Segment(*m) for m in made], [told(g, t - 1, t, t) for g, t in said]))
    assert expected in words(one)


def test_events_are_bars_from_onset_to_offset_and_to_their_time_while_it_is_open():
    one = row()
    segments = [Segment("up", 1, 2), Segment("left", 5, 6)]
    one.draw_events(score_events(segments, [told("up", 1.1, 1.9, 2.1), told("left", 5.2, None, 5.7)]))
    bars = [path.get_extents() for bar in one.axes.collections for path in bar.get_paths()]
    assert [(bar.x0, bar.x1) for bar in bars] == [pytest.approx((1.1, 1.9)), pytest.approx((5.2, 5.7))]


def test_words_of_events_that_follow_each_other_closely_stand_above_each_other():
    one = row(30.0)
    segments = [Segment("up", 1, 2), Segment("left", 2.1, 2.4)]
    one.draw_events(score_events(segments, [told("up", 1, 2, 2.1), told("left", 2.1, 2.3, 2.35)]))
    first, second = (text.get_position()[1] for text in one.axes.texts)
    assert first != second


def test_missed_gestures_are_hatched_and_named():
    one = row()
    one.draw_truth(score_events([Segment("up", 1, 2), Segment("left", 5, 6)], [event("up", 1.9)]))
    assert words(one) == ["up", "left missed"]
    assert [bar.get_hatch() is not None for bar in one.axes.collections] == [False, True]


def test_scores_of_two_hands_become_a_line_each_and_a_lone_hand_one_whichever_it_is():
    lines = ScoreLines.of(
        [scores(0.0, 0.1), scores(0.1, 0.2, "left"), scores(0.2, 0.9, "left"), scores(0.2, 0.4, "right")], 0.0
    )
    assert set(lines.of_hands) == {"", "left", "right"}
    up = LABELS.index("up")
    np.testing.assert_allclose(lines.of_hands[""][:, up], [0.1, 0.2, np.nan])
    np.testing.assert_allclose(lines.of_hands["left"][:, up], [np.nan, np.nan, 0.9])


def test_scores_are_drawn_as_the_running_mean_that_thresholds_hold_for():
    lines = ScoreLines.of([scores(0.0, 0.0), scores(0.1, 1.0), scores(0.2, 1.0)], 0.1)
    share = 1 - math.exp(-1)
    expected = [0.0, share, 1 - (1 - share) ** 2]
    np.testing.assert_allclose(lines.of_hands[""][:, LABELS.index("up")], expected, atol=1e-6)


def test_motion_is_that_of_the_hand_that_moves_most_and_unknown_where_none_is_seen():
    several = [scores(0.0, 0.1, "left", 2.0), scores(0.0, 0.1, "right", 9.0), scores(0.1, 0.1)]
    lines = ScoreLines.of(several, 0.0)
    np.testing.assert_array_equal(lines.motion, [9.0, np.nan])
    assert lines.fastest >= 4


def test_of_a_long_stream_the_parts_with_most_errors_are_shown_in_the_order_of_time():
    segments = [Segment("up", t, t + 1) for t in range(10, 3600, 60)]
    match = score_events(segments, [event("down", t) for t in (2503.0, 2506.0, 125.0, 127.0)])
    rows = rows_to_show(match, (0, 3600), row_seconds=20, most_rows=2)
    assert rows == [120, 2500]


def test_a_stream_without_gestures_and_events_is_drawn_too(tmp_path):
    nothing, spotting = score_events([], []), Spotting(FakeRecognizer())
    assert stream_timeline(nothing, spotting, stream([], 60.0), tmp_path / "a.png").is_file()


@pytest.mark.parametrize(
    ("errors", "said"),
    [
        ((), "the first, as there are no errors"),
        ((125.0,), "1 with errors, then the first"),
        ((5.0, 125.0), "all 2 with errors"),
        ((5.0, 125.0, 300.0), "those with most errors, of 3 that have some"),
    ],
)
def test_the_title_says_which_parts_of_a_long_stream_are_shown(errors, said, tmp_path, monkeypatch):
    titles = []
    figure = pytest.importorskip("matplotlib.figure").Figure
    draw = figure.suptitle
    monkeypatch.setattr(figure, "suptitle", lambda self, t, **look: titles.append(t) or draw(self, t, **look))
    match = score_events([], [event("up", t) for t in errors])
    timeline_picture(match, (0, 3600), tmp_path / "t.png", most_rows=2)
    assert titles[0].endswith(f"2 of 180 parts of 20 s are shown: {said}")
