"""What `view` and `record` share: options, the session in a window or a terminal, and its summary."""

import re
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from handflow.cli.common import progress_console
from handflow.processes import live_threads
from handflow.types import BACKGROUND

if TYPE_CHECKING:
    from handflow.capture import Source
    from handflow.data.idle_recorder import IdleConfig
    from handflow.hands.models import HandModel
    from handflow.live.session import RecordingPlan, RecordingSession

SourceOption = Annotated[
    str, typer.Option("--source", "-s", help="Camera number, video file, image folder or URL.")
]
SecondsOption = Annotated[
    float | None,
    typer.Option(help="Length of a take in seconds.", show_default="1.5; hands-free: until rest"),
]
CountdownOption = Annotated[
    float | None,
    typer.Option(help="Seconds of countdown before a take.", show_default="3; 0 for a file without window"),
]
SizeOption = Annotated[
    str,
    typer.Option(help="WIDTHxHEIGHT asked of a camera; larger pictures of other sources are shrunk to fit."),
]
MirrorOption = Annotated[
    bool,
    typer.Option(
        "--mirror/--no-mirror", help="Show yourself as in a mirror. What is saved is never mirrored."
    ),
]
NoWindowOption = Annotated[
    bool, typer.Option("--no-window", help="No window: status lines, keys from the terminal.")
]
SubjectOption = Annotated[str | None, typer.Option(help="Who performs: keeps people apart in evaluation.")]
SessionOption = Annotated[
    str | None, typer.Option(help="Name of this sitting.", show_default="date and time of the start")
]
NoFramesOption = Annotated[bool, typer.Option("--no-frames", help="Save landmarks alone, no pictures.")]
IDLE_TASK = (
    "Work as usual: type, drink, scratch your head, talk with your hands, reach for things, leave and come "
    "back. Do not make your gestures."
)
_DURATION = re.compile(r"(?:([\d.]+)h)?(?:([\d.]+)m(?:in)?)?(?:([\d.]+)s?)?")
LINGER = 3.0  # seconds the window stays after the last take, so that U can still undo it


@dataclass(frozen=True, slots=True)
class TakeOptions:
    """How takes are recorded, as asked for on the command line."""

    seconds: float | None = None
    frames: int | None = None
    takes: int | None = None
    countdown: float | None = None
    pause: float | None = None
    hands_free: bool = False
    auto: bool = False
    keep_frames: bool = True
    idle: float | None = None  # seconds of idle minutes in place of takes


def make_plan(options: TakeOptions, *, window: bool, has_keys: bool, live: bool) -> "RecordingPlan":
    """How takes start and stop.

    A window or a terminal has keys: R records. Without either, or from a file played as fast as it goes,
    takes begin by themselves.

    Args:
        options: as asked for.
        window: whether there is a window.
        has_keys: whether keys can be pressed at all.
        live: whether the source goes at its own pace.

    Raises:
        typer.BadParameter: options that exclude each other, or a value that makes no sense.
    """
    from handflow.data.take import RecorderConfig
    from handflow.live.session import RecordingPlan

    if options.seconds is not None and options.frames is not None:
        raise typer.BadParameter("use --seconds or --frames, not both")
    if options.hands_free and options.auto:
        raise typer.BadParameter("use --hands-free or --auto, not both")
    by_itself = options.auto or not (window or (has_keys and live))
    unattended = not live and not window
    countdown = options.countdown if options.countdown is not None else (0.0 if unattended else 3.0)
    pause = options.pause if options.pause is not None else (0.0 if unattended else 1.5)
    try:
        by_key = RecorderConfig(
            start="auto" if by_itself else "key",
            stop="seconds" if options.frames is None else "frames",
            seconds=1.5 if options.seconds is None else options.seconds,
            frames=20 if options.frames is None else options.frames,
            takes=options.takes,
            countdown=countdown,
            pause=pause,
            keep_frames=options.keep_frames,
        )
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    until_rest = options.seconds is None and options.frames is None
    hands_free: RecorderConfig = replace(
        by_key,
        start="motion",
        stop="rest" if until_rest else by_key.stop,
        pause=1.5 if options.pause is None else pause,
    )
    return RecordingPlan(by_key, hands_free, options.hands_free, LINGER if window else 0.0)


def make_idle(options: TakeOptions, *, live: bool) -> "IdleConfig | None":
    """How idle minutes are recorded; None: takes are. A file begins at once, a camera after a countdown.

    Raises:
        typer.BadParameter: a value that makes no sense.
    """
    from handflow.data.idle_recorder import IdleConfig

    if options.idle is None:
        return None
    countdown = options.countdown if options.countdown is not None else (3.0 if live else 0.0)
    try:
        return IdleConfig(options.idle, countdown=countdown, keep_frames=options.keep_frames)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def duration(text: str) -> float:
    """Seconds of a text such as 90, 90s, 5m, 1h or 1h30m.

    Raises:
        typer.BadParameter: it is no duration.
    """
    match = _DURATION.fullmatch(text.strip().lower())
    try:
        if match is None or not any(match.groups()):
            raise ValueError
        hours, minutes, seconds = (float(part or 0) for part in match.groups())
    except ValueError:
        raise typer.BadParameter(
            f"'{text}' is no duration: write it as 5m, 90s, 1h or in seconds", param_hint="--background"
        ) from None
    return 3600 * hours + 60 * minutes + seconds


@dataclass(frozen=True, slots=True)
class Destination:
    """Where takes go."""

    dataset: Path
    gesture: str
    subject: str | None = None
    session: str | None = None


