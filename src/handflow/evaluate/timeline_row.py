"""One stretch of a stream's timeline: how its bands are drawn."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handflow.evaluate.events import EventMatch, FalseActivation
from handflow.evaluate.plots import BLUE, FAINT, INK, RED
from handflow.types import BACKGROUND, Float64, GestureEvent, HandSequence, Scores, Segment

LATE = 0.25
"""Seconds after the end of a gesture from which its event is called late."""

WIDTH = 11.0
"""Inches of a row."""
_TOP = 3.85  # of a row; all heights below are in its units
_TRUTH, _SCORES, _EVENTS, _SEEN = (2.85, 0.34), (1.3, 1.3), (0.34, 0.26), (-0.1, 0.13)  # (bottom, height)
_STEP = 0.27  # between lines of words
_INCHES_A_LETTER = 0.062  # of the words in a row
_FALSE_WORDS = {"repeated": "again", "confused": "wrong", "idle": "for nothing"}
_TOO_LATE = 2.0  # seconds after a missed gesture in which its own name is said too late
_FASTEST = 4.0  # palm lengths a second that the scale of the motion holds at least
HANDS = {"left": "--", "right": "-", "both": "-."}  # of scores of two hands told apart
_LATE_INK = "#9a5b00"  # red is kept for errors, and orange is too near to it
UNSEEN, ONE, TWO, MOTION = "#f3b79b", "#c4c4c4", "#7d7d7d", "#e4e4e4"


@dataclass(frozen=True, slots=True, eq=False)
class ScoreLines:
    """Scores as lines over time, NaN where there is nothing to draw."""

    times: Float64  # (moments,) seconds
    labels: tuple[str, ...]
    of_hands: Mapping[str, Float64]  # hand, or "" where hands are not told apart: (moments, labels)
    motion: Float64  # (moments,) of the hand that moves most, palm lengths a second
    fastest: float  # palm lengths a second at the top of its scale

    @staticmethod
    def of(scores: Sequence[Scores], smoothing: float) -> "ScoreLines | None":
        if not scores:
            return None
        times, moment, several = np.unique(
            [s.timestamp for s in scores], return_inverse=True, return_counts=True
        )
        labels = scores[0].labels
        of_hands: dict[str, Float64] = {}
        motion = np.full(len(times), np.nan)
        for one, at in zip(scores, moment.tolist(), strict=True):
            hand = one.hand if several[at] > 1 else ""
            line = of_hands.setdefault(hand, np.full((len(times), len(labels)), np.nan))
            line[at] = one.probabilities
            motion[at] = np.fmax(motion[at], one.motion)
        for line in of_hands.values():
            _smooth(line, times, smoothing)
        known = motion[np.isfinite(motion)]
        fastest = max(_FASTEST, float(np.quantile(known, 0.98))) if len(known) else _FASTEST
        return ScoreLines(times, labels, of_hands, motion, math.ceil(fastest))


@dataclass(slots=True)
class _Words:
    """Puts words into the lowest line in which they fit."""

    letter: float  # seconds that one takes
    lines: int
    _taken: list[float] = field(default_factory=list)  # seconds, where each line is free from

    def line(self, start: float, words: str, until: float = math.inf) -> int:
        """The line for words that begin at `start`; ask in the order of time.

        Args:
            start: seconds.
            words: what is said.
            until: seconds, where a sign stands in the lowest line.
        """
        end = start + self.letter * (len(words) + 2)
        self._taken = self._taken or [-math.inf] * self.lines
        free = [i for i, taken in enumerate(self._taken) if taken <= start and (i > 0 or end <= until)]
        line = free[0] if free else int(np.argmin(self._taken))
        self._taken[line] = end
        return line


class Row:
    """One stretch of the stream."""

    def __init__(self, axes: Any, start: float, end: float, colours: Mapping[str, str]) -> None:
        self.axes, self.start, self.end, self.colours = axes, start, end, colours
        self._letter = _INCHES_A_LETTER * (end - start) / (WIDTH - 1.0)
        axes.set(xlim=(start, end), ylim=(-0.2, _TOP))

    def _shows(self, onset: float, offset: float) -> bool:
        return offset >= self.start and onset <= self.end

    def draw_truth(self, match: EventMatch) -> None:
        made = [(s, True) for s, _ in match.hits] + [(s, False) for s in match.missed]
        words_above = _Words(self._letter, 2)
        for segment, found in sorted(made, key=lambda pair: pair[0].onset):
            if not self._shows(segment.onset, segment.offset):
                continue
            colour = self.colours.get(segment.label, FAINT)
            self.axes.broken_barh(
                [(segment.onset, segment.offset - segment.onset)], _TRUTH,
                facecolor=colour if found else "white", edgecolor=colour if found else RED,
                hatch=None if found else "/////", lw=1.2,
            )  # fmt: skip
            self.axes.axvspan(segment.onset, segment.offset, ymax=0.78, color=colour, alpha=0.1, lw=0)
            words = segment.label if found else f"{segment.label} missed"
            line = words_above.line(segment.onset, words)
            height = _TRUTH[0] + _TRUTH[1] + 0.03 + _STEP * line
            self._say(segment.onset, height, words, INK if found else RED)

    def draw_scores(self, lines: ScoreLines) -> None:
        near = _near(lines.times, self.start, self.end)
        for hand, values in lines.of_hands.items():
            for column, label in enumerate(lines.labels):
                part = values[near, column]
                if label == BACKGROUND or not (part >= 0.1).any():
                    continue  # lines along zero would bury the others
                style = HANDS.get(hand, "-")
                height = _SCORES[0] + part * _SCORES[1]
                self.axes.plot(lines.times[near], height, style, color=self.colours[label], lw=1.5, zorder=3)

    def draw_thresholds(self, enter: Mapping[str, float], lines: ScoreLines) -> None:
        same = len(set(enter.values())) == 1
        for gesture, level in enter.items():
            height = _SCORES[0] + level * _SCORES[1]
            colour = FAINT if same else self.colours.get(gesture, FAINT)
            self.axes.axhline(height, color=colour, lw=0.7, ls=(0, (6, 4)), alpha=0.6, zorder=2)
            if same:
                break

    def draw_motion(self, lines: ScoreLines) -> None:
        near = _near(lines.times, self.start, self.end)
        times, motion = lines.times[near], lines.motion[near]
        low, height = _SCORES
        top = low + height * np.minimum(motion / lines.fastest, 1)
        self.axes.fill_between(times, low, top, color=MOTION, lw=0, zorder=0)
        self.axes.plot(times, top, color="#c9c9c9", lw=0.7, zorder=1)

    def draw_events(self, match: EventMatch) -> None:
        told: list[tuple[GestureEvent, Segment | None, FalseActivation | None]] = []
        told += [(event, segment, None) for segment, event in match.hits]
        told += [(false.event, None, false) for false in match.false]
        words_below = _Words(self._letter, 2)
        told = sorted((t for t in told if self.start <= t[0].time <= self.end), key=lambda t: t[0].time)
        following = [*(event.time for event, *_ in told), math.inf][1:]
        for (event, segment, false), until in zip(told, following, strict=True):
            colour = self.colours.get(event.gesture, BLUE) if false is None else RED
            late = event.time - segment.offset if segment is not None else 0.0
            self._draw_event(event, colour, good=false is None)
            words = event.gesture
            if false is not None:
                words += f" {_why(false, match.missed)}"
            elif segment is not None and late > LATE:
                self._draw_delay(segment.offset, event.time)
                words += f" {late:.2f} s late"
            line = words_below.line(event.time, words, until)
            height = _EVENTS[0] + _EVENTS[1] + 0.06 + _STEP * line
            ink = RED if false is not None else _LATE_INK if late > LATE else INK
            self._say(event.time + 1.2 * self._letter, height, words, ink)

    def _draw_event(self, event: GestureEvent, colour: str, *, good: bool) -> None:
        low, height = _EVENTS
        end = event.time if event.offset is None else event.offset
        self.axes.broken_barh(
            [(event.onset, max(end - event.onset, 0.02))], (low, height),
            facecolor=colour if good else "none", edgecolor=colour, lw=1.2, alpha=0.55 if good else 1,
        )  # fmt: skip
        self.axes.plot([event.time] * 2, [low - 0.04, low + height + 0.08], color=colour, lw=1.6)
        marker, size = ("v", 6) if good else ("X", 8)
        self.axes.plot(event.time, low + height + 0.1, marker=marker, color=colour, ms=size, zorder=4)

    def _draw_delay(self, since: float, until: float) -> None:
        height = _EVENTS[0] + _EVENTS[1] / 2
        self.axes.plot([since, until], [height] * 2, color=_LATE_INK, lw=1.6, ls=":", zorder=4)

    def draw_seen(self, sequence: HandSequence) -> None:
        near = _near(sequence.timestamps, self.start, self.end)
        times, hands = sequence.timestamps[near], sequence.seen[near].sum(axis=1)
        for first, last in _runs(hands):
            until = times[last + 1] if last + 1 < len(times) else times[last]
            colour = (UNSEEN, ONE, TWO)[hands[first]]
            self.axes.broken_barh([(times[first], until - times[first])], _SEEN, facecolor=colour, lw=0)

    def _say(self, time: float, height: float, words: str, colour: str) -> None:
        """Words from `time` on; those at the right end are moved inwards."""
        last = self.end - self._letter * len(words)
        self.axes.text(
            max(self.start, min(time, last)), height, words, fontsize=7.5, color=colour, va="bottom",
            clip_on=True, zorder=5,
        )  # fmt: skip

    def finish(self, *, in_minutes: bool, scores: bool, seen: bool) -> None:
        """Names the bands."""
        axes, (low, high) = self.axes, _SCORES
        ticks = [(_TRUTH[0] + _TRUTH[1] / 2, "made"), (_EVENTS[0] + _EVENTS[1] / 2, "recognized")]
        if scores:
            ticks += [(low, "score 0"), (low + high, "1")]
            for height in (low, low + high):
                axes.axhline(height, color="#d5d5d5", lw=0.6, zorder=0)
        if seen:
            ticks.append((_SEEN[0] + _SEEN[1] / 2, "hand seen"))
        axes.set_yticks([height for height, _ in ticks], [name for _, name in ticks], fontsize=8)
        axes.tick_params(axis="y", length=0)
        axes.tick_params(axis="x", labelsize=8)
        axes.locator_params(axis="x", integer=True, nbins=11)
        if in_minutes:
            axes.xaxis.set_major_formatter(lambda second, _: _clock(second))
        for side in ("top", "right", "left"):
            axes.spines[side].set_visible(False)


def _why(false: FalseActivation, missed: Sequence[Segment]) -> str:
    """In brackets, why an event is false."""
    event = false.event
    after = [event.time - s.offset for s in missed if s.label == event.gesture and s.offset < event.time]
    if false.kind == "idle" and after and min(after) < _TOO_LATE:
        return f"(too late: {min(after):.2f} s)"
    return f"({_FALSE_WORDS[false.kind]})"


def _smooth(line: Float64, times: Float64, smoothing: float) -> None:
    """Turns scores into the running mean that a spotter makes of them."""
    mean, last = np.zeros(line.shape[1]), -math.inf
    for i in np.flatnonzero(np.isfinite(line[:, 0])) if smoothing > 0 else ():
        elapsed = times[i] - last
        if elapsed > 1:  # another part of the stream, or the other hand was away
            mean, elapsed = line[i], 0.0
        mean = mean + (1 - math.exp(-elapsed / smoothing)) * (line[i] - mean)
        line[i], last = mean, times[i]


def _near(times: Float64, start: float, end: float) -> NDArray[np.intp]:
    return np.flatnonzero((times >= start - 0.1) & (times <= end + 0.1))


def _runs(values: NDArray[np.intp]) -> list[tuple[int, int]]:
    """(first, last) of stretches of one value."""
    if not len(values):
        return []
    cuts = np.flatnonzero(np.diff(values)) + 1
    return list(zip([0, *cuts.tolist()], [*(cuts - 1).tolist(), len(values) - 1], strict=True))


def _clock(second: float) -> str:
    whole = round(second)
    minutes = f"{whole // 60 % 60}" if whole < 3600 else f"{whole // 3600}:{whole // 60 % 60:02d}"
    return f"{minutes}:{whole % 60:02d}"
