"""`mode`: switches the layer of bindings that is active. The switchboard itself carries it out."""

from typing import Any, ClassVar

from pydantic import Field

from handflow.act.action import ActionKind, ActionSettings, Performer
from handflow.types import GestureEvent


class ModeSettings(ActionSettings):
    """Which mode comes next."""

    SHORT: ClassVar[str | None] = "to"

    to: str = Field(min_length=1)  # the mode's name; the one already active goes back to the first

    def describe(self) -> str:
        """What it does."""
        return f"switch to mode {self.to}"


class _Nothing(Performer[ModeSettings]):
    """The switchboard has switched when it chose the action."""

    def perform(self, settings: ModeSettings, event: GestureEvent) -> None:
        """Nothing is left to do."""


def _performer(connections: Any) -> Performer[ModeSettings]:
    return _Nothing()


MODE = ActionKind(ModeSettings, _performer)
