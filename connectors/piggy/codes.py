"""Piggy's business codes that the table of operations shares, and where the facts come from."""

from typing import Final

INTERNAL: Final = 1000
INVALID_INPUT: Final = 1003
SHOP_NOT_FOUND: Final = 1008
TOO_MANY_CREDITS: Final = 1015
POS_TRANSACTION_NOT_FOUND: Final = 1027
SECRET_INVALID: Final = 1053
TOKEN_EXPIRED: Final = 3000
POS_TRANSACTION_LINKED: Final = 6001
CONTACT_NOT_FOUND: Final = 55031
USER_APP_NOT_FOUND: Final = 55032
NO_DEFAULT_UNIT: Final = 55046
USAGE_LIMIT_REACHED: Final = 60000
CREATING_IN_PROGRESS: Final = 60001
IDENTIFIER_NOT_FOUND: Final = 60003
IDENTIFIER_INACTIVE: Final = 60004
CONTACT_EXISTS: Final = 60005
UNIT_NOT_FOUND: Final = 60007
ATTRIBUTE_EXISTS: Final = 60009
IDENTIFIER_LINKED: Final = 60014
CONTACT_NOT_ANONYMOUS: Final = 60016
PROMOTION_NOT_FOUND: Final = 80002
VOUCHER_NOT_FOUND: Final = 80004
VOUCHER_LIMIT_REACHED: Final = 80008

UNSETTLED: Final = frozenset({INTERNAL})
"""An internal error says nothing about what happened before it."""
ACCOUNT: Final = frozenset({7002, 7011, 55018})
"""Account inactive, no access to it, program not active: no call does anything."""

DOCS: Final = "the vendor's documentation pages of 2026"
CAPTURES: Final = "the vendor's Postman captures of November 2023; production code of 2026 still calls it"


def refused(*codes: int) -> frozenset[int]:
    """Return the codes that prove a refusal: those of every call, and `codes`."""
    return ACCOUNT | {INVALID_INPUT, *codes}
