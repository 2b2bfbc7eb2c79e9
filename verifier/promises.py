"""What a text promises without a number: an offer ("half price", "a free coffee") or a deadline ("ends Sunday"). Pure.

The words are English. An offer is grounded where a finding speaks of one of its kind, a deadline where a finding
holds its words, or a date on that day of the week.
"""

import re
from collections.abc import Iterator

from .claims import Claim
from .text import plain_words

_OFFERS: tuple[tuple[str, re.Pattern[str], re.Pattern[str]], ...] = (
    (
        "free",
        re.compile(
            r"(?<![\w-])(?<!feel )(?<!be )(?<!are )(?<!sugar )free(?![\w-])"
            r"(?! to\b| time\b| hour| moment| day| evening| of\b)"
            r"|\bfree of charge|\bcomplimentary\b|\bon the house\b|\bat no (?:extra )?(?:cost|charge)\b"
            r"|\bgift(?! of\b)(?:s|ed)?\b",
            re.IGNORECASE,
        ),
        re.compile(r" (?:free|complimentary|gifts?|on the house|no charge|no cost) "),
    ),
    (
        "discount",
        re.compile(
            r"\bdiscount(?:s|ed)?\b|\b(?:reduced|special) prices?\b|\bprice cut\b|(?<!for )(?<!of )\bsale\b"
            r"|\boff (?:your (?:next|first|whole|entire)|everything|all (?:records|items|orders))\b",
            re.IGNORECASE,
        ),
        re.compile(r" (?:discount\w*|reduced|off|sale|rebate|percent\w*|pct|half|korting|rabatt) "),
    ),
    (
        "half price",
        re.compile(r"\bhalf[- ](?:price|off)\b|\bhalf the price\b", re.IGNORECASE),
        re.compile(r" (?:half|50) "),
    ),
    (
        "two for one",
        re.compile(r"\bbuy one,? get one\b|\btwo for (?:the price of )?one\b|\bBOGO\b", re.IGNORECASE),
        re.compile(r" (?:get one|for one|for the price of one|bogo) "),
    ),
    (
        "voucher",
        re.compile(r"\b(?:vouchers?|coupons?|gift cards?)\b", re.IGNORECASE),
        re.compile(r" (?:vouchers?|coupons?|gift cards?) "),
    ),
    (
        "bonus",
        re.compile(
            r"\b(?:double|triple|bonus|extra|twice the) (?:\w+ )?(?:points|credits|stamps)\b", re.IGNORECASE
        ),
        re.compile(r" (?:double|triple|bonus|extra|twice|multiplier) "),
    ),
    (
        "refund",
        re.compile(r"\b(?:refunds?|money[- ]back|cash ?back)\b", re.IGNORECASE),
        re.compile(r" (?:refund\w*|money back|cash ?back) "),
    ),
    (
        "prize",
        re.compile(r"\byou(?:'ve| have)? won\b|\bwin an?\b|\bprizes?\b", re.IGNORECASE),
        re.compile(r" (?:won|win|winner|prizes?) "),
    ),
)
_WEEKDAY = r"(?:mon|tues|wednes|thurs|fri|satur|sun)day"
_TIME = (
    rf"(?:today|tonight|tomorrow|midnight|{_WEEKDAY}|(?:this|next) (?:week(?:end)?|month|year|{_WEEKDAY})"
    r"|(?:the )?end of (?:the |this |next )?(?:day|week|month|year|season))"
)
_DEADLINE = re.compile(
    rf"\b(?:until|till|ends?|ending|expires?|expiring|valid (?:through|to)|no later than|closes?|last day is)"
    rf" (?:on |at |by |the )?(?P<until>{_TIME})\b"
    rf"|(?P<move>\b(?:come|comes|stop|drop|pass|swing|pop|go|walk) )?\bby (?P<by>{_TIME})\b"
    rf"|\b(?:only|just) (?P<only>today|tonight|this week(?:end)?|this month)\b"
    rf"|\b(?P<alone>today|tonight|tomorrow|this week(?:end)?|this month|{_WEEKDAY}) only\b"
    r"|\b(?P<vague>last chance|limited[- ]time|while (?:stocks?|supplies) lasts?|(?:ends?|closes?|expires?) soon"
    r"|final (?:hours|days|call))\b",
    re.IGNORECASE,
)


def read_promises(piece: str) -> Iterator[Claim]:
    """Return the offers and deadlines in a piece of a folded text."""
    for name, said, _ in _OFFERS:
        for match in said.finditer(piece):
            yield Claim(match[0], "offer", frozenset({("offer", name)}))
    for match in _DEADLINE.finditer(piece):
        parts = match.groupdict()
        when = next((parts[name] for name in ("until", "by", "only", "alone", "vague") if parts[name]), "")
        if not parts["move"]:
            yield Claim(match[0], "deadline", frozenset({("deadline", plain_words(when).strip())}))


def offer_stands(name: str, words: str) -> bool:
    """Return whether the plain words of the findings speak of an offer of this kind."""
    return any(known == name and bool(held.search(words)) for known, _, held in _OFFERS)
