"""Pictures and reports: what they say, that they stand alone, and what happens without matplotlib."""

import re
import sys
from html.parser import HTMLParser

import cv2
import numpy as np
import pytest

from evaluate.recognizers import FakeRecognizer, clip, event, stream, teach_by_memory
from handflow.errors import MissingExtraError
from handflow.evaluate import Provenance, StreamEvents, clip_metrics, few_shot, score_events, score_streams
from handflow.evaluate import leave_one_subject_out as without_each
from handflow.evaluate.calibration import expected_calibration_error
from handflow.evaluate.plots import calibration_picture, confusion_picture, loss_picture
from handflow.evaluate.protocol_report import write_protocol_report
from handflow.evaluate.provenance import overlap_notes, trained_provenance, whose_takes
from handflow.evaluate.report import advice, verdict_in_words, write_report
from handflow.evaluate.stream_report import stream_advice, streams_in_words, write_stream_report
from handflow.evaluate.timeline import rows_to_show, stream_timeline, timeline_picture
from handflow.recognize.spotting import Spotting
from handflow.types import Segment

HISTORY = [
    {"epoch": i, "train_loss": 1 / i, "val_loss": 1.1 / i, "train_accuracy": 1 - 0.5 / i, "val_accuracy": 0.5}
    for i in range(1, 20)
]
ANN = Provenance(30, frozenset({"ann"}), frozenset({"s1 of ann"}), frozenset({"k1"}))
BEN = Provenance(40, frozenset({"ben"}), frozenset({"s1 of ben"}), frozenset({"k2"}))


def result(right: int = 39):
    return clip_metrics(
        ("a", "b"), ["a"] * 20 + ["b"] * 20, ["a"] * 20 + ["b"] * (right - 20) + ["a"] * (40 - right)
    )


def drawn(path) -> np.ndarray:
    """The picture, which must hold more than paper."""
    image = cv2.imread(str(path))
    assert image is not None
    assert image.std() > 5
    return image


