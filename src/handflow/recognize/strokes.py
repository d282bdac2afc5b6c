"""Finds when each take shows its gesture.

A take says which gesture it shows, not when: the hand may come before it, wait, and go back after it. What
may be the gesture are the bouts of movement of a take, and its rests (a held pose). The gesture is what the
takes of one label have in common and the takes of other labels have not: each candidate is compared with
those of other takes, as in multiple instance learning by diverse density (Maron and Lozano-Pérez, NIPS 1997).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from handflow.recognize.windows import PALM, merge_slots, usable_hands
from handflow.types import BACKGROUND, LEFT, Clip, Float64, HandSequence

HERTZ = 60
"""Moments a second at which activity is measured."""
_BLUR = 0.05  # seconds: standard deviation of the neighbours in time that a velocity is fitted to
_TIPS = (4, 8, 12, 16, 20)
_ENDS = (0.15, 0.4)  # shares of a bout's peak at which it may begin and end
_FAINT = 0.3  # palm lengths a second: slower than this nothing moves
_PEAK = 0.45  # palm lengths a second that the peak of a bout has at least
_PAUSE = 0.08  # seconds that a bout may pause
_SHORTEST = 0.12  # seconds of a bout
_STILL, _REST = 0.6, 0.4  # palm lengths a second, at most, and seconds, at least, of a rest
_MOMENTS = 10  # of a candidate's description
_SHAPE, _PATH, _GROWTH, _SECONDS = 0.25, 0.8, 2.0, 0.35  # weights in a description
_COMPARED = 24  # takes of the same label that a candidate is compared with at most; of others twice as many
_COMMON = 0.8  # share of the takes of a label that must resemble a candidate
_RIVAL = 0.35  # quantile of the other labels' takes that a candidate must differ from
_CONTRAST = 0.5  # weight of that difference
_OTHER_KIND = 10.0  # added where a take would show a pose and most others a movement, or the reverse
_MUCH = 0.1  # weight of the logarithm of the share of a take's movement


@dataclass(frozen=True, slots=True)
class Stroke:
    """Where a gesture lies in its take."""

    onset: float  # seconds, on the clock of the take
    offset: float  # seconds
    held: bool  # a pose held still, not a movement

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return self.offset - self.onset


@dataclass(frozen=True, slots=True, eq=False)
class Activity:
    """How much a hand does at every moment."""

    times: Float64  # (moments,) seconds, `HERTZ` a second
    speed: Float64  # (moments,) palm lengths a second: the palm's, half the finger tips', and the growth


def activity_of(sequence: HandSequence) -> Activity | None:
    """Activity of the hand that does more; None where no hand is seen twice."""
    usable = merge_slots(sequence.landmarks, usable_hands(sequence.landmarks) & ~sequence.filled)[1]
    found = [_slot_activity(sequence, slot) for slot in (0, 1) if usable[:, slot].sum() > 1]
    return max(found, key=lambda a: float(a.speed.sum()), default=None)


def find_strokes(clips: Sequence[Clip]) -> list[Stroke | None]:
    """Where the gesture of each clip lies.

    Args:
        clips: all takes of all labels, as many as there are: they explain each other.

    Returns:
        for each clip the stroke that it was annotated with (`Clip.stroke`), else the one found; None for
        background, and where no hand is seen.
    """
    takes = [None if c.label == BACKGROUND or c.stroke else _candidates(c.sequence) for c in clips]
    result: list[Stroke | None] = [
        Stroke(*c.stroke, held=_is_held(c)) if c.stroke and c.label != BACKGROUND else None for c in clips
    ]
    open_ones = [i for i, take in enumerate(takes) if take is not None and take.spans]
    rng = np.random.default_rng(0)
    for label in sorted({clips[i].label for i in open_ones}):
        own = [i for i in open_ones if clips[i].label == label]
        others = [i for i in open_ones if clips[i].label != label]
        chosen = _choose([takes[i] for i in own], [takes[i] for i in others], rng)  # type: ignore[misc]
        for i, stroke in zip(own, chosen, strict=True):
            result[i] = stroke
    return result


@dataclass(frozen=True, slots=True, eq=False)
class _Take:
    """What may be the gesture of a take."""

    spans: list[Stroke]
    share: Float64  # (spans,) of the take's movement
    described: Float64  # (spans, numbers)


def _slot_activity(sequence: HandSequence, slot: int) -> Activity:
    marks, usable = merge_slots(sequence.landmarks, usable_hands(sequence.landmarks) & ~sequence.filled)
    there = usable[:, slot]
    times, hand = sequence.timestamps[there], marks[there, slot].astype(np.float64)
    grid = np.arange(times[0], times[-1] + 1e-9, 1 / HERTZ)
    size = float(np.median(np.linalg.norm(hand[:, 9, :2] - hand[:, 0, :2], axis=1))) + 1e-9
    centre = hand[:, PALM, :2].mean(axis=1)
    tips = (hand[:, _TIPS, :2] - centre[:, None]).reshape(len(hand), -1)
    spread = np.linalg.norm(hand[:, PALM, :2] - centre[:, None], axis=2).mean(axis=1, keepdims=True)
    change = _slopes(np.concatenate([centre, tips, spread], axis=1), times, grid) / size
    moved = np.linalg.norm(change[:, :2], axis=1)
    bent = np.linalg.norm(change[:, 2:-1].reshape(len(grid), len(_TIPS), 2), axis=2).mean(axis=1)
    return Activity(grid, moved + 0.5 * bent + 3.0 * np.abs(change[:, -1]))


def _slopes(values: Float64, times: Float64, grid: Float64) -> Float64:
    """(moments, d) velocity of `values` (n, d) at each moment: local lines, weighted by nearness in time."""
    out = np.empty((len(grid), values.shape[1]))
    for first in range(0, len(grid), 512):
        part = grid[first : first + 512]
        low, high = np.searchsorted(times, [part[0] - 4 * _BLUR, part[-1] + 4 * _BLUR])
        low, high = max(0, min(low, len(times) - 2)), max(high, min(low + 2, len(times)))
        apart = times[None, low:high] - part[:, None]
        # Where frames are scarce the two nearest still count.
        near = np.maximum(_BLUR, np.sort(np.abs(apart), axis=1)[:, min(1, apart.shape[1] - 1)])[:, None]
        weight = np.exp(-0.5 * (apart / near) ** 2)
        weight /= weight.sum(axis=1, keepdims=True)
        centred = apart - (weight * apart).sum(axis=1, keepdims=True)
        spread = (weight * centred**2).sum(axis=1, keepdims=True)
        out[first : first + 512] = (weight * centred) @ values[low:high] / np.maximum(spread, 1e-9)
    return out


def _candidates(sequence: HandSequence) -> _Take:
    activity = activity_of(sequence)
    if activity is None or len(activity.times) < 2:
        return _Take([], np.zeros(0), np.zeros((0, 0)))
    spans = [*_bouts(activity), *_rests(activity)]
    total = float(activity.speed.sum()) + 1e-9
    share = [0.3 if s.held else activity.speed[_within(activity.times, s)].sum() / total for s in spans]
    return _Take(spans, np.array(share), np.array([_described(sequence, s) for s in spans]))


def _within(times: Float64, span: Stroke) -> slice:
    low, high = np.searchsorted(times, [span.onset - 1e-9, span.offset + 1e-9])
    return slice(int(low), int(high))


def _bouts(activity: Activity) -> list[Stroke]:
    """Around every peak of activity, as far as it stays above a share of the peak."""
    speed, times = activity.speed, activity.times
    inner = speed[1:-1]
    peaks = 1 + np.flatnonzero((inner >= speed[:-2]) & (inner > speed[2:]) & (inner > _PEAK))
    found = set()
    for peak in peaks:
        for share in _ENDS:
            moves = speed > max(share * speed[peak], _FAINT)
            first, last = _edge(moves, int(peak), -1), _edge(moves, int(peak), 1)
            lasts = times[last] - times[first] >= _SHORTEST
            if lasts and speed[first : last + 1].max() <= 1.5 * speed[peak]:
                found.add((first, last))
    return [Stroke(float(times[a]), float(times[b]), held=False) for a, b in sorted(found)]


def _edge(moves: "np.typing.NDArray[np.bool_]", start: int, step: int) -> int:
    """The last moment that moves, from `start` on, short pauses skipped."""
    last = place = start
    while 0 <= place + step < len(moves) and abs(place + step - last) <= _PAUSE * HERTZ + 1:
        place += step
        if moves[place]:
            last = place
    return last


def _rests(activity: Activity) -> list[Stroke]:
    """Stretches in which the hand hardly moves."""
    still = np.concatenate([[False], activity.speed < _STILL, [False]])
    change = np.flatnonzero(np.diff(still.astype(int)))
    spans = [
        (activity.times[a], activity.times[b - 1]) for a, b in zip(change[::2], change[1::2], strict=True)
    ]
    return [Stroke(float(a), float(b), held=True) for a, b in spans if b - a >= _REST]


def _described(sequence: HandSequence, span: Stroke) -> Float64:
    """Shape, way, growth and duration of a candidate, such that their distance tells how alike two are."""
    marks, usable = merge_slots(sequence.landmarks, usable_hands(sequence.landmarks) & ~sequence.filled)
    slot = int(usable.sum(axis=0).argmax())
    there = usable[:, slot]
    times, flat = sequence.timestamps[there], marks[there, slot].reshape(-1, 63).astype(np.float64)
    grid = np.linspace(span.onset, span.offset, _MOMENTS)
    hand = np.stack([np.interp(grid, times, column) for column in flat.T], axis=1).reshape(-1, 21, 3)[..., :2]
    length = np.linalg.norm(hand[:, 9] - hand[:, 0], axis=1)
    width = np.linalg.norm(hand[:, 5] - hand[:, 17], axis=1)
    size = float(np.median(np.maximum(length, 1.3 * width))) + 1e-9
    centre = hand[:, PALM].mean(axis=1)
    shape = (hand[:, 1:] - hand[:, :1]) / size
    if slot == LEFT:
        shape[..., 0] *= -1
    growth = np.log(np.linalg.norm(hand[:, PALM] - centre[:, None], axis=2).mean(axis=1) + 1e-9)
    parts = (_SHAPE * shape, _PATH * (centre - centre[:1]) / size, _GROWTH * (growth - growth.mean()))
    each = np.concatenate([part.ravel() for part in parts]) / np.sqrt(_MOMENTS)
    return np.append(each, _SECONDS * np.log(max(span.seconds, 0.1)))


def _choose(own: list[_Take], others: list[_Take], rng: np.random.Generator) -> list[Stroke]:
    """For each take of a label the candidate that its other takes have, too, and other labels' have not."""
    alike = [own[i] for i in rng.permutation(len(own))[:_COMPARED]]
    rivals = [others[i] for i in rng.permutation(len(others))[: 2 * _COMPARED]]
    cost = []
    for take in own:
        value = -_MUCH * np.log(take.share + 0.05)
        common = [_nearest(take, other) for other in alike if other is not take]
        if common:
            value += np.sort(np.stack(common), axis=0)[: int(np.ceil(_COMMON * len(common)))].mean(axis=0)
        if rivals:
            unlike = np.stack([_nearest(take, other) for other in rivals])
            value -= _CONTRAST * np.quantile(unlike, _RIVAL, axis=0)
        cost.append(value)
    _of_one_kind(own, cost)
    surest = sorted(range(len(own)), key=lambda i: float(cost[i].min()))[: max(1, len(own) // 2)]
    typical = np.stack([own[i].described[cost[i].argmin()] for i in surest])
    chosen = []
    for take, value in zip(own, cost, strict=True):
        apart = np.sort(_distances(take.described, typical), axis=1)[:, : max(1, len(typical) // 2)]
        chosen.append(take.spans[int((value + apart.mean(axis=1)).argmin())])
    return chosen


def _of_one_kind(own: list[_Take], cost: list[Float64]) -> None:
    """Rules out, in place, poses of a gesture that moves in most of its takes, or movements of a pose."""
    held = [np.array([span.held for span in take.spans]) for take in own]
    pose = np.mean([kinds[value.argmin()] for kinds, value in zip(held, cost, strict=True)]) > 0.5
    for kinds, value in zip(held, cost, strict=True):
        if (kinds == pose).any():
            value[kinds != pose] += _OTHER_KIND


def _nearest(take: _Take, other: _Take) -> Float64:
    """(spans,) distance of each candidate to the most similar one of another take."""
    return np.asarray(_distances(take.described, other.described).min(axis=1))


def _distances(a: Float64, b: Float64) -> Float64:
    square = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1)[None] - 2 * a @ b.T
    return np.asarray(np.sqrt(np.maximum(square, 0)))


def _is_held(clip: Clip) -> bool:
    """Whether an annotated stroke is a pose held still."""
    activity = activity_of(clip.sequence)
    if activity is None or clip.stroke is None:
        return False
    inside = activity.speed[_within(activity.times, Stroke(*clip.stroke, held=False))]
    return bool(len(inside)) and float(np.median(inside)) < _STILL
