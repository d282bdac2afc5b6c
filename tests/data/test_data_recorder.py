"""The recorder on fake hands whose motion is known, at every frame rate a camera has."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handflow.data.hand_motion import HandMotion, MotionConfig
from handflow.data.recorder import Recorder
from handflow.data.take import Phase, RecorderConfig, RecorderState, Take
from handflow.hands import SlottedHands
from handflow.types import LEFT, RIGHT, Frame

RATES = (10, 15, 30, 60)
PICTURE = np.zeros((48, 64, 3), np.uint8)
PALM = 80.0  # pixels
Path2 = Callable[[float], tuple[float, float] | None]  # time → position in palm lengths, None: no hand


def hand_at(x: float, y: float) -> np.ndarray:
    """A flat hand (21, 3) of palm length 80 px; x and y in palm lengths."""
    hand = np.zeros((21, 3), np.float32)
    for finger in range(5):
        for joint in range(4):
            hand[1 + 4 * finger + joint, :2] = (-0.4 + 0.2 * finger, -1.0 - 0.25 * joint)
    return hand * PALM + np.array([x * PALM + 300, y * PALM + 300, 0], np.float32)


def slotted(*hands: np.ndarray | None) -> SlottedHands:
    left, right = hands
    landmarks = np.full((2, 21, 3), np.nan, np.float32)
    for slot, hand in ((LEFT, left), (RIGHT, right)):
        if hand is not None:
            landmarks[slot] = hand
    there = np.isfinite(landmarks[:, 0, 0])
    return SlottedHands(
        landmarks,
        np.where(there, np.array([0.0, 1.0]), np.nan).astype(np.float32),
        there.astype(np.float32),
        (-1 if left is None else 0, -1 if right is None else 1),
    )


def play(
    path: Path2, seconds: float, fps: float, noise: float = 0.006
) -> Iterator[tuple[Frame, SlottedHands]]:
    """Frames of a right hand on its path, with a tracker's jitter (share of the palm) and a camera's."""
    rng = np.random.default_rng(1)
    for n in range(round(seconds * fps)):
        t = n / fps + rng.uniform(-0.1, 0.1) / fps + 100.0
        where = path(t - 100.0)
        hand = None
        if where is not None:
            hand = hand_at(*where)
            hand[:, :2] += rng.normal(0, 0.006 * PALM, (21, 2)).astype(np.float32)
        yield Frame(PICTURE, t, n), slotted(None, hand)


def run(
    recorder: Recorder, frames: Iterator[tuple[Frame, SlottedHands]], keys: dict[float, str] | None = None
) -> tuple[list[Take], list[RecorderState]]:
    """Plays frames; `keys` are pressed at their seconds from the start."""
    waiting = sorted((keys or {}).items())
    takes, states = [], []
    for frame, hands in frames:
        while waiting and frame.timestamp - 100.0 >= waiting[0][0]:
            getattr(recorder, waiting.pop(0)[1])()
        states.append(recorder.update(frame, hands))
        if states[-1].take is not None:
            takes.append(states[-1].take)
    return takes, states


def phases(states: list[RecorderState]) -> list[str]:
    """The phases passed through, repeats left out."""
    names = [s.phase.value for s in states]
    return [n for i, n in enumerate(names) if i == 0 or names[i - 1] != n]


def still(_: float) -> tuple[float, float]:
    return 0.0, 0.0


def minimum_jerk(share: float) -> float:
    """How people move from 0 to 1 (Flash and Hogan, 1985)."""
    s = float(np.clip(share, 0, 1))
    return 10 * s**3 - 15 * s**4 + 6 * s**5


def swipes(onsets: list[float], length: float = 3.0, stroke: float = 0.5, back_after: float = 1.0) -> Path2:
    """A hand that swipes at each onset and returns `back_after` seconds after the stroke."""

    def path(t: float) -> tuple[float, float]:
        x = sum(
            minimum_jerk((t - o) / stroke) - minimum_jerk((t - o - stroke - back_after) / 0.6) for o in onsets
        )
        return length * x, 0.0

    return path


@pytest.mark.parametrize("fps", RATES)
def test_a_key_starts_a_countdown_and_then_a_take_of_the_set_length(fps: int) -> None:
    recorder = Recorder(RecorderConfig(seconds=1.5, countdown=3.0, takes=2))
    takes, states = run(recorder, play(still, 15, fps), {1.0: "trigger", 8.0: "trigger"})
    assert [t.sequence.duration for t in takes] == pytest.approx([1.5, 1.5], abs=1.3 / fps)
    assert [t.sequence.timestamps[0] - 100 for t in takes] == pytest.approx([4.0, 11.0], abs=1.3 / fps)
    assert phases(states)[:5] == ["waiting", "countdown", "recording", "saved", "waiting"]
    assert states[-1].phase is Phase.DONE
    counts = [s.count for s in states if s.phase is Phase.COUNTDOWN]
    assert sorted(set(counts)) == [1, 2, 3] and counts[: len(counts) // 2] == sorted(
        counts[: len(counts) // 2], reverse=True
    )


@pytest.mark.parametrize("fps", RATES)
def test_the_clock_alone_records_several_takes_in_a_row(fps: int) -> None:
    recorder = Recorder(RecorderConfig(start="auto", seconds=1.0, countdown=1.0, pause=0.5, takes=4))
    takes, states = run(recorder, play(still, 12, fps))
    starts = np.array([t.sequence.timestamps[0] - 100 for t in takes])
    assert len(takes) == 4 and states[-1].phase is Phase.DONE
    assert np.diff(starts) == pytest.approx([2.5] * 3, abs=3.5 / fps)


@pytest.mark.parametrize("fps", RATES)
def test_a_take_of_frames_holds_exactly_so_many(fps: int) -> None:
    recorder = Recorder(RecorderConfig(start="auto", stop="frames", frames=20, countdown=0.0, takes=2))
    takes, _ = run(recorder, play(still, 9, fps))
    assert [len(t.sequence) for t in takes] == [20, 20]
    assert [len(t.frames) for t in takes] == [20, 20]


@pytest.mark.parametrize("fps", RATES)
@pytest.mark.parametrize(
    ("length", "stroke", "count"),
    [(3.0, 0.5, 10), (-3.0, 0.4, 2), (0.9, 0.6, 3), (5.0, 1.2, 2)],
    ids=["swipe", "fast", "small", "slow"],
)
def test_hands_free_gives_one_take_for_each_motion_whole_and_without_the_way_back(
    fps: int, length: float, stroke: float, count: int
) -> None:
    onsets = [2.0 + 5.0 * n for n in range(count)]
    path = swipes(onsets, length, stroke)
    recorder = Recorder(RecorderConfig(start="motion", stop="rest", takes=count))
    takes, states = run(recorder, play(path, 3 + 5 * count, fps))
    assert len(takes) == count and states[-1].phase is Phase.DONE and not recorder.rejections
    for onset, take in zip(onsets, takes, strict=True):
        begin, end = take.sequence.timestamps[[0, -1]] - 100
        assert onset - 0.6 < begin < onset + 0.02  # nothing of the onset is lost
        assert onset + stroke * 0.8 < end < onset + stroke + 0.45


@pytest.mark.parametrize("fps", RATES)
def test_hands_free_takes_of_set_length_begin_before_the_motion(fps: int) -> None:
    onsets = [2.0, 8.0, 14.0]
    recorder = Recorder(RecorderConfig(start="motion", stop="seconds", seconds=1.5, takes=3))
    takes, _ = run(recorder, play(swipes(onsets), 20, fps))
    begins = [t.sequence.timestamps[0] - 100 for t in takes]
    assert len(takes) == 3
    assert all(0 < onset - begin < 0.4 for onset, begin in zip(onsets, begins, strict=True))
    assert [t.sequence.duration for t in takes] == pytest.approx([1.5] * 3, abs=1.2 / fps)


@pytest.mark.parametrize("fps", RATES)
def test_a_wave_is_one_take_though_the_hand_stops_at_every_turn(fps: int) -> None:
    def wave(t: float) -> tuple[float, float]:
        return (0.8 * np.sin(2 * np.pi * 1.2 * (t - 2)) if 2 <= t < 2 + 3 / 1.2 else 0.0), 0.0

    takes, _ = run(Recorder(RecorderConfig(start="motion", stop="rest")), play(wave, 7, fps))
    assert [t.sequence.duration for t in takes] == pytest.approx([2.9], abs=0.35)


@pytest.mark.parametrize("fps", RATES)
def test_a_hand_that_only_comes_in_rests_and_leaves_makes_no_take(fps: int) -> None:
    def visit(t: float) -> tuple[float, float] | None:
        return None if t < 1 or t > 4 else (-3 + 3 * minimum_jerk((t - 1) / 0.6), 0.0)

    takes, states = run(Recorder(RecorderConfig(start="motion", stop="rest")), play(visit, 4.0, fps))
    assert not takes
    assert phases(states) == ["waiting", "ready"]


def test_a_hand_that_leaves_the_picture_ends_its_take() -> None:
    def leave(t: float) -> tuple[float, float] | None:
        return None if t > 2.6 else (4 * minimum_jerk((t - 2) / 1.0), 0.0)

    takes, _ = run(Recorder(RecorderConfig(start="motion", stop="rest", takes=1)), play(leave, 5, 30))
    assert len(takes) == 1
    assert takes[0].sequence.timestamps[-1] - 100 == pytest.approx(2.8, abs=0.1)


def test_a_hand_lost_to_blur_in_the_stroke_does_not_cut_the_take() -> None:
    def blurred(t: float) -> tuple[float, float] | None:
        return None if 2.15 < t < 2.4 else swipes([2.0])(t)

    takes, _ = run(Recorder(RecorderConfig(start="motion", stop="rest", takes=1)), play(blurred, 5, 30))
    begin, end = takes[0].sequence.timestamps[[0, -1]] - 100
    assert begin < 2.0 and end > 2.45


def test_a_single_leap_of_the_tracker_starts_nothing() -> None:
    def leap(t: float) -> tuple[float, float]:
        return (2.0, 0.0) if 2.0 < t < 2.02 else (0.0, 0.0)

    takes, states = run(Recorder(RecorderConfig(start="motion", stop="rest")), play(leap, 4, 60))
    assert not takes and phases(states) == ["waiting", "ready"]


def test_a_hand_that_never_rests_is_told_so() -> None:
    def restless(t: float) -> tuple[float, float]:
        return (np.sin(8 * (t - 2)) if t > 2 else 0.0), 0.0

    recorder = Recorder(RecorderConfig(start="motion", stop="rest", longest=4.0))
    takes, _ = run(recorder, play(restless, 9, 30))
    assert not takes
    assert recorder.rejections == ["the hand did not rest within 4 s: rest it, or set --seconds"]


@pytest.mark.parametrize("seen", [0.0, 0.4, 0.6, 1.0])
def test_a_take_is_rejected_where_most_frames_show_no_hand(seen: float) -> None:
    recorder = Recorder(RecorderConfig(start="auto", seconds=1.0, countdown=0.0, takes=1))
    takes, states = run(recorder, play(lambda t: (0.0, 0.0) if t < seen else None, 1.5, 30))
    assert len(takes) == (seen >= 0.5)
    rejected = [s.rejected for s in states if s.rejected]
    assert len(rejected) == (seen < 0.5)
    assert [s.code for s in states if s.rejected] == ["no-hand"] * (seen < 0.5)
    assert all("a hand was seen in only" in r for r in rejected)


def test_a_rejected_take_is_not_counted_and_is_recorded_anew() -> None:
    def late(t: float) -> tuple[float, float] | None:
        return (0.0, 0.0) if t > 2 else None

    recorder = Recorder(RecorderConfig(start="auto", seconds=1.0, countdown=0.5, pause=0.5, takes=2))
    takes, states = run(recorder, play(late, 9, 30))
    assert len(takes) == 2 and len(recorder.rejections) == 1
    assert phases(states)[:6] == ["countdown", "recording", "rejected", "countdown", "recording", "saved"]


def test_a_camera_that_stalls_in_a_take_rejects_it() -> None:
    frames = [f for f in play(still, 4, 30) if not 100.5 < f[0].timestamp < 102.5]
    recorder = Recorder(RecorderConfig(start="auto", seconds=1.5, countdown=0.0, takes=1))
    takes, _ = run(recorder, iter(frames))
    assert not takes and recorder.rejections[0] == "no picture for 2.0 s: the camera stalled"


def test_what_it_says_has_a_code_for_other_languages() -> None:
    recorder = Recorder(RecorderConfig(start="auto", seconds=0.5, countdown=0.5, pause=0.2, takes=2))
    _, states = run(recorder, play(still, 3, 30))
    codes = list(dict.fromkeys(state.code for state in states))
    assert codes == ["countdown", "recording", "saved", "done"]
    waiting = Recorder(RecorderConfig(start="motion", stop="rest"))
    _, states = run(waiting, play(lambda t: (0.0, 0.0) if t > 1 else None, 3, 30))
    assert list(dict.fromkeys(state.code for state in states)) == ["show-hand", "hold-still", "ready"]
    _, states = run(Recorder(), play(still, 0.5, 30))
    assert {state.code for state in states} == {"waiting"}


def test_a_clock_that_runs_back_drops_the_take_in_progress_and_goes_on() -> None:
    first = list(play(still, 1.0, 30))
    second = [(Frame(PICTURE, f.timestamp - 50, f.index + 30), h) for f, h in play(still, 4.0, 30)]
    recorder = Recorder(RecorderConfig(start="auto", seconds=1.5, countdown=0.0, takes=1))
    takes, _ = run(recorder, iter(first + second))
    assert len(takes) == 1 and takes[0].sequence.timestamps[0] < 60


def test_frames_that_do_not_advance_are_left_out() -> None:
    frames = [pair for pair in play(still, 3.0, 30) for _ in range(2)]
    takes, _ = run(Recorder(RecorderConfig(start="auto", seconds=1.0, countdown=0.0, takes=1)), iter(frames))
    assert len(takes[0].sequence) == pytest.approx(31, abs=1)


def test_pictures_are_kept_beside_the_landmarks_only_if_wanted() -> None:
    for keep in (True, False):
        recorder = Recorder(RecorderConfig(start="auto", countdown=0.0, seconds=1.0, keep_frames=keep))
        take = run(recorder, play(still, 2.0, 30))[0][0]
        assert [f.timestamp for f in take.frames] == (list(take.sequence.timestamps) if keep else [])
        assert take.frame_size == (64, 48)


def test_undo_makes_room_for_one_more_take() -> None:
    recorder = Recorder(RecorderConfig(start="auto", seconds=0.5, countdown=0.0, pause=0.5, takes=2))
    assert not recorder.undo()
    takes, states = run(recorder, play(still, 6.0, 30), {3.0: "undo"})
    assert len(takes) == 3 and recorder.takes == 2
    assert phases(states).count("done") == 2


def test_hands_free_can_be_switched_on_and_off_while_it_runs() -> None:
    by_key, by_motion = RecorderConfig(takes=None), RecorderConfig(start="motion", stop="rest", takes=None)
    recorder = Recorder(by_key)
    takes, states = run(recorder, play(swipes([2.0]), 5.0, 30))
    assert not takes and states[-1].message == "R records take 1"
    recorder.configure(by_motion)
    takes, _ = run(
        recorder, ((Frame(f.image, f.timestamp + 10, f.index), h) for f, h in play(swipes([2.0]), 5, 30))
    )
    assert len(takes) == 1
    recorder.configure(by_key)
    assert recorder.takes == 1


@pytest.mark.parametrize(
    ("seconds", "stop", "path", "complete"),
    [
        (1.0, "seconds", still, True),  # a file of exactly one second
        (0.7, "seconds", still, False),
        (2.8, "rest", swipes([2.0]), True),  # the hand rests when the file ends
        (2.3, "rest", swipes([2.0]), False),
    ],
)
def test_the_end_of_a_file_completes_only_a_whole_take(
    seconds: float, stop: str, path: Path2, complete: bool
) -> None:
    start = "motion" if stop == "rest" else "auto"
    recorder = Recorder(RecorderConfig(start=start, stop=stop, seconds=1.0, countdown=0.0))  # type: ignore[arg-type]
    takes, _ = run(recorder, play(path, seconds, 30))
    last = recorder.finish()
    assert not takes
    assert (last.take is not None) == complete
    assert (last.rejected == "the source ended in the middle of the take") == (not complete)


@pytest.mark.parametrize(
    "wrong",
    [
        {"start": "voice"},
        {"stop": "never"},
        {"seconds": 0.0},
        {"seconds": float("nan")},
        {"frames": 1},
        {"takes": 0},
        {"countdown": -1.0},
    ],
)
def test_a_config_that_makes_no_sense_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=str(next(iter(wrong)))):
        RecorderConfig(**wrong)  # type: ignore[arg-type]


@settings(max_examples=60, deadline=None)
@given(
    steps=st.lists(st.floats(-0.5, 1.2), min_size=1, max_size=80),
    kinds=st.lists(st.sampled_from(["still", "moving", "gone", "zero", "nan"]), min_size=80, max_size=80),
    start=st.sampled_from(["key", "auto", "motion"]),
    stop=st.sampled_from(["seconds", "frames", "rest"]),
    keys=st.sets(st.integers(0, 79)),
)
def test_whatever_comes_takes_are_whole_and_in_order(
    steps: list[float], kinds: list[str], start: str, stop: str, keys: set[int]
) -> None:
    config = RecorderConfig(
        start=start,  # type: ignore[arg-type]
        stop=stop,  # type: ignore[arg-type]
        seconds=0.4,
        frames=4,
        countdown=0.2,
        pause=0.2,
        takes=3,
    )
    recorder, t, complete = Recorder(config), 0.0, 0
    for n, (step, kind) in enumerate(zip(steps, kinds, strict=False)):
        t += step
        hand = {
            "still": hand_at(0, 0),
            "moving": hand_at(n % 5, 0),
            "gone": None,
            "zero": np.zeros((21, 3), np.float32),
            "nan": np.where(np.arange(63).reshape(21, 3) == 5, np.nan, hand_at(0, 0)).astype(np.float32),
        }[kind]
        if n in keys:
            recorder.trigger()
        state = recorder.update(Frame(PICTURE, t, n), slotted(None, hand))
        assert 0 <= state.progress <= 1
        if state.take is not None:
            complete += 1
            assert len(state.take.frames) == len(state.take.sequence) >= 2
            assert state.take.sequence.seen.any()
    assert complete == recorder.takes <= 3


def test_motion_is_measured_in_palm_lengths_at_any_distance_and_rate() -> None:
    for fps in RATES:
        for scale in (0.3, 1.0, 3.0):
            motion = HandMotion()
            for n in range(fps):
                landmarks = slotted(None, hand_at(2.0 * n / fps, 0) * scale).landmarks
                motion.update(n / fps, landmarks)
            assert motion.speed == pytest.approx(2.0 / np.hypot(1, 0.4), rel=0.03)
            assert motion.moving_since is not None


def test_motion_thresholds_must_be_in_order() -> None:
    with pytest.raises(ValueError, match="rest_speed"):
        MotionConfig(start_speed=0.2, rest_speed=0.5)
