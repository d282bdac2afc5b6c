"""Arming: gestures count only while armed; a gesture of the model, a hand held up or a key switches.

All times are seconds of the source, so it does the same at every frame rate.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from handflow.types import Float32, GestureEvent, Hand, HandLandmark, Hands

HAND_UP = "hand-up"
"""In place of a gesture: an open hand held up, palm to the camera, fingers up, still."""

_FINGERS = (
    (HandLandmark.INDEX_MCP, HandLandmark.INDEX_PIP, HandLandmark.INDEX_TIP),
    (HandLandmark.MIDDLE_MCP, HandLandmark.MIDDLE_PIP, HandLandmark.MIDDLE_TIP),
    (HandLandmark.RING_MCP, HandLandmark.RING_PIP, HandLandmark.RING_TIP),
    (HandLandmark.PINKY_MCP, HandLandmark.PINKY_PIP, HandLandmark.PINKY_TIP),
)
LEAST_STRAIGHT = 0.93
"""A finger is extended whose tip is so far from its base, as a share of the way over the middle joint."""
LEAST_LENGTH = 0.45
"""Length of an extended finger in the picture, in palm lengths: shorter ones point at the camera."""
LEAST_WIDTH = 0.35
"""Width of the palm in the picture, in palm lengths: a narrower one shows its edge."""
LEAST_SPREAD = 1.05
"""From the thumb's tip to the base of the little finger, in widths of the palm: a folded thumb is nearer."""
MOST_TILT = math.radians(40)
"""How far the hand may lean from upright."""
STILL = 0.3
"""Palm lengths by which a hand that is held up may drift from where the hold began."""
LONGEST_SLIP = 0.15
"""Seconds for which the tracker may see it elsewhere."""


@dataclass(frozen=True, slots=True)
class ArmingConfig:
    """What switches, and how; times are seconds."""

    by: str | None = None  # a gesture of the model, or HAND_UP; None: `switch` alone
    armed_at_start: bool = False
    disarm_after: float | None = None  # without an event; None: never by itself
    disarm_unseen: float | None = None  # without a hand in sight; None: never by itself
    hold: float = 1.0  # that a hand must be held up
    release: float = 0.3  # that no hand may be up before it counts again; shorter gaps do not end a hold

    def __post_init__(self) -> None:
        for name in ("disarm_after", "disarm_unseen"):
            seconds = getattr(self, name)
            if seconds is not None and not seconds > 0:
                raise ValueError(f"--{name.replace('_', '-')} {seconds:g} must be more than 0 seconds")
        for name in ("hold", "release"):
            if not 0 < getattr(self, name) <= 10:
                raise ValueError(f"{name} is {getattr(self, name)}, expected above 0 and up to 10 seconds")


@dataclass(frozen=True, slots=True)
class ArmedState:
    """What is known after one frame."""

    armed: bool
    events: tuple[GestureEvent, ...]  # those that count
    progress: float = 0.0  # 0 to 1, of the time a hand must be held up; 0: none is
    changed: bool = False  # whether this very frame armed or disarmed


class Arming:
    """Passes events on while armed: `update()` with every frame, `reset()` between sources."""

    def __init__(self, config: ArmingConfig) -> None:
        self.config = config
        self._hold = HandHold(config.hold, config.release)
        self.reset()

    def reset(self) -> None:
        """As at the start."""
        self.armed = self.config.armed_at_start
        self._hold.reset()
        self._last: float | None = None  # when it was armed or an event last counted
        self._seen: float | None = None  # when it was armed or a hand was last in sight
        self._asked = False

    def update(self, hands: Hands, events: Iterable[GestureEvent], timestamp: float) -> ArmedState:
        """Takes in the hands and events of the next frame, in the order in which they were decided."""
        before = self.armed
        self._last = timestamp if self._last is None else self._last
        if hands.hands or self._seen is None:
            self._seen = timestamp
        if self._asked:
            self._asked = False
            self._switch(timestamp)
        passed = self.passed(events, timestamp)
        progress = 0.0
        if self.config.by == HAND_UP:
            progress = self._hold.update(hands.hands, timestamp)
            if progress == 1:
                self._switch(timestamp)
        quiet = ((self.config.disarm_after, self._last), (self.config.disarm_unseen, self._seen))
        if any(after is not None and timestamp - since >= after for after, since in quiet):
            self.armed = False
        return ArmedState(self.armed, passed, progress, self.armed != before)

    def passed(self, events: Iterable[GestureEvent], timestamp: float) -> tuple[GestureEvent, ...]:
        """The events that count; the gesture that arms is not among them."""
        passed = []
        for event in events:
            if event.gesture == self.config.by:
                self._switch(timestamp)
            elif self.armed:
                passed.append(event)
                self._last = timestamp
        return tuple(passed)

    def switch(self) -> None:
        """Arms or disarms with the next frame; any thread may call it."""
        self._asked = True

    def _switch(self, timestamp: float) -> None:
        self.armed = not self.armed
        self._last = self._seen = timestamp


