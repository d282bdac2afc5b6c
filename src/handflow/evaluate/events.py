"""Compares the events of one stream with its annotated gestures.

The rule: an event counts if its `time` falls between a gesture's onset and `TOLERANCE` after its offset, its
label is the gesture's and no other event has been matched to that gesture. Every other event is a false
activation, also a second one on the same gesture. Scoring detections one to one within a tolerance, and
counting what is left as insertions, is the event-based scoring of sound event detection (Mesaros, Heittola
and Virtanen, "Metrics for polyphonic sound event detection", Applied Sciences 6(6), 2016).

There a detection has an onset that must be near the true one. An event of ours is one moment, at which
something is done, so it may come at any time of the gesture or shortly after; how soon it comes is measured
as latency (`streams.Latency`). What the order of labels says beside it, see `streams.score_streams`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from handflow.types import BACKGROUND, GestureEvent, Segment

TOLERANCE = 0.5
"""Seconds after the true end of a gesture within which its event still counts."""
_SLACK = 1e-9  # an event at offset + 0.5 s sharp counts, whatever the rounding of the sum

Kind = Literal["repeated", "confused", "idle"]
"""Why an event is false: a second one on a gesture that was already recognized, a wrong label while another
gesture was made, or nothing was made at all."""


@dataclass(frozen=True, slots=True)
class FalseActivation:
    """An event that no gesture accounts for."""

    event: GestureEvent
    kind: Kind
    made: str | None = None  # gesture that was made at that time; None when idle


@dataclass(frozen=True, slots=True)
class EventMatch:
    """What became of the gestures and events of one stream."""

    hits: tuple[tuple[Segment, GestureEvent], ...]  # in the order of the events
    missed: tuple[Segment, ...]  # gestures without an event
    false: tuple[FalseActivation, ...]  # events without a gesture
    edits: int  # Levenshtein distance between the sequences of true and recognized labels


def score_events(
    segments: Sequence[Segment], events: Sequence[GestureEvent], *, tolerance: float = TOLERANCE
) -> EventMatch:
    """Matches the events of one stream one to one with its gestures.

    Events are taken in the order of their times. Where an event could belong to two gestures of its label it
    takes the one whose time runs out first: with that choice no other matching has more hits. Segments
    labelled background are no gestures.

    Args:
        segments: the true gestures, in any order.
        events: what was recognized, in any order.
        tolerance: seconds after the offset in which an event still counts.
    """
    truth = sorted((s for s in segments if s.label != BACKGROUND), key=lambda s: (s.onset, s.offset))
    told = sorted(events, key=lambda e: e.time)
    free = [True] * len(truth)
    hits: list[tuple[Segment, GestureEvent]] = []
    false: list[FalseActivation] = []
    for event in told:
        around = [i for i, s in enumerate(truth) if s.onset <= event.time <= s.offset + tolerance + _SLACK]
        own = [i for i in around if truth[i].label == event.gesture]
        open_ones = [i for i in own if free[i]]
        if open_ones:
            chosen = min(open_ones, key=lambda i: truth[i].offset)
            free[chosen] = False
            hits.append((truth[chosen], event))
        elif own:
            false.append(FalseActivation(event, "repeated", event.gesture))
        elif around:
            made = max(around, key=lambda i: truth[i].onset)  # the latest begun: the likeliest cause
            false.append(FalseActivation(event, "confused", truth[made].label))
        else:
            false.append(FalseActivation(event, "idle"))
    return EventMatch(
        hits=tuple(hits),
        missed=tuple(s for s, still in zip(truth, free, strict=True) if still),
        false=tuple(false),
        edits=edit_distance([s.label for s in truth], [e.gesture for e in told]),
    )


def edit_distance(truth: Sequence[str], told: Sequence[str]) -> int:
    """Levenshtein distance: fewest insertions, deletions and substitutions that turn one into the other.

    >>> edit_distance(["up", "down", "left"], ["up", "left", "left"])
    1
    """
    codes = {label: i for i, label in enumerate({*truth, *told})}
    columns = np.array([codes[label] for label in told], dtype=np.int64)
    steps = np.arange(len(told) + 1)
    row = steps.copy()  # cost of turning the first i true labels into the first j told ones
    for i, label in enumerate(truth, start=1):
        best = np.minimum(row[1:] + 1, row[:-1] + (columns != codes[label]))  # delete, or keep/substitute
        # Insertions chain along the row: the running minimum of (cost − place) does them all at once.
        row = np.minimum.accumulate(np.concatenate([[i], best]) - steps) + steps
    return int(row[-1])
