"""How well hands are followed in rendered streams, whose truth is exact; mediapipe beside handflow.

Both programs see the same frames (`handflow.bench.tracking_scenes`), each in one process of its own, with
their defaults but for the number of hands. No times are measured here: `handflow bench hands` does that.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path

import numpy as np

from handflow.bench import tracking_peer
from handflow.bench.peers import pack_task, peers_python
from handflow.bench.tracking_conditions import Condition, Setting, conditions
from handflow.bench.tracking_scenes import Staged, stage_streams
from handflow.bench.tracking_score import Measured, Reported, Score, score, summary
from handflow.errors import HandflowError
from handflow.synth.render import render_frames

PERSONS, SEED = 6, 9000  # no other part of the project draws persons from there
PROGRAMS = ("handflow", "mediapipe")


def bench_tracking(
    *,
    persons: int = PERSONS,
    seed: int = SEED,
    rows: Sequence[Condition] | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> list[Measured]:
    """Measures every program that is here in every condition.

    Args:
        persons: in each condition, the same in all; where little moves, some times as many.
        seed: of the first person.
        rows: conditions; None: all.
        progress: told what runs.

    Raises:
        HandflowError: a program ended in an error.
    """
    results: list[Measured] = []
    known: dict[Setting, dict[str, list[Score]]] = {}  # some rows of different groups are the same scene
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="handflow-bench-")))
        programs = {
            name: stack.enter_context(_started(name, command, folder))
            for name, command in _commands(folder).items()
        }
        for row in conditions() if rows is None else rows:
            progress(f"{row.group}: {row.name}")
            if row.setting not in known:
                scores: dict[str, list[Score]] = {name: [] for name in programs}
                for staged in stage_streams(row.setting, persons, seed):
                    _write_frames(staged, folder / "frames.npz")
                    for name, follow in programs.items():
                        found = follow(row.setting.hands)
                        scores[name].append(score(staged, found, tracks=name == "handflow"))
                known[row.setting] = scores
            results += [summary(name, row, scores) for name, scores in known[row.setting].items()]
    return results


def _commands(folder: Path) -> dict[str, list[str]]:
    script = str(tracking_peer.__file__)
    commands = {"handflow": [sys.executable, script, "handflow"]}
    peer = peers_python()
    if peer is not None:
        commands["mediapipe"] = [str(peer), script, "mediapipe", str(pack_task(folder / "hand.task"))]
    return commands


@contextmanager
def _started(
    program: str, command: list[str], folder: Path
) -> Iterator[Callable[[int], list[list[Reported]]]]:
    """A program that follows so many hands through `frames.npz` whenever it is called."""
    said, out = folder / f"{program}.txt", folder / f"{program}.json"
    with said.open("w", encoding="utf-8") as errors:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
        )

    def follow(hands: int) -> list[list[Reported]]:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps([str(folder / "frames.npz"), hands, str(out)]) + "\n")
            process.stdin.flush()
            done = any(line.strip() == "done" for line in process.stdout)
        except BrokenPipeError:
            done = False
        if not done:
            last = said.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            remedy = (
                "run `handflow doctor`" if program == "handflow" else "make the peers anew (`make peers`)"
            )
            raise HandflowError(
                f"{program} could not be measured, {last[-1] if last else 'it ended'}: {remedy}"
            )
        found = json.loads(out.read_text(encoding="utf-8"))
        return [
            [Reported(np.array(h["points"], np.float32), h["track"], h["side"]) for h in hands_]
            for hands_ in found
        ]

    try:
        yield follow
    finally:
        process.kill()
        process.communicate()


def _write_frames(staged: Staged, path: Path) -> None:
    frames = np.stack([frame.image for frame in render_frames(staged.scene)])
    np.savez(path, frames=frames, timestamps=staged.scene.timestamps)


def document(results: Sequence[Measured], persons: int, seed: int) -> str:
    """All results as JSON."""
    rows = [asdict(result) for result in results]
    return json.dumps({"bench": "tracking", "persons": persons, "seed": seed, "rows": rows}, indent=1)
