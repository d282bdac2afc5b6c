"""The tracking benchmark's results for people: tables in Markdown and a plot."""

from collections.abc import Callable, Sequence
from pathlib import Path

from handflow.bench.tracking import PROGRAMS
from handflow.bench.tracking_conditions import SHARP
from handflow.bench.tracking_score import FOUND, Measured
from handflow.evaluate import plots

Column = tuple[str, Callable[[Measured], str]]
_MARKS = {"handflow": (plots.BLUE, "o"), "mediapipe": (plots.RED, "s")}


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f} %"


def _rate(value: float | None) -> str:
    return "–" if value is None else f"{value:.0f}"


_FOUND: tuple[Column, ...] = (
    ("found", lambda m: _percent(m.found)),
    ("error", lambda m: _percent(m.error)),
)
_IDENTITY: tuple[Column, ...] = (
    ("track swaps/min", lambda m: _rate(m.swaps)),
    ("new tracks/min", lambda m: _rate(m.new_tracks)),
    ("side swaps/min", lambda m: _rate(m.side_swaps)),
)
_FALSE: tuple[Column, ...] = (("frames with a false hand", lambda m: _percent(m.false)),)
_FALSE_GROUP = "false hands"
_EXPLAINED = f"""Found: landmarks off by less than {FOUND:.0%} of hand size on average. Error: mean of those
found, in percent of hand size (the longer side of the box of the true landmarks).
"""
_IDENTITY_EXPLAINED = """mediapipe names no tracks: the side that it names stands for the identity. An
exchange of both hands counts as two swaps. A hand that the other one hides need not be found.
"""


def markdown(results: Sequence[Measured]) -> str:
    """Tables of all groups.

    Found: share of the hands in sight whose landmarks are off by less than `FOUND` of the hand's size on
    average. Error: the mean of that, of those found.
    """
    parts = [_EXPLAINED]
    for group in dict.fromkeys(m.condition.group for m in results):
        rows = [m for m in results if m.condition.group == group]
        parts.append(_table(group, rows, _FALSE if group == _FALSE_GROUP else _FOUND))
        if any(m.condition.setting.pair for m in rows):
            parts.append(_table(f"{group}: identity", rows, _IDENTITY))
            parts.append(_IDENTITY_EXPLAINED)
    return "\n".join(parts)


def _table(title: str, rows: Sequence[Measured], columns: Sequence[Column]) -> str:
    programs = [p for p in PROGRAMS if any(m.program == p for m in rows)]
    heads = [(p, name, cell) for p in programs for name, cell in columns]
    # A column that one program has nothing to say in is left out.
    heads = [h for h in heads if any(m.program == h[0] and h[2](m) != "–" for m in rows)]
    lines = [
        "| " + " | ".join([title, *(f"{p} {name}" for p, name, _ in heads)]) + " |",
        "|" + "---|" + "---:|" * len(heads),
    ]
    for name in dict.fromkeys(m.condition.name for m in rows):
        of = {m.program: m for m in rows if m.condition.name == name}
        lines.append("| " + " | ".join([name, *(cell(of[p]) for p, _, cell in heads)]) + " |")
    return "\n".join(lines) + "\n"


def speed_picture(results: Sequence[Measured], path: Path) -> Path:
    """Draws the share of frames in which the hand is found against its speed, sharp and blurred.

    Raises:
        ValueError: the results hold no speeds.
        MissingExtraError: matplotlib is not installed.
    """
    rows = [m for m in results if m.condition.group == "speed" and m.found is not None]
    if not rows:
        raise ValueError("no speeds were measured: there is nothing to draw")
    figure = plots.new_figure(7.2, 4.4)
    axes = figure.add_subplot()
    for program in PROGRAMS:
        colour, marker = _MARKS[program]
        for name, sharp, line in (("sharp", True, "-"), ("blurred", False, "--")):
            points = sorted(
                (m.condition.setting.speed, 100 * (m.found or 0.0))
                for m in rows
                if m.program == program
                and ((m.condition.setting.exposure == SHARP) == sharp or m.condition.setting.speed == 0)
            )
            if points:
                axes.plot(
                    *zip(*points, strict=True),
                    line,
                    color=colour,
                    marker=marker,
                    markerfacecolor=colour if sharp else "white",
                    lw=1.8,
                    label=f"{program}, {name}",
                )
    size = rows[0].condition.setting.size
    axes.set_xlabel(f"speed, hand sizes a second (hand of {size:.0f} px, 30 frames a second)")
    axes.set_ylabel("frames in which the hand is found, %")
    axes.set_ylim(0, 103)
    axes.set_xticks(sorted({m.condition.setting.speed for m in rows}))
    axes.legend(frameon=False, loc="lower left")
    plots.strip(axes)
    return plots.save(figure, path)
