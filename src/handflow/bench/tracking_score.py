"""Scores of the tracking benchmark: what a program reports of a stream, compared with its truth.

Errors are in shares of hand size: the longer side of the box of the true landmarks.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from handflow.bench.followers import Reported
from handflow.bench.tracking_conditions import FPS, Condition
from handflow.bench.tracking_scenes import Staged
from handflow.types import Float32

FOUND = 0.25
"""A hand is found where its landmarks are off by less than this share of its size on average.

Poor landmarks of the hand itself stay below it; those of a region that slid off the hand, or of a hand beside
it, do not, since two hands that do not overlap are more than half a size apart.
"""
CLEAR = 0.5
"""Of two true hands, a reported one is clearly that one from which it is less than this share as far as from
the other. Only clear sights tell of identity: where hands cover each other, none is."""
HIDDEN = 0.5
"""Where the nearer hand covers more than this share of a hand's landmarks, nobody is asked to find it."""


Identity = int | str


@dataclass(frozen=True, slots=True)
class Score:
    """One program's outcome in one or more streams; sums of its fields belong to all of them."""

    frames: int  # counted
    in_sight: int  # hands to be found, over all frames
    errors: tuple[float, ...]  # of those found, shares of hand size
    swaps: int | None  # a hand is seen under the track that was the other hand's; None: no tracks
    new_tracks: int | None  # a hand that was seen before is seen under a new track; None: no tracks
    side_swaps: int  # a hand is named by the side that was the other hand's
    false: int  # frames with more hands reported than are there


@dataclass(frozen=True, slots=True)
class Measured:
    """One program in one condition: a row's part of the tables."""

    program: str
    condition: Condition
    frames: int
    in_sight: int
    found: float | None  # share of the hands in sight; None where there was none
    found_by_stream: tuple[float, ...]  # the same for each stream, in order
    error: float | None  # mean of those found, share of hand size
    error_p95: float | None
    swaps: float | None  # a minute; an exchange of both hands counts as two
    new_tracks: float | None  # a minute
    side_swaps: float  # a minute
    false: float  # share of frames


def score(staged: Staged, reported: Sequence[Sequence[Reported]], *, tracks: bool) -> Score:
    """Compares what a program reports in one stream with the truth.

    Args:
        staged: the stream.
        reported: hands in each of its frames.
        tracks: whether the program names tracks.
    """
    truth = np.ascontiguousarray(staged.scene.truth().landmarks[..., :2])
    there: NDArray[np.bool_] = np.asarray(np.isfinite(truth).all(axis=(2, 3)))
    hidden = hidden_hands(truth, staged.scene.joints[:, :, :, 0, 2].mean(1))
    errors: list[float] = []
    in_sight = false = 0
    sights: list[tuple[Reported | None, Reported | None]] = []
    for k in np.flatnonzero(staged.counted).tolist():
        frame_errors, clear = match(truth[k], reported[k])
        wanted = there[k] & ~hidden[k]
        in_sight += int(wanted.sum())
        errors += [frame_errors[hand] for hand in frame_errors if wanted[hand]]
        false += len(reported[k]) > int(there[k].sum())
        sights.append((clear.get(0), clear.get(1)))
    by_track = identity_changes([[hand.track if hand else None for hand in pair] for pair in sights])
    by_side = identity_changes([[hand.side if hand else None for hand in pair] for pair in sights])
    return Score(
        frames=int(staged.counted.sum()),
        in_sight=in_sight,
        errors=tuple(errors),
        swaps=by_track[0] if tracks else None,
        new_tracks=by_track[1] if tracks else None,
        side_swaps=by_side[0],
        false=false,
    )


def match(truth: Float32, reported: Sequence[Reported]) -> tuple[dict[int, float], dict[int, Reported]]:
    """Gives each true hand the reported one that lies on it.

    Args:
        truth: (2, 21, 2) pixels, NaN where no hand is.
        reported: by a program, in the same frame.

    Returns:
        For each hand that is found (0 or 1) its error, a share of hand size; and what was reported of those
        that it clearly belongs to (see `CLEAR`).
    """
    distance = np.full((len(truth), len(reported)), np.inf)
    for hand, points in enumerate(truth):
        if np.isfinite(points).all():
            size = float(np.ptp(points, axis=0).max())
            for k, other in enumerate(reported):
                distance[hand, k] = np.linalg.norm(other.points - points, axis=1).mean() / size
    errors: dict[int, float] = {}
    clear: dict[int, Reported] = {}
    free = distance.copy()
    while free.size and free.min() < FOUND:
        hand, k = (int(i) for i in np.unravel_index(int(free.argmin()), free.shape))
        errors[hand] = float(free[hand, k])
        others = np.delete(distance[:, k], hand)
        if errors[hand] < CLEAR * others.min(initial=np.inf):
            clear[hand] = reported[k]
        free[hand], free[:, k] = np.inf, np.inf
    return errors, clear


def hidden_hands(truth: Float32, depth: Float32) -> NDArray[np.bool_]:
    """(frames, 2) whether a hand lies behind the other one.

    Args:
        truth: (frames, 2, 21, 2) pixels, NaN where no hand is.
        depth: (frames, 2) of the hands' wrists; any unit.
    """
    hidden = np.zeros(truth.shape[:2], bool)
    for k, hands in enumerate(truth):
        if np.isfinite(hands).all():
            far = int(depth[k, 1] > depth[k, 0])
            outline = cv2.convexHull(hands[1 - far])
            inside = [cv2.pointPolygonTest(outline, (float(x), float(y)), False) >= 0 for x, y in hands[far]]
            hidden[k, far] = np.mean(inside) > HIDDEN
    return hidden


def identity_changes(sights: Sequence[Sequence[Identity | None]]) -> tuple[int, int]:
    """Counts (swaps, new identities) of true hands.

    A swap: a hand is seen under an identity that was last seen on another hand. New: a hand that was seen
    before is seen under an identity that no hand has had.

    Args:
        sights: for each frame the identity that each hand is seen under; None: not clearly seen.
    """
    owner: dict[Identity, int] = {}
    held: dict[int, Identity] = {}
    swaps = new = 0
    for frame in sights:
        before = dict(owner)
        for hand, identity in enumerate(frame):
            if identity is None:
                continue
            if identity != held.get(hand):
                swaps += before.get(identity, hand) != hand
                new += identity not in before and hand in held
            owner[identity], held[hand] = hand, identity
    return swaps, new


def summary(program: str, condition: Condition, scores: Sequence[Score]) -> Measured:
    """Puts the streams of one condition together."""
    frames = sum(s.frames for s in scores)
    in_sight = sum(s.in_sight for s in scores)
    errors = np.array([e for s in scores for e in s.errors])
    minutes = frames / FPS / 60

    def rate(counts: Sequence[int | None]) -> float | None:
        known = [c for c in counts if c is not None]
        return sum(known) / minutes if len(known) == len(counts) else None

    return Measured(
        program=program,
        condition=condition,
        frames=frames,
        in_sight=in_sight,
        found=len(errors) / in_sight if in_sight else None,
        found_by_stream=tuple(len(s.errors) / s.in_sight for s in scores if s.in_sight),
        error=float(errors.mean()) if len(errors) else None,
        error_p95=float(np.percentile(errors, 95)) if len(errors) else None,
        swaps=rate([s.swaps for s in scores]),
        new_tracks=rate([s.new_tracks for s in scores]),
        side_swaps=sum(s.side_swaps for s in scores) / minutes,
        false=sum(s.false for s in scores) / frames,
    )
