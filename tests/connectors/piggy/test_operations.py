import json
import subprocess
import sys

import jsonschema_rs
import pytest
from mendflow.connectors.contract import EffectClass, JsonObject, MarkerRead
from mendflow.connectors.piggy.operations import OPERATIONS, TOOLS
from mendflow.connectors.sandbox.world import OPERATIONS as SERVED

EFFECTS: dict[str, EffectClass] = {
    "contacts.get": "read",
    "contacts.find_one_by": "read",
    "contacts.credit_balance": "read",
    "contact_verification.auth_token": "secret_read",
    "vouchers.find": "read",
    "vouchers.list": "read",
    "loyalty_transactions.list": "read",
    "loyalty_transaction_attributes.list": "read",
    "shops.list": "read",
    "promotions.list": "read",
    "forms.list": "read",
    "perks.list": "read",
    "credit_receptions.create": "marked",
    "loyalty_transaction_attributes.create": "natural_key",
    "contact_attributes.create": "natural_key",
    "contacts.create_anonymous": "blind",
    "contacts.find_or_create": "natural_key",
    "contacts.update": "idempotent",
    "contacts.claim": "readable_state",
    "contacts.merge": "readable_state",
    "contact_verification.send": "blind",
    "vouchers.batch": "asynchronous",
    "products.find_or_create": "natural_key",
    "bookings.update": "idempotent",
    "pos_transactions.create": "blind",
}
LISTED = {
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
AWARD: JsonObject = {"contact_uuid": "c-1", "shop_uuid": "s-1"}


def test_table_holds_each_operation_with_its_effect() -> None:
    """The names and what each does to the world are exactly these."""
    assert {name: spec.effect for name, spec in TOOLS.items()} == EFFECTS


def test_listed_names_lead_to_their_operations() -> None:
    """The thirteen names of the vendor's listing that are known."""
    assert {name: spec.operation for spec in TOOLS.values() for name in spec.names} == LISTED


def test_sandbox_serves_every_operation() -> None:
    """Whatever can be called can be tried without a key."""
    assert set(TOOLS) <= set(SERVED)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_contract_is_sound(operation: str) -> None:
    """Schemas are valid, closed, and hold the arguments that the rest of the contract names."""
    spec, route = OPERATIONS[operation].spec, OPERATIONS[operation].route
    jsonschema_rs.validator_for(spec.parameters)
    jsonschema_rs.validator_for(spec.answer)
    properties = spec.parameters["properties"]
    assert isinstance(properties, dict)
    assert spec.parameters["additionalProperties"] is False or operation in {
        "credit_receptions.create",
        "contacts.update",
    }
    assert {name for name in properties if f"{{{name}}}" in route.path} == {
        segment[1:-1] for segment in route.path.split("/") if segment.startswith("{")
    }
    assert set(spec.echoes) <= set(properties)
    assert not spec.refusals & (spec.unsettled | spec.already)
    assert not spec.unsettled & spec.already
    assert 1000 in spec.unsettled
    assert 1003 in spec.refusals
    assert spec.is_read or spec.paging is None
    assert spec.source


def test_award_can_be_settled_by_its_marker() -> None:
    """The one write that must never be doubled says how an unknown outcome is settled."""
    spec = TOOLS["credit_receptions.create"]
    assert spec.confirm == MarkerRead(
        operation="loyalty_transactions.list",
        arguments={"type": "credit_receptions", "limit": 100, "sort": "-created_at"},
        copied={"contact_uuid": "contact_uuid", "shop_uuid": "shop_uuid"},
        marker_path="mendflow_slot",
        created="created_at",
    )
    assert (spec.marker, spec.prepare) == ("mendflow_slot", "loyalty_transaction_attributes.create")
    assert spec.unsettled == {1000, 60001}
    assert spec.echoes == {
        "contact_uuid": "contact.uuid",
        "shop_uuid": "shop.uuid",
        "credits": "credits",
        "unit_value": "unit_value",
    }
    read = TOOLS[spec.confirm.operation]
    probe = spec.confirm.arguments | {"contact_uuid": "c-1", "shop_uuid": "s-1"}
    assert jsonschema_rs.validator_for(read.parameters).is_valid(probe)


@pytest.mark.parametrize(
    ("operation", "arguments", "fits"),
    [
        ("credit_receptions.create", AWARD | {"credits": 50}, True),
        ("credit_receptions.create", AWARD | {"unit_value": 11.77, "mendflow_slot": "x", "till": 3}, True),
        ("credit_receptions.create", AWARD, False),
        ("credit_receptions.create", AWARD | {"credits": 1.5}, False),
        ("credit_receptions.create", AWARD | {"credits": "50"}, False),
        ("credit_receptions.create", AWARD | {"unit_value": -1}, False),
        ("credit_receptions.create", AWARD | {"credits": 5, "till": {"a": 1}}, False),
        ("contacts.update", {"contact_uuid": "c-1", "message": "Hello"}, True),
        ("contacts.update", {"contact_uuid": "c-1"}, False),
        ("contacts.update", {"contact_uuid": "c-1", "attributes": {"message": "Hello"}}, False),
        ("contacts.get", {"contact_uuid": "../shops"}, False),
        ("contacts.find_or_create", {"email": "a@example.com"}, True),
        ("contacts.find_or_create", {"email": "nobody"}, False),
        ("contacts.find_or_create", {"email": "a@example.com", "name": "A"}, False),
        ("vouchers.batch", {"promotion_uuid": "p", "quantity": 501}, False),
        ("vouchers.batch", {"promotion_uuid": "p", "quantity": 500}, True),
        ("loyalty_transactions.list", {"limit": 101}, False),
        ("loyalty_transactions.list", {"created_at": {"gte": "2026-01-01"}}, True),
        ("shops.list", {"page": 1}, False),
        ("pos_transactions.create", {"amount_in_cents": 1040, "transaction_id": 7}, True),
        ("pos_transactions.create", {"amount_in_cents": 10.4}, False),
        ("pos_transactions.create", {"transaction_id": 7}, False),
    ],
)
def test_arguments_are_checked_before_they_leave(operation: str, arguments: JsonObject, fits: bool) -> None:  # noqa: FBT001  # a column of the table
    """A call with wrong arguments can be refused without asking the vendor."""
    assert jsonschema_rs.validator_for(TOOLS[operation].parameters).is_valid(arguments) is fits


@pytest.mark.parametrize(
    ("operation", "answer", "fits"),
    [
        ("contact_verification.auth_token", {"auth_token": "abc"}, True),
        ("contact_verification.auth_token", "abc", True),
        ("contact_verification.auth_token", {"token": "abc"}, False),
        ("contacts.merge", None, True),
        ("contacts.credit_balance", {"balance": 5, "id": 1}, True),
        ("contacts.credit_balance", {"balance": "5"}, False),
        ("contacts.credit_balance", {"balance": None}, False),
    ],
)
def test_answers_are_lenient_only_where_sources_differ(operation: str, answer: object, fits: bool) -> None:  # noqa: FBT001  # a column of the table
    """Known variants pass, other types and missing fields do not."""
    assert jsonschema_rs.validator_for(TOOLS[operation].answer).is_valid(answer) is fits


def test_listing_a_contact_that_is_gone_is_a_refusal() -> None:
    """It must never look like a contact without transactions: a merge would make an award look absent."""
    assert 55031 in TOOLS["loyalty_transactions.list"].refusals


def test_catalogue_loads_no_http() -> None:
    """Checking a workflow needs the contracts, not httpx."""
    code = "import sys, json, mendflow.connectors.catalogue; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert not {"httpx", "aiohttp", "langgraph", "keyring"} & set(json.loads(done.stdout))
