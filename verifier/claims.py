"""What a text claims: its numbers, dates, times, percentages, addresses, links and codes. Pure.

Read by value, so that `29.330`, `29.33` and `$29.33` are one claim, and `18 January 1997` is `1997-01-18`.
Commas between groups of three digits are thousands; a comma before one or two last digits is a decimal sign.
A percentage is a claim of its own kind: a count of 10 does not allow "10%". English number words from two
upwards are numbers (`twenty-five`, `twice`); "one" is not. A month alone claims nothing.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import lru_cache

from .personal import read_personal
from .text import fold, is_too_long, pieces
from .units import Scope, scope_at, unit_at

Key = tuple[str, object]
"""A kind of claim and its value."""

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
MONTH = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?"
    r"|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\.?(?![^\W\d_])"
)
SMALL = {
    word: value
    for value, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "  # noqa: SIM905  # twenty quoted words are harder to read
        "sixteen seventeen eighteen nineteen".split()
    )
}
TENS = {
    "twenty": 20,
    "thirty": 30,
    "forty": 40,
    "fifty": 50,
    "sixty": 60,
    "seventy": 70,
    "eighty": 80,
    "ninety": 90,
}
SINGLE = {"dozen": 12, "twice": 2, "thrice": 3}
SCALES = {"hundred": 100, "thousand": 1000, "million": 1_000_000}
WORDS = SMALL | TENS | SINGLE
_small = "|".join(sorted(SMALL, key=len, reverse=True))
_below = rf"(?:(?:{'|'.join(TENS)})(?:[-\ ](?:{_small}))?|{_small}|{'|'.join(SINGLE)})"
_scale = rf"(?:{'|'.join(SCALES)})"
WORDED = rf"(?i:(?:(?:{_below}[-\ ])?{_scale}(?:[-\ ]{_scale})*(?:[-\ ](?:and\ )?)?)+(?:{_below})?|{_below})"
DIGITS = (
    r"(?:\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?"
    r"|\d{1,3}(?:\.\d{3})+,\d{1,2}(?!\d)"
    r"|\d+\.\d+|\d+,\d{1,2}(?!\d)|\d+)"
)
SIGNED = rf"(?:(?<![\w.,)%])[-\u2212])?{DIGITS}"
BARE_LINK = (
    r"(?<![\w@.+/-])(?:[A-Za-z0-9-]{1,63}\.){1,4}(?:[a-z]{2,12}/[^\s<>\"')\]]*"
    r"|(?:com|net|org|info|biz|shop|store|app|dev|nl|uk)(?![\w@-]|\.\w))"
)
# The looks ahead for codes are bounded, so that a hostile text costs time in proportion to its length only.
CLAIM = re.compile(
    rf"""
      (?P<email>(?<![\w.+%-])[\w.+%-]+@[\w-]+(?:\.[\w-]+)+)
    | (?P<link>(?<!\w)(?i:[a-z][a-z0-9+]{{1,9}}://|www\.)[^\s<>"')\]]+|{BARE_LINK})
    | (?<!\w)(?P<iso>\d{{4}}-\d{{2}}-\d{{2}})(?:[T ](?P<clock>\d{{2}}:\d{{2}})(?::\d{{2}}(?:\.\d+)?)?
        (?:Z|[+-]\d{{2}}:?\d{{2}})?)?(?!\w)
    | (?<!\w)(?P<calendar>
          (?P<d1>\d{{1,2}})(?:st|nd|rd|th)?\ (?:of\ )?(?P<m1>{MONTH})(?:,?\ (?P<y1>\d{{4}})(?!\w))?
        | (?P<m2>{MONTH})\ (?P<d2>\d{{1,2}})(?:st|nd|rd|th)?(?!\w|[.,]\d)(?:,?\ (?P<y2>\d{{4}})(?!\w))?
        | (?P<m3>{MONTH})\ (?P<y3>\d{{4}})(?!\w))
    | (?<!\w)(?P<slashed>\d{{1,2}}[/.-]\d{{1,2}}[/.-]\d{{4}})(?!\w)
    | (?<!\w)(?P<time>\d{{1,2}}:\d{{2}})(?::\d{{2}})?(?!\w)
    | (?<!\w)(?i:in|since|from|during|until)\ (?P<year>(?:19|20)\d{{2}})(?!\w|[.,]\d)
    | (?P<percent>{SIGNED})\s?(?:%|(?i:percent|per\ cent|pct)(?!\w))
    | (?<!\w)(?P<code>(?=[\w-]{{0,80}}\d)(?=[\w-]{{0,80}}[^\W\d_])\w+(?:-\w+)*|0\d+(?![.,]?\d)(?!\w))
    | (?P<number>{SIGNED})
    | (?<!\w)(?P<words>{WORDED})(?!\w)
    """,
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim of a text."""

    text: str
    """As it stands in the text."""
    kind: str
    """What it is, for people: `number`, `date`, ..."""
    readings: frozenset[Key]
    """What it may mean; more than one only for dates such as 02/03/1997."""
    unit: str = ""
    """What a number counts, where the text says so."""
    scope: Scope = ""
    """Whether the text calls a number a total, or one of several."""


def read_claims(text: str) -> Iterator[Claim]:
    """Return the claims of a text, in order; a piece without an end is skipped (see `text.pieces`)."""
    for piece in pieces(fold(text)):
        if not is_too_long(piece):
            yield from _read_piece(piece)


def _read_piece(seen: str) -> Iterator[Claim]:
    personal = read_personal(seen)
    plain = _without_currencies(seen)
    for one in personal:
        plain = plain[: one.start] + " " * (one.end - one.start) + plain[one.end :]
    found = [
        (one.start, Claim(seen[one.start : one.end], one.kind, frozenset({(one.kind, one.value)})))
        for one in personal
    ]
    for match in CLAIM.finditer(plain):
        kind = next(kind for kind in _READERS if match[kind] is not None)
        found += [(match.start(), _counted(seen, match, claim)) for claim in _READERS[kind](match)]
    yield from (claim for _, claim in sorted(found, key=lambda entry: entry[0]))


def _counted(seen: str, match: re.Match[str], claim: Claim) -> Claim:
    """Return the claim with what the words beside it say that it counts."""
    if claim.kind != "number":
        return claim
    start, end = match.span()
    unit, scope = unit_at(seen, start, end), scope_at(seen, start, end)
    return replace(claim, unit=unit, scope=scope) if unit or scope else claim


@lru_cache(maxsize=4096)
def claims_of(text: str) -> tuple[Claim, ...]:
    """Return the claims of a text that is read again and again, such as a finding."""
    return tuple(read_claims(text))


@lru_cache(maxsize=4096)
def keys_of(text: str, *, percent: bool = False) -> frozenset[Key]:
    """Return what a true text allows others to claim: its own claims and what follows from them.

    `percent` says that its numbers are percentages, although they carry no sign.
    """
    return frozenset(key for claim in claims_of(text) for key in allowed_by(claim, percent=percent))


def allowed_by(claim: Claim, *, percent: bool = False) -> frozenset[Key]:
    """Return what one true claim allows: itself and what follows from it."""
    implied = {key for reading in claim.readings for key in _implied(reading, percent=percent)}
    return claim.readings | implied


def _without_currencies(seen: str) -> str:
    """Return a text of the same length with spaces for currencies, so that each amount is a number."""
    plain = re.sub(
        r"(?<![\w.,)%])([-\u2212])(\s?[$€£¥]\s?)(?=\d)", lambda sign: " " * len(sign[2]) + sign[1], seen
    )
    plain = re.sub(r"[$€£¥]", " ", plain)
    plain = re.sub(r"(?<!\w)(?:USD|EUR|GBP|US)(?=\s?\d)", lambda word: " " * len(word[0]), plain)
    return re.sub(r"(?<=\d)(?:USD|EUR|GBP)(?!\w)", "   ", plain)


def _email(match: re.Match[str]) -> Iterator[Claim]:
    yield Claim(match["email"], "e-mail address", frozenset({("email", match["email"].casefold())}))


def _link(match: re.Match[str]) -> Iterator[Claim]:
    link = match["link"].rstrip(".,;:!?")
    yield Claim(link, "link", frozenset({("link", _address(link))}))


def _address(link: str) -> str:
    """Return a link with its host in small letters and no slash alone at its end."""
    scheme, mark, rest = link.rpartition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme.lower()}{mark}{host.lower()}{slash if path else ''}{path}"


def _iso(match: re.Match[str]) -> Iterator[Claim]:
    yield _dated(match["iso"], match["iso"])
    if match["clock"]:
        yield Claim(match["clock"], "time", frozenset({("time", match["clock"])}))


def _slashed(match: re.Match[str]) -> Iterator[Claim]:
    first, second, year = re.split(r"[/.-]", match["slashed"])
    first, second = first.zfill(2), second.zfill(2)
    yield _dated(match["slashed"], f"{year}-{second}-{first}", f"{year}-{first}-{second}")


def _dated(text: str, *readings: str) -> Claim:
    days: set[Key] = set()
    for reading in readings:
        try:
            days.add(("date", date.fromisoformat(reading)))
        except ValueError:
            continue
    return Claim(text, "date", frozenset(days or {("code", text)}))


def _calendar(match: re.Match[str]) -> Iterator[Claim]:
    text = match["calendar"]
    month = MONTHS.index((match["m1"] or match["m2"] or match["m3"])[:3]) + 1
    day = match["d1"] or match["d2"]
    year = match["y1"] or match["y2"] or match["y3"]
    if day and year:
        yield _dated(text, f"{year}-{month:02}-{int(day):02}")
    else:
        key: Key = ("day", (month, int(day))) if day else ("month", (int(year), month))
        yield Claim(text, "date", frozenset({key}))


def _time(match: re.Match[str]) -> Iterator[Claim]:
    yield Claim(match["time"], "time", frozenset({("time", match["time"].zfill(5))}))


def _year(match: re.Match[str]) -> Iterator[Claim]:
    yield Claim(match["year"], "year", frozenset({("year", int(match["year"]))}))


def _percent(match: re.Match[str]) -> Iterator[Claim]:
    yield Claim(match[0].strip(), "percentage", frozenset({("percent", _decimal(match["percent"]))}))


def _code(match: re.Match[str]) -> Iterator[Claim]:
    code = match["code"]
    counted = re.fullmatch(r"(\d+)(?:st|nd|rd|th|(?:-[^\W\d_]+)+)", code)
    if counted:
        yield Claim(code, "number", frozenset({("number", Decimal(counted[1]))}))
    else:
        yield Claim(code, "code", frozenset({("code", code)}))


def _number(match: re.Match[str]) -> Iterator[Claim]:
    yield Claim(match["number"], "number", frozenset({("number", _decimal(match["number"]))}))


def _words(match: re.Match[str]) -> Iterator[Claim]:
    words = [word for word in re.split(r"[\s-]+", match["words"].casefold()) if word not in ("and", "")]
    if words == ["one"]:
        return
    total = current = 0
    for word in words:
        if word not in SCALES:
            current += WORDS[word]
        elif word == "hundred":
            current = (current or 1) * 100
        else:
            total, current = total + (current or 1) * SCALES[word], 0
    yield Claim(match["words"].strip(), "number", frozenset({("number", Decimal(total + current))}))


_READERS: dict[str, Callable[[re.Match[str]], Iterator[Claim]]] = {
    "email": _email,
    "link": _link,
    "iso": _iso,
    "calendar": _calendar,
    "slashed": _slashed,
    "time": _time,
    "year": _year,
    "percent": _percent,
    "code": _code,
    "number": _number,
    "words": _words,
}


def _decimal(text: str) -> Decimal:
    digits = text.replace("\u2212", "-")
    tail = re.search(r",(\d{1,2})$", digits)
    if tail:
        return Decimal(digits[: tail.start()].replace(".", "") + "." + tail[1])
    return Decimal(digits.replace(",", ""))


def _implied(key: Key, *, percent: bool) -> Iterator[Key]:
    match key:
        case ("date", date() as day):
            yield from (("day", (day.month, day.day)), ("month", (day.year, day.month)), ("year", day.year))
        case ("month", (int(year), int())):
            yield ("year", year)
        case ("link", str() as link):
            yield ("link", link.partition("://")[2] or f"https://{link}")
        case ("percent", Decimal() as share):
            yield ("number", share)
        case ("number", Decimal() as number):
            if number == number.to_integral_value():
                yield ("year", int(number))
            if percent:
                yield ("percent", number)
        case _:
            return
