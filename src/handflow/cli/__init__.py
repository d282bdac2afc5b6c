"""The command line: one dict of command names, each loaded only when it is called."""

import errno
import importlib
import io
import os
import signal
import sys
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from handflow import __version__
from handflow.errors import HandflowError

COMMANDS: dict[str, tuple[str, str]] = {
    # name: (module that holds `app`, a typer.Typer with one command; one line of help)
    "demo": ("handflow.cli.demo", "Show the whole way on synthetic hands: no camera needed."),
    "doctor": ("handflow.cli.doctor", "Say what works on this machine and what is missing."),
    "view": ("handflow.cli.view", "See a source with the hands drawn; R records a take."),
    "record": ("handflow.cli.record", "Record takes of a gesture into a dataset."),
    "import": (
        "handflow.cli.importing",
        "Bring article folders, videos or landmark archives into a dataset.",
    ),
    "extract": ("handflow.cli.extract", "Find the hands in clips that lack landmarks."),
    "check": ("handflow.cli.check", "Name damaged, duplicate and doubtful clips; repair with --fix."),
    "review": ("handflow.cli.review", "Look at all clips on one page; delete or relabel them."),
    "train": ("handflow.cli.train", "Make a model of a dataset: few-shot in a second, or a trained network."),
    "evaluate": ("handflow.cli.evaluate", "Measure a model, or a kind of model, on clips or streams."),
    "calibrate": (
        "handflow.cli.calibrate",
        "Set a model's thresholds by background that it must not fire on.",
    ),
    "run": ("handflow.cli.run", "Recognize gestures live from a camera, file or URL."),
    "bindings": ("handflow.cli.bindings", "Say which gesture does what: start, check, list and try it."),
    "studio": ("handflow.cli.studio", "Teach, test and bind gestures in a browser."),
    "pretrain": ("handflow.cli.pretrain", "Train the encoders of few-shot models anew; nobody needs to."),
    "export": ("handflow.cli.export", "Pack a trained model for use without handflow."),
    "synth": ("handflow.cli.synth", "Write synthetic clips, streams or videos with exact truth."),
    "bench": ("handflow.cli.bench", "Measure speed and accuracy on this machine."),
}


class LazyGroup(TyperGroup):
    """A group that imports a command's module only when that command runs."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        # Only its line in the list is asked for here; resolve_command loads the real one.
        return TyperCommand(cmd_name, help=COMMANDS[cmd_name][1]) if cmd_name in COMMANDS else None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, command, rest = super().resolve_command(ctx, args)
        if name in COMMANDS:
            command = typer.main.get_command(importlib.import_module(COMMANDS[name][0]).app)
            command.name = name
        return name, command, rest


app = typer.Typer(
    cls=LazyGroup,
    help="Teach a computer your own hand gestures and run them live.",
    epilog="Example: handflow demo",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"handflow {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(
        False, "--version", help="Print the version and end.", callback=_print_version, is_eager=True
    ),
) -> None:
    pass


def _let_any_character_pass() -> None:
    """A sign such as ✓ becomes ? where output goes to a file of an encoding without it, as on Windows."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and not stream.encoding.lower().startswith("utf"):
            stream.reconfigure(errors="replace")


def _survive_foreign_signals() -> None:
    """USR1, by which a shortcut of the desktop arms `handflow run`, ends none of the other commands."""
    if hasattr(signal, "SIGUSR1"):
        signal.signal(signal.SIGUSR1, lambda *_: None)  # programs that are started would inherit SIG_IGN


def main() -> None:
    """Runs handflow: exit 0 done, 1 the user can mend it, 2 wrong usage, 130 interrupted."""
    _let_any_character_pass()
    _survive_foreign_signals()
    try:
        app()
    except HandflowError as error:
        print(f"handflow: {error}", file=sys.stderr)
        sys.exit(1)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            print("handflow: the disk is full: free some space and run the command again", file=sys.stderr)
        elif error.errno == errno.EPIPE:  # the reader of our output has gone, as in `handflow … | head`
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        elif error.filename is not None:
            print(f"handflow: {error.strerror}: {error.filename}", file=sys.stderr)
        else:
            raise
        sys.exit(1)
    except KeyboardInterrupt:
        print("handflow: interrupted", file=sys.stderr)
        sys.exit(130)
