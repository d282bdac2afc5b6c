"""Puts recorded clips into the situations of live use: held before and after, slower, at another frame rate,
followed by the return of the hand. All on raw landmark sequences, before the one feature path.
"""

import numpy as np

from handflow.recognize.windows import PALM, usable_hands
from handflow.types import Float32, Float64, HandSequence


def sequence_from(landmarks: Float32, timestamps: Float64) -> HandSequence:
    """A sequence of landmarks alone; handedness and presence play no part in training."""
    seen = np.isfinite(landmarks).all(axis=(2, 3))
    return HandSequence(
        landmarks=landmarks.astype(np.float32, copy=False),
        timestamps=np.asarray(timestamps, np.float64),
        handedness=np.where(seen, np.array([0.0, 1.0], np.float32), np.nan).astype(np.float32),
        presence=np.asarray(seen, np.float32),
    )


def at_tempo(sequence: HandSequence, factor: float) -> HandSequence:
    """The same motion, `factor` times as long."""
    start = sequence.timestamps[0]
    return sequence_from(sequence.landmarks, start + (sequence.timestamps - start) * factor)


def thinned(sequence: HandSequence, fps: float, rng: np.random.Generator) -> HandSequence:
    """The frames that a camera of `fps` frames a second would have kept; the last frame always."""
    times = sequence.timestamps
    step = 1 / fps
    ticks = np.arange(times[-1], times[0] - 1e-6, -step)[::-1]
    ticks = ticks - rng.uniform(0, step) * (len(ticks) > 3)
    keep = np.unique(np.clip(np.searchsorted(times, ticks), 0, len(times) - 1))
    return sequence_from(sequence.landmarks[keep], times[keep])


def held(sequence: HandSequence, before: float, after: float, rng: np.random.Generator) -> HandSequence:
    """The sequence with its hands kept still for `before` and `after` seconds, with a tracker's tremble."""
    times = sequence.timestamps
    step = _step(sequence)
    lead = np.arange(int(before / step), 0, -1) * step
    tail = np.arange(1, int(after / step) + 1) * step
    marks = np.concatenate(
        [
            _still(sequence.landmarks[0], len(lead), rng)[::-1],
            sequence.landmarks,
            _still(sequence.landmarks[-1], len(tail), rng),
        ]
    )
    return sequence_from(marks, np.concatenate([times[0] - lead, times, times[-1] + tail]))


def reversed_in_time(sequence: HandSequence, factor: float) -> HandSequence:
    """The motion backwards, `factor` times as long: the way back to where a stroke began."""
    times = sequence.timestamps
    return sequence_from(sequence.landmarks[::-1], (times[-1] - times[::-1]) * factor)


def joined(first: HandSequence, second: HandSequence, gap: float) -> HandSequence:
    """`second` after `first`, its hands beginning where those of `first` ended.

    Args:
        first: keeps its clock.
        second: follows after `gap` seconds (at least one frame).
        gap: seconds without a frame between; more than a frame's worth looks like a hand out of sight.
    """
    shift = first.timestamps[-1] + max(gap, _step(first)) - second.timestamps[0]
    return sequence_from(
        np.concatenate([first.landmarks, second.landmarks]),
        np.concatenate([first.timestamps, second.timestamps + shift]),
    )


def still(sequence: HandSequence, seconds: float, rng: np.random.Generator) -> HandSequence:
    """The hands as they were in one frame, doing nothing."""
    usable = np.flatnonzero(usable_hands(sequence.landmarks).any(axis=1))
    frame = int(rng.choice(usable)) if len(usable) else 0
    one = sequence_from(sequence.landmarks[frame : frame + 1], sequence.timestamps[:1])
    return held(one, seconds, 0.0, rng)


def moved_to_start_of(sequence: HandSequence, other: HandSequence) -> HandSequence:
    """The sequence moved over the picture so that its hand ends where that of `other` begins."""
    return _moved(sequence, _edge(sequence, last=True), _edge(other, last=False))


