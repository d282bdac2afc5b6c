"""What the recorder is told, hands out and shows: its config, takes and states."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

import numpy as np

from handflow.data.hand_motion import MotionConfig
from handflow.data.pictures import PackedFrame
from handflow.hands.gaps import fill_gaps
from handflow.hands.slots import SlottedHands
from handflow.types import Float32, Frame, HandSequence

Start = Literal["key", "auto", "motion"]
Stop = Literal["seconds", "frames", "rest"]
START: tuple[Start, ...] = ("key", "auto", "motion")
STOP: tuple[Stop, ...] = ("seconds", "frames", "rest")


class Phase(Enum):
    """What the recorder does now."""

    WAITING = "waiting"  # for the key, or for a hand that rests
    READY = "ready"  # hands-free: the next motion starts a take
    COUNTDOWN = "countdown"
    RECORDING = "recording"
    SAVED = "saved"  # a take is complete; short pause
    REJECTED = "rejected"  # a take was unusable; short pause
    DONE = "done"  # all takes wanted are there


@dataclass(frozen=True, slots=True)
class RecorderConfig:
    """How takes start, stop and follow each other. Durations are seconds."""

    start: Start = "key"
    stop: Stop = "seconds"
    seconds: float = 1.5  # length of a take, with stop "seconds"
    frames: int = 20  # length of a take, with stop "frames"
    takes: int | None = 10  # complete takes wanted; None: no end
    countdown: float = 3.0  # before a take that a key or the clock starts; 0: none
    pause: float = 1.5  # after a take, motion is ignored: the hand goes back to where it began
    preroll: float = 0.2  # kept from before the motion began, so that the onset is not lost
    tail: float = 0.2  # kept of the rest that ends a take
    ready_rest: float = 0.5  # a hand rests this long before motion may start a take
    stop_rest: float = 0.45  # a hand rests this long to end a take: longer than a wave's turning points
    longest: float = 6.0  # a hands-free take in which the hand does not rest is given up after this
    shortest: float = 0.3  # a shorter motion is a slip
    largest_gap: float = 0.5  # no picture for longer than this: the camera stalled
    least_seen: float = 0.5  # share of frames that must show a hand
    keep_frames: bool = True  # False: takes hold landmarks alone, and no pictures stay in memory
    motion: MotionConfig = field(default_factory=MotionConfig)

    def __post_init__(self) -> None:
        if self.start not in START:
            raise ValueError(f"start is {self.start!r}, must be one of {', '.join(START)}")
        if self.stop not in STOP:
            raise ValueError(f"stop is {self.stop!r}, must be one of {', '.join(STOP)}")
        if not 0.1 <= self.seconds <= 60:
            raise ValueError(f"--seconds {self.seconds:g} must be between 0.1 and 60")
        if not 2 <= self.frames <= 3600:
            raise ValueError(f"--frames {self.frames} must be between 2 and 3600")
        if self.takes is not None and self.takes < 1:
            raise ValueError(f"--takes {self.takes} must be at least 1")
        for name in ("countdown", "pause", "preroll", "tail"):
            if not 0 <= getattr(self, name) <= 60:
                raise ValueError(f"--{name} {getattr(self, name):g} must be between 0 and 60 seconds")
        if not 0 <= self.least_seen <= 1:
            raise ValueError(f"least_seen {self.least_seen:g} must be between 0 and 1")


@dataclass(frozen=True, slots=True, eq=False)
class Take:
    """One recorded take."""

    sequence: HandSequence
    frame_size: tuple[int, int]  # (width, height), pixels
    frames: tuple[Frame | PackedFrame, ...]  # as many as the sequence, or none: landmarks alone


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """What a recorder keeps of a frame."""

    frame: Frame | PackedFrame | None  # None: landmarks alone are kept
    timestamp: float  # seconds
    size: tuple[int, int]  # (width, height), pixels
    landmarks: Float32  # (2, 21, 3) pixels
    handedness: Float32  # (2,)
    presence: Float32  # (2,)
    tracks: tuple[int, int]


def sample_of(frame: Frame, hands: SlottedHands, kept: Frame | PackedFrame | None) -> Sample:
    """A frame and its hands as a recorder keeps them; `kept`: its picture, None for landmarks alone."""
    return Sample(
        frame=kept,
        timestamp=frame.timestamp,
        size=frame.size,
        landmarks=np.asarray(hands.landmarks, np.float32),
        handedness=np.asarray(hands.handedness, np.float32),
        presence=np.asarray(hands.presence, np.float32),
        tracks=hands.tracks,
    )


def take_of(samples: Sequence[Sample]) -> Take:
    """The take of one or more samples of one size, short gaps filled."""
    sequence = HandSequence(
        landmarks=np.stack([s.landmarks for s in samples]),
        timestamps=np.array([s.timestamp for s in samples], np.float64),
        handedness=np.stack([s.handedness for s in samples]),
        presence=np.stack([s.presence for s in samples]),
    )
    return Take(
        sequence=fill_gaps(sequence, np.array([s.tracks for s in samples])),
        frame_size=samples[0].size,
        frames=tuple(s.frame for s in samples if s.frame is not None),
    )


@dataclass(frozen=True, slots=True, eq=False)
class RecorderState:
    """What a display shows after a frame."""

    phase: Phase
    message: str  # one line for a person
    takes: int  # complete takes so far
    wanted: int | None  # None: no end
    progress: float = 0.0  # of the take, 0 to 1, while recording
    count: int = 0  # 3, 2, 1 during a countdown
    take: Take | None = None  # the take that was completed by this very frame
    rejected: str | None = None  # why the take that ended with this very frame is unusable
    code: str = ""  # names what the message says, for those who say it in another language


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a take is not kept."""

    code: str  # names it, for those who say it in another language
    message: str  # one line for a person


def why_unusable(sequence: HandSequence, config: RecorderConfig) -> Fault | None:
    """The reason for which a finished take is not kept, None for a good one."""
    n = len(sequence)
    if n < 2:
        return Fault("slow", f"only {n} frame came: the camera is too slow")
    gap = float(np.diff(sequence.timestamps).max())
    if gap > config.largest_gap:
        return stalled(gap)
    if config.stop == "rest" and sequence.duration < config.shortest:
        return Fault(
            "too-short", f"the motion took {sequence.duration:.1f} s, less than {config.shortest:g} s"
        )
    seen = int(sequence.seen.any(axis=1).sum())
    if seen < config.least_seen * n:
        message = f"a hand was seen in only {seen} of {n} frames: stay in the picture, in good light"
        return Fault("no-hand", message)
    return None


def stalled(gap: float) -> Fault:
    """No picture came for `gap` seconds."""
    return Fault("stalled", f"no picture for {gap:.1f} s: the camera stalled")