def run_recording(
    source_name: str,
    *,
    size: tuple[int, int],
    window: bool,
    mirror: bool = True,
    hands: bool = True,
    mask: bool = False,
    hand_model: "HandModel" = "full",
    realtime: bool = False,
    to: Destination | None = None,
    options: TakeOptions | None = None,
) -> dict[str, Any]:
    """Shows a source and records takes from it, until it ends, all takes are there, or the person ends it.

    Returns:
        The summary; `ended_by` is source, takes, time, person (Q, closed window) or interrupt (Ctrl-C).

    Raises:
        HandflowError: no source, no display, no hand models, a take that could not be saved.
    """
    from handflow.capture import open_source
    from handflow.data.dataset import Dataset
    from handflow.data.idle_recorder import IdleRecorder
    from handflow.data.naming import gesture_name
    from handflow.data.take_writer import TakeLabels, TakeWriter
    from handflow.hands import HandLandmarker, HandLandmarkerConfig
    from handflow.live.session import RecordingSession
    from handflow.live.terminal import KeyReader

    options = options or TakeOptions()
    make_plan(options, window=window, has_keys=False, live=True)  # wrong options are said first
    task = IDLE_TASK if make_idle(options, live=True) is not None else None
    stamp = datetime.now().astimezone().strftime("%Y-%m-%d_%H-%M-%S")
    gesture = gesture_name(to.gesture) if to is not None else None
    if to is not None and to.dataset.exists() and any(to.dataset.iterdir()):
        Dataset.open(to.dataset)  # what is wrong with it is said before a window opens
    with ExitStack() as stack:
        front = None
        if window:
            from handflow.live.record_window import RecordWindow

            front = stack.enter_context(
                RecordWindow(
                    f"handflow: {gesture or 'view'}",
                    gesture,
                    mirror=mirror,
                    hands=hands,
                    mask=mask,
                    task=task,
                )
            )
        config = HandLandmarkerConfig(model=hand_model, threads=live_threads())
        landmarker = HandLandmarker(config) if hands else None
        source: Source = stack.enter_context(open_source(source_name, size=size, realtime=realtime))
        if front is not None:  # the source's own name leaves the password of a URL out
            front.root.title(f"handflow: {gesture or 'view'} from {source.name}")
        keys = stack.enter_context(KeyReader())
        plan = make_idle(options, live=source.live) or make_plan(
            options, window=window, has_keys=keys.available, live=source.live
        )
        if task is not None:
            progress_console.print(task, highlight=False)
        writer = None
        if to is not None and gesture is not None and landmarker is not None:
            dataset = Dataset.create(to.dataset, exist_ok=True)
            labels = TakeLabels(
                gesture, stamp, source.name, to.subject, to.session or stamp, landmarker.version
            )
            writer = stack.enter_context(TakeWriter(dataset, labels))
        session = RecordingSession(source, landmarker, writer, plan if writer is not None else None)
        session.start()
        interrupted = not _watch(session, front, keys)
        summary: dict[str, Any] = {"source": source.name, "frames": session.frames}
        try:
            session.finish()
        finally:
            if front is not None:
                front.close()
        summary |= {"dropped": source.dropped, "fps": round(source.fps, 2)}
        summary["ended_by"] = "interrupt" if interrupted else session.ended_by
        if to is not None and writer is not None and session.recorder is not None:
            summary |= {
                "dataset": str(to.dataset),
                "gesture": gesture,
                "subject": writer.labels.subject,
                "session": writer.labels.session,
                "takes": len(writer.saved),
                "wanted": options.takes,
                "rejected": session.recorder.rejections,
                "undone": writer.undone,
                "clips": [entry.id for entry in writer.saved],
            }
            if isinstance(session.recorder, IdleRecorder):
                summary |= {"seconds": round(session.recorder.elapsed, 2), "wanted_seconds": options.idle}
    return summary


def _watch(session: "RecordingSession", front: Any, keys: Any) -> bool:
    """Shows the session until it is over. Returns False where Ctrl-C ended it."""
    from handflow.live.record_window import watch_in_window
    from handflow.live.terminal import StatusLines, watch

    try:
        if front is not None:
            watch_in_window(session, front)
        else:
            watch(session, keys, StatusLines())
    except KeyboardInterrupt:
        return False
    except BaseException:
        session.stop()  # before its source is closed under it
        raise
    return True


def say_summary(summary: dict[str, Any]) -> None:
    """Says on stderr what was recorded."""
    if "wanted_seconds" in summary:
        _say_idle(summary)
        return
    takes, wanted = summary["takes"], summary["wanted"]
    of = f" of {wanted}" if wanted is not None else ""
    extra = [f"{len(summary['rejected'])} rejected"] * bool(summary["rejected"])
    extra += [f"{summary['undone']} undone"] * bool(summary["undone"])
    more = f" ({', '.join(extra)})" if extra else ""
    progress_console.print(
        f"{takes}{of} takes of '{summary['gesture']}' in {summary['dataset']}{more}", highlight=False
    )


def _say_idle(summary: dict[str, Any]) -> None:
    from handflow.data.idle_recorder import clock

    without = len(summary["rejected"])
    progress_console.print(
        f"{summary['takes']} clips of '{BACKGROUND}' from {clock(summary['seconds'])} of "
        f"{clock(summary['wanted_seconds'])} in {summary['dataset']}"
        + f" ({without} without a hand left out)"
        * bool(without),
        highlight=False,
    )
