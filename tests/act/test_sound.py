"""Sounds are decoded by PyAV and played by a program, here one that notes what it is given."""

import io
import sys
import threading
import wave
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from act_servers import EVENT, LIMIT, eventually
from fake_programs import FakePrograms, only_fake_programs
from numpy.typing import NDArray
from pydantic import ValidationError

from handflow.act.action import Performer
from handflow.act.actions import sound as sound_module
from handflow.act.actions.sound import PLAYERS, RATE, SOUND, SoundSettings, decode, find_player
from handflow.act.connections import Connections
from handflow.errors import ActionError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the programs of Linux")

CONNECTIONS = Connections()


@pytest.fixture
def fakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakePrograms:
    return only_fake_programs(tmp_path / "bin", monkeypatch)


@pytest.fixture
def sound() -> Iterator[Performer[SoundSettings]]:
    performer = SOUND.perform_by(CONNECTIONS)
    yield performer
    performer.stop()
    performer.close()


def settings(given: object) -> SoundSettings:
    return SoundSettings.model_validate(given)


def problems(given: object) -> list[str]:
    return list(SOUND.problems(settings(given), CONNECTIONS))


def write_tone(path: Path, *, seconds: float = 0.25, rate: int = 48_000, layout: str = "mono") -> Path:
    """A sine of 440 Hz and half the full scale, in the format that the name's ending says."""
    t = np.arange(round(seconds * rate)) / rate
    samples = (16_000 * np.sin(2 * np.pi * 440 * t)).astype(np.int16)
    codec = {".wav": "pcm_s16le", ".flac": "flac"}[path.suffix]
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, layout=layout)
        samples = np.repeat(samples, 1 if layout == "mono" else 2)
        frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout=layout)
        frame.sample_rate = rate
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)
    return path


def played(call: dict[str, list[str]]) -> NDArray[np.int16]:
    """Samples (n, channels) of the file that a player was given."""
    with wave.open(io.BytesIO(bytes.fromhex(call["files"][0]))) as file:
        assert (file.getframerate(), file.getsampwidth()) == (RATE, 2)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, file.getnchannels())


def test_any_format_is_played_as_wav_at_the_volume_asked_for(sound, fakes, tmp_path):
    fakes.make("aplay")
    wav = write_tone(tmp_path / "a.wav")
    flac = write_tone(tmp_path / "b.flac", rate=44_100, layout="stereo")
    sound.perform(settings(str(wav)), EVENT)
    sound.perform(settings({"file": str(flac), "volume": 0.25}), EVENT)
    loud, soft = (played(call) for call in fakes.calls("aplay"))
    assert loud.shape == (12_000, 1)
    assert np.abs(loud).max() == pytest.approx(16_000, rel=0.01)
    assert soft.shape == (12_000, 2), "resampled, and to its end"
    assert np.abs(soft).max() == pytest.approx(4_000, rel=0.02)
    assert [call["arguments"][:-1] for call in fakes.calls("aplay")] == [["-q"], ["-q"]]


def test_it_is_decoded_once_and_again_where_the_file_has_changed(sound, fakes, tmp_path, monkeypatch):
    count = []
    monkeypatch.setattr(sound_module, "decode", lambda *given: (count.append(given), decode(*given))[1])
    fakes.make("paplay")
    file = write_tone(tmp_path / "a.wav")
    for _ in range(2):
        sound.perform(settings(str(file)), EVENT)
    assert len(count) == 1
    write_tone(file, seconds=0.5)
    sound.perform(settings(str(file)), EVENT)
    assert [len(played(call)) for call in fakes.calls("paplay")] == [12_000, 12_000, 24_000]


def test_placeholders_choose_the_file(sound, fakes, tmp_path):
    fakes.make("paplay")
    write_tone(tmp_path / f"{EVENT.gesture}.wav")
    sound.perform(settings(f"{tmp_path}/{{gesture}}.wav"), EVENT)
    assert len(fakes.calls("paplay")) == 1
    assert problems(f"{tmp_path}/{{gesture}}.wav") == []


def test_close_leaves_no_file_behind(sound, fakes, tmp_path):
    fakes.make("paplay")
    sound.perform(settings(str(write_tone(tmp_path / "a.wav"))), EVENT)
    wav = Path(fakes.calls("paplay")[0]["arguments"][0])
    assert wav.exists()
    sound.close()
    assert not wav.parent.exists()


def test_stop_ends_the_sound(sound, fakes, tmp_path):
    fakes.make("paplay", "import time; time.sleep(60)")
    file = write_tone(tmp_path / "a.wav")
    told = []

    def perform() -> None:
        try:
            sound.perform(settings(str(file)), EVENT)
        except ActionError as error:
            told.append(str(error))

    thread = threading.Thread(target=perform)
    thread.start()
    eventually(lambda: fakes.calls("paplay"), "it plays")
    sound.stop()
    thread.join(LIMIT)
    assert told == ["paplay was ended: the program ends"]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("gone.wav", None, "there is no sound file"),
        ("text.wav", b"not a sound", "cannot be played"),
        ("empty.mp3", b"", "cannot be played"),
    ],
)
def test_a_bad_file_is_a_problem_and_fails_when_performed(sound, fakes, tmp_path, name, content, says):
    fakes.make("paplay")
    file = tmp_path / name
    if content is not None:
        file.write_bytes(content)
    (problem,) = problems(str(file))
    assert says in problem and str(file) in problem
    with pytest.raises(ActionError, match=says):
        sound.perform(settings(str(file)), EVENT)


def test_a_folder_and_a_silent_film_cannot_be_played(fakes, tmp_path):
    fakes.make("paplay")
    assert "cannot be played" in problems(str(tmp_path))[0]
    film = tmp_path / "film.mp4"
    with av.open(str(film), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 32
        frame = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8))
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)
    assert problems(str(film)) == [f"{film} has no sound: name an audio file"]


def test_one_that_is_too_long_is_told_how_to_be_played(fakes, tmp_path, monkeypatch):
    monkeypatch.setattr(sound_module, "LONGEST", 0.2)
    fakes.make("paplay")
    assert "start a player with command" in problems(str(write_tone(tmp_path / "a.wav")))[0]


def test_where_no_player_is_that_is_a_problem_with_a_remedy(sound, fakes, tmp_path):
    file = write_tone(tmp_path / "a.wav")
    (problem,) = problems(str(file))
    assert problem.startswith(
        "nothing here plays sounds (looked for paplay, pw-play, aplay, ffplay): apt install"
    )
    with pytest.raises(ActionError, match="nothing here plays sounds"):
        sound.perform(settings(str(file)), EVENT)


@pytest.mark.parametrize("system", PLAYERS)
def test_each_player_of_a_system_is_found_and_gets_the_file(system):
    for player in PLAYERS[system]:
        assert find_player(lambda name, only=player.program: name if name == only else None, system) is player
        program = player.program_for(Path("/tmp/s.wav"))
        assert "/tmp/s.wav" in (program.arguments[-1], program.environment.get("HANDFLOW_SOUND"))


@pytest.mark.parametrize("given", ["", {"file": "a.wav", "volume": 1.5}, {"file": "a.wav", "loop": True}])
def test_a_wrong_setting_is_told(given):
    with pytest.raises(ValidationError):
        settings(given)
