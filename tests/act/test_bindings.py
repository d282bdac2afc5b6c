"""Bindings files: what they may say, and how what is wrong is told."""

import json
import os
import tomllib
from pathlib import Path

import jsonschema
import pytest

from handflow.act.bindings_file import BindingsFile, parse_bindings, read_bindings
from handflow.act.schema import bindings_schema
from handflow.act.starters import STARTERS, starter
from handflow.errors import BindingsError

ONE = """
[[bindings]]
gesture = "wave"
do = [{ command = ["true"] }]
"""


def told(text: str) -> list[str]:
    """What is said of a wrong file."""
    with pytest.raises(BindingsError) as error:
        parse_bindings(text, "b.toml")
    return str(error.value).splitlines()


@pytest.mark.parametrize("kind", STARTERS)
def test_every_starter_is_a_valid_file_and_fits_the_schema(kind: str) -> None:
    bindings = parse_bindings(starter(kind))
    assert len(bindings.bindings) >= 4
    assert all(binding.describe() for binding in bindings.bindings)
    jsonschema.validate(tomllib.loads(starter(kind)), bindings_schema())


def test_a_binding_has_actions_in_order_and_says_when_it_is_active() -> None:
    bindings = parse_bindings("""
        start_mode = "slides"
        [[bindings]]
        gesture = "wave"
        hand = "left"
        modes = ["slides"]
        least_score = 0.8
        cooldown = 1.5
        do = [{ command = ["one"] }, { mode = "music" }, { command = { run = ["two"], timeout = 3 } }]
        """)
    (binding,) = bindings.bindings
    assert [action.kind for action in binding.do] == ["command", "mode", "command"]
    assert binding.when() == "left hand, mode slides, score from 0.8, once in 1.5 s"
    assert bindings.kinds == ("command", "mode")
    assert bindings.modes == {"slides", "music"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a = = 3", ["b.toml:1: no TOML"]),
        ("a = " + "[" * 5000, ["b.toml: no TOML: lists or tables in it are nested too deeply"]),
        ("bindings = [1]", ["b.toml: binding 1: bindings are tables: begin each with [[bindings]]"]),
        ('start_mod = "x"', ["b.toml:1: start_mod: there is no such key: did you mean start_mode?"]),
        (
            "[mqtt]\nport = 99999",
            ["b.toml:2: mqtt.port: it should be less than or equal to 65535, not 99999"],
        ),
        ("[mqtt]\nprt = 1883", ["b.toml:2: mqtt.prt: there is no such key: did you mean port?"]),
        (
            '[[bindings]]\ngesture = "a"\ndo = [{ kyes = "b" }]',
            ["b.toml:3: binding 1 (a), do 1: no action is called 'kyes': did you mean keys?"],
        ),
        (
            '[[bindings]]\ngesture = "a"\ndo = [{ keys = "Rigt" }]',
            ["b.toml:3: binding 1 (a), do 1: keys: no key is called 'Rigt': did you mean right or"],
        ),
        (
            '[[bindings]]\ngesture = "a"\ndo = [{ command = ["b"], keys = "c" }]',
            ["b.toml:3: binding 1 (a), do 1: an action is a table with one key"],
        ),
        ('[[bindings]]\ngesture = "a"\ndo = []', ["b.toml:3: binding 1 (a), do: do is empty"]),
        ('[[bindings]]\ngesture = "a"', ["b.toml:1: binding 1 (a), do: do is missing"]),
        (
            '[[bindings]]\ngesture = "background"\ndo = [{ mode = "x" }]',
            ["b.toml:1: binding 1 (background): background is what hands do that mean nothing"],
        ),
        (
            '[[bindings]]\ngesture = "a"\ncooldown = -1\ndo = [\n  { mode = "x" },\n  { command = "ls" },\n]',
            [
                "b.toml:6: binding 1 (a), do 2: command run: give a list of arguments",
                "b.toml:3: binding 1 (a), cooldown: it should be greater than or equal to 0, not -1",
            ],
        ),
    ],
)
def test_what_is_wrong_is_told_with_file_line_and_remedy(text: str, said: list[str]) -> None:
    lines = told(text)
    assert len(lines) == len(said)
    for line, beginning in zip(lines, said, strict=True):
        assert line.startswith(beginning)


