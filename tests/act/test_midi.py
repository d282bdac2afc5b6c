"""MIDI on an injected port, and through the system's sequencer where there is one."""

import contextlib
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from act_servers import EVENT, eventually
from pydantic import ValidationError

from handflow.act.actions.midi import MIDI, MidiPerformer, MidiSettings, note_number
from handflow.act.connections import Connections, MidiConnection
from handflow.act.midi_ports import port_name
from handflow.errors import ActionError
from needs import need

LONG = 60


class Port:
    """Notes what is sent; can be pulled out."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.plugged = True
        self.closed = False

    def send(self, msg: Any) -> None:
        if not self.plugged:
            raise OSError("no such device")
        self.messages.append(str(msg).removesuffix(" time=0"))

    def close(self) -> None:
        self.closed = True


class Ports:
    """Ports as mido would open them."""

    def __init__(self, *names: str) -> None:
        self.names = list(names)
        self.opened: list[tuple[str, bool]] = []
        self.ports: list[Port] = []

    def get_output_names(self) -> list[str]:
        return self.names

    def open_output(self, name: str, virtual: bool) -> Port:
        self.opened.append((name, virtual))
        self.ports.append(Port())
        return self.ports[-1]

    @property
    def messages(self) -> list[str]:
        return [message for port in self.ports for message in port.messages]


@contextlib.contextmanager
def playing(ports: Ports, **connection: Any) -> Iterator[MidiPerformer]:
    performer = MidiPerformer(MidiConnection(**connection), ports)
    try:
        yield performer
    finally:
        performer.close()


def settings(given: Any) -> MidiSettings:
    return MidiSettings.model_validate(given)


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({"control": 7, "value": 100}, "control_change channel=0 control=7 value=100"),
        ({"control": 0, "value": 0, "channel": 16}, "control_change channel=15 control=0 value=0"),
        ({"control": 7, "value": "{score}"}, "control_change channel=0 control=7 value=118"),
        ({"program": 0, "channel": 2}, "program_change channel=1 program=0"),
        ({"send": "start"}, "start"),
        ({"send": "stop"}, "stop"),
        ({"send": "continue"}, "continue"),
    ],
)
def test_messages_are_sent(given: Any, sent: str) -> None:
    ports = Ports("Synth")
    with playing(ports) as performer:
        performer.perform(settings(given), EVENT)
    assert ports.messages == [sent]
    assert ports.ports[0].closed


@pytest.mark.parametrize(
    ("given", "channel", "note", "velocity"),
    [
        ("C4", 0, 60, 100),
        (0, 0, 0, 100),
        ({"note": "F#3", "channel": 10, "velocity": 5}, 9, 54, 5),
        ({"note": "Bb2", "velocity": "{score}"}, 0, 46, 118),
        ({"note": 127, "velocity": 0}, 0, 127, 1),  # 0 would release it
    ],
)
def test_a_note_is_released_after_its_length(given: Any, channel: int, note: int, velocity: int) -> None:
    ports = Ports("Synth")
    given = given if isinstance(given, dict) else {"note": given}
    with playing(ports) as performer:
        performer.perform(settings({**given, "length": 0.01}), EVENT)
        eventually(lambda: len(ports.messages) == 2, "the release")
    assert ports.messages == [
        f"note_on channel={channel} note={note} velocity={velocity}",
        f"note_off channel={channel} note={note} velocity=64",
    ]


def test_notes_sound_together_and_are_released_at_the_end() -> None:
    ports = Ports("Synth")
    with playing(ports) as performer:
        for note in ("C4", "E4", "G4"):
            performer.perform(settings({"note": note, "length": LONG}), EVENT)
        assert [message.split()[0] for message in ports.messages] == ["note_on"] * 3
    assert [message.split()[0] for message in ports.messages[3:]] == ["note_off"] * 3
    assert {message.split()[2] for message in ports.messages[3:]} == {"note=60", "note=64", "note=67"}


def test_stop_releases_notes() -> None:
    ports = Ports("Synth")
    with playing(ports) as performer:
        performer.perform(settings({"note": 60, "length": LONG}), EVENT)
        performer.stop()
        assert ports.messages[1:] == ["note_off channel=0 note=60 velocity=64"]
    assert len(ports.messages) == 2, "it was released twice"


def test_a_note_that_still_sounds_is_struck_anew() -> None:
    """Its first release must not cut it short."""
    ports = Ports("Synth")
    before = threading.active_count()
    with playing(ports) as performer:
        performer.perform(settings({"note": 60, "length": 0.05}), EVENT)
        performer.perform(settings({"note": 60, "length": LONG}), EVENT)
        performer.perform(settings({"note": 61, "length": 0.1}), EVENT)
        eventually(
            lambda: any("note_off channel=0 note=61" in m for m in ports.messages), "the later release"
        )
        assert [m.split()[0] for m in ports.messages if "note=60" in m] == ["note_on", "note_off", "note_on"]
    eventually(lambda: threading.active_count() <= before, "the end of the timers")


def test_the_port_is_chosen_by_a_part_of_its_name() -> None:
    ports = Ports("Midi Through:Midi Through Port-0 14:0", "Digital Piano 20:0", "FLUID Synth (412) 128:0")
    names = {None: "Digital Piano 20:0", "fluid": "FLUID Synth (412) 128:0", "Through": ports.names[0]}
    for wanted, name in names.items():
        assert port_name(MidiConnection(port=wanted), ports) == name
    assert port_name(MidiConnection(), Ports(ports.names[0])) == ports.names[0]
    with pytest.raises(
        ActionError, match="no MIDI port is called Organ: there are Digital Piano 20:0, FLUID"
    ):
        port_name(MidiConnection(port="Organ"), ports)
    with pytest.raises(ActionError, match="there is no MIDI port: connect an instrument, or set virtual"):
        port_name(MidiConnection(), Ports())


def test_a_port_of_its_own_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    ports = Ports()
    with playing(ports, virtual=True) as performer:
        performer.start()
    with playing(ports, virtual=True, port="Gestures") as performer:
        performer.start()
    assert ports.opened == [("handflow", True), ("Gestures", True)]
    monkeypatch.setattr("sys.platform", "win32")
    with playing(ports, virtual=True) as performer, pytest.raises(ActionError, match="loopMIDI"):
        performer.start()


def test_an_instrument_may_come_later_and_go_and_come_again() -> None:
    ports = Ports()
    with playing(ports) as performer:
        with pytest.raises(ActionError, match="there is no MIDI port"):
            performer.start()
        ports.names = ["Synth"]
        performer.perform(settings({"note": 60, "length": LONG}), EVENT)
        ports.ports[0].plugged = False
        with pytest.raises(ActionError, match="MIDI cannot be sent: no such device"):
            performer.perform(settings({"program": 1}), EVENT)
        performer.perform(settings({"program": 2}), EVENT)
    assert ports.ports[0].closed
    assert ports.ports[1].messages[0] == "program_change channel=0 program=2"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "choose one of note, control, program, send"),
        ({"note": 60, "program": 1}, "choose one of"),
        ({"control": 7}, "needs a `value`"),
        ({"control": 7, "value": "{hand}"}, 'value\n.*0 to 127, or "{score}"'),
        ({"control": 128, "value": 1}, "control"),
        ({"control": 1, "value": 128}, "value"),
        ({"note": 60, "velocity": True}, "velocity"),
        ({"program": 1, "velocity": 5}, "`velocity` goes with `note`"),
        ({"note": 60, "value": 5}, "`value` goes with `control`"),
        ("H4", 'a name such as "C4"'),
        ("c4", 'a name such as "C4"'),
        ("Cb-1", "from 0"),
        ("G#9", "127"),
        (128, "127"),
        (True, "a note is"),
        ({"note": 60, "channel": 0}, "channel"),
        ({"note": 60, "length": 0}, "length"),
        ({"send": "play"}, "send"),
    ],
)
def test_wrong_settings_are_told(given: Any, told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        settings(given)


def test_notes_have_the_numbers_of_the_general_midi_standard() -> None:
    names = {
        "C-1": 0,
        "A0": 21,
        "Bb3": 58,
        "C4": 60,
        "C#4": 61,
        "Db4": 61,
        "B#3": 60,
        "A4": 69,
        "C8": 108,
        "G9": 127,
    }
    assert {name: note_number(name) for name in names} == names


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("C4", "MIDI note 60"),
        ({"control": 7, "value": "{score}"}, "MIDI control 7 = {score}"),
        ({"program": 3}, "MIDI program 3"),
        ({"send": "stop"}, "MIDI stop"),
    ],
)
def test_it_says_what_it_does(given: Any, says: str) -> None:
    assert settings(given).describe() == says


def test_a_computer_without_midi_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    import rtmidi

    class NoMidi(Ports):
        def get_output_names(self) -> list[str]:
            raise rtmidi.SystemError("error creating ALSA sequencer client object")

    monkeypatch.setattr("mido.Backend", lambda *_, **__: NoMidi())
    (problem,) = MIDI.problems(settings("C4"), Connections())
    assert problem == "MIDI cannot be used on this computer: error creating ALSA sequencer client object"
    performer = MIDI.perform_by(Connections())
    with pytest.raises(ActionError, match="MIDI cannot be sent: error creating ALSA"):
        performer.perform(settings("C4"), EVENT)
    performer.close()


@pytest.fixture
def jack(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The MIDI of a JACK server without sound hardware, as a mido backend."""
    jackd = shutil.which("jackd")
    need(jackd, "jackd is not installed: apt install jackd2", optional=True)
    import mido

    backend = mido.Backend("mido.backends.rtmidi", api="UNIX_JACK")
    name = f"handflow-{os.getpid()}"
    monkeypatch.setenv("JACK_DEFAULT_SERVER", name)
    monkeypatch.setenv("JACK_NO_START_SERVER", "1")

    def answers() -> bool:
        try:
            backend.get_output_names()
        except OSError:
            return False
        return True

    command = [str(jackd), "--name", name, "--no-realtime", "-d", "dummy"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            eventually(answers, "the start of jackd")
            yield backend
        finally:
            server.terminate()


@pytest.fixture
def alsa() -> Any:
    """The sequencer of the kernel, as a mido backend."""
    need(Path("/dev/snd/seq").exists(), "there is no ALSA sequencer: modprobe snd-seq", optional=True)
    import mido

    return mido.Backend("mido.backends.rtmidi")


@pytest.mark.parametrize("system", ["jack", "alsa"])
def test_a_real_instrument_hears_it(system: str, request: pytest.FixtureRequest) -> None:
    backend = request.getfixturevalue(system)
    heard: list[str] = []
    with backend.open_input("handflow test", virtual=True) as instrument:

        def hears(count: int) -> bool:
            texts = (str(message).removesuffix(" time=0") for message in instrument.iter_pending())
            heard.extend(text for text in texts if not text.startswith("program_change"))
            return len(heard) >= count

        with contextlib.closing(MidiPerformer(MidiConnection(port="handflow TEST"), backend)) as performer:

            def is_connected() -> bool:  # JACK connects ports a little later
                performer.perform(settings({"program": 1}), EVENT)
                return instrument.poll() is not None

            eventually(is_connected, "the connection")
            performer.perform(settings({"control": 7, "value": 5}), EVENT)
            performer.perform(settings({"note": "C4", "length": 0.05}), EVENT)
            performer.perform(settings({"note": "E4", "length": LONG}), EVENT)
            eventually(lambda: hears(4), "four messages")
        eventually(lambda: hears(5), "the release at the end")
    assert heard == [
        "control_change channel=0 control=7 value=5",
        "note_on channel=0 note=60 velocity=100",
        "note_on channel=0 note=64 velocity=100",
        "note_off channel=0 note=60 velocity=64",
        "note_off channel=0 note=64 velocity=64",
    ]
