"""Operations on credits: receptions, their listing, their attributes."""

from collections.abc import Sequence
from datetime import datetime
from decimal import ROUND_FLOOR, Decimal

from pydantic import JsonValue

from ..contract import JsonObject
from .account import MAX_CREDITS
from .arguments import Arguments, parse_moment
from .members import find_contact, read_attribute
from .refusals import (
    ATTRIBUTE_EXISTS,
    IDENTIFIER_NOT_FOUND,
    POS_TRANSACTION_LINKED,
    POS_TRANSACTION_NOT_FOUND,
    SHOP_NOT_FOUND,
    TOO_MANY_CREDITS,
    UNIT_NOT_FOUND,
    Refusal,
)
from .served import Operation, Served
from .shapes import RESERVED, moment, show_reception, show_transaction_attribute
from .state import Contact, Reception, State

_TYPES = frozenset({"credit_receptions", "reward_receptions"})
_SORTS = frozenset({"created_at", "-created_at"})
_COMPARISONS = frozenset({"gt", "gte", "lt", "lte"})


def create_reception(state: State, arguments: Arguments, at: datetime) -> Served:
    """Serve `credit_receptions.create`: never the same twice, since the vendor has no idempotency key.

    `credits` win over `unit_value`, of which every whole unit gives one credit. Extra keys are kept when a
    loyalty-transaction attribute has their name and are ignored silently otherwise (inference).
    """
    reception, pos_transaction = _read_reception(state, arguments, at)
    contact = find_contact(state, reception.contact_uuid)
    if reception.shop_uuid not in state.shops:
        raise Refusal(SHOP_NOT_FOUND)
    if reception.unit_name not in state.units:
        raise Refusal(UNIT_NOT_FOUND)
    if reception.identifier and contact.identifier != reception.identifier:
        raise Refusal(IDENTIFIER_NOT_FOUND)
    _check_pos_transaction(state, pos_transaction)
    if reception.credits > MAX_CREDITS:
        raise Refusal(TOO_MANY_CREDITS)
    reception.id, reception.uuid = state.number("reception_id"), state.identify("reception")
    _enter(state, contact, reception)
    if pos_transaction is not None:
        state.pos_transactions[pos_transaction] = True
    return Served(show_reception(reception, state), {}, wrote=True)


def create_pos_transaction(state: State, arguments: Arguments, at: datetime) -> Served:
    """Serve `pos_transactions.create`: never the same twice, and worth nothing until a reception is linked."""
    amount = arguments.integer("amount_in_cents", required=True)
    references: JsonObject = {}
    for name in ("transaction_id", "terminal_id"):
        number = arguments.integer(name)
        references[name] = None if number is None else str(number)
    arguments.check()
    uuid = state.identify("pos_transaction")
    state.pos_transactions[uuid] = False
    data: JsonObject = {"uuid": uuid, **references, "created_at": moment(at), "amount_in_cents": amount}
    return Served(data, None, wrote=True)


