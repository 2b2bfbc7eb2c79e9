"""The few words of JSON Schema in which Piggy's contracts are written."""

from typing import Literal

from pydantic import JsonValue

from ..contract import JsonObject

TEXT: JsonObject = {"type": "string"}
WHOLE: JsonObject = {"type": "integer"}
NUMBER: JsonObject = {"type": "number"}
FLAG: JsonObject = {"type": "boolean"}
ID: JsonObject = {"type": "string", "minLength": 1}
MOMENT: JsonObject = {"type": "string", "minLength": 1}
ANYTHING: JsonObject = {}
OPEN_RECORD: JsonObject = {"type": "object", "additionalProperties": True}
"""A record whose keys differ from account to account."""
ATTRIBUTES: JsonObject = {
    "anyOf": [OPEN_RECORD, {"type": "array", "maxItems": 0}],
    "description": "Custom attributes by name; PHP writes none of them as an empty list.",
}

UUID: JsonObject = {
    "type": "string",
    "minLength": 1,
    "maxLength": 100,
    "pattern": "^[A-Za-z0-9][A-Za-z0-9_-]*$",
}
"""A uuid as an argument: narrow enough to stand in a path."""
EMAIL: JsonObject = {
    "type": "string",
    "format": "email",
    "maxLength": 254,
    "pattern": "^[^@\\s]+@[^@\\s]+$",
}
DATE: JsonObject = {
    "type": "string",
    "maxLength": 40,
    "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}",
    "description": "A date or moment in ISO 8601.",
}
PAGE: JsonObject = {"type": "integer", "minimum": 1, "maximum": 1_000_000}


def words(longest: int = 255, description: str = "") -> JsonObject:
    """Return the schema of a text argument that is not empty."""
    schema: JsonObject = {"type": "string", "minLength": 1, "maxLength": longest}
    return schema | {"description": description} if description else schema


def whole(lowest: int, highest: int, description: str = "") -> JsonObject:
    """Return the schema of a whole number between two bounds."""
    schema: JsonObject = {"type": "integer", "minimum": lowest, "maximum": highest}
    return schema | {"description": description} if description else schema


def one_of(*choices: str) -> JsonObject:
    """Return the schema of a closed set of words."""
    options: list[JsonValue] = list(choices)
    return {"type": "string", "enum": options}


def nullable(kind: Literal["string", "integer", "number", "object", "boolean"]) -> JsonObject:
    """Return the schema of a value that may be null."""
    return {"type": [kind, "null"]}


def list_of(item: JsonObject) -> JsonObject:
    """Return the schema of a list."""
    return {"type": "array", "items": item}


def record(required: str, fields: JsonObject, *, is_spread: bool = False) -> JsonObject:
    """Return the schema of a record in an answer; `required` names its sure fields, parted by spaces.

    A spread record has custom attributes beside its own fields, so an extra key may be anything there.
    Elsewhere an extra key is allowed too, since vendors add fields, but nothing is said about it.
    """
    names: list[JsonValue] = list(required.split())
    schema: JsonObject = {"type": "object", "required": names, "properties": fields}
    return schema | {"additionalProperties": True} if is_spread else schema


def arguments(
    required: str = "", fields: JsonObject | None = None, *, extra: JsonObject | None = None
) -> JsonObject:
    """Return the schema of a call's arguments; `extra` is the schema of attributes that stand beside them."""
    names: list[JsonValue] = list(required.split())
    return {
        "type": "object",
        "required": names,
        "properties": fields or {},
        "additionalProperties": False if extra is None else extra,
    }
