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

from handflow.cli.common import HandModelChoice, HandModelOption, Verbose, command_app, progress_console
from handflow.errors import SourceError
from handflow.processes import live_threads
from handflow.types import BACKGROUND

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from handflow.hands.models import HandModel
    from handflow.hands.slots import Follow
    from handflow.live.arming import ArmedState, Arming
    from handflow.live.pipeline import LiveResult, Pipeline
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
    disarm_after: Annotated[
        float | None, typer.Option(help="With --arm: disarm after so many seconds without an event.")
    ] = None,
    hand_model: HandModelOption = HandModelChoice.FULL,
    seconds: Annotated[float | None, typer.Option(help="End after this time of the source.")] = None,
    verbose: Verbose = False,
) -> None:
    """Recognize gestures live: one event per gesture, until the source ends or Ctrl-C."""
    from handflow.capture import VideoWriter, open_source
    from handflow.live.annotate import Annotator
    from handflow.recognize import load_recognizer

    _keep_source(source, annotate, events)
    recognizer = load_recognizer(model)
    arming = make_arming(arm, armed_at_start, disarm_after, recognizer.labels)
    pipeline = make_pipeline(
        recognizer, hand_model=hand_model.model, max_hands=max_hands, follow=follow.follow, early=early
    )
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
            for result, armed in _that_count(pipeline.run(frames), arming):
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
        count += _write(last, out)
        dropped = frames.dropped
    if annotate is not None and video is not None:
        progress_console.print(f"video: {annotate}")
    _print_summary(pipeline.times, count, dropped)


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


def make_arming(
    arm: str | None, armed_at_start: bool | None, disarm_after: float | None, labels: "Sequence[str]"
) -> "Arming | None":
    """What arms and disarms; None: every event counts.

    Raises:
        typer.BadParameter: no such gesture, or options without --arm.
    """
    from handflow.live.arming import HAND_UP, Arming, ArmingConfig

    if arm is None:
        if armed_at_start is not None:
            given = "--armed-at-start" if armed_at_start else "--disarmed-at-start"
            raise typer.BadParameter(f"{given} needs --arm: name a gesture, or {HAND_UP}")
        if disarm_after is not None:
            raise typer.BadParameter(
                f"--disarm-after {disarm_after:g} needs --arm: name a gesture, or {HAND_UP}"
            )
        return None
    gestures = [label for label in labels if label != BACKGROUND]
    if arm != HAND_UP and arm not in gestures:
        raise typer.BadParameter(
            f"--arm {arm} is no gesture of this model: choose {HAND_UP} or one of {', '.join(gestures)}"
        )
    try:
        return Arming(ArmingConfig(arm, bool(armed_at_start), disarm_after))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def _that_count(
    results: "Iterable[LiveResult]", arming: "Arming | None"
) -> "Iterator[tuple[LiveResult, ArmedState | None]]":
    """Results with the events that count, and whether it is armed; says so where that changes."""
    if arming is None:
        yield from ((result, None) for result in results)
        return
    _say_armed(arming.armed)
    for result in results:
        state = arming.update(result.chosen, result.events, result.frame.timestamp)
        if state.changed:
            _say_armed(state.armed, result.frame.timestamp)
        yield dataclasses.replace(result, events=state.events), state


def _say_armed(armed: bool, time: float | None = None) -> None:
    when = "" if time is None else f"{time:.1f} s: "
    progress_console.print(f"{when}{'armed' if armed else 'disarmed'}", highlight=False)


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
    frames = max(times.counts.values(), default=0)
    progress_console.print(f"{frames} frames, {events} events, {dropped} frames dropped")
    table = Table("stage", "p50 ms", "p95 ms")
    for stage, (p50, p95) in times.percentiles(50, 95).items():
        table.add_row(stage, f"{p50:.1f}", f"{p95:.1f}")
    progress_console.print(table)
