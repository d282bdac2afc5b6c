"""The JSON schema of a bindings file: editors complete and check by it."""

from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from handflow.act.actions import ACTIONS
from handflow.act.bindings import Bindings


def bindings_schema() -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of a bindings file."""
    schema = Bindings.model_json_schema()
    schema["$schema"] = GenerateJsonSchema.schema_dialect
    schema["title"] = "handflow bindings"
    definitions = schema["$defs"]
    definitions["Binding"]["properties"]["do"]["items"] = {"$ref": "#/$defs/Action"}
    kinds: dict[str, Any] = {}
    for name, kind in ACTIONS.items():
        settings = kind.settings.model_json_schema(ref_template="#/$defs/{model}")
        definitions.update(settings.pop("$defs", {}))
        short = kind.settings.SHORT
        if short is not None:
            field = kind.settings.model_fields[short].alias or short
            settings = {"anyOf": [settings["properties"][field], settings]}
        kinds[name] = settings
    definitions["Action"] = {
        "description": "One action: a table with one key, its kind.",
        "type": "object",
        "properties": kinds,
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": False,
    }
    return schema
