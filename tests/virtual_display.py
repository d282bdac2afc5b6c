"""A virtual X display, and a window on it that records what keyboard and mouse do to it."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from needs import need

WIDTH, HEIGHT = 1000, 800


@contextmanager
def virtual_display(*options: str) -> Iterator[str]:
    """An X server of its own on a free display; its name is in DISPLAY meanwhile, as of an X11 session."""
    need(sys.platform == "linux" and shutil.which("Xvfb"), "no Xvfb: apt install xvfb")
    need(find_spec("Xlib"), "no python-xlib: pip install handflow[control]")
    read, write = os.pipe()
    screen = ["-screen", "0", f"{WIDTH}x{HEIGHT}x24", "-nolisten", "tcp", "-noreset", *options]
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), *screen], pass_fds=[write], stderr=subprocess.DEVNULL
    )
    os.close(write)
    with os.fdopen(read) as pipe:
        name = f":{pipe.readline().strip()}"
    before = {key: os.environ.pop(key, None) for key in ("DISPLAY", "WAYLAND_DISPLAY", "XDG_SESSION_TYPE")}
    os.environ["DISPLAY"] = name
    try:
        yield name
    finally:
        del os.environ["DISPLAY"]
        os.environ.update({key: value for key, value in before.items() if value is not None})
        server.terminate()
        server.wait(10)


@dataclass(frozen=True, slots=True)
class Event:
    """What a window was told: `+a`, `-a` of keys by what they type, `+1`, `-1` of buttons, `move`."""

    what: str
    place: tuple[int, int]  # of the pointer, pixels
    state: int  # modifiers and buttons that were down before


class RecordingWindow:
    """A window over the whole screen that has the keyboard."""

    def __init__(self, display: str) -> None:
        from Xlib import XK, X
        from Xlib.display import Display

        for group in ("xf86", "xkb"):
            XK.load_keysym_group(group)
        self._names = {
            value: name.removeprefix("XK_")
            for name, value in sorted(vars(XK).items(), reverse=True)
            if name.startswith("XK_")
        }
        self._x = X
        self.display = Display(display)
        self.root = self.display.screen().root
        mask = (
            X.KeyPressMask | X.KeyReleaseMask | X.ButtonPressMask | X.ButtonReleaseMask | X.PointerMotionMask
        )
        self.window = self.root.create_window(
            0, 0, WIDTH, HEIGHT, 0, X.CopyFromParent, override_redirect=True,
            event_mask=mask | X.StructureNotifyMask,
        )  # fmt: skip
        self.window.map()
        self._wait(lambda: any(e.type == X.MapNotify for e in self._pending()))
        self.window.set_input_focus(X.RevertToParent, X.CurrentTime)
        self.display.sync()
        self.events: list[Event] = []

    def _pending(self) -> list[Any]:
        return [self.display.next_event() for _ in range(self.display.pending_events())]

    @staticmethod
    def _wait(condition: Callable[[], bool]) -> bool:
        end = time.monotonic() + 10
        while not (held := condition()) and time.monotonic() < end:
            time.sleep(0.005)
        return held

    def until(self, condition: Callable[["RecordingWindow"], bool]) -> "RecordingWindow":
        """Reads events until the condition holds, or for 10 seconds."""

        def read() -> bool:
            for event in self._pending():
                self._take(event)
            return condition(self)

        self._wait(read)
        return self

    def count(self, number: int) -> list[str]:
        """What happened, but moves, once it is that many things; a moment more, for one too many."""
        self.until(lambda w: len(w.happened) >= number)
        self.display.sync()
        self.until(lambda w: True)
        return self.happened

    @property
    def happened(self) -> list[str]:
        return [event.what for event in self.events if event.what != "move"]

    @property
    def text(self) -> str:
        """What the keys would have typed."""
        return "".join(e.what[1:] for e in self.events if e.what[0] == "+" and len(e.what) == 2)

    def clear(self) -> None:
        self.display.sync()
        self.until(lambda w: True)
        self.events.clear()

    def down(self) -> list[str]:
        """What is still down, keys and buttons."""
        pressed = self.display.query_keymap()
        codes = [code for code in range(256) if pressed[code // 8] >> code % 8 & 1]
        keys = [self._typed(code, 0) for code in codes]
        mask = self.root.query_pointer().mask
        return keys + [str(n) for n in range(1, 4) if mask >> (7 + n) & 1]

    def pointer(self) -> tuple[int, int]:
        told = self.root.query_pointer()
        return told.root_x, told.root_y

    def _take(self, event: Any) -> None:
        x = self._x
        if event.type == x.MappingNotify:
            self.display.refresh_keyboard_mapping(event)
            return
        if event.type not in (x.KeyPress, x.KeyRelease, x.ButtonPress, x.ButtonRelease, x.MotionNotify):
            return
        sign = "+" if event.type in (x.KeyPress, x.ButtonPress) else "-"
        if event.type == x.MotionNotify:
            what = "move"
        elif event.type in (x.ButtonPress, x.ButtonRelease):
            what = f"{sign}{event.detail}"
        else:
            what = sign + self._typed(event.detail, event.state)
        self.events.append(Event(what, (event.root_x, event.root_y), event.state))

    def _typed(self, code: int, state: int) -> str:
        group, level = state >> 13 & 3, state & self._x.ShiftMask
        columns = (2 * group + level, level, 0)
        keysym = next((k for c in columns if (k := self.display.keycode_to_keysym(code, c))), 0)
        if 0x01000000 <= keysym < 0x01110000:
            return chr(keysym - 0x01000000)
        if 0x20 <= keysym < 0x7F or 0xA0 <= keysym < 0x100:
            return chr(keysym)
        return self._names.get(keysym, hex(keysym))

    def close(self) -> None:
        self.window.destroy()
        self.display.close()


@contextmanager
def recording_window(display: str) -> Iterator[RecordingWindow]:
    """A window that records."""
    window = RecordingWindow(display)
    try:
        yield window
    finally:
        window.close()
