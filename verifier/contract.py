"""Is an answer what the contract promises, may these arguments leave, and if not: what exactly differs."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Literal

import jsonschema_rs
from pydantic import JsonValue

from ..connectors.contract import JsonObject, ToolSpec
from .outline import Difference, outline_of
from .shape import items_of, properties_of
from .verdict import Fault

MOST_DIFFERENCES = 50
MOST_COMPILED = 4096


Use = Literal["sent", "answered", "rest"]
"""`rest`: of an answer, what its outline does not say."""

_compiled: dict[tuple[int, Use], tuple[JsonObject, jsonschema_rs.Validator]] = {}


def fits(schema: JsonObject, output: JsonValue) -> bool:
    """Tell whether the output keeps the contract. Fields that the contract does not know are welcome."""
    return _is_valid(_validator(schema, "answered"), output)


def compare(schema: JsonObject, output: JsonValue) -> tuple[Difference, ...]:
    """Return how the output differs from the contract, additions included; at most `MOST_DIFFERENCES`."""
    return _differences(schema, output, _validator(schema, "answered"))


def check_arguments(spec: ToolSpec, arguments: JsonObject) -> Fault | None:
    """Return what is wrong with the arguments of a call, or None when they may leave."""
    validator = _validator(spec.parameters, "sent")
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
    walked = outline_of(schema).differences(value, MOST_DIFFERENCES)
    if walked and _is_valid(_validator(schema, "rest"), value):
        return tuple(walked)  # naming all that is broken costs much; here the walk has named it
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


def _validator(schema: JsonObject, use: Use) -> jsonschema_rs.Validator:
    """Compile once per schema. The cache keeps the schema itself, so that its identity stays its own."""
    key = (id(schema), use)
    known = _compiled.get(key)
    if known is not None:
        return known[1]
    if len(_compiled) >= MOST_COMPILED:
        _compiled.clear()
    # Formats bind what we send; in answers they are annotations, for the vendor writes dates in several ways.
    is_sent = use == "sent"
    rule = schema if is_sent else _opened(schema)
    rule = _without_outline(rule) if use == "rest" else rule
    compiled = jsonschema_rs.validator_for(rule, validate_formats=is_sent, offline=True)
    _compiled[key] = (schema, compiled)
    return compiled


def _without_outline(schema: JsonObject) -> JsonObject:
    """Return the schema without the types and required fields that the walk looks at."""
    rest = {name: rule for name, rule in schema.items() if name not in ("type", "required")}
    if properties_of(schema):
        fields: JsonObject = {name: _without_outline(rule) for name, rule in properties_of(schema).items()}
        rest["properties"] = fields
    if items_of(schema):
        rest["items"] = _without_outline(items_of(schema))
    return rest


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
