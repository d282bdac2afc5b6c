"""What a bindings file says: which gesture performs which actions, and when.

start_mode = "slides"

[[bindings]]
gesture = "swipe_left"
do = [{ keys = "Right" }]

[[bindings]]
gesture = "fist"
modes = ["slides"]
cooldown = 2
do = [{ keys = "b" }, { mqtt = { topic = "room/light", payload = "off" } }]
"""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Field,
    PlainSerializer,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)

from handflow.act.action import ActionKind, ActionSettings, Strict
from handflow.act.actions import ACTIONS
from handflow.act.actions.mode import ModeSettings
from handflow.act.connections import Connections
from handflow.types import BACKGROUND

FIRST_MODE = "normal"


@dataclass(frozen=True, slots=True)
class Action:
    """One action of a binding."""

    kind: str  # a name in ACTIONS
    settings: ActionSettings

    @property
    def of(self) -> ActionKind[Any]:
        """Its kind."""
        return ACTIONS[self.kind]

    def describe(self) -> str:
        """What it does."""
        return self.settings.describe()


def _action(given: Any, info: ValidationInfo) -> Action:
    """An action as written: a table with one key, its kind."""
    if isinstance(given, Action):
        return given
    known = ", ".join(ACTIONS)
    if not isinstance(given, dict) or len(given) != 1:
        raise ValueError(f'an action is a table with one key, e.g. {{ keys = "Right" }}; kinds: {known}')
    kind, settings = next(iter(given.items()))
    if kind not in ACTIONS:
        near = difflib.get_close_matches(str(kind), ACTIONS, 1)
        remedy = f"did you mean {near[0]}?" if near else f"choose from {known}"
        raise ValueError(f"no action is called {kind!r}: {remedy}")
    try:
        return Action(kind, ACTIONS[kind].settings.model_validate(settings, context=info.context))
    except ValidationError as error:
        raise ValueError("; ".join(_told(kind, details) for details in error.errors())) from error


def _told(kind: str, details: Any) -> str:
    """What is wrong with the settings of an action."""
    loc = [str(part) for part in details["loc"]]
    message = details["msg"].removeprefix("Value error, ")
    known = ACTIONS[kind].settings.model_fields
    if details["type"] == "extra_forbidden":
        names = [field.alias or name for name, field in known.items()]
        message = f"there is no such key; known are {', '.join(names)}"
    elif details["type"] == "missing":
        message = "it is missing"
    return f"{' '.join([kind, *loc])}: {message[:1].lower()}{message[1:]}"


def _written(action: Action) -> dict[str, Any]:
    """An action as a file would write it."""
    return {action.kind: action.settings.model_dump(mode="json", by_alias=True, exclude_unset=True)}


ActionField = Annotated[
    Action, BeforeValidator(_action), PlainSerializer(_written), WithJsonSchema({"type": "object"})
]


class Binding(Strict):
    """A gesture and what it does."""

    gesture: str = Field(min_length=1)
    do: tuple[ActionField, ...] = Field(min_length=1)
    hand: Literal["left", "right", "both", "any"] = "any"
    least_score: float = Field(0.0, ge=0, le=1)
    cooldown: float = Field(0.0, ge=0, le=3600)  # seconds in which it is not done again
    repeat: float | None = Field(None, ge=0.05, le=60)  # seconds between repetitions while the pose is held
    modes: tuple[str, ...] = ()  # in which it is active; none: in all
    application: str | None = None  # active while a window is in front whose title or class it matches (*, ?)
    enabled: bool = True

    @model_validator(mode="after")
    def _checked(self) -> "Binding":
        if self.gesture == BACKGROUND:
            raise ValueError(f"{BACKGROUND} is what hands do that mean nothing: it performs nothing")
        return self

    def when(self) -> str:
        """When it is active, in a few words; empty: always."""
        told = [] if self.enabled else ["not enabled"]
        told += [] if self.hand == "any" else [f"{self.hand} hand"]
        told += [f"mode {' or '.join(self.modes)}"] if self.modes else []
        told += [f"in {self.application}"] if self.application else []
        told += [f"score from {self.least_score:g}"] if self.least_score else []
        told += [f"once in {self.cooldown:g} s"] if self.cooldown else []
        told += [f"again every {self.repeat:g} s while held"] if self.repeat else []
        return ", ".join(told)

    def describe(self) -> str:
        """What it does, and when, in one line."""
        when, what = self.when(), ", then ".join(action.describe() for action in self.do)
        return f"{self.gesture}{f' ({when})' if when else ''}: {what}"

    def meets(self, other: "Binding") -> bool:
        """Whether one event could mean both."""
        return (
            self.gesture == other.gesture
            and self.enabled
            and other.enabled
            and ("any" in (self.hand, other.hand) or self.hand == other.hand)
            and (not self.modes or not other.modes or bool({*self.modes} & {*other.modes}))
            and self.application == other.application
        )


class Bindings(Connections):
    """A bindings file."""

    start_mode: str = FIRST_MODE
    on_exit: Literal["drop", "finish"] = "drop"  # what becomes of actions that still wait as the program ends
    max_delay: float = Field(3.0, gt=0, le=600)  # seconds; an action that waited longer is dropped
    bindings: tuple[Binding, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> "Bindings":
        for one, other in self.conflicts():
            raise ValueError(
                f"bindings {one + 1} and {other + 1} both say what {self.bindings[one].gesture} does: put "
                f"all actions into one `do`, or tell them apart by hand, modes or application"
            )
        return self

    def conflicts(self) -> Iterator[tuple[int, int]]:
        """Pairs of bindings that one event could mean."""
        for other, b in enumerate(self.bindings):
            yield from ((one, other) for one, a in enumerate(self.bindings[:other]) if a.meets(b))

    @property
    def modes(self) -> frozenset[str]:
        """All modes that are spoken of, by bindings or by actions that lead to them."""
        entered = {a.settings.to for b in self.bindings for a in b.do if isinstance(a.settings, ModeSettings)}
        return frozenset({self.start_mode}.union(entered, *(b.modes for b in self.bindings)))

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of action that enabled bindings use, in the order of ACTIONS."""
        used = {action.kind for b in self.bindings if b.enabled for action in b.do}
        return tuple(kind for kind in ACTIONS if kind in used)
