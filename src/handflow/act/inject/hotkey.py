"""A key that works whichever program is in front."""

import select
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any, Protocol

from handflow.act.inject.choice import Surroundings
from handflow.act.inject.keynames import Key, chord
from handflow.act.inject.x_display import open_display
from handflow.errors import ActionError, MissingExtraError

_MODIFIERS = {  # names of Xlib.X
    "ctrl": "ControlMask", "ctrl_right": "ControlMask", "shift": "ShiftMask", "shift_right": "ShiftMask",
    "alt": "Mod1Mask", "super": "Mod4Mask", "super_right": "Mod4Mask",
}  # fmt: skip
_LOOK = 0.2  # seconds between two looks at whether it is over
_UNICODE = 0x01000000  # keysyms of characters beyond Latin-1 (X11 protocol, appendix A)

SIGNAL = "USR1"
"""In place of a chord: no key is watched, the signal alone counts."""


class _Watch(Protocol):
    def close(self) -> None:
        """Watches no longer."""


class Hotkey:
    """Calls back each time a chord is pressed, in a thread of its own; a context manager.

    X11 by a grab, macOS and Windows by pynput. Wayland lets no program watch keys: there a shortcut of the
    desktop can send a signal, see `on_signal`.

    Args:
        text: the chord, such as "ctrl+alt+g": modifiers and one other key.
        pressed: called back.
        here: the session.

    Raises:
        MissingExtraError: packages are missing.
        ActionError: it is no chord, another program has it, or keys cannot be watched here.
    """

    def __init__(self, text: str, pressed: Callable[[], None], here: Surroundings | None = None) -> None:
        here = here or Surroundings()
        try:
            keys = chord(text)
        except ValueError as error:
            raise ActionError(f"--arm-key {text}: {error}") from error
        if [key.name in _MODIFIERS for key in keys] != [True] * (len(keys) - 1) + [False]:
            raise ActionError(f"--arm-key {text}: name modifiers and one other key, such as ctrl+alt+g")
        self._watch: _Watch
        if here.system in ("darwin", "win32"):
            self._watch = _System(keys, pressed)
        elif here.display and not here.wayland:
            self._watch = _XGrab(keys, pressed, here.display, text)
        else:
            raise ActionError(
                f"--arm-key {text}: Wayland and the console let no program watch keys: write --arm-key "
                f"{SIGNAL}, and bind a shortcut of the desktop to `pkill -{SIGNAL} -x handflow`"
            )

    def close(self) -> None:
        """Gives the chord back."""
        self._watch.close()

    def __enter__(self) -> "Hotkey":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def is_signal(text: str) -> bool:
    """Whether this is no chord but the signal, which Windows has not."""
    return text == SIGNAL and hasattr(signal, "SIGUSR1")


@contextmanager
def on_signal(pressed: Callable[[], None]) -> Iterator[None]:
    """Inside, calls back on the signal `USR1`, where the system has it; of the main thread alone."""
    number = getattr(signal, "SIGUSR1", None)
    if number is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(number, lambda *_: pressed())
    try:
        yield
    finally:
        signal.signal(number, before)


class _XGrab:
    """A passive grab of the root window, whatever the state of Caps Lock and Num Lock."""

    def __init__(self, keys: tuple[Key, ...], pressed: Callable[[], None], display: str, text: str) -> None:
        self._display = open_display(display)
        from Xlib import XK, X, error

        XK.load_keysym_group("xf86")
        *modifiers, key = keys
        found = self._found(_keysym(key, XK))
        if found is None:
            self._display.close()
            raise ActionError(f"--arm-key {text}: this keyboard has no key {key.name}")
        code, mask = found
        for modifier in modifiers:
            mask |= getattr(X, _MODIFIERS[modifier.name])
        refused = error.CatchError(error.BadAccess)
        root = self._display.screen().root
        for locks in (0, X.LockMask, X.Mod2Mask, X.LockMask | X.Mod2Mask):
            root.grab_key(code, mask | locks, False, X.GrabModeAsync, X.GrabModeAsync, onerror=refused)
        self._display.sync()
        if refused.get_error() is not None:
            self._display.close()
            raise ActionError(f"--arm-key {text}: another program has this key: choose another one")
        self._pressed, self._over = pressed, threading.Event()
        self._thread = threading.Thread(target=self._run, name="hotkey", daemon=True)
        self._thread.start()

    def _found(self, keysym: int) -> tuple[int, int] | None:
        """The keycode of a keysym, and the modifiers without which it types something else."""
        from Xlib import X

        levels = sorted((level, code) for code, level in self._display.keysym_to_keycodes(keysym))
        if not levels or levels[0][0] > 1:
            return None
        level, code = levels[0]
        return int(code), int(level * X.ShiftMask)

    def _run(self) -> None:
        from Xlib import X, error

        released = -1  # the server's time; a key that repeats comes up and goes down in the same moment
        try:
            while not self._over.is_set():
                if not self._display.pending_events():
                    select.select([self._display.fileno()], [], [], _LOOK)
                    continue
                event = self._display.next_event()
                if event.type == X.KeyRelease:
                    released = event.time
                elif event.type == X.KeyPress and event.time != released:
                    self._pressed()
        except (error.ConnectionClosedError, OSError):
            pass  # the X server is gone, and with it the key

    def close(self) -> None:
        """Closing the connection ends the grab."""
        from Xlib import error

        self._over.set()
        self._thread.join(2.0)
        with suppress(error.ConnectionClosedError, OSError):
            self._display.close()


def _keysym(key: Key, names: Any) -> int:
    if key.char:
        number = ord(key.char)
        return number if number < 0x100 else _UNICODE + number
    return int(names.string_to_keysym(key.keysym))


class _System:
    """What pynput watches on macOS and Windows."""

    def __init__(self, keys: tuple[Key, ...], pressed: Callable[[], None]) -> None:
        try:
            from pynput.keyboard import GlobalHotKeys
        except ImportError as error:
            raise MissingExtraError("a key that arms", "control") from error
        written = "+".join(key.char or f"<{key.pynput}>" for key in keys)
        self._listener: Any = GlobalHotKeys({written: pressed})
        self._listener.start()

    def close(self) -> None:
        """Watches no longer."""
        self._listener.stop()
