"""Whether hands move or rest, from landmarks over time at any frame rate."""

from collections import deque
from dataclasses import dataclass

import numpy as np

from handflow.types import Float32, HandLandmark

_PALM = (
    HandLandmark.WRIST,
    HandLandmark.INDEX_MCP,
    HandLandmark.MIDDLE_MCP,
    HandLandmark.RING_MCP,
    HandLandmark.PINKY_MCP,
)


@dataclass(frozen=True, slots=True)
class MotionConfig:
    """Speeds are in palm lengths (about 9 cm) a second, so that distance from the camera does not matter.

    Measured on real webcam videos: hands held still read 0.05 to 0.45 (tremor and the tracker's jitter),
    gestures peak at 2 to 12.
    """

    start_speed: float = 0.9  # faster than this is motion
    rest_speed: float = 0.55  # slower than this is rest; between the two nothing changes
    lag: float = 0.1  # seconds over which a speed is measured: jitter of single frames averages out
    start_seconds: float = 0.08  # motion shorter than this is a slip of the tracker
    lost_seconds: float = 0.5  # unseen for longer: the hand is gone; shorter gaps are motion blur

    def __post_init__(self) -> None:
        if not 0 < self.rest_speed <= self.start_speed:
            raise ValueError(
                f"rest_speed {self.rest_speed} must be above 0 and at most start_speed {self.start_speed}"
            )
        for name in ("lag", "start_seconds", "lost_seconds"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} is {getattr(self, name)} seconds, must be above 0")


def palm_length(hand: Float32) -> float:
    """The longest distance between two points of the palm in pixels: it changes little with the hand's tilt.

    Args:
        hand: landmarks (21, 2 or 3) in pixels; depth is left out, being far noisier than x and y.
    """
    palm = hand[list(_PALM), :2]
    return float(np.linalg.norm(palm[:, None] - palm[None], axis=-1).max())


class HandMotion:
    """Follows up to two hands and says since when they rest or move.

    Attributes:
        seen: whether a hand is in sight, gaps shorter than `lost_seconds` included.
        still_since: time from which all hands rest (or are gone), None while one moves.
        moving_since: time at which the present motion began, None while nothing moves for sure.
        speed: palm lengths a second of the fastest hand, NaN while unknown.
    """

    def __init__(self, config: MotionConfig | None = None) -> None:
        self.config = config or MotionConfig()
        self.reset()

    def reset(self) -> None:
        """Forgets all hands."""
        # Room for lost_seconds at 240 frames a second; older samples are dropped by time.
        self._history: deque[tuple[float, Float32]] = deque(maxlen=256)
        self._last_seen = -np.inf
        self._onset: float | None = None  # where the present run of fast frames began
        self._fast_from: float | None = None  # its first fast frame
        self.seen = False
        self.still_since: float | None = None
        self.moving_since: float | None = None
        self.speed = float("nan")

    def update(self, timestamp: float, landmarks: Float32) -> None:
        """Takes in the hands of one frame.

        Args:
            timestamp: seconds, later than the call before.
            landmarks: (2, 21, 3) pixels, NaN where a hand is not seen.
        """
        c = self.config
        while self._history and self._history[0][0] < timestamp - c.lost_seconds - c.lag:
            self._history.popleft()
        visible = bool(np.isfinite(landmarks[..., :2]).all(axis=(1, 2)).any())
        if visible:
            self._last_seen = timestamp
        self.seen = timestamp - self._last_seen <= c.lost_seconds
        speeds = [self._slot_speed(slot, timestamp, landmarks[slot]) for slot in range(2)]
        known = [s for s in speeds if np.isfinite(s[0])]
        self._history.append((timestamp, landmarks))
        self.speed, began = max(known, default=(float("nan"), timestamp))

        if not self.seen:
            self._onset = self._fast_from = self.moving_since = None
            if self.still_since is None:
                self.still_since = self._last_seen if np.isfinite(self._last_seen) else timestamp
        elif known:
            self._judge(timestamp, began)
        elif visible:  # just come in: neither rest nor motion can be told yet
            self.still_since = None

    def _judge(self, timestamp: float, began: float) -> None:
        c = self.config
        if self.speed < c.rest_speed:
            self._onset = self._fast_from = self.moving_since = None
            if self.still_since is None:
                self.still_since = timestamp
            return
        if self.speed < c.start_speed:
            self._onset = self._fast_from = None
            return
        if self._fast_from is None:
            self._onset, self._fast_from = began, timestamp
        if timestamp - self._fast_from >= c.start_seconds:
            self.moving_since = self.moving_since if self.moving_since is not None else self._onset
            self.still_since = None

    def _slot_speed(self, slot: int, timestamp: float, hand: Float32) -> tuple[float, float]:
        """(speed, time from which it was measured); NaN where the hand was not seen long enough."""
        unknown = (float("nan"), timestamp)
        if not np.isfinite(hand[:, :2]).all():
            return unknown
        newest = timestamp - 0.8 * self.config.lag  # a tenth of a second is one frame at 10 fps, give or take
        for then, landmarks in reversed(self._history):
            before = landmarks[slot]
            if then > newest or not np.isfinite(before[:, :2]).all():
                continue
            moved = np.linalg.norm(hand[:, :2] - before[:, :2], axis=-1)
            # The fifth fastest landmark: two moving fingers count (a pinch), one jittering tip does not.
            length = max(palm_length(hand), palm_length(before), 1e-6)
            return float(np.percentile(moved, 80)) / length / (timestamp - then), then
        return unknown
