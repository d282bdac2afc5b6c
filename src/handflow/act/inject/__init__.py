"""Presses keys and moves the mouse, in the way that fits the session: X11, a Linux device, macOS, Windows."""

import importlib.util
from collections.abc import Iterable, Iterator
from contextlib import suppress

from handflow.act.connections import KeyboardConnection
from handflow.act.inject.choice import PACKAGES, Surroundings, Way, choose
from handflow.act.inject.injector import Button, Injector, InjectorLostError
from handflow.act.inject.keynames import Key, chord, key_named
from handflow.errors import ActionError, MissingExtraError

__all__ = [
    "Button",
    "Injector",
    "InjectorLostError",
    "Key",
    "Surroundings",
    "Way",
    "choose",
    "chord",
    "key_named",
    "open_injector",
    "problems",
    "require",
]


def open_injector(connection: KeyboardConnection) -> Injector:
    """The keyboard and mouse of this session.

    Raises:
        MissingExtraError: packages are missing.
        ActionError: keys cannot be pressed here.
    """
    way = choose(connection)
    if way.by == "x11":
        from handflow.act.inject.x11 import X11Injector

        return X11Injector(way.display)
    if way.by == "uinput":
        from handflow.act.inject.uinput import UinputInjector

        return UinputInjector()
    from handflow.act.inject.system import SystemInjector

    return SystemInjector()


def require(connection: KeyboardConnection) -> None:
    """Makes sure that the packages are there; where keys cannot be pressed at all, opening tells why.

    On macOS call this from the main thread before keys are pressed from another (see `system.controllers`).

    Raises:
        MissingExtraError: they are not.
    """
    try:
        way = choose(connection)
    except ActionError:
        return
    module, _ = PACKAGES[way.by]
    if importlib.util.find_spec(module) is None:
        raise MissingExtraError("keys and mouse", "control")
    if way.by == "system":
        from handflow.act.inject.system import controllers

        with suppress(ActionError):
            controllers()


def problems(connection: KeyboardConnection, keys: Iterable[Key] = (), text: str = "") -> Iterator[str]:
    """Why these keys and this text cannot be pressed here, one line each with the remedy."""
    try:
        require(connection)
        way = choose(connection)
        if way.by == "uinput":
            yield from _beyond_us_keyboard(keys, text)
        elif way.by == "system":
            yield from _unknown_to_system(keys)
    except (MissingExtraError, ActionError) as why:
        yield str(why)


def _beyond_us_keyboard(keys: Iterable[Key], text: str) -> Iterator[str]:
    from handflow.act.inject.uinput import US_KEYBOARD, codes_of

    beyond = [key.name for key in keys if codes_of(key) is None] + [c for c in text if c not in US_KEYBOARD]
    if beyond:
        yield f"uinput has the keys of a US keyboard alone, not {', '.join(dict.fromkeys(beyond))}: use x11"


def _unknown_to_system(keys: Iterable[Key]) -> Iterator[str]:
    from handflow.act.inject.system import controllers, key_of

    controllers()
    for key in keys:
        if key_of(key) is None:
            yield f"this system has no key {key.name}: bind another one"
