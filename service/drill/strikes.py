"""What goes wrong in a trial: a fault for one request of a run, named so that the very same can be ordered again."""

from collections.abc import Iterator
from typing import Final, get_args

from pydantic import JsonValue

from ...connectors.contract import Frozen
from ...connectors.errors import InvalidUse
from ...connectors.sandbox.drift import distort
from ...connectors.sandbox.faults import AFTER, ANY, FaultKind, FaultOrder, order_fault, parse_fault

KINDS: Final[tuple[FaultKind, ...]] = get_args(FaultKind)
"""All that the sandbox has on offer."""
OF_WRITES: Final[frozenset[FaultKind]] = frozenset({"late", "lag", "creating"})
"""Faults about when an effect takes place or shows: a read has none."""
REFUSING: Final[frozenset[FaultKind]] = frozenset({"refused", "disguised"})
"""The vendor says no for good: the step must not be done, and nothing may have happened."""
_FORM: Final = "Write KIND[=DETAIL]@OPERATION#NUMBER, several with `+`, for example slow@shops.list#1."


class Strike(Frozen):
    """A fault for the `number`-th request of an operation, counted from 1 in the order of arrival."""

    order: FaultOrder
    number: int

    @property
    def form(self) -> str:
        """Return the kind with its detail."""
        return form_of(self.order)

    def __str__(self) -> str:
        return f"{self.form}@{self.order.operation}#{self.number}"


def form_of(order: FaultOrder) -> str:
    """Return the kind of a fault, with its detail if it has one."""
    return f"{order.kind}={order.detail}" if order.detail else order.kind


def parse_strikes(text: str) -> tuple[Strike, ...]:
    """Read what `str` of a trial writes. Raises InvalidUse."""
    return tuple(_parsed(part) for part in text.split("+"))


def _parsed(text: str) -> Strike:
    fault, sign, number = text.rpartition("#")
    if not sign or not (number.isascii() and number.isdigit() and int(number)):
        raise InvalidUse(f"the trial `{text}` does not say which request it strikes", help=_FORM)
    return Strike(order=parse_fault(fault), number=int(number))


def check_kinds(texts: tuple[str, ...]) -> None:
    """Raise InvalidUse, with the nearest name, for a word of `--faults` that is no kind."""
    for text in texts:
        kind = text.partition("=")[0]
        if kind not in KINDS:
            order_fault(kind, ANY)


def orders_for(operation: str, data: JsonValue, *, is_read: bool) -> Iterator[FaultOrder]:
    """Yield one order for each kind that can strike a call, and of a write also those that strike after its effect.

    `data` is what the call was answered. A drift that needs the name of a field gets the first one that it can spoil,
    and a drift that finds nothing to spoil is left out.
    """
    for kind in KINDS:
        if is_read and kind in OF_WRITES:
            continue
        plain = _first_of(kind, operation, ("", *_fields(data)))
        if plain is None:
            continue
        if not plain.is_drift:
            yield plain
            after = None if is_read else _first_of(kind, operation, (AFTER,))
            yield from () if after is None else (after,)
        elif (drift := _spoiling(plain, operation, data)) is not None:
            yield drift


def _first_of(kind: str, operation: str, details: tuple[str, ...]) -> FaultOrder | None:
    """Return the order with the first detail that the sandbox takes."""
    for detail in details:
        try:
            return order_fault(kind, operation, detail=detail)
        except InvalidUse:
            continue
    return None


def _spoiling(plain: FaultOrder, operation: str, data: JsonValue) -> FaultOrder | None:
    details = (plain.detail,) if not plain.detail else _fields(data)
    for detail in details:
        order = _first_of(plain.kind, operation, (detail,))
        if order is not None and distort(order, data) != data:
            return order
    return None


def _fields(data: JsonValue) -> tuple[str, ...]:
    """Return the names in the first record of an answer."""
    if isinstance(data, list):
        return _fields(data[0]) if data else ()
    return tuple(data) if isinstance(data, dict) else ()
