"""Chooses when each gesture counts, from background that nobody trained on.

Every threshold of a grid is tried on the same scores. A gesture starts with its own threshold, or with a more
lenient one where that recognizes it more often. Then the threshold of one after another is raised, always
where that saves most false activations for the recall it costs, until few enough are left: the operating
point of keyword spotting, set per word.
"""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from handflow.evaluate.events import FalseActivation, score_events
from handflow.evaluate.intervals import poisson_interval
from handflow.evaluate.streams import slotted_frames
from handflow.recognize.recognizer import Recognizer
from handflow.recognize.spotter import SpotterConfig, Threshold
from handflow.recognize.spotting import Spotting
from handflow.types import BACKGROUND, GestureEvent, Stream

GRID = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99, 0.995, 0.998)
"""Enter thresholds that are tried."""
LEAVE = 0.5
"""Share of the enter threshold at which a gesture is let go."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What happened in the material with one set of thresholds."""

    false: Mapping[str, int]  # false activations with each name
    hits: Mapping[str, int]  # gestures recognized
    mixed: Mapping[tuple[str, str], int]  # (made, told) where another gesture was told

    @property
    def all_false(self) -> int:
        """False activations in all."""
        return sum(self.false.values())


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """The thresholds chosen, and what they bring on the material they were chosen from."""

    thresholds: Mapping[str, Threshold]
    before: Counts  # with the thresholds that held until then
    after: Counts
    made: Mapping[str, int]  # times each gesture is made in the material; empty: it shows none
    hours: float
    wanted: float  # false activations an hour, at most
    rivals: tuple[tuple[str, str, int], ...] = field(default=())  # (made, told, times) that get mixed up

    @property
    def rate(self) -> float:
        """False activations an hour with the new thresholds."""
        return self.after.all_false / self.hours

    @property
    def upper(self) -> float:
        """End of the 95 % interval of that rate."""
        return poisson_interval(self.after.all_false)[1] / self.hours

    @property
    def reached(self) -> bool:
        """Whether few enough are left."""
        return self.rate <= self.wanted


def choose_thresholds(
    recognizer: Recognizer,
    streams: Sequence[Stream],
    wanted: float,
    *,
    progress: Callable[[int], None] = lambda done: None,
) -> OperatingPoint:
    """Chooses a threshold for each gesture.

    Args:
        recognizer: of the model.
        streams: background, and gestures with their segments if there are any: an event that matches a
            segment is none of the false ones. Without gestures no threshold is lowered.
        wanted: false activations an hour, at most.
        progress: told how many streams are done; every stream is watched twice.

    Raises:
        ValueError: there is nothing to watch, or less than no false activations are wanted.
    """
    hours = sum(s.sequence.duration for s in streams) / 3600
    if not hours > 0:
        raise ValueError("there is no background to watch")
    if not wanted > 0:
        raise ValueError(f"{wanted} false activations an hour cannot be reached for sure, expected above 0")
    config = recognizer.info.spotter
    gestures = [label for label in recognizer.labels if label != BACKGROUND]
    made = Counter(s.label for stream in streams for s in stream.segments if s.label in gestures)
    own = {g: config.thresholds.get(g, config.default).enter for g in gestures}
    grid = sorted({*GRID, *own.values()})
    levels = [_all_at(config, gestures, enter) for enter in grid]
    *at_level, before = _count(recognizer, streams, [*levels, config], progress, 0)
    chosen = {g: _first(at_level, g, grid.index(own[g])) if made[g] else grid.index(own[g]) for g in gestures}
    while sum(at_level[k].false.get(g, 0) for g, k in chosen.items()) > wanted * hours:
        best = max(
            (g for g in gestures if chosen[g] < len(grid) - 1),
            key=lambda g: _worth(at_level, g, chosen[g]),
            default=None,
        )
        if best is None:
            break
        chosen[best] = _step(at_level, best, chosen[best])
    thresholds = {g: Threshold(grid[k], round(LEAVE * grid[k], 4)) for g, k in chosen.items()}
    after = _count(recognizer, streams, [replace(config, thresholds=thresholds)], progress, len(streams))[0]
    rivals = tuple((*pair, times) for pair, times in Counter(after.mixed).most_common(3))
    return OperatingPoint(thresholds, before, after, dict(made), hours, wanted, rivals)


