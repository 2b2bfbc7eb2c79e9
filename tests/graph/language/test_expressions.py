"""Expressions: what they give, and why they give nothing."""

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mendflow.graph.language.expressions import (
    Check,
    ExpressionFault,
    Flaw,
    Scope,
    check,
    evaluate,
    holds,
    resolve,
)
from mendflow.graph.language.plan import Expression, ListOf, Literally, MapOf, Place, Template
from pydantic import JsonValue

_HERE = Place(file="w.yaml", line=3, column=7)
_SCOPE = Scope(
    inputs={"email": "a@b.c", "n": 3, "m": {"b": 1, "a": [{"z": 1.5}]}, "l": [3, 1, 2]},
    steps={"member": {"output": {"uuid": "u", "big": 2**70}, "status": "done"}},
    names={"item": {"x": 1}, "index": 0},
)


def _cel(text: str) -> Expression:
    return Expression(text=text, place=_HERE)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("inputs.email", "a@b.c"),
        ("inputs.m", {"a": [{"z": 1.5}], "b": 1}),
        ("inputs['email']", "a@b.c"),
        ("steps.member.output.uuid + inputs.email", "ua@b.c"),
        ("steps.member.output.big", 2**70),
        ("steps.member.status == 'done'", True),
        ("item.x + index", 1),
        ("has(item.y) ? item.y : null", None),
        ("inputs.l.filter(i, i > 1).map(i, i * 2)", [6, 4]),
        ("inputs.l.exists(item, item == 3)", True),
        ("entries(inputs.m).map(e, e.key)", ["a", "b"]),
        ("sum(inputs.l)", 6),
        ("sum([0.1, 0.2, 0.3])", 0.6),
        ("[min(inputs.l), max(inputs.l)]", [1, 3]),
        ("lower('ÄB')", "äb"),
        ("join(['a', 'b'], ', ')", "a, b"),
        ("timestamp('2026-01-01T02:00:00+02:00')", "2026-01-01T00:00:00Z"),
        ("timestamp('2026-01-02T00:00:00Z') - timestamp('2026-01-01T00:00:00Z')", "86400s"),
        ("duration('-1500ms')", "-1.5s"),
        ("{'b': 1, 'a': [null, 1u]}", {"a": [None, 1], "b": 1}),
    ],
)
def test_an_expression_gives_plain_json(text: str, value: JsonValue) -> None:
    """Results are plain JSON, times in RFC 3339 and durations in seconds."""
    assert evaluate(_cel(text), _SCOPE) == value


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("item.y", "there is no `y`"),
        ("item.y + 1", "there is no `y`"),
        ("inputs.n.x", "`x` asked of a number"),
        ("steps.later.output", "`steps.later` has no value yet"),
        ("size(steps.later.output)", "`steps.later` has no value yet"),
        ("steps.member.output.big + 1", "a number in it is beyond 64 bits"),
        ("1.0 / 0.0", "the result is not a finite number"),
        ("b'x'", "the result is not a value of JSON"),
        ("{1: 2}", "the result has a key that is not a text"),
        ("sum(['a'])", "sum() takes a list of numbers"),
        ("max([])", "max() takes a list of numbers or of texts that is not empty"),
        ("join([1], '')", "join() takes a list of texts"),
        (
            "inputs.m.map(k, k)",
            "a comprehension goes over something that is not a list; for a map write `entries(m)`",
        ),
        (
            "inputs.n * 1.5",
            "no rule for _*_(int64, double); `int(x)`, `double(x)` and `string(x)` convert",
        ),
        ("inputs.n +", "the expression ends too early"),
    ],
)
def test_a_failing_expression_says_why(text: str, reason: str) -> None:
    """A fault carries the expression, its place and the reason."""
    with pytest.raises(ExpressionFault) as caught:
        evaluate(_cel(text), _SCOPE)
    fault = caught.value
    assert (fault.text, fault.place, fault.reason) == (text, _HERE, reason)
    assert str(fault) == f"w.yaml:3:7: `{text}` cannot be evaluated: {reason}"


