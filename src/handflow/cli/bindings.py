"""`handflow bindings`: starts, checks, lists and tries bindings files."""

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.table import Table

from handflow.act.starters import STARTERS, starter
from handflow.cli.common import AsJson, Verbose, command_app, console, print_json, progress_console
from handflow.errors import BindingsError
from handflow.types import GestureEvent

if TYPE_CHECKING:
    from handflow.act.bindings import Bindings
    from handflow.act.switchboard import Choice

DEFAULT = Path("bindings.toml")

app = command_app()
app.info.no_args_is_help = True

FileArgument = Annotated[Path, typer.Argument(help="The bindings file.")]
ModelOption = Annotated[
    Path | None, typer.Option(help="A trained model: are its gestures the ones that are bound?")
]


@app.callback(epilog="Example: handflow bindings new slides --out slides.toml")
def _group() -> None:
    """Say which gesture does what: start a bindings file, check, list and try it."""


@app.command(epilog="Example: handflow bindings new slides --out slides.toml")
def new(
    kind: Annotated[str, typer.Argument(help=" · ".join(f"{k}: {v}" for k, v in STARTERS.items()))],
    out: Annotated[Path | None, typer.Option(help="Where to write it.", show_default="bindings.toml")] = None,
) -> None:
    """Write a commented bindings file to begin with."""
    if kind not in STARTERS:
        raise typer.BadParameter(f"{kind!r} is none of {', '.join(STARTERS)}", param_hint="KIND")
    path = out or DEFAULT
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(starter(kind))
    except FileExistsError as error:
        raise BindingsError(f"{path} is there already: name another file with --out") from error
    console.print(f"{path}: change it as you like, then: handflow bindings check {path}", soft_wrap=True)


@app.command(epilog="Example: handflow bindings check slides.toml --model models/2026-…")
def check(
    file: FileArgument = DEFAULT,
    model: ModelOption = None,
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Say what is wrong with a bindings file, and what cannot work on this machine; exit 1 if anything is."""
    from handflow.act.bindings_file import read_bindings
    from handflow.act.checking import machine_problems, mode_problems, model_problems, unbound

    bindings = read_bindings(file)
    problems, notes = [*mode_problems(bindings), *machine_problems(bindings)], []
    if model is not None:
        from handflow.recognize import read_model_info

        info = read_model_info(model)
        problems += model_problems(bindings, info.labels, info.held)
        notes = [f"nothing is bound to {gesture}" for gesture in unbound(bindings, info.labels)]
    count = len(bindings.bindings)
    if as_json:
        print_json({"file": str(file), "bindings": count, "problems": problems, "notes": notes})
    else:
        for note in notes:
            console.print(note, style="dim", markup=False, highlight=False, soft_wrap=True)
        for problem in problems:
            console.print(problem, style="yellow", markup=False, highlight=False, soft_wrap=True)
        verdict = f"{len(problems)} problem{'s' * (len(problems) != 1)}" if problems else "all fine"
        console.print(f"{count} binding{'s' * (count != 1)} checked: {verdict}", highlight=False)
    if problems:
        raise typer.Exit(1)


@app.command("list", epilog="Example: handflow bindings list slides.toml")
def list_bindings(file: FileArgument = DEFAULT, as_json: AsJson = False) -> None:
    """List what each gesture does."""
    from handflow.act.bindings_file import read_bindings

    bindings = read_bindings(file)
    if as_json:
        print_json(json.loads(bindings.model_dump_json()))
        return
    table = Table("gesture", "when", "does")
    for binding in bindings.bindings:
        does = ", then ".join(action.describe() for action in binding.do)
        table.add_row(binding.gesture, binding.when() or "always", does)
    console.print(table)


@app.command(epilog="Example: handflow bindings test swipe_left --bindings slides.toml --after 3")
def test(
    gesture: Annotated[str, typer.Argument(help="The gesture that would have been seen.")],
    bindings: Annotated[Path, typer.Option(help="The bindings file.")] = DEFAULT,
    hand: Annotated[Literal["left", "right", "both"], typer.Option(help="Whose it is.")] = "right",
    mode: Annotated[str | None, typer.Option(help="In this mode.", show_default="the first")] = None,
    after: Annotated[
        float, typer.Option(help="Seconds to wait: time to bring a window to the front.", min=0, max=3600)
    ] = 0.0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen; do nothing.")] = False,
    verbose: Verbose = False,
) -> None:
    """Do now what a gesture is bound to, and say how it went; exit 1 where anything failed."""
    from handflow.act.bindings_file import read_bindings
    from handflow.act.trial import choices_for

    told = read_bindings(bindings)
    known = sorted({b.gesture for b in told.bindings})
    if gesture not in known:
        raise typer.BadParameter(
            f"{bindings} binds no gesture {gesture!r}: {', '.join(known) or 'it binds none'}",
            param_hint="GESTURE",
        )
    if mode is not None and mode not in told.modes:
        raise typer.BadParameter(f"{mode!r} is none of {', '.join(sorted(told.modes))}", param_hint="--mode")
    if after:
        progress_console.print(f"in {after:g} s …", highlight=False)
        time.sleep(after)
    event = GestureEvent(gesture, 1.0, hand, -1, 0.0, 0.5, 0.5, 0)
    choices = choices_for(told, event, mode)
    for choice in choices:
        if not choice.due:
            _say(f"not done: {choice.binding.describe()}: {choice.refused}", "yellow")
        elif dry_run:
            _say(f"would do: {choice.binding.describe()}")
    due = [choice for choice in choices if choice.due]
    if not choices:
        _say(f"nothing is bound to {gesture} of the {hand} hand", "yellow")
    if not due or not (dry_run or _perform(told, due)):
        raise typer.Exit(1)


@app.command(epilog="Example: handflow bindings schema > bindings.schema.json")
def schema() -> None:
    """Print the JSON schema of bindings files; an editor completes by it (`#:schema FILE` as first line)."""
    from handflow.act.schema import bindings_schema

    print_json(bindings_schema())


def _perform(bindings: "Bindings", due: "list[Choice]") -> bool:
    """Performs choices and says what became of each action; whether all went well."""
    from handflow.act.trial import perform

    trial = perform(bindings, due)
    for outcome in trial.outcomes:
        why = f": {outcome.why}" if outcome.why else f" in {1000 * outcome.seconds:.0f} ms"
        _say(
            f"{outcome.outcome}: {outcome.action}{why}", None if outcome.outcome == "performed" else "yellow"
        )
    if trial.unfinished:
        total = len(trial.outcomes) + trial.unfinished
        _say(f"{trial.unfinished} of {total} actions did not end", "yellow")
    return trial.fine


def _say(text: str, style: str | None = None) -> None:
    console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)
    sys.stdout.flush()
