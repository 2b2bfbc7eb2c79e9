"""How a drift fault changes the data of an answer. Pure; the data that goes in stays as it is."""

import math
import re
from collections.abc import Callable

from pydantic import JsonValue

from ..contract import JsonObject
from .faults import FaultOrder

_SNAKE = re.compile(r"(?<=.)_([a-z0-9])")


def distort(order: FaultOrder, data: JsonValue) -> JsonValue:
    """Return the drifted data; equal to `data` when the order finds nothing to spoil, or is no drift."""
    match order.kind:
        case "drift_wrap":
            return {"result": data}
        case "drift_rename" if order.detail:
            old, _, new = order.detail.partition("=")
            return _each_object(data, lambda found: _rename(found, old, new))
        case "drift_rename":
            return _each_object(data, _camel)
        case "drift_retype":
            return _each_object(data, lambda found: _replace(found, order.detail, _retype))
        case "drift_null":
            return _each_object(data, lambda found: _replace(found, order.detail, _erase))
        case _:
            return data


def _each_object(value: JsonValue, change: Callable[[JsonObject], JsonObject]) -> JsonValue:
    if isinstance(value, list):
        return [_each_object(item, change) for item in value]
    if isinstance(value, dict):
        return change({key: _each_object(item, change) for key, item in value.items()})
    return value


def _rename(found: JsonObject, old: str, new: str) -> JsonObject:
    if new in found:
        return found  # a name that is taken cannot be given again
    return {new if key == old else key: value for key, value in found.items()}


def _camel(found: JsonObject) -> JsonObject:
    return {_SNAKE.sub(lambda match: match[1].upper(), key): value for key, value in found.items()}


def _replace(found: JsonObject, field: str, change: Callable[[JsonValue], JsonValue]) -> JsonObject:
    return {key: change(value) if key == field else value for key, value in found.items()}


def _erase(_: JsonValue) -> JsonValue:
    return None


def _retype(value: JsonValue) -> JsonValue:
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return str(value)
    if not isinstance(value, str):
        return value
    try:
        number = float(value)
    except ValueError:
        return value
    if not math.isfinite(number):
        return value
    return int(value) if re.fullmatch(r"[+-]?\d+", value) else number