def _first(at_level: Sequence[Counts], gesture: str, own: int) -> int:
    """The strictest level up to a gesture's own at which it is recognized as often as at the most lenient."""
    most = max(at_level[level].hits.get(gesture, 0) for level in range(own + 1))
    return max(level for level in range(own + 1) if at_level[level].hits.get(gesture, 0) == most)


def _worth(at_level: Sequence[Counts], gesture: str, level: int) -> tuple[float, int]:
    """How many false activations the next step of a threshold saves, for each gesture it costs."""
    higher = _step(at_level, gesture, level)
    saved = at_level[level].false.get(gesture, 0) - at_level[higher].false.get(gesture, 0)
    lost = at_level[level].hits.get(gesture, 0) - at_level[higher].hits.get(gesture, 0)
    return saved / (1.0 + max(lost, 0)), -higher


def _step(at_level: Sequence[Counts], gesture: str, level: int) -> int:
    """The next level at which a gesture is falsely told less often; the last where there is none."""
    now = at_level[level].false.get(gesture, 0)
    for higher in range(level + 1, len(at_level)):
        if at_level[higher].false.get(gesture, 0) < now:
            return higher
    return len(at_level) - 1


def _all_at(config: SpotterConfig, gestures: Sequence[str], enter: float) -> SpotterConfig:
    threshold = Threshold(enter, round(LEAVE * enter, 4))
    return replace(config, thresholds=dict.fromkeys(gestures, threshold))


def _count(
    recognizer: Recognizer,
    streams: Sequence[Stream],
    configs: Sequence[SpotterConfig],
    progress: Callable[[int], None],
    done: int,
) -> list[Counts]:
    """What happens in the streams with each configuration; the recognizer is asked once a frame."""
    spottings = [Spotting(recognizer, config) for config in configs]
    false: list[Counter[str]] = [Counter() for _ in configs]
    hits: list[Counter[str]] = [Counter() for _ in configs]
    mixed: list[Counter[tuple[str, str]]] = [Counter() for _ in configs]
    for number, stream in enumerate(streams, start=1):
        for k, events in enumerate(_events(recognizer, spottings, stream)):
            match = score_events(stream.segments, events)
            false[k].update(f.event.gesture for f in match.false)
            hits[k].update(segment.label for segment, _ in match.hits)
            mixed[k].update(_pair(f) for f in match.false if f.kind == "confused")
        progress(done + number)
    return [Counts(*parts) for parts in zip(false, hits, mixed, strict=True)]


def _pair(false: FalseActivation) -> tuple[str, str]:
    return false.made or BACKGROUND, false.event.gesture


def _events(
    recognizer: Recognizer, spottings: Sequence[Spotting], stream: Stream
) -> list[list[GestureEvent]]:
    for spotting in spottings:
        spotting.reset()
    events: list[list[GestureEvent]] = [[] for _ in spottings]
    for number, slotted in enumerate(slotted_frames(stream.sequence)):
        each = recognizer.update_each(slotted, float(stream.sequence.timestamps[number]), number)
        for spotting, so_far in zip(spottings, events, strict=True):
            so_far.extend(spotting.spot(each).events)
    for spotting, so_far in zip(spottings, events, strict=True):
        so_far.extend(spotting.finish())
    return events


def hours_needed(wanted: float) -> float:
    """Hours without a single false activation that show, with 95 % confidence, a rate of at most `wanted`."""
    return -math.log(0.05) / wanted
