"""A virtual keyboard: the very events that the kernel is given, and the real kernel where it lets us."""

import os
import time

import pytest

from handflow.act.connections import KeyboardConnection
from handflow.act.inject import InjectorLostError, chord, key_named, problems
from handflow.act.inject.choice import UINPUT, Surroundings, uinput_access
from handflow.act.inject.keynames import KEYS
from handflow.act.inject.uinput import FULL_SCALE, US_KEYBOARD, UinputInjector
from handflow.errors import ActionError
from needs import need

evdev = pytest.importorskip("evdev", reason="evdev is not installed: run `handflow doctor`")
ecodes = evdev.ecodes


class Device:
    """Takes events as /dev/uinput does, and refuses those that it was not made for."""

    made: list["Device"]

    def __init__(self, events, name):
        self.events, self.name, self.closed, self.gone = events, name, False, False
        self.can = {
            (kind, code[0] if isinstance(code, tuple) else code) for kind in events for code in events[kind]
        }
        self.written, self._now = [], []
        Device.made.append(self)

    def write(self, kind, code, value):
        if self.gone:
            raise OSError(19, "No such device")
        assert (kind, code) in self.can, "the kernel drops what the device does not announce"
        self._now.append((ecodes.bytype[kind][code], value))

    def syn(self):
        self.written.append(tuple(self._now))
        self._now = []

    def close(self):
        self.closed = True


@pytest.fixture
def injector():
    Device.made = []
    return UinputInjector(Device)


def keys(device):
    """Key events by the names that the kernel has for them, e.g. `+KEY_A`."""
    told = []
    for moment in device.written:
        ((name, value),) = moment
        told.append(("-", "+")[value] + (name if isinstance(name, str) else name[0]))
    return told


def test_a_chord(injector):
    with injector.held(chord("ctrl+alt+F2")):
        pass
    assert keys(Device.made[0]) == [
        "+KEY_LEFTCTRL", "+KEY_LEFTALT", "+KEY_F2", "-KEY_F2", "-KEY_LEFTALT", "-KEY_LEFTCTRL",
    ]  # fmt: skip


def test_a_character_with_shift_and_one_whose_shift_is_down(injector):
    with injector.held(chord("ctrl+plus")):
        pass
    assert keys(Device.made[0])[:3] == ["+KEY_LEFTCTRL", "+KEY_LEFTSHIFT", "+KEY_EQUAL"]
    Device.made[0].written.clear()
    with injector.held(chord("shift+?")):
        pass
    assert keys(Device.made[0]) == ["+KEY_LEFTSHIFT", "+KEY_SLASH", "-KEY_SLASH", "-KEY_LEFTSHIFT"]


@pytest.mark.parametrize("name", KEYS)
def test_every_named_key_is_announced_and_pressed(injector, name):
    with injector.held([key_named(name)]):
        pass
    assert len(Device.made[0].written) == 2


def test_text_of_a_us_keyboard(injector):
    injector.type_text("Hi?\n")
    assert keys(Device.made[0]) == [
        "+KEY_LEFTSHIFT", "+KEY_H", "-KEY_H", "-KEY_LEFTSHIFT", "+KEY_I", "-KEY_I",
        "+KEY_LEFTSHIFT", "+KEY_SLASH", "-KEY_SLASH", "-KEY_LEFTSHIFT", "+KEY_ENTER", "-KEY_ENTER",
    ]  # fmt: skip


def test_a_us_keyboard_has_all_of_ascii():
    assert {chr(n) for n in range(32, 127)} | {"\n", "\t"} == set(US_KEYBOARD)
    assert all(name in ecodes.ecodes for names in US_KEYBOARD.values() for name in names)
    assert len(set(US_KEYBOARD.values())) == len(US_KEYBOARD)


def test_text_beyond_it_is_told_before_anything_is_typed(injector):
    with pytest.raises(ActionError, match=r"character 4 of the text .* US keyboard") as error:
        injector.type_text("caféx")
    assert "é" not in str(error.value)
    with pytest.raises(ActionError, match="uinput has no key é"):
        injector.press(key_named("é"))
    assert Device.made[0].written == []


def test_what_a_us_keyboard_lacks_is_found_beforehand(monkeypatch):
    here = Surroundings("linux", {}, "writable")
    monkeypatch.setattr("handflow.act.inject.choice.Surroundings", lambda: here)
    assert list(problems(KeyboardConnection(), chord("ctrl+s"), "plain {gesture}")) == []
    (told,) = problems(KeyboardConnection(), chord("ctrl+ä"), "ä€")
    assert "not ä, €" in told


def test_the_mouse_moves_turns_and_clicks(injector):
    injector.move(12, -7)
    injector.scroll(-1, 2)
    injector.click("middle", 2)
    assert Device.made[0].written == [
        (("REL_X", 12), ("REL_Y", -7)),
        (("REL_HWHEEL", -1),),
        (("REL_WHEEL", -1),),
        (("REL_WHEEL", -1),),
        *[(("BTN_MIDDLE", 1),), (("BTN_MIDDLE", 0),)] * 2,
    ]


def test_a_place_is_gone_to_by_a_device_that_knows_places(injector):
    injector.move_to(0, 1)
    injector.move_to(0, 1)
    _, pointer = Device.made
    ends = [moment for moment in pointer.written if ("ABS_X", 0) in moment]
    assert ends == [(("ABS_X", 0), ("ABS_Y", FULL_SCALE))] * 2
    assert pointer.written[0] != pointer.written[1], "the kernel passes on what changes only"
    assert Device.made[0].written == []


def test_closing_lets_go_of_all_and_of_both_devices(injector):
    injector.move_to(0.5, 0.5)
    injector.press(key_named("a"))
    injector.button("left", True)
    injector.close()
    assert sorted(keys(Device.made[0])[2:]) == ["-BTN_LEFT", "-KEY_A"]
    assert all(device.closed for device in Device.made)


def test_a_device_that_is_gone_is_told(injector):
    Device.made[0].gone = True
    with pytest.raises(InjectorLostError, match="No such device"):
        injector.press(key_named("a"))
    injector.close()
    assert Device.made[0].closed


def test_a_device_that_cannot_be_made_is_one_clear_line(monkeypatch):
    def refuse(*arguments, **more):
        raise evdev.UInputError('"/dev/uinput" cannot be opened for writing')

    monkeypatch.setattr("evdev.UInput", refuse)
    with pytest.raises(ActionError, match=r"cannot be opened for writing\): see `handflow doctor`"):
        UinputInjector()


def test_the_real_kernel_takes_keys():
    need(uinput_access() == "writable", f"{UINPUT} cannot be written", optional=True)
    injector = UinputInjector()
    try:
        node = injector._device.device
        need(node is not None, "the new device cannot be read (/dev/input)", optional=True)
        os.set_blocking(node.fd, False)
        with injector.held(chord("shift+f13")):
            pass
        told, end = [], time.monotonic() + 10
        while len(told) < 4 and time.monotonic() < end:
            event = node.read_one()
            if event is None:
                time.sleep(0.01)
            elif event.type == ecodes.EV_KEY:
                told.append((event.code, event.value))
        shift, f13 = ecodes.KEY_LEFTSHIFT, ecodes.KEY_F13
        assert told == [(shift, 1), (f13, 1), (f13, 0), (shift, 0)]
    finally:
        injector.close()
