"""docs/bindings.md and docs/subscribers.md say what is: each example is read, and each setting is named."""

import importlib.metadata
import importlib.util
import re
import sys
import tomllib
from pathlib import Path

import pytest
from act_servers import EVENT

from handflow.act.actions import ACTIONS
from handflow.act.actions.python import GROUP, PYTHON
from handflow.act.bindings import Binding, Bindings
from handflow.act.bindings_file import parse_bindings
from handflow.act.connections import Connections
from handflow.act.inject.choice import _RULE
from handflow.act.inject.keynames import KEYS
from handflow.act.placeholders import FIELDS
from handflow.errors import ActionError
from needs import ROOT

PAGE = (ROOT / "docs" / "bindings.md").read_text(encoding="utf-8")
OTHER = (ROOT / "docs" / "subscribers.md").read_text(encoding="utf-8")


def blocks(page: str, language: str) -> list[str]:
    """The code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page, re.MULTILINE | re.DOTALL)


EXAMPLES = [*blocks(PAGE, "toml"), *blocks(OTHER, "toml")]


def section(title: str) -> str:
    """The text below a heading, with the headings below it."""
    code, level, lines = False, 0, []
    for line in PAGE.splitlines():
        code ^= line.startswith("```")
        heading = "" if code else line.partition(" ")[0]
        if level and {*heading} == {"#"} and len(heading) <= level:
            break
        if level:
            lines.append(line)
        elif line == f"{heading} {title}":
            level = len(heading)
    assert level, f"no section is called {title}"
    return "\n".join([*lines, ""])


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_every_example_is_a_valid_file(example: str) -> None:
    bindings = parse_bindings(example)
    assert bindings.bindings or bindings != Bindings() or "# " in example
    assert all(binding.describe() for binding in bindings.bindings)


def test_every_kind_of_action_has_a_section_with_an_example_and_all_its_settings() -> None:
    used = {a.kind for example in EXAMPLES for b in parse_bindings(example).bindings for a in b.do}
    assert used == {*ACTIONS}
    for name, kind in ACTIONS.items():
        text = section("say and sound" if name in ("say", "sound") else name)
        fields = [field.alias or key for key, field in kind.settings.model_fields.items()]
        unnamed = [field for field in fields if not re.search(rf"`{field}`|\b{field} = ", text)]
        assert name == "mode" or not unnamed, f"{name}: {unnamed}"


def test_every_kind_stands_with_the_extra_that_it_needs() -> None:
    rows = re.findall(r"^\| (`.*`) \| (.*) \|$", section("Actions").split("###")[0], re.MULTILINE)
    told = {kind: needs for kinds, needs in rows for kind in re.findall(r"`(\w+)`", kinds)}
    assert {*told} == {*ACTIONS}
    for name, kind in ACTIONS.items():
        assert (f"handflow[{kind.extra}]" if kind.extra else "nothing more") in told[name]


def test_every_setting_of_a_binding_and_of_the_file_is_named() -> None:
    named = set(re.findall(r"^\| `(\w+)` \|", section("The file"), re.MULTILINE))
    assert named == {*Binding.model_fields} | (
        {*Bindings.model_fields} - {*Connections.model_fields, "bindings"}
    )


def test_every_setting_of_a_connection_stands_there_with_what_holds_without_it() -> None:
    (example,) = blocks(section("Connections").split("###")[0], "toml")
    assert parse_bindings(example) == Bindings()
    for name, field in Connections.model_fields.items():
        table = example.split(f"[{name}]")[1].split("\n[")[0]
        given = set(re.findall(r"^(?:# )?(\w+) = ", table, re.MULTILINE))
        assert given == {*field.annotation.model_fields}  # type: ignore[union-attr]


def test_every_key_and_every_placeholder_is_named() -> None:
    text = section("keys")
    missing = [name for name in KEYS if f"`{name}`" not in text and not re.fullmatch(r"f\d+", name)]
    assert not missing
    assert all(f"`{{{field}}}`" in section("Placeholders and secrets") for field in FIELDS)


def test_the_permission_is_the_one_that_doctor_names() -> None:
    assert _RULE in PAGE


def test_the_options_and_commands_that_it_names_exist() -> None:
    import typer.main

    from handflow.cli.bindings import app as group
    from handflow.cli.run import app as run

    commands = typer.main.get_command(group).commands  # type: ignore[attr-defined]
    params = [*typer.main.get_command(run).params, *(p for c in commands.values() for p in c.params)]
    known = {option for param in params for option in (*param.opts, *param.secondary_opts)}
    assert {*re.findall(r"(?<![\w-])--[a-z][a-z-]+", PAGE)} - {"--reload"} <= known
    assert {*re.findall(r"handflow bindings (\w+)", PAGE)} <= {*commands}


def test_the_action_of_ones_own_works_as_it_stands_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = section("An action of one's own")
    indented = "\n".join(
        re.findall(r"^    (.*)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)
    )
    project = tomllib.loads(indented)["project"]
    (code,) = blocks(text, "python")
    (tmp_path / "my_lamp.py").write_text(code, encoding="utf-8")
    folder = tmp_path / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Name: {project['name']}\nVersion: {project['version']}\n")
    entries = "".join(f"{name} = {value}\n" for name, value in project["entry-points"][GROUP].items())
    (folder / "entry_points.txt").write_text(f"[{GROUP}]\n{entries}")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    importlib.invalidate_caches()
    try:
        (example,) = blocks(text, "toml")
        (action,) = parse_bindings(example).bindings[0].do
        assert list(PYTHON.problems(action.settings, Bindings())) == []
        performer = PYTHON.perform_by(Bindings())
        performer.perform(action.settings, EVENT)
        assert Path("lamp.txt").read_text() == "red for swipe_left of the right hand\n"
        blue = type(action.settings).model_validate({"use": "lamp", "settings": {"color": "blue"}})
        with pytest.raises(ActionError, match="the lamp has no blue: choose white or red"):
            performer.perform(blue, EVENT)
    finally:
        sys.modules.pop("my_lamp", None)


def test_links_lead_somewhere() -> None:
    def anchor(title: str) -> str:
        return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")

    pages = {"": PAGE, "subscribers.md": OTHER}
    for page, place in re.findall(r"\]\(([\w.]*)(?:#([\w-]+))?\)", PAGE):
        assert page in pages
        titles = re.findall(r"^#+ (.*)$", pages[page], re.MULTILINE)
        assert not place or place in [anchor(title) for title in titles], place
