"""`python`: calls what an installed package offers for it, by an entry point of the group `handflow.actions`.

    [project.entry-points."handflow.actions"]
    lamp = "my_lamp:flash"          # def flash(event, color="white"): …

Only entry points: a bindings file from elsewhere can thus call nothing but what somebody installed for it.
A function is called with the event and the settings as keywords. Of a class one object is made, without
arguments, at its first use; it is called like a function, and its `close()`, if it has one, at the end.
"""

import importlib.metadata
import inspect
import logging
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from handflow.act.action import ActionKind, ActionSettings, Performer
from handflow.act.placeholders import filled, hidden, unset_problems
from handflow.errors import ActionError
from handflow.types import GestureEvent

_log = logging.getLogger("handflow.act")

GROUP = "handflow.actions"
"""The group of entry points that actions are looked up in."""


class PythonSettings(ActionSettings):
    """Which entry point, and what it is told."""

    SHORT: ClassVar[str | None] = "use"

    use: str = Field(min_length=1)  # the entry point's name
    settings: dict[str, Any] = Field(default_factory=dict)  # keywords of the call

    def describe(self) -> str:
        """What it does."""
        return f"call {self.use}"


class _Plugins(Performer[PythonSettings]):
    def __init__(self) -> None:
        self._loaded: dict[str, Callable[..., Any]] = {}

    def perform(self, settings: PythonSettings, event: GestureEvent) -> None:
        """Calls the entry point."""
        given = filled(settings.settings, event)
        if settings.use not in self._loaded:
            self._loaded[settings.use] = _load(settings.use)
        loaded = self._loaded[settings.use]
        try:
            _foreign(settings.use, lambda: loaded(event, **given))
        except ActionError as error:
            raise ActionError(hidden(str(error), settings.settings)) from error.__cause__

    def close(self) -> None:
        """Lets objects that were made let go, whatever the others do."""
        for use, loaded in self._loaded.items():
            if callable(close := getattr(loaded, "close", None)):
                try:
                    _foreign(use, close)
                except ActionError as error:
                    _log.warning("%s", error)


def _load(use: str) -> Callable[..., Any]:
    problem = _problem(use)
    if problem is not None:
        raise ActionError(problem)
    (entry,) = importlib.metadata.entry_points(group=GROUP, name=use)
    loaded = _foreign(use, entry.load)
    if inspect.isclass(loaded):
        loaded = _foreign(use, loaded)
    if not callable(loaded):
        raise ActionError(f"{use} ({entry.value}) is no function, nor a class with __call__")
    return loaded  # type: ignore[no-any-return]


def _foreign(use: str, call: Callable[[], Any]) -> Any:
    """Calls code of another package.

    Raises:
        ActionError: it raised anything.
    """
    try:
        return call()
    except ActionError:
        raise
    except (Exception, SystemExit) as error:  # foreign code: whatever it raises stays here
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = "" if place.filename == __file__ else f" ({Path(place.filename).name}, line {place.lineno})"
        raise ActionError(f"{use}: {type(error).__name__}: {error}{where}") from error


def _problem(use: str) -> str | None:
    """Why an entry point cannot be used; its package is not imported to find that out."""
    entries = importlib.metadata.entry_points(group=GROUP)
    found = [entry for entry in entries if entry.name == use]
    if len(found) == 1:
        return None
    if found:
        packages = ", ".join(sorted(entry.dist.name for entry in found if entry.dist is not None))
        return f"several packages offer the action {use}: uninstall all but one of {packages}"
    known = ", ".join(sorted(entries.names))
    there = f"there are: {known}" if known else f"none offers an entry point of the group {GROUP}"
    return f"no installed package offers the action {use!r}; {there}"


def _performer(connections: Any) -> Performer[PythonSettings]:
    return _Plugins()


def _problems(settings: PythonSettings, connections: Any) -> Iterator[str]:
    problem = _problem(settings.use)
    if problem is not None:
        yield problem
    yield from unset_problems(settings.settings)


PYTHON = ActionKind(PythonSettings, _performer, problems=_problems)
