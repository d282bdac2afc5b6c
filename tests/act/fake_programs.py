"""Programs that note how they were called, the only ones on PATH."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

_NOTES = """#!{python}
import json, os, pathlib, sys
here = pathlib.Path({folder!r})
given = {{"arguments": sys.argv[1:], "stdin": sys.stdin.read(), "environment": dict(os.environ)}}
given["files"] = [pathlib.Path(a).read_bytes().hex() for a in sys.argv[1:] if os.path.isfile(a)]
with (here / (pathlib.Path(sys.argv[0]).name + ".calls")).open("a") as out:
    out.write(json.dumps(given) + "\\n")
{more}
"""


class FakePrograms:
    """Makes programs in a folder, and tells how each was called."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def make(self, name: str, more: str = "") -> None:
        """A program; `more` is Python code that it runs at the end."""
        program = self.folder / name
        program.write_text(_NOTES.format(python=sys.executable, folder=str(self.folder), more=more))
        program.chmod(0o755)

    def calls(self, name: str) -> list[dict[str, Any]]:
        """Arguments, standard input, environment and files of each call."""
        notes = self.folder / f"{name}.calls"
        return [json.loads(line) for line in notes.read_text().splitlines()] if notes.exists() else []


def only_fake_programs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> FakePrograms:
    """Takes every other program from PATH."""
    folder.mkdir()
    monkeypatch.setenv("PATH", os.fspath(folder))
    return FakePrograms(folder)
