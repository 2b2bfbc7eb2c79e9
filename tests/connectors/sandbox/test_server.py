"""The sandbox over real HTTP: routes, keys, limits, controls."""

import asyncio
import stat
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import orjson
import pytest
from mendflow.connectors.clock import SystemClock
from mendflow.connectors.contract import JsonObject
from mendflow.connectors.credentials import key_id_of
from mendflow.connectors.errors import InvalidUse
from mendflow.connectors.sandbox.account import CONTACT_EMAIL, SHOP_UUID
from mendflow.connectors.sandbox.faults import parse_fault
from mendflow.connectors.sandbox.server import SandboxSettings, open_sandbox, serve
from pydantic import JsonValue, SecretStr

PREFIX = "/api/v3/oauth/clients"
KEY = {"Authorization": "Bearer sandbox-key"}
FIND = f"{PREFIX}/contacts/find-or-create?email={CONTACT_EMAIL}"


@dataclass(frozen=True)
class Reply:
    status: int
    body: JsonValue
    headers: Mapping[str, str]

    def at(self, *path: str) -> JsonValue:
        """Return the value at a path of the body."""
        value = self.body
        for name in path:
            assert isinstance(value, dict)
            value = value[name]
        return value


@dataclass(frozen=True)
class Visitor:
    session: aiohttp.ClientSession

    async def call(
        self,
        method: str,
        path: str,
        *,
        json: JsonValue = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] = KEY,
    ) -> Reply:
        """Make one call."""
        async with self.session.request(method, path, json=json, data=form, headers=headers) as response:
            return Reply(response.status, orjson.loads(await response.read()), response.headers)


@asynccontextmanager
async def visit(settings: SandboxSettings) -> AsyncIterator[Visitor]:
    """Open a sandbox and a client for it."""
    async with (
        open_sandbox(settings, SystemClock(), asyncio.Event()) as announcement,
        aiohttp.ClientSession(announcement.base_url) as session,
    ):
        yield Visitor(session)


async def award(visitor: Visitor, **change: JsonValue) -> Reply:
    """Award credits to the first contact."""
    contact = await visitor.call("GET", FIND)
    body: JsonObject = {"contact_uuid": contact.at("data", "uuid"), "shop_uuid": SHOP_UUID, "credits": 5}
    return await visitor.call("POST", f"{PREFIX}/credit-receptions", json=body | change)


async def test_serve_announces_itself_and_stops() -> None:
    """Serving says where and with which key in one line of JSON, and ends when it is told to."""
    stop = asyncio.Event()
    lines: list[str] = []

    def announce(line: str) -> None:
        lines.append(line)
        stop.set()

    await serve(SandboxSettings(api_key=SecretStr("k")), SystemClock(), announce, stop)
    announced = orjson.loads(lines[0])
    assert announced["base_url"].startswith("http://127.0.0.1:")
    assert announced["api_key"] == "k"


async def test_a_write_is_answered_and_counted() -> None:
    """The answer has the vendor's envelope and limits; the truth holds arguments and result."""
    async with visit(SandboxSettings()) as visitor:
        reply = await award(visitor, unit_value=7.5)
        truth = await visitor.call("GET", "/__sandbox__/state", headers={})
    assert (reply.status, reply.at("meta"), reply.at("data", "credits")) == (200, {}, 5)
    assert (reply.headers["X-RateLimit-Limit"], reply.headers["X-RateLimit-Remaining"]) == ("5000", "4998")
    assert truth.at("counts") == {"credit_receptions.create": 1}
    effects = truth.at("effects")
    assert isinstance(effects, list)
    assert isinstance(effects[0], dict)
    assert effects[0]["result"] == reply.at("data")
    assert effects[0]["arguments"] == {
        "contact_uuid": reply.at("data", "contact", "uuid"),
        "shop_uuid": SHOP_UUID,
        "credits": 5,
        "unit_value": 7.5,
    }


