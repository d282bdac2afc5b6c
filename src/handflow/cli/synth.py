"""`handflow synth`: write synthetic clips, streams or videos with exact truth."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from handflow.cli.common import (
    AsJson,
    Seed,
    Verbose,
    command_app,
    console,
    picture_size,
    print_json,
    progress,
)
from handflow.errors import DatasetError

if TYPE_CHECKING:
    from handflow.synth.write import Take

app = command_app()
KINDS = ("dataset", "streams", "videos")
GESTURES = "hand_up,hand_down,hand_left,hand_right,background"


@app.command(epilog="Example: handflow synth --out my-clips --gestures wave,push,background --persons 3")
def synth(
    out: Annotated[Path, typer.Option(help="The folder to write to; a run cut short goes on there.")],
    kind: Annotated[str, typer.Option(help=f"What to write: {', '.join(KINDS)}.")] = "dataset",
    gestures: Annotated[
        str, typer.Option(help="Names with commas; 'all' for all. A wrong name lists the known ones.")
    ] = GESTURES,
    persons: Annotated[int, typer.Option(help="Virtual persons.", min=1)] = 4,
    clips: Annotated[
        int, typer.Option(help="Clips of each gesture by each person; streams or videos by each.", min=1)
    ] = 5,
    seconds: Annotated[
        float | None, typer.Option(help="Length of each; 2 for clips, 60 for streams and videos.", min=0.2)
    ] = None,
    fps: Annotated[
        float | None,
        typer.Option(help="Frames a second; each person's camera where left out.", min=5, max=120),
    ] = None,
    size: Annotated[str, typer.Option(help="Of the pictures, pixels.", metavar="WxH")] = "320x240",
    pixels: Annotated[
        bool, typer.Option("--pixels/--no-pixels", help="dataset: with pictures, or landmarks alone.")
    ] = True,
    landmarks: Annotated[
        str,
        typer.Option(help="exact, noisy (as a tracker errs), or none (`handflow extract` finds them)."),
    ] = "exact",
    jobs: Annotated[int, typer.Option(help="Processes that render; 0: one a core.", min=0)] = 0,
    seed: Seed = 0,
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Write synthetic hands: a dataset of clips, a landmark archive of streams, or videos.

    The truth lies beside: onsets and offsets in JSON, landmarks of every frame. The same seed gives the same.
    """
    from handflow.synth.motion import PROGRAMS
    from handflow.synth.write import LANDMARKS, takes

    if kind not in KINDS:
        raise typer.BadParameter(f"'{kind}' is not known: choose {', '.join(KINDS)}", param_hint="--kind")
    if landmarks not in LANDMARKS:
        raise typer.BadParameter(f"'{landmarks}': choose {', '.join(LANDMARKS)}", param_hint="--landmarks")
    if landmarks == "none" and not (kind == "dataset" and pixels):
        raise typer.BadParameter("'none' leaves nothing to write without pictures", param_hint="--landmarks")
    names = (
        list(PROGRAMS) if gestures == "all" else list(dict.fromkeys(g.strip() for g in gestures.split(",")))
    )
    for name in names:
        if name not in PROGRAMS:
            raise typer.BadParameter(
                f"'{name}' is not known: choose among {', '.join(PROGRAMS)}", param_hint="--gestures"
            )
    try:
        plan = takes(
            names,
            persons,
            clips,
            seed,
            seconds=seconds or (2.0 if kind == "dataset" else 60.0),
            fps=fps,
            size=picture_size(size, "320x240"),
            landmarks=LANDMARKS[LANDMARKS.index(landmarks)],
            streams=kind != "dataset",
        )
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    processes = jobs or os.cpu_count() or 1
    if kind == "dataset":
        written = _dataset(out, names, plan, pixels, processes)
    elif kind == "streams":
        written = _streams(out, plan)
    else:
        written = _videos(out, plan, processes)
    if as_json:
        print_json(written)
    else:
        console.print(", ".join(f"{value} {key}" for key, value in written.items() if key != "out"))
        console.print(str(written["out"]), markup=False, highlight=False, soft_wrap=True)


def _dataset(
    out: Path, names: Sequence[str], plan: "Sequence[Take]", pixels: bool, processes: int
) -> dict[str, Any]:
    from handflow.data import Dataset
    from handflow.processes import in_processes
    from handflow.synth.write import FLIPS, clip_truth, write_clip, write_json

    flips = {a: b for a, b in FLIPS.items() if a in names and b in names}
    dataset = Dataset.create(out, gestures=names, flip_map=flips, exist_ok=True)
    there = {entry.id for entry in dataset.entries()}
    missing = [take for take in plan if take.id not in there]
    try:
        with progress() as bar:
            task = bar.add_task("clips", total=len(plan), completed=len(plan) - len(missing))
            # Landmarks alone are made faster than processes start.
            for _ in in_processes(write_clip, missing, dataset, pixels, processes=processes if pixels else 1):
                bar.advance(task)
    finally:  # what an interrupted run has written is whole, and so is the truth about it
        there = {entry.id for entry in dataset.entries()}
        whole = {take.id: clip_truth(take) for take in plan if take.id in there}
        others = [t for t in _told(out / "truth.json") if t["id"] in there and t["id"] not in whole]
        write_json(out / "truth.json", {"clips": [*others, *whole.values()]})
    return {"out": str(out), "clips": len(plan), "new": len(missing)}


def _told(truth: Path) -> list[dict[str, Any]]:
    """What runs with other seeds have told about their clips in the same dataset."""
    if not truth.exists():
        return []
    try:
        clips = json.loads(truth.read_text(encoding="utf-8"))["clips"]
        return [clip for clip in clips if isinstance(clip["id"], str)]
    except (ValueError, KeyError, TypeError) as error:
        raise DatasetError(f"{truth} is damaged ({error!r}): delete it and run the command again") from error


def _streams(out: Path, plan: "Sequence[Take]") -> dict[str, Any]:
    from handflow.data import write_archive
    from handflow.synth.write import stream_truth, write_json

    out.mkdir(parents=True, exist_ok=True)
    made, truths = [], []
    with progress() as bar:
        for take in bar.track(plan, description="streams"):
            stream = take.stream(rendered=False)
            made.append(stream.stream)
            truths.append(stream_truth(take, stream))
    write_archive(out / "streams.npz", made)
    write_json(out / "truth.json", {"streams": truths})
    gestures = sum(len(stream.segments) for stream in made)
    return {"out": str(out / "streams.npz"), "streams": len(made), "gestures": gestures}


def _videos(out: Path, plan: "Sequence[Take]", processes: int) -> dict[str, Any]:
    from handflow.capture import VideoWriter
    from handflow.data import write_archive
    from handflow.processes import in_processes
    from handflow.synth.write import write_video

    out.mkdir(parents=True, exist_ok=True)
    missing = [take for take in plan if not (out / f"{take.id}.json").exists()]
    with progress() as bar:
        task = bar.add_task("videos", total=len(plan), completed=len(plan) - len(missing))
        for _ in in_processes(write_video, missing, out, VideoWriter, write_archive, processes=processes):
            bar.advance(task)
    return {"out": str(out), "videos": len(plan), "new": len(missing)}
