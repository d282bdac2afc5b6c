"""How bindings are written in a file: read as they stand, and written so that comments stay."""

import json
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT

from handflow.act.actions import ACTIONS
from handflow.act.bindings import Binding
from handflow.errors import BindingsError

RUNNING = ("command", "python")
"""Kinds of action that run programs."""
FIELDS = tuple(name for name in Binding.model_fields if name not in ("gesture", "do"))
"""What a binding may say besides its gesture and actions."""

Written = dict[str, Any]
"""A binding as it is written in the file."""


def written(text: str) -> list[Written]:
    """All bindings as they are written; none where the text is no TOML."""
    try:
        each = tomllib.loads(text).get("bindings", [])
    except (tomllib.TOMLDecodeError, RecursionError):
        return []
    return [one for one in each if isinstance(one, dict)] if isinstance(each, list) else []


def editable(text: str) -> tuple[tomlkit.TOMLDocument, Any]:
    """The document and its list of bindings, which is made where there is none.

    Raises:
        BindingsError: it is no TOML, or `bindings` is no list.
    """
    try:
        document = tomlkit.parse(text)
    except TOMLKitError as error:
        raise BindingsError(f"the file is no TOML ({error}): mend it as text") from error
    if "bindings" not in document:
        document["bindings"] = tomlkit.aot()
    each = document["bindings"]
    if not isinstance(each, list):
        raise BindingsError("`bindings` is no list of tables: mend the file as text")
    return document, each


def new_table(document: tomlkit.TOMLDocument, given: Mapping[str, Any]) -> Any:
    """A binding as an item of the document's list, written as its others are."""
    inline = not isinstance(document["bindings"], AoT)
    table: Any = tomlkit.inline_table() if inline else tomlkit.table()
    for key, value in plain(given).items():
        table[key] = actions_item(value) if key == "do" else value
    return table


def actions_item(actions: Sequence[Mapping[str, Any]]) -> Any:
    """A list of actions, each on a line of its own where there are several."""
    array = tomlkit.array()
    for action in actions:
        array.append(_inline(action))
    return array.multiline(len(actions) > 1)


def _inline(value: Any) -> Any:
    """A value with its tables on one line."""
    if isinstance(value, Mapping):
        table = tomlkit.inline_table()
        for key, item in value.items():
            table[key] = _inline(item)
        return table
    return [_inline(item) for item in value] if isinstance(value, list) else value


def plain(given: Mapping[str, Any]) -> Written:
    """A binding as it is to be written: without what is as usual, and actions short where they can be."""
    plain: Written = {"gesture": given.get("gesture", "")}
    for name in FIELDS:
        value = given.get(name)
        if value is not None and value != default(name):
            plain[name] = value
    plain["do"] = [_short(action) for action in given.get("do", [])]
    unknown = set(given) - {"gesture", "do", *FIELDS}
    return {**plain, **{name: given[name] for name in unknown}}  # which validation then refuses by name


def _short(action: Mapping[str, Any]) -> dict[str, Any]:
    return {kind: _short_settings(kind, settings) for kind, settings in action.items()}


def _short_settings(kind: str, settings: Any) -> Any:
    if not isinstance(settings, Mapping):
        return settings
    given = _without_nothing(settings)
    short = _short_field(kind)
    alone = short is not None and set(given) == {short} and not isinstance(given[short], Mapping)
    return given[short] if alone and short is not None else given


def _short_field(kind: str) -> str | None:
    """The setting that `kind = value` sets; None: a table is needed, or nobody knows the kind."""
    return ACTIONS[kind].settings.SHORT if kind in ACTIONS else None


def _without_nothing(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings without those that are not set: TOML knows no null."""
    return {
        key: _without_nothing(value) if isinstance(value, Mapping) else value
        for key, value in settings.items()
        if value is not None
    }


def as_tables(actions: Any) -> list[dict[str, Any]]:
    """Actions as tables, whichever way they are written."""
    told = []
    for action in actions if isinstance(actions, list) else []:
        for kind, settings in action.items() if isinstance(action, dict) else ():
            short = _short_field(kind)
            whole = isinstance(settings, dict) or short is None
            told.append({kind: settings if whole else {short: settings}})
    return told


def default(name: str) -> Any:
    """What a field of a binding is where nothing is written."""
    usual = Binding.model_fields[name].default
    return list(usual) if isinstance(usual, tuple) else usual


def running(written: Sequence[Written]) -> Counter[str]:
    """Bindings with actions that run programs, as they are written."""
    return Counter(
        json.dumps(one, sort_keys=True, default=str)
        for one in written
        if any(kind in RUNNING for action in as_tables(one.get("do")) for kind in action)
    )


def runs_programs(text: str) -> bool:
    """Whether a bindings file has actions that run programs."""
    return bool(running(written(text)))
