"""`handflow bindings`: files to begin with, what is wrong with one, what it says, and trying it."""

import json
import socket
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from handflow.act.bindings import Bindings
from handflow.act.bindings_file import read_bindings
from handflow.act.schema import bindings_schema
from handflow.act.starters import STARTERS, starter

APPEND = "import sys; open(sys.argv[1], 'a').write(sys.argv[2] + '\\n')"


def bindings(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "handflow", "bindings", *map(str, arguments)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=cwd,
        check=False,
        timeout=120,
    )


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def on_one_line(text: str) -> str:
    """What is in a box, without the box."""
    return " ".join(text.replace("│", " ").split())


class Desk:
    """A bindings file whose commands write words to a file."""

    def __init__(self, folder: Path) -> None:
        self.path, self._written = folder / "b.toml", folder / "written.txt"

    def append(self, word: str) -> str:
        return f"{{ command = {json.dumps([sys.executable, '-S', '-c', APPEND, str(self._written), word])} }}"

    def bind(self, *bindings: str, head: str = "") -> None:
        self.path.write_text(head + "\n".join(f"[[bindings]]\n{text}" for text in bindings), "utf-8")

    @property
    def words(self) -> list[str]:
        return self._written.read_text().split() if self._written.exists() else []


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.mark.parametrize("kind", STARTERS)
def test_new_writes_a_starter_and_says_how_to_go_on(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    done = bindings("new", kind, "--out", path)
    assert done.returncode == 0, done.stderr
    assert path.read_text(encoding="utf-8") == starter(kind)
    assert f"handflow bindings check {path}" in done.stdout


def test_new_writes_bindings_toml_here_unless_told_otherwise(tmp_path: Path) -> None:
    assert bindings("new", "slides", cwd=tmp_path).returncode == 0
    assert bindings("list", cwd=tmp_path).returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == ["bindings.toml"]


def test_new_replaces_no_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("mine")
    done = bindings("new", "slides", "--out", path)
    assert done.returncode == 1
    assert done.stderr == f"handflow: {path} is there already: name another file with --out\n"
    assert path.read_text() == "mine"


def test_new_in_a_folder_that_is_not_there_is_one_clear_line(tmp_path: Path) -> None:
    done = bindings("new", "slides", "--out", tmp_path / "none" / "mine.toml")
    assert done.returncode == 1
    assert done.stderr.startswith("handflow: No such file") and "Traceback" not in done.stderr


def test_an_unknown_starter_is_wrong_usage_and_the_known_are_named(tmp_path: Path) -> None:
    done = bindings("new", "kitchen", cwd=tmp_path)
    assert done.returncode == 2
    assert "'kitchen' is none of slides, media, browser, home" in on_one_line(done.stderr)
    assert not [*tmp_path.iterdir()]


def test_check_says_that_all_is_fine(desk: Desk) -> None:
    desk.bind(f'gesture = "wave"\ndo = [{desk.append("x")}]')
    done = bindings("check", desk.path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "1 binding checked: all fine\n"
    assert desk.words == [], "it looks and does nothing"


def test_check_names_each_problem_of_this_machine_once_with_its_remedy(desk: Desk) -> None:
    missing = '{ command = ["no-such-program"] }'
    desk.bind(
        f'gesture = "wave"\ndo = [{missing}, {missing}, {{ command = ["${{HANDFLOW_TEST_UNSET}}"] }}]',
        f'gesture = "fist"\nenabled = false\ndo = [{missing}]',
        'gesture = "palm"\nmodes = ["musik"]\ndo = [{ mode = "music" }]',
        'gesture = "swipe_left"\ndo = [{ mqtt = {} }]',
        head=f"[mqtt]\nport = {free_port()}\n",
    )
    done = bindings("check", desk.path)
    assert done.returncode == 1 and done.stderr == ""
    mode, program, variable, broker, verdict = done.stdout.splitlines()
    assert mode == "binding 3 (palm): it begins in normal and no `mode` action leads to musik"
    assert program.startswith("binding 1 (wave): no program no-such-program was found: install it")
    assert variable.startswith("binding 1 (wave): the environment variable HANDFLOW_TEST_UNSET is not set")
    assert broker.startswith("binding 4 (swipe_left): no MQTT broker answers at 127.0.0.1:")
    assert verdict == "4 bindings checked: 4 problems"


def test_check_as_json_is_one_document(desk: Desk) -> None:
    desk.bind('gesture = "wave"\ndo = [{ command = ["no-such-program"] }]')
    done = bindings("check", desk.path, "--json")
    assert done.returncode == 1
    document = json.loads(done.stdout)
    assert document["file"] == str(desk.path)
    assert (document["bindings"], document["notes"]) == (1, [])
    (problem,) = document["problems"]
    assert "no-such-program" in problem


def test_check_with_a_model_asks_whether_it_knows_the_gestures(desk: Desk, directions_model: Path) -> None:
    desk.bind(
        f'gesture = "hand_up"\ndo = [{desk.append("x")}]',
        f'gesture = "salute"\ndo = [{desk.append("x")}]',
        f'gesture = "bow"\nenabled = false\ndo = [{desk.append("x")}]',
    )
    done = bindings("check", desk.path, "--model", directions_model, "--json")
    assert done.returncode == 1
    document = json.loads(done.stdout)
    (problem,) = document["problems"]
    assert problem.startswith("binding 2: the model was not taught 'salute', only hand_down, hand_left,")
    assert document["notes"] == [
        f"nothing is bound to {name}" for name in ("hand_down", "hand_left", "hand_right")
    ]


@pytest.mark.parametrize("command", ["check", "list"])
def test_a_broken_file_is_told_with_file_line_and_remedy(command: str, desk: Desk) -> None:
    desk.bind(
        'gesture = "wave"\ndo = [{ kyes = "Right" }]', 'gesture = "fist"\ncooldwn = 1\ndo = [{ keys = "b" }]'
    )
    done = bindings(command, desk.path)
    assert done.returncode == 1 and done.stdout == ""
    first, second = done.stderr.splitlines()
    assert (
        first
        == f"handflow: {desk.path}:3: binding 1 (wave), do 1: no action is called 'kyes': did you mean keys?"
    )
    assert second == f"{desk.path}:6: binding 2 (fist), cooldwn: there is no such key: did you mean cooldown?"


def test_a_missing_file_says_how_to_begin_one(tmp_path: Path) -> None:
    done = bindings("check", tmp_path / "none.toml")
    assert done.returncode == 1
    assert "`handflow bindings new slides --out" in done.stderr


def test_list_shows_what_each_gesture_does_and_when(tmp_path: Path) -> None:
    path = tmp_path / "home.toml"
    path.write_text(starter("home"), "utf-8")
    done = bindings("list", path)
    assert done.returncode == 0, done.stderr
    told = on_one_line(done.stdout)
    assert "swipe_up mode light publish" in told and "not enabled" in told and "always" in told


def test_list_as_json_is_the_file_with_all_settings_and_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MQTT_PASSWORD", "geheim")
    path = tmp_path / "home.toml"
    path.write_text(starter("home").replace("# password", "password"), "utf-8")
    done = bindings("list", path, "--json")
    document = json.loads(done.stdout)
    assert Bindings.model_validate(document) == read_bindings(path)
    assert document["mqtt"]["password"] == "${MQTT_PASSWORD}" and "geheim" not in done.stdout
    assert document["bindings"][0]["do"] == [{"mode": {"to": "blinds"}}]
    assert document["bindings"][0]["hand"] == "any"


def test_test_does_what_is_bound_and_says_how_it_went(desk: Desk) -> None:
    desk.bind(f'gesture = "wave"\ndo = [{desk.append("one")}, {desk.append("two")}]')
    done = bindings("test", "wave", "--bindings", desk.path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert desk.words == ["one", "two"]
    first, second = done.stdout.splitlines()
    assert first.startswith("performed: run ") and " one in " in first and first.endswith(" ms")
    assert " two in " in second


def test_test_exits_with_1_where_an_action_failed(desk: Desk) -> None:
    desk.bind(f'gesture = "wave"\ndo = [{{ command = ["no-such-program"] }}, {desk.append("after")}]')
    done = bindings("test", "wave", "--bindings", desk.path)
    assert done.returncode == 1
    assert done.stdout.startswith("failed: run no-such-program: no-such-program was not found: install it")
    assert desk.words == ["after"]


def test_a_dry_run_does_nothing(desk: Desk) -> None:
    desk.bind(f'gesture = "wave"\ndo = [{desk.append("x")}]')
    done = bindings("test", "wave", "--bindings", desk.path, "--dry-run")
    assert done.returncode == 0
    assert done.stdout.startswith("would do: wave: run ")
    assert desk.words == []


MODES = ('gesture = "wave"\nmodes = ["normal"]\n', 'gesture = "wave"\nmodes = ["music"]\n')


@pytest.mark.parametrize(("mode", "words"), [((), ["a"]), (("--mode", "music"), ["b"])])
def test_test_can_begin_in_a_mode(mode: tuple[str, ...], words: list[str], desk: Desk) -> None:
    desk.bind(*(f"{text}do = [{desk.append(word)}]" for text, word in zip(MODES, "ab", strict=True)))
    done = bindings("test", "wave", "--bindings", desk.path, *mode)
    assert done.returncode == 0
    assert desk.words == words
    assert done.stdout.count("not done: wave (mode ") == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("salute",), "binds no gesture 'salute': fist, wave"),
        (("wave", "--mode", "dance"), "'dance' is none of music, normal"),
        (("wave", "--hand", "third"), "third"),
        (("wave", "--after", "-1"), "Input should be greater than or equal to 0"),
    ],
)
def test_what_the_file_does_not_know_is_wrong_usage(words: tuple[str, ...], says: str, desk: Desk) -> None:
    desk.bind(f'gesture = "wave"\ndo = [{desk.append("x")}]', 'gesture = "fist"\ndo = [{ mode = "music" }]')
    done = bindings("test", *words, "--bindings", desk.path)
    assert done.returncode == 2
    assert says in on_one_line(done.stderr)
    assert desk.words == []