def list_transactions(state: State, arguments: Arguments, at: datetime) -> Served:
    """Serve `loyalty_transactions.list`: oldest first unless sorted; only plural types are known.

    A contact that is not there, or was merged into another, is refused (55031), as every documented listing
    with such a filter does; that this one does too is an inference. What a merged contact was given is listed
    under the contact that took it over.
    """
    del at
    page = arguments.within("page", 1, 1_000_000, default=1)
    limit = arguments.within("limit", 1, 100, default=10)
    kind = arguments.choice("type", _TYPES)
    newest_first = arguments.choice("sort", _SORTS) == "-created_at"
    contact_uuid, shop_uuid = arguments.text("contact_uuid"), arguments.text("shop_uuid")
    bounds = _created_bounds(arguments)
    arguments.check()
    rows = _entries(state, contact_uuid, shop_uuid)
    if kind == "reward_receptions":
        rows = []
    if bounds:
        rows = [row for row in rows if _is_between(row.created_at, bounds)]
    total = len(rows)
    start, end = (page - 1) * limit, min(page * limit, total)
    newest = slice(max(0, total - end), max(0, total - start))
    shown = list(rows[newest])[::-1] if newest_first else list(rows[start:end])
    data: list[JsonValue] = [show_reception(row, state) for row in shown]
    meta: JsonObject = {
        "page": page,
        "limit": limit,
        "viewing_from": start + 1 if shown else 0,
        "viewing_to": start + len(shown) if shown else 0,
        "last_page": max(1, -(-total // limit)),
        "total": total,
    }
    return Served(data, meta)


def list_attributes(state: State, arguments: Arguments, at: datetime) -> Served:
    """Serve `loyalty_transaction_attributes.list`."""
    del arguments, at
    shown: list[JsonValue] = [
        show_transaction_attribute(item) for item in state.transaction_attributes.values()
    ]
    return Served(shown, {})


def create_attribute(state: State, arguments: Arguments, at: datetime) -> Served:
    """Serve `loyalty_transaction_attributes.create`; a name is given once (60009)."""
    if arguments.values.get("name") in RESERVED:
        arguments.wrong("name", "is reserved")
    attribute = read_attribute(state, arguments, at)
    if attribute.name in state.transaction_attributes:
        raise Refusal(ATTRIBUTE_EXISTS)
    state.number("attribute_id")
    state.transaction_attributes[attribute.name] = attribute
    return Served(show_transaction_attribute(attribute), {}, wrote=True)


def _read_reception(state: State, arguments: Arguments, at: datetime) -> tuple[Reception, str | None]:
    """Return the reception that a call describes, without its number, and the POS transaction it names."""
    contact_uuid, shop_uuid = arguments.key("contact_uuid"), arguments.key("shop_uuid")
    credits_given, unit_value = arguments.integer("credits"), arguments.number("unit_value")
    if credits_given is None and unit_value is None:
        arguments.wrong("credits", "field is required when unit value is not present")
    unit_name = arguments.text("unit_name")
    identifier = arguments.text("contact_identifier_value")
    pos_transaction = arguments.text("pos_transaction_uuid")
    arguments.check()
    names = state.transaction_attributes.keys()
    reception = Reception(
        id=0,
        uuid="",
        contact_uuid=contact_uuid,
        shop_uuid=shop_uuid,
        credits=credits_given if credits_given is not None else _whole(unit_value or 0),
        unit_value=unit_value,
        unit_name=unit_name or next(unit.name for unit in state.units.values() if unit.is_default),
        identifier=identifier or "",
        created_at=at,
        attributes={name: value for name, value in arguments.values.items() if name in names},
    )
    return reception, pos_transaction


def _check_pos_transaction(state: State, uuid: str | None) -> None:
    if uuid is None:
        return
    if uuid not in state.pos_transactions:
        raise Refusal(POS_TRANSACTION_NOT_FOUND)
    if state.pos_transactions[uuid]:
        raise Refusal(POS_TRANSACTION_LINKED)


def _enter(state: State, contact: Contact, reception: Reception) -> None:
    state.receptions.append(reception)
    state.shop_receptions[reception.shop_uuid].append(reception)
    contact.receptions.append(reception)
    contact.previous_balance = contact.balance
    contact.balance += reception.credits
    contact.received += max(0, reception.credits)


def _entries(state: State, contact_uuid: str | None, shop_uuid: str | None) -> Sequence[Reception]:
    if contact_uuid is None:
        return state.receptions if shop_uuid is None else state.shop_receptions.get(shop_uuid, [])
    receptions = find_contact(state, contact_uuid).receptions
    return receptions if shop_uuid is None else [row for row in receptions if row.shop_uuid == shop_uuid]


def _whole(value: int | float) -> int:  # noqa: PYI041  # JSON tells them apart, and so do we
    return int(Decimal(str(value)).to_integral_value(ROUND_FLOOR))


def _created_bounds(arguments: Arguments) -> dict[str, datetime]:
    """Read `created_at[gt]` and its sisters."""
    bounds: dict[str, datetime] = {}
    for word, value in arguments.mapping("created_at").items():
        moment = parse_moment(value) if isinstance(value, str) else None
        if word not in _COMPARISONS or moment is None:
            arguments.wrong("created_at", "is invalid")
            continue
        bounds[word] = moment
    return bounds


def _is_between(moment: datetime, bounds: dict[str, datetime]) -> bool:
    return (
        ("gt" not in bounds or moment > bounds["gt"])
        and ("gte" not in bounds or moment >= bounds["gte"])
        and ("lt" not in bounds or moment < bounds["lt"])
        and ("lte" not in bounds or moment <= bounds["lte"])
    )


LEDGER_OPERATIONS: dict[str, Operation] = {
    "credit_receptions.create": create_reception,
    "pos_transactions.create": create_pos_transaction,
    "loyalty_transactions.list": list_transactions,
    "loyalty_transaction_attributes.list": list_attributes,
    "loyalty_transaction_attributes.create": create_attribute,
}
