"""What a hand tracker adds to exact landmarks, fitted to what the hand models see of rendered video.

The constants come from `benchmarks/tracker_noise.py`, which renders clips, lets the hand models look at them
and measures how far they are from the truth: spread by speed, how long an error lasts, what stays with a
hand, and how often a hand is lost. Lengths are shares of the palm's length, speeds palm lengths a second.
"""

import numpy as np
from numpy.typing import NDArray

from handflow.types import Float32, Float64, HandSequence

_PALM = [0, 5, 9, 13, 17]
_JITTER = 0.006  # spread that is new in every frame
_BY_SPEED = 0.0008  # added to it for every palm length a second
_SLOW = 0.022  # spread of the error that comes and goes
_MEMORY = 0.5  # seconds over which that one lasts
_TOGETHER = 0.35  # of the whole hand, share of a landmark's own
_BIAS = 0.032  # spread of the error that stays with a hand
_LEVEL = 0.5  # spread of the logarithm of a recording's level of errors
_DEPTH = 4.3  # the depth is that much worse
_DEPTH_SEEN = 0.85, 0.34  # share of the true depth that is seen: mean and spread over hands
_FAST = 9.0  # from this speed on hands are lost
_LOST_FAST, _LOST = 0.2, 0.005  # times a second that a fast hand, or any hand, is lost
_LOSS = 0.0, 0.04  # seconds that it is lost: a frame or two
_IN_SIGHT = 0.45  # of its landmarks must be in the picture, or it is not found


def add_tracker_noise(
    sequence: HandSequence,
    rng: np.random.Generator,
    *,
    level: float = 1.0,
    frame_size: tuple[int, int] | None = None,
) -> HandSequence:
    """Landmarks as the hand models would have given them.

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
    speed = np.minimum(speed / np.maximum(np.nan_to_num(size), 1.0), 30.0)

    strength = level * np.exp(rng.normal(0, _LEVEL)) * size  # (n, 2)
    quick = (_JITTER + _BY_SPEED * speed)[:, :, None, None]
    own, whole = rng.normal(size=(n, 2, 21, 3)), rng.normal(size=(n, 2, 1, 3))
    error = quick * own + _SLOW * _lasting(gaps, (2, 21, 3), rng)
    together = quick * whole + _SLOW * _lasting(gaps, (2, 1, 3), rng)
    error[..., 2] *= _DEPTH
    error[..., :2] += _TOGETHER * together[..., :2]
    bias = _BIAS * rng.normal(size=(1, 2, 21, 3)) * [1, 1, _DEPTH]
    error = strength[:, :, None, None] * error + level * size[:, :, None, None] * bias
    landmarks = exact + error
    # Of the depth a share is seen, the same all along.
    share = np.clip(rng.normal(*_DEPTH_SEEN, (1, 2, 1)), 0.2, 1.5)
    landmarks[..., 2] += (share - 1) * exact[..., 2] * min(level, 1.0)
    landmarks = landmarks.astype(np.float32)
    landmarks[..., 0, 2] = np.where(np.isfinite(landmarks[..., 0, 2]), 0.0, np.nan)

    lost = _losses(speed, gaps, rng, level)
    if frame_size is not None:
        with np.errstate(invalid="ignore"):
            inside = ((exact[..., :2] >= 0) & (exact[..., :2] < np.array(frame_size))).all(-1).mean(-1)
        lost |= inside < _IN_SIGHT
    landmarks[lost] = np.nan
    seen = np.isfinite(landmarks).all(axis=(2, 3))
    sure = 1 - np.abs(rng.normal(0, 0.02 * level, (n, 2))) - 0.004 * level * speed
    right = np.where(seen, np.array([0.03, 0.97]) + rng.normal(0, 0.01, (n, 2)), np.nan)
    return HandSequence(
        landmarks=landmarks,
        timestamps=sequence.timestamps,
        handedness=right.clip(0, 1).astype(np.float32),
        presence=np.where(seen, sure.clip(0.5, 1), 0).astype(np.float32),
    )


def _lasting(gaps: Float64, shape: tuple[int, ...], rng: np.random.Generator) -> Float64:
    """(frames, *shape) noise of spread 1 that forgets itself within `_MEMORY`."""
    keep = np.exp(-gaps / _MEMORY)
    noise = rng.normal(size=(len(gaps), *shape))
    fresh = np.sqrt(1 - keep**2)
    for i in range(1, len(gaps)):
        noise[i] = keep[i] * noise[i - 1] + fresh[i] * noise[i]
    return noise


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
    """(n, 2) whether a hand is lost: where it is fast, for a frame or a few."""
    lost = np.zeros(speed.shape, bool)
    rate = level * (_LOST + _LOST_FAST * (speed >= _FAST))
    starts = rng.random(speed.shape) < rate * gaps[:, None]
    length = rng.uniform(*_LOSS, speed.shape)
    times = np.cumsum(gaps)
    for i, slot in zip(*np.nonzero(starts), strict=True):
        end = int(np.searchsorted(times, times[i] + length[i, slot]))
        lost[i : end + 1, slot] = True
    return lost
