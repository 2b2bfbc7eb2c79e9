"""Faults on order: what is armed, for which operation, how often."""

from collections.abc import Collection
from datetime import timedelta
from typing import Final, Literal, get_args

from pydantic import Field
from rapidfuzz import process

from ..contract import Frozen
from ..errors import InvalidUse
from .world import LONGEST_DELAY, OPERATIONS

FaultKind = Literal[
    "rate_limit",  # 429, before the effect; the detail says how it tells for how long
    "unauthorized",  # the key stops being valid, another is valid from then on
    "drift_rename",  # a field has another name, or every field another style
    "drift_wrap",  # the data lies one level deeper
    "drift_retype",  # numbers as strings, strings as numbers
    "drift_null",  # a field is null
    "lost_reply",  # the effect took place, the connection is cut; with seconds, reads show it only then
    "lost_request",  # the connection is cut before the effect
    "late",  # the connection is cut at once, the request still travels: the effect takes place later
    "lag",  # the effect takes place and is answered, reads show it only later
    "slow",  # the effect takes place at arrival, the answer comes late
    "server_error",  # 500, before the effect or after it
    "bad_gateway",  # 502 and a page, before the effect or after it
    "maintenance",  # 503, before the effect or after it; a number is its Retry-After
    "forbidden",  # 403, before the effect
    "redirect",  # 302 to a login page, or the status that is named, before the effect
    "creating",  # 400 with code 60001, before the effect or after it
    "refused",  # 400 with a code, instead of the effect
    "disguised",  # the same under status 200
    "garbled",  # the effect took place, the answer is a page
    "truncated",  # the effect took place, the answer ends in its midst
    "empty",  # the effect took place, the answer has no body
    "duplicate_key",  # the effect took place, the answer names its data twice
    "null_data",  # the effect took place, the answer's data is null
    "denied",  # the effect took place, the answer says `success: false` beside its data
    "not_a_number",  # the effect took place, the answer holds NaN
    "latin1",  # the effect took place, the answer holds a letter in ISO 8859-1
    "bomb",  # the effect took place, the answer unfolds to 20 MiB
    "torn_gzip",  # the effect took place, the answer's compression ends in its midst
]
Aftermath = Literal[
    "lost_reply",
    "lag",
    "slow",
    "garbled",
    "truncated",
    "empty",
    "duplicate_key",
    "null_data",
    "denied",
    "not_a_number",
    "latin1",
    "bomb",
    "torn_gzip",
]
"""The kinds that strike once the effect has taken place."""
ANY: Final = "*"
AFTER: Final = "after"
"""The detail that lets a fault strike after the effect instead of before it."""

TOOLS: Final = {
    "PIGGY_CLAIM_ANONYMOUS_CONTACT": "contacts.claim",
    "PIGGY_CREATE_CONTACT_ATTRIBUTE": "contact_attributes.create",
    "PIGGY_CREATE_CREDIT_RECEPTION": "credit_receptions.create",
    "PIGGY_CREATE_VOUCHERS_BATCH": "vouchers.batch",
    "PIGGY_FIND_OR_CREATE_PRODUCTS": "products.find_or_create",
    "PIGGY_FIND_VOUCHER_BY_CODE": "vouchers.find",
    "PIGGY_GET_CONTACT_AUTH_TOKEN": "contact_verification.auth_token",
    "PIGGY_GET_CONTACTS_CREDIT_BALANCE": "contacts.credit_balance",
    "PIGGY_LIST_FORMS": "forms.list",
    "PIGGY_LIST_PERKS": "perks.list",
    "PIGGY_MERGE_CONTACTS": "contacts.merge",
    "PIGGY_SEND_CONTACT_VERIFICATION_EMAIL": "contact_verification.send",
    "PIGGY_UPDATE_BOOKINGS": "bookings.update",
}

_LONGEST_CODE: Final = 6
_HOUR: Final = timedelta(hours=1)
_DELAYS: Final[dict[FaultKind, tuple[timedelta, timedelta]]] = {
    "slow": (timedelta(seconds=4), _HOUR),
    "late": (LONGEST_DELAY, LONGEST_DELAY),
    "lag": (LONGEST_DELAY, LONGEST_DELAY),
    "lost_reply": (timedelta(), LONGEST_DELAY),
}
"""The delay without a detail, and the longest there is."""
_WORDS: Final[dict[FaultKind, tuple[str, ...]]] = {
    "rate_limit": ("seconds", "date", "none", "reset", "milliseconds", "draft", "absurd"),
    "unauthorized": ("oauth", "framework", "vendor"),
    "server_error": (AFTER,),
    "bad_gateway": (AFTER,),
    "maintenance": (AFTER,),
    "redirect": ("301", "302", "303", "307", "308"),
    "creating": (AFTER,),
}
_COUNTED: Final[frozenset[FaultKind]] = frozenset({"rate_limit", "maintenance"})
_FORM: Final = "Write KIND[=DETAIL]@OPERATION[:COUNT], for example rate_limit@credit_receptions.create:2."


