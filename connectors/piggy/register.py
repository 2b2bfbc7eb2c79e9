"""Piggy's older API of one register, as data: a connection of its own, with `prefix: /api/v3/register`."""

from typing import Final

from ..contract import JsonObject, ToolSpec
from .codes import UNSETTLED, refused
from .route import Operation, Route
from .schema import ID, MOMENT, WHOLE, arguments, nullable, record, whole

_LARGEST: Final = 1_000_000_000

POS_TRANSACTION: JsonObject = record(
    "uuid amount_in_cents",
    {
        "uuid": ID,
        "transaction_id": nullable("string"),
        "terminal_id": nullable("string"),
        "created_at": MOMENT,
        "amount_in_cents": WHOLE,
    },
)

REGISTER: Final = (
    Operation(
        spec=ToolSpec(
            operation="pos_transactions.create",
            summary=(
                "Create a POS transaction (register API); it awards nothing until a credit reception names its"
                " uuid, and Piggy links it once only."
            ),
            effect="blind",
            parameters=arguments(
                "amount_in_cents",
                {
                    "amount_in_cents": whole(
                        0, _LARGEST, "What was bought, in cents (1040 is ten euro forty)."
                    ),
                    "transaction_id": whole(0, _LARGEST, "Your own number of the purchase."),
                    "terminal_id": whole(0, _LARGEST, "Your own number of the terminal."),
                },
            ),
            answer=POS_TRANSACTION,
            refusals=refused(),
            unsettled=UNSETTLED,
            echoes={"amount_in_cents": "amount_in_cents"},
            source=(
                "the vendor's page on POS transactions; the address by its Postman collection. That the same"
                " numbers give another transaction each time is an inference"
            ),
        ),
        route=Route(method="POST", path="/pos-transactions"),
    ),
)
"""Operations that a register's connection has, and an account's has not."""
