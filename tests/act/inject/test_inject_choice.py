"""Which way keys are pressed: a table of sessions, and one clear line where there is none."""

import sys

import pytest

from handflow.act.connections import KeyboardConnection
from handflow.act.inject import choose, open_injector, problems, require
from handflow.act.inject.choice import Surroundings, uinput_access
from handflow.errors import ActionError, MissingExtraError

X = {"DISPLAY": ":0"}
X_SESSION = X | {"XDG_SESSION_TYPE": "x11"}
WAYLAND = {"WAYLAND_DISPLAY": "wayland-0", "XDG_SESSION_TYPE": "wayland"}
BOTH = WAYLAND | X
LIMITED = "reaches X windows only, not those of Wayland"
RULE = "`handflow doctor` shows the udev rule that allows it"

CHOICES = {
    # name: (by, system, environment, /dev/uinput, what is told)
    "x11": ("auto", "linux", X_SESSION, "writable", "x11 (XTest on :0)"),
    "x11 over ssh": (
        "auto", "linux", {"DISPLAY": "h:10", "XDG_SESSION_TYPE": "tty"}, "absent", "x11 (XTest on h:10)",
    ),
    "x11 beside a nested wayland": (
        "auto", "linux", X_SESSION | {"WAYLAND_DISPLAY": "wayland-1"}, "writable", "x11 (XTest on :0)",
    ),
    "bsd": ("auto", "freebsd14", X, "absent", "x11 (XTest on :0)"),
    "wayland": ("auto", "linux", BOTH, "writable", "uinput (a virtual US keyboard by /dev/uinput)"),
    "wayland without xwayland": (
        "auto", "linux", WAYLAND, "writable", "uinput (a virtual US keyboard by /dev/uinput)",
    ),
    "wayland, known by its socket alone": (
        "auto", "linux", {"WAYLAND_DISPLAY": "wayland-0", "DISPLAY": ":0"}, "writable",
        "uinput (a virtual US keyboard by /dev/uinput)",
    ),
    "wayland, not permitted": (
        "auto", "linux", BOTH, "forbidden",
        f"x11 (XTest on :0; {LIMITED}, as /dev/uinput may not be written: {RULE})",
    ),
    "wayland, x11 asked for": (
        "x11", "linux", BOTH, "writable", f"x11 (XTest on :0; {LIMITED})",
    ),
    "console": ("auto", "linux", {}, "writable", "uinput (a virtual US keyboard by /dev/uinput)"),
    "uinput asked for": ("uinput", "linux", X, "writable", "uinput (a virtual US keyboard by /dev/uinput)"),
    "macos": ("auto", "darwin", {}, "absent", "system (pynput on macOS)"),
    "macos with xquartz": ("auto", "darwin", X, "absent", "system (pynput on macOS)"),
    "windows": ("system", "win32", {}, "absent", "system (pynput on Windows)"),
}  # fmt: skip


@pytest.mark.parametrize("name", CHOICES)
def test_the_way_fits_the_session(name):
    by, system, environ, uinput, told = CHOICES[name]
    assert choose(KeyboardConnection(by=by), Surroundings(system, environ, uinput)).describe() == told


REFUSED = {
    "nothing": ("auto", "linux", {}, "forbidden", "DISPLAY is not set, and /dev/uinput may not be written"),
    "no module": ("auto", "linux", WAYLAND, "absent", "/dev/uinput does not exist: `handflow doctor`"),
    "x11 without display": ("x11", "linux", WAYLAND, "writable", "DISPLAY is not set"),
    "uinput forbidden": ("uinput", "linux", X, "forbidden", "by = 'uinput', but /dev/uinput may not"),
    "system on linux": ("system", "linux", X, "writable", "for macOS and Windows"),
    "x11 on macos": ("x11", "darwin", X, "absent", "is for Linux"),
    "uinput on windows": ("uinput", "win32", {}, "absent", "is for Linux"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_where_there_is_no_way_one_line_says_why(name):
    by, system, environ, uinput, told = REFUSED[name]
    with pytest.raises(ActionError, match=r"\[keyboard\]|no way to press keys") as error:
        choose(KeyboardConnection(by=by), Surroundings(system, environ, uinput))
    assert told in str(error.value) and "\n" not in str(error.value)


def test_access_to_a_device_is_looked_at(tmp_path):
    device = tmp_path / "uinput"
    assert uinput_access(device) == "absent"
    device.touch()
    assert uinput_access(device) == "writable"


@pytest.fixture
def x_session(monkeypatch):
    if sys.platform in ("darwin", "win32"):
        pytest.skip("Linux's ways")
    for name in ("WAYLAND_DISPLAY", "XDG_SESSION_TYPE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DISPLAY", ":5001")


@pytest.fixture
def without_packages(monkeypatch):
    for name in ("Xlib", "Xlib.display", "evdev", "pynput"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)


def test_a_missing_extra_is_told_with_its_command(x_session, without_packages):
    for attempt in (require, open_injector):
        with pytest.raises(MissingExtraError, match=r"pip install \"handflow\[control\]\""):
            attempt(KeyboardConnection())
    (told,) = problems(KeyboardConnection())
    assert "handflow[control]" in told


def test_what_may_come_later_does_not_stop_the_making(x_session, monkeypatch):
    monkeypatch.delenv("DISPLAY")
    require(KeyboardConnection(by="x11"))
    (told,) = problems(KeyboardConnection(by="x11"))
    assert "DISPLAY is not set" in told


def test_a_display_that_does_not_answer_is_told(x_session):
    with pytest.raises(ActionError, match="cannot reach the display :5001"):
        open_injector(KeyboardConnection())
