"""`handflow studio`: teach, test and bind gestures in a browser."""

import os
import sys
import threading
import webbrowser
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from handflow.cli.common import Verbose, command_app, console, progress_console
from handflow.extras import require_extra
from handflow.places import studio_dir
from handflow.processes import ended_in_order

app = command_app()

PORT = 8750


@app.command(epilog="Example: handflow studio")
def studio(
    folder: Annotated[
        Path | None,
        typer.Argument(help="Folder of the projects.", show_default="the user's folder for data"),
    ] = None,
    port: Annotated[int, typer.Option(help="Of 127.0.0.1; 0: any free one.", min=0, max=65535)] = PORT,
    source: Annotated[
        str | None,
        typer.Option(
            help="Camera number, video file, image folder or URL that the page may look through, besides the "
            "browser's own camera.",
        ),
    ] = None,
    open_browser: Annotated[
        bool, typer.Option("--open/--no-open", help="Open the page in the browser.")
    ] = True,
    allow_commands: Annotated[
        bool,
        typer.Option("--allow-commands", help="Let the page make actions that run programs."),
    ] = False,
    verbose: Verbose = False,
) -> None:
    """Teach gestures in a browser: record takes, train, try, and say what each gesture does.

    It serves a page on this computer alone, to whoever has the start link that it prints.
    """
    require_extra("the studio", "studio")
    from handflow.studio.server import StudioServer

    place = folder or studio_dir()
    with ended_in_order():
        server = StudioServer(place, port=port, camera=source, allow_commands=allow_commands)
        progress_console.print(f"projects lie in {place}", markup=False, highlight=False, soft_wrap=True)
        console.print(server.start_link, markup=False, highlight=False, soft_wrap=True)
        sys.stdout.flush()
        progress_console.print("Ctrl-C ends the studio; a training that runs goes on", highlight=False)
        if open_browser and _has_browser():
            threading.Thread(target=webbrowser.open, args=(server.new_start_link(),), daemon=True).start()
        with suppress(KeyboardInterrupt):  # the usual end
            server.run()


def _has_browser() -> bool:
    """Whether a browser would come up in a window: one in the terminal would get in the way."""
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
