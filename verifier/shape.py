"""The few words of JSON Schema that we walk ourselves; whether a value is valid, a real validator says."""

from typing import Literal

from pydantic import JsonValue

from ..connectors.contract import JsonObject

Kind = Literal["null", "boolean", "integer", "number", "string", "array", "object"]


def kind_of(value: JsonValue) -> Kind:
    """Name the JSON type of a value; a whole float is an integer, as JSON Schema has it."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "integer" if value.is_integer() else "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"


def kinds_of(schema: JsonObject) -> tuple[str, ...]:
    """Return the types that a schema names; none when it leaves them open."""
    match schema.get("type"):
        case str(word):
            return (word,)
        case list(words):
            return tuple(str(word) for word in words)
        case _:
            return ()


def admits(schema: JsonObject, value: JsonValue) -> bool:
    """Tell whether the type of the value is one that the schema names."""
    kinds, kind = kinds_of(schema), kind_of(value)
    return not kinds or kind in kinds or (kind == "integer" and "number" in kinds)


def properties_of(schema: JsonObject) -> dict[str, JsonObject]:
    """Return the declared fields of an object schema; one declared `true` or `false` has an open schema."""
    return {name: _as_object(rule) for name, rule in _as_object(schema.get("properties")).items()}


def required_of(schema: JsonObject) -> tuple[str, ...]:
    """Return the fields that must be there."""
    required = schema.get("required")
    return tuple(str(name) for name in required) if isinstance(required, list) else ()


def when_there(schema: JsonObject) -> JsonObject:
    """Return the schema of a value that is not null, where `anyOf` offers one beside null; else the schema itself."""
    options = schema.get("anyOf")
    if not isinstance(options, list):
        return schema
    others = [one for one in options if one != {"type": "null"}]
    return _as_object(others[0]) if len(others) == 1 else schema


def items_of(schema: JsonObject) -> JsonObject:
    """Return the schema of a list's items; an open one where none is declared."""
    return _as_object(schema.get("items"))


def _as_object(value: JsonValue) -> JsonObject:
    return value if isinstance(value, dict) else {}
