"""Commands: real programs, ended in time with all they started, their output logged, no shell anywhere."""

import dataclasses
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from act_servers import EVENT, LIMIT, eventually
from pydantic import ValidationError

from handflow.act import programs
from handflow.act.action import Performer
from handflow.act.actions.command import COMMAND, CommandSettings
from handflow.act.connections import Connections
from handflow.errors import ActionError

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the programs of these tests are POSIX's")

CONNECTIONS = Connections()
SECRET = "s3cr3t-t0ken"
NOTES_ITS_NUMBER = "import os, sys, time; open(sys.argv[1], 'w').write(f'{os.getpid()}\\n'); time.sleep(60)"


@pytest.fixture
def command() -> Iterator[Performer[CommandSettings]]:
    performer = COMMAND.perform_by(CONNECTIONS)
    yield performer
    performer.stop()
    performer.close()


def settings(given: Any) -> CommandSettings:
    return CommandSettings.model_validate(given)


def python(code: str, *arguments: str, **more: Any) -> CommandSettings:
    """A command that runs Python code."""
    return settings({"run": [sys.executable, "-c", code, *arguments], **more})


def problems(given: Any) -> list[str]:
    return list(COMMAND.problems(settings(given), CONNECTIONS))


def lives(pid: int) -> bool:
    """Whether a process runs; one that has ended and was not asked for its status does not."""
    try:
        os.kill(pid, 0)
        status = Path(f"/proc/{pid}/stat")
        return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def number_in(file: Path) -> int:
    """The number that a program writes into a file, once it has."""
    eventually(lambda: file.exists() and file.read_text().endswith("\n"), "the program has started")
    return int(file.read_text())


def test_arguments_arrive_as_written_and_no_shell_reads_them(command, tmp_path):
    out, victim = tmp_path / "out", tmp_path / "victim"
    victim.touch()
    arguments = [f"; rm {victim}", f"$(rm {victim})", f"`rm {victim}`", "a b", "*", "$HOME", "", "{gesture}"]
    code = "import sys, pathlib; pathlib.Path(sys.argv[1]).write_text(repr(sys.argv[2:]))"
    command.perform(python(code, str(out), *arguments), EVENT)
    assert out.read_text() == repr([*arguments[:-1], EVENT.gesture])
    assert victim.exists()


def test_the_event_and_the_table_env_stand_in_the_environment(command, tmp_path, monkeypatch):
    monkeypatch.setenv("TOKEN", SECRET)
    out = tmp_path / "out"
    code = (
        "import os, sys, pathlib; names = sys.argv[2:]; "
        "pathlib.Path(sys.argv[1]).write_text(repr([os.environ[n] for n in names] + [os.getcwd()]))"
    )
    names = [
        f"HANDFLOW_{n}" for n in ("GESTURE", "SCORE", "HAND", "TRACK", "ONSET", "OFFSET", "TIME", "FRAME")
    ]
    env = {"KEY": "${TOKEN}", "WHAT": "{gesture}!"}
    asked = python(code, str(out), *names, "KEY", "WHAT", "PATH", env=env, cwd=str(tmp_path))
    command.perform(asked, EVENT)
    event = [
        EVENT.gesture,
        EVENT.score,
        EVENT.hand,
        EVENT.track,
        EVENT.onset,
        EVENT.offset,
        EVENT.time,
        EVENT.frame,
    ]
    offered = ["" if value is None else str(value) for value in event]
    given = [SECRET, f"{EVENT.gesture}!", os.environ["PATH"], str(tmp_path.resolve())]
    assert out.read_text() == repr([*offered, *given])


def test_what_is_not_known_yet_is_empty(command):
    early = dataclasses.replace(EVENT, offset=None)
    code = "import os, sys; assert sys.argv[1] == os.environ['HANDFLOW_OFFSET'] == ''"
    command.perform(python(code, "{offset}"), early)


def test_what_it_prints_is_logged_line_by_line(command, caplog):
    caplog.set_level(logging.INFO, "handflow.act")
    command.perform(
        python("import sys; print('one'); print('zwei ✓'); print('three', file=sys.stderr)"), EVENT
    )
    lines = [record.getMessage().partition(": ")[2] for record in caplog.records]
    assert sorted(lines) == sorted(["one", "zwei ✓", "three"])
    assert lines.index("one") < lines.index("zwei ✓")


