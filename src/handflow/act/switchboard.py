"""Decides which bindings an event means now, by mode, hand, score, cool-down and the window in front.

Times are seconds of the source, so it does the same at every frame rate.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from handflow.act.actions.mode import ModeSettings
from handflow.act.application import Application, matches
from handflow.act.bindings import Binding, Bindings
from handflow.types import GestureEvent, Scores

STILL_HELD = 0.4
"""A pose is held as long as its gesture scores above this …"""
SLIP = 0.3
"""… shorter drops, seconds, do not end it."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A binding that an event could mean, and whether it does."""

    binding: Binding
    event: GestureEvent
    refused: str = ""  # why it is not performed; empty: it is

    @property
    def due(self) -> bool:
        """Whether it is to be performed."""
        return not self.refused


@dataclass(slots=True)
class _Held:
    """A pose that may still be held."""

    event: GestureEvent
    next: float  # seconds, when it is performed again
    seen: float  # seconds, when it was last seen to be held


class Switchboard:
    """Chooses bindings: `choose()` with every event, `repeated()` with the scores of every frame.

    Args:
        bindings: what the file says.
        application: asks which window is in front; called only where a binding wants to know.
    """

    def __init__(self, bindings: Bindings, application: Callable[[], Application | None]) -> None:
        self._application = application
        self._done: dict[int, float] = {}  # seconds, when the binding of this number was last performed
        self._held: dict[int, _Held] = {}
        self.bindings = bindings
        self.mode = bindings.start_mode

    def reset(self) -> None:
        """As at the start: another source follows."""
        self._done.clear()
        self._held.clear()
        self.mode = self.bindings.start_mode

    def change(self, bindings: Bindings) -> None:
        """Goes on with other bindings, in the mode it is in if they know it."""
        self.bindings = bindings
        self._done.clear()
        self._held.clear()
        if self.mode not in bindings.modes:
            self.mode = bindings.start_mode

    def choose(self, event: GestureEvent) -> tuple[Choice, ...]:
        """Bindings of the event's gesture and hand: the ones that are due, and why the others are not."""
        mode, choices = self.mode, []
        for number, binding in enumerate(self.bindings.bindings):
            if binding.gesture != event.gesture or binding.hand not in ("any", event.hand):
                continue
            choice = Choice(binding, event, self._refusal(number, event, mode))
            choices.append(choice)
            if not choice.due:
                continue
            self._done[number] = event.time
            if binding.repeat is not None:
                self._held[number] = _Held(event, event.time + binding.repeat, event.time)
            for action in binding.do:
                if isinstance(action.settings, ModeSettings):
                    self._switch(action.settings.to)
        return tuple(choices)

    def repeated(self, each: Sequence[Scores]) -> tuple[Choice, ...]:
        """Bindings that are due again because their pose is still held.

        Args:
            each: scores of each hand after a frame.
        """
        return tuple(self._repeated(each)) if self._held and each else ()

    def _repeated(self, each: Sequence[Scores]) -> Iterator[Choice]:
        now, frame = each[0].timestamp, each[0].frame
        for number, held in list(self._held.items()):
            binding = self.bindings.bindings[number]
            if _score(each, held.event) >= STILL_HELD:
                held.seen = now
            elif now - held.seen > SLIP:
                del self._held[number]
                continue
            if now < held.next or held.seen < now:
                continue
            assert binding.repeat is not None
            held.next += binding.repeat
            if held.next <= now:  # frames came late: no burst to catch up
                held.next = now + binding.repeat
            event = replace(held.event, time=now, frame=frame)
            if self._where(binding, self.mode):
                del self._held[number]
                continue
            yield Choice(binding, event)

    def _refusal(self, number: int, event: GestureEvent, mode: str) -> str:
        binding = self.bindings.bindings[number]
        if not binding.enabled:
            return "it is not enabled"
        if event.score < binding.least_score:
            return f"its score {event.score:.2f} is below {binding.least_score:g}"
        left = self._done.get(number, -math.inf) + binding.cooldown - event.time
        if binding.cooldown and left > 0:
            return f"it cools down for another {left:.1f} s"
        return self._where(binding, mode)

    def _where(self, binding: Binding, mode: str) -> str:
        if binding.modes and mode not in binding.modes:
            return f"the mode is {mode}, not {' or '.join(binding.modes)}"
        if binding.application is None:
            return ""
        front = self._application()
        if front is None:
            return f"it is not known which window is in front, only in {binding.application}"
        return "" if matches(binding.application, front) else f"{front.title or 'another window'} is in front"

    def _switch(self, mode: str) -> None:
        self.mode = self.bindings.start_mode if mode == self.mode else mode


def _score(each: Sequence[Scores], event: GestureEvent) -> float:
    """How surely the event's gesture is still shown, by the hand that showed it or its successor."""
    of_hand = [s for s in each if s.hand == event.hand] or list(each)
    return max(
        (float(s.probabilities[s.labels.index(event.gesture)]) for s in of_hand if event.gesture in s.labels),
        default=0.0,
    )
