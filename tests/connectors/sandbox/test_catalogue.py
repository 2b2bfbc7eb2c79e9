"""The sandbox against the Piggy connector: every operation is served as its contract says."""

import asyncio
from datetime import UTC, datetime, timedelta

import jsonschema_rs
import pytest
from mendflow.connectors.clock import VirtualClock
from mendflow.connectors.contract import Answer, ConnectionSettings, CredentialSource, JsonObject, ToolCall
from mendflow.connectors.piggy.connector import Piggy
from mendflow.connectors.piggy.operations import TOOLS
from mendflow.connectors.sandbox.account import (
    ANONYMOUS_CONTACT_UUID,
    BOOKING_UUID,
    CONTACT_EMAIL,
    PROMOTION_UUID,
    SHOP_UUID,
)
from mendflow.connectors.sandbox.routes import REGISTER_PREFIX
from mendflow.connectors.sandbox.server import SandboxSettings, open_sandbox
from mendflow.connectors.sandbox.world import READS, SETTLE, World
from pydantic import JsonValue

CONTACT_UUID = World().state.emails[CONTACT_EMAIL]
CONTACT: JsonObject = {"contact_uuid": CONTACT_UUID}
CALLS: tuple[tuple[str, JsonObject], ...] = (
    ("contacts.get", CONTACT),
    ("contacts.get", {"contact_uuid": ANONYMOUS_CONTACT_UUID}),
    ("contacts.find_one_by", {"email": CONTACT_EMAIL}),
    ("contacts.find_or_create", {"email": "ada@example.com"}),
    ("contacts.create_anonymous", {}),
    ("contacts.credit_balance", CONTACT),
    (
        "loyalty_transaction_attributes.create",
        {"name": "mendflow_slot", "label": "Slot", "data_type": "text"},
    ),
    ("loyalty_transaction_attributes.list", {}),
    (
        "credit_receptions.create",
        {**CONTACT, "shop_uuid": SHOP_UUID, "unit_value": 12.5, "mendflow_slot": "s-1"},
    ),
    ("loyalty_transactions.list", {**CONTACT, "type": "credit_receptions", "sort": "-created_at"}),
    ("contact_attributes.create", {"name": "letter", "label": "Letter", "data_type": "long_text"}),
    ("contacts.update", {**CONTACT, "letter": "Dear Vera", "firstname": "Vera"}),
    ("contacts.claim", {"anonymous_contact_uuid": ANONYMOUS_CONTACT_UUID, "email": "bob@example.com"}),
    ("vouchers.batch", {"promotion_uuid": PROMOTION_UUID, "quantity": 3, **CONTACT}),
    ("vouchers.list", {"promotion_uuid": PROMOTION_UUID}),
    ("products.find_or_create", {"external_identifier": "SKU-9", "name": "Mocha"}),
    ("contact_verification.send", {"email": CONTACT_EMAIL}),
    ("contact_verification.auth_token", CONTACT),
    ("forms.list", {"status": "PUBLISHED"}),
    ("perks.list", {}),
    ("shops.list", {}),
    ("promotions.list", {}),
    ("bookings.update", {"uuid": BOOKING_UUID, "number_of_people": 3}),
    (
        "contacts.merge",
        {"source_contact_uuid": CONTACT_UUID, "destination_contact_uuid": ANONYMOUS_CONTACT_UUID},
    ),
)


async def test_every_operation_keeps_its_contract(monkeypatch: pytest.MonkeyPatch) -> None:
    """Arguments and answer of each call fit the schemas of its tool, and no tool is left out."""
    monkeypatch.setenv("PIGGY_API_KEY", "sandbox-key")
    clock = VirtualClock(datetime(2026, 3, 1, 12, 0, tzinfo=UTC))
    seen = set[str]()
    async with open_sandbox(SandboxSettings(), clock, asyncio.Event()) as announcement:
        settings = ConnectionSettings(
            name="piggy",
            connector="piggy",
            base_url=announcement.base_url,
            credential=CredentialSource(env="PIGGY_API_KEY"),
        )
        at_register = settings.model_copy(update={"prefix": REGISTER_PREFIX})
        async with (
            Piggy(settings, clock, lambda _: None) as piggy,
            Piggy(at_register, clock, lambda _: None) as register,
        ):
            await data_of(register, "pos_transactions.create", {"amount_in_cents": 1040, "terminal_id": 3})
            seen.add("pos_transactions.create")
            for operation, arguments in CALLS:
                data = await data_of(piggy, operation, arguments)
                seen.add(operation)
                if operation == "vouchers.batch":
                    await clock.sleep(SETTLE + timedelta(seconds=1))
                if operation == "vouchers.list":
                    assert isinstance(data, list)
                    assert isinstance(data[0], dict)
                    await data_of(piggy, "vouchers.find", {"code": data[0]["code"]})
                    seen.add("vouchers.find")
    assert seen == piggy.tools().keys()


def test_reads_are_the_same_on_both_sides() -> None:
    """What the connector may repeat freely is what never writes here."""
    unused = {"health.check", "contact_attributes.list"}
    assert {name for name, tool in TOOLS.items() if tool.is_read} == READS - unused


async def data_of(piggy: Piggy, operation: str, arguments: JsonObject) -> JsonValue:
    """Make one call, hold both directions against the contract, and return the data."""
    tool = piggy.tools()[operation]
    jsonschema_rs.validate(tool.parameters, arguments)
    reply = await piggy.send(ToolCall(connection="piggy", operation=operation, arguments=arguments))
    assert isinstance(reply.outcome, Answer), operation
    assert isinstance(reply.outcome.body, dict), operation
    assert reply.outcome.status in {200, 201}, reply.outcome.body
    data = reply.outcome.body["data"]
    jsonschema_rs.validate(tool.answer, data)
    return data
