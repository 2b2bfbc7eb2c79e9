"""The text of a draft made ready to be read: every text in it, folded, in pieces of bounded length. Pure.

All patterns over drafts see one piece at a time. A piece ends where no claim can go on, so that none is torn, and
is at most `LONGEST_PIECE` signs long, so that the work grows with the length of the text and not faster.
"""

import re
import unicodedata
from collections.abc import Iterator
from decimal import Decimal

from pydantic import JsonValue

LONGEST_PIECE = 2_000
LONGEST_NAME = 80
LONGEST_QUOTE = 120
_END = re.compile(r"\n|(?<=[.!?;])\s|(?<=,)\s(?=[^\s\d])")
"""Line breaks, ends of sentences, and commas before anything but a number: `January 18, 1997` stays whole."""

_WORD = re.compile(r"[^\W_]+")


def scalars(value: JsonValue, name: str = "") -> Iterator[tuple[str, str, str]]:
    """Return each text and number inside a value, in order: its dotted path, its own field's name, its text.

    An entry of a list has the name of the list. Nesting costs no stack, however deep it is.
    """
    left: list[tuple[str, str, JsonValue]] = [(name, name, value)]
    while left:
        path, field, node = left.pop()
        if isinstance(node, dict):
            inner = [(f"{path}.{key}" if path else key, key, entry) for key, entry in node.items()]
            left += reversed(inner)
        elif isinstance(node, list):
            left += reversed([(f"{path}.{index}", field, entry) for index, entry in enumerate(node)])
        else:
            yield path, field, text_of_scalar(node)


def text_of_scalar(value: JsonValue) -> str:
    """Write a scalar so that its claims can be read; a truth value and `null` claim nothing."""
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, bool | list | dict):
        return ""
    return format(Decimal(str(value)), "f")


def fold(text: str) -> str:
    """Return a text in one form of its signs (NFKC), without those that nobody sees."""
    if text.isascii():
        return text
    seen = unicodedata.normalize("NFKC", text)
    return "".join(sign for sign in seen if unicodedata.category(sign) != "Cf")


def pieces(folded: str) -> Iterator[str]:
    """Return a folded text in pieces. One that has no end within `LONGEST_PIECE` signs comes whole.

    Callers refuse such a piece (`is_too_long`) instead of reading it.
    """
    start = last = 0
    for end in _END.finditer(folded):
        if end.end() - start > LONGEST_PIECE and last > start:
            yield folded[start:last]
            start = last
        last = end.end()
    if len(folded) - start > LONGEST_PIECE and last > start:
        yield folded[start:last]
        start = last
    if folded[start:].strip():
        yield folded[start:]


def is_too_long(piece: str) -> bool:
    """Return whether a piece runs on without an end."""
    return len(piece) > LONGEST_PIECE


def plain_words(text: str) -> str:
    """Return the words of a text, small, with one space between and around them: for finding one text in another."""
    words = _WORD.findall(fold(text).casefold())
    return f" {' '.join(words)} "


def shortened(text: str, most: int = LONGEST_QUOTE) -> str:
    """Return a text as it stands in a reason: on one line, and not longer than a reader wants."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"
