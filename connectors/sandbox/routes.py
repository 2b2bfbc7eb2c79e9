"""Which operation a method and a path mean."""

import re
from dataclasses import dataclass
from typing import Final

PREFIX: Final = "/api/v3/oauth/clients"
"""The account's API."""
REGISTER_PREFIX: Final = "/api/v3/register"
"""The older API of one register, of which little is served here; the same key opens both."""

_ACCOUNT_ROUTES: Final = (
    ("GET", "", "health.check"),
    ("POST", "/credit-receptions", "credit_receptions.create"),
    ("GET", "/loyalty-transactions", "loyalty_transactions.list"),
    ("GET", "/loyalty-transaction-attributes", "loyalty_transaction_attributes.list"),
    ("POST", "/loyalty-transaction-attributes", "loyalty_transaction_attributes.create"),
    ("GET", "/contacts/find-one-by", "contacts.find_one_by"),
    ("GET", "/contacts/find-or-create", "contacts.find_or_create"),
    ("POST", "/contacts/merge", "contacts.merge"),
    ("POST", "/contacts/anonymous", "contacts.create_anonymous"),
    ("GET", "/contacts/{contact_uuid}", "contacts.get"),
    ("PUT", "/contacts/{contact_uuid}", "contacts.update"),
    ("PUT", "/contacts/{anonymous_contact_uuid}/claim", "contacts.claim"),
    ("GET", "/contacts/{contact_uuid}/credit-balance", "contacts.credit_balance"),
    ("GET", "/contact-attributes", "contact_attributes.list"),
    ("POST", "/contact-attributes", "contact_attributes.create"),
    ("POST", "/contact-verification/send", "contact_verification.send"),
    ("GET", "/contact-verification/auth-token/{contact_uuid}", "contact_verification.auth_token"),
    ("POST", "/vouchers/batch", "vouchers.batch"),
    ("GET", "/vouchers/find", "vouchers.find"),
    ("GET", "/vouchers", "vouchers.list"),
    ("GET", "/promotions", "promotions.list"),
    ("POST", "/products/find-or-create", "products.find_or_create"),
    ("GET", "/forms", "forms.list"),
    ("GET", "/perks", "perks.list"),
    ("GET", "/shops", "shops.list"),
    ("PUT", "/bookings/{uuid}", "bookings.update"),
)
_REGISTER_ROUTES: Final = (
    ("GET", "", "health.check"),
    ("POST", "/pos-transactions", "pos_transactions.create"),
)
_ROUTES: Final = (
    *((method, PREFIX + path, operation) for method, path, operation in _ACCOUNT_ROUTES),
    *((method, REGISTER_PREFIX + path, operation) for method, path, operation in _REGISTER_ROUTES),
)
_FIXED: Final = {
    path: {m: op for m, p, op in _ROUTES if p == path} for _, path, _ in _ROUTES if "{" not in path
}
_OPEN: Final = tuple(
    (method, re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path)), operation)
    for method, path, operation in _ROUTES
    if "{" in path
)


@dataclass(frozen=True, slots=True)
class Match:
    """The operation that a request means, and the arguments that stand in its path."""

    operation: str
    arguments: dict[str, str]


def find_route(method: str, path: str) -> Match | int:
    """Return what a request means; 404 for an unknown path, 405 for a known one with another method."""
    path = path.rstrip("/")
    fixed = _FIXED.get(path)
    if fixed is not None:
        return Match(fixed[method], {}) if method in fixed else 405
    is_known = False
    for wanted, pattern, operation in _OPEN:
        found = pattern.fullmatch(path)
        if found is None:
            continue
        if wanted == method:
            return Match(operation, found.groupdict())
        is_known = True
    return 405 if is_known else 404
