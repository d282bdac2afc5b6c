"""The event log: every event and every action as a JSON line, in files that rotate.

A line costs about 20 µs, as it goes to the system's cache and not to the disk itself: it is written at once,
by whoever has it.
"""

import errno
import json
import logging
import os
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from handflow.places import state_dir

_log = logging.getLogger("handflow.act")

FILES, SIZE = 5, 1_000_000
"""Files that are kept, and bytes of each."""


def log_path() -> Path:
    """The event log, `events.jsonl` in the user's state folder; older lines in `events.jsonl.1` to `.4`."""
    return state_dir() / "events.jsonl"


def stamped(document: dict[str, Any]) -> dict[str, Any]:
    """The document of an event or an action with the time of day as `at` (ISO 8601, milliseconds, zone)."""
    at = datetime.now().astimezone().isoformat(timespec="milliseconds")
    return {"type": document.get("type", "event"), "at": at, **document}


class EventLog:
    """Writes documents as JSON lines. What goes wrong with that is told once and ends nothing.

    Args:
        path: the newest file; its folder is made.
        files: how many are kept, 1 or more.
        size: bytes after which the next one is begun.
        tell: told once what went wrong.
    """

    def __init__(
        self, path: Path, *, files: int = FILES, size: int = SIZE, tell: Callable[[str], None] = _log.warning
    ) -> None:
        self.path, self._files, self._size, self._tell = path, files, size, tell
        self._file: BinaryIO | None = None
        self._lock = threading.Lock()
        self._told = False

    def write(self, document: dict[str, Any]) -> dict[str, Any]:
        """Writes a document with the time of day, by any thread; as it was written, for subscribers."""
        document = stamped(document)
        line = json.dumps(document, ensure_ascii=False).encode(errors="backslashreplace") + b"\n"
        with self._lock:
            try:
                self._append(line)
            except OSError as error:
                self._let_go()
                if not self._told:
                    self._told = True
                    reason = error.strerror or error
                    self._tell(f"the event log {self.path} cannot be written ({reason}): it has gaps now")
        return document

    def close(self) -> None:
        """Closes the file; a later line opens it again."""
        with self._lock:
            self._let_go()

    def _append(self, line: bytes) -> None:
        if self._file is None:
            self._file = self._open()
        if self._file.tell() + len(line) > self._size and self._file.tell() > 0:
            self._file.close()
            self._rotate()
            self._file = self._open()
        if self._file.write(line) < len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _open(self) -> BinaryIO:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = self.path.open("ab", buffering=0)
        if file.tell() > 0 and not self._ends_whole():
            file.write(b"\n")  # a full disk has cut the last line off
        return file

    def _ends_whole(self) -> bool:
        with self.path.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read() == b"\n"

    def _rotate(self) -> None:
        """Moves each file one number up; the oldest makes room."""
        names = [self.path, *(Path(f"{self.path}.{number}") for number in range(1, self._files))]
        if self._files == 1:
            self.path.unlink()
        for older, newer in zip(reversed(names[1:]), reversed(names[:-1]), strict=True):
            if newer.exists():
                newer.replace(older)

    def _let_go(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
