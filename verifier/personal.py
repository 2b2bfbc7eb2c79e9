"""Phone numbers, bank accounts and payment cards in a text: numbers that belong to one person. Pure.

They are read before other claims, because their groups of digits would each pass as a number. An account is one
whose check digits hold (ISO 13616), a card one that ends in Luhn's digit (ISO/IEC 7812); what only looks like one
is read as any other number.
"""

import re
from collections.abc import Callable, Iterator

from ..connectors.contract import Frozen

_PHONE = re.compile(
    r"(?<![\w.,/+-])(?:\+|00)\d{1,3}(?:[ ./-]?\(?\d{1,6}\)?){1,7}(?![\w/-]|[.,]\d)"
    r"|(?<![\w.,/+-])\(0\d{1,4}\)[ /-]?\d{2,8}(?:[ -]\d{2,6}){0,4}(?![\w/-]|[.,]\d)"
    r"|(?<![\w.,/+-])0\d{1,4}(?:[ /-]\d{2,8}){1,4}(?![\w/-]|[.,]\d)"
    r"|(?<![\w.,/+-])0[1-9]\d{7,9}(?![\w/-]|[.,]\d)"
    r"|(?<![\w.,/+-])(?:\(\d{3}\) ?|\d{3}-)\d{3}-\d{4}(?![\w/-]|[.,]\d)"
)
_ACCOUNT = re.compile(
    r"(?<![\w-])[A-Za-z]{2}[0-9]{2}(?:(?: [A-Za-z0-9]{4}){2,7}(?: [A-Za-z0-9]{1,4})?|[A-Za-z0-9]{11,30})(?![\w-])"
)
_CARD = re.compile(
    r"(?<![\w.,/+-])(?:\d{4}[ -]\d{4}[ -]\d{4}[ -]\d{1,4}(?:[ -]\d{1,3})?|\d{15,16})(?![\w/-]|[.,]\d)"
)
_LEAST_DIGITS, _MOST_DIGITS = 9, 15
"""Of a phone number: those of E.164, and the shortest national ones with their area."""
_SAME_DIGITS = 9
"""Two phone numbers are one when these last digits agree: `06 12345678` is `+31 6 12345678`."""


class Personal(Frozen):
    """One such number and where it stands."""

    kind: str
    start: int
    end: int
    value: str
    """The form by which two of them are compared."""


def read_personal(text: str) -> tuple[Personal, ...]:
    """Return the personal numbers of a folded text, in order and apart."""
    found = [one for kind, pattern, read in _KINDS for one in _read(kind, pattern, read, text)]
    apart: list[Personal] = []
    for one in sorted(found, key=lambda found: (found.start, -found.end)):
        if not apart or one.start >= apart[-1].end:
            apart.append(one)
    return tuple(apart)


def _read(kind: str, pattern: re.Pattern[str], read: Callable[[str], str], text: str) -> Iterator[Personal]:
    for match in pattern.finditer(text):
        value = read(match[0])
        if value:
            yield Personal(kind=kind, start=match.start(), end=match.end(), value=value)


def _account(text: str) -> str:
    compact = text.replace(" ", "").upper()
    turned = compact[4:] + compact[:4]
    return compact if int("".join(str(int(sign, 36)) for sign in turned)) % 97 == 1 else ""


def _card(text: str) -> str:
    digits = re.sub(r"\D", "", text)
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits))]
    return digits if sum(one // 10 + one % 10 for one in doubled) % 10 == 0 else ""


def _phone(text: str) -> str:
    digits = re.sub(r"\D", "", text)
    if not len(digits.lstrip("0")) + 1 >= _LEAST_DIGITS or len(digits.lstrip("0")) > _MOST_DIGITS:
        return ""
    return digits.lstrip("0")[-_SAME_DIGITS:]


_KINDS: tuple[tuple[str, re.Pattern[str], Callable[[str], str]], ...] = (
    ("bank account", _ACCOUNT, _account),
    ("card number", _CARD, _card),
    ("phone number", _PHONE, _phone),
)
