"""The tools that judgements are tried on: a read, a marked write, a natural key, a blind write, a listing."""

from datetime import UTC, datetime

import pytest
from mendflow.connectors.contract import JsonObject, MarkerRead, Paging, ToolCall, ToolSpec

CONTACT: JsonObject = {
    "type": "object",
    "required": ["uuid", "email", "credit_balance"],
    "additionalProperties": False,
    "properties": {
        "uuid": {"type": "string"},
        "email": {"type": "string"},
        "credit_balance": {
            "type": "object",
            "required": ["balance"],
            "properties": {"balance": {"type": "integer"}},
        },
        "nickname": {"type": ["string", "null"]},
    },
}
RECEPTION: JsonObject = {
    "type": "object",
    "required": ["uuid", "credits", "contact"],
    "properties": {
        "uuid": {"type": "string"},
        "credits": {"type": "number"},
        "contact": {"type": "object", "required": ["uuid"], "properties": {"uuid": {"type": "string"}}},
    },
}


@pytest.fixture(scope="session")
def now() -> datetime:
    """Return the moment at which everything is judged."""
    return datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def lookup() -> ToolSpec:
    """Return a read of one object."""
    return ToolSpec(
        operation="contacts.get",
        summary="Get a contact.",
        effect="read",
        parameters={"type": "object"},
        answer=CONTACT,
        refusals=frozenset({55031}),
        unsettled=frozenset({1000}),
        aliases={"email": "mail_address"},
    )


@pytest.fixture(scope="session")
def award() -> ToolSpec:
    """Return a write whose outcome our marker settles."""
    return ToolSpec(
        operation="credit_receptions.create",
        summary="Award credits.",
        effect="marked",
        parameters={
            "type": "object",
            "required": ["contact_uuid"],
            "additionalProperties": False,
            "anyOf": [{"required": ["credits"]}, {"required": ["unit_value"]}],
            "properties": {
                "contact_uuid": {"type": "string", "format": "uuid"},
                "credits": {"type": "integer", "maximum": 500},
                "unit_value": {"type": "number"},
                "slot": {"type": "string"},
            },
        },
        answer=RECEPTION,
        refusals=frozenset({1003, 55031}),
        unsettled=frozenset({60001}),
        already=frozenset({6001}),
        echoes={"contact_uuid": "contact.uuid", "credits": "credits", "unit_value": "unit_value"},
        marker="slot",
        confirm=MarkerRead(
            operation="loyalty_transactions.list",
            arguments={"type": "credit_receptions"},
            copied={"contact_uuid": "contact_uuid"},
            marker_path="slot",
        ),
    )


@pytest.fixture(scope="session")
def upsert() -> ToolSpec:
    """Return a write that may be repeated."""
    return ToolSpec(
        operation="contacts.find_or_create",
        summary="Find or create a contact.",
        effect="natural_key",
        parameters={"type": "object"},
        answer=CONTACT,
        refusals=frozenset({1003}),
        already=frozenset({60005}),
        echoes={"email": "email"},
    )


@pytest.fixture(scope="session")
def mailing() -> ToolSpec:
    """Return a write of which nothing tells afterwards whether it took place."""
    return ToolSpec(
        operation="contact_verification.send",
        summary="Send a verification mail.",
        effect="blind",
        parameters={"type": "object"},
        answer={"type": "object", "required": ["type", "message"]},
        refusals=frozenset({55031}),
    )


@pytest.fixture(scope="session")
def listing() -> ToolSpec:
    """Return the listing in which our marker is looked for."""
    return ToolSpec(
        operation="loyalty_transactions.list",
        summary="List transactions.",
        effect="read",
        parameters={"type": "object"},
        answer={"type": "array", "items": RECEPTION},
        paging=Paging(last_page="last_page", total="total"),
    )


@pytest.fixture(scope="session")
def lookup_call() -> ToolCall:
    """Return a call of the read."""
    return ToolCall(connection="piggy", operation="contacts.get", arguments={"contact_uuid": "c-1"})


@pytest.fixture(scope="session")
def award_call() -> ToolCall:
    """Return a call of the marked write."""
    arguments: JsonObject = {"contact_uuid": "c-1", "credits": 10, "slot": "mf_1"}
    return ToolCall(connection="piggy", operation="credit_receptions.create", arguments=arguments)


@pytest.fixture(scope="session")
def upsert_call() -> ToolCall:
    """Return a call of the repeatable write."""
    return ToolCall(connection="piggy", operation="contacts.find_or_create", arguments={"email": "a@b.c"})


@pytest.fixture(scope="session")
def mailing_call() -> ToolCall:
    """Return a call of the blind write."""
    return ToolCall(connection="piggy", operation="contact_verification.send", arguments={"email": "a@b.c"})


@pytest.fixture(scope="session")
def tools(  # noqa: PLR0917  # one pair of fixtures for each kind of tool
    lookup: ToolSpec,
    lookup_call: ToolCall,
    award: ToolSpec,
    award_call: ToolCall,
    upsert: ToolSpec,
    upsert_call: ToolCall,
    mailing: ToolSpec,
    mailing_call: ToolCall,
) -> list[tuple[ToolSpec, ToolCall]]:
    """Return the read, the marked, the repeatable and the blind write, each with a call."""
    return [(lookup, lookup_call), (award, award_call), (upsert, upsert_call), (mailing, mailing_call)]
