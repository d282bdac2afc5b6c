"""Speech through programs that note what they are given: a text is never an option nor code."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from act_servers import EVENT
from fake_programs import FakePrograms, only_fake_programs
from pydantic import ValidationError

from handflow.act.action import Performer
from handflow.act.actions.say import SAY, SPEAKERS, SaySettings, find_speaker
from handflow.act.connections import Connections
from handflow.errors import ActionError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the programs of Linux")

CONNECTIONS = Connections()
NASTY = "--help; rm -rf ~ $(reboot) `reboot` \"'\\ äöü"


@pytest.fixture
def fakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakePrograms:
    return only_fake_programs(tmp_path / "bin", monkeypatch)


@pytest.fixture
def say() -> Iterator[Performer[SaySettings]]:
    performer = SAY.perform_by(CONNECTIONS)
    yield performer
    performer.stop()
    performer.close()


def settings(given: object) -> SaySettings:
    return SaySettings.model_validate(given)


def test_spd_say_gets_the_text_after_the_options(say, fakes):
    fakes.make("spd-say")
    say.perform(settings(NASTY), EVENT)
    say.perform(settings({"text": "{gesture}", "voice": "anna"}), EVENT)
    first, second = fakes.calls("spd-say")
    assert first["arguments"] == ["--wait", "--", NASTY]
    assert second["arguments"] == ["--synthesis-voice=anna", "--wait", "--", EVENT.gesture]


@pytest.mark.parametrize("program", ["espeak-ng", "espeak"])
def test_espeak_gets_the_text_by_its_standard_input(say, fakes, program):
    fakes.make(program)
    say.perform(settings({"text": NASTY, "voice": "de"}), EVENT)
    (call,) = fakes.calls(program)
    assert call["arguments"] == ["-vde", "--stdin"]
    assert call["stdin"] == NASTY


def test_the_first_there_speaks(say, fakes):
    for program in ("espeak", "espeak-ng", "spd-say"):
        fakes.make(program)
        assert find_speaker() is not None and find_speaker().program == program


def test_a_text_that_holds_a_secret_is_spoken_but_not_told(say, fakes, monkeypatch):
    monkeypatch.setenv("PIN", "7291-x")
    fakes.make("espeak-ng", "sys.exit('cannot say ' + given['stdin'])")
    with pytest.raises(ActionError, match=r"cannot say it is \$\{PIN\}$"):
        say.perform(settings("it is ${PIN}"), EVENT)
    assert fakes.calls("espeak-ng")[0]["stdin"] == "it is 7291-x"


def test_where_nothing_speaks_that_is_a_problem_with_a_remedy(say, fakes):
    (problem,) = SAY.problems(settings("hello"), CONNECTIONS)
    assert problem == (
        "nothing here speaks, neither spd-say nor espeak-ng nor espeak: apt install espeak-ng, "
        "or what installs it here"
    )
    with pytest.raises(ActionError, match="nothing here speaks"):
        say.perform(settings("hello"), EVENT)
    fakes.make("espeak-ng")
    assert list(SAY.problems(settings("hello"), CONNECTIONS)) == []


@pytest.mark.parametrize("system", SPEAKERS)
def test_on_every_system_the_text_is_no_option_and_no_code(system):
    for speaker in SPEAKERS[system]:
        found = find_speaker(lambda name, only=speaker.program: name if name == only else None, system)
        assert found is speaker
        program = speaker.program_for(NASTY, "voice")
        before = (
            list(program.arguments[: program.arguments.index("--")]) if NASTY in program.arguments else None
        )
        assert before is not None or NASTY in (program.stdin, program.environment.get("HANDFLOW_TEXT"))
        assert all(NASTY not in argument for argument in program.arguments[:-1])


@pytest.mark.parametrize("given", ["", {"text": "x" * 1001}, {"text": "x", "voice": ""}, {"words": "x"}])
def test_a_wrong_setting_is_told(given):
    with pytest.raises(ValidationError):
        settings(given)


def test_it_is_described_as_written():
    assert settings("it is ${PIN}").describe() == 'say "it is ${PIN}"'
