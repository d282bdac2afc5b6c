"""The tables of `handflow bench hands` and `handflow bench train`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.table import Table

from handflow.cli.common import console, progress_console

if TYPE_CHECKING:
    from handflow.bench.all_hands import HandsReport
    from handflow.bench.hands import Measured
    from handflow.bench.photos import MovingRow
    from handflow.bench.training import PartMeasured, StepMeasured, StepsReport


def print_hands(report: "HandsReport") -> None:
    """Prints all that was measured."""
    console.print(_costs(report.costs))
    for e in report.entering:
        console.print(
            f"a second hand enters: {e.program} finds it after {e.p50:.2f} s (p50), {e.p95:.2f} s (p95), "
            f"{e.found:.0%} of {e.trials}",
            highlight=False,
        )
    for a in report.agreement:
        console.print(
            f"{a.pictures}: of {a.hands} hands that mediapipe finds {a.missed} missed, {a.more} more found; "
            f"median difference {a.difference:.2%} of hand size",
            highlight=False,
        )
    for f in report.empty:
        console.print(
            f"places without a hand: {f.program} reports one in {f.false} of {f.frames} frames "
            f"({f.false / max(f.frames, 1):.2%})",
            highlight=False,
        )
    if report.moving:
        console.print(_moving(report.moving))
    if not any(r.program == "mediapipe" for r in report.costs):
        progress_console.print("mediapipe is not beside it: 'make peers' brings it")


def _costs(rows: "Sequence[Measured]") -> Table:
    table = Table("case", "program", "ms a frame", "CPU ms", "ready s", "MB", "found", "error, % of hand")
    for r in rows:
        memory = "–" if r.memory_mb is None else f"{r.memory_mb:.0f}"
        table.add_row(
            r.case,
            r.program,
            f"{r.wall_ms:.1f}",
            f"{r.cpu_ms:.1f}",
            f"{r.ready_s:.2f}",
            memory,
            f"{r.found:.1%}",
            "–" if r.error is None else f"{r.error:.1%}",
        )
    return table


def _moving(rows: "Sequence[MovingRow]") -> Table:
    table = Table("moved photos", "program", "wave", "sweep", "found")
    for r in rows:
        blur = "blurred" if r.blurred else "sharp"
        table.add_row(
            f"{r.speed:.0f} px a frame, {blur}",
            r.program,
            f"{r.wave:.1%}",
            f"{r.sweep:.1%}",
            f"{r.found:.1%}",
        )
    return table


def print_steps(report: "StepsReport") -> None:
    """Prints what a training step of the networks on pictures costs."""
    console.print(_steps(report.steps))
    if report.parts:
        console.print(_parts(report.parts))
    if report.missing:
        progress_console.print(report.missing)


def _steps(rows: "Sequence[StepMeasured]") -> Table:
    table = Table("network", "program", "ms a step", "to Keras", "peak MB", "to Keras", "parameters")
    for r in rows:
        table.add_row(
            r.network,
            r.program,
            f"{r.step_ms:.0f}",
            _ratio(r.step_ratio),
            "–" if r.peak_mb is None else f"{r.peak_mb:.0f}",
            _ratio(r.peak_ratio),
            f"{r.parameters}",
        )
    return table


def _parts(rows: "Sequence[PartMeasured]") -> Table:
    table = Table("network", "ours changed", "ms a step", "to ours as it is")
    for r in rows:
        table.add_row(
            r.network,
            r.part,
            r.note if r.step_ms is None else f"{r.step_ms:.0f}",
            _ratio(r.ratio),
        )
    return table


def _ratio(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
