"""`handflow import`: article folders, videos in label folders and landmark archives into a dataset."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from handflow.cli.common import AsJson, Verbose, command_app, console, print_json, progress, progress_console

if TYPE_CHECKING:
    from handflow.data.incoming import ImportOptions

app = command_app()

SHOWN = 20  # unreadable files that are named one by one

# What `import` and `extract --from` share.
KindOption = Annotated[
    str | None, typer.Option("--kind", help="archive, article or videos; found by looking if left out.")
]
MirroredOption = Annotated[
    bool | None,
    typer.Option(
        "--mirrored/--unmirrored",
        help="Turn mirrored pictures back, or not; by default those of article folders.",
    ),
]
FpsOption = Annotated[
    float | None,
    typer.Option(
        "--fps",
        help="Frames a second where the source tells no times; stored as assumed.",
        show_default="30",
    ),
]
SubjectOption = Annotated[str | None, typer.Option("--subject", help="Who performs the gestures.")]
SessionOption = Annotated[
    str | None, typer.Option("--session", help="The sitting; the source's name if left out.")
]


@app.command(epilog="Example: handflow import recordings/ my-gestures --subject anna")
def import_(
    source: Annotated[
        Path,
        typer.Argument(
            help="GESTURE/TAKE/*.jpg folders, LABEL/[SUBJECT/]*.mp4 folders, or an archive X.npz."
        ),
    ],
    dataset: Annotated[Path, typer.Argument(help="The dataset; made where there is none.")],
    kind: KindOption = None,
    mirrored: MirroredOption = None,
    fps: FpsOption = None,
    subject: SubjectOption = None,
    session: SessionOption = None,
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Bring article folders, videos or landmark archives into a dataset."""
    from handflow.data.importers import import_path

    options = import_options(fps, mirrored, subject, session)
    with progress() as bar:
        task = bar.add_task("importing", total=None)
        report = import_path(
            dataset,
            source,
            options,
            kind=kind,
            progress=lambda done, total, _: bar.update(task, completed=done, total=total),
        )
    say_skipped(report.skipped)
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


def import_options(
    fps: float | None, mirrored: bool | None, subject: str | None, session: str | None
) -> "ImportOptions":
    """The options of an import as asked for on the command line.

    Raises:
        DatasetError: one cannot be.
    """
    from handflow.data.incoming import ImportOptions

    options = ImportOptions(mirrored=mirrored, subject=subject, session=session)
    return options if fps is None else replace(options, fps=fps)


def say_skipped(skipped: Sequence[tuple[Path, str]]) -> None:
    """Names on stderr what could not be read."""
    for path, reason in skipped[:SHOWN]:
        progress_console.print(f"skipped {path}: {reason}", style="yellow", markup=False, highlight=False)
    if len(skipped) > SHOWN:
        progress_console.print(f"… and {len(skipped) - SHOWN} more skipped", style="yellow")
