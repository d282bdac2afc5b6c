"""What every command shares: the list of them, and output that any machine can take."""

import importlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
import typer.main
from typer.core import TyperGroup

from handflow.cli import COMMANDS


def every_command() -> Iterator[tuple[str, ...]]:
    """Words of each command, those of groups too."""
    for name, (module, _) in COMMANDS.items():
        yield (name,)
        command = typer.main.get_command(importlib.import_module(module).app)
        if isinstance(command, TyperGroup):
            yield from ((name, inner) for inner in command.commands)


def handflow(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "handflow", *arguments],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        timeout=120,
    )


def test_help_names_every_command() -> None:
    shown = handflow("--help").stdout
    assert all(f" {name} " in shown for name in COMMANDS)


@pytest.mark.parametrize("words", every_command(), ids=" ".join)
def test_every_command_shows_an_example(words: tuple[str, ...]) -> None:
    done = handflow(*words, "--help")
    assert done.returncode == 0
    assert f"Example: handflow {' '.join(words)}" in done.stdout


def test_groups_are_looked_into() -> None:
    assert {("bindings",), ("bindings", "new"), ("bindings", "test")} < {*every_command()}


def test_output_goes_to_files_of_encodings_that_lack_its_signs() -> None:
    done = handflow("doctor", "--no-cameras", PYTHONIOENCODING="cp1252")
    assert "Traceback" not in done.stderr
    assert "handflow works here" in done.stdout


def test_an_unknown_command_is_wrong_usage() -> None:
    assert handflow("dance").returncode == 2


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="this system has no SIGUSR1")
def test_the_signal_that_arms_ends_no_other_command() -> None:
    """`pkill -USR1 -x handflow` reaches all that run."""
    code = (
        "import os, signal, sys\n"
        "from handflow import cli\n"
        "cli.app = lambda: os.kill(os.getpid(), signal.SIGUSR1)\n"
        "cli.main()\n"
        "print('goes on')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout) == (0, "goes on\n"), done.stderr
