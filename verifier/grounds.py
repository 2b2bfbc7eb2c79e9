"""What a draft may claim: the values, names and words of its findings, each with where it stands. Pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from pydantic import JsonValue
from rapidfuzz import fuzz, process

from ..connectors.contract import JsonObject
from .claims import Claim, Key, allowed_by, claims_of
from .text import LONGEST_NAME, plain_words, scalars, shortened
from .units import Scope, is_percentage, scope_of_name, unit_of_name

_CARRIED = frozenset({"link", "email", "phone number", "bank account", "card number"})
"""Kinds that mean one thing wherever they stand, so that an input of the run is a source for them too."""
_LIKE = 60
"""Likeness, of 100, from which one text is named as near to another."""
_ENDING = re.compile(r"end|until|valid|expir|deadline|clos", re.IGNORECASE)
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True)
class Ground:
    """One value that may be claimed, and what is known of it."""

    text: str
    source: str
    field: str = ""
    """Name of the field that holds it."""
    unit: str = ""
    scope: Scope = ""


@dataclass(slots=True)
class Grounds:
    """Everything that one draft may claim."""

    values: dict[Key, list[Ground]] = field(default_factory=dict)
    names: dict[str, Ground] = field(default_factory=dict)
    """Whole texts by their plain words; a name may be put together of several."""
    heap: list[str] = field(default_factory=list)
    """The plain words of every text and of every field's name."""
    quoted: list[str] = field(default_factory=list)
    """Texts that may stand in a draft as they are, whatever they hold."""
    words: str = ""

    def phrase_stands(self, phrase: str) -> bool:
        """Return whether these words stand, in this order, in one text."""
        return plain_words(phrase) in self.words

    def name_stands(self, name: str) -> bool:
        """Return whether a name stands in one text, or is put together of whole ones (`Ann` and `Smith`)."""
        if self.phrase_stands(name):
            return True
        left = plain_words(name)
        while left.strip():
            parts = left.split()
            whole = next((n for n in range(len(parts), 0, -1) if f" {' '.join(parts[:n])} " in self.names), 0)
            if not whole:
                return False
            left = f" {' '.join(parts[whole:])} "
        return True

    def ends_on(self, weekday: str) -> bool:
        """Return whether a date of the findings in a field such as `ends_on` is this day of the week."""
        ends = (
            day
            for (kind, day), grounds in self.values.items()
            if kind == "date" and any(_ENDING.search(ground.field) for ground in grounds)
        )
        return any(isinstance(day, date) and _DAYS[day.weekday()] == weekday for day in ends)

    def nearest(self, claim: Claim) -> Ground | None:
        """Return the ground of the same kind that is nearest to a claim that has none."""
        kind, value = next(iter(claim.readings))
        if kind == "name":
            found = process.extractOne(str(value), list(self.names), scorer=fuzz.ratio, score_cutoff=_LIKE)
            return self.names[found[0]] if found else None
        rivals = {other: grounds[0] for (known, other), grounds in self.values.items() if known == kind}
        if not rivals:
            return None
        if isinstance(value, Decimal | int):
            numbers = {Decimal(n): one for n, one in rivals.items() if isinstance(n, Decimal | int)}
            return _closest(numbers, Decimal(value))
        if isinstance(value, date):
            days = {Decimal(day.toordinal()): one for day, one in rivals.items() if isinstance(day, date)}
            return _closest(days, Decimal(value.toordinal()))
        texts = {str(other): one for other, one in rivals.items()}
        found = process.extractOne(str(value), list(texts), scorer=fuzz.ratio, score_cutoff=_LIKE)
        return texts[found[0]] if found else None


def grounds_of(findings: Sequence[JsonObject], voice: JsonObject, inputs: JsonObject) -> Grounds:
    """Return what the findings allow, what `voice.allowed` adds, and what inputs carry.

    An input that is one value may be named where it names somebody or leads somewhere: as a name, a link, an
    address, a phone number, an account. Its numbers and dates are bounds and settings as well, so they allow nothing.
    """
    grounds = Grounds()
    for finding in findings:
        _add_finding(grounds, finding)
    for _, _, text in scalars(voice.get("allowed")):
        _add(grounds, _grounds("", "", text, "voice.allowed"), text, "voice.allowed")
    for name, value in inputs.items():
        if isinstance(value, str):
            entries = _grounds("", "", value, f"inputs.{name}")
            _add(grounds, [one for one in entries if one[0][0] in _CARRIED], value, f"inputs.{name}")
    # The sender's own name, written by the author of the workflow.
    _add(grounds, (), _text(voice.get("signature")), "voice.signature")
    grounds.words = "\n".join(grounds.heap)
    return grounds


def ground_of_one(finding: JsonObject) -> Grounds:
    """Return what one finding alone allows."""
    return grounds_of((finding,), {}, {})


def _add_finding(grounds: Grounds, finding: JsonObject) -> None:
    fact, subject, source = (_text(finding.get(name)) for name in ("fact", "subject", "source"))
    given: set[Key] = set()
    for _, name, text in scalars(finding.get("value"), fact):
        entries = _grounds(name, subject, text, source)
        given.update(key for key, _ in entries)
        _add(grounds, entries, text, source)
        grounds.heap.append(plain_words(name))
    # The wording repeats the values without their units; what it says beyond them counts too.
    worded = [(key, one) for key, one in _grounds("", subject, fact, source) if key not in given]
    _add(grounds, worded, "", source)
    grounds.heap += [plain_words(fact), plain_words(subject)]


def _add(grounds: Grounds, entries: Iterable[tuple[Key, Ground]], text: str, source: str) -> None:
    for key, ground in entries:
        known = grounds.values.setdefault(key, [])
        if ground not in known:
            known.append(ground)
    words = plain_words(text)
    if words.strip():
        grounds.heap.append(words)
        grounds.quoted.append(text)
        grounds.names.setdefault(words, Ground(shortened(text, LONGEST_NAME), source))


def _grounds(name: str, subject: str, text: str, source: str) -> list[tuple[Key, Ground]]:
    unit = unit_of_name(name)
    found: list[tuple[Key, Ground]] = []
    for claim in claims_of(text):
        scope = claim.scope or scope_of_name(name, subject)
        ground = Ground(claim.text, source, name, claim.unit or unit, scope)
        found += [(key, ground) for key in allowed_by(claim, percent=is_percentage(name))]
    return found


def _closest(rivals: dict[Decimal, Ground], value: Decimal) -> Ground | None:
    return rivals[min(rivals, key=lambda known: (abs(known - value), known))] if rivals else None


def _text(value: JsonValue) -> str:
    return value if isinstance(value, str) else ""