async def test_forms_are_understood() -> None:
    """A form body does what a JSON body does."""
    async with visit(SandboxSettings()) as visitor:
        uuid = str((await visitor.call("GET", FIND)).at("data", "uuid"))
        form = {"contact_uuid": uuid, "shop_uuid": SHOP_UUID, "unit_value": "10.40"}
        awarded = await visitor.call("POST", f"{PREFIX}/credit-receptions", form=form)
        updated = await visitor.call(
            "PUT",
            f"{PREFIX}/contacts/{uuid}",
            form={"attributes[firstname]": "Ada", "attributes[housenumber]": "3"},
        )
    assert (awarded.at("data", "credits"), awarded.at("data", "unit_value")) == (10, 10.4)
    values = updated.at("data", "current_values")
    assert isinstance(values, dict)
    assert (values["firstname"], values["housenumber"], values["loyalty_balance"]) == ("Ada", 3, 10)


async def test_refusals_use_the_vendors_envelope() -> None:
    """A refusal is a 400 with code; bad fields are named; a wrong path is a 404, a wrong method a 405."""
    async with visit(SandboxSettings()) as visitor:
        shop = await award(visitor, shop_uuid="nowhere")
        field = await award(visitor, credits="5")
        path = await visitor.call("GET", f"{PREFIX}/nothing")
        method = await visitor.call("DELETE", f"{PREFIX}/shops")
    assert (shop.status, shop.body) == (400, {"message": "Shop not found.", "code": 1008, "status_code": 400})
    assert (field.status, field.body) == (
        400,
        {
            "message": "Invalid input.",
            "code": 1003,
            "status_code": 400,
            "errors": {"credits": ["The credits must be an integer."]},
        },
    )
    assert (path.status, method.status) == (404, 405)


async def test_meta_differs_by_call() -> None:
    """Meta is a list, an object or absent, as the vendor has it; the health check answers too."""
    async with visit(SandboxSettings()) as visitor:
        bodies = [
            (await visitor.call("GET", f"{PREFIX}{path}")).body for path in ("", "/forms", "/shops", "/perks")
        ]
    assert [body.get("meta", "absent") for body in bodies if isinstance(body, dict)] == [[], [], {}, "absent"]


async def test_a_registers_api_has_its_own_prefix() -> None:
    """The same key opens it, its answer has no meta, and what it makes is linked by the account's API."""
    register = "/api/v3/register"
    async with visit(SandboxSettings()) as visitor:
        made = await visitor.call("POST", f"{register}/pos-transactions", json={"amount_in_cents": 500})
        uuid = made.at("data", "uuid")
        linked = [await award(visitor, pos_transaction_uuid=uuid) for _ in range(2)]
        statuses = [
            (await visitor.call(*request)).status
            for request in (
                ("GET", register),
                ("GET", f"{register}/pos-transactions"),
                ("POST", f"{register}/credit-receptions"),
                ("POST", f"{PREFIX}/pos-transactions"),
            )
        ]
    assert isinstance(made.body, dict)
    assert (made.status, list(made.body), made.at("data", "amount_in_cents")) == (200, ["data"], 500)
    assert [(reply.status, reply.at("code") if reply.status == 400 else None) for reply in linked] == [
        (200, None),
        (400, 6001),
    ]
    assert statuses == [200, 405, 404, 404]


async def test_a_wrong_key_is_refused_in_three_shapes() -> None:
    """Without the key nothing is served, and the 401 has one of three bodies in turn."""
    wrong: tuple[Mapping[str, str], ...] = (
        {},
        {"Authorization": "Bearer x"},
        {"Authorization": "Basic eA=="},
    )
    async with visit(SandboxSettings()) as visitor:
        replies = [await visitor.call("GET", f"{PREFIX}/shops", headers=headers) for headers in wrong]
    assert [(reply.status, reply.body) for reply in replies] == [
        (401, {"error": "invalid_token", "error_description": "The access token is invalid."}),
        (401, {"message": "Unauthenticated."}),
        (401, {"message": "Unauthenticated.", "code": 401, "status_code": 401}),
    ]


