"""`handflow view`: a source with the hands drawn, in a mirrored window."""

from pathlib import Path
from typing import Annotated

import typer

from handflow.cli.common import (
    HandModelChoice,
    HandModelOption,
    Verbose,
    command_app,
    picture_size,
    progress_console,
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

app = command_app()


@app.command(epilog="Example: handflow view --source 0 --record-to my-gestures --gesture swipe_left")
def view(
    source: SourceOption = "0",
    hands: Annotated[bool, typer.Option("--hands/--no-hands", help="Find and draw the hands.")] = True,
    mask: Annotated[
        bool,
        typer.Option("--mask", help="Show the hands white on black, as networks with --input mask see them."),
    ] = False,
    record_to: Annotated[
        Path | None, typer.Option(help="Dataset into which R records takes; needs --gesture.")
    ] = None,
    gesture: Annotated[str | None, typer.Option("--gesture", "-g", help="What the takes show.")] = None,
    seconds: SecondsOption = None,
    countdown: CountdownOption = None,
    subject: SubjectOption = None,
    session: SessionOption = None,
    no_frames: NoFramesOption = False,
    no_window: NoWindowOption = False,
    mirror: MirrorOption = True,
    size: SizeOption = "640x480",
    hand_model: HandModelOption = HandModelChoice.FULL,
    verbose: Verbose = False,
) -> None:
    """See a source with the hands drawn; M switches to their mask and back, Q ends.

    With --record-to and --gesture: R or space records a take,
    U or backspace undoes the last, H switches hands-free.
    """
    if (record_to is None) != (gesture is None):
        raise typer.BadParameter("--record-to and --gesture belong together: give both or none")
    if record_to is not None and not hands:
        raise typer.BadParameter("--record-to needs the hands: leave --no-hands out")
    if mask and not hands:
        raise typer.BadParameter("--mask needs the hands: leave --no-hands out")
    to = Destination(record_to, gesture, subject, session) if record_to is not None and gesture else None
    summary = run_recording(
        source,
        size=picture_size(size),
        window=not no_window,
        mirror=mirror,
        hands=hands,
        mask=mask,
        hand_model=hand_model.model,
        realtime=True,
        to=to,
        options=TakeOptions(seconds=seconds, countdown=countdown, keep_frames=not no_frames),
    )
    progress_console.print(
        f"{summary['frames']} frames seen, {summary['dropped']} dropped, {summary['fps']:g} fps",
        highlight=False,
    )
    if to is not None:
        say_summary(summary)
    if summary["ended_by"] == "interrupt":
        raise typer.Exit(130)
