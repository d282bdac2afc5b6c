"""The programs that are compared, each in one process of its own that follows stream after stream."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from handflow.bench import follow_peer
from handflow.bench.peers import pack_task, peers_python
from handflow.errors import HandflowError
from handflow.types import Float32, Float64, Image, Side


@dataclass(frozen=True, slots=True, eq=False)
class Reported:
    """A hand that a program reports."""

    points: Float32  # (21, 2) pixels
    track: int | None  # None: the program names no tracks
    side: Side


Follow = Callable[[Image, Float64, int], list[list[Reported]]]
"""Frames (n, height, width, 3) RGB, timestamps (n,) in seconds, hands asked for → the hands of each frame."""


@contextmanager
def followers(model: str = "full") -> Iterator[dict[str, Follow]]:
    """handflow, and mediapipe where `.venv-peers` is; ready to follow streams, each afresh.

    Args:
        model: handflow's landmark model.

    Raises:
        HandflowError: a program ended in an error; said where its streams are asked for.
    """
    script = str(follow_peer.__file__)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="handflow-bench-")))
        commands = {"handflow": [sys.executable, script, "handflow", model]}
        peer = peers_python()
        if peer is not None:
            task = pack_task(folder / "hand.task")
            commands["mediapipe"] = [str(peer), script, "mediapipe", str(task)]
        yield {name: stack.enter_context(_started(name, line, folder)) for name, line in commands.items()}


@contextmanager
def _started(program: str, command: list[str], folder: Path) -> Iterator[Follow]:
    said, stream, out = folder / f"{program}.txt", folder / f"{program}.npz", folder / f"{program}.json"
    with said.open("w", encoding="utf-8") as errors:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
        )

    def follow(frames: Image, timestamps: Float64, hands: int) -> list[list[Reported]]:
        assert process.stdin is not None
        assert process.stdout is not None
        np.savez(stream, frames=frames, timestamps=timestamps)
        try:
            process.stdin.write(json.dumps([str(stream), hands, str(out)]) + "\n")
            process.stdin.flush()
            done = any(line.strip() == "done" for line in process.stdout)
        except BrokenPipeError:
            done = False
        if not done:
            last = said.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            raise failure(program, last[-1] if last else "it ended")
        found = json.loads(out.read_text(encoding="utf-8"))
        return [
            [Reported(np.array(h["points"], np.float32), h["track"], h["side"]) for h in frame]
            for frame in found
        ]

    try:
        yield follow
    finally:
        process.kill()
        process.communicate()


def failure(program: str, last_words: str) -> HandflowError:
    """That a program could not be measured, with what to do."""
    remedy = (
        "run `handflow doctor`" if program.startswith("handflow") else "make the peers anew (`make peers`)"
    )
    return HandflowError(f"{program} could not be measured, {last_words}: {remedy}")
