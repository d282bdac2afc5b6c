"""The timeline of a stream: what was made, what the model said of it and what came of that.

From top to bottom: gestures made (missed ones hatched), scores with their thresholds before the motion of the
hand, events from onset to offset, and whether a hand was seen.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from handflow.evaluate.events import EventMatch
from handflow.evaluate.plots import BLUE, FAINT, GREEN, INK, PINK, RED, SKY, YELLOW, new_figure, save
from handflow.evaluate.provenance import count
from handflow.evaluate.streams import follow_stream
from handflow.evaluate.timeline_row import HANDS, MOTION, ONE, TWO, UNSEEN, WIDTH, Row, ScoreLines
from handflow.recognize.spotting import Spotting
from handflow.types import BACKGROUND, HandSequence, Scores, Stream

ROW_SECONDS = 20.0
MOST_ROWS = 12
_ROW = 2.3  # inches of a row
# After those that are told apart best, Tol's muted ones where there are many; red is for errors.
_PALETTE = (BLUE, GREEN, PINK, YELLOW, SKY, "#332288", "#882255", "#44aa99", "#661100", "#999933")


def timeline_picture(
    match: EventMatch,
    span: tuple[float, float],
    path: Path,
    *,
    scores: Sequence[Scores] = (),
    enter: Mapping[str, float] | None = None,
    smoothing: float = 0.0,
    sequence: HandSequence | None = None,
    title: str = "",
    row_seconds: float = ROW_SECONDS,
    most_rows: int = MOST_ROWS,
) -> Path:
    """Draws a stream: gestures made, scores, events, and whether a hand was seen.

    A stream that is too long for one picture is shown where something went wrong; the title says so.

    Args:
        match: what became of gestures and events.
        span: start and end of the stream, seconds.
        path: PNG to write.
        scores: of the recognizer, in the order of time; several of one moment are those of two hands told
            apart. May be empty.
        enter: the threshold at which each gesture counts.
        smoothing: seconds, time constant of the running mean that thresholds hold for (`SpotterConfig`).
        sequence: the stream's hands; None: whether one was seen is not drawn.
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
    lines = ScoreLines.of(scores, smoothing)
    figure = new_figure(WIDTH, 1.5 + _ROW * len(shown))
    figure.suptitle(_heading(title, match, shown, span, row_seconds), fontsize=11)
    for place, first in enumerate(shown, start=1):
        row = Row(figure.add_subplot(len(shown), 1, place), first, first + width, colours)
        if lines is not None:
            row.draw_motion(lines)
            row.draw_thresholds(enter or {}, lines)
            row.draw_scores(lines)
        row.draw_truth(match)
        row.draw_events(match)
        if sequence is not None:
            row.draw_seen(sequence)
        row.finish(in_minutes=end > 120, scores=lines is not None, seen=sequence is not None)
    row.axes.set_xlabel("minutes:seconds" if end > 120 else "seconds")
    _explain(figure, match, colours, lines, seen=sequence is not None, thresholds=bool(enter))
    return save(figure, path)


def rows_to_show(
    match: EventMatch,
    span: tuple[float, float],
    *,
    row_seconds: float = ROW_SECONDS,
    most_rows: int = MOST_ROWS,
) -> list[float]:
    """Starts (seconds) of the rows that `timeline_picture` draws: those with most errors come first."""
    starts = _row_starts(span, row_seconds)
    if len(starts) <= most_rows:
        return starts
    errors = _errors_by_row(match, span, row_seconds)
    return sorted(sorted(starts, key=lambda row: (-errors[row], row))[:most_rows])


def stream_timeline(match: EventMatch, spotting: Spotting, stream: Stream, path: Path) -> Path:
    """Draws the timeline of a stream with its scores, for which it is recognized once more.

    Scores are kept for the rows that are drawn alone: a stream may last a day.
    """
    times = stream.sequence.timestamps
    span = (float(times[0]), float(times[-1]))
    rows = [(row, row + ROW_SECONDS) for row in rows_to_show(match, span)]
    scores = [
        scores
        for spotted in follow_stream(spotting, stream)
        if any(low <= spotted.scores.timestamp <= high for low, high in rows)
        for scores in spotted.each
    ]
    spotter = spotting.recognizer.spotter()
    gestures = [label for label in (scores[0].labels if scores else ()) if label != BACKGROUND]
    enter = {gesture: spotter.threshold(gesture).enter for gesture in gestures}
    return timeline_picture(
        match,
        span,
        path,
        scores=scores,
        enter=enter,
        smoothing=spotter.config.smoothing,
        sequence=stream.sequence,
        title=stream.id,
    )


