import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from mendflow.connectors.contract import Flaw
from mendflow.connectors.decode import DEEPEST, EXCERPT, MOST_ITEMS, Decoded, decode
from pydantic import JsonValue

JSON = "application/json"
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)
indents = st.sampled_from([None, 0, 1, "\t"])
separators = st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", " \n: ")])


@settings(deadline=None)
@given(values, indents, separators, st.booleans())
@example({"a": 'x":', "b": ":", '"': "\\"}, None, (",", ":"), True)
def test_clean_json_is_read_whole(
    value: JsonValue,
    indent: int | str | None,
    separators: tuple[str, str],
    ascii_only: bool,  # noqa: FBT001  # drawn by hypothesis
) -> None:
    """Whatever way a clean value is written, it comes back equal."""
    text = json.dumps(value, indent=indent, separators=separators, ensure_ascii=ascii_only)
    assert decode(text.encode(), JSON) == Decoded(value=value)


@settings(deadline=None)
@given(values, texts, values, separators, st.booleans())
@example("", ":", None, (",", ":"), True)
def test_duplicate_key_is_found_anywhere(
    first: JsonValue,
    key: str,
    second: JsonValue,
    separators: tuple[str, str],
    ascii_only: bool,  # noqa: FBT001  # drawn by hypothesis
) -> None:
    """A key that stands twice in one object is a flaw, however it is escaped and whatever surrounds it."""
    comma, colon = separators
    twice = "".join(f"\\u{ord(char):04x}" if ord(char) < 2**16 else char for char in key)
    inner = f'{{{json.dumps(key)}{colon}{json.dumps(first)}{comma}"{twice}"{colon}{json.dumps(second)}}}'
    text = f"[{json.dumps([first, second], ensure_ascii=ascii_only, separators=separators)}{comma}{inner}]"
    assert decode(text.encode(), JSON).flaw == "duplicate_key"


@settings(deadline=None)
@given(st.lists(values) | st.dictionaries(texts, values) | texts, indents, st.booleans(), st.data())
def test_every_beginning_of_a_json_text_is_truncated(
    value: JsonValue,
    indent: int | str | None,
    ascii_only: bool,  # noqa: FBT001  # drawn by hypothesis
    data: st.DataObject,
) -> None:
    """A container or a string that ends early is told from other garbage, at whatever byte it is cut."""
    raw = json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode()
    cut = data.draw(st.integers(1, len(raw) - 1))
    assert decode(raw[:cut], JSON).flaw == "truncated"


@settings(deadline=None)
@given(st.binary(max_size=60), st.sampled_from([JSON, "text/html", ""]))
@example(b'{"a":1e400', JSON)
@example(b"}", JSON)
@example(b",", JSON)
@example(b'["a":', JSON)
@example(b"[1]]", JSON)
@example(b'{"a" t', JSON)
def test_decoding_is_total_and_strict(raw: bytes, content_type: str) -> None:
    """Any bytes give either a value that JSON can hold or one flaw with a short printable excerpt."""
    decoded = decode(raw, content_type)
    if decoded.flaw is None:
        assert json.loads(json.dumps(decoded.value, allow_nan=False)) == decoded.value
        assert decoded.excerpt == ""
    else:
        assert decoded.value is None
        assert len(decoded.excerpt) <= EXCERPT
        assert decoded.excerpt.isprintable()


@settings(deadline=None)
@given(st.text('[]{}:,"truefalsn0.-eE\\u ', max_size=12), st.text('[]{}:,"truefalsn0.-eE\\u ', max_size=6))
@example('{"a":', "1}")
def test_what_is_not_truncated_cannot_be_completed(start: str, rest: str) -> None:
    """Text that some continuation makes valid is a value or truncated, never another flaw."""
    if decode((start + rest).encode(), JSON).flaw is None:
        assert decode(start.encode(), JSON).flaw in {None, "truncated", "empty"}


