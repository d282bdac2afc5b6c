"""Steps of the networks on pictures: the programs really run, their figures are put together rightly."""

import json
import math
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from handflow.bench import training
from handflow.bench.training import PARTS, bench_steps, write_arrays
from handflow.errors import HandflowError
from needs import need

pytest.importorskip("torch", reason="torch is not installed: run `handflow doctor`")

SMALL = (3, 48, 64)
PARAMETERS = {"lrcn": 163_876, "convlstm": 73_252}  # of networks on SMALL
Outcome = dict[str, Any]


def outcome(step_ms: float, peak_mb: float | None = 100.0) -> Outcome:
    return {"step_ms": step_ms, "peak_mb": peak_mb, "parameters": 7}


def fake_programs(
    monkeypatch: pytest.MonkeyPatch, figures: dict[str, Sequence[Outcome]], *, keras: bool
) -> list[str]:
    """Stands in for all programs; returns the list that names them as they run."""
    ran: list[str] = []
    waiting: dict[tuple[str, str], Iterator[Outcome]] = {}

    def measure(program: str, command: Sequence[str], _: Path) -> Outcome:
        network = next(n for n in PARAMETERS if n in command)
        ran.append(program)
        return next(waiting.setdefault((network, program), iter(figures[program])))

    found = (Path("python"), "") if keras else (None, "run `make peers`")
    monkeypatch.setattr(training, "_measure", measure)
    monkeypatch.setattr(training, "_keras_python", lambda: found)
    return ran


def test_figures_are_medians_and_ratios_are_those_of_medians(monkeypatch: pytest.MonkeyPatch) -> None:
    figures = {
        "handflow": [outcome(90, 300), outcome(10, 100), outcome(20, 200)],
        "Keras": [outcome(80, 800), outcome(70, 900), outcome(500, 700)],
    }
    ran = fake_programs(monkeypatch, figures, keras=True)
    report = bench_steps(runs=3, clips=2, size=SMALL)
    assert ran == ["handflow", "Keras"] * 3 * 2  # in turns, for both networks
    assert [(r.network, r.program) for r in report.steps] == [
        ("LRCN", "handflow"), ("LRCN", "Keras"), ("ConvLSTM", "handflow"), ("ConvLSTM", "Keras"),
    ]  # fmt: skip
    own, keras = report.steps[:2]
    assert (own.step_ms, own.step_ratio, own.peak_mb, own.peak_ratio) == (20, 0.25, 200, 0.25)
    assert (keras.step_ms, keras.step_ratio, keras.peak_mb, keras.peak_ratio) == (80, 1, 800, 1)
    assert report.parts == ()
    assert report.missing == ""


def test_without_keras_its_columns_are_left_out_and_the_remedy_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fake_programs(monkeypatch, {"handflow": [outcome(10, None)]}, keras=False)
    report = bench_steps(runs=1, clips=2, size=SMALL)
    assert [(r.program, r.step_ratio, r.peak_mb, r.peak_ratio) for r in report.steps] == [
        ("handflow", None, None, None)
    ] * 2
    assert report.missing == "run `make peers`"


def test_parts_are_told_against_ours_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = {part for options in PARTS.values() for part in options.values()}
    figures = {label: [outcome(60), outcome(40), outcome(50)] for label in labels}
    figures["handflow"] = [outcome(30), outcome(20), outcome(25)]
    fake_programs(monkeypatch, figures, keras=False)
    monkeypatch.setattr(training, "_compiler_found", lambda: False)
    report = bench_steps(runs=3, clips=2, size=SMALL, parts=True)
    assert [p.part for p in report.parts] == [*PARTS["lrcn"].values(), *PARTS["convlstm"].values()]
    for part in report.parts:
        compiled = part.part == PARTS["lrcn"]["compile"]
        expected = (None, None, "no compiler") if compiled else (50, 2.0, "")
        assert (part.step_ms, part.ratio, part.note) == expected