def test_what_is_not_done_is_said_and_exits_with_1(desk: Desk) -> None:
    desk.bind(f'gesture = "wave"\nhand = "left"\nenabled = false\ndo = [{desk.append("x")}]')
    done = bindings("test", "wave", "--bindings", desk.path, "--hand", "left")
    assert done.returncode == 1
    assert done.stdout.startswith("not done: wave (not enabled, left hand): run ")
    assert done.stdout.endswith(": it is not enabled\n")
    done = bindings("test", "wave", "--bindings", desk.path)
    assert (done.returncode, done.stdout) == (1, "nothing is bound to wave of the right hand\n")
    assert desk.words == []


def test_actions_that_do_not_end_are_no_success(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from typer.testing import CliRunner

    from handflow.act import dispatcher, trial
    from handflow.cli import bindings as command

    monkeypatch.setattr(trial, "PATIENCE", 0.1)
    monkeypatch.setattr(dispatcher, "ENDING", 0.0)
    sleeping = json.dumps([sys.executable, "-S", "-c", "import time; time.sleep(1)"])
    desk.bind(f'gesture = "wave"\ndo = [{{ command = {sleeping} }}]')
    done = CliRunner().invoke(command.app, ["test", "wave", "--bindings", str(desk.path)])
    assert done.exit_code == 1
    assert "1 of 1 actions did not end" in done.output


def test_schema_prints_what_editors_check_by() -> None:
    done = bindings("schema")
    assert done.returncode == 0
    assert json.loads(done.stdout) == json.loads(json.dumps(bindings_schema()))


def test_the_starters_are_read_by_other_readers_of_toml() -> None:
    assert all(tomllib.loads(starter(kind))["bindings"] for kind in STARTERS)
