"""The drift events of the Piggy API's own history, as far as they concern an answer of the catalogue.

`outside`: the event is about a request, an address, a credential, or an operation that the catalogue does not have.
"""

from dataclasses import dataclass
from typing import Final, Literal

from mendflow.connectors.contract import JsonObject
from mendflow.connectors.piggy.operations import TOOLS
from mendflow.verifier.shape import items_of, kinds_of
from pydantic import JsonValue

from tests.drift.bodies import example

Expected = Literal["kept", "healed", "refused", "outside"]


@dataclass(frozen=True, slots=True)
class Event:
    """One event: what changed, and an answer after it."""

    number: int
    what: str
    expected: Expected
    operation: str = ""
    body: JsonValue = None


def _record(operation: str) -> JsonObject:
    """Return one record of an operation's answer."""
    schema = TOOLS[operation].answer
    value = example(items_of(schema) if "array" in kinds_of(schema) else schema)
    if not isinstance(value, dict):
        raise TypeError(f"`{operation}` answers with no record")
    return value


def _answer(operation: str, record: JsonValue, meta: JsonValue = None) -> JsonValue:
    """Return an envelope around a record, or around a list of it."""
    is_list = "array" in kinds_of(TOOLS[operation].answer)
    return {"data": [record] if is_list else record, "meta": {} if meta is None else meta}


def _without(operation: str, *names: str) -> JsonValue:
    return _answer(
        operation, {name: value for name, value in _record(operation).items() if name not in names}
    )


def _with(operation: str, **fields: JsonValue) -> JsonValue:
    return _answer(operation, {**_record(operation), **fields})


def _turned(operation: str) -> JsonValue:
    older, newer = ({**_record(operation), "created_at": f"2026-11-2{day}"} for day in (1, 2))
    return {"data": [newer, older], "meta": {}}


_GET, _FOUND, _LISTED = "contacts.get", "vouchers.find", "vouchers.list"
_AWARD, _TRANSACTIONS = "credit_receptions.create", "loyalty_transactions.list"
_TOKEN, _MAIL = "contact_verification.auth_token", "contact_verification.send"
_OUTSIDE: Final[dict[int, str]] = {
    4: "a parameter became required",
    7: "the uuid of a reversal means something else",
    8: "an address changed",
    9: "a parameter was added",
    17: "digital rewards",
    18: "physical rewards",
    19: "undoing a giftcard's transaction",
    20: "the same, earlier",
    21: "a parameter was renamed",
    22: "a parameter changed its type",
    23: "a parameter is gone from the documentation",
    25: "a default is no longer told",
    26: "giftcard programs",
    27: "giftcards",
    28: "collectable rewards",
    29: "an attribute's creation, at another address",
    30: "entities of attributes",
    31: "four addresses became one",
    32: "a parameter was renamed",
    34: "subscriptions",
    36: "automations",
    37: "an address is gone",
    38: "addresses of the portal",
    39: "webhooks",
    40: "events of webhooks",
    44: "giftcards",
    45: "giftcards",
    46: "parameters of the award",
    50: "rewards",
    51: "the sign of a reward's credits: nothing in the shape shows it",
    52: "orders",
    53: "the credential",
    54: "the host and the credential",
}

EVENTS: Final = (
    *(Event(number, what, "outside") for number, what in _OUTSIDE.items()),
    Event(1, "a token as a bare text", "kept", _TOKEN, {"data": "t0ken", "meta": []}),
    Event(2, "a contact's old attributes are empty or gone", "kept", _GET, _without(_GET, "attributes")),
    Event(3, "a balance without its id", "kept", _GET, _with(_GET, credit_balance={"balance": 7})),
    Event(
        5, "a redemption beside the voucher", "kept", _FOUND, _with(_FOUND, voucher_redemption={"uuid": "r"})
    ),
    Event(
        6,
        "what is left of a voucher",
        "kept",
        _FOUND,
        _without(_FOUND, "redemptions_remaining", "times_redeemed", "total_redemptions_allowed"),
    ),
    Event(10, "vouchers in pages", "kept", _LISTED, _answer(_LISTED, _record(_LISTED), {"current_page": 1})),
    Event(11, "no meta", "kept", _GET, {"data": _record(_GET)}),
    Event(12, "meta as an empty list", "kept", _GET, _answer(_GET, _record(_GET), [])),
    Event(13, "attributes as an empty list", "kept", _FOUND, _with(_FOUND, attributes=[])),
    Event(14, "more about a promotion", "kept", "promotions.list", _without("promotions.list", "type")),
    Event(15, "attributes of a voucher", "kept", _FOUND, _without(_FOUND, "attributes")),
    Event(16, "the channel of a transaction", "kept", _AWARD, _without(_AWARD, "channel")),
    Event(
        24, "a listing turned its order, which no answer shows", "kept", _TRANSACTIONS, _turned(_TRANSACTIONS)
    ),
    Event(
        33,
        "options as a map",
        "kept",
        "loyalty_transaction_attributes.create",
        _with("loyalty_transaction_attributes.create", options={"a": "A"}),
    ),
    Event(35, "`success` with a capital letter", "kept", _MAIL, _with(_MAIL, type="Success")),
    Event(41, "a contact without a tier", "kept", _GET, _with(_GET, tier=None)),
    Event(42, "a tier without a picture", "kept", _GET, _with(_GET, tier={"media": None})),
    Event(43, "errors as text or list", "kept", _GET, {"data": _record(_GET), "errors": {"email": "wrong"}}),
    Event(
        47,
        "the names of version 2",
        "refused",
        _AWARD,
        _answer(_AWARD, {"member_id": 4, "loyalty_card_id": 5, "shop_id": 6, "purchase_amount": 10.4}),
    ),
    Event(
        48,
        "the answer of version 2",
        "refused",
        _AWARD,
        _answer(
            _AWARD,
            {
                **{n: v for n, v in _record(_AWARD).items() if n not in ("uuid", "contact", "unit_value")},
                "id": 4,
                "member": {"uuid": "c"},
                "purchase_amount": 10.4,
            },
        ),
    ),
    Event(
        49,
        "a nested contact without an address",
        "kept",
        _TRANSACTIONS,
        _with(_TRANSACTIONS, contact={"uuid": "c"}),
    ),
)
