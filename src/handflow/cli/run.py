"""`handflow run`: recognize gestures live from a camera, file or URL."""

import dataclasses
import json
import sys
from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer
from rich.table import Table

from handflow.cli.acting import make_acting, make_arming, that_count
from handflow.cli.common import HandModelChoice, HandModelOption, Verbose, command_app, progress_console
from handflow.errors import SourceError
from handflow.processes import ended_in_order, live_threads
from handflow.types import event_document

if TYPE_CHECKING:
    from handflow.hands.models import HandModel
    from handflow.hands.slots import Follow
    from handflow.live.pipeline import Pipeline
    from handflow.recognize import Recognizer
    from handflow.types import GestureEvent, StageTimes

app = command_app()


class FollowChoice(StrEnum):
    """Whose hands count, as `handflow.hands.HandSlots` names them."""

    PERSON = "person"
    NEAREST = "nearest"
    LARGEST = "largest"

    @property
    def follow(self) -> "Follow":
        """The name for `HandSlots`."""
        return self.value


@app.command(epilog="Example: handflow run --model models/2026-… --source 0 --events -")
def run(
    model: Annotated[Path, typer.Option(help="Folder of a trained model.")],
    source: Annotated[str, typer.Option(help="Camera number, video file, image folder or URL.")] = "0",
    events: Annotated[
        str | None,
        typer.Option(help="Write events as JSON lines to a file, '-' for stdout.", metavar="FILE|-"),
    ] = None,
    annotate: Annotated[
        Path | None, typer.Option(help="Write a video with hands, scores and events (.mp4).")
    ] = None,
    show: Annotated[bool, typer.Option("--show", help="Show a mirrored window; Q ends.")] = False,
    max_hands: Annotated[
        int | None,
        typer.Option(
            help="Hands followed at once.",
            min=1,
            max=4,
            show_default="2; 4 where one of them is chosen by --follow",
        ),
    ] = None,
    follow: Annotated[
        FollowChoice,
        typer.Option(
            help="Whose hands count: both of the nearest person · the hand nearest to the camera · the hand "
            "that is largest in the picture."
        ),
    ] = FollowChoice.PERSON,
    early: Annotated[
        bool,
        typer.Option("--early", help="Decide while the hand still moves, as soon as the gesture is certain."),
    ] = False,
    bindings: Annotated[
        Path | None,
        typer.Option(help="Do what this file binds gestures to; see `handflow bindings --help`."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="With --bindings: say what would happen; do nothing.")
    ] = False,
    serve: Annotated[
        bool,
        typer.Option("--serve", help="Offer events to programs of this computer: WebSocket and SSE."),
    ] = False,
    port: Annotated[
        int | None, typer.Option(help="With --serve, of 127.0.0.1; 0: any free one.", min=0, max=65535)
    ] = None,
    origin: Annotated[
        list[str] | None,
        typer.Option(help="With --serve: a website that may listen, too, e.g. https://example.org."),
    ] = None,
    log: Annotated[
        bool | None,
        typer.Option(
            "--log/--no-log",
            help="Write events and actions to the event log.",
            show_default="with --bindings or --serve",
        ),
    ] = None,
    arm: Annotated[
        str | None,
        typer.Option(
            help="Pass events on only while armed. A gesture of the model switches that, or 'hand-up': an "
            "open hand held up for a second, palm to the camera.",
            metavar="GESTURE|hand-up",
        ),
    ] = None,
    armed_at_start: Annotated[
        bool | None,
        typer.Option("--armed-at-start/--disarmed-at-start", help="With --arm.", show_default="disarmed"),
    ] = None,
    arm_key: Annotated[
        str | None,
        typer.Option(
            help="Arm and disarm by a key, whichever program is in front; USR1: by that signal alone.",
            metavar="ctrl+alt+g|USR1",
        ),
    ] = None,
    disarm_after: Annotated[
        float | None, typer.Option(help="Disarm after so many seconds without an event.")
    ] = None,
    disarm_unseen: Annotated[
        float | None, typer.Option(help="Disarm after so many seconds without a hand in sight.")
    ] = None,
    hand_model: HandModelOption = HandModelChoice.FULL,
    seconds: Annotated[float | None, typer.Option(help="End after this time of the source.")] = None,
    verbose: Verbose = False,
) -> None:
    """Recognize gestures live: one event per gesture, until the source ends or Ctrl-C."""
    from handflow.act.inject.hotkey import Hotkey, is_signal, on_signal
    from handflow.capture import VideoWriter, open_source
    from handflow.live.annotate import Annotator
    from handflow.recognize import load_recognizer

    _keep_source(source, annotate, events)
    recognizer = load_recognizer(model)
    arming = make_arming(
        arm,
        armed_at_start,
        recognizer.labels,
        key=arm_key,
        disarm_after=disarm_after,
        disarm_unseen=disarm_unseen,
    )
    pipeline = make_pipeline(
        recognizer, hand_model=hand_model.model, max_hands=max_hands, follow=follow.follow, early=early
    )
    annotator = Annotator(recognizer.labels)
    mirror = Annotator(recognizer.labels, mirror=True)
    count = 0
    with ended_in_order(), ExitStack() as stack:
        acting = make_acting(
            stack,
            bindings,
            recognizer.labels,
            recognizer.info.held,
            dry_run=dry_run,
            serve=serve,
            port=port,
            origins=origin,
            log=log,
        )
        if arming is not None:
            stack.enter_context(on_signal(arming.switch))
            if arm_key is not None and not is_signal(arm_key):
                stack.enter_context(Hotkey(arm_key, arming.switch))
        frames = stack.enter_context(open_source(source))
        out = _open_events(events, stack)
        video: VideoWriter | None = None
        window = None
        if show:
            from handflow.live.window import ResultWindow

            window = stack.enter_context(ResultWindow(f"handflow – {model.name}"))
        start: float | None = None
        try:
            for result, armed in that_count(pipeline.run(frames), arming, acting):
                if acting is not None:
                    acting.update(result.events, result.each if armed is None or armed.armed else ())
                start = result.frame.timestamp if start is None else start
                count += _write(result.events, out)
                if annotate is not None:
                    picture = annotator.draw(result, armed)
                    if video is None:
                        size = (picture.shape[1], picture.shape[0])
                        video = stack.enter_context(VideoWriter(annotate, size, frames.fps))
                    video.write(picture, result.frame.timestamp - start)
                if window is not None and not window.show(mirror.draw(result, armed)):
                    break
                if seconds is not None and result.frame.timestamp - start >= seconds:
                    break
        except KeyboardInterrupt:  # the usual way to end a camera: what was written stays
            progress_console.print("stopped")
        except SourceError:  # the source is lost: the video until then stays, and the message follows
            if video is not None:
                video.close()
            raise
        last = pipeline.finish()
        if arming is not None:
            last = arming.passed(last, last[-1].time) if last else ()
        if acting is not None:
            acting.update(last)
        count += _write(last, out)
        dropped = frames.dropped
    if annotate is not None and video is not None:
        progress_console.print(f"video: {annotate}")
    _print_summary(pipeline.times, count, dropped)
    if acting is not None and acting.outcomes:
        told = ", ".join(f"{count} {outcome}" for outcome, count in sorted(acting.outcomes.items()))
        progress_console.print(f"actions: {told}", highlight=False)