def _row_starts(span: tuple[float, float], row_seconds: float) -> list[float]:
    rows = max(1, int(np.ceil((span[1] - span[0]) / row_seconds - 1e-9)))
    return [span[0] + i * row_seconds for i in range(rows)]


def _errors_by_row(match: EventMatch, span: tuple[float, float], row_seconds: float) -> Counter[float]:
    starts = _row_starts(span, row_seconds)
    moments = [f.event.time for f in match.false] + [s.onset for s in match.missed]
    rows = (int((t - span[0]) / row_seconds) for t in moments)
    return Counter(starts[min(max(row, 0), len(starts) - 1)] for row in rows)


def _heading(
    title: str, match: EventMatch, shown: Sequence[float], span: tuple[float, float], row_seconds: float
) -> str:
    made, rows = len(match.hits) + len(match.missed), len(_row_starts(span, row_seconds))
    false = count(len(match.false), "false activation")
    line = f"{count(made, 'gesture')} made, {len(match.hits)} recognized, {false}"
    if len(shown) < rows:
        bad = _errors_by_row(match, span, row_seconds)
        drawn = sum(row in bad for row in shown)
        line += f"\n{len(shown)} of {rows} parts of {row_seconds:g} s are shown: "
        if drawn < len(bad):
            line += f"those with most errors, of {len(bad)} that have some"
        elif bad:
            line += f"{'all ' * (drawn > 1)}{drawn} with errors" + (", then the first" * (drawn < len(shown)))
        else:
            line += "the first, as there are no errors"
    return f"{title}: {line}" if title else line


def _colours(match: EventMatch, scores: Sequence[Scores]) -> dict[str, str]:
    labels = {s.label for s, _ in match.hits} | {s.label for s in match.missed}
    labels |= {f.event.gesture for f in match.false}
    if scores:
        labels |= set(scores[0].labels)
    return {label: _PALETTE[i % len(_PALETTE)] for i, label in enumerate(sorted(labels - {BACKGROUND}))}


def _explain(
    figure: Any,
    match: EventMatch,
    colours: Mapping[str, str],
    lines: ScoreLines | None,
    *,
    seen: bool,
    thresholds: bool,
) -> None:
    """What colours and signs mean, below the rows."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    signs: list[Any] = [Patch(color=colour, label=label) for label, colour in colours.items()]
    if match.missed:
        signs.append(Patch(facecolor="white", edgecolor=RED, hatch="/////", label="missed"))
    if match.hits:
        signs.append(Line2D([], [], color=INK, marker="v", ls="", label="event: bar from onset to offset"))
    if match.false:
        signs.append(Line2D([], [], color=RED, marker="X", ls="", label="false activation"))
    if lines is not None:
        apart = [hand for hand in HANDS if hand in lines.of_hands]
        names = {"left": "left hand", "right": "right hand", "both": "both as one"}
        signs += [Line2D([], [], color=INK, ls=HANDS[hand], label=names[hand]) for hand in apart]
        if thresholds:
            signs.append(Line2D([], [], color=FAINT, ls=(0, (6, 4)), lw=0.8, label="threshold"))
        if np.isfinite(lines.motion).any():
            most = f"motion, up to {lines.fastest:g} palm lengths a second"
            signs.append(Patch(facecolor=MOTION, edgecolor="#c9c9c9", label=most))
    if seen:
        names = {UNSEEN: "no hand seen", ONE: "one hand", TWO: "two hands"}
        signs += [Patch(color=colour, label=name) for colour, name in names.items()]
    if signs:
        figure.legend(handles=signs, loc="outside lower center", ncols=6, fontsize=8, frameon=False)