class _Page(HTMLParser):
    """Text of a page, and everything it would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.text, self.fetched, self._hidden = "", [], 0

    def handle_starttag(self, tag, attrs):
        self._hidden += tag == "style"
        self.fetched += [v for k, v in attrs if k in ("src", "href", "srcset") and not v.startswith("data:")]

    def handle_endtag(self, tag):
        self._hidden -= tag == "style"

    def handle_data(self, data):
        if not self._hidden:
            self.text += data


def read(path) -> _Page:
    page = _Page()
    source = path.read_text(encoding="utf-8")
    page.feed(source)
    assert "url(" not in source and "<script" not in source
    return page


def test_the_loss_picture_marks_the_kept_epoch(tmp_path):
    plain = drawn(loss_picture(HISTORY, tmp_path / "sub" / "loss.png", best_epoch=19))
    other = drawn(loss_picture(HISTORY, tmp_path / "other.png", best_epoch=5))
    assert (plain != other).any()


@pytest.mark.parametrize(
    "rows", [HISTORY[:1], [{"train_loss": 1.0}], [{"epoch": 1, "val_loss": float("nan")}]]
)
def test_a_short_or_partial_history_is_drawn_too(rows, tmp_path):
    assert loss_picture(rows, tmp_path / "loss.png").is_file()


def test_the_confusion_picture_grows_with_the_labels_and_shows_clips_without_a_hand(tmp_path):
    small = drawn(confusion_picture([[3, 1], [0, 4]], ["a", "b"], tmp_path / "2.png"))
    with_none = drawn(confusion_picture([[3, 1], [0, 4]], ["a", "b"], tmp_path / "n.png", unanswered=[0, 2]))
    large = drawn(
        confusion_picture(np.eye(20, dtype=int) * 9, [f"gesture {i}" for i in range(20)], tmp_path / "l.png")
    )
    assert small.shape[1] < with_none.shape[1] < large.shape[1]


def test_pictures_that_cannot_be_drawn_are_refused_and_leave_no_file(tmp_path):
    with pytest.raises(ValueError, match="empty"):
        loss_picture([], tmp_path / "x.png")
    with pytest.raises(ValueError, match=r"expected \(3, 3\)"):
        confusion_picture([[1, 0], [0, 1]], ["a", "b", "c"], tmp_path / "x.png")
    with pytest.raises(ValueError, match="span"):
        timeline_picture(score_events([], []), (3.0, 3.0), tmp_path / "x.png")
    assert list(tmp_path.iterdir()) == []


def test_without_matplotlib_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r"handflow\[train\]"):
        loss_picture(HISTORY, tmp_path / "loss.png")


def test_a_timeline_shows_truth_scores_events_and_errors(tmp_path):
    recognizer = FakeRecognizer()
    one = stream([("up", 1, 1.6), ("left", 3, 3.5)], 8.0)
    match = score_events(one.segments, [event("up", 1.5), event("down", 5.0)])
    whole = drawn(stream_timeline(match, Spotting(recognizer), one, tmp_path / "a.png"))
    bare = drawn(timeline_picture(match, (0, 8), tmp_path / "b.png", title="s"))
    assert whole.shape == bare.shape
    assert (whole != bare).any()  # the scores


def test_a_long_stream_is_drawn_where_something_went_wrong(tmp_path):
    segments = [Segment("up", t, t + 1) for t in range(10, 3600, 60)]
    events = [event("up", s.offset) for s in segments if s.onset != 1810]
    match = score_events(segments, [*events, event("down", 2500.0)])
    rows = rows_to_show(match, (0, 3600), row_seconds=20, most_rows=4)
    assert len(rows) == 4
    assert {1800, 2500} <= set(rows)
    drawn(timeline_picture(match, (0, 3600), tmp_path / "t.png", most_rows=4))


def test_the_report_says_in_words_how_good_the_model_is(tmp_path):
    loss_picture(HISTORY, tmp_path / "loss.png")
    confusion_picture(result().confusion, ("a", "b"), tmp_path / "confusion.png")
    path = write_report(
        tmp_path,
        result(),
        trained_on=ANN,
        tested_on=BEN,
        history=HISTORY,
        thresholds={"a": 0.6},
        dataset=tmp_path / "my gestures",
        tuned_on_it=True,
    )
    page = read(path)
    assert path.name == "report.html"
    for words in (
        "Of 40 takes by people it never saw, 39 were recognized.",
        "“b” was taken for “a” in 1 of 20 takes",
        "Taught with 30 takes by 1 person (ann).",
        "Tested on 40 takes by 1 person (ben).",
        "0.60",
        "they decided when training ended",
        "Trained for 19 epochs.",
        "handflow run --model",
        "my gestures'",  # quoted for the shell
    ):
        assert words in page.text
    assert page.fetched == []
    assert path.read_text(encoding="utf-8").count("data:image/png;base64,") == 2


def test_names_from_outside_cannot_break_the_page(tmp_path):
    wild = "<script>alert(1)</script>"
    path = write_report(tmp_path, clip_metrics((wild, "b"), [wild, "b"], ["b", "b"]), title=wild)
    assert "<script" not in path.read_text(encoding="utf-8")
    assert wild in read(path).text


def test_a_report_needs_no_pictures_and_nothing_known_about_the_data(tmp_path):
    page = read(write_report(tmp_path, result(40)))
    assert "Of 40 takes, 40 were recognized." in page.text
    assert "Nothing went wrong" in page.text


@pytest.mark.parametrize(
    ("trained", "tested", "words", "notes"),
    [
        (ANN, BEN, "people it never saw", []),
        (ANN, ANN, "some of which it was trained on", ["used to train", "session s1 of ann", "subject ann"]),
        (
            ANN,
            Provenance(5, frozenset({"ann"}), frozenset({"s2 of ann"})),
            "another occasion",
            ["subject ann"],
        ),
        (Provenance(9), Provenance(5), "nobody noted", []),
        (
            Provenance(9, sessions=frozenset({"s1"})),
            Provenance(5, sessions=frozenset({"s1"})),
            "sittings it was also",
            ["session s1"],
        ),
    ],
)
def test_what_the_model_knows_already_is_said_in_plain_words(trained, tested, words, notes):
    assert words in whose_takes(trained, tested)
    said = overlap_notes(trained, tested)
    assert len(said) == len(notes)
    for part, note in zip(notes, said, strict=True):
        assert part in note


def test_a_take_is_known_again_under_another_name_and_sessions_belong_to_their_person():
    one, other = clip("up", "up", 1, "ann", "s1"), clip("up", "up", 1, "ben", "s1")
    first, second = Provenance.of([one]), Provenance.of([other])
    assert first.keys == second.keys
    assert not first.sessions & second.sessions
    assert Provenance.of([clip("up", "up", 2)]).keys != first.keys


def test_provenance_survives_model_json(tmp_path):
    import json

    before = Provenance.of([clip("up", "up", 1, "ann", "s1")])
    (tmp_path / "model.json").write_text(json.dumps({"trained_on": before.document()}))
    assert trained_provenance(tmp_path) == before
    for other in ({}, {"trained_on": {}}, {"trained_on": {"clips": 3, "subjects": "ann"}}):
        (tmp_path / "model.json").write_text(json.dumps(other))
        assert trained_provenance(tmp_path) is None


def test_advice_tells_idle_hands_from_mixed_up_gestures_and_lost_hands():
    labels = ("background", "a", "b")
    truth = ["a"] * 6 + ["background"] * 6 + ["b"] * 2
    told = ["a", "a", "a", "b", "background", None] + ["background"] * 5 + ["a"] + ["b"] * 2
    text = "\n".join(advice(clip_metrics(labels, truth, told)))
    assert "“a” was taken for “b” in 1 of 6 takes" in text
    assert "“a” was overlooked" in text
    assert "Idle hands were taken for “a” in 1 of 6 takes" in text
    assert "No hand was seen in 1 take of “a”" in text
    assert "“b”: their numbers may be luck" in text
    assert verdict_in_words(clip_metrics("ab", ["a", "b"], ["a", "a"]), None, None) == (
        "Of 2 takes, 1 was recognized."
    )


def test_many_confusions_are_summed_up():
    labels = [str(i) for i in range(9)]
    told = [labels[(i + 1) % 9] for i in range(9)]
    lines = advice(clip_metrics(labels, labels, told))
    assert sum("was taken for" in line for line in lines) == 5
    assert any("4 further mistakes" in line for line in lines)


def test_the_stream_report_counts_gestures_and_false_activations(tmp_path):
    one = stream([("up", 1, 2), ("left", 4, 5)], 360.0)
    events = (event("up", 1.9), event("down", 4.5), event("down", 100.0))
    streams = score_streams([StreamEvents("s", one.segments, events, 360.0)])
    timeline_picture(streams.matches[0][1], (0, 360), tmp_path / "timeline.png")
    page = read(write_stream_report(tmp_path, streams, title="m on s", notes=["careful"]))
    for words in (
        "Of 2 gestures made, 1 were recognized.",
        "2 false activations in 6.0 minutes: 20.0 an hour",
        "1 while nothing was made, 1 with the wrong name",
        "careful",
        "It said “down” (1 time) while nothing was made.",
        "While “left” was made it said “down” (1 time).",
        "It missed “left” (1 time).",
    ):
        assert words in page.text
    idle = score_streams([StreamEvents("s", (), (), 7200.0)])
    assert "No gesture was made" in streams_in_words(idle)[0]
    assert stream_advice(idle) == []


def test_protocol_reports_say_how_many_takes_are_needed_and_whom_it_fails(tmp_path):
    some = [clip(g, g, n, subject=s) for g in ("up", "left") for n in range(4) for s in ("ann", "ben")]
    few = read(
        write_protocol_report(tmp_path, few_shot(some, teach_by_memory, shots=(1, 3), repeats=2), title="f")
    )
    assert re.search(r"Takes taught.*1.*100\.0%.*3.*100\.0%", few.text)
    left_out = read(write_protocol_report(tmp_path, without_each(some, teach_by_memory), title="s"))
    assert "100.0% on average over 2 people, 100.0% for the one it works worst for." in left_out.text


def test_the_calibration_picture_is_drawn(tmp_path):
    drawn(calibration_picture(expected_calibration_error([0.9, 0.6], [True, False]), tmp_path / "c.png"))
