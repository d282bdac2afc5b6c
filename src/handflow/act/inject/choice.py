"""Which way keys are pressed here: chosen from what the session is, and told."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from handflow.act.connections import KeyboardConnection
from handflow.errors import ActionError

By = Literal["x11", "uinput", "system"]
Access = Literal["writable", "forbidden", "absent"]

UINPUT = Path("/dev/uinput")
ADVICE = "`handflow doctor` shows the udev rule that allows it"
_RULE = 'KERNEL=="uinput", SUBSYSTEM=="misc", TAG+="uaccess", OPTIONS+="static_node=uinput"'
PERMIT = (
    f"echo '{_RULE}' | sudo tee /etc/udev/rules.d/60-handflow-uinput.rules; sudo modprobe uinput; "
    f"sudo udevadm control --reload; sudo udevadm trigger /dev/uinput; then log in again"
)
"""Lets whoever sits at this computer make virtual keyboards. `uaccess` gives no right to read real ones, the
group `input` does (systemd's 73-seat-late.rules acts on it, hence a number below 73)."""

PACKAGES: dict[By, tuple[str, str]] = {  # the module that a way needs, and its package
    "x11": ("Xlib", "python-xlib"),
    "uinput": ("evdev", "evdev-binary"),
    "system": ("pynput", "pynput"),
}


def uinput_access(device: Path = UINPUT) -> Access:
    """Whether virtual keyboards can be made."""
    if not device.exists():
        return "absent"
    return "writable" if os.access(device, os.R_OK | os.W_OK) else "forbidden"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the choice depends on."""

    system: str = sys.platform
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    uinput: Access = field(default_factory=uinput_access)

    @property
    def display(self) -> str:
        """The X display; empty if there is none."""
        return self.environ.get("DISPLAY", "")

    @property
    def wayland(self) -> bool:
        """Whether the desktop is a Wayland one, on which an X display reaches some windows only."""
        kind = self.environ.get("XDG_SESSION_TYPE", "")
        return kind == "wayland" or (bool(self.environ.get("WAYLAND_DISPLAY")) and kind != "x11")


@dataclass(frozen=True, slots=True)
class Way:
    """A way to press keys."""

    by: By
    detail: str
    display: str = ""  # of x11
    limited: str = ""  # what it does not reach, and why no better one was chosen

    def describe(self) -> str:
        """For people: which way, by what, and what it does not reach."""
        return f"{self.by} ({self.detail}{'; ' + self.limited if self.limited else ''})"


def choose(connection: KeyboardConnection, here: Surroundings | None = None) -> Way:
    """The way that fits the session, or the one that the bindings file asks for.

    Raises:
        ActionError: keys cannot be pressed here, or not in the way asked for.

    Example:
        >>> choose(KeyboardConnection(), Surroundings("linux", {"DISPLAY": ":0"}, "absent")).describe()
        'x11 (XTest on :0)'
    """
    here = here or Surroundings()
    asked = connection.by
    if here.system in ("darwin", "win32"):
        if asked in ("auto", "system"):
            return Way("system", f"pynput on {'macOS' if here.system == 'darwin' else 'Windows'}")
        raise ActionError(f"[keyboard] by = {asked!r} is for Linux: leave it out, or write 'system'")
    if asked == "system":
        raise ActionError("[keyboard] by = 'system' is for macOS and Windows: leave it out, or write 'x11'")
    if asked == "x11":
        if not here.display:
            raise ActionError("[keyboard] by = 'x11', but DISPLAY is not set: start handflow on the desktop")
        return _x11(here)
    if asked == "uinput":
        if here.uinput != "writable":
            raise ActionError(f"[keyboard] by = 'uinput', but {_refused(here)}")
        return _uinput()
    if here.display and not here.wayland:
        return _x11(here)
    if here.uinput == "writable":
        return _uinput()
    if here.display:
        return _x11(here)
    raise ActionError(f"no way to press keys here: DISPLAY is not set, and {_refused(here)}")


def _x11(here: Surroundings) -> Way:
    limited = "reaches X windows only, not those of Wayland" if here.wayland else ""
    if limited and here.uinput != "writable":
        limited += f", as {_refused(here)}"
    return Way("x11", f"XTest on {here.display}", here.display, limited)


def _uinput() -> Way:
    return Way("uinput", f"a virtual US keyboard by {UINPUT}")


def _refused(here: Surroundings) -> str:
    why = "does not exist" if here.uinput == "absent" else "may not be written"
    return f"{UINPUT} {why}: {ADVICE}"
