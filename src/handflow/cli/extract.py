"""`handflow extract`: landmarks for clips that lack them."""

from pathlib import Path
from typing import Annotated

import typer

from handflow.cli.common import AsJson, Verbose, command_app, console, print_json, progress, progress_console

app = command_app()


@app.command(epilog="Example: handflow extract my-gestures")
def extract(
    dataset: Annotated[Path, typer.Argument(help="The dataset.")],
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", help="Processes; one for each core if left out.", min=1)
    ] = None,
    again: Annotated[
        bool,
        typer.Option("--again", help="Look anew at all clips with pictures, also where landmarks exist."),
    ] = False,
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Find the hands in clips that lack landmarks; may be interrupted and run again."""
    from handflow.data.dataset import Dataset
    from handflow.data.extract import extract_landmarks
    from handflow.errors import DatasetError

    opened = Dataset.open(dataset)
    done = 0
    with progress() as bar:
        task = bar.add_task("finding hands", total=None)

        def show(number: int, total: int, _: str) -> None:
            nonlocal done
            done = number
            bar.update(task, completed=number, total=total)

        try:
            report = extract_landmarks(opened, jobs=jobs, again=again, progress=show)
        except KeyboardInterrupt:
            progress_console.print(f"{done} clips are done and kept: the same command goes on from there")
            raise
    for id, reason in report.failed:
        progress_console.print(f"clip '{id}': {reason}", style="yellow", markup=False, highlight=False)
    if as_json:
        print_json(
            {
                "done": list(report.done),
                "kept": report.kept,
                "failed": [{"clip": id, "reason": reason} for id, reason in report.failed],
                "without_hands": list(report.without_hands),
            }
        )
    else:
        console.print(
            f"{len(report.done)} clips done, {report.kept} had landmarks already"
            + (f", no hand seen in {len(report.without_hands)}" if report.without_hands else ""),
            highlight=False,
        )
    if report.failed:
        raise DatasetError(
            f"{len(report.failed)} clips could not be read: run `handflow check --fix {dataset}`"
        )
