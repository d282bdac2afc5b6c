"""Slots: which two tracks are the left and the right hand that a recognizer sees."""

from dataclasses import dataclass

import numpy as np

from handflow.hands.landmarker import hand_size
from handflow.types import LEFT, RIGHT, Float32, Hand, Hands, HandSequence


@dataclass(frozen=True, slots=True, eq=False)
class SlottedHands:
    """The chosen person's two hands in one frame; slot 0 left, slot 1 right."""

    landmarks: Float32  # (2, 21, 3) pixels, NaN where no hand is seen
    handedness: Float32  # (2,) confidence that the hand is a right one; NaN unseen
    presence: Float32  # (2,) confidence that a hand is there; 0 unseen
    tracks: tuple[int, int]  # track in each slot, also one that is lost for a moment; -1 none


class HandSlots:
    """Gives tracks their slots. A track keeps its slot for its life, also while it is lost for a moment.

    If two tracks look like the same hand, the less certain takes the free slot. Of more than two tracks the
    largest new ones are taken: the nearest person.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forgets which track is in which slot."""
        self._tracks: list[int] = [-1, -1]

    def update(self, hands: Hands) -> SlottedHands:
        """Puts the hands of the next frame into the slots."""
        by_track = {h.track: h for h in hands.hands}
        alive = {*by_track, *hands.lost}
        self._tracks = [t if t in alive else -1 for t in self._tracks]
        new = [h for h in hands.hands if h.track not in self._tracks]
        new.sort(key=lambda h: -hand_size(h.landmarks))
        free = self._tracks.count(-1)
        for hand in sorted(new[:free], key=lambda h: -abs(h.handedness - 0.5)):
            wished = RIGHT if hand.side == "right" else LEFT
            slot = wished if self._tracks[wished] == -1 else 1 - wished
            self._tracks[slot] = hand.track
        return self._fill(by_track)

    def _fill(self, by_track: dict[int, Hand]) -> SlottedHands:
        landmarks = np.full((2, 21, 3), np.nan, np.float32)
        handedness = np.full(2, np.nan, np.float32)
        presence = np.zeros(2, np.float32)
        for slot, track in enumerate(self._tracks):
            if track in by_track:
                landmarks[slot] = by_track[track].landmarks
                handedness[slot] = by_track[track].handedness
                presence[slot] = by_track[track].presence
        return SlottedHands(landmarks, handedness, presence, (self._tracks[0], self._tracks[1]))


def sequence_of(slotted: list[SlottedHands], timestamps: list[float]) -> HandSequence:
    """Joins the slots of several frames; `timestamps` in seconds."""
    count = len(slotted)
    return HandSequence(
        landmarks=np.stack([s.landmarks for s in slotted]) if count else np.empty((0, 2, 21, 3), np.float32),
        timestamps=np.array(timestamps, np.float64),
        handedness=np.stack([s.handedness for s in slotted]) if count else np.empty((0, 2), np.float32),
        presence=np.stack([s.presence for s in slotted]) if count else np.empty((0, 2), np.float32),
    )