@pytest.mark.parametrize(
    ("raw", "flaw"),
    [
        (b"", "empty"),
        (b" \r\n", "empty"),
        (b"NaN", "not_a_number"),
        (b'{"a": [-Infinity]}', "not_a_number"),
        (b'{"a":1e400}', "not_a_number"),
        (b"[-1e400]", "not_a_number"),
        (b"18446744073709551616", "not_a_number"),
        (b"[123456789012345678901234567890]", "not_a_number"),
        (b"9" * 5000, "not_a_number"),
        (rb'"\ud800"', "not_json"),
        (b'"\xed\xa0\x80"', "not_json"),
        (b'"\xe9"', "not_json"),
        (b"\xef\xbb\xbf{}", "not_json"),
        (b"{'a':1}", "not_json"),
        (b"[1,]", "not_json"),
        (b"{}{}", "not_json"),
        (b"Bad gateway", "not_json"),
        (b"<?xml version='1.0'?><a/>", "not_json"),
        (b"[01", "not_json"),
        (b'["\x01', "not_json"),
        (b'{"a":1,"a":2', "truncated"),
        (b'{"data":{"uuid":"abc', "truncated"),
        (b'["\xc3', "truncated"),
        (rb'["\ud83d', "truncated"),
        (b"tru", "truncated"),
        (b"-", "truncated"),
        (b"[1.", "truncated"),
        (b"[1e+", "truncated"),
        (b"\n<!DOCTYPE html><html>", "html"),
        (b"[" * 65 + b"]" * 65, "too_deep"),
        (b'{"a":' * 65 + b"1" + b"}" * 65, "too_deep"),
        (b"[" * 2000 + b"]" * 2000, "too_deep"),
        (b"[" * 100_000, "too_deep"),
    ],
)
def test_each_flaw_has_its_name(raw: bytes, flaw: Flaw) -> None:
    """Each way of being unwell is named."""
    decoded = decode(raw, JSON)
    assert (decoded.value, decoded.flaw) == (None, flaw)


def test_excerpt_is_the_printable_beginning() -> None:
    """People see how a bad body begins, without control characters that could move their terminal."""
    assert decode(b"Bad\x1b[2J gateway" + b"." * 300, JSON) == Decoded(
        flaw="not_json", excerpt="Bad [2J gateway" + "." * 185
    )


def test_depth_is_allowed_up_to_the_bound() -> None:
    """The deepest allowed nesting is read."""
    assert decode(b"[" * DEEPEST + b"]" * DEEPEST, JSON).flaw is None


@pytest.mark.parametrize(
    "raw", [b"[" + b"1," * (MOST_ITEMS - 1) + b"1]", b"[" + b"{}," * (MOST_ITEMS // 2) + b"1]"]
)
def test_more_values_than_allowed_are_refused_before_they_are_built(raw: bytes) -> None:
    """Each value counts, empty ones too: a body may be small and what it unfolds to large."""
    assert decode(raw, JSON) == Decoded(flaw="too_many", excerpt=raw[:EXCERPT].decode())


def test_only_values_count_towards_the_bound() -> None:
    """As many as allowed are read, and commas and brackets within a text are none."""
    assert decode(b"[" + b"1," * (MOST_ITEMS - 2) + b"1]", JSON).flaw is None
    text = '\\",[{' * (MOST_ITEMS // 2)
    assert decode(json.dumps(text).encode(), JSON) == Decoded(value=text)


def test_json_with_a_wrong_label_is_still_json() -> None:
    """A clean JSON body counts, whatever its content type says; a page that calls itself HTML is HTML."""
    assert decode(b'{"a":1}', "text/html") == Decoded(value={"a": 1})
    assert decode(b"Service Unavailable", "text/html; charset=utf-8").flaw == "html"


def test_long_numbers_stay_exact_or_are_refused() -> None:
    """A 64-bit integer is kept exactly, a long fraction is an ordinary double."""
    assert decode(b"[18446744073709551615,-9223372036854775808,0.1000000000000000055511]", JSON) == Decoded(
        value=[18446744073709551615, -9223372036854775808, 0.1]
    )
    assert decode(b"[1e300]", JSON) == Decoded(value=[1e300])
