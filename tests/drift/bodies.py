"""Answers made from the contracts of the catalogue, and every way in which one may drift."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from mendflow.connectors.contract import JsonObject
from mendflow.connectors.piggy.operations import TOOLS
from mendflow.verifier.shape import items_of, kinds_of, properties_of, required_of, when_there
from pydantic import JsonValue

Kind = Literal[
    "restyled",  # every name in another style: meaning kept
    "rewritten",  # an id or a count as text, a word in other letters: meaning kept
    "wrapped",  # the whole in another envelope: meaning kept
    "unwrapped",  # the whole without its envelope: meaning kept
    "added",  # a field more: meaning kept
    "renamed",  # another word for a field: nothing proves it
    "moved",  # one field into an envelope of its own: nothing proves it
    "dropped",  # a field is gone
    "nulled",  # a field is null
    "retyped",  # a field of another type
    "grown",  # a word that the contract's list of words lacks
    "doubled",  # two candidates for one field
    "wrapped twice",  # two places hold the whole
    "swapped",  # two fields of one type exchanged their values: no single answer shows it
    "other unit",  # a number a hundred times as large: no single answer shows it
]
SAFE: frozenset[Kind] = frozenset({"restyled", "rewritten", "wrapped", "unwrapped", "added"})
"""Those after which every value still says what it said."""
_COUNTS = ("id", "quantity", "times_redeemed", "redemptions_remaining", "limit_per_contact")
"""Whole numbers of the catalogue that are neither money nor a unit."""


@dataclass(frozen=True, slots=True)
class Drifted:
    """One answer that has drifted."""

    operation: str
    kind: Kind
    field: str
    original: JsonValue
    """The output before."""
    body: JsonValue
    """The envelope afterwards."""


def example(schema: JsonObject, name: str = "value") -> JsonValue:
    """Return a value that keeps a contract: every declared field is there, and none is null."""
    choices = schema.get("enum")
    if isinstance(choices, list):
        return choices[0]
    options = schema.get("anyOf")
    if isinstance(options, list):
        return example(options[0], name) if isinstance(options[0], dict) else None
    kinds = [kind for kind in kinds_of(schema) if kind != "null"] or ["object"]
    match kinds[0]:
        case "object":
            return {inner: example(rule, inner) for inner, rule in properties_of(schema).items()}
        case "array":
            return [example(items_of(schema), name), example(items_of(schema), name)]
        case "string":
            return f"{name} of it"
        case "boolean":
            return True
        case _:
            return 40 + len(name)


def contracts() -> Iterator[tuple[str, JsonObject]]:
    """Yield the answer contracts of the catalogue that describe a record or a list of records."""
    for operation, spec in TOOLS.items():
        core = items_of(spec.answer) if "array" in kinds_of(spec.answer) else spec.answer
        if properties_of(core):
            yield operation, spec.answer


def drifted() -> Iterator[Drifted]:
    """Yield every answer of the catalogue in every way of drifting."""
    for operation, schema in contracts():
        is_list = "array" in kinds_of(schema)
        core = items_of(schema) if is_list else schema
        record = example(core)
        if not isinstance(record, dict):
            continue

        def whole(one: JsonValue, *, is_list: bool = is_list) -> JsonValue:
            return [one, one] if is_list else one

        original = whole(record)
        for kind, field, output in _records(core, record):
            yield Drifted(operation, kind, field, original, {"data": whole(output), "meta": {}})
        yield Drifted(operation, "wrapped", "", original, {"data": {"result": original}, "meta": {}})
        yield Drifted(operation, "wrapped twice", "", original, {"one": original, "two": original})
        yield Drifted(operation, "unwrapped", "", original, original)


def _records(core: JsonObject, record: JsonObject) -> Iterator[tuple[Kind, str, JsonValue]]:
    yield "added", "colour", {**record, "colour": "red"}
    for style in (_camel, _pascal, _kebab):
        yield "restyled", style.__name__, _restyled(record, style)
    for path, schema, inner, whole in _objects(core, record):
        for kind, name, changed in _changed(schema, inner):
            yield kind, f"{path}{name}", whole(changed)


def _objects(
    schema: JsonObject,
    record: JsonObject,
    path: str = "",
    whole: Callable[[JsonValue], JsonValue] = lambda one: one,
) -> Iterator[tuple[str, JsonObject, JsonObject, Callable[[JsonValue], JsonValue]]]:
    """Yield each object of a record with its contract and its place: the record itself, what is in it, in its lists."""
    yield path, schema, record, whole
    for name, rule in properties_of(schema).items():
        value, is_list = record.get(name), "array" in kinds_of(rule)
        core, inner = (items_of(rule), value[0]) if is_list and isinstance(value, list) else (rule, value)
        core = when_there(core)
        if not isinstance(inner, dict) or not properties_of(core):
            continue

        def put(changed: JsonValue, *, name: str = name, is_list: bool = is_list) -> JsonValue:
            return whole({**record, name: [changed, changed] if is_list else changed})

        yield from _objects(core, inner, f"{path}{name}.", put)


def _changed(schema: JsonObject, record: JsonObject) -> Iterator[tuple[Kind, str, JsonValue]]:
    """Yield one object in each way of drifting that concerns one of its fields."""
    for name in required_of(schema):
        rest = {other: value for other, value in record.items() if other != name}
        rule, value = properties_of(schema)[name], record[name]
        yield "renamed", name, {**rest, f"{name}_in_cents": value}
        yield "renamed", name, {**rest, f"total_{name}": value}
        yield "renamed", name, {**rest, "thing": value}
        yield "moved", name, {**rest, "more": {name: value}}
        yield "dropped", name, rest
        yield "nulled", name, {**record, name: None}
        yield "retyped", name, {**record, name: _retyped(value)}
        yield "doubled", name, {**rest, name.upper(): value, f"_{name}": value, name.title(): value}
        if isinstance(rule.get("enum"), list):
            yield "grown", name, {**record, name: "SOMETHING_NEW"}
    for name, rule in properties_of(schema).items():
        value = record[name]
        if isinstance(rule.get("enum"), list) and isinstance(value, str):
            yield "rewritten", name, {**record, name: value.swapcase()}
        if name in _COUNTS and isinstance(value, int):
            yield "rewritten", name, {**record, name: str(value)}
    yield from _invisible(record)


def _invisible(record: JsonObject) -> Iterator[tuple[Kind, str, JsonValue]]:
    """Yield what changes the meaning and keeps the shape."""
    numbers = [name for name, value in record.items() if type(value) is int]
    texts = [name for name, value in record.items() if isinstance(value, str)]
    for names in (numbers, texts):
        for one, other in pairwise(names):
            yield "swapped", f"{one}, {other}", {**record, one: record[other], other: record[one]}
    for name in numbers:
        value = record[name]
        yield "other unit", name, {**record, name: 100 * value if isinstance(value, int) else value}


def _restyled(value: JsonValue, style: Callable[[str], str]) -> JsonValue:
    match value:
        case dict():
            return {style(name): _restyled(inner, style) for name, inner in value.items()}
        case list():
            return [_restyled(inner, style) for inner in value]
        case _:
            return value


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


def _pascal(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))


def _kebab(name: str) -> str:
    return name.replace("_", "-")


def _retyped(value: JsonValue) -> JsonValue:
    change: Callable[[JsonValue], JsonValue] = {
        str: lambda _: 7,
        int: lambda one: f"{one}.5",
        bool: lambda _: "yes",
    }.get(type(value), lambda one: [one] if isinstance(one, dict) else {"0": one})
    return change(value)
