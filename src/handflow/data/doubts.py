"""Clips whose label their nearest neighbours contradict.

A simple look that needs no training: the path of the hand and its shape, each clip compared with all
others. It is cautious, so that a healthy dataset raises no alarm.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from handflow.types import BACKGROUND, Clip, Float32, HandLandmark

POINTS = 12  # moments of a clip that are compared
NEIGHBOURS = 3  # all of them must name the same other gesture
CLEARLY = 1.4  # how much farther the nearest clip of the same label must be
FEWEST = 4  # clips of a gesture from which its label can be doubted, or used to doubt
LARGEST = 3000  # clips that are compared; beyond, distances would take gigabytes


@dataclass(frozen=True, slots=True)
class Doubt:
    """A clip that looks like another gesture."""

    clip: str  # clip id
    label: str
    looks_like: str


def doubtful_labels(clips: Sequence[Clip]) -> list[Doubt]:
    """Clips whose three nearest neighbours agree on another gesture while their own is clearly farther.

    Clips without a usable hand and background clips, which may look like anything, are left out.
    """
    usable = [(c, d) for c in clips[:LARGEST] if c.label != BACKGROUND and (d := describe(c)) is not None]
    labels = np.array([c.label for c, _ in usable])
    known, counts = np.unique(labels, return_counts=True) if usable else (labels, np.zeros(0))
    if (counts >= FEWEST).sum() < 2:
        return []
    table = np.stack([d for _, d in usable])
    enough = np.isin(labels, known[counts >= FEWEST])
    squares = (table**2).sum(axis=1)
    doubts = []
    for i, (clip, description) in enumerate(usable):
        if not enough[i]:
            continue
        distance = np.sqrt(np.maximum(squares + squares[i] - 2 * table @ description, 0))
        distance[i] = np.inf
        distance[~enough] = np.inf
        nearest = np.argsort(distance)[:NEIGHBOURS]
        other = str(labels[nearest[0]])
        own = float(distance[labels == clip.label].min())
        if other != clip.label and (labels[nearest] == other).all() and own > CLEARLY * distance[nearest[-1]]:
            doubts.append(Doubt(clip.id, clip.label, other))
    return doubts


def describe(clip: Clip) -> Float32 | None:
    """Path and shape of the hands as one row of numbers, in hand sizes; None without a usable hand.

    A single hand is described as a right one whichever it is; its path is never mirrored.
    """
    sequence = clip.sequence
    seen = sequence.seen
    share = seen.mean(axis=0) if len(sequence) else np.zeros(2)
    if len(sequence) < 3 or share.max() < 0.5:
        return None
    slots = [int(share.argmax())] if share.min() < 0.5 else [0, 1]
    parts = []
    moments = np.linspace(sequence.timestamps[0], sequence.timestamps[-1], POINTS)
    for slot in slots:
        here = seen[:, slot]
        points = sequence.landmarks[here, slot, :, :2].reshape(int(here.sum()), 42)
        times = sequence.timestamps[here]
        at = np.stack([np.interp(moments, times, column) for column in points.T], axis=1).reshape(
            POINTS, 21, 2
        )
        size = float(
            np.median(np.linalg.norm(at[:, HandLandmark.MIDDLE_MCP] - at[:, HandLandmark.WRIST], axis=1))
        )
        if not np.isfinite(size) or size <= 0:
            return None
        centre = at.mean(axis=1)
        shape = (at - centre[:, None]) / size
        if len(slots) == 1 and slot == 0:
            shape[..., 0] = -shape[..., 0]
        path = (centre - centre.mean(axis=0)) / size
        # 21 points move together along the path; in the shape each counts for itself.
        parts += [path.ravel(), shape.ravel() / np.sqrt(21 / 2)]
    row: NDArray[np.float64] = np.concatenate(parts)
    # Two-handed clips are twice as long: the same length for all, a missing hand far from any that is there.
    full = np.zeros(2 * POINTS * 44) if len(slots) == 1 else row
    if len(slots) == 1:
        full[: len(row)] = row
    return full.astype(np.float32)