def moved_to_end_of(sequence: HandSequence, other: HandSequence) -> HandSequence:
    """The sequence moved over the picture so that its hand begins where that of `other` ends."""
    return _moved(sequence, _edge(sequence, last=False), _edge(other, last=True))


def _edge(sequence: HandSequence, *, last: bool) -> tuple[int, Float64, float] | None:
    """Slot, place (2,) and size of the hand first or last seen; None where none is seen."""
    usable = usable_hands(sequence.landmarks)
    frames = np.flatnonzero(usable.any(axis=1))
    if not len(frames):
        return None
    frame = int(frames[-1 if last else 0])
    slot = int(usable[frame].argmax())
    palm = sequence.landmarks[frame, slot][PALM, :2].astype(np.float64)
    centre = palm.mean(axis=0)
    return slot, centre, float(np.linalg.norm(palm - centre, axis=-1).mean())


def _moved(
    sequence: HandSequence,
    own: tuple[int, Float64, float] | None,
    aim: tuple[int, Float64, float] | None,
) -> HandSequence:
    if own is None or aim is None:
        return sequence
    marks = sequence.landmarks.astype(np.float64)
    marks[..., :2] -= own[1]
    marks *= aim[2] / max(own[2], 1e-9)
    if own[0] != aim[0]:
        # The other hand of another person: as a mirror shows it.
        marks = marks[:, ::-1] * [-1, 1, 1]
    marks[..., :2] += aim[1]
    return sequence_from(marks.astype(np.float32), sequence.timestamps)


def scrambled(sequence: HandSequence, parts: int, rng: np.random.Generator) -> HandSequence:
    """The parts of a motion in another order: hands that move, but make no gesture."""
    pieces = np.array_split(np.arange(len(sequence)), parts)
    order = rng.permutation(len(pieces))
    while parts > 1 and (order == np.arange(len(pieces))).all():
        order = rng.permutation(len(pieces))
    turned = [pieces[k][:: rng.choice([-1, 1])] for k in order]
    return sequence_from(sequence.landmarks[np.concatenate(turned)], sequence.timestamps)


def is_stroke(sequence: HandSequence) -> bool:
    """Whether the hand ends elsewhere than it began, so that it has to come back."""
    usable = usable_hands(sequence.landmarks)
    slot = int(usable.sum(axis=0).argmax())
    there = np.flatnonzero(usable[:, slot])
    if len(there) < 4:
        return False
    palm = sequence.landmarks[there, slot][:, PALM, :2].astype(np.float64)
    size = np.linalg.norm(palm - palm.mean(axis=1, keepdims=True), axis=-1).mean(axis=1) * 1.6
    unit = max(float(np.median(size)), 1e-9)
    place = np.concatenate([palm.mean(axis=1) / unit, 2 * np.log(np.maximum(size, 1e-9))[:, None]], axis=1)
    third = max(1, len(place) // 8)
    way = float(np.linalg.norm(np.median(place[-third:], axis=0) - np.median(place[:third], axis=0)))
    extent = float(np.linalg.norm(np.ptp(place, axis=0)))
    return way > 0.6 and way > 0.65 * extent


def _step(sequence: HandSequence) -> float:
    return float(np.median(np.diff(sequence.timestamps))) if len(sequence) > 1 else 1 / 30


def _still(marks: Float32, count: int, rng: np.random.Generator) -> Float32:
    """`count` frames of hands `(2, 21, 3)` that stay where they are, drifting and trembling a little."""
    result = np.repeat(marks[None], count, axis=0)
    if not count:
        return result
    with np.errstate(invalid="ignore"):
        palm = marks[:, PALM, :2]
        size = np.linalg.norm(palm - palm.mean(axis=1, keepdims=True), axis=-1).mean(axis=1) * 1.6  # (2,)
    drift = np.cumsum(rng.normal(0, 0.012, (count, 2, 1, 3)), axis=0) * [1, 1, 0]
    tremble = rng.normal(0, 0.012, (count, 2, 21, 3)) * [1, 1, 2]
    result += ((drift + tremble) * size[None, :, None, None]).astype(np.float32)
    return result
