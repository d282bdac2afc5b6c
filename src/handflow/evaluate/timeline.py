"""The timeline of a stream: truth above, scores in the middle, events below, so that one sees why."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from handflow.evaluate.events import EventMatch
from handflow.evaluate.plots import BLUE, CYCLE, FAINT, INK, ORANGE, RED, new_figure, save
from handflow.evaluate.streams import follow_stream
from handflow.recognize.spotting import Spotting
from handflow.types import BACKGROUND, Scores, Stream

ROW_SECONDS = 20.0
MOST_ROWS = 12
_TRUTH, _SCORES, _EVENTS = (2.2, 0.7), (1.0, 1.0), (0.0, 0.8)  # (bottom, height) of the three bands
_FALSE_WORDS = {"repeated": "again", "confused": "wrong", "idle": "for nothing"}


def timeline_picture(
    match: EventMatch,
    span: tuple[float, float],
    path: Path,
    *,
    scores: Sequence[Scores] = (),
    title: str = "",
    row_seconds: float = ROW_SECONDS,
    most_rows: int = MOST_ROWS,
) -> Path:
    """Draws a stream: gestures made (missed ones hatched), scores, events (false ones as crosses).

    A stream that is too long for one picture is shown where something went wrong; the title says so.

    Args:
        match: what became of gestures and events.
        span: start and end of the stream, seconds.
        path: PNG to write.
        scores: of the recognizer, in the order of time; may be empty.
        title: of the picture.
        row_seconds: length of one row.
        most_rows: rows drawn at most.

    Raises:
        ValueError: the span is empty.
        MissingExtraError: matplotlib is not installed.
    """
    start, end = span
    if not end > start:
        raise ValueError(f"a timeline needs a span above 0 seconds, not {start} to {end}")
    starts = _row_starts(span, row_seconds)
    shown = rows_to_show(match, span, row_seconds=row_seconds, most_rows=most_rows)
    width = min(row_seconds, end - start) if len(starts) == 1 else row_seconds
    colours = _colours(match, scores)
    times = np.array([s.timestamp for s in scores])
    figure = new_figure(11.0, 1.1 + 1.75 * len(shown))
    figure.suptitle(_heading(title, match, len(shown), len(starts)), fontsize=11)
    for place, row in enumerate(shown, start=1):
        axes = figure.add_subplot(len(shown), 1, place)
        axes.set(xlim=(row, row + width), ylim=(-0.15, 3.0))
        _draw_truth(axes, match, colours, row, row + width)
        if len(times):
            inside = np.flatnonzero((times >= row - 0.1) & (times <= row + width + 0.1))
            _draw_scores(axes, [scores[int(i)] for i in inside], colours)
        _draw_events(axes, match, colours, row, row + width)
        axes.set_yticks(
            [_TRUTH[0] + 0.35, _SCORES[0], _SCORES[0] + 1, _EVENTS[0] + 0.4],
            ["made", "score 0", "1", "recognized"],
            fontsize=8,
        )
        axes.tick_params(axis="y", length=0)
        axes.tick_params(axis="x", labelsize=8)
        for side in ("top", "right", "left"):
            axes.spines[side].set_visible(False)
    axes.set_xlabel("seconds")
    return save(figure, path)


def rows_to_show(
    match: EventMatch,
    span: tuple[float, float],
    *,
    row_seconds: float = ROW_SECONDS,
    most_rows: int = MOST_ROWS,
) -> list[float]:
    """Starts (seconds) of the rows that `timeline_picture` draws: those with errors come first."""
    starts = _row_starts(span, row_seconds)
    if len(starts) <= most_rows:
        return starts
    moments = [f.event.time for f in match.false] + [s.onset for s in match.missed]
    bad = {starts[min(int((t - span[0]) / row_seconds), len(starts) - 1)] for t in moments}
    good = [row for row in starts if row not in bad]
    return sorted((sorted(bad) + good)[:most_rows])


def stream_timeline(match: EventMatch, spotting: Spotting, stream: Stream, path: Path) -> Path:
    """Draws the timeline of a stream with its scores, for which it is recognized once more.

    Scores are kept for the rows that are drawn alone: a stream may last a day.
    """
    times = stream.sequence.timestamps
    span = (float(times[0]), float(times[-1]))
    rows = [(row, row + ROW_SECONDS) for row in rows_to_show(match, span)]
    scores = [
        spotted.scores
        for spotted in follow_stream(spotting, stream)
        if any(low <= spotted.scores.timestamp <= high for low, high in rows)
    ]
    return timeline_picture(match, span, path, scores=scores, title=stream.id)


def _row_starts(span: tuple[float, float], row_seconds: float) -> list[float]:
    rows = max(1, int(np.ceil((span[1] - span[0]) / row_seconds - 1e-9)))
    return [span[0] + i * row_seconds for i in range(rows)]


def _heading(title: str, match: EventMatch, shown: int, rows: int) -> str:
    made = len(match.hits) + len(match.missed)
    line = f"{made} gestures made, {len(match.hits)} recognized, {len(match.false)} false activations"
    if shown < rows:
        line += f" (shown: {shown} of {rows} parts, those with errors first)"
    return f"{title}: {line}" if title else line


def _colours(match: EventMatch, scores: Sequence[Scores]) -> dict[str, str]:
    labels = {s.label for s, _ in match.hits} | {s.label for s in match.missed}
    labels |= {f.event.gesture for f in match.false}
    if scores:
        labels |= set(scores[0].labels)
    palette = [c for c in CYCLE if c not in (RED, ORANGE)]  # red is kept for errors, orange is too near
    return {label: palette[i % len(palette)] for i, label in enumerate(sorted(labels - {BACKGROUND}))}


def _draw_truth(axes: Any, match: EventMatch, colours: dict[str, str], start: float, end: float) -> None:
    segments = [(s, True) for s, _ in match.hits] + [(s, False) for s in match.missed]
    for segment, found in segments:
        if segment.offset < start or segment.onset > end:
            continue
        length = segment.offset - segment.onset
        words = segment.label if found else f"{segment.label} missed"
        axes.broken_barh(
            [(segment.onset, length)],
            _TRUTH,
            facecolor=colours.get(segment.label, FAINT) if found else "white",
            edgecolor=colours.get(segment.label, FAINT) if found else RED,
            hatch=None if found else "///",
            lw=1.2,
        )
        axes.text(
            segment.onset + length / 2, _TRUTH[0] - 0.03, words,
            ha="center", va="top", fontsize=7, color=INK if found else RED, clip_on=True,
        )  # fmt: skip


def _draw_scores(axes: Any, scores: Sequence[Scores], colours: dict[str, str]) -> None:
    if not scores:
        return
    times = np.array([s.timestamp for s in scores])
    values = np.stack([s.probabilities for s in scores])
    for column, label in enumerate(scores[0].labels):
        if label == BACKGROUND or values[:, column].max() < 0.15:
            continue  # lines along zero would bury the others
        axes.plot(times, _SCORES[0] + values[:, column] * _SCORES[1], color=colours[label], lw=1.2)


def _draw_events(axes: Any, match: EventMatch, colours: dict[str, str], start: float, end: float) -> None:
    low, high = _EVENTS[0], _EVENTS[0] + _EVENTS[1]
    for _, event in match.hits:
        if start <= event.time <= end:
            colour = colours.get(event.gesture, BLUE)
            axes.plot([event.time, event.time], [low, high], color=colour, lw=2)
            axes.plot(event.time, high, marker="v", color=colour, ms=6)
            _name(axes, event.time, low, event.gesture, INK)
    for number, false in enumerate(match.false):
        if start <= false.event.time <= end:
            axes.plot([false.event.time] * 2, [low, high], color=RED, lw=1.2, ls=":")
            axes.plot(false.event.time, high, marker="X", color=RED, ms=8)
            words = f"{false.event.gesture} ({_FALSE_WORDS[false.kind]})"
            _name(axes, false.event.time, low + 0.22 + 0.22 * (number % 2), words, RED)


def _name(axes: Any, time: float, height: float, words: str, colour: str) -> None:
    axes.annotate(
        words, (time, height), xytext=(3, 1), textcoords="offset points",
        fontsize=7, color=colour, va="bottom", annotation_clip=True, clip_on=True,
    )  # fmt: skip
