"""A running recording with fake hands: keys, undo, the end of the source, stalls and failing disks."""

import dataclasses
import errno
import io
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from handflow.capture import FramesSource
from handflow.data import Dataset
from handflow.data.idle_recorder import IdleConfig
from handflow.data.take import Phase, RecorderConfig, RecorderState
from handflow.data.take_writer import TakeLabels, TakeWriter
from handflow.errors import DatasetError, SourceError
from handflow.live.session import RecordingPlan, RecordingSession
from handflow.live.terminal import KeyReader, StatusLines, watch
from handflow.types import Frame, Hand, Hands, Region

PICTURE = np.zeros((48, 64, 3), np.uint8)
BY_KEY = RecorderConfig(seconds=0.5, countdown=0.5, pause=0.5, takes=3)
AUTO = RecorderConfig(start="auto", seconds=0.5, countdown=0.5, pause=0.5, takes=3)
HANDS_FREE = RecorderConfig(start="motion", stop="rest", takes=3)


class FakeLandmarker:
    """Sees one right hand in every frame."""

    version = "fake-1"

    def update(self, frame: Frame) -> Hands:
        points = np.random.default_rng(0).uniform(10, 40, (21, 3)).astype(np.float32)
        hand = Hand(points, points, points, 1.0, 1.0, "right", 0, Region(25, 25, 30, 0))
        return Hands((hand,), frame.timestamp, frame.index, frame.size)


def frames(seconds: float, then: dict[float, Callable[[], object]] | None = None) -> Iterator[Frame]:
    """Frames at 30 fps as fast as they are taken; before the frame at a time, something may happen."""
    events = sorted((then or {}).items())
    for n in range(round(seconds * 30)):
        while events and n / 30 >= events[0][0]:
            events.pop(0)[1]()
        yield Frame(PICTURE, n / 30, n)


def record(
    dataset: Dataset,
    seconds: float,
    plan: RecordingPlan | IdleConfig,
    keys: dict[float, str] | None = None,
) -> RecordingSession:
    sessions: list[RecordingSession] = []
    then = {t: (lambda k=k: sessions[0].press(k)) for t, k in (keys or {}).items()}
    with TakeWriter(dataset, TakeLabels("wave", "s")) as writer:
        source = FramesSource(frames(seconds, then))
        sessions.append(RecordingSession(source, FakeLandmarker(), writer, plan))  # type: ignore[arg-type]
        sessions[0].start()
        watch(sessions[0], KeyReader(io.StringIO()), StatusLines(io.StringIO()))
        sessions[0].finish()
    return sessions[0]


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return Dataset.create(tmp_path / "set")


@pytest.mark.parametrize(
    ("keys", "takes"),
    [
        ({}, []),
        ({1: "r"}, [1]),
        ({1: "r", 3: "r"}, [1, 2]),
        ({1: "r", 1.1: "r", 1.6: "r"}, [1]),  # R within the take itself does nothing
        ({1: "r", 2.2: "u", 3: "r"}, [2]),
        ({1: "u"}, []),
        ({1: "r", 3: "r", 3.7: "q"}, [1]),  # Q drops the take in progress
        ({1: "r", 3: "r", 5: "r", 7: "r"}, [1, 2, 3]),  # no more than wanted
        ({1: "h", 3: "h", 4: "r"}, [1]),
    ],
)
def test_keys_do_what_they_say(dataset: Dataset, keys: dict[float, str], takes: list[int]) -> None:
    session = record(dataset, 9, RecordingPlan(BY_KEY, HANDS_FREE, linger=3.0), keys)
    assert [int(e.id[-3:]) for e in dataset.entries()] == takes
    assert session.recorder is not None and session.recorder.takes == len(takes)


def test_takes_come_by_themselves_and_the_session_ends_with_the_last(dataset: Dataset) -> None:
    session = record(dataset, 60, RecordingPlan(AUTO, HANDS_FREE))
    assert len(dataset.entries()) == 3
    assert session.frames < 6 * 30


def test_the_last_take_can_still_be_undone_before_the_window_closes(dataset: Dataset) -> None:
    record(dataset, 60, RecordingPlan(AUTO, HANDS_FREE, linger=2.0), {6.0: "u"})
    assert [int(e.id[-3:]) for e in dataset.entries()] == [1, 2, 4]


def test_a_source_that_ends_early_keeps_whole_takes_only(dataset: Dataset) -> None:
    session = record(dataset, 2.3, RecordingPlan(AUTO, HANDS_FREE))
    assert [len(dataset.load(e).sequence) for e in dataset.entries()] == [16]
    assert session.recorder is not None
    assert session.recorder.rejections == ["the source ended in the middle of the take"]


def test_a_source_that_fails_keeps_the_takes_before_and_says_why(dataset: Dataset) -> None:
    def fail() -> None:
        raise SourceError("camera 0 is lost")

    with TakeWriter(dataset, TakeLabels("wave", "s")) as writer:
        source = FramesSource(frames(9, {2.5: fail}))
        session = RecordingSession(source, FakeLandmarker(), writer, RecordingPlan(AUTO, HANDS_FREE))  # type: ignore[arg-type]
        session.start()
        watch(session, KeyReader(io.StringIO()), StatusLines(io.StringIO()))
        with pytest.raises(SourceError, match="is lost"):
            session.finish()
    assert len(dataset.entries()) == 1


