"""`keys`: presses keys, one chord after the other, or types text."""

from collections.abc import Iterator
from typing import Any, ClassVar

from pydantic import Field, field_validator, model_validator

from handflow.act.action import ActionKind, ActionSettings, Performer
from handflow.act.inject import Injector, Key, chord, problems
from handflow.act.inject.performer import InjectingPerformer
from handflow.act.placeholders import filled, unset_problems
from handflow.types import GestureEvent


class KeysSettings(ActionSettings):
    """Which keys: `press` or `text`."""

    SHORT: ClassVar[str | None] = "press"

    press: str | tuple[str, ...] | None = None
    """A chord ("ctrl+shift+s"), or chords one after the other (["ctrl+a", "ctrl+c"])."""
    text: str | None = Field(default=None, min_length=1)  # typed; placeholders are filled in
    hold: float = Field(default=0.02, ge=0, le=60)
    """Seconds that each chord stays down. The default is seen by programs that look at the keyboard once a
    picture, 60 times a second, and is too short for a key to begin repeating."""

    @field_validator("press", mode="before")
    @classmethod
    def _chords_only(cls, given: Any) -> Any:
        chords = [given] if isinstance(given, str) else given
        if not isinstance(chords, list | tuple) or not chords or not all(isinstance(c, str) for c in chords):
            raise ValueError('write a chord, e.g. "ctrl+s", or a list of chords, e.g. ["ctrl+a", "ctrl+c"]')
        return given

    @model_validator(mode="after")
    def _checked(self) -> "KeysSettings":
        if (self.press is None) == (self.text is None):
            raise ValueError('keys needs either `press` (e.g. "ctrl+s") or `text`, and not both')
        if self.text is not None and "hold" in self.model_fields_set:
            raise ValueError("`hold` is how long chords stay down: it goes with `press`, not with `text`")
        _ = self.chords  # an unknown key ends here
        return self

    @property
    def written(self) -> tuple[str, ...]:
        """The chords as written."""
        return (self.press,) if isinstance(self.press, str) else self.press or ()

    @property
    def chords(self) -> tuple[tuple[Key, ...], ...]:
        """The keys of each chord."""
        return tuple(chord(text) for text in self.written)

    def describe(self) -> str:
        """What it does."""
        return f"type {self.text!r}" if self.press is None else f"press {', then '.join(self.written)}"


class _Keys(InjectingPerformer[KeysSettings]):
    def inject(self, injector: Injector, settings: KeysSettings, event: GestureEvent) -> None:
        if settings.text is not None:
            injector.type_text(str(filled(settings.text, event)))
        for keys in settings.chords:
            with injector.held(keys):
                self.wait(settings.hold)


def _performer(connections: Any) -> Performer[KeysSettings]:
    return _Keys(connections.keyboard)


def _problems(settings: KeysSettings, connections: Any) -> Iterator[str]:
    text = settings.text or ""
    yield from unset_problems(text)
    keys = [key for keys in settings.chords for key in keys]
    yield from problems(connections.keyboard, keys, text)  # placeholders are typable anywhere


KEYS = ActionKind(KeysSettings, _performer, "control", _problems)