async def test_too_many_requests_in_a_minute_are_throttled() -> None:
    """When the window is used up, the answer is a 429 that says how long to wait, and nothing happens."""
    async with visit(SandboxSettings(requests_per_minute=2)) as visitor:
        replies = [
            await visitor.call("GET", f"{PREFIX}/contacts/find-or-create?email={n}@x.nl") for n in range(3)
        ]
        truth = await visitor.call("GET", "/__sandbox__/state")
    assert [(reply.status, reply.headers["X-RateLimit-Remaining"]) for reply in replies] == [
        (200, "1"),
        (200, "0"),
        (429, "0"),
    ]
    assert 1 <= int(replies[2].headers["Retry-After"]) <= 60
    assert truth.at("counts") == {"contacts.find_or_create": 2}


async def test_requests_are_shown_without_their_key() -> None:
    """Every request is kept as it came; of its key there is only the fingerprint."""
    async with visit(SandboxSettings()) as visitor:
        await visitor.call("POST", f"{PREFIX}/contact-verification/send?a=1", json={"email": "no"})
        shown = (await visitor.call("GET", "/__sandbox__/requests")).at("requests")
    assert isinstance(shown, list)
    assert isinstance(shown[0], dict)
    headers = shown[0]["headers"]
    assert isinstance(headers, dict)
    assert headers["authorization"] == f"Bearer {key_id_of(SecretStr('sandbox-key'))}"
    assert {name: shown[0][name] for name in ("method", "path", "query", "body")} == {
        "method": "POST",
        "path": f"{PREFIX}/contact-verification/send",
        "query": {"a": "1"},
        "body": '{"email": "no"}',
    }
    assert b"sandbox-key" not in orjson.dumps(shown)


async def test_faults_are_armed_by_control() -> None:
    """Specs and objects arm; a wrong one is refused with help; unknown controls are not found."""
    async with visit(SandboxSettings(faults=(parse_fault("slow@shops.list"),))) as visitor:
        control = "/__sandbox__/faults"
        both = await visitor.call(
            "POST", control, json={"faults": ["lost_reply@*", "drift_wrap@perks.list:2"]}
        )
        one = await visitor.call(
            "POST", control, json={"kind": "drift_null", "operation": "*", "count": 3, "detail": "uuid"}
        )
        wrong = await visitor.call("POST", control, json={"faults": ["slo@*"]})
        empty = await visitor.call("POST", control, json={})
        unknown = await visitor.call("GET", "/__sandbox__/nothing")
    assert both.at("armed") == ["slow@shops.list:1", "lost_reply@*:1", "drift_wrap@perks.list:2"]
    armed = one.at("armed")
    assert isinstance(armed, list)
    assert armed[-1] == "drift_null=uuid@*:3"
    assert (wrong.status, empty.status, unknown.status) == (400, 400, 404)
    assert "`slow`" in str(wrong.at("help"))


async def test_reset_begins_again(tmp_path: Path) -> None:
    """After a reset the world, the faults, the requests and the key are those of the start."""
    key_file = tmp_path / "key"
    async with visit(SandboxSettings(key_file=key_file)) as visitor:
        await award(visitor)
        await visitor.call(
            "POST", "/__sandbox__/faults", json={"faults": ["unauthorized@*", "lost_reply@*:9"]}
        )
        assert (await visitor.call("GET", f"{PREFIX}/shops")).status == 401
        assert key_file.read_text() != "sandbox-key\n"
        assert (await visitor.call("POST", "/__sandbox__/reset")).status == 200
        truth = await visitor.call("GET", "/__sandbox__/state")
        assert (await visitor.call("GET", "/__sandbox__/requests")).body == {"requests": []}
        balance = await visitor.call("GET", FIND)
    assert truth.body == {"counts": {}, "effects": [], "late": []}
    assert balance.at("data", "credit_balance") == {"balance": 0}
    assert key_file.read_text() == "sandbox-key\n"
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600


async def test_a_port_in_use_is_invalid() -> None:
    """A second sandbox on the same port says so."""
    async with open_sandbox(SandboxSettings(), SystemClock(), asyncio.Event()) as announcement:
        port = int(announcement.base_url.rpartition(":")[2])
        with pytest.raises(InvalidUse, match=f"cannot listen on port {port}"):
            await serve(SandboxSettings(port=port), SystemClock(), print, asyncio.Event())
