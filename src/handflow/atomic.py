"""Writes that are whole or absent: a temporary name in the same folder, then a rename."""

import logging
import os
import shutil
import sys
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

log = logging.getLogger(__name__)

PARTIAL = ".partial-"
"""How temporary names begin: `.partial-PID-RANDOM`."""

_ATTEMPTS = 20  # to make a folder while others remove its parent

IN_USE_SECONDS = 600.0
"""A temporary whose process lives counts as in use when something was written to it this recently."""


def temporary_name(folder: Path) -> Path:
    """A free temporary name in a folder, marked with this process."""
    return folder / f"{PARTIAL}{os.getpid()}-{uuid.uuid4().hex[:8]}"


def write_bytes(path: Path, data: bytes) -> None:
    """Writes a file so that a reader, or a crash, finds the old or the new content and nothing between.

    Raises:
        OSError: the disk is full or the folder cannot be written; the old content stays.
    """
    temporary = temporary_name(path.parent)
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def staging_folder(parent: Path) -> Iterator[Path]:
    """A temporary folder that the caller fills and renames; whatever is left of it is removed at the end.

    Parents that had to be made and stay empty are removed as well.
    """
    made = [folder for folder in (parent, *parent.parents) if not folder.exists()]
    folder = temporary_name(parent)
    try:
        _make(folder)
        yield folder
    finally:
        if folder.exists():
            shutil.rmtree(folder, ignore_errors=True)
        with suppress(OSError):  # no longer empty, or gone: another process works there as well
            for empty in made:
                empty.rmdir()


def free_name(folder: Path, name: str) -> Path:
    """`folder/name`, with a number where something of that name is there already."""
    path, number = folder / name, 2
    while path.exists():
        path, number = folder / f"{name}_{number}", number + 1
    return path


def _make(folder: Path) -> None:
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            folder.mkdir()
            return
        except FileNotFoundError:  # another process, which had nothing to store, removed the parent
            if attempt == _ATTEMPTS:
                raise


def in_use(temporary: Path) -> bool:
    """Whether the process that made a temporary name still writes to it."""
    newest = max((p.stat().st_mtime for p in (temporary, *temporary.rglob("*"))), default=0.0)
    age = time.time() - newest
    if sys.platform == "win32":  # asking whether a process lives would interrupt it there
        return age < 60
    pid = temporary.name.removeprefix(PARTIAL).split("-")[0]
    if age > IN_USE_SECONDS or not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return not _has_ended(int(pid))


def sweep(temporaries: Iterable[Path]) -> None:
    """Removes the temporary files and folders among these that a crash left: nobody writes to them."""
    for left in temporaries:
        if not in_use(left):
            log.info("%s was left by a run that was killed: removed", left)
            discard_partial(left)


def discard_partial(temporary: Path) -> None:
    """Removes a temporary file or folder."""
    if temporary.is_dir():
        shutil.rmtree(temporary)
    else:
        temporary.unlink(missing_ok=True)


def _has_ended(pid: int) -> bool:
    """Whether a process is over and only its exit code was not asked for yet, as in containers; Linux."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return status.rpartition(")")[2].split()[:1] == ["Z"]
