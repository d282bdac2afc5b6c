"""What goes over the network: texts and JSON with placeholders in them."""

import json
from typing import Annotated, Any

from pydantic import AfterValidator

from handflow.act.placeholders import filled
from handflow.types import GestureEvent, event_document


def _checked(value: Any) -> Any:
    try:
        json.dumps(value, allow_nan=False)
    except TypeError as error:
        raise ValueError("JSON knows no dates and times: write them as texts, in quotes") from error
    except ValueError as error:
        raise ValueError("JSON knows no nan and inf") from error
    return value


JsonValue = Annotated[Any, AfterValidator(_checked)]
"""A value of a bindings file that can be written as JSON."""


def json_text(value: JsonValue, event: GestureEvent) -> str:
    """The value as JSON with placeholders filled in; None: the whole event.

    Raises:
        ActionError: a variable of the environment is not set.

    Example:
        >>> event = GestureEvent("wave", 0.93, "right", 1, 0.2, None, 1.0, 30)
        >>> json_text({"scene": "{gesture}", "brightness": "{score}"}, event)
        '{"scene": "wave", "brightness": 0.93}'
    """
    return json.dumps(event_document(event) if value is None else filled(value, event), ensure_ascii=False)


def plain_text(value: JsonValue, event: GestureEvent) -> str:
    """A text as it is with placeholders filled in, anything else as JSON; None: the whole event.

    Raises:
        ActionError: a variable of the environment is not set.

    Example:
        >>> event = GestureEvent("wave", 0.93, "right", 1, 0.2, None, 1.0, 30)
        >>> plain_text("{gesture}!", event), plain_text("{score}", event), plain_text(["{hand}"], event)
        ('wave!', '0.93', '["right"]')
    """
    if isinstance(value, str):
        value = filled(value, event)
        return value if isinstance(value, str) else json.dumps(value)
    return json_text(value, event)
