"""What every command shares: options, the log, progress on stderr, JSON on stdout."""

import json
import logging
import re
import sys
from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.logging import RichHandler
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from handflow.hands.models import HandModel

console = Console()  # results, for people
progress_console = Console(stderr=True)  # progress and warnings


def _start_log(verbose: bool) -> bool:
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.WARNING,
        format="%(name)s: %(message)s",
        datefmt="%H:%M:%S",
        handlers=[RichHandler(console=progress_console, show_path=False)],
        force=True,
    )
    for noisy in (
        "matplotlib",
        "PIL",
        "libav",
        "asyncio",
        "torch",
        "onnxscript",
        "onnx_ir",
        "h5py",
        "fsspec",
    ):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    return verbose


Verbose = Annotated[
    bool,
    typer.Option("--verbose", "-v", help="Show the log.", callback=_start_log, rich_help_panel="General"),
]
Seed = Annotated[int, typer.Option("--seed", help="Seed of everything that chance decides.", min=0)]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print one JSON document on stdout; progress goes to stderr.")
]


class HandModelChoice(StrEnum):
    """The landmark models, as `handflow.hands` names them."""

    FULL = "full"
    LITE = "lite"

    @property
    def model(self) -> "HandModel":
        """The name for `HandLandmarkerConfig`."""
        return "lite" if self is HandModelChoice.LITE else "full"


HandModelOption = Annotated[
    HandModelChoice,
    typer.Option("--hand-model", help="Landmark model: lite takes about half of the time, less exact."),
]


def command_app() -> typer.Typer:
    """A Typer application for a module with one command."""
    return typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def picture_size(text: str, example: str = "640x480") -> tuple[int, int]:
    """(width, height) of a text such as 640x480.

    Raises:
        typer.BadParameter: it is no size.
    """
    match = re.fullmatch(r"([0-9]{1,5})[xX]([0-9]{1,5})", text.strip())
    if match is None:
        raise typer.BadParameter(f"'{text}' is no size: write it as {example}", param_hint="--size")
    return int(match[1]), int(match[2])


def print_json(document: Mapping[str, Any]) -> None:
    """Prints the one JSON document of a command on stdout."""
    json.dump(document, sys.stdout, indent=2, allow_nan=False)
    sys.stdout.write("\n")


def progress(*, disable: bool = False) -> Progress:
    """A progress bar on stderr: `with progress() as bar: bar.track(items, description=…)`."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=progress_console,
        disable=disable,
    )
