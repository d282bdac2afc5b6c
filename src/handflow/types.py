"""What the rooms hand to each other: frozen dataclasses that hold arrays.

Coordinates are pixels of the *unmirrored* camera image (x right, y down, z away from the camera in the
scale of x). Times are seconds on the clock of the source. Slot 0 is the left hand, slot 1 the right hand.
"""

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from enum import IntEnum
from typing import Any, ClassVar, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Image = NDArray[np.uint8]
Side = Literal["left", "right"]

LEFT, RIGHT = 0, 1
SIDES: tuple[Side, Side] = ("left", "right")
BACKGROUND = "background"
"""The reserved label: hands that do nothing meant."""


class HandLandmark(IntEnum):
    """The 21 landmarks of a hand, in MediaPipe's order."""

    WRIST = 0
    THUMB_CMC = 1
    THUMB_MCP = 2
    THUMB_IP = 3
    THUMB_TIP = 4
    INDEX_MCP = 5
    INDEX_PIP = 6
    INDEX_DIP = 7
    INDEX_TIP = 8
    MIDDLE_MCP = 9
    MIDDLE_PIP = 10
    MIDDLE_DIP = 11
    MIDDLE_TIP = 12
    RING_MCP = 13
    RING_PIP = 14
    RING_DIP = 15
    RING_TIP = 16
    PINKY_MCP = 17
    PINKY_PIP = 18
    PINKY_DIP = 19
    PINKY_TIP = 20


BONES: tuple[tuple[int, int], ...] = (
    (0, 1), (1, 2), (2, 3), (3, 4),
    (0, 5), (5, 6), (6, 7), (7, 8),
    (5, 9), (9, 10), (10, 11), (11, 12),
    (9, 13), (13, 14), (14, 15), (15, 16),
    (13, 17), (0, 17), (17, 18), (18, 19), (19, 20),
)  # fmt: skip
"""Pairs of landmarks that an overlay joins by a line."""

PARENTS: tuple[int, ...] = (0, 0, 1, 2, 3, 0, 5, 6, 7, 0, 9, 10, 11, 0, 13, 14, 15, 0, 17, 18, 19)
"""The landmark before each landmark on the way from the wrist to a finger tip."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture of a source."""

    image: Image  # uint8 (height, width, 3), RGB, unmirrored
    timestamp: float  # seconds on the source's clock
    index: int  # number in the source, from 0; dropped frames are counted

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.image.shape[1], self.image.shape[0]


@dataclass(frozen=True, slots=True)
class Region:
    """A rotated square of the image around a hand."""

    x: float  # centre, pixels
    y: float  # centre, pixels
    size: float  # side, pixels
    angle: float  # radians, clockwise as seen in the image; 0: fingers up


@dataclass(frozen=True, slots=True, eq=False)
class Hand:
    """One hand seen in one frame."""

    landmarks: Float32  # (21, 3) pixels, as the landmark model sees them in this frame
    steady: Float32  # (21, 3) pixels, steadied over time: for drawing and for held poses
    world: Float32  # (21, 3) metres, origin at the hand's centre
    presence: float  # 0 to 1, confidence that a hand is there
    handedness: float  # 0 to 1, confidence that it is a right hand (anatomically)
    side: Side  # settled over the life of the track
    track: int  # number of the track, never used twice before reset()
    region: Region  # where the landmark model looked


@dataclass(frozen=True, slots=True, eq=False)
class Hands:
    """All hands seen in one frame, the oldest track first."""

    hands: tuple[Hand, ...]
    timestamp: float  # seconds
    frame: int  # Frame.index
    size: tuple[int, int]  # (width, height) of the frame, pixels
    lost: tuple[int, ...] = ()  # tracks that are not seen in this frame but may come back


