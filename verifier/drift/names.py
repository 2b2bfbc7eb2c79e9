"""What the words of a name say: whether two names are one in two styles, and whether a word changes the meaning.

The lists are those of the trade (units, money, scope, moments, ids, denials), not those of any vendor's changes.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from itertools import product

_STYLED_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[_\-. ][A-Za-z0-9]+)*\Z")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")

_UNITS = r"""
    cents?|pence|percent|percentage|pct|permille|bps|currency|usd|eur|gbp|chf|jpy|thousands?|millions?
    |nanos?|nanoseconds?|micros?|microseconds?|ms|millis|milliseconds?|secs?|seconds?|mins|minutes?|hours?|days?|weeks?
    |months?|years?|bits?|bytes?|kb|mb|gb|tb|kib|mib|gib|grams?|kg|lbs?|km|meters?|metres?|miles?|celsius|fahrenheit"""
_MONEY = r"""
    amounts?|balances?|prices?|totals?|subtotals?|fees?|costs?|credits?|debits?|points?|values?|tax|taxes|discounts?
    |refunds?|prepaid|revenue|sum"""
_SCOPE = r"""
    default|fallback|previous|prior|former|next|parent|child|root|net|gross|max|maximum|min|minimum|highest|lowest
    |counts?|quantity|quantities|first|last|latest|original|initial|final|current|average|avg|mean|median|all|any|each
    |other|old|new|draft|sample|template|example|copy|history|archived|pending|available|reserved|remaining|used|unused
    |estimated|expected|actual|planned|requested|request|required|optional|lifetime|daily|weekly|monthly|yearly|annual
    |inclusive|exclusive|including|excluding|sub|super"""
_MOMENTS = r"""
    starts?|started|begins?|began|ends?|ended|finish|finished|created|creation|updated?|modified|changed|deleted|removed
    |expires?|expired|expiry|expiration|due|activated|activation|redeemed|cancell?ed|completed|paid|sent|received|before
    |after|since|until"""
_DENIALS = r"""
    no|not|non|never|none|without|un|dis|enabled?|disabled?|active|inactive|allow|allowed|allows|denied|deny
    |blocked|included|excluded|excludes?|failed|failures?|rejected|invalid|opt|out|opted|skip|skipped|hidden|errors?
    |faults?|warnings?|exceptions?"""
_IDS = r"""
    ids?|uuids?|guids?|uids?|sids?|keys?|codes?|tokens?|slugs?|refs?|references?|hash|identifiers?|numbers?|handles?"""
_ROLES = r"""
    source|destination|sender|recipient|from|to|billing|shipping|buyer|seller|payer|payee|home|work|local|remote
    |internal|external"""

_MEANING = re.compile(f"{_UNITS}|{_MONEY}|{_SCOPE}|{_MOMENTS}|{_DENIALS}", re.VERBOSE)
_EXCLUSIVE = (re.compile(_IDS, re.VERBOSE), re.compile(_ROLES, re.VERBOSE))
"""Words that may be said in addition, but not one in place of another."""
_AMOUNT = re.compile(f"{_UNITS}|{_MONEY}", re.VERBOSE)
_MERE_WRAPPERS = frozenset({"value", "values"})  # as OData and others call the envelope
_DENYING = ("un", "in", "im", "ir", "dis", "non", "de", "anti")


@lru_cache(maxsize=8192)
def words_of(name: str) -> tuple[str, ...]:
    """Split a name into its words; a name that is in no known style is one word, as it stands."""
    if not _STYLED_NAME.match(name):
        return (name,)
    return tuple(word.lower() for word in _WORD.findall(name))


def is_telling(name: str, thing: str = "") -> bool:
    """Tell whether what stands under a name may be another thing of the same shape.

    A name that is the thing's own, `error` around an error, tells nothing new.
    """
    words = words_of(name)
    if words == last_words_of(thing):
        return False
    return any(_MEANING.fullmatch(word) for word in words if word not in _MERE_WRAPPERS)


def last_words_of(thing: str) -> tuple[str, ...]:
    """Return the last word of what a thing is called, such as `dispute` of `issuing.dispute`, as a tuple of one."""
    return words_of(re.sub(r"\W+", "_", thing).strip("_"))[-1:]


def is_of_amounts(name: str) -> bool:
    """Tell whether a name says money or a unit."""
    return any(map(_AMOUNT.fullmatch, words_of(name)))


def may_differ(old: Iterable[str], new: Iterable[str]) -> bool:
    """Tell whether the words on two ways to a field leave it open that they mean different things.

    A unit, money, a scope, a moment or a denial stands on one side only. A kind of id, or one of two roles, may be said
    in addition, but not in place of another; and no word may deny the other's.
    """
    one, other = _words_on(old), _words_on(new)
    exchanged = [*product(one - other, other - one)]
    return (
        any(map(_MEANING.fullmatch, one ^ other))
        or any(
            kind.fullmatch(gone) and kind.fullmatch(come) for gone, come in exchanged for kind in _EXCLUSIVE
        )
        or any(deny + gone == come or deny + come == gone for gone, come in exchanged for deny in _DENYING)
    )


def _words_on(way: Iterable[str]) -> set[str]:
    return {word for name in way for word in words_of(name.removesuffix("[]"))}
