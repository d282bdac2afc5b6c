"""What became of an action: a line of the event log, and of what subscribers get."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from handflow.types import GestureEvent

if TYPE_CHECKING:
    from handflow.act.bindings import Action

Kind = Literal["performed", "failed", "dropped", "refused", "dry run"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one action of one event."""

    event: GestureEvent
    action: str  # what it does, as `describe` says
    outcome: Kind
    why: str = ""  # where it was not performed
    seconds: float = 0.0  # that performing took

    @staticmethod
    def of(
        event: GestureEvent, action: "Action", outcome: Kind, why: str = "", seconds: float = 0.0
    ) -> "Outcome":
        """The outcome of an action of a binding."""
        return Outcome(event, action.describe(), outcome, why, seconds)

    def document(self) -> dict[str, Any]:
        """As a JSON object."""
        return {
            "type": "action",
            "gesture": self.event.gesture,
            "hand": self.event.hand,
            "time": round(self.event.time, 4),
            "action": self.action,
            "outcome": self.outcome,
            "why": self.why,
            "ms": round(1000 * self.seconds, 1),
        }
