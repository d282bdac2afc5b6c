"""Streams in which each hand does its own, and models that know gestures of one hand and of both."""

from collections.abc import Sequence
from functools import cache

import numpy as np

from handflow.types import LEFT, RIGHT, Clip, Float32, Float64, HandSequence, Stream
from teach.few_shot_samples import PALM, clip_of, sequence, takes

FPS = 30
ONE_HAND = ("hand_left", "hand_right", "hand_up", "hand_down")
TAUGHT = 5
"""Takes of each gesture that models are taught; the one after is performed."""


@cache
def _takes() -> dict[str, list[Float32]]:
    """Landmarks (n, 21, 3) of a right hand in every take, from where it is first seen to where it is last."""
    found: dict[str, list[Float32]] = {}
    for clip in takes(ONE_HAND, TAUGHT + 1, fps=FPS):
        hand = clip.sequence.landmarks[:, RIGHT]
        seen = np.flatnonzero(np.isfinite(hand).all(axis=(1, 2)))
        times = np.arange(seen[0], seen[-1] + 1)
        flat = hand.reshape(len(hand), -1)
        whole = np.stack([np.interp(times, seen, flat[seen, k]) for k in range(63)], axis=1)
        found.setdefault(clip.label, []).append(whole.reshape(-1, 21, 3).astype(np.float32))
    return found


def mirrored(hand: Float32) -> Float32:
    """A left hand `(n, 21, 3)` on the same way as a right one."""
    result = hand.copy()
    result[..., 0] = 2 * hand[:, PALM, 0].mean(axis=1, keepdims=True) - hand[..., 0]
    return result


def hand_doing(gesture: str, start: float, seconds: float, *, number: int = TAUGHT) -> Float64:
    """A right hand `(n, 21, 3)` that waits until `start`, makes a gesture and rests; "rest": only waits."""
    made = _takes()["hand_up" if gesture == "rest" else gesture][number]
    count = round(seconds * FPS)
    frames = np.clip(np.arange(count) - round(start * FPS), 0, len(made) - 1 if gesture != "rest" else 0)
    noise = np.random.default_rng(number).normal(0, 0.5, (count, 21, 3))
    return np.asarray(made[frames] + noise)


def fidgeting(seconds: float) -> Float64:
    """A right hand `(n, 21, 3)` that is never still and means nothing."""
    hand = hand_doing("rest", 0, seconds)
    times = np.arange(len(hand)) / FPS
    size = np.linalg.norm(hand[0, 9, :2] - hand[0, 0, :2])
    sway = 0.12 * size * np.stack([np.sin(9 * times), np.sin(13 * times + 1)], axis=1)
    hand[..., :2] += sway[:, None]
    return hand


def both_hands(left: Float64 | None, right: Float64 | None) -> HandSequence:
    """A left hand, given as a right one, beside a right one; None: it is not there."""
    count = max(len(hand) for hand in (left, right) if hand is not None)
    marks = np.full((count, 2, 21, 3), np.nan)
    if left is not None:
        marks[:, LEFT] = mirrored(left.astype(np.float32)) - np.array([200, 0, 0])
    if right is not None:
        marks[:, RIGHT] = right + np.array([200, 0, 0])
    return sequence(marks, np.arange(count) / FPS)


def stream_of(made: HandSequence) -> Stream:
    return Stream("s", made, (), (640, 480))


def one_handed(gestures: Sequence[str] = ONE_HAND) -> list[Clip]:
    """Takes of one hand."""
    return [
        clip_of(both_hands(None, hand_doing(g, 0.3, 1.7, number=k)), g, f"{g}-{k}")
        for g in gestures
        for k in range(TAUGHT)
    ]


def reflected(hand: Float64) -> Float64:
    """A right hand `(n, 21, 3)` on the mirrored way, sideways, of another."""
    result = hand.copy()
    centre = hand[:, PALM, :1].mean(axis=1, keepdims=True)
    result[..., :1] += 2 * (centre[0] - centre)
    return result


def two_handed(label: str, right: str) -> list[Clip]:
    """Takes of a gesture of both hands: the left one mirrors what the right one does."""
    made = (hand_doing(right, 0.3, 1.7, number=k) for k in range(TAUGHT))
    return [clip_of(both_hands(reflected(m), m), label, f"{label}-{k}") for k, m in enumerate(made)]
