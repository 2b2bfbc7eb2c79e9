import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import jsonschema_rs
import orjson
import pytest
from aiohttp import web
from mendflow.connectors.clock import SystemClock, VirtualClock
from mendflow.connectors.contract import (
    Answer,
    ConnectionSettings,
    Connector,
    CredentialSource,
    JsonObject,
    NoAnswer,
    Reply,
    ToolCall,
)
from mendflow.connectors.credentials import key_id_of
from mendflow.connectors.errors import InvalidUse, MissingCredential, UnknownTool
from mendflow.connectors.opening import open_connector
from mendflow.connectors.piggy.connector import Piggy
from mendflow.connectors.piggy.operations import TOOLS
from mendflow.connectors.sandbox import account
from mendflow.connectors.sandbox.server import SandboxSettings, open_sandbox
from pydantic import JsonValue, SecretStr

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


class Far:
    """A vendor that notes what it is sent and gives one answer to all."""

    def __init__(self, status: int = 200, body: JsonValue = None) -> None:
        self.status = status
        self.body = body
        self.seen: list[tuple[str, str, dict[str, str], JsonValue]] = []

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        raw = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.seen.append((request.method, str(request.rel_url), headers, orjson.loads(raw) if raw else None))
        return web.json_response(self.body, status=self.status)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        runner = web.ServerRunner(web.Server(self.answer))
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()


def forget(_: SecretStr) -> None:
    """Learn nothing."""


def settings(base_url: str = "", **others: str) -> ConnectionSettings:
    """Return a connection whose key is in PIGGY_API_KEY."""
    return ConnectionSettings.model_validate(
        {"name": "piggy", "connector": "piggy", "base_url": base_url, **others}
    )


def call(operation: str, **arguments: JsonValue) -> ToolCall:
    """Return a call."""
    return ToolCall(connection="piggy", operation=operation, arguments=arguments)


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set a key."""
    monkeypatch.setenv("PIGGY_API_KEY", "k-123")


async def test_call_becomes_one_request_and_one_reply() -> None:
    """Path, query, body and headers are as the vendor wants them; the reply is whole and unjudged."""
    far = Far(200, {"data": {"uuid": "c-1"}, "meta": {}})
    async with far.listening() as url, Piggy(settings(url), VirtualClock(NOON), forget) as piggy:
        reply = await piggy.send(call("contacts.update", contact_uuid="c-1", message="Hello"))
    [(method, target, headers, body)] = far.seen
    assert (method, target, body) == (
        "PUT",
        "/api/v3/oauth/clients/contacts/c-1",
        {"attributes": {"message": "Hello"}},
    )
    assert {name: headers[name] for name in ("authorization", "accept", "content-type")} == {
        "authorization": "Bearer k-123",
        "accept": "application/json",
        "content-type": "application/json",
    }
    assert isinstance(reply.outcome, Answer)
    assert reply.outcome.body == {"data": {"uuid": "c-1"}, "meta": {}}
    assert (reply.key_id, reply.received_at) == (key_id_of(SecretStr("k-123")), NOON)


async def test_far_side_errors_are_replies() -> None:
    """An error of the vendor's is handed on, not raised and not tried again."""
    body: JsonObject = {"message": "Contact not found.", "code": 55031, "status_code": 400}
    far = Far(400, body)
    async with (
        far.listening() as url,
        Piggy(settings(url, prefix="/api/v4/"), VirtualClock(NOON), forget) as piggy,
    ):
        reply = await piggy.send(call("contacts.find_one_by", email="a+b@example.com"))
    assert isinstance(reply.outcome, Answer)
    assert (reply.outcome.status, reply.outcome.body) == (400, body)
    [(method, target, headers, sent)] = far.seen
    assert (method, target, sent) == ("GET", "/api/v4/contacts/find-one-by?email=a%2Bb%40example.com", None)
    assert "content-type" not in headers


async def test_nobody_there_is_a_reply_too() -> None:
    """A refused connection is data, with the key's fingerprint."""
    async with Far().listening() as url:
        pass
    async with Piggy(settings(url), VirtualClock(NOON), forget) as piggy:
        reply = await piggy.send(call("shops.list"))
    assert reply == Reply(
        outcome=NoAnswer(sent="no", reason="connect", detail="no connection (ConnectionRefusedError)"),
        key_id=key_id_of(SecretStr("k-123")),
        received_at=NOON,
    )