class HandHold:
    """How long an open hand has been held up in one place.

    Args:
        seconds: that make a hold.
        release: seconds without such a hand after which it is down.
    """

    def __init__(self, seconds: float, release: float) -> None:
        self._seconds = seconds
        self._release = release
        self.reset()

    def reset(self) -> None:
        """No hand is up."""
        self._anchor: Float32 | None = None  # the hand as it was where the hold began
        self._since = self._stayed = -math.inf  # when the hold began, and was last seen to go on
        self._up = -math.inf  # when any hand was last up
        self._done = False

    def update(self, hands: Iterable[Hand], timestamp: float) -> float:
        """Takes in the next frame; returns the share of the hold that has passed: 1 once for each."""
        raised = [hand.steady for hand in hands if is_held_up(hand)]
        if raised:
            self._up = timestamp
        elif timestamp - self._up >= self._release:
            self.reset()
        if self._anchor is not None and any(_has_stayed(self._anchor, hand) for hand in raised):
            self._stayed = timestamp
        elif raised and timestamp - self._stayed > LONGEST_SLIP:
            self._anchor, self._since, self._stayed = raised[0], timestamp, timestamp
        if self._anchor is None or self._done:
            return 0.0
        # Seen last, not now: a hand that is out of sight for a moment finishes no hold.
        progress = min((self._stayed - self._since + 1e-6) / self._seconds, 1.0)
        self._done = progress == 1
        return progress


def is_held_up(hand: Hand) -> bool:
    """Whether a hand is open and upright, its palm to the camera."""
    points = hand.steady[:, :2]
    wrist = points[HandLandmark.WRIST]
    up = points[HandLandmark.MIDDLE_MCP] - wrist
    palm = float(np.linalg.norm(up))
    if not palm > 0 or abs(math.atan2(float(up[0]), -float(up[1]))) > MOST_TILT:
        return False
    # From the little finger to the index: to the right of the picture for the palm of a right hand.
    across = points[HandLandmark.INDEX_MCP] - points[HandLandmark.PINKY_MCP]
    width = float(across[1] * up[0] - across[0] * up[1]) / palm**2
    if (width if hand.side == "right" else -width) < LEAST_WIDTH:
        return False
    thumb = float(np.linalg.norm(points[HandLandmark.THUMB_TIP] - points[HandLandmark.PINKY_MCP]))
    if thumb < LEAST_SPREAD * float(np.linalg.norm(across)):
        return False
    return all(_is_extended(points, finger, palm) for finger in _FINGERS)


def _is_extended(points: Float32, finger: tuple[int, int, int], palm: float) -> bool:
    base, middle, tip = (points[joint] for joint in finger)
    length = float(np.linalg.norm(tip - base))
    way = float(np.linalg.norm(middle - base) + np.linalg.norm(tip - middle))
    return (
        tip[1] < base[1] < points[HandLandmark.WRIST][1]
        and length >= LEAST_LENGTH * palm
        and length >= LEAST_STRAIGHT * way
    )


def _has_stayed(before: Float32, now: Float32) -> bool:
    """Whether most of a hand (21, 3) still lies where it was: waving fingers move as well as the palm."""
    up = before[HandLandmark.MIDDLE_MCP, :2] - before[HandLandmark.WRIST, :2]
    moved = np.linalg.norm(now[:, :2] - before[:, :2], axis=1)
    return bool(np.percentile(moved, 80) <= STILL * np.linalg.norm(up))
