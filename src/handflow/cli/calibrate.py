"""`handflow calibrate`: set a model's thresholds by background that it must not fire on."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from handflow.cli.common import (
    AsJson,
    Verbose,
    command_app,
    console,
    print_json,
    progress,
    progress_console,
)
from handflow.errors import DatasetError, ModelFileError

if TYPE_CHECKING:
    from handflow.evaluate.operating_points import OperatingPoint
    from handflow.recognize import ModelInfo
    from handflow.types import Stream

app = command_app()


@app.command(
    epilog="Example: handflow calibrate models/2026-… --background idle --gestures more-takes   ·   "
    "handflow record idle --background 10m"
)
def calibrate(
    model: Annotated[Path, typer.Argument(help="Folder of a trained model.")],
    background: Annotated[
        Path | None,
        typer.Option(
            help="Hands that mean nothing, and that the model was not trained on: a dataset with "
            "`background` clips, or an archive (.npz) of streams, whose annotated gestures count as made.",
            metavar="STREAMS",
        ),
    ] = None,
    gestures: Annotated[
        Path | None,
        typer.Option(
            help="Gestures to see what it costs: a dataset or an archive, not trained on either.",
            metavar="STREAMS",
        ),
    ] = None,
    wanted: Annotated[
        float,
        typer.Option("--false-alarms-per-hour", help="How many are bearable.", min=0.001, metavar="N"),
    ] = 0.5,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say it and change nothing.")] = False,
    undo: Annotated[
        bool, typer.Option("--undo", help="Bring back the thresholds from before the calibration.")
    ] = False,
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Set how sure the model must be, per gesture, so that it seldom fires for nothing; say what it costs."""
    from handflow.recognize import read_model_info

    if undo:
        _undo(model, read_model_info(model))
        return
    if background is None:
        raise typer.BadParameter(
            "name background to calibrate on: --background STREAMS; "
            "`handflow record DATASET --background 10m` records some"
        )
    from handflow.data import load_streams
    from handflow.evaluate.operating_points import choose_thresholds
    from handflow.evaluate.provenance import listed, trained_provenance
    from handflow.recognize import load_recognizer

    recognizer = load_recognizer(model)
    if recognizer.needs_pictures:
        raise ModelFileError(
            f"{model.name} looks at pictures and streams hold landmarks alone: calibrate a few-shot or "
            "landmark model"
        )
    streams = load_streams(background, idle_alone=True)
    if gestures is not None:
        streams += _known(load_streams(gestures), recognizer.labels, gestures)
    notes = []
    trained = trained_provenance(model)
    seen = {s.subject for s in streams if s.subject} & (trained.subjects if trained else set())
    if seen:
        notes.append(
            f"the model was also trained on {listed(sorted(seen))}: for somebody new it may fire more often"
        )
    with progress() as bar:
        task = bar.add_task("streams, twice", total=2 * len(streams))
        point = choose_thresholds(
            recognizer, streams, wanted, progress=lambda done: bar.update(task, completed=done)
        )
    notes += _notes(point)
    if not dry_run:
        _store(model, recognizer.info, point, streams)
    for note in notes:
        progress_console.print(f"[yellow]Note:[/] {escape(note)}", highlight=False)
    if as_json:
        print_json(_document(point, stored=not dry_run) | ({"notes": notes} if notes else {}))
        return
    console.print(_table(recognizer.info, point))
    for line in _words(point):
        console.print(escape(line), highlight=False)
    if not dry_run:
        progress_console.print(f"stored in {escape(str(model))}; --undo brings the old thresholds back")


def _known(streams: "list[Stream]", labels: "tuple[str, ...]", path: Path) -> "list[Stream]":
    """Streams that show gestures of the model."""
    known = [s for s in streams if any(segment.label in labels for segment in s.segments)]
    if not known:
        raise DatasetError(f"{path} shows none of the model's gestures: {', '.join(labels)}")
    return known


