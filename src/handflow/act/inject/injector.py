"""What presses keys and moves the mouse: an `Injector`, which never leaves a key or a button down."""

import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Literal

from handflow.act.inject.keynames import Key
from handflow.errors import ActionError

Button = Literal["left", "middle", "right"]


class InjectorLostError(ActionError):
    """The way to keyboard and mouse is gone (the X server ended): open a new injector."""


class Injector(ABC):
    """Presses keys and moves the mouse; used by one thread.

    What goes down is noted before it does, so that `release` and `close` also lift what failed half-way. All
    methods raise ActionError where something cannot be pressed here.
    """

    def __init__(self) -> None:
        self._keys: list[Key] = []  # that are down, in the order in which they went
        self._buttons: list[Button] = []

    def press(self, key: Key) -> None:
        """Presses a key, unless it is down already."""
        if key not in self._keys:
            self._keys.append(key)
            self._press(key)

    def release(self, key: Key) -> None:
        """Lets go of a key that is down."""
        if key in self._keys:
            self._release(key)
            self._keys.remove(key)

    @contextmanager
    def held(self, keys: Iterable[Key]) -> Iterator[None]:
        """Keys go down in order, stay there inside, and come up in reverse order whatever happens."""
        with ExitStack() as ups:
            for key in keys:
                ups.callback(self.release, key)
                self.press(key)
            yield

    def button(self, name: Button, down: bool) -> None:
        """Presses a mouse button or lets go of it."""
        if down and name not in self._buttons:
            self._buttons.append(name)
            self._button(name, True)
        elif not down and name in self._buttons:
            self._button(name, False)
            self._buttons.remove(name)

    @contextmanager
    def button_held(self, name: Button) -> Iterator[None]:
        """A mouse button is down inside, and up afterwards whatever happens."""
        with ExitStack() as ups:
            ups.callback(self.button, name, False)
            self.button(name, True)
            yield

    def click(self, name: Button, count: int = 1) -> None:
        """Clicks so many times in a row."""
        for _ in range(count):
            with self.button_held(name):
                pass

    def release_all(self) -> None:
        """Lets go of all that is down, what went down last first; one that fails does not keep the others."""
        with ExitStack() as ups:
            for key in self._keys:
                ups.callback(self.release, key)
            for name in self._buttons:
                ups.callback(self.button, name, False)

    def close(self) -> None:
        """Lets go of all that is down, and of the keyboard and mouse themselves."""
        with suppress(ActionError):  # what is lost needs no release
            self.release_all()
        self._close()

    def type_text(self, text: str) -> None:
        """Types text; new lines are the Enter key and tabs the Tab key."""
        text = text.replace("\r\n", "\n")
        for position, char in enumerate(text):
            if unicodedata.category(char) in ("Cc", "Cs") and char not in "\n\t":
                raise untypable(position, "it is a control character; bind the key itself with `press`")
        self._type(text)

    @abstractmethod
    def move(self, dx: int, dy: int) -> None:
        """Moves the mouse by pixels, right and down."""

    @abstractmethod
    def move_to(self, x: float, y: float) -> None:
        """Moves the mouse to a place, in shares of the whole screen: (0, 0) top left, (1, 1) bottom right."""

    @abstractmethod
    def scroll(self, dx: int, dy: int) -> None:
        """Turns the wheel by steps, right and down."""

    @abstractmethod
    def _type(self, text: str) -> None:
        """Types text whose only control characters are new lines and tabs."""

    @abstractmethod
    def _press(self, key: Key) -> None: ...

    @abstractmethod
    def _release(self, key: Key) -> None: ...

    @abstractmethod
    def _button(self, name: Button, down: bool) -> None: ...

    @abstractmethod
    def _close(self) -> None:
        """Lets go of the keyboard and mouse; raises nothing."""


def untypable(position: int, why: str) -> ActionError:
    """The error for a character that cannot be typed, which is not named: it may belong to a secret.

    Args:
        position: the character's index in the text.
        why: what the keyboard is, and the remedy.
    """
    return ActionError(f"character {position + 1} of the text cannot be typed: {why}")
