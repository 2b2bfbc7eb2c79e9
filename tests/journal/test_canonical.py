"""The canonical form: equal values and only those have equal text."""

import math
from decimal import Decimal

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mendflow.journal.canonical import canonical, digest, first_difference
from pydantic import JsonValue

_NUMBERS = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
_SCALARS = st.none() | st.booleans() | _NUMBERS | _TEXTS
VALUES: st.SearchStrategy[JsonValue] = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXTS, inner, max_size=4),
    max_leaves=12,
)


def _meaning(value: JsonValue) -> object:
    """Return what two equal values have in common, with numbers as the decimals that people read."""
    match value:
        case bool() | None | str():
            return (type(value).__name__, value)
        case int() | float():
            return ("number", Decimal(repr(value)))
        case list():
            return ("list", tuple(_meaning(item) for item in value))
        case dict():
            return ("object", frozenset((name, _meaning(item)) for name, item in value.items()))


@given(VALUES, VALUES)
def test_equal_values_and_only_those_have_equal_text(one: JsonValue, other: JsonValue) -> None:
    """Text is equal exactly when the values mean the same."""
    assert (canonical(one) == canonical(other)) == (_meaning(one) == _meaning(other))


@given(VALUES)
def test_the_text_is_the_value(value: JsonValue) -> None:
    """The canonical text reads back as a value with the same meaning, and is stable."""
    back = orjson.loads(canonical(value))
    assert canonical(back) == canonical(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (10, "10"),
        (10.0, "10"),
        (1.5e1, "15"),
        (-0.0, "0"),
        (0.1, "0.1"),
        (1e-7, "0.0000001"),
        (1e22, "10000000000000000000000"),
        (2**70, "1180591620717411303424"),
        ({"b": 1, "a": [True, None, "é"]}, '{"a":[true,null,"é"],"b":1}'),
    ],
)
def test_how_values_are_written(value: JsonValue, text: str) -> None:
    """Keys are sorted, numbers are plain decimals, nothing is escaped without need."""
    assert canonical(value) == text


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_refused(value: float) -> None:
    """NaN and infinities have no canonical form, wherever they stand."""
    with pytest.raises(ValueError, match="no canonical form"):
        digest({"deep": [value]})


@given(VALUES, VALUES)
def test_a_difference_is_found_exactly_where_there_is_one(one: JsonValue, other: JsonValue) -> None:
    """There is no first difference exactly when the canonical texts are equal."""
    assert (first_difference(one, other) is None) == (canonical(one) == canonical(other))


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ({"a": 1, "b": {"c": [1, 2]}}, {"a": 1.0, "b": {"c": [1, 3]}}, ("b.c[1]", 2, 3)),
        ({"b": 1, "a": 1}, {"b": 2, "a": 2}, ("a", 1, 2)),
        ({"a": [1]}, {"a": [1, 2]}, ("a", [1], [1, 2])),
        ({"a": None}, {}, ("a", None, None)),
        ({}, {"x": {"y": 1}}, ("x", None, {"y": 1})),
        (1, True, ("", 1, True)),
    ],
)
def test_the_first_difference_is_named(
    old: JsonValue, new: JsonValue, found: tuple[str, JsonValue, JsonValue]
) -> None:
    """The path leads to the first field in key order, with both values."""
    assert first_difference(old, new) == found