def _store(model: Path, info: "ModelInfo", point: "OperatingPoint", streams: "list[Stream]") -> None:
    from handflow.recognize.model_folder import Calibration, replace_model_info

    calibration = Calibration(
        hours=round(point.hours, 4),
        wanted=point.wanted,
        found=round(point.rate, 4),
        upper=round(point.upper, 4),
        subjects=tuple(sorted({s.subject for s in streams if s.subject})),
        before=info.calibration.before if info.calibration else dict(info.spotter.thresholds),
    )
    # They were chosen from what held until now, sensitivity included.
    changed = {"thresholds": dict(point.thresholds), "sensitivity": {}, "calibration": calibration}
    replace_model_info(model, info.model_copy(update=changed))


def _undo(model: Path, info: "ModelInfo") -> None:
    from handflow.recognize.model_folder import replace_model_info

    if info.calibration is None:
        raise ModelFileError(f"{model} was not calibrated: there is nothing to undo")
    changed = {"thresholds": info.calibration.before, "sensitivity": {}, "calibration": None}
    replace_model_info(model, info.model_copy(update=changed))
    progress_console.print("the thresholds are those from before the calibration")


def _notes(point: "OperatingPoint") -> list[str]:
    from handflow.evaluate.operating_points import hours_needed

    notes = []
    if not point.reached:
        notes.append(
            f"{point.wanted:g} false activations an hour are not reached, {point.rate:.2f} is the least: "
            "record more idle hands as background and train again, or leave a gesture out"
        )
    needed = hours_needed(point.wanted)
    if point.hours < needed:
        notes.append(
            f"{point.hours:.2f} hours of background are little: to be sure of {point.wanted:g} an hour "
            f"takes {needed:.0f} hours without a false activation"
        )
    if not point.made:
        notes.append("no gestures were shown: --gestures STREAMS says what recall the thresholds cost")
    return notes


def _table(info: "ModelInfo", point: "OperatingPoint") -> Table:
    table = Table("gesture", "threshold", "false activations", "recall")
    for gesture, threshold in point.thresholds.items():
        old = info.spotter.thresholds[gesture].enter
        made = point.made.get(gesture, 0)
        recall = "–"
        if made:
            before, after = (c.hits.get(gesture, 0) / made for c in (point.before, point.after))
            recall = f"{before:.1%} → {after:.1%}"
        false = f"{point.before.false.get(gesture, 0)} → {point.after.false.get(gesture, 0)}"
        table.add_row(gesture, f"{old:.3g} → {threshold.enter:.3g}", false, recall)
    return table


def _words(point: "OperatingPoint") -> list[str]:
    before = point.before.all_false / point.hours
    now = f"{point.rate:.2f} now (at most {point.upper:.2f}, with 97.5 % confidence)"
    lines = [f"{point.hours:.2f} hours: {before:.2f} false activations an hour before, {now}."]
    total = sum(point.made.values())
    if total:
        old, new = (sum(c.hits.values()) / total for c in (point.before, point.after))
        lines.append(f"Of {total} gestures {old:.1%} were recognized before, {new:.1%} now.")
    lines += [
        f"“{made}” and “{told}” get in each other's way: {told} was told {times} times where {made} was made."
        for made, told, times in point.rivals
    ]
    return lines


def _document(point: "OperatingPoint", *, stored: bool) -> dict[str, Any]:
    gestures = {
        gesture: {
            "enter": threshold.enter,
            "leave": threshold.leave,
            "false_activations": {
                "before": point.before.false.get(gesture, 0),
                "after": point.after.false.get(gesture, 0),
            },
            "made": point.made.get(gesture, 0),
            "recognized": {
                "before": point.before.hits.get(gesture, 0),
                "after": point.after.hits.get(gesture, 0),
            },
        }
        for gesture, threshold in point.thresholds.items()
    }
    return {
        "hours": point.hours,
        "wanted_per_hour": point.wanted,
        "false_activations_per_hour": point.rate,
        "upper_95": point.upper,
        "reached": point.reached,
        "gestures": gestures,
        "rivals": [{"made": a, "told": b, "times": n} for a, b, n in point.rivals],
        "stored": stored,
    }
