"""Placeholders in texts of a bindings file: `{gesture}` and other fields of the event, `${NAME}` of the
environment for what must not stand in a file.
"""

import os
import re
from collections.abc import Iterator
from typing import Any

from handflow.errors import ActionError
from handflow.types import GestureEvent, event_document

FIELDS = ("gesture", "score", "hand", "track", "onset", "offset", "time", "frame")

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_ANY = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}|\{(" + "|".join(FIELDS) + r")\}")


def filled(value: Any, event: GestureEvent) -> Any:
    """The value with placeholders filled in, in texts however deep; a text that is one field keeps its type.

    Raises:
        ActionError: a variable of the environment is not set.

    Example:
        >>> event = GestureEvent("wave", 0.93, "right", 1, 0.2, 0.9, 1.0, 30)
        >>> filled({"text": "{gesture}!", "score": "{score}", "css": "{color}"}, event)
        {'text': 'wave!', 'score': 0.93, 'css': '{color}'}
    """
    if isinstance(value, dict):
        return {key: filled(inner, event) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [filled(inner, event) for inner in value]
    if not isinstance(value, str):
        return value
    fields = event_document(event)
    whole = _ANY.fullmatch(value)
    if whole and whole[2]:
        return fields[whole[2]]
    return _ANY.sub(lambda m: _variable(m[1]) if m[1] else str(fields[m[2]]), value)


def from_environment(text: str | None) -> str | None:
    """The text with variables of the environment filled in; of no event.

    Raises:
        ActionError: a variable is not set.
    """
    return None if text is None else _VARIABLE.sub(lambda m: _variable(m[1]), text)


def variables(value: Any) -> Iterator[str]:
    """Names of variables of the environment in texts of the value, however deep."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for inner in value:
            yield from variables(inner)
    elif isinstance(value, str):
        yield from _VARIABLE.findall(value)


def has_fields(value: Any) -> bool:
    """Whether fields of the event stand in texts of the value, so that it is not known before one comes."""
    if isinstance(value, list | tuple):
        return any(has_fields(inner) for inner in value)
    return isinstance(value, str) and any(found[2] for found in _ANY.finditer(value))


def unset_variables(value: Any) -> Iterator[str]:
    """Names of variables in texts of the value, however deep, that the environment does not have."""
    yield from (name for name in variables(value) if name not in os.environ)


def unset_problems(value: Any) -> Iterator[str]:
    """A line with the remedy for each variable in texts of the value that the environment does not have."""
    for name in dict.fromkeys(unset_variables(value)):
        yield f"the environment variable {name} is not set: export {name}=…"


def hidden(text: str, value: Any) -> str:
    """The text, e.g. an error, with `${NAME}` again for what variables that the value names hold.

    Contents of less than four characters stay: they would be found everywhere.
    """
    for name in variables(value):
        secret = os.environ.get(name, "")
        if len(secret) >= 4:
            text = text.replace(secret, f"${{{name}}}")
    return text


def _variable(name: str) -> str:
    value = os.environ.get(name)
    if value is None:
        raise ActionError(f"the environment variable {name} is not set: export {name}=…, then start again")
    return value
