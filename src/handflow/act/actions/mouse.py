"""`mouse`: clicks, moves, scrolls or drags, if need be while keys are held."""

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar

from pydantic import Field, model_validator

from handflow.act.action import ActionKind, ActionSettings, Performer
from handflow.act.inject import Button, Injector, Key, chord, problems
from handflow.act.inject.performer import InjectingPerformer
from handflow.types import GestureEvent

DRAG_STEPS, DRAG_PAUSE = 10, 0.01
"""A drag goes in steps, with seconds between them: programs take one leap of the mouse for a click."""

Pixels = Annotated[int, Field(ge=-10_000, le=10_000)]
Share = Annotated[float, Field(ge=0, le=1)]
Steps = Annotated[int, Field(ge=-100, le=100)]

_WHAT = ("click", "move", "move_to", "scroll", "drag")


class MouseSettings(ActionSettings):
    """One of `click`, `move`, `move_to`, `scroll` and `drag`; right and down are positive in all of them."""

    SHORT: ClassVar[str | None] = "click"

    click: Button | None = None
    count: int = Field(default=1, ge=1, le=3)  # clicks in a row: 2 is a double click
    move: tuple[Pixels, Pixels] | None = None  # from where the mouse is
    move_to: tuple[Share, Share] | None = None  # [0.5, 0.5] is the middle of the screen
    scroll: tuple[Steps, Steps] | None = None
    drag: tuple[Pixels, Pixels] | None = None  # moves with a button held
    button: Button = "left"  # that drags
    holding: str | None = None  # a chord that is down meanwhile: "ctrl" turns scrolling into zooming

    @model_validator(mode="after")
    def _checked(self) -> "MouseSettings":
        given = [name for name in _WHAT if getattr(self, name) is not None]
        if len(given) != 1:
            told = " and ".join(given) or "nothing"
            raise ValueError(f"mouse needs one of {', '.join(_WHAT)}, but has {told}")
        for name, belongs in (("count", "click"), ("button", "drag")):
            if name in self.model_fields_set and belongs not in given:
                raise ValueError(f"`{name}` goes with `{belongs}`, not with `{given[0]}`")
        _ = self.keys  # an unknown key ends here
        return self

    @property
    def keys(self) -> tuple[Key, ...]:
        """The keys that are held meanwhile."""
        return () if self.holding is None else chord(self.holding)

    def describe(self) -> str:
        """What it does."""
        held = "" if self.holding is None else f", holding {self.holding}"
        return self._does() + held

    def _does(self) -> str:
        if self.click:
            return f"click {self.click}{('', ' twice', ' three times')[self.count - 1]}"
        if self.move:
            return f"move the mouse by {self.move[0]}, {self.move[1]} pixels"
        if self.move_to:
            return f"move the mouse to {self.move_to[0]:.0%}, {self.move_to[1]:.0%} of the screen"
        if self.scroll:
            return f"scroll by {self.scroll[0]}, {self.scroll[1]} steps"
        assert self.drag is not None
        return f"drag {self.button} by {self.drag[0]}, {self.drag[1]} pixels"


class _Mouse(InjectingPerformer[MouseSettings]):
    def inject(self, injector: Injector, settings: MouseSettings, event: GestureEvent) -> None:
        with injector.held(settings.keys):
            if settings.click:
                injector.click(settings.click, settings.count)
            elif settings.move:
                injector.move(*settings.move)
            elif settings.move_to:
                injector.move_to(*settings.move_to)
            elif settings.scroll:
                injector.scroll(*settings.scroll)
            elif settings.drag:
                with injector.button_held(settings.button):
                    for dx, dy in _steps(*settings.drag):
                        self.wait(DRAG_PAUSE)
                        injector.move(dx, dy)
                    self.wait(DRAG_PAUSE)


def _steps(dx: int, dy: int) -> Iterator[tuple[int, int]]:
    """Parts of a way that add up to it.

    >>> [*_steps(13, -2)][:3], sum(x for x, _ in _steps(13, -2))
    ([(1, 0), (2, 0), (1, -1)], 13)
    """
    at = (0, 0)
    for step in range(1, DRAG_STEPS + 1):
        to = round(dx * step / DRAG_STEPS), round(dy * step / DRAG_STEPS)
        yield to[0] - at[0], to[1] - at[1]
        at = to


def _performer(connections: Any) -> Performer[MouseSettings]:
    return _Mouse(connections.keyboard)


def _problems(settings: MouseSettings, connections: Any) -> Iterator[str]:
    yield from problems(connections.keyboard, settings.keys)


MOUSE = ActionKind(MouseSettings, _performer, "control", _problems)
