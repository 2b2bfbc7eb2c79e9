"""JSON Schema as the language uses it: rules of inputs, contracts of tools, schemas of drafts."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

import jsonschema_rs
import orjson
from pydantic import JsonValue

from ...connectors.contract import JsonObject


@dataclass(frozen=True, slots=True)
class Complaint:
    """Why a value does not fit a schema, and where inside the value."""

    path: tuple[str | int, ...]
    message: str


def flaw_of_schema(schema: JsonValue) -> str:
    """Return what is wrong with a schema itself; empty when nothing is."""
    if not isinstance(schema, dict):
        return "a schema is a JSON object"
    try:
        jsonschema_rs.validator_for(schema, retriever=_refuse)
    except ValueError as error:
        return str(error).partition("\n")[0]
    return ""


def complaints(value: JsonValue, schema: JsonObject, *, mask: str = "") -> Iterator[Complaint]:
    """Yield why the value does not fit; `mask` stands for the value in the messages."""
    validator = jsonschema_rs.validator_for(
        schema, validate_formats=True, retriever=_refuse, mask=mask or None
    )
    for error in validator.iter_errors(value):
        yield Complaint(tuple(error.instance_path), error.message)


def settled(value: JsonValue, rule: JsonObject) -> JsonValue:
    """Return a number in the one form of its declared type: integers without fraction, numbers with one."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    if rule.get("type") == "number":
        return float(value)
    if rule.get("type") == "integer" and isinstance(value, float) and value.is_integer():
        return int(value)
    return value


UNPLAIN = "it holds a number beyond 64 bit, or a sign that is no Unicode"


def is_plain(value: JsonValue) -> bool:
    """Tell whether a value can be written as JSON: whole numbers within 64 bit, texts without lone surrogates."""
    try:
        orjson.dumps(value)
    except TypeError:  # what orjson raises for all that it cannot write
        return False
    return True


def _refuse(address: str) -> NoReturn:
    """Keep schemas from fetching others over the network."""
    raise ValueError(f"the schema refers to {address}, and other documents are not fetched")
