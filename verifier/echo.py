"""What a success must repeat: the echoed arguments, and our marker."""

from collections.abc import Mapping
from decimal import Decimal

from pydantic import JsonValue

from ..connectors.contract import MarkerRead, ToolCall, ToolSpec
from .shape import properties_of


def find(value: JsonValue, path: str) -> tuple[JsonValue, ...]:
    """Return what stands at a dotted path as a tuple of one, or an empty tuple when nothing does."""
    for name in path.split("."):
        if not isinstance(value, dict) or name not in value:
            return ()
        value = value[name]
    return (value,)


def is_same(one: JsonValue, other: JsonValue) -> bool:
    """Compare by meaning: 10 equals 10.0, but neither equals `true` or "10"."""
    match one, other:
        case bool(), _:
            return one is other
        case _, bool():
            return False
        case int() | float(), int() | float():
            return _number(one) == _number(other)
        case list(), list():
            return len(one) == len(other) and all(map(is_same, one, other))
        case dict(), dict():
            return one.keys() == other.keys() and all(is_same(one[name], other[name]) for name in one)
        case _:
            return type(one) is type(other) and one == other


def unrepeated(spec: ToolSpec, call: ToolCall, output: JsonValue) -> tuple[str, ...]:
    """Return the arguments of the call that the output does not repeat, although it must."""
    return tuple(
        argument
        for argument, path in _sent(spec.echoes, call).items()
        if not any(is_repeated(spec, call, argument, found) for found in find(output, path))
    )


def contradicted(spec: ToolSpec, call: ToolCall, item: JsonValue) -> tuple[str, ...]:
    """Return the arguments that an item of a listing holds with another value; absent is no contradiction."""
    return tuple(
        argument
        for argument, path in _sent(spec.echoes, call).items()
        for found in find(item, path)
        if found is not None and not is_repeated(spec, call, argument, found)
    )


def is_repeated(spec: ToolSpec, call: ToolCall, argument: str, found: JsonValue) -> bool:
    """Tell whether a value is what was sent as an argument; an address is the same in any case of its letters."""
    sent = call.arguments.get(argument)
    rule = properties_of(spec.parameters).get(argument, {})
    if rule.get("format") == "email" and isinstance(sent, str) and isinstance(found, str):
        return sent.casefold() == found.casefold()
    return is_same(sent, found)


def has_foreign_marker(spec: ToolSpec, call: ToolCall, output: JsonValue) -> bool:
    """Tell whether the output carries a marker that is not ours."""
    if not spec.marker or spec.marker not in call.arguments:
        return False
    confirm = spec.confirm
    paths = (spec.marker, confirm.marker_path) if isinstance(confirm, MarkerRead) else (spec.marker,)
    found = [value for path in paths for value in find(output, path) if value is not None]
    return any(not is_same(value, call.arguments[spec.marker]) for value in found)


def mentions(value: JsonValue, wanted: JsonValue) -> bool:
    """Tell whether a value stands anywhere within another."""
    match value:
        case dict():
            return any(mentions(inner, wanted) for inner in value.values())
        case list():
            return any(mentions(inner, wanted) for inner in value)
        case _:
            return is_same(value, wanted)


def _number(value: float) -> Decimal:
    return Decimal(value) if isinstance(value, int) else Decimal(repr(value))


def _sent(echoes: Mapping[str, str], call: ToolCall) -> dict[str, str]:
    return {argument: path for argument, path in echoes.items() if argument in call.arguments}
