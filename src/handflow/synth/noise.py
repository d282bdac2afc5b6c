"""What a hand tracker adds to exact landmarks: a mild model of its errors."""

import numpy as np
from numpy.typing import NDArray

from handflow.types import Float32, Float64, HandSequence

_PALM = [0, 5, 9, 13, 17]
_JITTER = 0.010  # of the palm's length, hand at rest
_JITTER_BY_SPEED = 0.012  # of the palm's length, for each palm length a tenth of a second
_MEMORY = 0.06  # seconds over which an error lasts
_BIAS = 0.02  # of the palm's length: an error that stays with a hand
_DEPTH = 2.5  # the depth is that much worse
_LOSS = 0.12  # share of frames lost at 20 palm lengths a second


def add_tracker_noise(
    sequence: HandSequence,
    rng: np.random.Generator,
    *,
    level: float = 1.0,
    frame_size: tuple[int, int] | None = None,
) -> HandSequence:
    """Landmarks as a tracker would have given them.

    Errors last for some hundredths of a second, grow with speed and are worst in depth; fast hands, and hands
    that have mostly left the picture, are lost for a frame or a few.

    Args:
        sequence: exact landmarks.
        rng: what decides.
        level: multiplies errors and losses; 0 changes nothing.
        frame_size: (width, height) of the picture, pixels; None: no hand is lost at its edge.

    Raises:
        ValueError: the level is negative.
    """
    if level < 0:
        raise ValueError(f"the level of noise is {level}, expected 0 or more")
    n = len(sequence)
    if n == 0 or level == 0:
        return sequence
    exact = sequence.landmarks
    gaps = np.diff(sequence.timestamps, prepend=sequence.timestamps[0] - 1 / 30)
    with np.errstate(invalid="ignore"):
        size = np.linalg.norm(exact[:, :, 9, :2] - exact[:, :, 0, :2], axis=-1)  # (n, 2)
    size = np.maximum(size, np.nan_to_num(_usual_size(exact))[None])
    centre = exact[:, :, _PALM, :2].mean(axis=2)
    speed = np.zeros((n, 2))
    speed[1:] = np.nan_to_num(np.linalg.norm(np.diff(centre, axis=0), axis=-1) / gaps[1:, None])
    speed /= np.maximum(np.nan_to_num(size), 1.0)  # palm lengths a second

    keep = np.exp(-gaps / _MEMORY)
    fresh = rng.normal(size=(n, 2, 21, 3))
    lasting = np.empty_like(fresh)
    lasting[0] = fresh[0]
    for i in range(1, n):
        lasting[i] = keep[i] * lasting[i - 1] + np.sqrt(1 - keep[i] ** 2) * fresh[i]
    whole = rng.normal(size=(1, 2, 21, 3))
    strength = (_JITTER + _JITTER_BY_SPEED * speed / 10) * size
    error = strength[:, :, None, None] * lasting + _BIAS * size[:, :, None, None] * whole
    error[..., 2] *= _DEPTH
    landmarks = (exact + level * error).astype(np.float32)
    landmarks[..., 0, 2] = np.where(np.isfinite(landmarks[..., 0, 2]), 0.0, np.nan)

    lost = _losses(speed, gaps, rng, level)
    if frame_size is not None:
        inside = ((exact[..., :2] >= 0) & (exact[..., :2] < np.array(frame_size))).all(-1).mean(-1)
        lost |= inside < 0.45
    landmarks[lost] = np.nan
    seen = np.isfinite(landmarks).all(axis=(2, 3))
    sure = 1 - np.abs(rng.normal(0, 0.02 * level, (n, 2))) - 0.004 * level * np.minimum(speed, 40)
    right = np.where(seen, np.array([0.03, 0.97]) + rng.normal(0, 0.01, (n, 2)), np.nan)
    return HandSequence(
        landmarks=landmarks,
        timestamps=sequence.timestamps,
        handedness=right.clip(0, 1).astype(np.float32),
        presence=np.where(seen, sure.clip(0.5, 1), 0).astype(np.float32),
    )


def _usual_size(landmarks: Float32) -> Float64:
    """(2,) the size of each hand's palm when it is seen flat, pixels; NaN: never seen."""
    sizes = np.linalg.norm(landmarks[:, :, 9, :2] - landmarks[:, :, 0, :2], axis=-1)
    seen = np.isfinite(sizes).any(axis=0)
    out = np.full(2, np.nan)
    for slot in np.flatnonzero(seen):
        out[slot] = 0.7 * np.nanpercentile(sizes[:, slot], 90)
    return out


def _losses(
    speed: Float64,
    gaps: Float64,
    rng: np.random.Generator,
    level: float,
) -> NDArray[np.bool_]:
    """(n, 2) whether a hand is lost: more likely when it is fast, for 30 to 150 ms."""
    lost = np.zeros(speed.shape, bool)
    chance = level * _LOSS * (np.minimum(speed, 30) / 20) ** 2 + 0.0015 * level
    starts = rng.random(speed.shape) < chance
    length = rng.uniform(0.03, 0.15, speed.shape)
    times = np.cumsum(gaps)
    for i, slot in zip(*np.nonzero(starts), strict=True):
        lost[i:, slot] |= times[i:] - times[i] < length[i, slot]
    return lost
