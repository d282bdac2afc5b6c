"""Recording without a window: keys from the terminal, the state as lines on stderr."""

import sys
import time
from queue import Empty
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TextIO

from handflow.data.take import Phase, RecorderState

if TYPE_CHECKING:
    from handflow.live.session import RecordingSession

_KEYS = {"r": "r", " ": "r", "u": "u", "\x7f": "u", "\b": "u", "h": "h", "q": "q", "\x1b": "q"}


class KeyReader:
    """Reads single keys from the terminal without waiting; without a terminal there are none.

    A context manager that gives the terminal back as it was.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream if stream is not None else sys.stdin
        self._saved: list[Any] | None = None
        self.available = bool(self._stream and self._stream.isatty())

    def __enter__(self) -> Self:
        if self.available and sys.platform != "win32":
            import termios
            import tty

            self._saved = termios.tcgetattr(self._stream)
            tty.setcbreak(self._stream)  # Ctrl-C still interrupts
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._saved is not None and sys.platform != "win32":
            import termios

            termios.tcsetattr(self._stream, termios.TCSADRAIN, self._saved)
            self._saved = None

    def pressed(self) -> list[str]:
        """Keys since the last call, as commands know them: "r", "u", "h", "q"."""
        if not self.available:
            return []
        return [_KEYS[c.lower()] for c in self._characters() if c.lower() in _KEYS]

    if sys.platform == "win32":

        def _characters(self) -> str:
            import msvcrt

            typed = ""
            while msvcrt.kbhit():
                key = msvcrt.getwch()
                if key in "\x00\xe0" and msvcrt.kbhit():
                    msvcrt.getwch()  # the code of an arrow or function key: Page Down's is Q
                else:
                    typed += key
            return typed

    else:

        def _characters(self) -> str:
            import os
            import select

            typed = b""
            while select.select([self._stream], [], [], 0)[0]:
                chunk = os.read(self._stream.fileno(), 64)
                if not chunk:  # the terminal has gone
                    self.available = False
                    break
                typed += chunk
            text = typed.decode(errors="ignore")
            # Arrow and function keys begin with the code of Escape, which must not end the recording.
            return text if text == "\x1b" else text.split("\x1b")[0]


class StatusLines:
    """Writes the recorder's states: a line that changes on a terminal, a line for each phase elsewhere."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out if out is not None else sys.stderr
        self._live = self._out.isatty()
        self._length = 0
        self._phase: Phase | None = None

    def show(self, state: RecorderState) -> None:
        """Writes what is new."""
        lasting = state.phase in (Phase.SAVED, Phase.REJECTED, Phase.DONE)
        if self._live:
            edge = state.phase is not self._phase and Phase.RECORDING in (state.phase, self._phase)
            self._out.write("\r" + state.message.ljust(self._length) + "\a" * edge + "\n" * lasting)
            self._length = 0 if lasting else len(state.message)
        elif state.phase is not self._phase or state.take is not None or state.rejected is not None:
            self._out.write(state.message + "\n")
        self._out.flush()
        self._phase = state.phase

    def end(self) -> None:
        """Ends a line that was still changing."""
        if self._length:
            self._out.write("\n")
            self._out.flush()
            self._length = 0


def watch(session: "RecordingSession", keys: KeyReader, lines: StatusLines) -> None:
    """Shows a running session in the terminal until it is over."""
    stalled = False
    while not session.over:
        for key in keys.pressed():
            session.press(key)
        _show_notes(session, lines)
        if session.stalled != stalled:
            stalled = session.stalled
            if stalled:
                lines.end()
                print(f"{session.source.name}: no picture comes, waiting", file=sys.stderr)
        time.sleep(0.02)
    _show_notes(session, lines)
    lines.end()


def _show_notes(session: "RecordingSession", lines: StatusLines) -> None:
    while True:
        try:
            lines.show(session.notes.get_nowait())
        except Empty:
            return
