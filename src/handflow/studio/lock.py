"""A file that one process holds: the system frees it when the process ends, however it ends."""

import os
import sys
import time
from pathlib import Path

_STEP = 0.05  # seconds between two tries


class FileLock:
    """Held by one process at a time: `acquire`, `release`. Its file stays."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def acquire(self, patience: float = 0.0) -> bool:
        """Whether it is held now; another try every so often for `patience` seconds."""
        end = time.monotonic() + patience
        file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        while not _lock(file):
            if time.monotonic() >= end:
                os.close(file)
                return False
            time.sleep(_STEP)
        self._file = file
        return True

    def release(self) -> None:
        """Lets go of it; may be called twice."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def is_held(path: Path) -> bool:
    """Whether a process holds the file."""
    lock = FileLock(path)
    if not path.exists():
        return False
    if lock.acquire():
        lock.release()
        return False
    return True


def _lock(file: int) -> bool:
    """Tries to lock an open file; whether it is locked now."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