@dataclass(frozen=True, slots=True, eq=False)
class HandSequence:
    """Landmarks over time: what a clip, a stream or the live buffer holds.

    NaN where no hand is seen, unless a short gap was filled. Timestamps increase strictly.
    """

    landmarks: Float32  # (frames, 2, 21, 3) pixels, slot 0 left, slot 1 right
    timestamps: Float64  # (frames,) seconds
    handedness: Float32  # (frames, 2) confidence that the hand in the slot is a right hand; NaN unseen
    presence: Float32  # (frames, 2) confidence that a hand is there; 0 unseen
    filled: NDArray[np.bool_] = field(  # (frames, 2) landmarks interpolated over a short gap, not seen
        default_factory=lambda: np.zeros((0, 2), np.bool_)
    )

    def __post_init__(self) -> None:
        n = len(self.timestamps)
        if self.filled.shape == (0, 2):  # not given: nothing is filled
            object.__setattr__(self, "filled", np.zeros((n, 2), np.bool_))
        if self.landmarks.shape != (n, 2, 21, 3):
            raise ValueError(f"landmarks are {self.landmarks.shape}, expected {(n, 2, 21, 3)}")
        for name in ("handedness", "presence", "filled"):
            if getattr(self, name).shape != (n, 2):
                raise ValueError(f"{name} is {getattr(self, name).shape}, expected {(n, 2)}")
        if n > 1 and not np.all(np.diff(self.timestamps) > 0):
            raise ValueError("timestamps do not increase strictly")

    def __len__(self) -> int:
        return len(self.timestamps)

    @property
    def seen(self) -> NDArray[np.bool_]:
        """(frames, 2) whether the hand of each slot was really seen."""
        return np.asarray(np.isfinite(self.landmarks).all(axis=(2, 3)) & ~self.filled)

    def measured(self) -> "HandSequence":
        """The sequence with NaN where gaps were filled: what the tracker itself has seen."""
        if not self.filled.any():
            return self
        marks = np.where(self.filled[:, :, None, None], np.float32(np.nan), self.landmarks)
        return HandSequence(marks, self.timestamps, self.handedness, self.presence)

    @property
    def duration(self) -> float:
        """Seconds from the first to the last frame."""
        return float(self.timestamps[-1] - self.timestamps[0]) if len(self) else 0.0


class ClipFrames(Protocol):
    """The pictures of a clip, read when asked for: one for each timestamp of its sequence."""

    @property
    def fingerprint(self) -> str:
        """Changes when the pictures change."""

    def __iter__(self) -> Iterator[Frame]:
        """The pictures in order."""


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """One recorded sample ("take") of a gesture: landmarks, and where its pictures are if they were kept."""

    id: str
    label: str
    sequence: HandSequence
    frame_size: tuple[int, int]  # (width, height), pixels
    subject: str | None = None  # who performs it
    session: str | None = None  # recorded in one sitting
    source: str = ""  # camera, file or generator it came from
    stroke: tuple[float, float] | None = None  # onset and offset, seconds, where somebody annotated them
    frames: ClipFrames | None = None  # None: landmarks alone were kept


@dataclass(frozen=True, slots=True)
class Segment:
    """One gesture in a stream: the truth that events are compared with."""

    label: str
    onset: float  # seconds
    offset: float  # seconds, true end of the stroke
    hand: Literal["left", "right", "both"] = "right"


@dataclass(frozen=True, slots=True, eq=False)
class Stream:
    """A continuous recording with its annotated segments, as landmarks."""

    id: str
    sequence: HandSequence
    segments: tuple[Segment, ...]
    frame_size: tuple[int, int]  # (width, height), pixels
    subject: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """What a recognizer says about the window that ends with a frame."""

    probabilities: Float32  # (labels,) sum to 1
    labels: tuple[str, ...]
    timestamp: float  # seconds, end of the window
    frame: int  # Frame.index
    hand: Literal["left", "right", "both"] = "right"  # the hand that acts in the window
    track: int = -1  # its track, -1 unknown
    motion: float = math.nan  # how fast it moves now, palm lengths a second; NaN unseen (`hand_motion`)


@dataclass(frozen=True, slots=True)
class GestureEvent:
    """One recognized gesture: what bindings act on and `--events` writes as a JSON line."""

    gesture: str
    score: float  # 0 to 1
    hand: Literal["left", "right", "both"]
    track: int
    onset: float  # seconds
    offset: float | None  # seconds; None where the event was decided before the gesture ended
    time: float  # seconds, when it was decided
    frame: int  # Frame.index when it was decided


def event_document(event: GestureEvent) -> dict[str, Any]:
    """An event as the JSON object of the event format, times to a tenth of a millisecond."""
    return {k: round(v, 4) if isinstance(v, float) else v for k, v in asdict(event).items()}


@dataclass(frozen=True, slots=True)
class StageTimes:
    """Milliseconds spent per stage, one entry a frame; the last `KEPT` frames are kept."""

    KEPT: ClassVar[int] = 20_000

    milliseconds: dict[str, deque[float]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)  # of all measurements of a stage

    def add(self, stage: str, seconds: float) -> None:
        """Notes one measurement of a stage."""
        self.milliseconds.setdefault(stage, deque(maxlen=self.KEPT)).append(seconds * 1000)
        self.counts[stage] = self.counts.get(stage, 0) + 1

    def percentiles(self, *q: float) -> dict[str, tuple[float, ...]]:
        """Percentiles `q` (0 to 100) in milliseconds for each stage."""
        return {s: tuple(float(v) for v in np.percentile(m, q)) for s, m in self.milliseconds.items() if m}
