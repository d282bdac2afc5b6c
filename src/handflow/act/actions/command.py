"""`command`: runs a program, by a list of arguments that no shell reads."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field, field_validator, model_validator

from handflow.act.action import ActionKind, ActionSettings, LocalPath, Performer
from handflow.act.placeholders import filled, from_environment, has_fields, hidden, unset_problems
from handflow.act.programs import Program, Programs, find_program
from handflow.types import GestureEvent, event_document


class CommandSettings(ActionSettings):
    """Which program, and how it is run.

    The program also finds the event in its environment: HANDFLOW_GESTURE, HANDFLOW_SCORE, HANDFLOW_HAND,
    HANDFLOW_TRACK, HANDFLOW_ONSET, HANDFLOW_OFFSET (empty: not known yet), HANDFLOW_TIME, HANDFLOW_FRAME.
    """

    SHORT: ClassVar[str | None] = "run"

    run: tuple[str, ...] = Field(min_length=1)  # the program and its arguments
    env: dict[str, str] = Field(default_factory=dict)  # added to the environment; the place for secrets
    cwd: LocalPath | None = None  # the folder it runs in; none: the one handflow was started in
    timeout: float = Field(10.0, gt=0, le=3600)  # seconds; then it and all it has started are ended
    wait: bool = True
    """False: the next action does not wait, what it prints is not logged, and it stays when handflow ends."""

    @field_validator("run", mode="before")
    @classmethod
    def _is_a_list(cls, given: Any) -> Any:
        if isinstance(given, str):
            raise ValueError('give a list of arguments (no shell reads it): ["notify-send", "{gesture}"]')
        return given

    @model_validator(mode="after")
    def _makes_sense(self) -> "CommandSettings":
        if not self.run[0].strip():
            raise ValueError("the first argument is the program: it is empty")
        if not self.wait and "timeout" in self.model_fields_set:
            raise ValueError("timeout has no meaning with wait = false: leave one of them out")
        return self

    def describe(self) -> str:
        """What it does."""
        return f"run {' '.join(self.run)}"


class _Commands(Performer[CommandSettings]):
    def __init__(self) -> None:
        self._programs = Programs()

    def perform(self, settings: CommandSettings, event: GestureEvent) -> None:
        """Runs the program, to its end if asked."""
        program = Program(
            arguments=[_text(argument) for argument in filled(settings.run, event)],
            environment={**_offered(event), **{k: _text(v) for k, v in filled(settings.env, event).items()}},
            folder=None if settings.cwd is None else _text(filled(settings.cwd, event)),
            hide=lambda text: hidden(text, [settings.run, settings.env]),
        )
        if settings.wait:
            self._programs.run(program, settings.timeout)
        else:
            self._programs.leave_running(program)

    def stop(self) -> None:
        """Ends the program that is waited for."""
        self._programs.stop()

    def close(self) -> None:
        """Leaves programs in the background as they are."""


def _text(value: Any) -> str:
    """A filled placeholder as an argument: one that is not known is empty."""
    return "" if value is None else str(value)


def _offered(event: GestureEvent) -> dict[str, str]:
    """The event as variables of the environment."""
    return {f"HANDFLOW_{name.upper()}": _text(value) for name, value in event_document(event).items()}


def _performer(connections: Any) -> Performer[CommandSettings]:
    return _Commands()


def _problems(settings: CommandSettings, connections: Any) -> Iterator[str]:
    unset = [*unset_problems([settings.run, settings.env, settings.cwd])]
    yield from unset
    if unset or has_fields([settings.run[0], settings.cwd]):
        return  # what it will be is not known yet
    folder = from_environment(settings.cwd)
    if folder is not None and not Path(folder).expanduser().is_dir():
        yield f"the folder {settings.cwd} does not exist: make it, or correct cwd"
    elif find_program(from_environment(settings.run[0]) or "", folder, settings.env.get("PATH")) is None:
        yield f"no program {settings.run[0]} was found: install it, or give its whole path"


COMMAND = ActionKind(CommandSettings, _performer, problems=_problems)
