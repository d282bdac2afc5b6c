"""The texts of the page are complete in every language, and the page asks no other host for anything."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

import handflow.studio

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


@pytest.mark.parametrize("kind", ["kind", "variant", "field"])
def test_every_kind_of_action_has_its_words(kind: str) -> None:
    """`actions.js` names kinds, variants and fields; each has a text."""
    actions = (STATIC / "actions.js").read_text("utf-8")
    body = actions[actions.index("export const ACTIONS") : actions.index("/** An action as written")]
    keys = texts("en")
    for name, table in re.findall(r"^  (\w+): \{\n(.*?)^  \},$", body, re.MULTILINE | re.DOTALL):
        if kind == "kind":
            assert {f"kind.{name}", f"kind.{name}.hint"} <= keys.keys()
        elif kind == "field":
            for field in re.findall(
                r'\["(\w+)", "(?:text|keys|number|numbers|choice|check|json|lines|table)", ', table
            ):
                assert f"field.{name}.{field}" in keys
        elif "variants" in table:
            inside = table[table.index("variants") : table.index("more") if "more" in table else None]
            for variant in re.findall(r"(?:^|[{,]\s*)(\w+): \[\[", inside):
                assert f"variant.{name}.{variant}" in keys


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
