"""`handflow bench hands`: the hand landmarker on pictures of the synthetic hand, mediapipe beside it.

Both see the same frames in processes of their own, in turns, so that a busy machine disturbs both alike.
"""

import dataclasses
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from handflow.bench import mediapipe_peer, own_peer
from handflow.bench.followers import failure
from handflow.bench.peers import pack_task, peers_python
from handflow.synth.clips import make_clip
from handflow.synth.person import random_person
from handflow.synth.render import render_frames
from handflow.synth.scene import Scene
from handflow.types import LEFT, RIGHT, SIDES, Float32, Side

CASES: dict[str, tuple[int, int]] = {
    # name: (hands in sight, hands asked for)
    "1 hand": (1, 1),
    "2 hands": (2, 2),
    "1 of 2": (1, 2),
}
OWN = {"handflow": ("full", "1"), "handflow, 2 threads": ("full", "2"), "handflow lite": ("lite", "1")}
"""Programs of ours: landmark model and threads. mediapipe works with one thread."""
_SIZE = (640, 480)
_FPS = 30.0


@dataclass(frozen=True, slots=True)
class Measured:
    """One program on the frames of one case, medians over the runs."""

    program: str
    case: str
    wall_ms: float  # a frame
    cpu_ms: float  # a frame, all threads
    ready_s: float  # from the first import to the first result
    memory_mb: float | None  # at most
    found: float  # share of the hands in sight that were found
    error: float | None  # median distance to the truth, share of hand size; None where none was found


def make_frames(hands: int, frames: int, seed: int) -> Scene:
    """A scene in which one or two open hands are held up and move a little, in sight all the time."""
    scenes = [_held_up(side, frames, seed) for side in SIDES[::-1][:hands]]
    first = scenes[0]
    if hands == 1:
        return first
    joints, elbows = first.joints.copy(), first.elbows.copy()
    joints[:, :, LEFT] = scenes[1].joints[:, :, LEFT]
    elbows[:, :, LEFT] = scenes[1].elbows[:, :, LEFT]
    # Each holds the hand up near the middle: the two move apart to the sides they belong to.
    for slot, way in ((LEFT, 1.0), (RIGHT, -1.0)):
        joints[:, :, slot, :, 0] += way * 0.06
        elbows[:, :, slot, 0] += way * 0.06
    return dataclasses.replace(first, joints=joints, elbows=elbows)


def _held_up(side: Side, frames: int, seed: int) -> Scene:
    """The frames of a held pose, to and fro until there are enough of them."""
    width, height = _SIZE
    made = make_clip(
        "hold_open",
        random_person(seed, hand=side),
        seed,
        fps=_FPS,
        seconds=4.0,
        width=width,
        height=height,
        substeps=1,
        second_hand=False,
    )
    scene = made.scene
    assert made.onset is not None
    assert made.offset is not None
    held = np.flatnonzero((scene.timestamps >= made.onset) & (scene.timestamps <= made.offset))
    order = np.resize(np.concatenate([held, held[-2:0:-1]]), frames)
    return dataclasses.replace(
        scene,
        joints=scene.joints[order],
        elbows=scene.elbows[order],
        timestamps=np.arange(frames) / _FPS,
    )


def bench_hands(
    *, frames: int = 120, runs: int = 5, seed: int = 0, progress: Callable[[str], None] = lambda _: None
) -> list[Measured]:
    """Measures every case with every program that is here.

    Args:
        frames: of each case.
        runs: of each program and case, in turns; medians are reported.
        seed: of the pictures.
        progress: told what runs.

    Raises:
        HandflowError: a program ended in an error.
    """
    peer = peers_python()
    results = []
    with tempfile.TemporaryDirectory(prefix="handflow-bench-") as scratch:
        folder = Path(scratch)
        own = [sys.executable, str(own_peer.__file__)]
        programs = {name: [*own, *options] for name, options in OWN.items()}
        if peer is not None:
            task = pack_task(folder / "hand.task")
            programs["mediapipe"] = [str(peer), str(mediapipe_peer.__file__), str(task)]
        for case, (in_sight, asked) in CASES.items():
            progress(f"{case}: rendering")
            scene = make_frames(in_sight, frames, seed)
            pictures = np.stack([frame.image for frame in render_frames(scene)])
            np.savez(folder / "frames.npz", first=pictures[0], frames=pictures, timestamps=scene.timestamps)
            outcomes: dict[str, list[dict[str, Any]]] = {name: [] for name in programs}
            for run in range(runs):
                for name, command in programs.items():
                    progress(f"{case}: {name}, run {run + 1} of {runs}")
                    out = folder / "out.json"
                    _run(name, [*command, str(folder / "frames.npz"), str(asked), str(out)])
                    outcomes[name].append(json.loads(out.read_text(encoding="utf-8")))
            truth = scene.truth().landmarks
            results += [_summary(name, case, runs_, truth) for name, runs_ in outcomes.items()]
    return results


def _summary(program: str, case: str, outcomes: list[dict[str, Any]], truth: Float32) -> Measured:
    def middle(key: str) -> float:
        return float(np.median([o[key] for o in outcomes]))

    found, errors = _agreement(outcomes[0]["landmarks"], truth)
    return Measured(
        program=program,
        case=case,
        wall_ms=float(np.median([np.mean(o["milliseconds"]) for o in outcomes])),
        cpu_ms=middle("cpu_ms"),
        ready_s=middle("ready_s"),
        memory_mb=middle("memory_mb") if outcomes[0]["memory_mb"] is not None else None,
        found=found,
        error=float(np.median(errors)) if errors else None,
    )


def _run(program: str, command: list[str]) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True, errors="replace")
    if done.returncode != 0:
        said = done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"]
        raise failure(program, said[-1])


def _agreement(found: list[list[list[list[float]]]], truth: Float32) -> tuple[float, list[float]]:
    """Share of true hands that a found hand lies on (mean error below a third of hand size), and errors."""
    errors, total = [], 0
    for hands, slots in zip(found, truth, strict=True):
        for points in slots[:, :, :2]:
            if not np.isfinite(points).all():
                continue
            total += 1
            size = float(np.ptp(points, axis=0).max())
            distances = [
                float(np.linalg.norm(np.array(h, np.float32) - points, axis=1).mean()) / size for h in hands
            ]
            if distances and min(distances) < 1 / 3:
                errors.append(min(distances))
    return len(errors) / max(total, 1), errors
