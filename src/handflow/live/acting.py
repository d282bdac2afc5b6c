"""What comes of events while a source runs: bound actions, the event log, subscribers."""

from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

from handflow.act.actor import Actor
from handflow.act.event_log import EventLog, stamped
from handflow.types import GestureEvent, Scores, event_document


class Audience(Protocol):
    """Whoever hears what happens: `handflow.act.serve.Subscribers`, or a page."""

    def start(self) -> object:
        """Called once, before the first document."""

    def send(self, document: dict[str, Any], /) -> None:
        """Takes a document; any thread may call it, and it returns at once."""

    def close(self) -> None:
        """Called after the last document."""


class Acting:
    """Passes events on to whoever is to know or to act: `update()` with every frame; a context manager.

    Args:
        bindings: the bindings file; None: nothing is bound.
        dry_run: say what bindings would do and do nothing.
        log: where events and outcomes are written; None: nowhere.
        subscribers: started here, closed at the end; None: nobody listens.
        tell: told what a person should know, by any thread.

    Raises:
        BindingsError: the file is missing or wrong.
        MissingExtraError: packages of a kind of action are missing.
        ActionError: subscribers cannot be served.
    """

    def __init__(
        self,
        bindings: Path | None = None,
        *,
        dry_run: bool = False,
        log: EventLog | None = None,
        subscribers: Audience | None = None,
        tell: Callable[[str], None],
    ) -> None:
        self._log, self._subscribers = log, subscribers
        self.actor = None
        self.outcomes: dict[str, int] = {}
        if subscribers is not None:
            subscribers.start()
        try:
            if bindings is not None:
                self.actor = Actor(bindings, tell=tell, note=self.note, dry_run=dry_run)
        except BaseException:
            self.close()
            raise

    def update(self, events: Sequence[GestureEvent], each: Sequence[Scores] = ()) -> None:
        """Takes the events that count and the scores of each hand after a frame; returns at once."""
        for event in events:
            self.note({"type": "event", **event_document(event)})
        if self.actor is not None:
            self.actor.update(events, each)

    def armed(self, armed: bool, timestamp: float) -> None:
        """Takes note that gestures count from now on, or no longer."""
        self.note({"type": "armed", "armed": armed, "time": round(timestamp, 4)})

    def note(self, document: dict[str, Any]) -> None:
        """Writes a document to the log and sends it to subscribers; any thread may call it."""
        document = stamped(document) if self._log is None else self._log.write(document)
        if self._subscribers is not None:
            self._subscribers.send(document)

    def close(self) -> None:
        """Ends actions, log and serving; `outcomes` then says how many actions had which outcome."""
        if self.actor is not None:
            self.outcomes = self.actor.close()
            self.actor = None
        if self._subscribers is not None:
            self._subscribers.close()
        if self._log is not None:
            self._log.close()

    def __enter__(self) -> "Acting":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
