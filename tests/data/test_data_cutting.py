"""Clips cut from continuous recordings: each gesture once, nothing of it in the background, nothing lost."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_samples import clip as moved
from data_samples import make_dataset, moving_hand
from handflow.data import Dataset, load_streams, load_takes, write_archive
from handflow.data.cutting import IDLE_SECONDS, LEAD, TAIL, clips_of
from handflow.errors import DatasetError
from handflow.types import BACKGROUND, Clip, HandSequence, Segment, Stream

FPS = 20.0
BEFORE, AFTER = 0.2, 0.6  # seconds that background stays away from a gesture
FRAME = 1 / FPS + 1e-6


def recording(
    gestures: Sequence[tuple[str, float, float]], seconds: float, *, start: float = 0.0, id: str = "day"
) -> Stream:
    """A hand that is always there, with annotated (label, onset, offset)."""
    hand = moving_hand(frames=round(seconds * FPS), fps=FPS)
    sequence = HandSequence(hand.landmarks, hand.timestamps + start, hand.handedness, hand.presence)
    return Stream(id, sequence, tuple(Segment(*g) for g in gestures), (640, 480), "ann")


def span(clip: Clip) -> tuple[float, float]:
    return float(clip.sequence.timestamps[0]), float(clip.sequence.timestamps[-1])


def parts(stream: Stream) -> tuple[list[Clip], list[Clip]]:
    """Clips of gestures and clips of background."""
    clips = clips_of(stream)
    return [c for c in clips if c.label != BACKGROUND], [c for c in clips if c.label == BACKGROUND]


def check(stream: Stream) -> None:
    """All that holds of the clips of any stream whose hand is always there."""
    shown, idle = parts(stream)
    meant = sorted((s for s in stream.segments if s.label != BACKGROUND), key=lambda s: s.onset)
    assert [(c.label, c.stroke) for c in shown] == [(s.label, (s.onset, s.offset)) for s in meant]
    for number, (clip, segment) in enumerate(zip(shown, meant, strict=True)):
        first, last = span(clip)
        assert segment.onset - LEAD - FRAME <= first <= segment.onset + FRAME
        assert segment.offset - FRAME <= last <= segment.offset + TAIL + FRAME
        if number and meant[number - 1].offset < segment.onset:
            assert first > meant[number - 1].offset  # nothing of the gesture before
        if number + 1 < len(meant) and meant[number + 1].onset > segment.offset:
            assert last < meant[number + 1].onset
    for clip in idle:
        assert clip.stroke is None
        first, last = span(clip)
        assert last - first <= 1.5 * IDLE_SECONDS + FRAME
        for s in meant:
            assert last <= s.onset - BEFORE + 1e-5 or first >= s.offset + AFTER - 1e-5, (span(clip), s)
    for one, other in pairwise(idle):
        assert span(one)[1] <= span(other)[0] + 1e-6
    kept = np.zeros(len(stream.sequence), bool)
    for clip in (*shown, *idle):
        places = np.searchsorted(stream.sequence.timestamps, clip.sequence.timestamps)
        np.testing.assert_array_equal(stream.sequence.timestamps[places], clip.sequence.timestamps)
        np.testing.assert_array_equal(stream.sequence.landmarks[places], clip.sequence.landmarks)
        kept[places] = True
    # Only what lies close to a gesture, or between two of them, may be left out.
    edges = [t for s in meant for t in (s.onset, s.offset)]
    assert kept.all() or edges or stream.sequence.duration < 1.0
    for time in stream.sequence.timestamps[~kept] if edges else ():
        assert min(abs(time - t) for t in edges) <= 1.0 + BEFORE + AFTER, time
    assert len({c.id for c in (*shown, *idle)}) == len(shown) + len(idle)
    assert {(c.subject, c.session, c.frame_size) for c in (*shown, *idle)} <= {("ann", "day", (640, 480))}


@st.composite
def recordings(draw: st.DrawFn) -> Stream:
    """Streams with gestures in a row, some close together, at any clock."""
    start = draw(st.sampled_from([0.0, 0.37, 1e5]))
    gestures, time = [], start + draw(st.floats(0, 15))
    for label in draw(st.lists(st.sampled_from(["a", "b", BACKGROUND]), max_size=5)):
        offset = time + draw(st.floats(0.2, 3))
        gestures.append((label, time, offset))
        time = offset + draw(st.floats(0.15, 12))
    return recording(gestures, time - start + draw(st.floats(0.1, 15)), start=start)


@settings(max_examples=60, deadline=None)
@given(recordings())
def test_every_gesture_and_every_idle_moment_goes_into_one_clip(stream: Stream) -> None:
    check(stream)


@pytest.mark.parametrize(
    "gestures",
    [
        [],
        [("a", 5.0, 6.0)],
        [("a", 0.0, 1.0)],
        [("a", 19.0, 19.9)],
        [("b", 8.0, 9.0), ("a", 3.0, 4.0)],
        [("a", 5.0, 6.0), ("b", 6.1, 7.0)],
        [("a", 5.0, 6.0), (BACKGROUND, 10.0, 12.0)],
        [("a", 2.0, 12.0), ("b", 4.0, 5.0)],
        [("a", 2.0, 6.0), ("b", 5.0, 8.0)],
    ],
    ids=[
        "none",
        "one",
        "at once",
        "last",
        "unordered",
        "close",
        "told idle",
        "one in another",
        "overlapping",
    ],
)
def test_recordings_are_cut_whole(gestures: list[tuple[str, float, float]]) -> None:
    check(recording(gestures, 20.0))


def test_a_gesture_keeps_what_comes_before_and_after_it() -> None:
    (clip,), idle = parts(recording([("a", 8.0, 9.0)], 20.0))
    assert span(clip) == pytest.approx((8.0 - LEAD, 9.0 + TAIL), abs=FRAME)
    assert [span(c) for c in idle] == [
        pytest.approx((0.0, 8.0 - BEFORE), abs=FRAME),
        pytest.approx((9.0 + AFTER, 20.0), abs=2 * FRAME),
    ]


def test_long_background_comes_in_pieces_of_ten_seconds() -> None:
    shown, idle = parts(recording([], 62.0))
    assert not shown
    assert len(idle) == 6
    assert all(c.sequence.duration == pytest.approx(62 / 6, abs=2 * FRAME) for c in idle)


def test_background_that_is_short_is_left_out() -> None:
    _, idle = parts(recording([("a", 3.0, 4.0), ("a", 5.5, 6.5)], 12.0))
    assert [span(c)[0] for c in idle] == [0.0, pytest.approx(6.5 + AFTER, abs=FRAME)]


def test_hands_that_nobody_saw_make_no_clip() -> None:
    stream = recording([("a", 5.0, 6.0)], 20.0)
    unseen = HandSequence(
        np.full_like(stream.sequence.landmarks, np.nan),
        stream.sequence.timestamps,
        stream.sequence.handedness,
        np.zeros_like(stream.sequence.presence),
    )
    assert clips_of(Stream("s", unseen, stream.segments, (640, 480))) == []
    one = recording([("a", 0.0, 0.01)], 1 / FPS)
    assert len(one.sequence) == 1
    assert clips_of(one) == []


def test_filled_gaps_stay_marked() -> None:
    whole = recording([("a", 5.0, 6.0)], 20.0)
    filled = np.zeros((len(whole.sequence), 2), bool)
    filled[105:108] = True
    s = whole.sequence
    marked = HandSequence(s.landmarks, s.timestamps, s.handedness, s.presence, filled)
    (clip,), idle = parts(Stream("day", marked, whole.segments, (640, 480), "ann"))
    assert clip.sequence.filled.any(axis=1).sum() == 3
    assert not any(c.sequence.filled.any() for c in idle)


# From wherever they lie


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """An archive of two streams and a clip."""
    path = tmp_path / "both.npz"
    take = moved("take", "left")
    write_archive(path, [recording([("a", 5.0, 6.0)], 20.0, id="one"), recording([], 12.0, id="two"), take])
    return path


def test_takes_of_an_archive_are_its_clips_and_those_of_its_streams(archive: Path) -> None:
    takes = load_takes(archive)
    assert [(c.id, c.label, c.stroke) for c in takes] == [
        ("take", "left", None),
        ("one-0", "a", (5.0, 6.0)),
        ("one-idle-0", BACKGROUND, None),
        ("one-idle-1", BACKGROUND, None),
        ("two-idle-0", BACKGROUND, None),
    ]
    assert {c.session for c in takes[1:4]} == {"one"}


def test_takes_of_clips_alone_and_of_a_dataset_are_the_clips(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "set", takes=2)
    ids = sorted(f"{g}-{k}" for g in ("left", "right") for k in range(2))
    assert sorted(c.id for c in load_takes(dataset.path)) == ids
    write_archive(tmp_path / "clips.npz", [dataset.load(e) for e in dataset.entries()])
    assert sorted(c.id for c in load_takes(tmp_path / "clips.npz")) == ids


def test_streams_of_an_archive_are_its_streams(archive: Path) -> None:
    streams = load_streams(archive)
    assert [(s.id, len(s.segments)) for s in streams] == [("one", 1), ("two", 0)]
    assert [s.id for s in load_streams(archive, idle_alone=True)] == ["one", "two"]


def test_each_clip_of_a_dataset_is_a_stream(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "set", takes=2)
    dataset.add(moved("nothing", BACKGROUND, subject="ben", frames=40))
    streams = {s.id: s for s in load_streams(dataset.path)}
    assert len(streams) == 5
    idle, left = streams["nothing"], streams["left-0"]
    assert idle.segments == () and idle.subject == "ben"
    times = left.sequence.timestamps
    assert left.segments == (Segment("left", float(times[0]), float(times[-1])),)
    assert [s.id for s in load_streams(dataset.path, idle_alone=True)] == ["nothing"]


def test_clips_in_an_archive_are_streams_too(tmp_path: Path) -> None:
    path = tmp_path / "clips.npz"
    write_archive(path, [moved("x", "left"), moved("n", BACKGROUND), moved("single", BACKGROUND, frames=1)])
    assert [s.id for s in load_streams(path)] == ["x", "n"]
    assert [s.id for s in load_streams(path, idle_alone=True)] == ["n"]


def test_no_background_is_one_clear_line_with_its_remedy(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "set", takes=1)
    with pytest.raises(DatasetError, match=r"holds no 'background' clips: .*handflow record .*--background"):
        load_streams(dataset.path, idle_alone=True)
    Dataset.create(tmp_path / "empty")
    for load in (load_takes, load_streams):
        with pytest.raises(DatasetError, match="holds no clips"):
            load(tmp_path / "empty")
        with pytest.raises(DatasetError, match="nowhere"):
            load(tmp_path / "nowhere.npz")