async def test_transport_of_ones_own_carries_the_same_request() -> None:
    """Over a transport in memory the connector sends what it sends over TCP, and a redirect is a reply there too."""
    seen: list[tuple[str, str, str, bytes]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append((request.method, str(request.url), request.headers["authorization"], request.content))
        return httpx.Response(307, headers={"location": "http://elsewhere.example/"})

    in_memory = Piggy(
        settings("http://localhost"),
        VirtualClock(NOON),
        forget,
        open_transport=lambda _: httpx.MockTransport(answer),
    )
    async with in_memory as piggy:
        reply = await piggy.send(call("contact_verification.send", email="a@example.com"))
    assert seen == [
        (
            "POST",
            "http://localhost/api/v3/oauth/clients/contact-verification/send",
            "Bearer k-123",
            b'{"email":"a@example.com"}',
        )
    ]
    assert reply.outcome == Answer(status=307, flaw="empty")


async def test_missing_key_is_named_on_entering(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a key nothing is opened, and the message shows the way out."""
    monkeypatch.delenv("PIGGY_API_KEY")
    with pytest.raises(MissingCredential) as caught:
        async with Piggy(settings(), SystemClock(), forget):
            pytest.fail("it opened")
    assert caught.value.help == "set PIGGY_API_KEY, or try it without a key: --sandbox"


@pytest.mark.parametrize(
    "url",
    [
        "http://api.piggy.eu",
        "http://127.0.0.1.evil.example",
        "http://10.0.0.1",
        "ftp://127.0.0.1",
        "api.piggy.eu",
        "https://",
        "https://key@api.piggy.eu",
        "https://u:p@api.piggy.eu",
        "https://api.piggy.eu?x=1",
        "http://127.0.0.1?",
        "http://localhost\\.evil.example",
        "https://api.piggy.eu:99999",
        "https://[::1",
    ],
)
def test_address_that_would_leak_the_key_is_refused(url: str) -> None:
    """The key goes over https, or to this machine, and an address carries no secret of its own."""
    with pytest.raises(InvalidUse) as caught:
        Piggy(settings(url), SystemClock(), forget)
    assert "u:p" not in caught.value.message
    assert caught.value.help


@pytest.mark.parametrize("prefix", ["api", "//evil.example", "/api?x", "/api#x"])
def test_prefix_must_be_a_path(prefix: str) -> None:
    """A prefix cannot lead to another host."""
    with pytest.raises(InvalidUse, match="is not a path"):
        Piggy(settings(prefix=prefix), SystemClock(), forget)


@pytest.mark.parametrize(
    "url", ["https://api.leat.com/", "http://localhost:1", "http://[::1]:1", "http://127.9.9.9"]
)
def test_good_addresses_are_taken(url: str) -> None:
    """Another host of the vendor's, and this machine, are fine."""
    Piggy(settings(url), SystemClock(), forget)


async def test_unknown_operation_is_our_mistake() -> None:
    """A call that no contract covers is never made."""
    async with Piggy(settings(), SystemClock(), forget) as piggy:
        with pytest.raises(UnknownTool):
            await piggy.send(call("contacts.delete"))


@asynccontextmanager
async def sandboxed(folder: Path, learn: Callable[[SecretStr], None] = forget) -> AsyncIterator[Connector]:
    """Open a connection to a sandbox of its own."""
    key_file = folder / "key"
    clock = SystemClock()
    async with open_sandbox(SandboxSettings(key_file=key_file), clock, asyncio.Event()) as announcement:
        connection = ConnectionSettings(
            name="piggy",
            connector="piggy",
            base_url=announcement.base_url,
            credential=CredentialSource(file=str(key_file)),
            timeout=timedelta(seconds=30),
        )
        async with open_connector(connection, clock, learn) as piggy:
            yield piggy


async def output_of(piggy: Connector, operation: str, **arguments: JsonValue) -> JsonValue:
    """Make a good call, hold both its sides against the contract, and return what it brought."""
    spec = TOOLS[operation]
    jsonschema_rs.validator_for(spec.parameters).validate(arguments)
    reply = await piggy.send(call(operation, **arguments))
    assert isinstance(reply.outcome, Answer), reply
    assert isinstance(reply.outcome.body, dict), reply
    assert "data" in reply.outcome.body, reply
    output = reply.outcome.body["data"]
    jsonschema_rs.validator_for(spec.answer).validate(output)
    return output


def field(output: JsonValue, name: str) -> str:
    """Return a text field of an answer."""
    assert isinstance(output, dict)
    value = output[name]
    assert isinstance(value, str)
    return value


async def test_every_operation_fits_what_the_sandbox_serves(tmp_path: Path) -> None:
    """Each operation is called over HTTP, and arguments and answers both fit their contracts."""
    shop = account.SHOP_UUID
    async with sandboxed(tmp_path) as piggy:
        member = field(await output_of(piggy, "contacts.find_or_create", email="new@example.com"), "uuid")
        other = field(await output_of(piggy, "contacts.find_one_by", email=account.CONTACT_EMAIL), "uuid")
        await output_of(
            piggy, "contact_attributes.create", name="message", label="Message", data_type="long_text"
        )
        updated = await output_of(piggy, "contacts.update", contact_uuid=member, message="Hello")
        assert isinstance(updated, dict)
        assert isinstance(updated["current_values"], dict)
        assert updated["current_values"]["message"] == "Hello"
        await output_of(
            piggy,
            "loyalty_transaction_attributes.create",
            name="mendflow_slot",
            label="Slot",
            data_type="text",
        )
        await output_of(piggy, "loyalty_transaction_attributes.list")
        award = await output_of(
            piggy,
            "credit_receptions.create",
            contact_uuid=member,
            shop_uuid=shop,
            unit_value=11.77,
            mendflow_slot="s-1",
        )
        assert field(award, "mendflow_slot") == "s-1"
        transactions = await output_of(
            piggy,
            "loyalty_transactions.list",
            contact_uuid=member,
            shop_uuid=shop,
            type="credit_receptions",
            sort="-created_at",
            limit=100,
        )
        assert isinstance(transactions, list)
        assert [field(transaction, "uuid") for transaction in transactions] == [field(award, "uuid")]
        await output_of(piggy, "contacts.get", contact_uuid=member)
        assert await output_of(piggy, "contacts.credit_balance", contact_uuid=member) == {"balance": 11}
        await output_of(piggy, "contact_verification.auth_token", contact_uuid=member)
        await output_of(piggy, "contact_verification.send", email="new@example.com")
        await output_of(
            piggy,
            "contacts.claim",
            anonymous_contact_uuid=account.ANONYMOUS_CONTACT_UUID,
            email="anna@example.com",
        )
        await output_of(piggy, "contacts.get", contact_uuid=account.ANONYMOUS_CONTACT_UUID)
        await output_of(
            piggy, "products.find_or_create", external_identifier=account.PRODUCT_IDENTIFIER, name="Espresso"
        )
        await output_of(piggy, "bookings.update", uuid=account.BOOKING_UUID, number_of_people=3)
        await output_of(
            piggy, "vouchers.batch", promotion_uuid=account.PROMOTION_UUID, quantity=2, contact_uuid=member
        )
        for operation in ("shops.list", "promotions.list", "forms.list", "perks.list"):
            assert await output_of(piggy, operation)
        await output_of(piggy, "contacts.merge", source_contact_uuid=member, destination_contact_uuid=other)


async def test_vouchers_of_a_batch_appear_and_are_found(tmp_path: Path) -> None:
    """The batch is listed once its job is done, page by page, and each voucher is found by its code."""
    vouchers: JsonValue = []
    async with sandboxed(tmp_path) as piggy:
        await output_of(piggy, "vouchers.batch", promotion_uuid=account.PROMOTION_UUID, quantity=3)
        while not vouchers:
            vouchers = await output_of(
                piggy, "vouchers.list", promotion_uuid=account.PROMOTION_UUID, limit=2, page=1
            )
        assert isinstance(vouchers, list)
        found = await output_of(piggy, "vouchers.find", code=field(vouchers[0], "code"))
    assert found == vouchers[0]


async def test_rotated_key_is_read_again(tmp_path: Path) -> None:
    """A 401 names the refused key; renewing brings the new one, which works."""
    learnt: list[str] = []
    async with sandboxed(tmp_path, lambda secret: learnt.append(secret.get_secret_value())) as piggy:
        key_file = tmp_path / "key"
        good = key_file.read_text()
        key_file.write_text("stale")
        stale = await piggy.renew()
        refused = await piggy.send(call("shops.list"))
        key_file.write_text(good)
        renewal = await piggy.renew()
        accepted = await piggy.send(call("shops.list"))
    assert isinstance(refused.outcome, Answer)
    assert isinstance(accepted.outcome, Answer)
    assert (refused.outcome.status, refused.key_id) == (401, stale.key_id)
    assert (accepted.outcome.status, accepted.key_id) == (200, renewal.key_id)
    assert renewal.changed
    assert learnt == [good.strip(), "stale", good.strip()]
