"""`say`: speaks a text with the voice that the system has."""

import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

from pydantic import Field

from handflow.act.action import ActionKind, ActionSettings, Performer
from handflow.act.placeholders import filled, hidden, unset_problems
from handflow.act.programs import Program, Programs
from handflow.errors import ActionError
from handflow.types import GestureEvent

LONGEST = 60.0
"""Seconds that a text may take; then it is cut off."""

_WINDOWS = (
    "Add-Type -AssemblyName System.Speech; "
    "$v = New-Object System.Speech.Synthesis.SpeechSynthesizer; "
    "if ($env:HANDFLOW_VOICE) { $v.SelectVoice($env:HANDFLOW_VOICE) }; "
    "$v.Speak($env:HANDFLOW_TEXT)"
)


class SaySettings(ActionSettings):
    """What is said."""

    SHORT: ClassVar[str | None] = "text"

    text: str = Field(min_length=1, max_length=1000)
    voice: str | None = Field(None, min_length=1)  # as the system's program calls it; none: the usual one

    def describe(self) -> str:
        """What it does."""
        return f'say "{self.text}"'


@dataclass(frozen=True, slots=True)
class Speaker:
    """A program that speaks, and how it takes a text so that it is neither an option nor code."""

    program: str
    arguments: tuple[str, ...]
    voice: str  # option for the voice, which its name follows at once; empty: by the environment
    takes: Literal["argument", "stdin", "environment"]

    def program_for(self, text: str, voice: str | None) -> Program:
        """The program that says a text."""
        chosen = (f"{self.voice}{voice}",) if voice and self.voice else ()
        last = ("--", text) if self.takes == "argument" else ()
        by_environment = {"HANDFLOW_TEXT": text, "HANDFLOW_VOICE": voice or ""}
        return Program(
            arguments=(self.program, *chosen, *self.arguments, *last),
            environment=by_environment if self.takes == "environment" else {},
            stdin=text if self.takes == "stdin" else "",
        )


SPEAKERS: dict[str, tuple[Speaker, ...]] = {
    "linux": (
        Speaker("spd-say", ("--wait",), "--synthesis-voice=", "argument"),
        Speaker("espeak-ng", ("--stdin",), "-v", "stdin"),
        Speaker("espeak", ("--stdin",), "-v", "stdin"),
    ),
    "darwin": (Speaker("say", ("-f", "-"), "--voice=", "stdin"),),
    "win32": (
        Speaker("powershell", ("-NoProfile", "-NonInteractive", "-Command", _WINDOWS), "", "environment"),
    ),
}
"""What may speak on a system, the best first."""


def find_speaker(
    which: Callable[[str], str | None] = shutil.which, system: str = sys.platform
) -> Speaker | None:
    """The first program that speaks here."""
    return next((s for s in SPEAKERS.get(system, SPEAKERS["linux"]) if which(s.program)), None)


class _Voice(Performer[SaySettings]):
    def __init__(self) -> None:
        self._programs = Programs()

    def perform(self, settings: SaySettings, event: GestureEvent) -> None:
        """Says the text to its end."""
        speaker = find_speaker()
        if speaker is None:
            raise ActionError(_none_found())
        program = speaker.program_for(str(filled(settings.text, event)), settings.voice)
        self._programs.run(replace(program, hide=lambda line: hidden(line, settings.text)), LONGEST)

    def stop(self) -> None:
        """Ends the speech."""
        self._programs.stop()


def _none_found() -> str:
    names = " nor ".join(s.program for s in SPEAKERS.get(sys.platform, SPEAKERS["linux"]))
    remedy = ": apt install espeak-ng, or what installs it here" if sys.platform == "linux" else ""
    return f"nothing here speaks, neither {names}{remedy}"


def _performer(connections: Any) -> Performer[SaySettings]:
    return _Voice()


def _problems(settings: SaySettings, connections: Any) -> Iterator[str]:
    yield from unset_problems(settings.text)
    if find_speaker() is None:
        yield _none_found()


SAY = ActionKind(SaySettings, _performer, problems=_problems, queue=4)
