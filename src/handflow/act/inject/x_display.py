"""Connections to an X server through python-xlib."""

from typing import Any

from handflow.errors import ActionError, MissingExtraError


def open_display(name: str) -> Any:
    """An `Xlib.display.Display`, whose late errors are not printed.

    Raises:
        MissingExtraError: python-xlib is not installed.
        ActionError: there is no such display, or it does not let us in.
    """
    try:
        from Xlib import error, xauth
        from Xlib.display import Display
    except ImportError as why:
        raise MissingExtraError("keys and mouse", "control") from why
    # It prints warnings about an empty ~/.Xauthority to standard output, which belongs to events there.
    xauth.print = lambda *words: None
    try:
        display = Display(name)
    except (error.DisplayError, error.ConnectionClosedError, OSError, OverflowError) as why:
        told = getattr(why, "msg", "") or str(why)
        reason = (told.decode(errors="replace") if isinstance(told, bytes) else told).strip()
        raise ActionError(
            f"cannot reach the display {name} ({reason}): start handflow on the desktop itself"
        ) from why
    display.set_error_handler(lambda *ignored: None)  # e.g. a window that is gone: the next reply tells
    return display
