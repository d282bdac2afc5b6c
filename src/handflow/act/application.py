"""Which application is in front: its window's title and the names it goes by, where the system tells.

X11 tells of X windows (also beside Wayland, of those that are X windows), macOS and Windows of all; where
nothing tells, and whenever a window vanishes while it is asked, the answer is None.
"""

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Protocol

from handflow.errors import ActionError, MissingExtraError


@dataclass(frozen=True, slots=True)
class Application:
    """What is in front."""

    title: str  # of its window; may be empty
    names: tuple[str, ...]  # class of the window, program: what the system knows


def matches(pattern: str, application: Application | None) -> bool:
    """Whether the pattern fits the title or a name; `*` stands for anything, `?` for one character.

    Example:
        >>> matches("*impress*", Application("talk.odp - LibreOffice Impress", ("libreoffice",)))
        True
    """
    if application is None:
        return False
    fits = pattern.casefold()
    return any(fnmatchcase(text.casefold(), fits) for text in (application.title, *application.names))


class Applications:
    """Asks for the application in front; keeps its connection. Used by one thread at a time."""

    def __init__(self, system: str = sys.platform) -> None:
        """Connects to nothing yet.

        Args:
            system: as `sys.platform`.
        """
        self._source: _Source | None = None
        others: dict[str, Callable[[], _Source]] = {"win32": _Windows, "darwin": _MacOs}
        self._make = others.get(system, _X11)

    def active(self) -> Application | None:
        """The application in front; None where the system does not tell. Raises nothing."""
        try:
            self._source = self._source or self._make()
        except (ActionError, MissingExtraError, ImportError):
            return None
        try:
            return self._source.active()
        except _LostError:
            self.close()  # looked for again when it is asked next
            return None

    def close(self) -> None:
        """Lets go of the connection."""
        if self._source is not None:
            self._source.close()
        self._source = None


class _LostError(Exception):
    """What told is gone."""


class _Source(Protocol):
    def active(self) -> Application | None: ...

    def close(self) -> None: ...


class _X11:
    """By the properties that window managers keep (Extended Window Manager Hints, _NET_ACTIVE_WINDOW)."""

    def __init__(self) -> None:
        from handflow.act.inject.x_display import open_display

        self._display = open_display(os.environ.get("DISPLAY", ""))

    def active(self) -> Application | None:
        from Xlib import X, error

        try:
            while self._display.pending_events():
                self._display.next_event()  # that come unasked, e.g. of a new keyboard layout
            root = self._display.screen().root
            window = self._value(root, "_NET_ACTIVE_WINDOW", X.AnyPropertyType)
            if not window or not window[0]:
                return None
            front = self._display.create_resource_object("window", window[0])
            title = self._value(front, "_NET_WM_NAME", X.AnyPropertyType) or front.get_wm_name() or ""
            return Application(_text(title), tuple(_text(name) for name in front.get_wm_class() or ()))
        except error.XError:
            return None  # the window vanished
        except (error.ConnectionClosedError, OSError) as why:
            raise _LostError from why

    def _value(self, window: Any, name: str, kind: int) -> Any:
        found = window.get_full_property(self._display.get_atom(name), kind)
        return found.value if found else None

    def close(self) -> None:
        from Xlib import error

        with suppress(error.ConnectionClosedError, OSError):  # the server may be gone
            self._display.close()


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes | bytearray) else str(value)


class _Windows:
    """By the window in the foreground, its class and its program's file."""

    def __init__(self) -> None:
        import ctypes

        # Not `ctypes.windll`, whose functions, with the types set below, other packages share.
        self._user: Any = ctypes.WinDLL("user32")  # type: ignore[attr-defined]
        self._kernel: Any = ctypes.WinDLL("kernel32")  # type: ignore[attr-defined]
        self._user.GetForegroundWindow.restype = ctypes.c_void_p
        self._kernel.OpenProcess.restype = ctypes.c_void_p

    def active(self) -> Application | None:
        import ctypes

        window = ctypes.c_void_p(self._user.GetForegroundWindow())
        if not window:
            return None
        title, kind = ctypes.create_unicode_buffer(1024), ctypes.create_unicode_buffer(256)
        self._user.GetWindowTextW(window, title, len(title))
        self._user.GetClassNameW(window, kind, len(kind))
        names = (kind.value, self._program(window))
        return Application(title.value, tuple(filter(None, names)))

    def _program(self, window: Any) -> str:
        """The file name of a window's program, e.g. POWERPNT.EXE; empty where it is not told."""
        import ctypes

        process = ctypes.c_uint32()
        self._user.GetWindowThreadProcessId(window, ctypes.byref(process))
        handle = ctypes.c_void_p(
            self._kernel.OpenProcess(0x1000, False, process)
        )  # QUERY_LIMITED_INFORMATION
        if not handle:
            return ""
        path, size = ctypes.create_unicode_buffer(1024), ctypes.c_uint32(1024)
        told = self._kernel.QueryFullProcessImageNameW(handle, 0, path, ctypes.byref(size))
        self._kernel.CloseHandle(handle)
        return path.value.rpartition("\\")[2] if told else ""

    def close(self) -> None:
        """Holds nothing."""


class _MacOs:
    """By the list of windows on the screen, the frontmost first.

    NSWorkspace.frontmostApplication would answer with what was in front at the start: it learns of changes
    from a run loop, and this program has none. Titles need the permission to record the screen.
    """

    def __init__(self) -> None:
        import Quartz  # type: ignore[import-not-found]

        self._quartz: Any = Quartz

    def active(self) -> Application | None:
        on_screen = self._quartz.kCGWindowListOptionOnScreenOnly
        listed = self._quartz.CGWindowListCopyWindowInfo(on_screen, self._quartz.kCGNullWindowID) or ()
        for window in listed:
            if window.get("kCGWindowLayer") == 0:  # not the menu bar, the dock or an overlay
                owner = str(window.get("kCGWindowOwnerName") or "")
                return Application(str(window.get("kCGWindowName") or ""), tuple(filter(None, (owner,))))
        return None

    def close(self) -> None:
        """Holds nothing."""
