"""`handflow import`: article folders, videos in label folders and landmark archives into a dataset."""

from pathlib import Path
from typing import Annotated

import typer

from handflow.cli.common import AsJson, Verbose, command_app, console, print_json, progress, progress_console

app = command_app()

SHOWN = 20  # unreadable files that are named one by one


@app.command(epilog="Example: handflow import recordings/ my-gestures --subject anna")
def import_(
    source: Annotated[
        Path,
        typer.Argument(
            help="GESTURE/TAKE/*.jpg folders, LABEL/[SUBJECT/]*.mp4 folders, or an archive X.npz."
        ),
    ],
    dataset: Annotated[Path, typer.Argument(help="The dataset; made where there is none.")],
    kind: Annotated[
        str | None, typer.Option("--kind", help="archive, article or videos; found by looking if left out.")
    ] = None,
    mirrored: Annotated[
        bool | None,
        typer.Option(
            "--mirrored/--unmirrored",
            help="Turn mirrored pictures back, or not; by default those of article folders.",
        ),
    ] = None,
    fps: Annotated[
        float,
        typer.Option("--fps", help="Frames a second where the source tells no times; stored as assumed."),
    ] = 30.0,
    subject: Annotated[str | None, typer.Option("--subject", help="Who performs the gestures.")] = None,
    session: Annotated[
        str | None, typer.Option("--session", help="The sitting; the source's name if left out.")
    ] = None,
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Bring article folders, videos or landmark archives into a dataset."""
    from handflow.data.importers import import_path
    from handflow.data.incoming import ImportOptions

    options = ImportOptions(fps=fps, mirrored=mirrored, subject=subject, session=session)
    with progress() as bar:
        task = bar.add_task("importing", total=None)
        report = import_path(
            dataset,
            source,
            options,
            kind=kind,
            progress=lambda done, total, _: bar.update(task, completed=done, total=total),
        )
    for path, reason in report.skipped[:SHOWN]:
        progress_console.print(f"skipped {path}: {reason}", style="yellow", markup=False, highlight=False)
    if len(report.skipped) > SHOWN:
        progress_console.print(f"… and {len(report.skipped) - SHOWN} more skipped", style="yellow")
    waiting = sum(not e.has_landmarks for e in report.added)
    if as_json:
        print_json(
            {
                "dataset": str(dataset),
                "kind": report.kind,
                "added": [e.id for e in report.added],
                "known": [e.id for e in report.known],
                "skipped": [{"path": str(p), "reason": r} for p, r in report.skipped],
            }
        )
        return
    gestures = len({e.label for e in report.added})
    console.print(
        f"{len(report.added)} clips of {gestures} gestures imported into {dataset}"
        + (f", {len(report.known)} were there already" if report.known else "")
        + (f", {len(report.skipped)} files or takes skipped" if report.skipped else ""),
        markup=False,
        highlight=False,
    )
    if waiting:
        console.print(f"next: handflow extract {dataset}", markup=False, highlight=False, soft_wrap=True)
