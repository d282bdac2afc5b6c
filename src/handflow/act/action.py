"""What an action is: settings that a bindings file gives, and a performer that carries them out.

Adding an action is one `ActionKind` and one entry in `handflow.act.actions.ACTIONS`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Generic, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationInfo, model_validator

from handflow.types import GestureEvent


class Strict(BaseModel):
    """A table of the bindings file: a misspelt key is an error, not silence."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=False, allow_inf_nan=False)


def _beside_the_file(value: str, info: ValidationInfo) -> str:
    folder = (info.context or {}).get("folder")
    # What begins with a placeholder says for itself where it lies.
    return value if folder is None or value.startswith(("~", "$", "{")) else str(folder / value)


LocalPath = Annotated[str, AfterValidator(_beside_the_file)]
"""A path of this machine; a relative one begins in the folder of the bindings file."""


class ActionSettings(Strict, ABC):
    """What one action of a binding is told, e.g. which keys."""

    SHORT: ClassVar[str | None] = None
    """The field that `kind = "value"` sets, where a kind may be written without a table."""

    @model_validator(mode="before")
    @classmethod
    def _written_short(cls, given: Any) -> Any:
        return given if isinstance(given, dict) or cls.SHORT is None else {cls.SHORT: given}

    @abstractmethod
    def describe(self) -> str:
        """What it does, in a few words, as written: placeholders of secrets are not filled in."""


SettingsT = TypeVar("SettingsT", bound=ActionSettings)


class Performer(ABC, Generic[SettingsT]):
    """Carries out the actions of one kind: made by the main thread, used and closed by one worker thread.

    Making one must be quick and never fail for what may come later (a broker that is down): connect in
    `start`, or at the first action.
    """

    def start(self) -> None:
        """Gets ready before the first action, so that it is not late; what fails is told and tried again.

        Raises:
            ActionError: not ready yet.
        """

    @abstractmethod
    def perform(self, settings: SettingsT, event: GestureEvent) -> None:
        """Performs one action; returns when it is done or handed over.

        Raises:
            ActionError: it was not performed, and why.
        """

    def stop(self) -> None:
        """Called from another thread as the program ends: what blocks in `perform` should give up soon."""

    def close(self) -> None:
        """Lets go of everything: pressed keys, connections."""


def _no_problems(settings: Any, connections: Any) -> Iterator[str]:
    yield from ()


@dataclass(frozen=True, slots=True)
class ActionKind(Generic[SettingsT]):
    """A kind of action."""

    settings: type[SettingsT]
    perform_by: Callable[[Any], Performer[SettingsT]]
    """Makes the performer from the file's connections (`handflow.act.connections.Connections`).

    Raises MissingExtraError where packages are missing.
    """
    extra: str | None = None  # the extra that it needs
    problems: Callable[[SettingsT, Any], Iterator[str]] = _no_problems
    """What of this action cannot work on this machine now (program not found, variable not set), one line
    each with the remedy; looks, but performs nothing."""
    queue: int = 32  # actions that may wait
