"""Is an answer what the contract promises, may these arguments leave, and if not: what exactly differs."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Literal, assert_never

import jsonschema_rs
from pydantic import JsonValue

from ..connectors.contract import JsonObject, ToolSpec
from .shape import admits, items_of, kind_of, kinds_of, properties_of, required_of
from .verdict import Fault

MOST_DIFFERENCES = 50
MOST_COMPILED = 4096


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where a value is not what the contract says. Names and types only, never a payload."""

    path: str
    """Like `contact.cards[].uuid`; empty for the value itself."""
    change: Literal["missing", "unexpected", "retyped", "nulled", "invalid"]
    """`unexpected` breaks nothing: vendors add fields. `invalid` is any other broken rule of the schema."""
    expected: str = ""
    found: str = ""

    def __str__(self) -> str:
        place = f"`{self.path}`" if self.path else "the whole"
        match self.change:
            case "missing" | "unexpected":
                return f"{place} is {self.change}"
            case "invalid":
                return f"{place} breaks the rule {self.expected}"
            case "retyped" | "nulled":
                return f"{place} should be {self.expected} and is {self.found}"
            case never:
                assert_never(never)


_compiled: dict[tuple[int, bool], tuple[JsonObject, jsonschema_rs.Validator]] = {}


def fits(schema: JsonObject, output: JsonValue) -> bool:
    """Tell whether the output keeps the contract. Fields that the contract does not know are welcome."""
    return _is_valid(_validator(schema, strict=False), output)


def compare(schema: JsonObject, output: JsonValue) -> tuple[Difference, ...]:
    """Return how the output differs from the contract, additions included; at most `MOST_DIFFERENCES`."""
    return _differences(schema, output, _validator(schema, strict=False))


def check_arguments(spec: ToolSpec, arguments: JsonObject) -> Fault | None:
    """Return what is wrong with the arguments of a call, or None when they may leave."""
    validator = _validator(spec.parameters, strict=True)
    if _is_valid(validator, arguments):
        return None
    differences = _differences(spec.parameters, arguments, validator)
    said = "; ".join(str(difference) for difference in differences[:3])
    return Fault(
        kind="invalid_arguments",
        detail=f"`{spec.operation}` cannot be called like this: {said}",
        evidence=evidence_of(differences),
    )


def evidence_of(differences: Iterable[Difference]) -> JsonObject:
    """Return differences as the evidence of a fault."""
    return {"differences": [_plain(one) for one in differences]}


def _plain(difference: Difference) -> JsonObject:
    words = {"expected": difference.expected, "found": difference.found}
    said: JsonObject = {name: word for name, word in words.items() if word}
    return {"path": difference.path, "change": difference.change, **said}


def _differences(
    schema: JsonObject, value: JsonValue, validator: jsonschema_rs.Validator
) -> tuple[Difference, ...]:
    walked = tuple(islice(dict.fromkeys(_walk(schema, value, "")), MOST_DIFFERENCES))
    broken = _broken_rules(schema, value, validator, frozenset(map(_rule_of, walked)))
    return tuple(islice(dict.fromkeys(chain(walked, broken)), MOST_DIFFERENCES))


def _rule_of(walked: Difference) -> tuple[str, str]:
    """Return the keyword, and the path at which the validator says the same as our walk."""
    parent = walked.path.rpartition(".")[0]
    match walked.change:
        case "missing":
            return "required", parent
        case "unexpected":
            return "additionalProperties", parent
        case _:
            return "type", walked.path


def _walk(schema: JsonObject, value: JsonValue, path: str) -> Iterator[Difference]:
    if not admits(schema, value):
        change: Literal["nulled", "retyped"] = "nulled" if value is None else "retyped"
        yield Difference(
            path=path, change=change, expected=" or ".join(kinds_of(schema)), found=kind_of(value)
        )
        return
    if isinstance(value, list):
        items = items_of(schema)
        for item in value:
            yield from _walk(items, item, f"{path}[]")
    if isinstance(value, dict):
        yield from _walk_fields(schema, value, f"{path}." if path else "")


def _walk_fields(schema: JsonObject, value: JsonObject, prefix: str) -> Iterator[Difference]:
    declared = properties_of(schema)
    for name in required_of(schema):
        if name not in value:
            yield Difference(path=prefix + name, change="missing")
    for name, inner in value.items():
        if name in declared:
            yield from _walk(declared[name], inner, prefix + name)
        elif schema.get("additionalProperties") is False:
            yield Difference(path=prefix + name, change="unexpected")


def _broken_rules(
    schema: JsonObject,
    value: JsonValue,
    validator: jsonschema_rs.Validator,
    walked: frozenset[tuple[str, str]],
) -> Iterator[Difference]:
    """Name the broken rules that our own walk does not know, such as `enum`, `maximum` and `anyOf`."""
    try:
        for error in validator.iter_errors(value):
            parts = ("[]" if isinstance(part, int) else f".{part}" for part in error.instance_path)
            path = "".join(parts).removeprefix(".")
            if (error.kind.name, path) not in walked:
                yield Difference(path=path, change="invalid", expected=_rule_at(schema, error.schema_path))
    except ValueError:  # lone surrogates: the validator cannot look at them
        yield Difference(path="", change="invalid", expected="text is Unicode")


def _rule_at(schema: JsonObject, schema_path: Sequence[str | int]) -> str:
    """Write a broken rule as the schema has it, when it is short."""
    rule: JsonValue = schema
    for part in schema_path:
        if isinstance(rule, dict):
            rule = rule.get(str(part))
        elif isinstance(rule, list) and isinstance(part, int):
            rule = rule[part]
    words = f": {rule}" if isinstance(rule, str | int | float) else ""
    return f"`{schema_path[-1]}{words}`" if schema_path else "`false`"


def _is_valid(validator: jsonschema_rs.Validator, value: JsonValue) -> bool:
    try:
        return validator.is_valid(value)
    except ValueError:  # lone surrogates, which a strict decoder would have refused
        return False


def _validator(schema: JsonObject, *, strict: bool) -> jsonschema_rs.Validator:
    """Compile once per schema. The cache keeps the schema itself, so that its identity stays its own."""
    key = (id(schema), strict)
    known = _compiled.get(key)
    if known is not None:
        return known[1]
    if len(_compiled) >= MOST_COMPILED:
        _compiled.clear()
    # Formats bind what we send; in answers they are annotations, for the vendor writes dates in several ways.
    rule = schema if strict else _opened(schema)
    compiled = jsonschema_rs.validator_for(rule, validate_formats=strict, offline=True)
    _compiled[key] = (schema, compiled)
    return compiled


def _opened(schema: JsonObject) -> JsonObject:
    """Return the schema without its bans on unknown fields."""
    return {
        name: _opened_value(rule)
        for name, rule in schema.items()
        if not (name in ("additionalProperties", "unevaluatedProperties") and rule is False)
    }


def _opened_value(value: JsonValue) -> JsonValue:
    match value:
        case dict():
            return _opened(value)
        case list():
            return [_opened_value(item) for item in value]
        case _:
            return value
