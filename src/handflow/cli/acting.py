"""What comes of events in `handflow run`: arming, bound actions, the event log, subscribers."""

import dataclasses
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from handflow.cli.common import progress_console
from handflow.types import BACKGROUND

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from handflow.live.acting import Acting
    from handflow.live.arming import ArmedState, Arming
    from handflow.live.pipeline import LiveResult


def make_arming(
    arm: str | None,
    armed_at_start: bool | None,
    labels: "Sequence[str]",
    *,
    key: str | None = None,
    disarm_after: float | None = None,
    disarm_unseen: float | None = None,
) -> "Arming | None":
    """What arms and disarms; None: every event counts.

    Raises:
        typer.BadParameter: no such gesture, or options that go with --arm or --arm-key stand alone.
    """
    from handflow.live.arming import HAND_UP, Arming, ArmingConfig

    if arm is None and key is None:
        alone = ["--armed-at-start" if armed_at_start else "--disarmed-at-start"] * (
            armed_at_start is not None
        )
        for name, seconds in (("--disarm-after", disarm_after), ("--disarm-unseen", disarm_unseen)):
            alone += [f"{name} {seconds:g}"] if seconds is not None else []
        if alone:
            raise typer.BadParameter(
                f"{alone[0]} needs --arm or --arm-key: name a gesture, {HAND_UP} or a key"
            )
        return None
    gestures = [label for label in labels if label != BACKGROUND]
    if arm is not None and arm != HAND_UP and arm not in gestures:
        raise typer.BadParameter(
            f"--arm {arm} is no gesture of this model: choose {HAND_UP} or one of {', '.join(gestures)}"
        )
    try:
        return Arming(ArmingConfig(arm, bool(armed_at_start), disarm_after, disarm_unseen))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def make_acting(
    stack: ExitStack,
    bindings: Path | None,
    labels: "Sequence[str]",
    held: "Sequence[str]",
    *,
    dry_run: bool = False,
    serve: bool = False,
    port: int | None = None,
    origins: "Sequence[str] | None" = None,
    log: bool | None = None,
) -> "Acting | None":
    """What comes of events, closed by the stack; None where nothing does.

    Raises:
        typer.BadParameter: options that go with others stand alone.
        HandflowError: the bindings cannot be used here.
    """
    if dry_run and bindings is None:
        raise typer.BadParameter("--dry-run needs --bindings: name a bindings file")
    for name, given in (("--port", port), ("--origin", origins or None)):
        if given is not None and not serve:
            raise typer.BadParameter(f"{name} needs --serve")
    if bindings is None and not serve and not log:
        return None
    from handflow.act.checking import machine_problems, mode_problems, model_problems
    from handflow.act.event_log import EventLog, log_path
    from handflow.act.serve import PORT, Subscribers
    from handflow.live.acting import Acting

    subscribers = Subscribers(PORT if port is None else port, origins or ()) if serve else None
    kept = None if log is False else EventLog(log_path(), tell=_say)
    acting = Acting(bindings, dry_run=dry_run, log=kept, subscribers=subscribers, tell=_say)
    stack.enter_context(acting)
    if subscribers is not None:
        _say(f"events for other programs: {subscribers.url}")
    if acting.actor is not None:
        told = acting.actor.bindings
        for problem in (*mode_problems(told), *machine_problems(told), *model_problems(told, labels, held)):
            _say(problem)
        if how := acting.actor.injector():
            _say(f"keys and mouse by {how}")
    return acting


def that_count(
    results: "Iterable[LiveResult]", arming: "Arming | None", acting: "Acting | None"
) -> "Iterator[tuple[LiveResult, ArmedState | None]]":
    """Results with the events that count, and whether it is armed; says so where that changes."""
    if arming is None:
        yield from ((result, None) for result in results)
        return
    _say("armed" if arming.armed else "disarmed")
    for result in results:
        state = arming.update(result.chosen, result.events, result.frame.timestamp)
        if state.changed:
            _say(f"{result.frame.timestamp:.1f} s: {'armed' if state.armed else 'disarmed'}")
            if acting is not None:
                acting.armed(state.armed, result.frame.timestamp)
        yield dataclasses.replace(result, events=state.events), state


def _say(line: str) -> None:
    progress_console.print(line, markup=False, highlight=False, soft_wrap=True)
