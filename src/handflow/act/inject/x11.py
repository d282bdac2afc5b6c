"""Keyboard and mouse of an X server, by its XTEST extension."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from handflow.act.inject.injector import Button, Injector, InjectorLostError
from handflow.act.inject.keynames import KEYS, Key
from handflow.act.inject.x_display import open_display
from handflow.errors import ActionError

SETTLE = 0.2
"""Seconds after which programs have looked up what a key that was given a new meaning types."""

_BUTTONS: dict[Button, int] = {"left": 1, "middle": 2, "right": 3}
_WHEEL_UP, _WHEEL_DOWN, _WHEEL_LEFT, _WHEEL_RIGHT = 4, 5, 6, 7
_ABSOLUTE, _RELATIVE = 0, 1
_UNICODE = 0x01000000  # keysyms of characters beyond Latin-1 (X11 protocol, appendix A)
_CONTROL = {"\n": "enter", "\t": "tab"}


@dataclass(slots=True)
class _Borrowed:
    """A keycode that types what the layout lacks."""

    keysym: int
    typed: float  # when it did last, by time.monotonic


class X11Injector(Injector):
    """Presses keys by XTEST.

    A character or key that the keyboard layout lacks borrows a keycode that the layout leaves free. Each one
    keeps its keycode until all are borrowed, because programs look up what a key types only once they come
    to read the event; on closing all are given back.
    """

    def __init__(self, display: str) -> None:
        """Connects.

        Args:
            display: its name, as in DISPLAY.

        Raises:
            MissingExtraError: python-xlib is not installed.
            ActionError: there is no such display, or it has no XTEST.
        """
        super().__init__()
        self._display = open_display(display)
        if not self._display.has_extension("XTEST"):
            self._display.close()
            raise ActionError(f"the display {display} has no XTEST: set `by` of [keyboard] to uinput")
        self._rows: list[tuple[int, ...]] = []  # keysyms of each keycode
        self._codes: dict[Key, tuple[int, ...]] = {}  # that a key holds down
        self._borrowed: dict[int, _Borrowed] = {}  # by keycode
        from Xlib import XK

        XK.load_keysym_group("xf86")
        XK.load_keysym_group("xkb")
        with self._connected():
            self._first = self._display.display.info.min_keycode
            self._read_layout()

    def _type(self, text: str) -> None:
        """Types on whichever layout is active; Caps Lock is lifted meanwhile."""
        with self._connected(), self._without_caps_lock() as group:
            for char in text:
                keysym = self._keysym(KEYS[_CONTROL[char]] if char in _CONTROL else Key(char, char=char))
                self._tap(self._to_type(keysym, group))

    def move(self, dx: int, dy: int) -> None:
        """Moves the pointer by pixels."""
        self._fake("MotionNotify", _RELATIVE, x=dx, y=dy)

    def move_to(self, x: float, y: float) -> None:
        """Moves the pointer to a place on the screen."""
        screen = self._display.screen()
        place = round(x * (screen.width_in_pixels - 1)), round(y * (screen.height_in_pixels - 1))
        self._fake("MotionNotify", _ABSOLUTE, root=screen.root, x=place[0], y=place[1])

    def scroll(self, dx: int, dy: int) -> None:
        """Presses the buttons that are the wheel."""
        for steps, back, forth in ((dx, _WHEEL_LEFT, _WHEEL_RIGHT), (dy, _WHEEL_UP, _WHEEL_DOWN)):
            for _ in range(abs(steps)):
                self._fake("ButtonPress", forth if steps > 0 else back)
                self._fake("ButtonRelease", forth if steps > 0 else back)

    def _press(self, key: Key) -> None:
        with self._connected():
            self._read_layout_if_changed()
            self._codes[key] = self._to_type(self._keysym(key), 0)
        for code in self._codes[key]:
            self._fake("KeyPress", code)

    def _release(self, key: Key) -> None:
        for code in reversed(self._codes.get(key, ())):
            self._fake("KeyRelease", code)
        self._codes.pop(key, None)

    def _button(self, name: Button, down: bool) -> None:
        self._fake("ButtonPress" if down else "ButtonRelease", _BUTTONS[name])

    def _close(self) -> None:
        from Xlib import X, error

        try:
            self._read_layout_if_changed()
            for borrowed in self._borrowed.values():
                self._wait_for(borrowed)
            for code in self._borrowed:
                self._display.change_keyboard_mapping(code, [(X.NoSymbol, X.NoSymbol)])
            self._display.sync()
            self._display.close()
        except (error.ConnectionClosedError, OSError):
            pass  # the server is gone, and with it all that was borrowed

    @contextmanager
    def _connected(self) -> Iterator[None]:
        from Xlib import error

        try:
            yield
        except (error.ConnectionClosedError, OSError) as why:
            raise InjectorLostError(
                "the X server is gone: it is looked for again at the next action"
            ) from why

    def _fake(self, kind: str, detail: int, **more: Any) -> None:
        """One event, as of a device; returns when the server has it."""
        from Xlib import X

        with self._connected():
            self._display.xtest_fake_input(getattr(X, kind), detail, **more)
            self._display.sync()

    def _tap(self, codes: tuple[int, ...]) -> None:
        with ExitStack() as ups:
            for code in codes:
                ups.callback(self._fake, "KeyRelease", code)
                self._fake("KeyPress", code)

    @contextmanager
    def _without_caps_lock(self) -> Iterator[int]:
        """Lifts Caps Lock, which would turn letters around; gives the number of the active layout."""
        from Xlib import X

        self._read_layout_if_changed()
        state = self._display.screen().root.query_pointer().mask
        with ExitStack() as after:
            if state & X.LockMask:
                caps_lock = self._to_type(self._keysym(KEYS["caps_lock"]), 0)
                after.callback(self._tap, caps_lock)
                self._tap(caps_lock)
            yield state >> 13 & 3  # XkbGroupForCoreState

    def _keysym(self, key: Key) -> int:
        from Xlib import XK

        if key.char:
            number = ord(key.char)
            return number if number < 0x100 else _UNICODE + number
        return int(XK.string_to_keysym(key.keysym))

    def _to_type(self, keysym: int, group: int) -> tuple[int, ...]:
        """The keycodes that make a keysym, Shift first where it needs it."""
        code, level = self._find(keysym, group) or (self._borrow(keysym), 0)
        if code in self._borrowed:
            self._borrowed[code].typed = time.monotonic()
        if level == 0:
            return (code,)
        from Xlib import XK

        shift = self._find(XK.XK_Shift_L, 0)
        held = {c for codes in self._codes.values() for c in codes}
        return (code,) if shift is None or shift[0] in held else (shift[0], code)

    def _find(self, keysym: int, group: int) -> tuple[int, int] | None:
        """Keycode and level (0 plain, 1 with Shift) of a keysym in a layout."""
        for level in (0, 1):
            for offset, row in enumerate(self._rows):
                code = self._first + offset
                column = level if code in self._borrowed or group == 0 else 2 * group + level
                # From the third layout on, columns hold other levels: what types there is borrowed.
                if column < min(len(row), 4) and row[column] == keysym:
                    return code, level
        return None

    def _borrow(self, keysym: int) -> int:
        """Gives the keysym to a free keycode."""
        code = next((self._first + n for n, row in reversed([*enumerate(self._rows)]) if not any(row)), None)
        if code is None and self._borrowed:
            code = min(self._borrowed, key=lambda code: self._borrowed[code].typed)
            self._wait_for(self._borrowed[code])
        if code is None:
            raise ActionError(
                "the keyboard layout lacks this key or character, and has no free key to borrow: "
                "bind what the layout has"
            )
        self._display.change_keyboard_mapping(code, [(keysym, keysym)])
        self._borrowed[code] = _Borrowed(keysym, time.monotonic())
        self._read_layout()
        self._display.sync()
        return int(code)

    def _wait_for(self, borrowed: _Borrowed) -> None:
        time.sleep(max(0.0, borrowed.typed + SETTLE - time.monotonic()))

    def _read_layout(self) -> None:
        count = self._display.display.info.max_keycode - self._first + 1
        self._rows = [tuple(row) for row in self._display.get_keyboard_mapping(self._first, count)]
        for code, borrowed in [*self._borrowed.items()]:
            if borrowed.keysym not in self._rows[code - self._first]:
                del self._borrowed[code]  # a new layout has taken it for its own

    def _read_layout_if_changed(self) -> None:
        """Reads the events that come unasked, which tell of a new layout."""
        from Xlib import X

        changed = False
        while self._display.pending_events():
            changed |= self._display.next_event().type == X.MappingNotify
        if changed:
            self._read_layout()
