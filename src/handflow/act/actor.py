"""Acts on what the live pipeline sees: bindings file → switchboard → dispatcher, with log and subscribers."""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from handflow.act.application import Applications
from handflow.act.bindings import Bindings
from handflow.act.bindings_file import BindingsFile
from handflow.act.dispatcher import Dispatcher
from handflow.act.inject.choice import choose
from handflow.act.outcome import Outcome
from handflow.act.switchboard import Choice, Switchboard
from handflow.errors import ActionError, HandflowError
from handflow.types import GestureEvent, Scores

LOOK = 0.5
"""Seconds between two looks at the bindings file."""
SAY = 1.0
"""Seconds between two lines about the same trouble."""
MOST_REASONS = 1000
"""Troubles that are told apart; then they are forgotten and told anew."""


class Actor:
    """Performs what gestures are bound to: `update()` with every frame, `close()` at the end.

    Args:
        path: the bindings file; read again when it changes.
        tell: told what a person should know, a line at a time, by any thread.
        note: told each outcome and change of mode as a document, by any thread.
        dry_run: say what would be done and do nothing.

    Raises:
        BindingsError: the file is missing or wrong.
        MissingExtraError: packages of a kind of action are missing.
    """

    def __init__(
        self,
        path: Path,
        *,
        tell: Callable[[str], None],
        note: Callable[[dict[str, Any]], None] = lambda _: None,
        dry_run: bool = False,
    ) -> None:
        self._tell, self._note, self._dry_run = tell, note, dry_run
        self._file = BindingsFile(path, tell)
        self._applications = Applications()
        self._switchboard = Switchboard(self._file.bindings, self._applications.active)
        self._trouble = _Trouble(tell)
        self._dispatcher = None if dry_run else Dispatcher(self._file.bindings, self._became)
        if self._dispatcher is not None:
            self._dispatcher.start()
        self._counts: dict[str, int] = {}
        self._looked = time.monotonic()
        self._changing: threading.Thread | None = None

    @property
    def bindings(self) -> Bindings:
        """Those that hold now."""
        return self._switchboard.bindings

    @property
    def mode(self) -> str:
        """The mode that is active."""
        return self._switchboard.mode

    def injector(self) -> str:
        """How keys are pressed and the mouse is moved, for people; empty where nothing is or can be."""
        if not {"keys", "mouse"} & {*self.bindings.kinds}:
            return ""
        try:
            return choose(self.bindings.keyboard).describe()
        except ActionError:  # `machine_problems` says why
            return ""

    def update(self, events: Iterable[GestureEvent], each: Sequence[Scores]) -> None:
        """Takes the events that count and the scores of each hand after a frame; returns at once."""
        self._reload()
        for choice in self._switchboard.repeated(each):
            self._do(choice)
        for event in events:
            before = self._switchboard.mode
            for choice in self._switchboard.choose(event):
                self._do(choice)
            if self._switchboard.mode != before:
                mode = self._switchboard.mode
                self._note({"type": "mode", "mode": mode, "time": round(event.time, 4)})
                self._tell(f"mode {mode}")

    def close(self) -> dict[str, int]:
        """Ends all actions and releases all keys; how many actions had which outcome."""
        if self._changing is not None:
            self._changing.join()
        if self._dispatcher is not None:
            self._dispatcher.close()
            self._add(self._dispatcher)
        self._trouble.close()
        self._applications.close()
        return dict(self._counts)

    def _do(self, choice: Choice) -> None:
        if choice.due and self._dispatcher is not None:
            self._dispatcher.perform(choice)
            return
        for action in choice.binding.do:
            outcome = Outcome.of(choice.event, action, "dry run" if choice.due else "refused", choice.refused)
            self._counts[outcome.outcome] = self._counts.get(outcome.outcome, 0) + 1
            self._became(outcome)

    def _became(self, outcome: Outcome) -> None:
        self._note(outcome.document())
        if outcome.outcome == "dry run":
            self._tell(f"{outcome.event.gesture}: would {outcome.action}")
        elif outcome.outcome == "refused" and self._dry_run:
            self._tell(f"{outcome.event.gesture}: would not {outcome.action}: {outcome.why}")
        elif outcome.outcome in ("failed", "dropped"):
            self._trouble.tell(outcome)

    def _reload(self) -> None:
        now = time.monotonic()
        if now - self._looked < LOOK:
            return
        self._looked = now
        bindings = self._file.changed()
        if bindings is None:
            return
        if self._dispatcher is not None:
            try:
                fresh = Dispatcher(bindings, self._became)
            except HandflowError as error:
                self._tell(f"{self._file.path}: {error}\nthe last good bindings stay")
                return
            old, self._dispatcher = self._dispatcher, fresh
            # The new connections must not meet the old ones: what comes in between waits.
            earlier = self._changing
            self._changing = threading.Thread(target=self._change, args=(earlier, old, fresh), daemon=True)
            self._changing.start()
        self._switchboard.change(bindings)
        count = sum(binding.enabled for binding in bindings.bindings)
        self._tell(f"{self._file.path} has changed: {count} binding{'s' * (count != 1)}")

    def _change(self, earlier: threading.Thread | None, old: Dispatcher, fresh: Dispatcher) -> None:
        if earlier is not None:
            earlier.join()
        old.close(finish=True)
        self._add(old)
        fresh.start()

    def _add(self, dispatcher: Dispatcher) -> None:
        for outcome, count in dispatcher.counts.items():
            self._counts[outcome] = self._counts.get(outcome, 0) + count


class _Trouble:
    """Tells of actions that were not performed, at most a line a second for each reason."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._lock = threading.Lock()
        self._said: dict[str, float] = {}
        self._unsaid: dict[str, int] = {}

    def tell(self, outcome: Outcome) -> None:
        """Says it, or counts it for the next time."""
        reason = f"{outcome.event.gesture}: {outcome.outcome}: {outcome.action}: {outcome.why}"
        now = time.monotonic()
        with self._lock:
            if now - self._said.get(reason, -SAY) < SAY:
                self._unsaid[reason] = self._unsaid.get(reason, 0) + 1
                return
            more = self._unsaid.pop(reason, 0)
            if len(self._said) >= MOST_REASONS:
                self._said.clear()
                self._unsaid.clear()
            self._said[reason] = now
        self._tell(reason + (f" (and {more} times before)" if more else ""))

    def close(self) -> None:
        """Says what is counted and not yet said."""
        with self._lock:
            unsaid, self._unsaid = self._unsaid, {}
        for reason, more in unsaid.items():
            self._tell(f"{reason} ({more} times more)")
