"""The functions that expressions have besides those of CEL. Each refuses what has no plain answer."""

import math
from collections.abc import Callable
from typing import Any


def entries(values: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the keys and values of a map, sorted by key: a map itself has no order."""
    return [{"key": key, "value": values[key]} for key in sorted(values)]


def total(values: list[Any]) -> Any:
    """Return the sum of numbers; whole when all are, and the same in any order."""
    if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        raise ValueError("sum() takes a list of numbers")
    if all(isinstance(value, int) for value in values):
        return sum(values)
    return math.fsum(values)


def least(values: list[Any]) -> Any:
    """Return the smallest of numbers or of texts."""
    return _extreme("min", min, values)


def greatest(values: list[Any]) -> Any:
    """Return the largest of numbers or of texts."""
    return _extreme("max", max, values)


def joined(values: list[Any], between: str) -> str:
    """Return texts put together."""
    if not all(isinstance(value, str) for value in values):
        raise ValueError("join() takes a list of texts")
    return between.join(values)


def _extreme(name: str, pick: Callable[[list[Any]], Any], values: list[Any]) -> Any:
    kinds = {float if isinstance(value, int | float) else type(value) for value in values}
    if len(kinds) != 1 or not kinds <= {float, str}:
        raise ValueError(f"{name}() takes a list of numbers or of texts that is not empty")
    return pick(values)
