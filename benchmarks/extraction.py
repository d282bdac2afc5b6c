"""How near to linear does `handflow extract --from` use all cores? And what does the machine allow at all?

Short videos of a rendered hand are imported and their hands found, by whole programs, start-up included: with
one process, with one for each core, and by that many plain programs that know nothing of each other and have
an equal share of the videos each. The three take turns. Share of linear = seconds of one process / (cores x
seconds); what the plain programs lose is lost to the machine: cores that share caches, memory or a clock.

    python benchmarks/extraction.py
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path

from handflow.capture import VideoWriter
from handflow.hands import find_hand_models
from handflow.processes import cores
from handflow.synth.clips import make_clip
from handflow.synth.person import random_person
from handflow.synth.render import render_frames

PICTURES = 30  # that are rendered; videos show them to and fro
FPS = 30.0


def make_videos(folder: Path, count: int, frames: int, size: tuple[int, int]) -> None:
    """Writes videos of one gesture; the same pictures in all, which is quick to make."""
    width, height = size
    scene = make_clip("hand_right", random_person(3), 3, fps=FPS, width=width, height=height).scene
    pictures = [frame.image for frame in islice(render_frames(scene), 10, 10 + PICTURES)]
    folder.mkdir(parents=True)
    first = folder / "0.mp4"
    with VideoWriter(first, size, FPS) as video:
        for n in range(frames):
            turn, step = divmod(n, len(pictures) - 1)
            video.write(pictures[step if turn % 2 == 0 else -1 - step], n / FPS)
    for n in range(1, count):
        shutil.copy(first, folder / f"{n}.mp4")


def split(videos: Path, out: Path, parts: int) -> list[Path]:
    """Folders with an equal share of the videos each."""
    for n, video in enumerate(sorted(videos.iterdir())):
        (out / f"{n % parts}" / videos.name).mkdir(parents=True, exist_ok=True)
        os.link(video, out / f"{n % parts}" / videos.name / video.name)
    return sorted(out.iterdir())


def seconds_of(sources: list[Path], jobs: int, more: list[str], scratch: Path) -> float:
    """Wall seconds of one program a source, all at once, until the last has ended."""
    targets = [scratch / f"dataset-{n}" for n in range(len(sources))]
    begin = time.perf_counter()
    programs = [
        subprocess.Popen(
            [sys.executable, "-m", "handflow", "extract", target, "--from", source, "-j", str(jobs), *more],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )
        for source, target in zip(sources, targets, strict=True)
    ]  # fmt: skip
    for program in programs:
        errors = program.communicate()[1]
        if program.returncode != 0:
            sys.exit(errors.decode())
    spent = time.perf_counter() - begin
    for target in targets:
        shutil.rmtree(target)
    return spent


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--videos", type=int, default=12, help="a multiple of the cores is fairest")
    parser.add_argument("--frames", type=int, default=150, help="of each video")
    parser.add_argument("--size", type=int, nargs=2, default=(640, 480), metavar=("WIDTH", "HEIGHT"))
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=cores(), help="processes; all cores by default")
    parser.add_argument("--no-frames", action="store_true", help="landmarks alone")
    parser.add_argument("--hand-model", choices=("full", "lite"), default="full")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    args = parser.parse_args()
    find_hand_models(model=args.hand_model)
    more = ["--hand-model", args.hand_model, *["--no-frames"] * args.no_frames]
    seconds: dict[str, list[float]] = {"one process": [], "all cores": [], "plain programs": []}
    with tempfile.TemporaryDirectory(prefix="handflow-") as name:
        scratch = Path(name)
        whole = scratch / "videos"
        make_videos(whole / "hand_right", args.videos, args.frames, tuple(args.size))
        parts = split(whole / "hand_right", scratch / "parts", args.jobs)
        for _ in range(args.runs):
            seconds["one process"].append(seconds_of([whole], 1, more, scratch))
            seconds["all cores"].append(seconds_of([whole], args.jobs, more, scratch))
            seconds["plain programs"].append(seconds_of(parts, 1, more, scratch))
    median = {name: statistics.median(values) for name, values in seconds.items()}
    share = {name: median["one process"] / (args.jobs * median[name]) for name in seconds}
    share["one process"] = 1.0
    if args.json:
        print(json.dumps({"cores": args.jobs, "seconds": seconds, "median": median, "share": share}))
        return
    frames = args.videos * args.frames
    print(f"{args.videos} videos of {args.frames} frames, {args.jobs} cores, {args.runs} runs each in turns")
    print(f"{'':16}{'s (median)':>11}{'s (all runs)':>24}{'frames/s':>10}{'of linear':>11}")
    for name, values in seconds.items():
        runs = " ".join(f"{v:.1f}" for v in values)
        rate = frames / median[name]
        print(f"{name:16}{median[name]:11.1f}{runs:>24}{rate:10.0f}{share[name]:11.2f}")
    print(f"all cores against plain programs: {median['plain programs'] / median['all cores']:.2f}")


if __name__ == "__main__":
    main()
