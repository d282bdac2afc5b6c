"""Streams tell the truth about gestures among idle motion, and what lies between looks like a person."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handflow.synth.clips import make_clip
from handflow.synth.person import random_person
from handflow.synth.streams import SyntheticStream, make_stream
from handflow.types import BACKGROUND, Float64

DIRECTIONS = {"hand_up": (0, -1), "hand_down": (0, 1), "hand_left": (1, 0), "hand_right": (-1, 0)}
PALM = [0, 5, 9, 13, 17]


def palm(made: SyntheticStream, slot: int) -> Float64:
    """Path (n, 3) of the palm in metres, camera coordinates: defined outside the picture too."""
    return np.asarray(made.scene.joints[:, 0, slot][:, PALM].mean(1), float)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**31 - 1),
    count=st.integers(0, 12),
    fps=st.one_of(st.none(), st.floats(10, 60)),
)
def test_segments_are_in_order_apart_and_inside(seed: int, count: int, fps: float | None) -> None:
    person = random_person(seed % 100)
    made = make_stream([*DIRECTIONS, "wave", "pinch"], person, seed, gestures_count=count, fps=fps)
    segments = made.stream.segments
    assert len(segments) == count
    assert all(s.onset < s.offset and s.hand == person.hand for s in segments)
    assert all(a.offset < b.onset for a, b in itertools.pairwise(segments))
    if segments:
        assert segments[0].onset > 1.0
        assert segments[-1].offset < made.stream.sequence.timestamps[-1] - 0.5


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), seconds=st.floats(0.5, 40))
def test_a_stream_lasts_as_long_as_asked_and_cuts_no_gesture(seed: int, seconds: float) -> None:
    made = make_stream(list(DIRECTIONS), random_person(seed % 50), seed, seconds=seconds)
    assert made.stream.sequence.duration == pytest.approx(seconds, abs=0.15)
    assert all(0 < s.onset < s.offset < seconds for s in made.stream.segments)
    if seconds > 30:
        assert made.stream.segments


def test_every_gesture_occurs_about_equally_often() -> None:
    made = make_stream(list(DIRECTIONS), random_person(1), 1, gestures_count=22)
    counts = [sum(s.label == g for s in made.stream.segments) for g in DIRECTIONS]
    assert sum(counts) == 22
    assert max(counts) - min(counts) <= 1


def test_strokes_in_a_stream_go_where_their_labels_say() -> None:
    for seed in range(6):
        person = random_person(seed)
        made = make_stream(list(DIRECTIONS), person, seed, gestures_count=8, fps=60)
        times, path = made.stream.sequence.timestamps, palm(made, person.slot)
        for s in made.stream.segments:
            start, end = (
                np.array([np.interp(t, times, path[:, k]) for k in (0, 1)]) for t in (s.onset, s.offset)
            )
            x, y = DIRECTIONS[s.label]
            assert (end - start) @ [x, y] > 0.08
            assert (end - start) @ [x, y] > 1.5 * abs((end - start) @ [y, x])


def test_the_hand_comes_back_slower_than_it_struck() -> None:
    slower = []
    for seed in range(10):
        person = random_person(seed)
        made = make_stream(list(DIRECTIONS), person, seed, gestures_count=8, fps=60)
        times, path = made.stream.sequence.timestamps, palm(made, person.slot)
        speed = np.linalg.norm(np.gradient(path, times, axis=0), axis=1)
        ends = [s.onset for s in made.stream.segments[1:]] + [times[-1]]
        for s, following in zip(made.stream.segments, ends, strict=True):
            stroke = speed[(times >= s.onset) & (times <= s.offset)].max()
            back = speed[(times > s.offset + 0.05) & (times < min(s.offset + 1.5, following - 0.05))]
            slower.append(back.max(initial=0) < stroke)
    assert np.mean(slower) > 0.85


def test_nothing_jumps_anywhere_in_a_stream() -> None:
    for seed in range(5):
        person = random_person(seed)
        made = make_stream([*DIRECTIONS, "wave", "turn", "push"], person, seed, gestures_count=7, fps=120)
        times, path = made.stream.sequence.timestamps, palm(made, person.slot)
        speed = np.linalg.norm(np.diff(path, axis=0), axis=1) / np.diff(times)
        assert speed.max() < 3.5  # m/s


def test_hands_leave_the_picture_now_and_then_but_not_during_a_gesture() -> None:
    away, during = 0.0, []
    for seed in range(10):
        person = random_person(seed)
        made = make_stream(list(DIRECTIONS), person, seed, gestures_count=8)
        seen, times = made.stream.sequence.seen[:, person.slot], made.stream.sequence.timestamps
        away += float((~seen).mean()) / 10
        during += [seen[(times >= s.onset) & (times <= s.offset)].mean() for s in made.stream.segments]
    assert 0.02 < away < 0.5
    assert np.mean(during) > 0.98


def test_the_same_seed_gives_the_same_stream_and_another_seed_another() -> None:
    a, b, c = (make_stream(list(DIRECTIONS), random_person(2), s, gestures_count=3) for s in (4, 4, 5))
    np.testing.assert_array_equal(a.stream.sequence.landmarks, b.stream.sequence.landmarks)
    assert a.stream.segments == b.stream.segments
    assert a.stream.segments != c.stream.segments


@pytest.mark.parametrize("fps", [10, 23.976, 60])
def test_the_frame_rate_changes_neither_path_nor_truth(fps: float) -> None:
    person = random_person(6)
    usual, other = (make_stream(list(DIRECTIONS), person, 9, gestures_count=4, fps=f) for f in (240, fps))
    assert usual.stream.segments == other.stream.segments
    times = other.stream.sequence.timestamps
    for k in range(3):
        path = np.interp(times, usual.stream.sequence.timestamps, palm(usual, person.slot)[:, k])
        assert np.abs(path - palm(other, person.slot)[:, k])[:-1].max() < 0.002


def test_background_among_the_gestures_adds_no_segments() -> None:
    made = make_stream([BACKGROUND, "wave"], random_person(0), 0, gestures_count=3)
    assert [s.label for s in made.stream.segments] == ["wave"] * 3
    assert make_stream([BACKGROUND], random_person(0), 0, seconds=10).stream.segments == ()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"gestures_count": -1}, "0 or more"),
        ({"seconds": 0.0}, "more than 0"),
        ({"fps": 1e6}, "cannot be made"),
    ],
)
def test_impossible_streams_are_refused(changes: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_stream(["wave"], random_person(0), 0, **changes)  # type: ignore[arg-type]


def test_unknown_gestures_are_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"'jump'.*hand_up"):
        make_stream(["wave", "jump"], random_person(0), 0)


def test_background_clips_hold_what_lies_between_gestures() -> None:
    """Speeds in background clips spread as in the gaps of streams: neither is stiller or wilder."""

    def speeds(path: Float64, times: Float64) -> Float64:
        return np.asarray(np.linalg.norm(np.diff(path, axis=0), axis=1) / np.diff(times))

    gaps, clips = [], []
    for seed in range(24):
        person = random_person(seed)
        made = make_stream(list(DIRECTIONS), person, seed, gestures_count=4, fps=30)
        times = made.stream.sequence.timestamps
        between = np.ones(len(times) - 1, bool)
        for s in made.stream.segments:
            between &= (times[1:] < s.onset) | (times[:-1] > s.offset)
        gaps.append(speeds(palm(made, person.slot), times)[between])
        for k in range(6):
            clip = make_clip(BACKGROUND, person, 100 * seed + k, fps=30)
            path = np.asarray(clip.scene.joints[:, 0, person.slot][:, PALM].mean(1), float)
            clips.append(speeds(path, clip.clip.sequence.timestamps))
    a, b = (np.percentile(np.concatenate(x), [50, 75, 90, 97]) for x in (gaps, clips))
    assert (b / a > 0.5).all()
    assert (b / a < 2.0).all()
