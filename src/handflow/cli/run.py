"""`handflow run`: recognize gestures live from a camera, file or URL."""

import dataclasses
import json
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer
from rich.table import Table

from handflow.cli.common import HandModelChoice, HandModelOption, Verbose, command_app, progress_console
from handflow.errors import SourceError
from handflow.processes import live_threads

if TYPE_CHECKING:
    from handflow.types import GestureEvent, StageTimes

app = command_app()


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
    max_hands: Annotated[int, typer.Option(help="Hands followed at once.", min=1, max=4)] = 2,
    hand_model: HandModelOption = HandModelChoice.FULL,
    seconds: Annotated[float | None, typer.Option(help="End after this time of the source.")] = None,
    verbose: Verbose = False,
) -> None:
    """Recognize gestures live: one event per gesture, until the source ends or Ctrl-C."""
    from handflow.capture import VideoWriter, open_source
    from handflow.hands import HandLandmarker, HandLandmarkerConfig
    from handflow.live.annotate import Annotator
    from handflow.live.pipeline import Pipeline
    from handflow.recognize import load_recognizer

    _keep_source(source, annotate, events)
    recognizer = load_recognizer(model)
    config = HandLandmarkerConfig(max_hands=max_hands, model=hand_model.model, threads=live_threads())
    landmarker = HandLandmarker(config)
    pipeline = Pipeline(landmarker, recognizer, recognizer.spotter())
    annotator = Annotator(recognizer.labels)
    mirror = Annotator(recognizer.labels, mirror=True)
    count = 0
    with ExitStack() as stack:
        frames = stack.enter_context(open_source(source))
        out = _open_events(events, stack)
        video: VideoWriter | None = None
        window = None
        if show:
            from handflow.live.window import ResultWindow

            window = stack.enter_context(ResultWindow(f"handflow – {model.name}"))
        start: float | None = None
        try:
            for result in pipeline.run(frames):
                start = result.frame.timestamp if start is None else start
                count += _write(result.events, out)
                if annotate is not None:
                    picture = annotator.draw(result)
                    if video is None:
                        size = (picture.shape[1], picture.shape[0])
                        video = stack.enter_context(VideoWriter(annotate, size, frames.fps))
                    video.write(picture, result.frame.timestamp - start)
                if window is not None and not window.show(mirror.draw(result)):
                    break
                if seconds is not None and result.frame.timestamp - start >= seconds:
                    break
        except KeyboardInterrupt:  # the usual way to end a camera: what was written stays
            progress_console.print("stopped")
        except SourceError:  # the source is lost: the video until then stays, and the message follows
            if video is not None:
                video.close()
            raise
        count += _write(pipeline.finish(), out)
        dropped = frames.dropped
    if annotate is not None and video is not None:
        progress_console.print(f"video: {annotate}")
    _print_summary(pipeline.times, count, dropped)


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


def event_document(event: "GestureEvent") -> dict[str, object]:
    """An event as the JSON object of the event format, times to a tenth of a millisecond."""
    document = dataclasses.asdict(event)
    return {k: round(v, 4) if isinstance(v, float) else v for k, v in document.items()}


def _print_summary(times: "StageTimes", events: int, dropped: int) -> None:
    frames = max((len(v) for v in times.milliseconds.values()), default=0)
    progress_console.print(f"{frames} frames, {events} events, {dropped} frames dropped")
    table = Table("stage", "p50 ms", "p95 ms")
    for stage, (p50, p95) in times.percentiles(50, 95).items():
        table.add_row(stage, f"{p50:.1f}", f"{p95:.1f}")
    progress_console.print(table)
