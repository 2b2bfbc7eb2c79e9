"""Request bodies: JSON, urlencoded and multipart forms, and PHP's brackets in names."""

import re
from collections.abc import Iterable
from email import message_from_bytes
from urllib.parse import parse_qsl

import orjson
from pydantic import JsonValue

from ..contract import JsonObject
from .refusals import INVALID_INPUT, Refusal

_INTEGERS = frozenset(
    {
        "credits",
        "quantity",
        "number_of_people",
        "prepaid_amount",
        "amount_in_cents",
        "transaction_id",
        "terminal_id",
        "limit",
        "page",
    }
)
_DECIMALS = frozenset({"unit_value"})
_BRACKETS = re.compile(r"\[([^\[\]]*)\]")
_DEEPEST = 5


def read_body(content_type: str, body: bytes) -> JsonObject:
    """Return the arguments in a body, or refuse (1003). Numbers in JSON must be numbers (inference)."""
    if not body.strip():
        return {}
    match content_type.partition(";")[0].strip().lower():
        case "application/x-www-form-urlencoded":
            text = body.decode("utf-8", "replace")
            return read_fields(parse_qsl(text, keep_blank_values=True))
        case "multipart/form-data":
            return read_fields(_parts(content_type, body))
    try:
        decoded: JsonValue = orjson.loads(body)
    except orjson.JSONDecodeError:
        decoded = None
    if not isinstance(decoded, dict):
        raise Refusal(INVALID_INPUT, {"body": "The body must be a JSON object."})
    return decoded


def read_fields(pairs: Iterable[tuple[str, str]]) -> JsonObject:
    """Return the arguments in the fields of a form or a query; numbers are told by the name of the field."""
    root: JsonObject = {}
    for name, text in pairs:
        head, _, tail = name.partition("[")
        keys = [head, *_BRACKETS.findall(f"[{tail}" if tail else "")][:_DEEPEST]
        _place(root, keys, _typed(head, text) if len(keys) == 1 else text)
    return {name: _listed(value) for name, value in root.items()}


def _place(node: JsonObject, keys: list[str], value: JsonValue) -> None:
    for key in keys[:-1]:
        below = node.get(key)
        if not isinstance(below, dict):
            below = {}
            node[key] = below
        node = below
    last = keys[-1]
    node[last if last or len(keys) == 1 else str(len(node))] = value


def _listed(value: JsonValue) -> JsonValue:
    """Turn objects whose keys count from zero into lists, as PHP has no other lists."""
    if not isinstance(value, dict):
        return value
    below: dict[str, JsonValue] = {key: _listed(item) for key, item in value.items()}
    if list(below) == [str(index) for index in range(len(below))]:
        return list(below.values())
    return below


def _typed(name: str, text: str) -> JsonValue:
    try:
        if name in _INTEGERS:
            return int(text)
        if name in _DECIMALS and not text.lower().strip("+-").startswith(("nan", "inf")):
            return float(text)
    except ValueError:
        return text
    return text


def _parts(content_type: str, body: bytes) -> list[tuple[str, str]]:
    message = message_from_bytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body)
    if not message.is_multipart():
        return []
    fields: list[tuple[str, str]] = []
    for part in message.walk():
        name = part.get_param("name", header="content-disposition")
        payload = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(payload, bytes):
            fields.append((name, payload.decode("utf-8", "replace")))
    return fields
