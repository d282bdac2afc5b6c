"""`handflow record`: takes of one gesture, or idle minutes, into a dataset."""

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
    duration,
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
        str | None,
        typer.Option(
            "--gesture",
            "-g",
            help=f"What is performed. '{BACKGROUND}' is reserved: hands that do nothing meant (scratching, "
            "reaching, talking with the hands). Record some, so that a model can say 'none of them'.",
        ),
    ] = None,
    background: Annotated[
        str | None,
        typer.Option(
            help=f"Record idle minutes in place of takes: 5m, 90s, 1h. They are cut into clips of "
            f"'{BACKGROUND}' of about 10 s; those that show no hand are left out.",
            metavar="TIME",
        ),
    ] = None,
    source: SourceOption = "0",
    seconds: SecondsOption = None,
    frames: Annotated[
        int | None, typer.Option(help="Length of a take in frames, instead of seconds.")
    ] = None,
    takes: Annotated[int | None, typer.Option(help="Takes to record.", min=1, show_default="10")] = None,
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
    """Record takes of a gesture, or idle minutes, into a dataset.

    Keys, in the window or the terminal: R or space records the next take,
    U or backspace undoes the last, H switches hands-free, Q or escape ends.
    In the window M switches between the picture and the hands' mask.

    Without window and terminal, takes start by themselves.
    Takes that mostly show no hand are rejected and recorded anew.

    With --background work as usual and make none of your gestures: type, drink,
    scratch, talk, reach, leave and come back. No key is needed but Q, which ends it
    and keeps what there is.
    """
    if background is not None:
        _refuse_with_background(
            background,
            {
                "--gesture": gesture,
                "--takes": takes,
                "--seconds": seconds,
                "--frames": frames,
                "--pause": pause,
                "--hands-free": hands_free or None,
                "--auto": auto or None,
            },
        )
    elif gesture is None:
        raise typer.BadParameter("give --gesture NAME for takes, or --background 5m for idle minutes")
    wanted = 10 if takes is None else takes
    summary = run_recording(
        source,
        size=picture_size(size),
        window=not no_window,
        mirror=mirror,
        hand_model=hand_model.model,
        realtime=not no_window and background is None,  # a file of idle minutes is cut as fast as it can be
        to=Destination(dataset, gesture or BACKGROUND, subject, session),
        options=TakeOptions(
            seconds,
            frames,
            None if background is not None else wanted,
            countdown,
            pause,
            hands_free,
            auto,
            keep_frames=not no_frames,
            idle=duration(background) if background is not None else None,
        ),
    )
    say_summary(summary)
    if as_json:
        print_json(summary)
    if summary["ended_by"] == "interrupt":
        raise typer.Exit(130)
    if background is not None and summary["ended_by"] in ("source", "time") and summary["takes"] == 0:
        raise DatasetError(
            f"no clip of '{BACKGROUND}' was recorded in {summary['seconds']:g} s: no hand was in sight for "
            "long enough; stay in the picture, in good light"
        )
    if background is None and summary["ended_by"] == "source" and summary["takes"] == 0:
        waited = "a hand rested and then moved" if hands_free else "a take began"
        reason = summary["rejected"][0] if summary["rejected"] else f"the source ended before {waited}"
        raise DatasetError(f"no take of '{gesture}' was recorded: {reason}")


def _refuse_with_background(background: str, others: dict[str, object]) -> None:
    """Raises a BadParameter for options that make no sense with idle minutes."""
    for name, value in others.items():
        if value is not None:
            given = name if value is True else f"{name} {value}"
            raise typer.BadParameter(
                f"--background {background} and {given} do not go together: leave {name} out, or leave "
                "--background out to record takes"
            )