@pytest.mark.parametrize(
    ("seconds", "keys", "frames_kept", "ended_by"),
    [
        (60, {}, [300, 300, 150], "time"),
        (14, {}, [300, 120], "source"),
        (60, {13.0: "q"}, [300, 91], "person"),
        (60, {3.0: "r", 4.0: "h", 5.0: "u"}, [300, 300, 150], "time"),  # the keys of takes do nothing
    ],
)
def test_idle_minutes_keep_all_that_there_is_however_they_end(
    dataset: Dataset, seconds: float, keys: dict[float, str], frames_kept: list[int], ended_by: str
) -> None:
    session = record(dataset, seconds, IdleConfig(25.0, countdown=0.0), keys)
    kept = [len(dataset.load(e).sequence) for e in dataset.entries()]
    assert kept == pytest.approx(frames_kept, abs=2)
    assert session.ended_by == ended_by


def test_a_full_disk_ends_the_session_with_one_line(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(dataset, "add", full)
    with pytest.raises(DatasetError, match="take 1 could not be saved, the disk is full: 0 complete takes"):
        record(dataset, 60, RecordingPlan(AUTO, HANDS_FREE))


class HangingCamera:
    """Gives one frame and then none until it is closed."""

    name, live, dropped, fps, size, epoch = "camera 9", True, 0, 30.0, (64, 48), 0.0

    def __init__(self) -> None:
        self.closed = threading.Event()

    def __iter__(self) -> Iterator[Frame]:
        yield Frame(PICTURE, 0.0, 0)
        assert self.closed.wait(30)

    def close(self) -> None:
        self.closed.set()


def test_a_camera_that_hangs_is_told_and_does_not_hold_up_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    camera = HangingCamera()
    session = RecordingSession(camera, None)  # type: ignore[arg-type]
    session.start()
    threading.Timer(1.5, session.press, ["q"]).start()
    watch(session, KeyReader(io.StringIO()), StatusLines(io.StringIO()))
    session.finish()
    assert camera.closed.is_set()
    assert capsys.readouterr().err == "camera 9: no picture comes, waiting\n"


def test_a_source_can_be_shown_without_hands_and_without_recording() -> None:
    session = RecordingSession(FramesSource(frames(0.5)), None)
    session.start()
    session.press("r")
    watch(session, KeyReader(io.StringIO()), StatusLines(io.StringIO()))
    session.finish()
    assert session.frames == 15 and session.view is not None
    assert session.view.hands is None and session.view.state is None


def state(phase: Phase, message: str) -> RecorderState:
    return RecorderState(phase, message, 0, 3)


def test_status_lines_elsewhere_than_on_a_terminal_are_one_a_phase() -> None:
    out = io.StringIO()
    lines = StatusLines(out)
    for phase, message in (
        (Phase.COUNTDOWN, "take 1 in 3"),
        (Phase.COUNTDOWN, "take 1 in 2"),
        (Phase.RECORDING, "recording take 1"),
        (Phase.SAVED, "take 1 recorded"),
    ):
        lines.show(state(phase, message))
    lines.end()
    assert out.getvalue().splitlines() == ["take 1 in 3", "recording take 1", "take 1 recorded"]


def test_status_lines_elsewhere_say_each_clip_of_idle_minutes() -> None:
    out = io.StringIO()
    lines = StatusLines(out)
    running = state(Phase.RECORDING, "0:09 of 1:00")
    for shown in (
        running,
        running,
        dataclasses.replace(running, message="0:10, 1 left out", rejected="no hand"),
    ):
        lines.show(shown)
    assert out.getvalue().splitlines() == ["0:09 of 1:00", "0:10, 1 left out"]


def test_status_lines_on_a_terminal_overwrite_what_passes_and_beep_at_both_ends_of_a_take() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    out = Terminal()
    lines = StatusLines(out)
    for phase, message in (
        (Phase.COUNTDOWN, "take 1 in 1"),
        (Phase.RECORDING, "rec"),
        (Phase.SAVED, "take 1 recorded"),
        (Phase.WAITING, "R records take 2"),
    ):
        lines.show(state(phase, message))
    lines.end()
    assert out.getvalue() == "\rtake 1 in 1\rrec        \a\rtake 1 recorded\a\n\rR records take 2\n"


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are a thing of POSIX systems")
def test_keys_are_read_from_a_terminal_without_waiting_and_it_is_given_back() -> None:
    import pty
    import termios

    master, slave = pty.openpty()
    with os.fdopen(slave, "r", encoding="utf-8") as stream:
        before = termios.tcgetattr(stream)
        with KeyReader(stream) as keys:
            assert keys.available and keys.pressed() == []
            for typed, expected in (
                (b"r", ["r"]),
                (b"R u", ["r", "r", "u"]),
                (b"x\x7f", ["u"]),
                (b"\x1b[A", []),  # an arrow key is not Escape
                (b"\x1b", ["q"]),
                ("ř€".encode(), []),
            ):
                os.write(master, typed)
                time.sleep(0.05)  # a terminal passes keys on in its own time
                assert keys.pressed() == expected
        assert termios.tcgetattr(stream) == before
    os.close(master)


def test_without_a_terminal_there_are_no_keys() -> None:
    with KeyReader(io.StringIO("rrr")) as keys:
        assert not keys.available and keys.pressed() == []
