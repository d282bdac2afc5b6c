"""Slots: which two tracks are the left and the right hand that a recognizer sees."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from handflow.hands.landmarker import hand_size
from handflow.types import LEFT, RIGHT, Float32, Hand, Hands, HandSequence

Follow = Literal["person", "largest", "nearest"]
"""Whose hands `HandSlots` passes on."""
TAKEOVER_FACTOR = 1.3
"""How much larger, or nearer, another hand must be than the one that is followed."""
TAKEOVER_SECONDS = 0.5
"""For how long, without a frame in between in which it is not."""


@dataclass(frozen=True, slots=True, eq=False)
class SlottedHands:
    """The chosen person's two hands in one frame; slot 0 left, slot 1 right."""

    landmarks: Float32  # (2, 21, 3) pixels, NaN where no hand is seen
    handedness: Float32  # (2,) confidence that the hand is a right one; NaN unseen
    presence: Float32  # (2,) confidence that a hand is there; 0 unseen
    tracks: tuple[int, int]  # track in each slot, also one that is lost for a moment; -1 none
    taken_over: bool = False  # from this frame on another hand is followed: what came before is not its past


class HandSlots:
    """Gives tracks their slots. A track keeps its slot for its life, also while it is lost for a moment.

    If two tracks look like the same hand, the less certain takes the free slot. Of more than two tracks the
    largest new ones are taken: the nearest person.

    Args:
        follow: whose hands are passed on. "person": up to two. "largest": the one hand whose palm is largest
            in the picture. "nearest": the one hand that is nearest to the camera, by the size of its palm in
            the picture beside that in metres (`Hand.world`), so that a child's near hand comes before a
            grown-up's far one. Another hand takes over once it was `TAKEOVER_FACTOR` times as large, or as
            near, for `TAKEOVER_SECONDS`.
    """

    def __init__(self, follow: Follow = "person") -> None:
        if follow not in get_args(Follow):
            raise ValueError(f"no hands to follow '{follow}': choose one of {', '.join(get_args(Follow))}")
        self._follow: Follow = follow
        self.reset()

    def reset(self) -> None:
        """Forgets which track is in which slot."""
        self._tracks: list[int] = [-1, -1]
        self._chosen = _Chosen(self._follow == "nearest")

    def update(self, hands: Hands) -> SlottedHands:
        """Puts the hands of the next frame into the slots."""
        seen, alive, taken_over = hands.hands, {h.track for h in hands.hands} | {*hands.lost}, False
        if self._follow != "person":
            taken_over = self._chosen.update(hands)
            alive &= {self._chosen.track}
            seen = tuple(h for h in seen if h.track == self._chosen.track)
        self._tracks = [t if t in alive else -1 for t in self._tracks]
        new = [h for h in seen if h.track not in self._tracks]
        new.sort(key=lambda h: -hand_size(h.landmarks))
        free = self._tracks.count(-1)
        for hand in sorted(new[:free], key=lambda h: -abs(h.handedness - 0.5)):
            wished = RIGHT if hand.side == "right" else LEFT
            slot = wished if self._tracks[wished] == -1 else 1 - wished
            self._tracks[slot] = hand.track
        return self._fill({h.track: h for h in seen}, taken_over=taken_over)

    def _fill(self, by_track: dict[int, Hand], *, taken_over: bool) -> SlottedHands:
        landmarks = np.full((2, 21, 3), np.nan, np.float32)
        handedness = np.full(2, np.nan, np.float32)
        presence = np.zeros(2, np.float32)
        for slot, track in enumerate(self._tracks):
            if track in by_track:
                landmarks[slot] = by_track[track].landmarks
                handedness[slot] = by_track[track].handedness
                presence[slot] = by_track[track].presence
        return SlottedHands(
            landmarks, handedness, presence, (self._tracks[0], self._tracks[1]), taken_over=taken_over
        )


class _Chosen:
    """The one track that is followed, until another is clearly larger, or nearer, for a while."""

    def __init__(self, nearest: bool) -> None:
        self._nearest = nearest
        self.track = -1  # none
        self._size = 0.0  # where it was seen last
        self._beside: set[int] = set()  # tracks seen at the same time: other hands for sure
        self._ahead: dict[int, float] = {}  # tracks that are large enough to take over, since when

    def update(self, hands: Hands) -> bool:
        """Takes the next frame; whether from now on another hand is followed than before."""
        sizes = {hand.track: self._measure(hand) for hand in hands.hands}
        before, now = self.track, hands.timestamp
        if before not in sizes and before not in hands.lost:
            self._take(max(sizes, key=lambda track: sizes[track], default=-1))
        self._size = sizes.get(self.track, self._size)
        large = [track for track, size in sizes.items() if size >= TAKEOVER_FACTOR * self._size]
        self._ahead = {track: self._ahead.get(track, now) for track in large if track != self.track}
        ready = [t for t, since in self._ahead.items() if now - since >= TAKEOVER_SECONDS - 1e-6]
        if ready:
            self._take(max(ready, key=lambda track: sizes[track]))
            self._size = sizes[self.track]
        taken_over = self.track != before and self.track in self._beside
        if self.track in sizes:
            self._beside |= sizes.keys()
        self._beside &= sizes.keys() | {*hands.lost}
        return taken_over

    def _take(self, track: int) -> None:
        self.track = track
        self._ahead = {}

    def _measure(self, hand: Hand) -> float:
        """Size of the palm in pixels, or how near it is: pixels a metre."""
        pixels = _palm_size(hand.landmarks)
        if not self._nearest:
            return pixels
        metres = _palm_size(hand.world)
        return pixels / metres if metres > 1e-6 else 0.0


def _palm_size(landmarks: Float32) -> float:
    """The longer of a palm's length and half as much again its width, as seen: a tilt shortens one."""
    length = float(np.hypot(*(landmarks[9, :2] - landmarks[0, :2])))
    width = float(np.hypot(*(landmarks[5, :2] - landmarks[17, :2])))
    return max(length, 1.5 * width)


def sequence_of(slotted: list[SlottedHands], timestamps: list[float]) -> HandSequence:
    """Joins the slots of several frames; `timestamps` in seconds."""
    count = len(slotted)
    return HandSequence(
        landmarks=np.stack([s.landmarks for s in slotted]) if count else np.empty((0, 2, 21, 3), np.float32),
        timestamps=np.array(timestamps, np.float64),
        handedness=np.stack([s.handedness for s in slotted]) if count else np.empty((0, 2), np.float32),
        presence=np.stack([s.presence for s in slotted]) if count else np.empty((0, 2), np.float32),
    )
