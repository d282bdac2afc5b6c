"""What a hand tracker makes of exact landmarks, for a whole batch at once.

The constants follow what the real hand models see of rendered video (`benchmarks/tracker_noise.py`). Losses
are set far higher than there: other trackers, and cameras in dim rooms, lose hands more often.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True)
class TrackerErrors:
    """How a tracker errs; lengths in palm lengths, speeds in palm lengths a second."""

    jitter: float = 0.009  # spread of a landmark from frame to frame
    by_speed: float = 0.001  # added for each palm length a second
    slow: float = 0.021  # spread of the error that comes and goes slowly
    memory: float = 0.5  # seconds over which the slow error lasts
    together: float = 0.4  # of the whole hand, share of that of a landmark
    bias: float = 0.035  # error that a landmark keeps over a take
    depth: float = 3.5  # the depth is that much worse
    heavy: float = 0.5  # spread of the logarithm of a take's level of errors
    depth_seen: tuple[float, float] = (
        -0.25,
        0.35,
    )  # logarithm of the share of the depth that is seen: mean, spread
    losses: float = 0.15  # a second, at rest
    losses_by_speed: float = 0.03  # a second, for each palm length a second
    lost: tuple[float, float] = (0.03, 0.3)  # seconds that a loss lasts
    frozen: float = 0.15  # share of takes whose missing steps repeat the last frame
    wild: float = 0.03  # share of takes in which the hand is seen quite wrong for a moment

    def __post_init__(self) -> None:
        for name in (
            "jitter",
            "by_speed",
            "slow",
            "together",
            "bias",
            "depth",
            "heavy",
            "losses",
            "losses_by_speed",
        ):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} is {getattr(self, name)}, expected a number from 0 on")
        if not self.memory > 0:
            raise ValueError(f"memory is {self.memory}, expected seconds above 0")
        for name in ("frozen", "wild"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is {getattr(self, name)}, expected a share from 0 to 1")
        if not self.depth_seen[1] >= 0:
            raise ValueError(f"depth_seen is {self.depth_seen}")
        if not 0 <= self.lost[0] <= self.lost[1]:
            raise ValueError(f"lost is {self.lost}")


def tracked(
    draws: Any,
    marks: Any,
    seconds: Any,
    rates: tuple[float, float],
    errors: TrackerErrors,
    person: Callable[[int], Any],
) -> Any:
    """Landmarks `(B, S, hands, 21, 3)` with the errors of a tracker on the frames of a camera.

    Steps between two frames, and those in which the hand was lost, are interpolated, as views are.

    Args:
        draws: what decides (`performances.Draws`).
        marks: exact landmarks, palm lengths.
        seconds: (B,) how long each performance lasts.
        rates: slowest and fastest camera, frames a second.
        errors: how much.
        person: gives (B, size) standard normal numbers that takes of one person share.
    """
    xp = draws.xp
    b, steps, hands = marks.shape[:3]
    step = seconds[:, None] / (steps - 1)  # (B, 1)
    centre = xp.mean(marks[:, :, :, [0, 5, 17], :2], axis=3)
    change = xp.sqrt(xp.sum((centre[:, 1:] - centre[:, :-1]) ** 2, axis=-1) + 1e-12)
    speed = xp.concat([change[:, :1], change], axis=1) / step[..., None]  # (B, S, hands)
    speed = xp.clip(speed, 0.0, 30.0)
    level = xp.exp(errors.heavy * person(1))[:, :, None, None, None]
    quick = (errors.jitter + errors.by_speed * speed)[..., None, None]
    worse = draws.array(np.array([1, 1, errors.depth], np.float32))
    flat = draws.array(np.array([1, 1, 0], np.float32))
    keep = xp.exp(-step / errors.memory)[:, :, None, None]  # (B, 1, 1, 1)
    own = quick * draws.normal(b, steps, hands, 21, 3)
    own = own + errors.slow * _lasting(draws, keep, (b, steps, hands, 21, 3))
    whole = quick * draws.normal(b, steps, hands, 1, 3)
    whole = whole + errors.slow * _lasting(draws, keep, (b, steps, hands, 1, 3))
    noise = level * (own * worse + errors.together * whole * flat)
    bias = errors.bias * (0.6 * draws.normal(b, 1, hands, 21, 3) + 0.8 * _shared(draws, person, b, hands))
    wild = _wild(draws, b, steps, errors.wild)
    noise = noise + 0.25 * wild[:, :, None, None, None] * draws.normal(b, 1, hands, 21, 3)
    middle, spread = errors.depth_seen
    share = xp.exp(middle + spread * (0.85 * person(1) + 0.5 * draws.normal(b, 1)))[:, :, None, None]
    away = marks[..., 2:] * xp.clip(share, 0.2, 1.5)[..., None]
    seen = xp.concat([marks[..., :2], away], axis=-1) + noise + bias * worse
    rate = rates[0] * xp.exp(np.log(rates[1] / rates[0]) * draws.uniform(0, 1, b, 1))
    frames = _frames(draws, step * rate, steps)
    lost = _losses(draws, speed, step, errors)
    held = draws.uniform(0, 1, b, 1) < errors.frozen
    parts = [_bridged(seen[:, :, hand], frames & ~lost[:, :, hand], held, xp, draws) for hand in range(hands)]
    return xp.astype(xp.stack(parts, axis=2), xp.float32)


def _lasting(draws: Any, keep: Any, shape: tuple[int, ...]) -> Any:
    """Noise that forgets itself by `keep` from step to step, of spread 1."""
    xp = draws.xp
    fresh = draws.normal(*shape)
    now = fresh[:, 0]
    every = [now]
    new = xp.sqrt(1 - keep**2)
    for k in range(1, shape[1]):
        now = keep * now + new * fresh[:, k]
        every.append(now)
    return xp.stack(every, axis=1)


def _shared(draws: Any, person: Callable[[int], Any], b: int, hands: int) -> Any:
    """(B, 1, hands, 21, 3) biases that all takes of a person have in common."""
    return draws.xp.reshape(person(hands * 63), (b, 1, hands, 21, 3))


def _wild(draws: Any, b: int, steps: int, share: float) -> Any:
    """(B, S) 1 in a short stretch of some takes."""
    xp = draws.xp
    even = draws.array(np.arange(steps, dtype=np.float32))[None]
    begin = draws.uniform(0, steps, b, 1)
    there = (even >= begin) & (even < begin + draws.uniform(1, 4, b, 1))
    return xp.astype(there & (draws.uniform(0, 1, b, 1) < share), xp.float32)


def _frames(draws: Any, frames_a_step: Any, steps: int) -> Any:
    """(B, S) whether a frame was taken at a step: with slow cameras not at every one."""
    xp = draws.xp
    even = draws.array(np.arange(steps, dtype=np.float32))[None]
    number = xp.floor(even * xp.clip(frames_a_step, 0.1, 1.0) + draws.uniform(0, 1, len(frames_a_step), 1))
    changed = xp.concat([number[:, :1] >= 0, number[:, 1:] > number[:, :-1]], axis=1)
    return changed | (even == steps - 1)


def _losses(draws: Any, speed: Any, step: Any, errors: TrackerErrors) -> Any:
    """(B, S, hands) whether the hand is lost: more often when it is fast."""
    xp = draws.xp
    b, steps, hands = speed.shape
    chance = (errors.losses + errors.losses_by_speed * speed) * step[..., None]
    begins = draws.uniform(0, 1, b, steps, hands) < chance
    low, high = errors.lost
    length = draws.uniform(low, high, b, steps, hands) / step[..., None]
    since = xp.full((b, hands), 1e9) if not begins.shape[1] else length[:, 0] * 0 + 1e9
    limit = since * 0
    lost = []
    for k in range(steps):
        fresh = begins[:, k] & (since >= limit)
        since = xp.where(fresh, since * 0, since + 1)
        limit = xp.where(fresh, length[:, k], limit)
        lost.append(since < limit)
    return xp.stack(lost, axis=1)


def _bridged(marks: Any, seen: Any, held: Any, xp: Any, draws: Any) -> Any:
    """Landmarks (B, S, 21, 3) interpolated, or held, over the steps that were not seen (B, S)."""
    b, steps = seen.shape
    even = draws.array(np.arange(steps))
    ends = (even == 0) | (even == steps - 1)
    seen = seen | ends[None]
    earlier = xp.where(seen[:, None, :] & (even[None, None, :] <= even[None, :, None]), even, -1)
    later = xp.where(seen[:, None, :] & (even[None, None, :] >= even[None, :, None]), even, steps)
    before, after = xp.max(earlier, axis=2), xp.min(later, axis=2)
    after = xp.where(held & ~seen, before, after)
    gap = xp.clip(after - before, 1, None)
    weight = xp.astype(even[None] - before, xp.float32) / xp.astype(gap, xp.float32)
    weight = weight[..., None, None]
    rows = draws.array(np.arange(b))[:, None]
    return marks[rows, before] * (1 - weight) + marks[rows, after] * weight