class FaultOrder(Frozen):
    """One kind of fault for one operation (or `*`), some times; made by `order_fault` or `parse_fault`."""

    kind: FaultKind
    operation: str
    """The dotted name, or `*` for every operation."""
    count: int = Field(default=1, ge=1)
    detail: str = ""

    @property
    def is_drift(self) -> bool:
        """Whether the fault spoils an answer, and can only strike where there is something to spoil."""
        return self.kind.startswith("drift_")

    @property
    def delay(self) -> timedelta:
        """How much later than usual something happens; none for the kinds that delay nothing."""
        if self.kind not in _DELAYS:
            return timedelta()
        return timedelta(seconds=float(self.detail)) if self.detail else _DELAYS[self.kind][0]

    @property
    def spec(self) -> str:
        """Return the order as text that `parse_fault` reads."""
        detail = f"={self.detail}" if self.detail else ""
        return f"{self.kind}{detail}@{self.operation}:{self.count}"


def parse_fault(text: str) -> FaultOrder:
    """Read `KIND[=DETAIL]@OPERATION[:COUNT]`; raise InvalidUse, with the nearest names, when it is wrong."""
    left, at, right = text.strip().rpartition("@")
    if not at:
        raise InvalidUse(f"the fault `{text}` names no operation", help=_FORM)
    kind, _, detail = left.partition("=")
    operation, _, count = right.partition(":")
    if count and not (count.isascii() and count.isdigit()):
        raise InvalidUse(f"the count `{count}` of the fault `{text}` is no whole number", help=_FORM)
    return order_fault(kind.strip(), operation.strip(), count=int(count or 1), detail=detail.strip())


def order_fault(kind: str, operation: str, *, count: int = 1, detail: str = "") -> FaultOrder:
    """Return a checked order; raise InvalidUse when a word is unknown or the detail does not fit the kind."""
    known: FaultKind | None = next((word for word in get_args(FaultKind) if word == kind), None)
    if known is None:
        raise InvalidUse(f"there is no fault `{kind}`", help=_suggest(kind, get_args(FaultKind)))
    dotted = TOOLS.get(operation, operation)
    if dotted != ANY and dotted not in OPERATIONS:
        help_text = _suggest(operation, [*OPERATIONS, *TOOLS])
        raise InvalidUse(f"the sandbox has no operation `{operation}`", help=f"{help_text} `*` means all.")
    if count < 1:
        raise InvalidUse(f"the count {count} of the fault `{kind}` is below 1", help=_FORM)
    trouble = _find_trouble(known, detail)
    if trouble:
        raise InvalidUse(f"the detail `{detail}` does not fit the fault `{kind}`", help=trouble)
    return FaultOrder(kind=known, operation=dotted, count=count, detail=detail)


class FaultQueue:
    """The orders that are armed, in arming order."""

    def __init__(self) -> None:
        self._orders: list[FaultOrder] = []

    def arm(self, order: FaultOrder) -> None:
        """Add an order."""
        self._orders.append(order)

    def clear(self) -> None:
        """Forget all orders."""
        self._orders.clear()

    def armed(self) -> tuple[FaultOrder, ...]:
        """Return the orders with what is left of their counts."""
        return tuple(self._orders)

    def orders_for(self, operation: str) -> list[FaultOrder]:
        """Return the orders for an operation, still armed."""
        return [order for order in self._orders if order.operation in {ANY, operation}]

    def spend(self, order: FaultOrder) -> None:
        """Count one use of an order that `orders_for` gave."""
        place = self._orders.index(order)
        if order.count == 1:
            del self._orders[place]
        else:
            self._orders[place] = order.model_copy(update={"count": order.count - 1})

    def postpone(self, order: FaultOrder) -> None:
        """Put an order last, because there was nothing in the answer that it could spoil."""
        self._orders.remove(order)
        self._orders.append(order)


def _suggest(word: str, names: Collection[str]) -> str:
    near = [name for name, _, _ in process.extract(word, names, limit=3, score_cutoff=50)]
    if near:
        return f"Did you mean {' or '.join(f'`{name}`' for name in near)}?"
    return f"Known are: {', '.join(names)}."


def _find_trouble(kind: FaultKind, detail: str) -> str:
    """Return what is expected instead of a detail; empty when it fits."""
    match kind:
        case "drift_rename":
            old, _, new = detail.partition("=")
            return "" if not detail or (old and new) else "Expected `old=new`, or nothing for camelCase."
        case "drift_retype" | "drift_null":
            return "" if detail else f"Expected the name of a field: {kind}=FIELD@OPERATION."
        case "slow" | "late" | "lag" | "lost_reply":
            longest = _DELAYS[kind][1]
            expected = f"Expected a number of seconds, at most {longest.total_seconds():g}."
            return "" if not detail or _is_seconds(detail, longest) else expected
        case "refused" | "disguised":
            is_code = detail.isascii() and detail.isdigit() and len(detail) <= _LONGEST_CODE
            return (
                "" if not detail or is_code else f"Expected a code of the vendor's, for example {kind}=1015."
            )
        case "rate_limit" | "maintenance" if (
            detail.isascii() and detail.isdigit() and _is_seconds(detail, _HOUR)
        ):
            return ""
        case _:
            words = _WORDS.get(kind, ())
            if not detail or detail in words:
                return ""
            counted = (*words, "a number of seconds") if kind in _COUNTED else words
            return f"Expected {' or '.join(counted)}." if words else "Expected none."


def _is_seconds(text: str, longest: timedelta) -> bool:
    try:
        seconds = float(text)
    except ValueError:
        return False
    return 0 <= seconds <= longest.total_seconds()
