"""Which window is in front: of a real X server, and of macOS and Windows by stand-ins."""

import ctypes
import os
import sys
from types import SimpleNamespace

import pytest

from handflow.act.application import Application, Applications, matches
from virtual_display import virtual_display

IMPRESS = Application("talk.odp - LibreOffice Impress", ("libreoffice", "libreoffice-impress"))

PATTERNS = {
    "*Impress*": True,
    "*impress": True,
    "libreoffice-impress": True,
    "LibreOffice": True,
    "talk.od? - *": True,
    "impress": False,
    "*firefox*": False,
    "": False,
}


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_fits_the_title_or_a_name(pattern):
    assert matches(pattern, IMPRESS) is PATTERNS[pattern]


def test_where_the_system_does_not_tell_no_pattern_fits():
    assert not matches("*", None)
    assert matches("*", Application("", ()))


class Desktop:
    """What a window manager does: tells which window is in front."""

    def __init__(self, name):
        from Xlib import X
        from Xlib.display import Display

        self.x, self.display = X, Display(name)
        self.root = self.display.screen().root
        self.active = self.display.intern_atom("_NET_ACTIVE_WINDOW")

    def window(self, title="", names=None, old_title=None):
        window = self.root.create_window(0, 0, 50, 50, 0, self.x.CopyFromParent)
        if title:
            kind = self.display.intern_atom("UTF8_STRING")
            window.change_property(self.display.intern_atom("_NET_WM_NAME"), kind, 8, title.encode())
        if old_title:
            window.set_wm_name(old_title)
        if names:
            window.set_wm_class(*names)
        return window

    def front(self, window):
        from Xlib import Xatom

        self.root.change_property(self.active, Xatom.WINDOW, 32, [window.id if window else 0])
        self.display.sync()

    def close(self):
        self.root.delete_property(self.active)
        self.display.sync()
        self.display.close()


@pytest.fixture(scope="module")
def display():
    with virtual_display() as name:
        yield name


@pytest.fixture
def desktop(display):
    desktop = Desktop(display)
    yield desktop
    desktop.close()


@pytest.fixture
def applications(display):
    applications = Applications("linux")
    yield applications
    applications.close()


def test_the_window_in_front_is_told(desktop, applications):
    desktop.front(desktop.window("Präsentation – Impress", ("impress", "LibreOffice")))
    assert applications.active() == Application("Präsentation – Impress", ("impress", "LibreOffice"))


def test_it_is_asked_anew_each_time(desktop, applications):
    one, other = desktop.window("one"), desktop.window("other", ("o", "Other"))
    for window, title in ((one, "one"), (other, "other"), (one, "one")):
        desktop.front(window)
        assert applications.active().title == title


def test_an_old_title_and_no_class_are_enough(desktop, applications):
    desktop.front(desktop.window(old_title="xterm"))
    assert applications.active() == Application("xterm", ())
    desktop.front(desktop.window())
    assert applications.active() == Application("", ())


def test_no_window_in_front_is_none(desktop, applications):
    assert applications.active() is None, "no window manager"
    desktop.front(None)
    assert applications.active() is None, "the desktop itself"


def test_a_window_that_vanished_is_none(desktop, applications):
    window = desktop.window("gone")
    desktop.front(window)
    window.destroy()
    desktop.display.sync()
    assert applications.active() is None
    desktop.front(desktop.window("next"))
    assert applications.active().title == "next"


def test_a_server_that_ends_is_none_and_a_new_one_is_found(desktop, display):
    applications = Applications("linux")
    with virtual_display():
        assert applications.active() is None
    assert applications.active() is None, "the server is gone"
    desktop.front(desktop.window("back"))
    assert os.environ["DISPLAY"] == display
    assert applications.active().title == "back"
    applications.close()


def test_without_a_display_or_packages_it_is_none(monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    applications = Applications("linux")
    assert applications.active() is None
    monkeypatch.setenv("DISPLAY", ":5001")
    assert applications.active() is None
    monkeypatch.setitem(sys.modules, "Xlib", None)
    assert applications.active() is None
    monkeypatch.setitem(sys.modules, "Quartz", None)
    assert Applications("darwin").active() is None
    applications.close()


def test_macos_tells_the_first_window_that_is_no_menu(monkeypatch):
    shown = [
        {"kCGWindowLayer": 25, "kCGWindowOwnerName": "Control Centre"},
        {"kCGWindowLayer": 0, "kCGWindowOwnerName": "Keynote", "kCGWindowName": "Talk"},
        {"kCGWindowLayer": 0, "kCGWindowOwnerName": "Safari"},
    ]
    quartz = SimpleNamespace(
        kCGWindowListOptionOnScreenOnly=1,
        kCGNullWindowID=0,
        CGWindowListCopyWindowInfo=lambda option, window: shown,
    )
    monkeypatch.setitem(sys.modules, "Quartz", quartz)
    applications = Applications("darwin")
    assert applications.active() == Application("Talk", ("Keynote",))
    del shown[1]["kCGWindowName"]  # without the permission to record the screen
    assert applications.active() == Application("", ("Keynote",))
    shown.clear()
    assert applications.active() is None
    applications.close()


class Function:
    """One of a library's functions, on which types can be set."""

    def __init__(self, does):
        self._does = does

    def __call__(self, *arguments):
        return self._does(*arguments)


def windows(title, kind, path, front=7):
    """Stand-ins for the libraries of Windows, with the signatures of its documentation."""

    def fill(text):
        def fills(handle, buffer, size):
            assert isinstance(handle, ctypes.c_void_p) and handle.value == front
            buffer.value = text[: size - 1]
            return len(text)

        return fills

    def name_of_process(handle, flags, buffer, size):
        assert size._obj.value == len(buffer)
        buffer.value = path
        return 1

    def process_of(window, number):
        number._obj.value = 42
        return 1

    user = {
        "GetForegroundWindow": lambda: front,
        "GetWindowTextW": fill(title),
        "GetClassNameW": fill(kind),
        "GetWindowThreadProcessId": process_of,
    }
    kernel = {
        "OpenProcess": lambda access, inherit, number: 5 if path and number.value == 42 else None,
        "QueryFullProcessImageNameW": name_of_process,
        "CloseHandle": lambda handle: 1,
    }
    libraries = {"user32": user, "kernel32": kernel}
    return lambda name: SimpleNamespace(**{key: Function(does) for key, does in libraries[name].items()})


def test_windows_tells_title_class_and_program(monkeypatch):
    program = "C:\\Program Files\\Office\\POWERPNT.EXE"
    library = windows("Talk - PowerPoint", "PPTFrameClass", program)
    monkeypatch.setattr(ctypes, "WinDLL", library, raising=False)
    applications = Applications("win32")
    assert applications.active() == Application("Talk - PowerPoint", ("PPTFrameClass", "POWERPNT.EXE"))


def test_windows_without_a_window_or_permission(monkeypatch):
    monkeypatch.setattr(ctypes, "WinDLL", windows("Admin", "Console", ""), raising=False)
    assert Applications("win32").active() == Application("Admin", ("Console",))
    monkeypatch.setattr(ctypes, "WinDLL", windows("", "", "", front=None), raising=False)
    assert Applications("win32").active() is None
