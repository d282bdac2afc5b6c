"""The last moments of a live source: the hands that windows are cut from, and how fast they move."""

import math
from bisect import bisect_left
from statistics import median
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from handflow.recognize.windows import Sightings, sightings, usable_hands
from handflow.types import Float32, Float64, HandSequence

MOTION_SECONDS = 0.14
"""Sightings that tell how fast a hand moves: from two at 10 frames a second to nine at 60."""
UNSEEN_SECONDS = 0.3
"""A hand that is unseen for longer moves nobody knows how."""

_ROOM = 128  # frames, at first
_EPSILON = 1e-6  # seconds
_CENTRE = (0, 5, 9, 13, 17)
_TIPS = (4, 8, 12, 16, 20)


def _parts() -> Float32:
    """(7, 21) what takes landmarks to the palm's centre, the tips beside it, and the palm's length."""
    parts = np.zeros((7, 21), np.float32)
    parts[:6, _CENTRE] = -1 / len(_CENTRE)
    parts[0] *= -1
    parts[range(1, 6), _TIPS] = 1
    parts[6, [0, 9]] = -1, 1
    return parts


_PARTS = _parts()


class TwoHands(Protocol):
    """What a recognizer needs of a frame; `hands.SlottedHands` has it."""

    @property
    def landmarks(self) -> Float32:
        """(2, 21, 3) pixels, slot 0 left, slot 1 right; NaN where no hand is seen."""

    @property
    def handedness(self) -> Float32:
        """(2,) confidence that the hand is a right one; NaN unseen."""

    @property
    def presence(self) -> Float32:
        """(2,) confidence that a hand is there; 0 unseen."""

    @property
    def tracks(self) -> tuple[int, int]:
        """Track in each slot, -1 none."""


class RecentHands:
    """The hands of the last moments, in arrays that are used over and over.

    Args:
        seconds: how far back it reaches.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.clear()

    def clear(self) -> None:
        """Forgets all frames."""
        self._first = self._end = 0
        self._landmarks: Float32 = np.empty((_ROOM, 2, 21, 3), np.float32)
        self._times: Float64 = np.empty(_ROOM, np.float64)
        self._usable: NDArray[np.bool_] = np.empty((_ROOM, 2), np.bool_)
        self._handedness: Float32 = np.empty((_ROOM, 2), np.float32)
        self._presence: Float32 = np.empty((_ROOM, 2), np.float32)
        self._tracks: NDArray[np.intp] = np.empty((_ROOM, 2), np.intp)

    def __len__(self) -> int:
        return self._end - self._first

    def add(self, hands: TwoHands, timestamp: float) -> None:
        """Takes the next frame and lets go of those that are too old.

        Raises:
            ValueError: the timestamp (seconds) is not later than the one before.
        """
        if len(self) and timestamp <= self._times[self._end - 1]:
            raise ValueError(f"frame of {timestamp} s comes after that of {self._times[self._end - 1]} s")
        if self._end == len(self._times):
            self._make_room()
        place = self._end
        self._landmarks[place] = hands.landmarks
        self._times[place] = timestamp
        self._usable[place] = usable_hands(self._landmarks[place])
        self._handedness[place] = hands.handedness
        self._presence[place] = hands.presence
        self._tracks[place] = hands.tracks
        self._end += 1
        while self._times[self._first] < timestamp - self._seconds:
            self._first += 1

    @property
    def sightings(self) -> Sightings:
        """All frames, good until the next is added."""
        kept = slice(self._first, self._end)
        return Sightings(self._landmarks[kept], self._times[kept], self._usable[kept])

    def sequence(self) -> HandSequence:
        """All frames, copied."""
        kept = slice(self._first, self._end)
        return HandSequence(
            landmarks=self._landmarks[kept].copy(),
            timestamps=self._times[kept].copy(),
            handedness=self._handedness[kept].copy(),
            presence=self._presence[kept].copy(),
        )

    def last_track(self, slot: int) -> int:
        """The track that was last in a slot, -1 none."""
        tracks = self._tracks[self._first : self._end, slot]
        if len(tracks) and tracks[-1] >= 0:
            return int(tracks[-1])
        named = np.flatnonzero(tracks >= 0)
        return int(tracks[named[-1]]) if len(named) else -1

    def _make_room(self) -> None:
        """Moves the frames to the front; where they fill more than half, of arrays twice as long."""
        kept, room = slice(self._first, self._end), len(self._times)
        room = 2 * room if 2 * len(self) > room else room
        for name in ("_landmarks", "_times", "_usable", "_handedness", "_presence", "_tracks"):
            old = getattr(self, name)
            new = old if room == len(old) else np.empty((room, *old.shape[1:]), old.dtype)
            new[: len(self)] = old[kept]
            setattr(self, name, new)
        self._first, self._end = 0, len(self)


def hand_motion(hands: Sightings, slot: int, now: float, *, hands_matter: bool = False) -> float:
    """How fast a hand moves: its palm's centre, and half as much its finger tips beside it.

    The speed is that from the middle of the earlier half of the last sightings to the middle of the later
    half, medians both ("resistant line": Tukey, Exploratory Data Analysis, 1977), so that one frame in which
    the tracker errs hardly counts. A hand that was lost and came back in the other slot is the same hand, as
    in `windows.merge_slots`.

    Args:
        hands: what was seen, up to now.
        slot: of the hand.
        now: seconds.
        hands_matter: whether left and right stay apart even if never seen together.

    Returns:
        palm lengths (wrist to middle knuckle) a second; NaN where the hand is unseen for too long.
    """
    recent = sightings(hands, now - UNSEEN_SECONDS - MOTION_SECONDS - _EPSILON, math.inf)
    if not hands_matter and not recent.usable.all(axis=1).any():
        recent = recent.merged()
        slot = slot if recent.usable[:, slot].any() else 1 - slot
    seen = np.flatnonzero(recent.usable[:, slot])
    times = recent.times[seen].tolist()
    if len(times) < 2 or now - times[-1] > UNSEEN_SECONDS + _EPSILON:
        return math.nan
    count = max(2, len(times) - bisect_left(times, times[-1] - MOTION_SECONDS - _EPSILON))
    if times[-1] - times[-count] > UNSEEN_SECONDS + _EPSILON:
        return math.nan
    return _speed(recent.landmarks[seen[-count:], slot, :, :2], times[-count:])


def _speed(marks: Float32, times: list[float]) -> float:
    """Palm lengths a second of one hand `(n, 21, 2)` at two or more times."""
    points = _PARTS @ marks  # (n, 7, 2) palm's centre, tips beside it, palm from wrist to knuckle
    half = (len(times) + 1) // 2
    moved = _median(points[-half:]) - _median(points[:half])
    moved = np.sqrt((moved * moved).sum(axis=1))
    palm = points[:, -1]
    size = float(_median(np.sqrt((palm * palm).sum(axis=1))))
    elapsed = median(times[-half:]) - median(times[:half])
    return float(moved[0] + 0.5 * moved[1:-1].mean()) / max(size, 1e-6) / elapsed


def _median(values: Float32) -> Float32:
    """Over the first axis; `np.median` takes ten times as long over a few values."""
    ordered = np.sort(values, axis=0)
    middle: Float32 = (ordered[(len(values) - 1) // 2] + ordered[len(values) // 2]) / 2
    return middle
