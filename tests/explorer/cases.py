"""The cases of the shipped protocol: what is searched at small bounds with the tests, and at large ones by hand."""

from dataclasses import replace
from typing import Final

from tests.explorer.case import Case, Flavour

ALONE: Final = (
    Case("marked, settle declared, marker trusted", "marked", settle=True, trusted=True),
    Case("marked, no settle declared, no bound", "marked", trusted=True, late=None),
    Case("marked, the account does not echo", "marked", settle=True, listed="unmarked"),
    Case("marked, the account does not echo and alters", "marked", settle=True, listed="altered"),
    Case("keyed, no settle declared, no bound", "keyed", trusted=True, late=None),
    Case("keyed, settle declared, marker trusted", "keyed", settle=True, trusted=True),
    Case("natural key, no bound", "natural", late=None),
    Case("idempotent, no bound", "idempotent", late=None),
    Case("readable state, settle declared", "claim", settle=True),
    Case("readable state, no bound", "claim", late=None),
    Case("done later, seen in the state", "merge", settle=True),
    Case("done later, seen in the state, no bound", "merge", late=None),
    Case("done later, counted", "batch", late=None),
    Case("blind, no bound", "mail", late=None),
    Case("blind, may be repeated, no bound", "mail", late=None, may_repeat=True, second_may_repeat=True),
)
"""One run, the vendor's answers of one sort each."""

_MARKED, _KEYED, _NATURAL, _CLAIM, _BATCH, _MAIL = (
    next(case for case in ALONE if case.trade == trade)
    for trade in ("marked", "keyed", "natural", "claim", "batch", "mail")
)
_FLAVOURS: Final[tuple[Flavour, ...]] = ("answers", "keys", "switch")
_ODD: Final = tuple(
    replace(case, name=f"{case.name}; {flavour}", flavours=frozenset({"plain", flavour}), others=0)
    for case in (_MARKED, _KEYED, _CLAIM, _BATCH, _MAIL)
    for flavour in _FLAVOURS
)
_PARKS: Final = replace(_MARKED, name=f"{_MARKED.name}; on_exhausted: park", parks_exhausted=True)
_PAIRS: Final = tuple(
    replace(case, name=f"{case.name}; two runs, one key", runs=2, others=0)
    for case in (_MARKED, _KEYED, _NATURAL, _CLAIM, _MAIL)
)
_EDITED: Final = tuple(
    replace(
        case,
        name=f"{case.name}; two runs, the {'second' if second else 'first'} may repeat",
        runs=2,
        others=0,
        may_repeat=not second,
        second_may_repeat=second,
    )
    for case in (_MARKED, _MAIL)
    for second in (False, True)
)
_CAPPED: Final = replace(
    _MARKED, name="two runs, the second at its cap", runs=2, others=0, second_is_capped=True
)
_PARKING_PAIR: Final = replace(_PARKS, name=f"{_PARKS.name}; two runs, one key", runs=2, others=0)
_DIFFERING: Final = replace(
    _MARKED, name="two runs, one key, other arguments", runs=2, others=0, amounts=(5, 7)
)
_APART: Final = replace(
    _MARKED, name="two runs, two keys, equal arguments", runs=2, others=0, keys=("ann", "bob")
)

SMALL: Final = (
    replace(_MARKED, sends=3, crashes=2),
    *(replace(case, sends=2, crashes=1) for case in (_CLAIM, _BATCH)),
    *(replace(case, sends=3, crashes=2, others=0) for case in ALONE if case not in (_MARKED, _CLAIM, _BATCH)),
    *(replace(case, sends=2, crashes=1) for case in (*_ODD, _PARKS)),
    *(replace(case, sends=1, crashes=1, visits=0) for case in _PAIRS if case.trade != "claim"),
    *(replace(case, sends=2, crashes=0, visits=0) for case in _EDITED),
    *(replace(case, sends=1, crashes=0, visits=0) for case in (_DIFFERING, _CAPPED)),
    replace(_PARKING_PAIR, sends=1, crashes=0),
    replace(_APART, trade="mail", sends=1, crashes=0, visits=0),
)
LARGE: Final = (
    *(replace(case, sends=5, crashes=4, others=2 * case.others, visits=2, probes=3) for case in ALONE),
    *(replace(case, sends=3, crashes=2) for case in (*_ODD, _PARKS)),
    *(replace(case, sends=2, crashes=1) for case in (*_PAIRS, *_EDITED, _CAPPED, _PARKING_PAIR, _DIFFERING)),
    replace(_APART, sends=2, crashes=0),
)
