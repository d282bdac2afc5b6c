"""What every command shares: the list of them, and output that any machine can take."""

import os
import subprocess
import sys

import pytest

from handflow.cli import COMMANDS


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


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_shows_an_example(command: str) -> None:
    done = handflow(command, "--help")
    assert done.returncode == 0
    assert f"Example: handflow {command}" in done.stdout


def test_output_goes_to_files_of_encodings_that_lack_its_signs() -> None:
    done = handflow("doctor", "--no-cameras", PYTHONIOENCODING="cp1252")
    assert "Traceback" not in done.stderr
    assert "handflow works here" in done.stdout


def test_an_unknown_command_is_wrong_usage() -> None:
    assert handflow("dance").returncode == 2
