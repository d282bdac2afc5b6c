"""Cuts continuous recordings into clips to learn from: one for each annotated gesture; the rest is idle."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import accumulate, pairwise

import numpy as np

from handflow.types import BACKGROUND, Clip, HandSequence, Stream

LEAD, TAIL = 2.0, 1.6
"""Seconds before and after a gesture that its clip holds at most."""
IDLE_SECONDS = 10.0
"""Seconds of a background clip; shorter ones than a tenth of it are left out."""
_APART_BEFORE, _APART_AFTER = 0.2, 0.6  # seconds from gestures that background keeps


def clips_of(stream: Stream) -> list[Clip]:
    """The gestures of a stream, each with what comes before and after it, and its background in pieces.

    Segments labelled background stay background.
    """
    meant = sorted((s for s in stream.segments if s.label != BACKGROUND), key=lambda s: s.onset)
    times = stream.sequence.timestamps
    if len(times) < 2:
        return []
    first, last = float(times[0]), float(times[-1])
    clips = []
    for number, segment in enumerate(meant):
        earlier = meant[number - 1].offset + _APART_AFTER if number else first
        later = meant[number + 1].onset - 0.1 if number + 1 < len(meant) else last
        start = min(max(segment.onset - LEAD, earlier), segment.onset)
        end = max(min(segment.offset + TAIL, later), segment.offset)
        clip = _cut(stream, segment.label, start, end, f"{number}")
        if clip is not None:
            clips.append(replace(clip, stroke=(segment.onset, segment.offset)))
    ends = accumulate((s.offset for s in meant), max)  # gestures of two hands may overlap
    between = [t for s, end in zip(meant, ends, strict=True) for t in (s.onset, end)]
    edges = [first - _APART_AFTER, *between, last + _APART_BEFORE]
    free = [(a + _APART_AFTER, b - _APART_BEFORE) for a, b in zip(edges[::2], edges[1::2], strict=True)]
    for number, (start, end) in enumerate(_pieces(free)):
        clip = _cut(stream, BACKGROUND, start, end, f"idle-{number}")
        if clip is not None:
            clips.append(clip)
    return clips


def _pieces(spans: list[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    for start, end in spans:
        if end - start >= IDLE_SECONDS / 10:
            edges = np.linspace(start, end, max(1, round((end - start) / IDLE_SECONDS)) + 1)
            yield from ((float(a), float(b)) for a, b in pairwise(edges))


def _cut(stream: Stream, label: str, start: float, end: float, name: str) -> Clip | None:
    """A stretch of the stream on the stream's clock; None where no hand is seen in it."""
    sequence = stream.sequence
    low, high = np.searchsorted(sequence.timestamps, [start - 1e-6, end + 1e-6])
    if high - low < 2 or not sequence.seen[low:high].any():
        return None
    part = slice(low, high)
    return Clip(
        id=f"{stream.id}-{name}",
        label=label,
        sequence=HandSequence(
            landmarks=sequence.landmarks[part],
            timestamps=sequence.timestamps[part],
            handedness=sequence.handedness[part],
            presence=sequence.presence[part],
            filled=sequence.filled[part],
        ),
        frame_size=stream.frame_size,
        subject=stream.subject,
        session=stream.id,
        source="cut from a continuous recording",
    )
