"""Puts recorded clips into the situations of live use: held before and after, slower, at another frame rate,
followed by the return of the hand. All on raw landmark sequences, before the one feature path.
"""

from dataclasses import dataclass

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
    """The frames that a camera of `fps` frames a second, starting any time, would have kept."""
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


def between(sequence: HandSequence, start: float, end: float) -> HandSequence:
    """The frames from `start` to `end` (seconds), two at least; the clock stays."""
    times = sequence.timestamps
    low, high = np.searchsorted(times, [start - 1e-6, end + 1e-6])
    low = int(min(low, max(len(times) - 2, 0)))
    high = int(max(high, low + 2))
    return sequence_from(sequence.landmarks[low:high], times[low:high])


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


def with_travel(
    sequence: HandSequence,
    elsewhere: HandSequence,
    distance: float,
    seconds: float,
    *,
    after: bool,
    rng: np.random.Generator,
) -> HandSequence:
    """The sequence with its hand coming from, or going to, where and how it is in some frame of another clip.

    The way is smooth (minimum jerk: Flash and Hogan, J. Neuroscience 5(7), 1985) and slightly bent, the
    hand's shape changing on the way: what people do before and after a gesture. The clock stays.

    Args:
        sequence: what the hand does besides.
        elsewhere: a clip, one frame of which gives shape and direction of the other end.
        distance: length of the way, palm sizes (as `_Edge.size` measures them).
        seconds: how long the way takes; its peak speed is 1.875 times the mean.
        after: whether the hand goes after the sequence, else it comes before.
    """
    here, there = _edge(sequence, last=after), _edge(elsewhere, last=bool(rng.random() < 0.5))
    step = _step(sequence)
    count = int(seconds / step)
    if here is None or there is None or count < 2:
        return sequence
    slot, place, size = here.slot, here.place, here.size
    shape = (there.hand - np.append(there.place, there.hand[0, 2])) * (size / max(there.size, 1e-9))
    if there.slot != slot:
        shape[:, 0] *= -1
    # Mostly from and to below, where hands rest.
    angle = np.pi / 2 + rng.normal(0, 0.6) if rng.random() < 0.5 else rng.uniform(0, 2 * np.pi)
    way = size * distance * np.array([np.cos(angle), np.sin(angle)])
    other = shape * rng.uniform(0.85, 1.15) + np.append(place + way, here.hand[0, 2])
    time = np.arange(1, count + 1) / count
    share = (10 * time**3 - 15 * time**4 + 6 * time**5)[:, None, None]
    travel = here.hand * (1 - share) + other * share  # (count, 21, 3)
    bend = np.array([-way[1], way[0]]) * rng.normal(0, 0.15)
    travel[..., :2] += 4 * share * (1 - share) * bend
    marks = np.full((count, 2, 21, 3), np.nan, np.float32)
    marks[:, slot] = travel + _tremble((count, 21, 3), size, rng)
    frames = here.frame
    if after:
        kept = sequence.landmarks[: frames + 1], sequence.timestamps[: frames + 1]
        times = kept[1][-1] + step * np.arange(1, count + 1)
        return sequence_from(np.concatenate([kept[0], marks]), np.concatenate([kept[1], times]))
    kept = sequence.landmarks[frames:], sequence.timestamps[frames:]
    times = kept[1][0] - step * np.arange(count, 0, -1)
    return sequence_from(np.concatenate([marks[::-1], kept[0]]), np.concatenate([times, kept[1]]))


def peak_speed(sequence: HandSequence) -> float:
    """Fastest movement of the palm, in its sizes (as `_Edge.size` measures them) a second."""
    usable = usable_hands(sequence.landmarks)
    slot = int(usable.sum(axis=0).argmax())
    there = np.flatnonzero(usable[:, slot])
    if len(there) < 4:
        return 0.0
    palm = sequence.landmarks[there, slot][:, PALM, :2].astype(np.float64)
    size = float(np.median(np.linalg.norm(palm - palm.mean(axis=1, keepdims=True), axis=-1).mean(axis=1)))
    moved = np.linalg.norm(np.diff(palm.mean(axis=1), axis=0), axis=-1)
    gaps = np.diff(sequence.timestamps[there])
    return float(np.quantile(moved / gaps, 0.9)) / max(size, 1e-9)


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


@dataclass(frozen=True, slots=True, eq=False)
class _Edge:
    """The hand first or last seen in a sequence."""

    frame: int
    slot: int
    hand: Float64  # (21, 3)
    place: Float64  # (2,) centre of the palm
    size: float  # mean distance of the palm's landmarks from its centre


def _edge(sequence: HandSequence, *, last: bool) -> _Edge | None:
    usable = usable_hands(sequence.landmarks)
    frames = np.flatnonzero(usable.any(axis=1))
    if not len(frames):
        return None
    frame = int(frames[-1 if last else 0])
    slot = int(usable[frame].argmax())
    hand = sequence.landmarks[frame, slot].astype(np.float64)
    place = hand[list(PALM), :2].mean(axis=0)
    return _Edge(
        frame, slot, hand, place, float(np.linalg.norm(hand[list(PALM), :2] - place, axis=-1).mean())
    )


def _moved(sequence: HandSequence, own: _Edge | None, aim: _Edge | None) -> HandSequence:
    if own is None or aim is None:
        return sequence
    marks = sequence.landmarks.astype(np.float64)
    marks[..., :2] -= own.place
    marks *= aim.size / max(own.size, 1e-9)
    if own.slot != aim.slot:
        # The other hand of another person: as a mirror shows it.
        marks = marks[:, ::-1] * [-1, 1, 1]
    marks[..., :2] += aim.place
    return sequence_from(marks.astype(np.float32), sequence.timestamps)


def _tremble(shape: tuple[int, int, int], size: float, rng: np.random.Generator) -> Float32:
    tremble = rng.normal(0, 0.02 * size, shape) * [1, 1, 2]
    return tremble.astype(np.float32)


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
