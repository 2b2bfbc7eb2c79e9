"""The one canonical form of JSON, its digest, and the first place where two values differ."""

import hashlib
from decimal import Decimal
from math import isfinite

import orjson
from pydantic import JsonValue


def canonical(value: JsonValue) -> str:
    """Return `value` as text that is equal for equal values: sorted keys, numbers as plain decimals.

    A float is written by its shortest repr as a decimal, so 10, 10.0 and 1e1 are one value and no binary
    fraction shows. Raises ValueError for NaN and infinities.
    """
    match value:
        case None | bool() | str():
            return orjson.dumps(value).decode()
        case int():
            return str(value)
        case float():
            return _number(value)
        case list():
            return "[" + ",".join(canonical(item) for item in value) + "]"
        case dict():
            fields = (f"{orjson.dumps(key).decode()}:{canonical(value[key])}" for key in sorted(value))
            return "{" + ",".join(fields) + "}"


def _number(value: float) -> str:
    if not isfinite(value):
        raise ValueError("NaN and infinities have no canonical form")
    number = Decimal(repr(value))
    whole = number.to_integral_value()
    return str(int(whole)) if number == whole else f"{number.normalize():f}"


def digest(value: JsonValue) -> str:
    """Return the SHA-256 of the canonical form, in hex."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def first_difference(
    old: JsonValue, new: JsonValue, path: str = ""
) -> tuple[str, JsonValue, JsonValue] | None:
    """Return (path, old, new) of the first field that differs, in key order; None for equal values."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            here = f"{path}.{key}" if path else key
            found = first_difference(old.get(key), new.get(key), here)
            if found:
                return found
            if (key in old) != (key in new):  # null on one side, absent on the other
                return here, old.get(key), new.get(key)
        return None
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (before, after) in enumerate(zip(old, new, strict=True)):
            found = first_difference(before, after, f"{path}[{index}]")
            if found:
                return found
        return None
    return None if canonical(old) == canonical(new) else (path, old, new)
