"""What a number counts: points, money, days; and whether it is a total or one of several. Pure.

A number of a draft has the unit that stands beside it, a number of a finding the one that its name says
(`balance_credits`, `amount_usd`). Where either says nothing, nothing is concluded. The words are English.
"""

import re
from typing import Literal

Scope = Literal["", "total", "single"]

_UNITS: dict[str, tuple[str, ...]] = {
    "points": ("credit", "credits", "point", "points", "stamp", "stamps", "punkte", "punten"),
    "money": ("amount", "price", "cost", "costs", "paid", "spend", "spent", "revenue"),
    "dollars": ("usd", "dollar", "dollars"),
    "euros": ("eur", "euro", "euros"),
    "pounds": ("gbp", "pound", "pounds"),
    "cents": ("cent", "cents"),
    "percent": ("percent", "percentage", "pct"),
    "minutes": ("minutes",),
    "hours": ("hours",),
    "days": ("days",),
    "weeks": ("weeks",),
    "months": ("months",),
    "years": ("years",),
    "count": ("count", "quantity", "visits", "orders", "purchases"),
}
_UNIT_OF = {word: unit for unit, words in _UNITS.items() for word in words}
_CURRENCIES = frozenset({"dollars", "euros", "pounds"})
_TOTAL = frozenset({"total", "sum", "lifetime", "overall"})
_SINGLE = frozenset({"last", "latest", "recent", "single", "each", "unit"})
_PERCENTAGE = re.compile(r"percent|pct|rate|share|discount", re.IGNORECASE)
_SIGNS = {"$": "dollars", "€": "euros", "£": "pounds"}

_BESIDE = 40
"""Signs on either side of a number in which its unit may stand."""
_AFTER = re.compile(
    r"\s?(?:(?P<sign>[$€£])|(?P<code>EUR|USD|GBP)\b"
    r"|-?(?:(?:loyalty|bonus|reward|extra|shop|full|whole|more)\s)?(?P<word>(?i:points?|credits?|stamps?|punkte|punten|euros?"
    r"|dollars?|pounds?|cents?|minutes?|hours?|days?|weeks?|months?|years?))\b)"
)
_BEFORE = re.compile(r"(?:(?P<sign>[$€£])|(?<!\w)(?P<code>EUR|USD|GBP))\s?[-\u2212]?$")
_TOTAL_AFTER = re.compile(
    r"[^.,;:!?\n]{0,25}\s(?:in total|in all|altogether|all together|overall|all told)\b", re.IGNORECASE
)
_TOTAL_BEFORE = re.compile(
    r"\b(?:total(?: of)?|altogether|all in all)\s(?:[a-z]{1,12}\s){0,2}[$€£]?\s?$", re.IGNORECASE
)
_SINGLE_AFTER = re.compile(
    r"[^.,;:!?\n]{0,16}\s(?:each|apiece|per (?:purchase|order|visit|item|record))\b", re.IGNORECASE
)
_SINGLE_BEFORE = re.compile(
    r"\beach\b[^.,;:!?\n]{0,30}$"
    r"|\b(?:last|latest|most recent)\s(?:purchase|order|visit|item|record)\s(?:[a-z]{1,9}\s){0,2}[$€£]?\s?$",
    re.IGNORECASE,
)


def unit_at(text: str, start: int, end: int) -> str:
    """Return the unit that stands beside a number of a text; empty where none does."""
    before = _BEFORE.search(text[max(0, start - _BESIDE) : start])
    found = before or _AFTER.match(text[end : end + _BESIDE])
    if found is None:
        return ""
    parts = found.groupdict()
    if parts["sign"]:
        return _SIGNS[parts["sign"]]
    word = (parts.get("word") or parts["code"]).lower()
    return _UNIT_OF.get(word) or _UNIT_OF[f"{word}s"]


def scope_at(text: str, start: int, end: int) -> Scope:
    """Return whether a text calls a number a total, or one of several."""
    before, after = text[max(0, start - _BESIDE) : start], text[end : end + _BESIDE]
    if _TOTAL_AFTER.match(after) or _TOTAL_BEFORE.search(before):
        return "total"
    return "single" if _SINGLE_AFTER.match(after) or _SINGLE_BEFORE.search(before) else ""


def unit_of_name(name: str) -> str:
    """Return the unit that a field's name says; empty where it says none, or more than one."""
    found = {_UNIT_OF[word] for word in _words(name) if word in _UNIT_OF}
    if found & (_CURRENCIES | {"cents"}):
        found.discard("money")
    return next(iter(found)) if len(found) == 1 else ""


def scope_of_name(name: str, subject: str) -> Scope:
    """Return whether a finding is a total or one of several: by its name, or as an entry of a list."""
    words = set(_words(name))
    if words & _TOTAL:
        return "total"
    return "single" if words & _SINGLE or re.search(r"\[\d+\]$", subject) else ""


def is_percentage(name: str) -> bool:
    """Return whether a field's name says that its numbers are percentages, although they carry no sign."""
    return bool(_PERCENTAGE.search(name)) and unit_of_name(name) not in {*_CURRENCIES, "money", "cents"}


def in_unit(unit: str) -> str:
    """Return the words that say in which unit a number is given."""
    return {"count": "as a count", "money": "as money"}.get(unit, f"in {unit}")


def agree(said: str, known: str) -> bool:
    """Return whether a number may be written with this unit where a finding gives it with that one."""
    if not said or not known or said == known:
        return True
    return (said in _CURRENCIES and known == "money") or (said == "money" and known in _CURRENCIES)


def _words(name: str) -> list[str]:
    return re.findall(r"[a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower())
