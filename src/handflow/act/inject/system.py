"""Keyboard and mouse of macOS and Windows, by pynput (LGPL: an extra of its own, used unmodified)."""

import functools
import sys
from typing import Any

from handflow.act.inject.injector import Button, Injector, untypable
from handflow.act.inject.keynames import Key
from handflow.errors import ActionError, MissingExtraError

ALLOW = "allow your terminal under System Settings, Privacy & Security, Accessibility, then start it again"
"""What to do where macOS does not let this program press keys."""


@functools.cache
def controllers() -> tuple[Any, Any]:
    """pynput's keyboard and mouse, made once.

    On macOS call this from the main thread first: the system answers questions about the keyboard's layout
    there alone, and ends the process that asks elsewhere (pynput issues 366 and 511).

    Raises:
        MissingExtraError: pynput is not installed.
        ActionError: the system does not let this program press keys.
    """
    try:
        from pynput import keyboard, mouse
    except ImportError as why:
        raise MissingExtraError("keys and mouse", "control") from why
    if not is_trusted():
        raise ActionError(f"macOS does not let this program press keys: {ALLOW}")
    both = keyboard.Controller(), mouse.Controller()
    if sys.platform == "darwin":
        import Quartz

        Quartz.CGEventCreateKeyboardEvent(
            None, 0, True
        )  # asks for the layout as well, for the first one made
    return both


def is_trusted() -> bool:
    """Whether macOS lets this program press keys; other systems do."""
    if sys.platform == "darwin":
        import HIServices

        return bool(HIServices.AXIsProcessTrusted())
    return True


def key_of(key: Key) -> Any:
    """pynput's key, or None where this system has no such key."""
    if key.char:
        return key.char
    from pynput.keyboard import Key as Named

    return getattr(Named, key.pynput, None) if key.pynput else None


class SystemInjector(Injector):
    """Presses keys as macOS and Windows offer it."""

    def __init__(self) -> None:
        """Gets ready.

        Raises:
            MissingExtraError: pynput is not installed.
            ActionError: the system does not let this program press keys.
        """
        super().__init__()
        self._keyboard, self._mouse = controllers()

    def _type(self, text: str) -> None:
        try:
            self._keyboard.type(text)
        except self._keyboard.InvalidCharacterException as why:
            raise untypable(int(why.args[0]), "the keyboard has no such character") from None

    def click(self, name: Button, count: int = 1) -> None:
        """Clicks in a row, which macOS wants to be told of as one series."""
        with self._mouse:
            super().click(name, count)

    def move(self, dx: int, dy: int) -> None:
        """Moves the mouse by points of the screen."""
        self._mouse.move(dx, dy)

    def move_to(self, x: float, y: float) -> None:
        """Moves the mouse to a place on the main screen."""
        width, height = _screen_size()
        self._mouse.position = round(x * (width - 1)), round(y * (height - 1))

    def scroll(self, dx: int, dy: int) -> None:
        """Turns the wheel, whose positive direction is up and right in pynput."""
        self._mouse.scroll(dx, -dy)

    def _press(self, key: Key) -> None:
        known = key_of(key)
        if known is None:
            raise ActionError(f"this system has no key {key.name}: bind another one")
        self._keyboard.press(known)

    def _release(self, key: Key) -> None:
        known = key_of(key)
        if known is not None:
            self._keyboard.release(known)

    def _button(self, name: Button, down: bool) -> None:
        from pynput.mouse import Button as Named

        button = getattr(Named, name)
        if down:
            self._mouse.press(button)
        else:
            self._mouse.release(button)

    def _close(self) -> None:
        """Nothing is held open."""


def _screen_size() -> tuple[int, int]:
    """Width and height of the main screen, in the units that the mouse moves in."""
    if sys.platform == "darwin":
        import Quartz

        size = Quartz.CGDisplayBounds(Quartz.CGMainDisplayID()).size
        return int(size.width), int(size.height)
    import ctypes

    metrics = ctypes.windll.user32.GetSystemMetrics  # type: ignore[attr-defined]
    return metrics(0), metrics(1)  # SM_CXSCREEN, SM_CYSCREEN