def test_the_log_gets_no_more_than_the_first_part_and_no_control_codes(command, caplog):
    caplog.set_level(logging.INFO, "handflow.act")
    code = "import sys; print('\\x1b[2Jclear'); [print('x' * 99) for _ in range(10_000)]"
    command.perform(python(code), EVENT)
    logged = [record.getMessage() for record in caplog.records]
    assert sum(map(len, logged)) < 2 * programs.MOST_OUTPUT
    assert "more, which is not logged" in logged[-1]
    assert logged[0].endswith(" [2Jclear") and logged[0].isprintable()


def test_nothing_comes_by_its_standard_input(command):
    command.perform(python("import sys; assert sys.stdin.read() == ''"), EVENT)


def test_a_failure_is_told_with_its_status_and_last_words(command):
    with pytest.raises(ActionError, match=r"ended with exit status 3: no such lamp$"):
        command.perform(
            python("import sys; print('hm\\nno such lamp\\n', file=sys.stderr); sys.exit(3)"), EVENT
        )


def test_a_secret_is_neither_logged_nor_told(command, caplog, monkeypatch):
    monkeypatch.setenv("TOKEN", SECRET)
    caplog.set_level(logging.DEBUG)
    asked = python("import sys; print('got', sys.argv[1]); sys.exit('bad ' + sys.argv[1])", "${TOKEN}")
    with pytest.raises(ActionError, match=r"bad \$\{TOKEN\}$") as told:
        command.perform(asked, EVENT)
    assert any("got ${TOKEN}" in record.getMessage() for record in caplog.records)
    assert SECRET not in caplog.text + str(told.value) + asked.describe()


def test_what_takes_too_long_is_ended_with_all_it_started_even_against_its_will(
    command, tmp_path, monkeypatch
):
    monkeypatch.setattr(programs, "GRACE", 0.2)
    script = "trap '' TERM; sleep 60 & echo $! > grandchild; echo $$ > child; wait"
    with pytest.raises(ActionError, match=r"sh took more than 1 s and was ended"):
        command.perform(settings({"run": ["sh", "-c", script], "cwd": str(tmp_path), "timeout": 1}), EVENT)
    pids = [number_in(tmp_path / name) for name in ("child", "grandchild")]
    eventually(lambda: not any(lives(pid) for pid in pids), "both have ended")


def test_one_that_is_asked_to_end_may_clean_up(command, tmp_path):
    script = "trap 'touch mark; exit' TERM; while :; do sleep 0.1; done"
    with pytest.raises(ActionError, match="took more than"):
        command.perform(settings({"run": ["sh", "-c", script], "cwd": str(tmp_path), "timeout": 1}), EVENT)
    assert (tmp_path / "mark").exists()


def test_a_child_that_keeps_the_output_open_holds_nothing_up(command, tmp_path, monkeypatch):
    monkeypatch.setattr(programs, "_LAST_WORDS", 0.05)
    script = "sleep 60 & echo $! > child"
    command.perform(settings({"run": ["sh", "-c", script], "cwd": str(tmp_path)}), EVENT)
    pid = number_in(tmp_path / "child")
    assert lives(pid)
    os.kill(pid, signal.SIGKILL)


def test_stop_ends_what_runs_and_nothing_starts_after_it(command, tmp_path):
    file, told = tmp_path / "pid", []

    def perform() -> None:
        try:
            command.perform(python(NOTES_ITS_NUMBER, str(file)), EVENT)
        except ActionError as error:
            told.append(str(error))

    thread = threading.Thread(target=perform)
    thread.start()
    pid = number_in(file)
    command.stop()
    thread.join(LIMIT)
    assert not lives(pid)
    assert len(told) == 1 and "was ended: the program ends" in told[0]
    with pytest.raises(ActionError, match="was not started"):
        command.perform(settings(["true"]), EVENT)


