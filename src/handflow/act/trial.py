"""Does now what a gesture is bound to, and waits until it is done: what `handflow bindings test` does."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass

from handflow.act.application import Applications
from handflow.act.bindings import Bindings
from handflow.act.dispatcher import Dispatcher
from handflow.act.outcome import Outcome
from handflow.act.switchboard import Choice, Switchboard
from handflow.types import GestureEvent

PATIENCE = 60.0
"""Seconds that tried actions may take."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of tried actions."""

    outcomes: tuple[Outcome, ...]
    unfinished: int  # actions that did not end in time

    @property
    def fine(self) -> bool:
        """Whether all were performed."""
        return not self.unfinished and all(outcome.outcome == "performed" for outcome in self.outcomes)


def choices_for(bindings: Bindings, event: GestureEvent, mode: str | None = None) -> tuple[Choice, ...]:
    """Bindings that an event could mean now, in a mode (None: the first), and whether it does."""
    applications = Applications()
    try:
        switchboard = Switchboard(bindings, applications.active)
        switchboard.mode = mode or switchboard.mode
        return switchboard.choose(event)
    finally:
        applications.close()


def perform(bindings: Bindings, due: Sequence[Choice]) -> Trial:
    """Performs choices and waits for all their actions, up to `PATIENCE`.

    Raises:
        MissingExtraError: packages of a kind of action are missing.
    """
    outcomes: list[Outcome] = []
    wanted = sum(len(choice.binding.do) for choice in due)
    arrived = threading.Condition()

    def became(outcome: Outcome) -> None:
        with arrived:
            outcomes.append(outcome)
            arrived.notify()

    dispatcher = Dispatcher(bindings, became)
    dispatcher.start()
    try:
        for choice in due:
            dispatcher.perform(choice)
        with arrived:
            arrived.wait_for(lambda: len(outcomes) >= wanted, PATIENCE)
    finally:
        dispatcher.close()
    done = tuple(outcomes)
    return Trial(done, max(0, wanted - len(done)))
