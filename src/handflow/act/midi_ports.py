"""The MIDI ports of this computer."""

import sys
from importlib.util import find_spec
from typing import Any, Protocol

from handflow.act.connections import MidiConnection
from handflow.errors import ActionError, MissingExtraError


class MidiPort(Protocol):
    """An open port, as mido's."""

    def send(self, msg: Any) -> None:
        """Sends a mido.Message."""

    def close(self) -> None:
        """Closes it."""


class MidiBackend(Protocol):
    """Where ports come from, as mido.Backend."""

    def get_output_names(self) -> list[str]:
        """Names of the ports there are."""

    def open_output(self, name: str, virtual: bool) -> MidiPort:
        """Opens one of them, or a new one that others can connect to."""


def system_backend() -> tuple[MidiBackend, tuple[type[Exception], ...]]:
    """The ports of this computer, and the exceptions that they raise.

    Raises:
        MissingExtraError: mido or python-rtmidi is not installed.
        ActionError: python-rtmidi does not load.
    """
    if find_spec("mido") is None or find_spec("rtmidi") is None:
        raise MissingExtraError("MIDI", "music")
    import mido

    try:
        import rtmidi
    except ImportError as error:  # its wheels for Linux need a library of the system
        raise ActionError(f"MIDI cannot be used: {error}: on Debian, apt install libasound2") from error

    return mido.Backend("mido.backends.rtmidi", use_environ=False), (OSError, rtmidi.RtMidiError)


def port_name(connection: MidiConnection, backend: MidiBackend) -> str:
    """The name of the port to open.

    Raises:
        ActionError: there is no such port.
        OSError: this computer has no MIDI (other exceptions: see `system_backend`).
    """
    if connection.virtual:
        if sys.platform == "win32":
            raise ActionError(
                "Windows has no virtual MIDI ports: install loopMIDI and name its port under [midi]"
            )
        return connection.port or "handflow"
    # Linux's Midi Through leads nowhere by itself, so it comes last
    names = sorted(backend.get_output_names(), key=lambda name: "Midi Through" in name)
    wanted = (connection.port or "").casefold()
    for name in names:
        if wanted in name.casefold():
            return name
    if names:
        raise ActionError(f"no MIDI port is called {connection.port}: there are {', '.join(names)}")
    raise ActionError("there is no MIDI port: connect an instrument, or set virtual = true under [midi]")