def make_pipeline(
    recognizer: "Recognizer",
    *,
    hand_model: "HandModel" = "full",
    max_hands: int | None = None,
    follow: "Follow" = "person",
    early: bool = False,
) -> "Pipeline":
    """The pipeline of a live source, as `handflow run` sets it up.

    Args:
        recognizer: of a trained model.
        hand_model: the landmark model.
        max_hands: hands followed at once; None: two, or all four where one of them is chosen.
        follow: whose hands count.
        early: decide while the hand still moves.
    """
    from handflow.hands import HandLandmarker, HandLandmarkerConfig, HandSlots
    from handflow.live.pipeline import Pipeline

    most = max_hands or (2 if follow == "person" else 4)
    config = HandLandmarkerConfig(max_hands=most, model=hand_model, threads=live_threads())
    spotter = dataclasses.replace(recognizer.info.spotter, early=True) if early else None
    return Pipeline(HandLandmarker(config), recognizer, spotter, slots=HandSlots(follow))


def _keep_source(source: str, *outputs: Path | str | None) -> None:
    """Raises a SourceError where an output would replace the recording that is read."""
    recording = Path(source)
    for output in outputs:
        if output and recording.is_file() and Path(output).exists() and recording.samefile(output):
            raise SourceError(f"{output} is the source itself: name another file to write to")


def _open_events(target: str | None, stack: ExitStack) -> TextIO | None:
    if target is None or target == "-":
        return sys.stdout
    return stack.enter_context(Path(target).open("w", encoding="utf-8"))


def _write(events: "tuple[GestureEvent, ...]", out: TextIO | None) -> int:
    for event in events:
        if out is not None:
            out.write(json.dumps(event_document(event)) + "\n")
            out.flush()
    return len(events)


def _print_summary(times: "StageTimes", events: int, dropped: int) -> None:
    frames = max(times.counts.values(), default=0)
    progress_console.print(f"{frames} frames, {events} events, {dropped} frames dropped")
    table = Table("stage", "p50 ms", "p95 ms")
    for stage, (p50, p95) in times.percentiles(50, 95).items():
        table.add_row(stage, f"{p50:.1f}", f"{p95:.1f}")
    progress_console.print(table)
