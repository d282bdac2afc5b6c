"""Metrics of continuous streams: what a person gets who leaves recognition switched on."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from handflow.errors import DatasetError
from handflow.evaluate.events import TOLERANCE, EventMatch, score_events
from handflow.evaluate.intervals import Interval, f1_interval, poisson_interval, wilson_interval
from handflow.recognize.spotting import Spotted, Spotting
from handflow.types import BACKGROUND, GestureEvent, HandSequence, Segment, Stream

if TYPE_CHECKING:
    from handflow.hands import SlottedHands


@dataclass(frozen=True, slots=True)
class StreamEvents:
    """One stream's truth beside what was recognized in it."""

    id: str
    segments: tuple[Segment, ...]
    events: tuple[GestureEvent, ...]
    seconds: float  # duration of the stream

    def __post_init__(self) -> None:
        if not self.seconds >= 0:
            raise ValueError(f"a stream lasts 0 seconds or more, not {self.seconds}")


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds between something true and the event; negative where the event came first."""

    p50: float
    p95: float


@dataclass(frozen=True, slots=True)
class GestureScore:
    """How one gesture is recognized in streams."""

    label: str
    support: int  # times it was made
    hits: int
    false: int  # false activations with this label
    precision: float | None  # None without events
    recall: float | None  # None where it was never made
    f1: float | None  # None where it was neither made nor recognized


@dataclass(frozen=True, slots=True)
class StreamResult:
    """How well gestures are recognized in continuous streams. None where there was nothing to measure."""

    matches: tuple[tuple[str, EventMatch], ...]  # (stream id, its match)
    gestures: int
    events: int
    hits: int
    hours: float
    precision: float | None
    precision_interval: Interval | None
    recall: float | None
    recall_interval: Interval | None
    f1: float | None
    f1_interval: Interval | None
    levenshtein_accuracy: float | None  # below 0 where there are more errors than gestures
    false_activations: int
    false_activations_per_hour: float | None
    false_activations_interval: Interval | None  # per hour
    onset_event: Latency | None
    offset_event: Latency | None
    per_gesture: tuple[GestureScore, ...]

    def false_by_kind(self) -> dict[str, int]:
        """How many false activations were repeated, confused and idle ones."""
        kinds = [false.kind for _, match in self.matches for false in match.false]
        return {kind: kinds.count(kind) for kind in ("repeated", "confused", "idle")}

    def document(self) -> dict[str, Any]:
        """The JSON document of `handflow evaluate … --protocol stream --json`."""
        return {
            "precision": self.precision,
            "recall": self.recall,
            "f1": self.f1,
            "levenshtein_accuracy": self.levenshtein_accuracy,
            "false_activations_per_hour": self.false_activations_per_hour,
            "hours": self.hours,
            "latency": {
                "onset_event": _percentiles(self.onset_event),
                "offset_event": _percentiles(self.offset_event),
            },
            "per_gesture": {
                score.label: {
                    "precision": score.precision,
                    "recall": score.recall,
                    "f1": score.f1,
                    "support": score.support,
                    "false_activations": score.false,
                }
                for score in self.per_gesture
            },
        }

    def details(self) -> dict[str, Any]:
        """The document with counts, intervals and the kinds of false activations."""
        return self.document() | {
            "gestures": self.gestures,
            "events": self.events,
            "hits": self.hits,
            "false_activations": self.false_activations,
            "false_by_kind": self.false_by_kind(),
            "precision_interval": self.precision_interval,
            "recall_interval": self.recall_interval,
            "f1_interval": self.f1_interval,
            "false_activations_per_hour_interval": self.false_activations_interval,
        }


def score_streams(results: Iterable[StreamEvents], *, tolerance: float = TOLERANCE) -> StreamResult:
    """Pools the matches of all streams into one result.

    Precision, recall and F1 count events (see `events.score_events`). Levenshtein accuracy is 1 − edit
    distance of the label sequences / number of true gestures, as used by Benitez-Garcia et al., "IPN Hand: A
    video dataset and benchmark for real-time continuous hand gesture recognition", ICPR 2020, after
    Köpüklü et al., "Real-time hand gesture detection and classification using convolutional neural networks",
    FG 2019; here distances and gestures of all streams are summed before dividing. False activations an
    hour are counted over the whole time watched, as false alarms are in keyword spotting; their interval is
    Poisson's.

    Args:
        results: truth and events of each stream.
        tolerance: seconds after a gesture's offset in which its event still counts.

    Raises:
        ValueError: there are no streams.
    """
    streams = list(results)
    if not streams:
        raise ValueError("there are no streams to score")
    matches = [(s.id, score_events(s.segments, s.events, tolerance=tolerance)) for s in streams]
    hits = [pair for _, match in matches for pair in match.hits]
    missed = [segment for _, match in matches for segment in match.missed]
    false = [activation for _, match in matches for activation in match.false]
    gestures, events = len(hits) + len(missed), len(hits) + len(false)
    hours = sum(s.seconds for s in streams) / 3600
    low, high = poisson_interval(len(false))
    edits = sum(match.edits for _, match in matches)
    labels = sorted({s.label for s, _ in hits} | {s.label for s in missed} | {f.event.gesture for f in false})
    return StreamResult(
        matches=tuple(matches),
        gestures=gestures,
        events=events,
        hits=len(hits),
        hours=hours,
        precision=_share(len(hits), events),
        precision_interval=wilson_interval(len(hits), events),
        recall=_share(len(hits), gestures),
        recall_interval=wilson_interval(len(hits), gestures),
        f1=_share(2 * len(hits), gestures + events),
        f1_interval=f1_interval(len(hits), len(false), len(missed)),
        levenshtein_accuracy=1 - edits / gestures if gestures else None,
        false_activations=len(false),
        false_activations_per_hour=len(false) / hours if hours > 0 else None,
        false_activations_interval=(low / hours, high / hours) if hours > 0 else None,
        onset_event=_latency([event.time - segment.onset for segment, event in hits]),
        offset_event=_latency([event.time - segment.offset for segment, event in hits]),
        per_gesture=tuple(
            _gesture_score(
                label,
                hits=sum(s.label == label for s, _ in hits),
                missed=sum(s.label == label for s in missed),
                false=sum(f.event.gesture == label for f in false),
            )
            for label in labels
        ),
    )


def recognize_stream(spotting: Spotting, stream: Stream) -> list[GestureEvent]:
    """The events of a stream's landmarks, by the very class that the live pipeline asks frame by frame.

    Args:
        spotting: reset before the first frame, asked for pending events after the last.
        stream: a continuous recording as landmarks.
    """
    found = [event for spotted in follow_stream(spotting, stream) for event in spotted.events]
    return [*found, *spotting.finish()]


def follow_stream(spotting: Spotting, stream: Stream) -> Iterator[Spotted]:
    """Scores and events frame by frame; after the last the caller asks `spotting.finish()`."""
    spotting.reset()
    for number, slotted in enumerate(slotted_frames(stream.sequence)):
        yield spotting.update(slotted, float(stream.sequence.timestamps[number]), number)


def slotted_frames(sequence: HandSequence) -> Iterator["SlottedHands"]:
    """A sequence frame by frame, much as the hand slots give it live.

    What was filled is left out; every hand that was out of sight comes back as a new track.
    """
    from handflow.hands import SlottedHands

    sequence = sequence.measured()
    seen = sequence.seen
    tracks, following = [-1, -1], 0
    for i in range(len(sequence)):
        for slot in (0, 1):
            if not seen[i, slot]:
                tracks[slot] = -1
            elif tracks[slot] == -1:
                tracks[slot], following = following, following + 1
        yield SlottedHands(
            landmarks=sequence.landmarks[i],
            handedness=sequence.handedness[i],
            presence=sequence.presence[i],
            tracks=(tracks[0], tracks[1]),
        )


def untaught_gestures(known: Sequence[str], streams: Sequence[Stream]) -> dict[str, int]:
    """How often gestures occur in the streams that the model does not know."""
    made = [s.label for stream in streams for s in stream.segments if s.label != BACKGROUND]
    return {label: made.count(label) for label in sorted(set(made) - set(known))}


def check_streams(streams: Sequence[Stream], name: str) -> None:
    """Raises a DatasetError where there is no stream to evaluate on."""
    if not any(len(stream.sequence) > 1 for stream in streams):
        raise DatasetError(
            f"{name} holds no continuous streams, which the protocol 'stream' needs: "
            "name a landmark archive with segments (handflow synth writes one)"
        )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _latency(seconds: list[float]) -> Latency | None:
    if not seconds:
        return None
    p50, p95 = np.percentile(seconds, (50, 95))
    return Latency(float(p50), float(p95))


def _percentiles(latency: Latency | None) -> dict[str, float | None]:
    return {"p50": latency.p50, "p95": latency.p95} if latency else {"p50": None, "p95": None}


def _gesture_score(label: str, *, hits: int, missed: int, false: int) -> GestureScore:
    return GestureScore(
        label=label,
        support=hits + missed,
        hits=hits,
        false=false,
        precision=_share(hits, hits + false),
        recall=_share(hits, hits + missed),
        f1=_share(2 * hits, 2 * hits + false + missed),
    )
