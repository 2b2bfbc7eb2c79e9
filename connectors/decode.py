"""Bytes to JSON, strictly: a body is either exactly one clean JSON text or carries a named flaw."""

import codecs
import json
import math
import re
from dataclasses import dataclass
from typing import Final, Never

import orjson
from pydantic import JsonValue

from .contract import Flaw

DEEPEST: Final = 64
"""Levels of nesting; no vendor answer needs more, and deeper ones cost stack further up."""
MOST_ITEMS: Final = 1_000_000
"""Values in one body: so many small ones take far more memory than the bytes that name them."""
EXCERPT: Final = 200

_BEYOND: Final = 2.0**63
_NOTABLE: Final = frozenset({dict, list, float})
_SPACES: Final = b" \t\n\r"
_BEGINNINGS: Final = (b",", b"[", b"{")
_TEXT: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_TOKEN: Final = re.compile(
    r"""[ \t\n\r]*(?:
        (?P<mark>[\[\]{},:])
      | (?P<text>"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")
      | (?P<word>true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)(?![0-9A-Za-z.+-])
      | (?P<cut>"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*(?:\\(?:u[0-9a-fA-F]{0,3})?)?\Z
        | (?:t|tr|tru|f|fa|fal|fals|n|nu|nul)\Z
        | -?(?:(?:0|[1-9][0-9]*)(?:\.|(?:\.[0-9]+)?[eE][+-]?))?\Z)
    )""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Decoded:
    """A JSON value, or the flaw that stands in its place with the first characters of the body."""

    value: JsonValue = None
    flaw: Flaw | None = None
    excerpt: str = ""


class _Flawed(Exception):  # a signal within this file
    def __init__(self, flaw: Flaw) -> None:
        super().__init__(flaw)
        self.flaw: Flaw = flaw


def decode(raw: bytes, content_type: str) -> Decoded:
    """Decode `raw` as UTF-8 JSON.

    Refused besides what RFC 8259 refuses: duplicate keys, lone surrogates, nesting beyond `DEEPEST`, more than
    `MOST_ITEMS` values, and numbers that neither a double nor a 64-bit integer can hold.
    """
    if _has_too_many(raw):
        return Decoded(flaw="too_many", excerpt=excerpt_of(raw))
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return Decoded(flaw=_diagnose(raw, content_type), excerpt=excerpt_of(raw))
    flaw = _hidden_flaw(raw, value)
    return Decoded(value=value) if flaw is None else Decoded(flaw=flaw, excerpt=excerpt_of(raw))


def excerpt_of(raw: bytes | bytearray) -> str:
    """Return the first characters of `raw`, fit to be printed."""
    text = raw[: EXCERPT * 4].decode("utf-8", "replace")[:EXCERPT]
    return "".join(char if char.isprintable() else " " for char in text)


def _has_too_many(raw: bytes) -> bool:
    """Tell, before anything is built, whether there are more than `MOST_ITEMS` values.

    Each value but the first comes after a comma or an opening mark. Texts, which may hold such marks too, are left
    out only where that matters.
    """
    if len(raw) < MOST_ITEMS or sum(map(raw.count, _BEGINNINGS)) < MOST_ITEMS:
        return False
    return sum(map(_TEXT.sub(b"", raw).count, _BEGINNINGS)) >= MOST_ITEMS


def _hidden_flaw(raw: bytes, value: JsonValue) -> Flaw | None:
    """Find what orjson lets pass: depth, duplicate keys, and long integers, which it turns into floats."""
    keys, depth, has_long_number = _measure(value)
    if depth > DEEPEST:
        return "too_deep"
    # Without white space, `":` stands once for each key of the text, and now and then within a string. So a
    # count that equals the keys which survived proves that none was lost; any other count proves nothing.
    if has_long_number or raw.translate(None, _SPACES).count(b'":') != keys:
        return _parsed_flaw(raw.decode())
    return None


def _measure(value: JsonValue) -> tuple[int, int, bool]:
    """Count keys and levels of nesting, and tell whether a float is beyond the 64-bit integers."""
    keys, depth = 0, -1  # the list around is not a level
    has_long_number = False
    level: list[JsonValue] = [[value]]
    while level:
        depth += 1
        below: list[JsonValue] = []
        for item in level:
            if isinstance(item, dict):
                keys += len(item)
                below += [child for child in item.values() if type(child) in _NOTABLE]
            elif isinstance(item, list):
                below += [child for child in item if type(child) in _NOTABLE]
        floats = [child for child in below if isinstance(child, float)]
        if floats:
            has_long_number |= max(map(abs, floats)) >= _BEYOND
            below = [child for child in below if not isinstance(child, float)]
        level = below
    return keys, depth, has_long_number


def _diagnose(raw: bytes, content_type: str) -> Flaw:
    """Say why `raw`, which is not valid JSON, is not."""
    start = raw.lstrip()[:5].lower()
    if not start:
        return "empty"
    if "html" in content_type.lower() or (start.startswith(b"<") and start != b"<?xml"):
        return "html"
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(raw)
    except UnicodeDecodeError:
        return "not_json"
    flaw = _parsed_flaw(text)
    if flaw == "not_json" and _ends_early(text):
        return "truncated"
    return flaw or "not_json"


def _parsed_flaw(text: str) -> Flaw | None:
    """Parse slowly and return the first flaw that is met."""
    try:
        json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=_refuse_number,
            parse_float=_finite,
            parse_int=_whole,
        )
    except _Flawed as flawed:
        return flawed.flaw
    except RecursionError:
        return "too_deep"
    except ValueError:
        return "not_json"
    return None


def _unique(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Flawed("duplicate_key")
    return found


def _refuse_number(_: str) -> Never:
    raise _Flawed("not_a_number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise _Flawed("not_a_number")
    return number


def _whole(text: str) -> int:
    if len(text) > 20 or not -(2**63) <= int(text) < 2**64:  # noqa: PLR2004  # digits of 2**64, and a sign
        raise _Flawed("not_a_number")
    return int(text)


def _ends_early(text: str) -> bool:
    """Tell whether `text` is the beginning of a JSON text and nothing else."""
    open_marks: list[str] = []
    awaited = "value"
    position = 0
    end = len(text.rstrip(" \t\n\r"))
    while position < end:
        token = _TOKEN.match(text, position)
        if token is None:
            return False
        if token["cut"] is not None:
            is_text = token["cut"].startswith('"')
            return token.end() == len(text) and (
                awaited.startswith("value") or (is_text and "key" in awaited)
            )
        step = _advance(token["mark"] or ("text" if token["text"] else "word"), awaited, open_marks)
        if step is None:
            return False
        awaited = step
        position = token.end()
    return awaited != "end"


def _advance(symbol: str, awaited: str, open_marks: list[str]) -> str | None:
    """Return what must come after `symbol`, or None where it may not stand; keeps `open_marks`."""
    after_value = "comma" if open_marks else "end"
    match symbol:
        case "[" | "{" if awaited.startswith("value"):
            open_marks.append(symbol)
            return "value or ]" if symbol == "[" else "key or }"
        case "]" | "}":
            fits = open_marks[-1:] == ["[" if symbol == "]" else "{"]
            if not fits or not (awaited == "comma" or awaited.endswith(symbol)):
                return None
            open_marks.pop()
            return "comma" if open_marks else "end"
        case ",":
            if awaited != "comma":
                return None
            return "value" if open_marks[-1] == "[" else "key"
        case ":":
            return "value" if awaited == "colon" else None
        case "text" if awaited.startswith("key"):
            return "colon"
        case "text" | "word" if awaited.startswith("value"):
            return after_value
    return None
