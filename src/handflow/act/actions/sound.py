"""`sound`: plays an audio file; PyAV decodes it, the system's own player plays it."""

import shutil
import sys
import wave
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from handflow.act.action import ActionKind, ActionSettings, LocalPath, Performer
from handflow.act.placeholders import filled, from_environment, has_fields, unset_problems
from handflow.act.programs import Program, Programs
from handflow.errors import ActionError
from handflow.types import GestureEvent

RATE = 48_000  # Hz, with 16 bits: what every player plays
LONGEST = 60.0
"""Seconds that a sound may last."""
_STARTING = 10.0  # seconds that a player may need beside the sound itself

_WINDOWS = "(New-Object System.Media.SoundPlayer $env:HANDFLOW_SOUND).PlaySync()"


class SoundSettings(ActionSettings):
    """Which sound, and how loud."""

    SHORT: ClassVar[str | None] = "file"

    file: LocalPath = Field(min_length=1)  # any format that FFmpeg reads
    volume: float = Field(1.0, ge=0, le=1)  # 1: as it was recorded

    def describe(self) -> str:
        """What it does."""
        return f"play {self.file}"


@dataclass(frozen=True, slots=True)
class Player:
    """A program that plays a WAV file and ends with it."""

    program: str
    arguments: tuple[str, ...] = ()
    by_environment: bool = False  # the file is not an argument but HANDFLOW_SOUND

    def program_for(self, file: Path) -> Program:
        """The program that plays a file."""
        if self.by_environment:
            return Program((self.program, *self.arguments), {"HANDFLOW_SOUND": str(file)})
        return Program((self.program, *self.arguments, str(file)))


PLAYERS: dict[str, tuple[Player, ...]] = {
    "linux": (
        Player("paplay"),  # before pw-play: PipeWire may be there for video alone
        Player("pw-play"),
        Player("aplay", ("-q",)),
        Player("ffplay", ("-nodisp", "-autoexit", "-loglevel", "error")),
    ),
    "darwin": (Player("afplay"),),
    "win32": (Player("powershell", ("-NoProfile", "-NonInteractive", "-Command", _WINDOWS), True),),
}
"""What may play on a system, the best first."""


def find_player(
    which: Callable[[str], str | None] = shutil.which, system: str = sys.platform
) -> Player | None:
    """The first program that plays here."""
    return next((p for p in PLAYERS.get(system, PLAYERS["linux"]) if which(p.program)), None)


def decode(file: Path, wav: Path, volume: float = 1.0) -> float:
    """Writes an audio file as WAV.

    Args:
        file: of any format that FFmpeg reads; the first of its sounds.
        wav: is written: 48 kHz, mono or stereo, 16 bits.
        volume: factor, 0 to 1.

    Returns:
        How long it is, in seconds.

    Raises:
        ActionError: it is missing, no sound, or longer than a minute.
    """
    import av

    try:
        with av.open(str(file)) as container, wave.open(str(wav), "wb") as out:
            channels = min(2, container.streams.audio[0].channels) if container.streams.audio else 0
            out.setparams((channels or 1, 2, RATE, 0, "NONE", ""))
            if not channels:
                raise ActionError(f"{file} has no sound: name an audio file")
            resampler = av.AudioResampler("s16", "mono" if channels == 1 else "stereo", RATE)
            for decoded in chain(container.decode(audio=0), [None]):  # None: what the resampler still holds
                for frame in resampler.resample(decoded):
                    samples = frame.to_ndarray() * np.float32(volume)
                    out.writeframes(samples.astype("<i2").tobytes())
                if out.tell() > LONGEST * RATE:
                    raise ActionError(
                        f"{file} lasts more than {LONGEST:g} s: start a player with command and wait = false"
                    )
            return out.tell() / RATE
    except FileNotFoundError:
        raise ActionError(f"there is no sound file {file}: correct its path") from None
    except (OSError, av.FFmpegError) as error:
        raise ActionError(f"{file} cannot be played: {error}") from error


class _Sounds(Performer[SoundSettings]):
    def __init__(self) -> None:
        self._programs = Programs()
        self._folder: TemporaryDirectory[str] | None = None
        self._decoded: dict[tuple[Path, float], tuple[int, Path, float]] = {}  # changed when, WAV, seconds

    def perform(self, settings: SoundSettings, event: GestureEvent) -> None:
        """Plays the sound to its end."""
        player = find_player()
        if player is None:
            raise ActionError(_none_found())
        wav, seconds = self._wav(Path(str(filled(settings.file, event))).expanduser(), settings.volume)
        self._programs.run(player.program_for(wav), seconds + _STARTING)

    def stop(self) -> None:
        """Ends the sound."""
        self._programs.stop()

    def close(self) -> None:
        """Forgets what was decoded."""
        if self._folder is not None:
            self._folder.cleanup()

    def _wav(self, file: Path, volume: float) -> tuple[Path, float]:
        """The decoded file and its seconds: decoded again only where the file has changed."""
        try:
            changed = file.stat().st_mtime_ns
        except OSError:
            raise ActionError(f"there is no sound file {file}: correct its path") from None
        known = self._decoded.get((file, volume))
        if known is None or known[0] != changed:
            if self._folder is None:
                self._folder = TemporaryDirectory(prefix="handflow-sound-")
            wav = known[1] if known else Path(self._folder.name) / f"{len(self._decoded)}.wav"
            self._decoded[file, volume] = known = (changed, wav, decode(file, wav, volume))
        return known[1], known[2]


def _none_found() -> str:
    names = ", ".join(p.program for p in PLAYERS.get(sys.platform, PLAYERS["linux"]))
    remedy = ": apt install alsa-utils, or what installs it here" if sys.platform == "linux" else ""
    return f"nothing here plays sounds (looked for {names}){remedy}"


def _performer(connections: Any) -> Performer[SoundSettings]:
    return _Sounds()


def _problems(settings: SoundSettings, connections: Any) -> Iterator[str]:
    if find_player() is None:
        yield _none_found()
    unset = [*unset_problems(settings.file)]
    yield from unset
    if unset or has_fields(settings.file):
        return  # which file it will be is not known yet
    file = Path(from_environment(settings.file) or "").expanduser()
    with TemporaryDirectory(prefix="handflow-sound-") as folder:
        try:
            decode(file, Path(folder) / "sound.wav")
        except ActionError as error:
            yield str(error)


SOUND = ActionKind(SoundSettings, _performer, problems=_problems, queue=4)