def test_one_that_is_not_waited_for_runs_on_after_the_end_and_is_reaped(command, tmp_path, caplog):
    caplog.set_level(logging.INFO, "handflow.act")
    file = tmp_path / "pid"
    command.perform(python(NOTES_ITS_NUMBER, str(file), wait=False), EVENT)
    pid = number_in(file)
    command.stop()
    command.close()
    assert lives(pid)
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: "in the background, was ended by signal 9" in caplog.text, "its end is told")
    assert not Path(f"/proc/{pid}").exists()


def test_no_more_than_some_run_in_the_background(command, tmp_path, monkeypatch):
    monkeypatch.setattr(programs, "MOST_BACKGROUND", 2)
    files = [tmp_path / str(number) for number in range(2)]
    for file in files:
        command.perform(python(NOTES_ITS_NUMBER, str(file), wait=False), EVENT)
    pids = [number_in(file) for file in files]
    with pytest.raises(ActionError, match=r"2 programs started with wait = false still run"):
        command.perform(settings({"run": ["true"], "wait": False}), EVENT)
    for pid in pids:
        os.kill(pid, signal.SIGKILL)

    def room() -> bool:
        try:
            command.perform(settings({"run": ["true"], "wait": False}), EVENT)
        except ActionError:
            return False
        return True

    eventually(room, "there is room again")


def test_it_has_a_session_of_its_own_so_that_ctrl_c_does_not_reach_it(command):
    command.perform(python("import os; assert os.getsid(0) == os.getpgid(0) == os.getpid()"), EVENT)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("notify-send wave", "give a list of arguments"),
        ({"run": []}, "at least 1 item"),
        ({"run": [""]}, "the first argument is the program"),
        ({"run": ["x"], "timeout": 0}, "greater than 0"),
        ({"run": ["x"], "wait": False, "timeout": 5}, "timeout has no meaning with wait = false"),
        ({"run": ["x"], "shell": True}, "Extra inputs are not permitted"),
    ],
)
def test_a_wrong_setting_is_told(given, says):
    with pytest.raises(ValidationError, match=says):
        settings(given)


def test_problems_name_what_cannot_work_here(tmp_path, monkeypatch):
    monkeypatch.delenv("NOT_SET", raising=False)
    script = tmp_path / "lamp"
    script.write_text("#!/bin/sh\n")
    assert problems(["no-such-program-here"]) == [
        "no program no-such-program-here was found: install it, or give its whole path"
    ]
    assert problems({"run": ["true"], "cwd": str(tmp_path / "gone")}) == [
        f"the folder {tmp_path / 'gone'} does not exist: make it, or correct cwd"
    ]
    assert problems(["true", "${NOT_SET}"]) == [
        "the environment variable NOT_SET is not set: export NOT_SET=…"
    ]
    assert "was not found" in problems([str(script)])[0].replace("no program", "was not found", 1), (
        "not executable"
    )
    script.chmod(0o755)
    for given in (["true"], [str(script)], {"run": ["./lamp"], "cwd": str(tmp_path)}, ["{gesture}.sh"]):
        assert problems(given) == []


def test_what_problems_name_also_fails_when_performed(command, tmp_path, monkeypatch):
    monkeypatch.delenv("NOT_SET", raising=False)
    for given, says in (
        (["no-such-program-here"], "was not found"),
        ({"run": ["true"], "cwd": str(tmp_path / "gone")}, "cannot be started"),
        (["true", "${NOT_SET}"], "NOT_SET is not set"),
        (["true", "a\0b"], "cannot be started"),
    ):
        with pytest.raises(ActionError, match=says):
            command.perform(settings(given), EVENT)


def test_a_path_is_looked_up_in_the_folder_it_runs_in(command, tmp_path):
    script = tmp_path / "lamp"
    script.write_text("#!/bin/sh\npwd > out\n")
    script.chmod(0o755)
    command.perform(settings({"run": ["./lamp"], "cwd": str(tmp_path)}), EVENT)
    assert (tmp_path / "out").read_text().strip() == str(tmp_path.resolve())


def test_it_is_described_as_written():
    assert (
        settings(["notify-send", "${TOKEN}", "{gesture}"]).describe() == "run notify-send ${TOKEN} {gesture}"
    )
