"""Idle minutes are cut into clips of `background` at any frame rate; what shows no hand is left out."""

import numpy as np
import pytest

from handflow.data.idle_recorder import IdleConfig, IdleRecorder
from handflow.data.take import Phase, RecorderState, Take
from handflow.hands.slots import SlottedHands
from handflow.types import Frame, Image

PICTURE = np.zeros((48, 64, 3), np.uint8)
NOBODY = SlottedHands(
    np.full((2, 21, 3), np.nan, np.float32), np.full(2, np.nan, np.float32), np.zeros(2, np.float32), (-1, -1)
)
POINTS = np.random.default_rng(0).uniform(10, 40, (2, 21, 3)).astype(np.float32)
HANDS = SlottedHands(POINTS, np.array([0, 1], np.float32), np.ones(2, np.float32), (0, 1))


def feed(
    recorder: IdleRecorder,
    times: np.ndarray,
    hands: SlottedHands = HANDS,
    picture: Image = PICTURE,
) -> list[RecorderState]:
    return [recorder.update(Frame(picture, float(t), n), hands) for n, t in enumerate(times)]


def takes(states: list[RecorderState]) -> list[Take]:
    return [s.take for s in states if s.take is not None]


def lengths(states: list[RecorderState]) -> list[float]:
    return [float(take.sequence.duration) for take in takes(states)]


@pytest.mark.parametrize("fps", [10, 15, 30, 60])
def test_the_time_asked_for_becomes_clips_of_ten_seconds_and_a_rest(fps: int) -> None:
    recorder = IdleRecorder(IdleConfig(25.0, countdown=2.0))
    states = feed(recorder, np.arange(0, 40, 1 / fps))
    assert lengths(states) == pytest.approx([10, 10, 5], abs=1.01 / fps)
    assert [t.sequence.timestamps[0] for t in takes(states)] == pytest.approx([2, 12, 22], abs=1.01 / fps)
    assert [s.phase for s in states][-1] is Phase.DONE and recorder.takes == 3
    assert states[0].count == 2 and states[-1].progress == 1
    assert states[-1].message == "0:25 of 0:25, 3 clips kept"


def test_no_frame_is_lost_between_clips_nor_stands_in_two() -> None:
    states = feed(IdleRecorder(IdleConfig(25.0, countdown=0.0)), np.arange(0, 30, 1 / 30))
    together = np.concatenate([t.sequence.timestamps for t in takes(states)])
    assert together == pytest.approx(np.arange(750) / 30)


def test_a_clip_without_any_hand_is_left_out_but_its_time_counts() -> None:
    recorder = IdleRecorder(IdleConfig(30.0, countdown=0.0))
    states = feed(recorder, np.arange(0, 10, 1 / 30))
    states += feed(recorder, np.arange(10, 20, 1 / 30), NOBODY)
    states += feed(recorder, np.arange(20, 32, 1 / 30))
    assert [t.sequence.timestamps[0] for t in takes(states)] == pytest.approx([0, 20])
    assert recorder.rejections == ["no hand in sight from 0:10 to 0:20"]
    assert [s.rejected for s in states if s.rejected] == recorder.rejections
    assert states[-1].message == "0:30 of 0:30, 2 clips kept, 1 without a hand left out"


def test_a_hand_seen_for_a_moment_keeps_its_clip() -> None:
    recorder = IdleRecorder(IdleConfig(10.0, countdown=0.0))
    feed(recorder, np.arange(0, 5, 1 / 30), NOBODY)
    feed(recorder, np.arange(5, 5.3, 1 / 30))
    states = feed(recorder, np.arange(5.5, 12, 1 / 30), NOBODY)
    assert len(takes(states)) == 1


def test_what_is_there_when_it_ends_early_is_kept_unless_it_is_too_short() -> None:
    for seconds, kept in ((13.5, [10, 3.5]), (11.0, [10])):
        recorder = IdleRecorder(IdleConfig(60.0, countdown=0.0))
        states = feed(recorder, np.arange(0, seconds, 1 / 30))
        states += [recorder.finish(), recorder.finish()]
        assert lengths(states) == pytest.approx(kept, abs=0.04)
        assert recorder.elapsed == pytest.approx(seconds, abs=0.04)


def test_a_stall_ends_the_clip_and_does_not_count() -> None:
    recorder = IdleRecorder(IdleConfig(8.0, countdown=0.0))
    states = feed(recorder, np.concatenate([np.arange(0, 4, 1 / 30), np.arange(9, 14, 1 / 30)]))
    assert lengths(states) == pytest.approx([4, 4], abs=0.1)


def test_a_clip_holds_pictures_of_one_size() -> None:
    recorder = IdleRecorder(IdleConfig(8.0, countdown=0.0))
    states = feed(recorder, np.arange(0, 4, 1 / 30))
    states += feed(recorder, np.arange(4, 9, 1 / 30), picture=np.zeros((24, 32, 3), np.uint8))
    assert [t.frame_size for t in takes(states)] == [(64, 48), (32, 24)]


def test_a_clock_that_begins_anew_begins_a_clip() -> None:
    recorder = IdleRecorder(IdleConfig(10.0, countdown=0.0))
    states = feed(recorder, np.arange(100, 104, 1 / 30)) + feed(recorder, np.arange(0, 8, 1 / 30))
    assert [t.sequence.timestamps[0] for t in takes(states)] == [100, 0]
    assert states[-1].phase is Phase.DONE


@pytest.mark.parametrize("keep", [True, False])
def test_pictures_are_kept_packed_or_not_at_all(keep: bool) -> None:
    recorder = IdleRecorder(IdleConfig(5.0, countdown=0.0, keep_frames=keep))
    (take,) = takes(feed(recorder, np.arange(0, 6, 1 / 10)))
    assert len(take.frames) == (len(take.sequence) if keep else 0)
    assert all(not isinstance(frame, Frame) for frame in take.frames)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"seconds": 1.0}, "--background 1s must be between 5s and 12h"),
        ({"seconds": 1e6}, "must be between"),
        ({"seconds": 60.0, "countdown": -1.0}, "--countdown -1"),
        ({"seconds": 60.0, "clip_seconds": 0.5}, "clip_seconds 0.5"),
    ],
)
def test_senseless_values_are_named(values: dict[str, float], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        IdleConfig(**values)  # type: ignore[arg-type]