def test_a_part_that_does_not_run_here_spoils_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    def measure(program: str, _command: Sequence[str], _out: Path) -> Outcome:
        if program == PARTS["lrcn"]["bfloat16"]:
            raise HandflowError("no bfloat16 here")
        return outcome(10)

    fake_programs(monkeypatch, {}, keras=False)
    monkeypatch.setattr(training, "_measure", measure)
    monkeypatch.setattr(training, "_compiler_found", lambda: True)
    report = bench_steps(runs=2, clips=2, size=SMALL, parts=True)
    notes = {p.part: p.note for p in report.parts if p.note}
    assert notes == {PARTS["lrcn"]["bfloat16"]: "no bfloat16 here"}


@pytest.mark.parametrize("program", ["handflow", "Keras"])
def test_a_program_that_fails_ends_the_measuring(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    def measure(ran: str, _command: Sequence[str], _out: Path) -> Outcome:
        if ran == program:
            raise HandflowError("it is broken")
        return outcome(10)

    fake_programs(monkeypatch, {}, keras=True)
    monkeypatch.setattr(training, "_measure", measure)
    with pytest.raises(HandflowError, match="it is broken"):
        bench_steps(runs=1, clips=2, size=SMALL)


def test_peers_made_before_keras_was_among_them_are_to_be_made_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(training, "peers_python", lambda: None)
    assert training._keras_python() == (None, "Keras is not beside it: `make peers` brings it")
    monkeypatch.setattr(training, "peers_python", lambda: Path(sys.executable))
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], returncode=1))
    assert training._keras_python() == (None, "Keras is not beside it: run `make peers` anew")


SLOW = [
    pytest.param(network, option, marks=pytest.mark.slow)
    for network, options in PARTS.items()
    for option in options
    if option != "compile"  # takes a minute, and a compiler
]


@pytest.mark.parametrize(("network", "option"), [("lrcn", ""), ("convlstm", ""), *SLOW])
def test_our_program_trains_on_small_arrays(tmp_path: Path, network: str, option: str) -> None:
    arrays, out = tmp_path / "arrays.npz", tmp_path / "out.json"
    write_arrays(arrays, 2, SMALL, epochs=1, seed=0)
    command = [sys.executable, str(training._OWN), network, str(arrays), str(out), *([option] * bool(option))]
    # One thread: steps this small would spend their time waiting for each other on a busy machine.
    subprocess.run(command, check=True, env=os.environ | {"THREADS": "1"})
    found = json.loads(out.read_text(encoding="utf-8"))
    assert found["step_ms"] > 0
    assert math.isfinite(found["loss"])
    assert found["parameters"] == PARAMETERS[network]
    assert sys.platform == "win32" or 50 < found["peak_mb"] < 5000


def test_an_unknown_option_names_the_known_ones(tmp_path: Path) -> None:
    command = [sys.executable, str(training._OWN), "lrcn", "x.npz", str(tmp_path / "out.json"), "faster"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert "'faster' is not known: choose no-keep, plain" in done.stderr


def test_a_part_that_fails_is_one_line_with_its_last_words(tmp_path: Path) -> None:
    failing = [sys.executable, "-c", "import sys; sys.exit('first line\\nno bfloat16 here')"]
    with pytest.raises(HandflowError, match=r"handflow could not be measured, no bfloat16 here: .*doctor"):
        training._measure("bfloat16 autocast", failing, tmp_path / "out.json")


def test_both_programs_are_told_the_same_number_of_threads(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(training, "cores", lambda: 3)
    out = tmp_path / "out.json"
    telling = "import json, os, sys; json.dump(os.environ['THREADS'], open(sys.argv[1], 'w'))"
    assert training._measure("Keras", [sys.executable, "-c", telling, str(out)], out) == "3"


@pytest.mark.slow
@pytest.mark.parametrize("network", PARAMETERS)
def test_keras_trains_the_same_network_on_the_same_arrays(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, network: str
) -> None:
    python, missing = training._keras_python()
    need(python, missing, optional=True)
    monkeypatch.setattr(training, "cores", lambda: 1)
    arrays, out = tmp_path / "arrays.npz", tmp_path / "out.json"
    write_arrays(arrays, 2, SMALL, epochs=1, seed=0)
    found = training._measure(
        "Keras", [str(python), str(training._KERAS), "train", network, str(arrays), str(out)], out
    )
    assert found["step_ms"] > 0
    assert found["parameters"] == PARAMETERS[network]
    assert sys.platform == "win32" or 50 < found["peak_mb"] < 5000
