"""Keyboard and mouse as devices of the Linux kernel, which Wayland and the console listen to as well."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from handflow.act.inject.injector import Button, Injector, InjectorLostError, untypable
from handflow.act.inject.keynames import KEYS, Key
from handflow.errors import ActionError, MissingExtraError

SETTLE = 0.5
"""Seconds in which a desktop takes a new device into use; what it is told before is lost."""
PACE = 0.002
"""Seconds between typed characters: the kernel drops what a busy desktop does not read in time."""
FULL_SCALE = 65535  # of the absolute pointer, which desktops stretch over the whole screen

_US_ROWS = (  # plain, with Shift, names of the keys
    ("`1234567890-=", "~!@#$%^&*()_+", "GRAVE 1 2 3 4 5 6 7 8 9 0 MINUS EQUAL"),
    ("qwertyuiop[]\\", "QWERTYUIOP{}|", "Q W E R T Y U I O P LEFTBRACE RIGHTBRACE BACKSLASH"),
    ("asdfghjkl;'", 'ASDFGHJKL:"', "A S D F G H J K L SEMICOLON APOSTROPHE"),
    ("zxcvbnm,./", "ZXCVBNM<>?", "Z X C V B N M COMMA DOT SLASH"),
    (" \n\t", "", "SPACE ENTER TAB"),
)
US_KEYBOARD: dict[str, tuple[str, ...]] = {
    char: (*shift, f"KEY_{key}")
    for plain, shifted, keys in _US_ROWS
    for chars, shift in ((plain, ()), (shifted, ("KEY_LEFTSHIFT",)))
    for char, key in zip(chars, keys.split(), strict=False)
}
"""The keys of each character on a US keyboard."""

_BUTTONS: dict[Button, str] = {"left": "BTN_LEFT", "middle": "BTN_MIDDLE", "right": "BTN_RIGHT"}


def codes_of(key: Key) -> tuple[str, ...] | None:
    """Names of the kernel's keys for a key, Shift first where it is needed; None where it has none."""
    return US_KEYBOARD.get(key.char) if key.char else (key.evdev,)


class UinputInjector(Injector):
    """Presses keys of a virtual keyboard.

    It names keys by their place on a US keyboard, as all keyboards do; what they type is up to the layout
    that the desktop has set. The desktop's mouse acceleration applies to `move`.
    """

    def __init__(self, make_device: Callable[..., Any] | None = None) -> None:
        """Makes the device, and waits until the desktop has taken it into use.

        Args:
            make_device: stands for `evdev.UInput`, which needs /dev/uinput.

        Raises:
            MissingExtraError: evdev is not installed.
            ActionError: the device cannot be made.
        """
        super().__init__()
        try:
            from evdev import ecodes
        except ImportError as why:
            raise MissingExtraError("keys and mouse", "control") from why
        self._codes: dict[str, int] = ecodes.ecodes
        self._make_device = make_device
        self._down: dict[Key, tuple[str, ...]] = {}  # the kernel's keys that a key holds down
        keys = {key.evdev for key in KEYS.values()}.union(*US_KEYBOARD.values())
        wheel = ("REL_X", "REL_Y", "REL_WHEEL", "REL_HWHEEL")
        self._device = self._made(
            "handflow keyboard and mouse",
            EV_KEY=[self._codes[name] for name in sorted(keys | {*_BUTTONS.values()})],
            EV_REL=[self._codes[name] for name in wheel],
        )
        self._pointer: Any = None  # the second device, which knows places; made when it is needed

    def _type(self, text: str) -> None:
        for position, char in enumerate(text):
            if char not in US_KEYBOARD:
                raise untypable(
                    position, "uinput has the keys of a US keyboard alone; on X11 all can be typed"
                )
        for char in text:
            with ExitStack() as ups:
                for name in US_KEYBOARD[char]:
                    ups.callback(self._write, self._device, ("EV_KEY", name, 0))
                    self._write(self._device, ("EV_KEY", name, 1))
            time.sleep(PACE)

    def move(self, dx: int, dy: int) -> None:
        """Moves the mouse by its own steps, which are pixels where the desktop does not accelerate it."""
        self._write(self._device, ("EV_REL", "REL_X", dx), ("EV_REL", "REL_Y", dy))

    def move_to(self, x: float, y: float) -> None:
        """Moves the mouse to a place on the screen."""
        if self._pointer is None:
            axis = (0, 0, FULL_SCALE, 0, 0, 0)  # value, least, most, fuzz, flat, resolution
            self._pointer = self._made(
                "handflow pointer",
                EV_KEY=[self._codes[name] for name in _BUTTONS.values()],  # without, it counts as no pointer
                EV_ABS=[(self._codes[name], axis) for name in ("ABS_X", "ABS_Y")],
            )
        place = round(x * FULL_SCALE), round(y * FULL_SCALE)
        # The kernel passes on what changes only: a move aside comes first, as the mouse may have moved since.
        for nudge in (1 if place[0] < FULL_SCALE else -1, 0):
            self._write(self._pointer, ("EV_ABS", "ABS_X", place[0] + nudge), ("EV_ABS", "ABS_Y", place[1]))

    def scroll(self, dx: int, dy: int) -> None:
        """Turns the wheel, whose positive direction is up and right in the kernel."""
        for steps, name, sign in ((dx, "REL_HWHEEL", 1), (dy, "REL_WHEEL", -1)):
            for _ in range(abs(steps)):
                self._write(self._device, ("EV_REL", name, sign if steps > 0 else -sign))

    def _press(self, key: Key) -> None:
        names = codes_of(key)
        if names is None:
            raise ActionError(f"uinput has no key {key.name}: it has the keys of a US keyboard alone")
        held = {name for others in self._down.values() for name in others}
        self._down[key] = tuple(name for name in names if name not in held)
        for name in self._down[key]:
            self._write(self._device, ("EV_KEY", name, 1))

    def _release(self, key: Key) -> None:
        for name in reversed(self._down.get(key, ())):
            self._write(self._device, ("EV_KEY", name, 0))
        self._down.pop(key, None)

    def _button(self, name: Button, down: bool) -> None:
        self._write(self._device, ("EV_KEY", _BUTTONS[name], int(down)))

    def _close(self) -> None:
        for device in (self._device, self._pointer):
            if device is not None:
                device.close()

    def _made(self, name: str, **events: list[Any]) -> Any:
        if self._make_device is not None:
            return self._make_device({self._codes[kind]: codes for kind, codes in events.items()}, name=name)
        from evdev import UInput, UInputError

        try:
            device = UInput({self._codes[kind]: codes for kind, codes in events.items()}, name=name)
        except (UInputError, OSError) as why:
            raise ActionError(f"cannot make a virtual keyboard ({why}): see `handflow doctor`") from why
        time.sleep(SETTLE)
        return device

    def _write(self, device: Any, *events: tuple[str, str, int]) -> None:
        """Events of one moment: kind, name, value."""
        try:
            for kind, name, value in events:
                device.write(self._codes[kind], self._codes[name], value)
            device.syn()
        except OSError as why:
            raise InjectorLostError(
                f"the virtual keyboard is gone ({why}): the next action makes it anew"
            ) from why
