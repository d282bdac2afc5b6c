"""From the frames of a source to a hand sequence."""

from collections.abc import Iterable

import numpy as np

from handflow.hands.gaps import fill_gaps
from handflow.hands.landmarker import HandLandmarker
from handflow.hands.slots import HandSlots, SlottedHands, sequence_of
from handflow.types import Frame, HandSequence


def track_hands(frames: Iterable[Frame], landmarker: HandLandmarker) -> HandSequence:
    """Follows the hands through all `frames` of one source; the landmarker is reset first.

    Short gaps are filled and marked (`HandSequence.filled`).
    """
    landmarker.reset()
    slots = HandSlots()
    slotted: list[SlottedHands] = []
    timestamps: list[float] = []
    for frame in frames:
        slotted.append(slots.update(landmarker.update(frame)))
        timestamps.append(frame.timestamp)
    tracks = np.array([s.tracks for s in slotted], int).reshape(len(slotted), 2)
    return fill_gaps(sequence_of(slotted, timestamps), tracks)
