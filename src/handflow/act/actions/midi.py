"""`midi`: sends a MIDI message to an instrument or a music program."""

import contextlib
import re
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from handflow.act.action import ActionKind, ActionSettings, Performer
from handflow.act.connections import MidiConnection
from handflow.act.midi_ports import MidiBackend, MidiPort, port_name, system_backend
from handflow.errors import ActionError, MissingExtraError
from handflow.types import GestureEvent

if TYPE_CHECKING:
    from mido import Message

_NOTE = re.compile(r"([A-G])([#b]?)(-1|[0-9])")
_STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}  # semitones above C
_MEANS = ("note", "control", "program", "send")
_GO_WITH = {"velocity": "note", "length": "note", "value": "control"}


def note_number(given: int | str) -> int:
    """The number of a note, 0 to 127, that is given as one or by its name; C4 is middle C, 60.

    >>> note_number("C4"), note_number("F#3"), note_number("Bb-1")
    (60, 54, 10)

    Raises:
        ValueError: there is no such note.
    """
    if isinstance(given, int) and not isinstance(given, bool):
        number = given
    else:
        match = _NOTE.fullmatch(str(given))
        if match is None:
            raise ValueError('a note is a number from 0 to 127 or a name such as "C4", "F#3" or "Bb2"')
        number = 12 * (int(match[3]) + 1) + _STEPS[match[1]] + {"": 0, "#": 1, "b": -1}[match[2]]
    if not 0 <= number <= 127:
        raise ValueError("notes go from 0 (C-1) to 127 (G9)")
    return number


def _is_level(given: Any) -> Any:
    number = isinstance(given, int) and not isinstance(given, bool) and 0 <= given <= 127
    if not number and given != "{score}":
        raise ValueError('choose a number from 0 to 127, or "{score}", which is 127 at score 1')
    return given


Note = Annotated[int, BeforeValidator(note_number), WithJsonSchema({"type": ["integer", "string"]})]
Level = Annotated[int | Literal["{score}"], BeforeValidator(_is_level)]


class MidiSettings(ActionSettings):
    """The message: one of note, control, program and send."""

    SHORT: ClassVar[str | None] = "note"

    note: Note | None = None
    velocity: Level = 100  # of the note
    length: float = Field(default=0.25, gt=0, le=60)  # seconds until the note is released
    control: int | None = Field(default=None, ge=0, le=127)
    value: Level | None = None  # of the control
    program: int | None = Field(default=None, ge=0, le=127)
    send: Literal["start", "stop", "continue"] | None = None  # to a sequencer
    channel: int = Field(default=1, ge=1, le=16)

    @model_validator(mode="after")
    def _one_meaning(self) -> "MidiSettings":
        given = [name for name in _MEANS if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"choose one of {', '.join(_MEANS)}")
        for name, owner in _GO_WITH.items():
            if name in self.model_fields_set and owner not in given:
                raise ValueError(f"`{name}` goes with `{owner}`")
        if self.control is not None and self.value is None:
            raise ValueError('`control` needs a `value`: 0 to 127 or "{score}"')
        return self

    def describe(self) -> str:
        """What it does."""
        if self.note is not None:
            return f"MIDI note {self.note}"
        if self.control is not None:
            return f"MIDI control {self.control} = {self.value}"
        return f"MIDI program {self.program}" if self.program is not None else f"MIDI {self.send}"


class MidiPerformer(Performer[MidiSettings]):
    """Sends messages, and releases each note after its length or at the end.

    Args:
        connection: which port.
        backend: where ports come from; none: those of the system, through python-rtmidi.
    """

    def __init__(self, connection: MidiConnection, backend: MidiBackend | None = None) -> None:
        self._failures: tuple[type[Exception], ...] = (OSError,)
        if backend is None:
            backend, self._failures = system_backend()
        self._connection, self._backend = connection, backend
        self._port: MidiPort | None = None
        self._lock = threading.RLock()  # timers release notes
        self._sounding: dict[tuple[int, int], threading.Timer] = {}  # by channel and note

    def start(self) -> None:
        """Opens the port."""
        with self._lock:
            if self._port is not None:
                return
            try:
                name = port_name(self._connection, self._backend)
                self._port = self._backend.open_output(name, virtual=self._connection.virtual)
            except self._failures as error:
                raise ActionError(f"MIDI cannot be sent: {error}") from error

    def perform(self, settings: MidiSettings, event: GestureEvent) -> None:
        """Sends a message; returns while the note sounds."""
        from mido import Message

        self.start()
        channel = settings.channel - 1
        if settings.note is not None:
            self._strike(channel, settings.note, max(1, _level(settings.velocity, event)), settings.length)
        elif settings.control is not None and settings.value is not None:
            value = _level(settings.value, event)
            self._send(Message("control_change", channel=channel, control=settings.control, value=value))
        elif settings.program is not None:
            self._send(Message("program_change", channel=channel, program=settings.program))
        else:
            self._send(Message(settings.send))

    def stop(self) -> None:
        """Releases all notes."""
        with self._lock:
            for channel, note in list(self._sounding):
                self._release(channel, note)

    def close(self) -> None:
        """Releases all notes and closes the port."""
        self.stop()
        with self._lock:
            port, self._port = self._port, None
            if port is not None:
                port.close()

    def _strike(self, channel: int, note: int, velocity: int, length: float) -> None:
        from mido import Message

        with self._lock:
            self._release(channel, note)  # if it still sounds, it is struck anew
            self._send(Message("note_on", channel=channel, note=note, velocity=velocity))
            timer = threading.Timer(length, lambda: self._expire(channel, note, timer))
            timer.daemon = True
            self._sounding[channel, note] = timer
            timer.start()

    def _expire(self, channel: int, note: int, timer: threading.Timer) -> None:
        with self._lock:
            if self._sounding.get((channel, note)) is timer:
                self._release(channel, note)

    def _release(self, channel: int, note: int) -> None:
        from mido import Message

        timer = self._sounding.pop((channel, note), None)
        if timer is not None:
            timer.cancel()
            with contextlib.suppress(ActionError):  # the port is gone, and the sound with it
                self._send(Message("note_off", channel=channel, note=note))

    def _send(self, message: "Message") -> None:
        with self._lock:
            if self._port is None:
                raise ActionError("the MIDI port is gone")
            try:
                self._port.send(message)
            except self._failures as error:
                with contextlib.suppress(*self._failures):
                    self._port.close()
                self._port = None  # opened again by the next action
                raise ActionError(f"MIDI cannot be sent: {error}") from error


def _level(level: int | str, event: GestureEvent) -> int:
    return level if isinstance(level, int) else round(127 * event.score)


def _performer(connections: Any) -> Performer[MidiSettings]:
    return MidiPerformer(connections.midi)


def _problems(settings: MidiSettings, connections: Any) -> Iterator[str]:
    try:
        backend, failures = system_backend()
    except (MissingExtraError, ActionError) as error:
        yield str(error)
        return
    try:
        port_name(connections.midi, backend)
    except ActionError as error:
        yield str(error)
    except failures as error:
        yield f"MIDI cannot be used on this computer: {error}"


MIDI = ActionKind(MidiSettings, _performer, extra="music", problems=_problems)
