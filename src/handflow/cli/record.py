"""`handflow record`: takes of one gesture into a dataset."""

from pathlib import Path
from typing import Annotated

import typer

from handflow.cli.common import (
    AsJson,
    HandModelChoice,
    HandModelOption,
    Verbose,
    command_app,
    picture_size,
    print_json,
)
from handflow.cli.recording import (
    CountdownOption,
    Destination,
    MirrorOption,
    NoFramesOption,
    NoWindowOption,
    SecondsOption,
    SessionOption,
    SizeOption,
    SourceOption,
    SubjectOption,
    TakeOptions,
    run_recording,
    say_summary,
)
from handflow.errors import DatasetError
from handflow.types import BACKGROUND

app = command_app()


@app.command(epilog="Example: handflow record my-gestures --gesture swipe_left --takes 10 --hands-free")
def record(
    dataset: Annotated[
        Path, typer.Argument(metavar="DATASET", help="Folder of the dataset; made where there is none.")
    ],
    gesture: Annotated[
        str,
        typer.Option(
            "--gesture",
            "-g",
            help=f"What is performed. '{BACKGROUND}' is reserved: hands that do nothing meant (scratching, "
            "reaching, talking with the hands). Record some, so that a model can say 'none of them'.",
        ),
    ],
    source: SourceOption = "0",
    seconds: SecondsOption = None,
    frames: Annotated[
        int | None, typer.Option(help="Length of a take in frames, instead of seconds.")
    ] = None,
    takes: Annotated[int, typer.Option(help="Takes to record.", min=1)] = 10,
    countdown: CountdownOption = None,
    pause: Annotated[
        float | None,
        typer.Option(help="Seconds between takes that start by themselves.", show_default="1.5"),
    ] = None,
    hands_free: Annotated[
        bool,
        typer.Option(
            "--hands-free",
            help="A take starts when a resting hand moves and ends when it rests (or after --seconds: better "
            "for held poses). Rest between takes; the way back within the pause is not recorded.",
        ),
    ] = False,
    auto: Annotated[
        bool, typer.Option("--auto", help="Takes follow each other by themselves: countdown, take, pause.")
    ] = False,
    subject: SubjectOption = None,
    session: SessionOption = None,
    no_frames: NoFramesOption = False,
    no_window: NoWindowOption = False,
    mirror: MirrorOption = True,
    size: SizeOption = "640x480",
    hand_model: HandModelOption = HandModelChoice.FULL,
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Record takes of a gesture into a dataset.

    Keys, in the window or the terminal: R or space records the next take,
    U or backspace undoes the last, H switches hands-free, Q or escape ends.
    In the window M switches between the picture and the hands' mask.

    Without window and terminal, takes start by themselves.
    Takes that mostly show no hand are rejected and recorded anew.
    """
    summary = run_recording(
        source,
        size=picture_size(size),
        window=not no_window,
        mirror=mirror,
        hand_model=hand_model.model,
        realtime=not no_window,
        to=Destination(dataset, gesture, subject, session),
        options=TakeOptions(
            seconds, frames, takes, countdown, pause, hands_free, auto, keep_frames=not no_frames
        ),
    )
    say_summary(summary)
    if as_json:
        print_json(summary)
    if summary["ended_by"] == "interrupt":
        raise typer.Exit(130)
    if summary["ended_by"] == "source" and summary["takes"] == 0:
        waited = "a hand rested and then moved" if hands_free else "a take began"
        reason = summary["rejected"][0] if summary["rejected"] else f"the source ended before {waited}"
        raise DatasetError(f"no take of '{gesture}' was recorded: {reason}")
