"""`handflow bench train`: a training step of the article's two networks on pictures, Keras beside it.

Both programs see the same arrays with the same number of threads, in processes of their own, in turns, so
that a busy machine disturbs both alike. What the parts of our training bring is told by our own program with
one thing changed.
"""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from handflow.bench.followers import failure
from handflow.bench.peers import peers_python
from handflow.errors import HandflowError, MissingExtraError
from handflow.processes import cores

NETWORKS = {"lrcn": "LRCN", "convlstm": "ConvLSTM"}
PARTS: dict[str, dict[str, str]] = {
    # network: option of train/step_costs.py and what it changes
    "lrcn": {
        "no-keep": "without keeping freed memory",
        "colours-first": "colours first in memory, torch's batch norm",
        "compile": "torch.compile on top",
        "bfloat16": "bfloat16 autocast",
    },
    "convlstm": {
        "no-keep": "without keeping freed memory",
        "plain": "plain definition, no recurrent dropout",
        "compile": "torch.compile on top",
        "bfloat16": "bfloat16 autocast",
    },
}
SIZE = (8, 120, 160)
"""Frames, height and width of the article's clips."""
BATCH, LABELS = 4, 4
_KERAS = Path(__file__).with_name("keras_peer.py")
_OWN = Path(__file__).parents[1] / "train" / "step_costs.py"


@dataclass(frozen=True, slots=True)
class StepMeasured:
    """One program that trains one network, medians over the runs."""

    network: str
    program: str
    step_ms: float
    step_ratio: float | None  # to Keras; None where that is not there
    peak_mb: float | None  # at most; None where the system does not tell
    peak_ratio: float | None  # to Keras
    parameters: int


@dataclass(frozen=True, slots=True)
class PartMeasured:
    """Our program with one thing changed, medians over the runs."""

    network: str
    part: str  # what is changed
    step_ms: float | None  # None where it does not run here
    ratio: float | None  # to ours as it is
    note: str  # why it does not run


@dataclass(frozen=True, slots=True)
class StepsReport:
    """All that `bench_steps` measured."""

    steps: tuple[StepMeasured, ...]
    parts: tuple[PartMeasured, ...]
    threads: int  # of each program
    missing: str  # what brings Keras beside it; empty where it is there


def bench_steps(
    *,
    runs: int = 3,
    seed: int = 0,
    parts: bool = False,
    clips: int = 40,
    epochs: int = 2,
    size: tuple[int, int, int] = SIZE,
    progress: Callable[[str], None] = lambda _: None,
) -> StepsReport:
    """Measures a training step of LRCN and ConvLSTM with every program that is here.

    Args:
        runs: of each program, in turns; medians are reported.
        seed: of the pictures, which are noise: what is seen does not change what a step costs.
        parts: whether to measure ours with one thing changed as well.
        clips: of an epoch.
        epochs: measured in each run, after one that warms up.
        size: frames, height and width of the clips.
        progress: told what runs.

    Raises:
        MissingExtraError: torch is not installed.
        HandflowError: a program ended in an error.
    """
    if importlib.util.find_spec("torch") is None:
        raise MissingExtraError("training", "train")
    keras, missing = _keras_python()
    steps: list[StepMeasured] = []
    changed: list[PartMeasured] = []
    with tempfile.TemporaryDirectory(prefix="handflow-bench-") as scratch:
        arrays, out = Path(scratch) / "arrays.npz", Path(scratch) / "out.json"
        write_arrays(arrays, clips, size, epochs=epochs, seed=seed)
        for network, name in NETWORKS.items():
            given = [network, str(arrays), str(out)]
            programs = {"handflow": [sys.executable, str(_OWN), *given]}
            if keras is not None:
                programs["Keras"] = [str(keras), str(_KERAS), "train", *given]
            options = PARTS[network] if parts else {}
            programs |= {part: [*programs["handflow"], option] for option, part in options.items()}
            notes: dict[str, str] = {}
            if "compile" in options and not _compiler_found():
                notes[options["compile"]] = "no compiler"
            outcomes: dict[str, list[dict[str, Any]]] = {program: [] for program in programs}
            for run in range(runs):
                for program, command in programs.items():
                    if program in notes:
                        continue
                    progress(f"{name}: {program}, run {run + 1} of {runs}")
                    try:
                        outcomes[program].append(_measure(program, command, out))
                    except HandflowError as error:
                        if program in ("handflow", "Keras"):
                            raise
                        notes[program] = str(error)  # a part that does not run here spoils nothing else
            rows = _summary(name, {p: found for p, found in outcomes.items() if p not in options.values()})
            steps += rows
            changed += [
                _part(name, part, outcomes[part], notes.get(part, ""), rows[0].step_ms)
                for part in options.values()
            ]
    return StepsReport(tuple(steps), tuple(changed), cores(), missing)


def write_arrays(path: Path, clips: int, size: tuple[int, int, int], *, epochs: int, seed: int) -> None:
    """Writes what both programs train on: pictures by chance, labels in turn."""
    x = np.random.default_rng(seed).random((clips, *size, 3), np.float32)
    np.savez(path, x=x, y=np.arange(clips) % LABELS, batch=BATCH, epochs=epochs)


def _keras_python() -> tuple[Path | None, str]:
    """The peers' Python where it has Keras, else what brings it."""
    python = peers_python()
    if python is None:
        return None, "Keras is not beside it: `make peers` brings it"
    asked = "from importlib.util import find_spec as f; exit(not (f('keras') and f('tensorflow')))"
    if subprocess.run([python, "-c", asked], check=False, capture_output=True).returncode != 0:
        return None, "Keras is not beside it: run `make peers` anew"
    return python, ""


def _compiler_found() -> bool:
    """Whether torch.compile finds what builds C++ here."""
    names = (os.environ.get("CXX") or "c++", "g++", "clang++", *(["cl"] if os.name == "nt" else []))
    return any(shutil.which(name) for name in names)


def _measure(program: str, command: Sequence[str], out: Path) -> dict[str, Any]:
    """Runs a program and returns what it writes."""
    environment = os.environ | {"THREADS": str(cores())}
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, errors="replace", env=environment
    )
    if done.returncode != 0:
        said = done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"]
        raise failure(program if program == "Keras" else "handflow", said[-1])
    found: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    return found


def _summary(network: str, outcomes: dict[str, list[dict[str, Any]]]) -> list[StepMeasured]:
    """A row for each program, with ratios where Keras is among them."""
    step = {p: float(np.median([o["step_ms"] for o in found])) for p, found in outcomes.items()}
    peak = {
        p: None if found[0]["peak_mb"] is None else float(np.median([o["peak_mb"] for o in found]))
        for p, found in outcomes.items()
    }
    keras_step, keras_peak = step.get("Keras"), peak.get("Keras")
    rows = []
    for program, found in outcomes.items():
        own_peak = peak[program]
        rows.append(
            StepMeasured(
                network=network,
                program=program,
                step_ms=step[program],
                step_ratio=None if keras_step is None else step[program] / keras_step,
                peak_mb=own_peak,
                peak_ratio=None if keras_peak is None or own_peak is None else own_peak / keras_peak,
                parameters=found[0]["parameters"],
            )
        )
    return rows


def _part(network: str, part: str, found: list[dict[str, Any]], note: str, own_ms: float) -> PartMeasured:
    if note:
        return PartMeasured(network, part, None, None, note)
    step = float(np.median([o["step_ms"] for o in found]))
    return PartMeasured(network, part, step, step / own_ms, "")