@pytest.mark.parametrize(
    ("one", "other", "conflict"),
    [
        ("", "", True),
        ('hand = "left"', 'hand = "right"', False),
        ('hand = "left"', "", True),
        ('modes = ["x"]', 'modes = ["y"]', False),
        ('modes = ["x"]', 'modes = ["y", "x"]', True),
        ('modes = ["x"]', "", True),
        ('application = "*a*"', 'application = "*b*"', False),
        ("enabled = false", "", False),
    ],
)
def test_two_bindings_that_one_event_could_mean_are_refused(one: str, other: str, conflict: bool) -> None:
    text = "".join(f'[[bindings]]\ngesture = "a"\n{more}\ndo = [{{ mode = "m" }}]\n' for more in (one, other))
    if conflict:
        assert told(text)[0].startswith("b.toml:5: bindings 1 and 2 both say what a does: put all actions")
    else:
        assert len(parse_bindings(text).bindings) == 2


def test_a_missing_file_says_how_to_begin_one(tmp_path: Path) -> None:
    with pytest.raises(BindingsError, match="handflow bindings new slides"):
        read_bindings(tmp_path / "none.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(BindingsError, match="cannot be read"):
        read_bindings(tmp_path / "bytes.toml")


def test_the_schema_refuses_what_the_program_refuses() -> None:
    schema = bindings_schema()
    json.dumps(schema)
    wrong = [
        {"start_mod": "x"},
        {"bindings": [{"gesture": "a", "do": []}]},
        {"bindings": [{"gesture": "a", "do": [{"kyes": "b"}]}]},
        {"bindings": [{"gesture": "a", "do": [{"keys": "b", "mode": "c"}]}]},
        {"bindings": [{"gesture": "a", "do": [{"mode": "c"}], "cooldown": -1}]},
        {"mqtt": {"port": "x"}},
    ]
    for document in wrong:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(document, schema)


def write(path: Path, text: str, at: float) -> None:
    path.write_text(text)
    os.utime(path, (at, at))


def test_a_changed_file_is_read_again_and_a_broken_edit_keeps_the_last_good_one(tmp_path: Path) -> None:
    path, said = tmp_path / "b.toml", []
    write(path, ONE, 1000)
    file = BindingsFile(path, said.append)
    assert file.changed() is None
    write(path, ONE.replace("wave", "fist"), 2000)
    changed = file.changed()
    assert changed is not None and changed.bindings[0].gesture == "fist"
    assert file.changed() is None
    write(path, "a = = 3", 3000)
    assert file.changed() is None
    assert "b.toml:1: no TOML" in said[0] and "the last good bindings stay" in said[0]
    assert file.changed() is None and len(said) == 1  # told once
    path.unlink()
    assert file.changed() is None
    assert said[1].endswith("is gone: its last bindings stay")
    assert file.bindings.bindings[0].gesture == "fist"
    write(path, ONE, 4000)
    again = file.changed()
    assert again is not None and again.bindings[0].gesture == "wave"


def test_relative_paths_begin_beside_the_file_wherever_handflow_was_started(tmp_path: Path) -> None:
    path = tmp_path / "b.toml"
    path.write_text("""
        [mqtt]
        ca_file = "own/ca.pem"
        [[bindings]]
        gesture = "wave"
        do = [
          { sound = "ding.wav" },
          { sound = "/usr/share/ding.wav" },
          { sound = "~/ding.wav" },
          { sound = "${SOUNDS}/ding.wav" },
          { command = { run = ["make"], cwd = "robot" } },
        ]
        """)
    bindings = read_bindings(path)
    assert bindings.mqtt.ca_file == str(tmp_path / "own" / "ca.pem")
    *sounds, command = (action.settings for action in bindings.bindings[0].do)
    assert [sound.file for sound in sounds] == [  # type: ignore[attr-defined]
        str(tmp_path / "ding.wav"),
        "/usr/share/ding.wav",
        "~/ding.wav",
        "${SOUNDS}/ding.wav",
    ]
    assert command.cwd == str(tmp_path / "robot")  # type: ignore[attr-defined]
