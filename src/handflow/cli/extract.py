"""`handflow extract`: landmarks for clips that lack them, or for recordings while they are imported."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from handflow.cli.common import (
    AsJson,
    HandModelChoice,
    HandModelOption,
    Verbose,
    command_app,
    console,
    print_json,
    progress,
    progress_console,
)
from handflow.cli.importing import (
    FpsOption,
    KindOption,
    MirroredOption,
    SessionOption,
    SubjectOption,
    import_options,
    say_skipped,
)

if TYPE_CHECKING:
    from handflow.data.extract import ExtractReport
    from handflow.data.intake import IntakeReport

app = command_app()


@app.command(epilog="Example: handflow extract my-gestures --from videos/ --no-frames")
def extract(
    dataset: Annotated[Path, typer.Argument(help="The dataset; with --from made where there is none.")],
    source: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="FOLDER",
            help="A folder that `handflow import` knows: imported, and its hands found, in one pass.",
        ),
    ] = None,
    no_frames: Annotated[
        bool, typer.Option("--no-frames", help="With --from: store landmarks alone, no pictures.")
    ] = False,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", help="Processes; one for each core if left out.", min=1)
    ] = None,
    again: Annotated[
        bool,
        typer.Option("--again", help="Look anew at all clips with pictures, also where landmarks exist."),
    ] = False,
    hand_model: HandModelOption = HandModelChoice.FULL,
    kind: KindOption = None,
    mirrored: MirroredOption = None,
    fps: FpsOption = None,
    subject: SubjectOption = None,
    session: SessionOption = None,
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Find the hands in clips that lack landmarks, or in recordings on their way into the dataset.

    May be interrupted and run again: it goes on where it was. Landmarks
    of an older version, or of another --hand-model, are found anew.
    """
    from handflow.data.dataset import Dataset
    from handflow.data.extract import extract_landmarks
    from handflow.data.intake import extract_from
    from handflow.errors import DatasetError
    from handflow.hands import HandLandmarkerConfig

    config = HandLandmarkerConfig(model=hand_model.model)
    if source is not None:
        options = import_options(fps, mirrored, subject, session)
        with _clips_done() as show:
            brought = extract_from(
                dataset,
                source,
                options,
                config,
                kind=kind,
                keep_frames=not no_frames,
                jobs=jobs,
                again=again,
                progress=show,
            )
        _say_brought(brought, dataset, as_json)
        return
    given = {
        "--no-frames": no_frames or None, "--kind": kind, "--mirrored/--unmirrored": mirrored, "--fps": fps,
        "--subject": subject, "--session": session,
    }  # fmt: skip
    for name, value in given.items():
        if value is not None:
            raise typer.BadParameter("it belongs to --from FOLDER: give both or none", param_hint=name)
    opened = Dataset.open(dataset)
    with _clips_done() as show:
        report = extract_landmarks(opened, config, jobs=jobs, again=again, progress=show)
    _say_report(report, as_json)
    if report.failed:
        raise DatasetError(
            f"{len(report.failed)} clips could not be read: run `handflow check --fix {dataset}`"
        )


@contextmanager
def _clips_done() -> Iterator[Callable[[int, int, str], None]]:
    """A bar of clips; where Ctrl-C ends the work, it says what is kept."""
    done = 0
    with progress() as bar:
        task = bar.add_task("finding hands", total=None)

        def show(number: int, total: int, _: str) -> None:
            nonlocal done
            done = number
            bar.update(task, completed=number, total=total)

        try:
            yield show
        except KeyboardInterrupt:
            progress_console.print(f"{done} clips are done and kept: the same command goes on from there")
            raise


def _say_report(report: "ExtractReport", as_json: bool) -> None:
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
        return
    console.print(
        f"{len(report.done)} clips done, {report.kept} had landmarks already"
        + (f", no hand seen in {len(report.without_hands)}" if report.without_hands else ""),
        highlight=False,
    )


def _say_brought(report: "IntakeReport", dataset: Path, as_json: bool) -> None:
    say_skipped(report.skipped)
    if as_json:
        print_json(
            {
                "dataset": str(dataset),
                "kind": report.kind,
                "added": list(report.added),
                "renewed": list(report.renewed),
                "kept": report.kept,
                "skipped": [{"path": str(p), "reason": r} for p, r in report.skipped],
                "without_hands": list(report.without_hands),
            }
        )
        return
    parts = {
        "found anew": len(report.renewed),
        "were there already": report.kept,
        "files or takes skipped": len(report.skipped),
    }
    console.print(
        f"{len(report.added)} clips with landmarks brought into {dataset}"
        + "".join(f", {count} {what}" for what, count in parts.items() if count)
        + (f"; no hand seen in {len(report.without_hands)}" if report.without_hands else ""),
        markup=False,
        highlight=False,
    )
