"""Runs programs for actions: no shell, bounded in time, what they print goes to the log.

A program gets a session of its own, so that all it has started ends with it and Ctrl-C does not reach it.
"""

import contextlib
import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from handflow.errors import ActionError

_log = logging.getLogger("handflow.act")

MOST_OUTPUT = 16_384
"""Bytes of each of a program's two outputs that go to the log."""
GRACE = 1.0
"""Seconds that programs get to end by themselves when they are told to."""
MOST_BACKGROUND = 16
"""Programs that one performer may have running in the background."""
_LOOK = 0.1  # seconds between two looks at whether it should end
_LAST_WORDS = 0.5  # seconds to wait for output after the end: a grandchild may hold the pipe for ever


def _as_it_is(text: str) -> str:
    return text


@dataclass(frozen=True, slots=True)
class Program:
    """A program and what it is given."""

    arguments: Sequence[str]  # its name or path first
    environment: Mapping[str, str] = field(default_factory=dict)  # beside that of this process
    folder: str | None = None  # in which it runs
    stdin: str = ""  # as much as a pipe holds, 4 kB
    hide: Callable[[str], str] = _as_it_is  # takes secrets out of what it prints

    @property
    def name(self) -> str:
        """Its name for people."""
        return self.hide(Path(self.arguments[0]).name)


def find_program(name: str, folder: str | None = None, path: str | None = None) -> str | None:
    """Where a program lies: by PATH, or relative to the folder where the name is a path; None: nowhere."""
    if Path(name).name != name:
        return shutil.which(str(Path(folder or "").expanduser().absolute() / Path(name).expanduser()))
    return shutil.which(name, path=path)


class Programs:
    """The programs of one performer: one at a time that is waited for, and some in the background."""

    def __init__(self) -> None:
        self._stopped = threading.Event()
        self._background: list[threading.Thread] = []

    def run(self, program: Program, timeout: float) -> None:
        """Runs a program to its end.

        Args:
            program: what to run.
            timeout: seconds; then it and all it has started are ended.

        Raises:
            ActionError: it was not found, took too long, or its exit status is not 0.
        """
        process = self._start(program, subprocess.PIPE)
        outputs = [_Output(program, pipe) for pipe in (process.stdout, process.stderr) if pipe]
        try:
            _write(process, program.stdin)
            self._wait(process, program, timeout)
        finally:
            if process.poll() is None:
                _end(process)
            for output in outputs:
                output.thread.join(_LAST_WORDS)
        if process.returncode != 0:
            raise ActionError(f"{program.name} {_exit(process.returncode)}{outputs[-1].last_words}")

    def leave_running(self, program: Program) -> None:
        """Starts a program and does not wait for it: it may outlive this one, so nobody reads what it prints.

        Raises:
            ActionError: it was not found, or too many such programs run.
        """
        self._background = [thread for thread in self._background if thread.is_alive()]
        if len(self._background) >= MOST_BACKGROUND:
            raise ActionError(
                f"{MOST_BACKGROUND} programs started with wait = false still run: end some of them"
            )
        process = self._start(program, subprocess.DEVNULL)
        watch = threading.Thread(target=_watch, args=(process, program.name), daemon=True)
        watch.start()
        self._background.append(watch)

    def stop(self) -> None:
        """Ends the program that is waited for, soon, and starts no other; from any thread."""
        self._stopped.set()

    def _start(self, program: Program, output: int) -> subprocess.Popen[bytes]:
        if self._stopped.is_set():
            raise ActionError(f"{program.name} was not started: the program ends")
        environment = {**os.environ, **program.environment}
        name, folder = program.arguments[0], program.folder
        found = find_program(name, folder, environment.get("PATH"))
        if found is None:
            raise ActionError(f"{program.name} was not found: install it, or give its whole path")
        try:
            return subprocess.Popen(
                [found, *program.arguments[1:]],
                stdin=subprocess.PIPE if program.stdin else subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=None if folder is None else Path(folder).expanduser(),
                env=environment,
                start_new_session=True,
                creationflags=_new_group(),
            )
        except (OSError, ValueError) as error:  # ValueError: a zero byte in an argument
            raise ActionError(f"{program.name} cannot be started: {program.hide(str(error))}") from error

    def _wait(self, process: subprocess.Popen[bytes], program: Program, timeout: float) -> None:
        end = time.monotonic() + timeout
        while True:
            left = end - time.monotonic()
            try:
                process.wait(max(0.0, min(left, _LOOK)))
            except subprocess.TimeoutExpired:
                if self._stopped.is_set():
                    raise ActionError(f"{program.name} was ended: the program ends") from None
                if left <= 0:
                    raise ActionError(
                        f"{program.name} took more than {timeout:g} s and was ended: give it more time, "
                        f"or do not wait for it"
                    ) from None
            else:
                return


class _Output:
    """Logs what a program prints, line by line, as far as it is bounded, and reads on to the end."""

    def __init__(self, program: Program, pipe: IO[bytes]) -> None:
        self._program, self._pipe = program, pipe
        self._last = ""
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    @property
    def last_words(self) -> str:
        """The last line, for a message."""
        return f": {self._last}" if self._last else ""

    def _read(self) -> None:
        left = MOST_OUTPUT
        with self._pipe:
            while line := self._pipe.readline(MOST_OUTPUT):
                text = self._program.hide(line.decode(errors="replace").rstrip())
                text = "".join(c if c.isprintable() else " " for c in text)  # no codes that move the cursor
                self._last = text[:300] or self._last
                if left > 0:
                    _log.info("%s: %s", self._program.name, text)
                    left -= len(line)
                    if left <= 0:
                        _log.info("%s: … and more, which is not logged", self._program.name)


def _write(process: subprocess.Popen[bytes], text: str) -> None:
    if process.stdin is not None:
        with contextlib.suppress(OSError), process.stdin:  # it has ended already: its exit status tells more
            process.stdin.write(text.encode())


def _watch(process: subprocess.Popen[bytes], name: str) -> None:
    """Waits for a program in the background and says how it ended."""
    status = process.wait()
    _log.log(logging.WARNING if status else logging.INFO, "%s, in the background, %s", name, _exit(status))


def _exit(status: int) -> str:
    """How a program ended, in words."""
    if status >= 0:
        return f"ended with exit status {status}"
    return f"was ended by signal {-status} ({signal.strsignal(-status) or 'unknown'})"


def _new_group() -> int:
    """Windows: flags for a process group of its own and no window of a console."""
    if sys.platform == "win32":
        return subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
    return 0


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends a program and all it has started: asks, and after the grace does not ask."""
    if sys.platform == "win32":
        subprocess.run(["taskkill", "/F", "/T", "/PID", str(process.pid)], capture_output=True, check=False)
    else:
        end = time.monotonic() + GRACE
        _signal(process.pid, signal.SIGTERM)
        while _signal(process.pid, 0) and time.monotonic() < end:
            process.poll()  # one that has ended counts as there until it is asked for its status
            time.sleep(0.01)
        _signal(process.pid, signal.SIGKILL)
    process.wait()


def _signal(group: int, number: int) -> bool:
    """Sends a signal to a process group; whether it has members."""
    if sys.platform == "win32":
        return False
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    return True
