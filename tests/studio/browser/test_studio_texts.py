"""The texts of the page are complete in every language, and the page asks no other host for anything."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import handflow.data
import handflow.studio
from handflow import errors
from handflow.act.actions import ACTIONS
from handflow.studio.errors import code_of

STATIC = Path(handflow.studio.__file__).parent / "static"
MODULES = sorted([*STATIC.glob("*.js"), *STATIC.glob("pages/*.js")])
LANGUAGES = sorted(path.stem for path in (STATIC / "locales").glob("*.json"))
SOURCE = "\n".join(module.read_text("utf-8") for module in MODULES)

# `t("key"` and `t(`key.${part}`: what is looked up by its whole name, and by a name with parts.
WHOLE = set(re.findall(r'"([a-z][a-z0-9_-]*(?:\.[a-z0-9_-]+)*)"', SOURCE))
LOOKED_UP = set(re.findall(r'(?<![.\w])(?:t|has)\(\s*"([^"]+)"', SOURCE)) | {
    key for pair in re.findall(r'\bt\([^"`()]*\?\s*"([^"]+)"\s*:\s*"([^"]+)"', SOURCE) for key in pair
}
IN_PARTS = set(re.findall(r"`((?:[a-z-]+\.|\$\{[^}`]*\}\.)[^`\s/]*)`", SOURCE))


def pattern(template: str) -> re.Pattern[str]:
    parts = re.split(r"\$\{[^}]*\}", template)
    return re.compile("[a-z0-9_-]+".join(re.escape(part) for part in parts))


def texts(language: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((STATIC / "locales" / f"{language}.json").read_text("utf-8"))
    return found


def placeholders(text: Any) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", json.dumps(text)))


def test_english_and_german_are_there() -> None:
    assert {"de", "en"} <= set(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_every_text_with_the_same_placeholders(language: str) -> None:
    english, other = texts("en"), texts(language)
    assert english.keys() == other.keys()
    assert {key: placeholders(text) for key, text in english.items()} == {
        key: placeholders(text) for key, text in other.items()
    }
    for key, text in other.items():
        forms = text.values() if isinstance(text, dict) else [text]
        assert all(isinstance(form, str) and form.strip() for form in forms), key
        assert isinstance(text, dict) == isinstance(english[key], dict), key


def test_every_text_that_is_looked_up_exists() -> None:
    assert LOOKED_UP - texts("en").keys() == set()


def test_every_text_looked_up_by_parts_exists_for_some_part() -> None:
    keys = texts("en")
    wanted = [
        template for template in IN_PARTS if template.startswith(("$", *{key.split(".")[0] for key in keys}))
    ]
    assert len(wanted) > 20
    lacking = [one for one in wanted if not any(pattern(one).fullmatch(key) for key in keys)]
    assert [one for one in lacking if "handflow." not in one] == []


def test_no_text_is_left_over() -> None:
    patterns = [pattern(template) for template in IN_PARTS]
    unused = [k for k in texts("en") if k not in WHOLE and not any(one.fullmatch(k) for one in patterns)]
    assert unused == []


def said(package: Any, function: str, place: int | str = 0) -> set[str]:
    """The texts that a package's own code gives to a function at a place, or by a name."""
    found = set()
    for call in calls(package):
        if getattr(call.func, "id", getattr(call.func, "attr", "")) != function:
            continue
        named = [one.value for one in call.keywords if one.arg == place]
        given = named if isinstance(place, str) else call.args[place : place + 1]
        found |= {one.value for one in given if isinstance(one, ast.Constant)}
    return {one for one in found if isinstance(one, str)}


def calls(package: Any) -> Iterator[ast.Call]:
    for module in Path(package.__file__).parent.glob("*.py"):
        yield from (
            one for one in ast.walk(ast.parse(module.read_text("utf-8"))) if isinstance(one, ast.Call)
        )


def named_after(prefix: str) -> set[str]:
    return {key.removeprefix(prefix) for key in texts("en") if key.startswith(prefix)}


def test_every_text_of_an_error_is_of_one_that_the_server_tells() -> None:
    kinds = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, Exception)]
    codes = said(handflow.studio, "StudioError") | said(handflow.studio, "_error")
    codes |= said(handflow.studio, "_fail", 1) | {code_of(kind.__new__(kind)) for kind in (*kinds, OSError)}
    assert named_after("error.") - codes == set()


def test_every_reason_to_reject_a_take_and_every_phase_of_a_training_has_its_text() -> None:
    reasons = said(handflow.data, "Fault") - {"ended"}  # of `Recorder.finish`, for sources that end
    assert named_after("rejected.") == reasons
    phases = said(handflow.studio, "TrainingState", "phase") | said(handflow.studio, "say", "phase")
    assert named_after("train.phase.") == phases - {""}  # none: it is over


def test_every_kind_of_action_has_its_words() -> None:
    """`actions.js` names kinds, variants and fields; each has a text, and the server knows it."""
    actions = (STATIC / "actions.js").read_text("utf-8")
    body = actions[actions.index("export const ACTIONS") : actions.index("\n};")]
    keys, (_, *parts) = texts("en").keys(), re.split(r"^  (\w+): \{", body, flags=re.MULTILINE)
    tables = dict(zip(parts[::2], parts[1::2], strict=True))
    assert tables.keys() == ACTIONS.keys()
    for kind, table in tables.items():
        assert {f"kind.{kind}", f"kind.{kind}.hint"} <= keys
        fields = set(re.findall(r'\["(\w+)", "[a-z]+", \{', table))
        model = ACTIONS[kind].settings.model_fields
        assert fields and fields <= {field.alias or name for name, field in model.items()}
        assert {f"field.{kind}.{field}" for field in fields} <= keys
        variants = set(re.findall(r"(?:^|[{,])\s*(\w+): \[\[", table.split("more:")[0])) - {"fields"}
        assert bool(variants) == ("variants:" in table)
        assert {f"variant.{kind}.{variant}" for variant in variants} <= keys
    told = {key.split(".")[1] for key in keys if key.startswith(("kind.", "field.", "variant."))}
    assert told == ACTIONS.keys()


def test_the_page_is_its_own_and_needs_no_other_host() -> None:
    page = (STATIC / "index.html").read_text("utf-8")
    assert not re.search(r"<script(?![^>]*\bsrc=)|\bstyle=|\bon\w+=", page)
    assert set(re.findall(r'(?:src|href)="([^"]+)"', page)) == {
        f"/static/{name}"
        for name in ("icon.svg", "style.css", "pages.css", "motion.css", "theme.js", "main.js")
    }
    for file in [*MODULES, *STATIC.glob("*.css")]:
        text = file.read_text("utf-8")
        hosts = set(re.findall(r"(?:https?:)?//([\w.-]+\.\w+)", text)) - {"www.w3.org", "127.0.0.1"}
        assert not hosts, f"{file.name}: {hosts}"
        assert "innerHTML" not in text, file.name