def test_a_condition_is_true_or_false() -> None:
    """Nothing is silently taken for true."""
    assert holds(_cel("inputs.n == 3"), _SCOPE)
    assert not holds(_cel("inputs.n == 3.5"), _SCOPE)
    with pytest.raises(ExpressionFault, match="found a text, expected true or false"):
        holds(_cel("inputs.email"), _SCOPE)


def test_a_value_is_resolved_with_its_holes_filled() -> None:
    """Texts join strings as they are, nothing as nothing, the rest as JSON; whole holes keep their type."""
    template = Template(parts=("x ", _cel("inputs.email"), _cel("null"), " ", _cel("inputs.m"), _cel("1.0")))
    value = MapOf(fields={"t": template, "l": ListOf(items=(_cel("inputs.n"), Literally(value=[1])))})
    assert resolve(value, _SCOPE) == {"t": 'x a@b.c {"a":[{"z":1.5}],"b":1}1.0', "l": [3, [1]]}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("inputs.n + 1", Check("integer")),
        ("inputs.a", Check("")),
        ("[inputs.n]", Check("array")),
        ("timestamp('2026-01-01T00:00:00Z')", Check("string")),
        ("nope.x.y", Check("", (Flaw("MF1202", 0, "nope"),))),
        ("'😀' + foo(1)", Check("", (Flaw("MF1208", 6, "foo"),))),
        ("1 +\n\n  'a'", Check("", (Flaw("MF1203", 2, "`+` does not take (int, string)"),))),
        (
            "(" * 100 + ")" * 100,
            Check(
                "", (Flaw("MF1204", 0, "the expression is nested too deeply, expected at most 32 levels"),)
            ),
        ),
    ],
)
def test_the_check_tells_types_and_flaws(text: str, found: Check) -> None:
    """The type of a result is known before a run where its parts are; flaws carry their offset."""
    assert check(text, {"inputs.n": "integer", "inputs.a": ""}) == found


@pytest.mark.parametrize("value", ["a\0b", {"a\0b": 1}, ["\ud800"]])
def test_texts_that_would_be_cut_are_refused(value: JsonValue) -> None:
    """CEL's binding ends a text at U+0000; comparing such a half would be comparing something else."""
    with pytest.raises(ExpressionFault, match=r"U\+0000"):
        evaluate(_cel("[inputs.v]"), Scope(inputs={"v": value}))


_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXT, inner, max_size=4),
    max_leaves=12,
)


@settings(deadline=None)
@given(_JSON)
def test_values_pass_through_cel_unchanged(value: JsonValue) -> None:
    """What goes through CEL comes out equal, and equal to what the shortcut for mere paths gives."""
    scope = Scope(inputs={"v": value})
    through = evaluate(_cel("[inputs.v][0]"), scope)
    assert json.dumps(through, sort_keys=True) == json.dumps(value, sort_keys=True)
    assert evaluate(_cel("inputs.v"), scope) == value


@settings(deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_an_expression_or_flawed(text: str) -> None:
    """No text crashes the check, and flaws stand inside the text."""
    assert all(0 <= flaw.offset <= len(text) for flaw in check(text, {"inputs.n": "integer"}).flaws)


@settings(deadline=None)
@given(st.lists(st.integers(-1000, 1000) | st.floats(-1e6, 1e6)))
def test_sums_do_not_depend_on_order(values: list[int | float]) -> None:
    """The same numbers in another order have the same sum, to the last bit."""
    forth = evaluate(_cel("sum(inputs.l)"), Scope(inputs={"l": list(values)}))
    back = evaluate(_cel("sum(inputs.l)"), Scope(inputs={"l": list(reversed(values))}))
    assert isinstance(forth, int | float)
    assert forth == back
    assert math.isfinite(forth)
