"""Hands whose motion is a formula, virtual persons' clips, and looks without any encoder."""

from collections.abc import Callable, Iterable, Sequence
from functools import cache

import numpy as np

from handflow.recognize.few_shot.classifier import Usual
from handflow.recognize.few_shot.hand_features import FRAME_CHANNELS
from handflow.recognize.few_shot.looks import Looks
from handflow.recognize.few_shot.parts import PARTS
from handflow.synth.clips import landmark_clips
from handflow.synth.person import random_person
from handflow.synth.skeleton import hand_joints
from handflow.types import LEFT, RIGHT, Clip, Float32, Float64, HandSequence

USUAL = Usual(
    (1.5, 1.5, 3.0, 0.8, 3.0)[: len(PARTS)], levels=(-1.6, -1.6, 1.6, -3.2), border=0.5, steepness=5.0
)
"""Of looks made here, with a spread of 0.5; the packaged one is settled anew whenever the encoders are."""
PALM = (0, 5, 17)
"""Landmarks whose mean is the palm's centre."""
SIZE = 60.0
"""Pixels from the wrist to the middle knuckle, about, of the hands made here."""
WIDTH = 32
"""Dimensions of the points that looks made here have."""
CLEAR = ("hand_left", "hand_right", "hold_fist")
"""Gestures that any encoders tell apart."""

Path = Callable[[Float64], Float64]


def swipe(phase: Float64) -> Float64:
    """(n, 2) three hand sizes to the right with a small arc, smoothly; phase 0 to 1."""
    eased = phase * phase * (3 - 2 * phase)
    return np.stack([3 * SIZE * eased, -SIZE * np.sin(np.pi * eased)], axis=1)


def stay(phase: Float64) -> Float64:
    """(n, 2) no motion at all."""
    return np.zeros((len(phase), 2))


def shapes(curl: Float64) -> Float64:
    """(n, 21, 3) pixels, the palm's centre at the origin: right hands, curled 0 (open) to 1 (fist)."""
    pose = np.concatenate([np.repeat(curl[:, None], 5, axis=1), np.zeros((len(curl), 2))], axis=1)
    joints = hand_joints(pose).astype(np.float64) * np.array([1, -1, 1])
    joints *= SIZE / np.linalg.norm(joints[:1, 9] - joints[:1, 0])
    return np.asarray(joints - joints[:, PALM].mean(axis=1, keepdims=True))


def sequence(landmarks: Float64 | Float32, times: Float64) -> HandSequence:
    """A sequence of landmarks (n, 2, 21, 3), NaN where no hand is seen."""
    marks = np.asarray(landmarks, np.float32)
    seen = np.isfinite(marks).all(axis=(2, 3))
    handedness = np.where(seen, np.array([0.05, 0.95]), np.nan).astype(np.float32)
    return HandSequence(marks, np.asarray(times, np.float64), handedness, seen.astype(np.float32))


def performed(
    times: Float64,
    path: Path = swipe,
    *,
    start: float = 0.0,
    lasts: float = 1.0,
    slot: int = RIGHT,
    curl: tuple[float, float] = (0.0, 0.0),
    at: tuple[float, float] = (100.0, 120.0),
) -> HandSequence:
    """A hand that waits until `start` (seconds), moves along `path` while its fingers curl, and rests.

    A left hand has the mirrored shape and the same path.
    """
    times = np.asarray(times, np.float64)
    phase = ((times - start) / lasts).clip(0, 1)
    hand = shapes(curl[0] + phase * (curl[1] - curl[0]))
    if slot == LEFT:
        hand[..., 0] *= -1
    hand[..., :2] += (path(phase) + at)[:, None]
    marks = np.full((len(times), 2, 21, 3), np.nan)
    marks[:, slot] = hand
    return sequence(marks, times)


def together(left: HandSequence, right: HandSequence) -> HandSequence:
    """The left hand of one sequence and the right hand of another of the same moments."""
    marks = np.stack([left.landmarks[:, LEFT], right.landmarks[:, RIGHT]], axis=1)
    return sequence(marks, left.timestamps)


def until(made: HandSequence, end: float) -> HandSequence:
    """The frames up to a moment."""
    first = int((made.timestamps <= end + 1e-9).sum())
    return HandSequence(
        made.landmarks[:first],
        made.timestamps[:first],
        made.handedness[:first],
        made.presence[:first],
        made.filled[:first],
    )


def nothing(frames: int, fps: float = 30.0) -> HandSequence:
    """Frames in which no hand is seen."""
    return sequence(np.full((frames, 2, 21, 3), np.nan), np.arange(frames) / fps)


def clip_of(made: HandSequence, label: str, id: str = "one", subject: str | None = None) -> Clip:
    return Clip(id, label, made, (640, 480), subject, source="test")


@cache
def takes(
    gestures: tuple[str, ...] = CLEAR,
    count: int = 3,
    *,
    people: tuple[int, ...] = (5,),
    hand: str = "right",
    fps: float = 15,
) -> tuple[Clip, ...]:
    """`count` noisy takes of every gesture by each of some virtual persons."""
    persons = [random_person(k, hand=hand) for k in people]
    return tuple(landmark_clips(gestures, persons, count, seed=1, fps=fps, seconds=1.5))


def unit(vectors: Float64) -> Float64:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True))


def centres(count: int, seed: int = 0) -> Float64:
    """(count, WIDTH) random unit vectors: nearly at right angles."""
    return unit(np.random.default_rng(seed).normal(size=(count, WIDTH)))


def looks(acting: Float64, other: Float64 | None = None, *, noise: float = 1e-4, seed: int = 0) -> Looks:
    """Looks whose encoders put each hand at the given unit vectors (n, d), both experts alike.

    The steps that time warping compares are the vector itself, eight times.

    Args:
        acting: the acting hand of each.
        other: the other hand of each, NaN where there is none; None: nowhere.
        noise: a trace of it in the steps, as no two recordings are the same.
        seed: of the noise.
    """
    n, width = acting.shape
    second = np.full((n, width), np.nan) if other is None else other
    there = np.isfinite(second).all(axis=1)
    hands = np.stack([acting, np.where(there[:, None], second, 0)], axis=1).astype(np.float32)
    frames = np.zeros((n, 2, 8, FRAME_CHANNELS), np.float32)
    frames[..., :width] = hands[:, :, None]
    frames += np.random.default_rng(seed).normal(0, noise, frames.shape).astype(np.float32)
    frames[~there, 1] = 0
    share = np.stack([np.ones(n), there], axis=1).astype(np.float32)
    return Looks(np.concatenate([hands, hands], axis=2), frames, share)


def around(centres: Float64, counts: Sequence[int], spread: float, seed: int) -> Float64:
    """Random unit vectors: `counts[k]` of them around `centres[k]`, one centre after the other."""
    chance = np.random.default_rng(seed)
    width = centres.shape[1]
    return np.concatenate([
        unit(centre + spread * chance.normal(0, 1 / np.sqrt(width), (count, width)))
        for centre, count in zip(centres, counts, strict=True)
    ])  # fmt: skip


def names(gestures: Iterable[str], counts: Iterable[int]) -> list[str]:
    """Each gesture's name as often as its count says."""
    return [name for name, count in zip(gestures, counts, strict=True) for _ in range(count)]
