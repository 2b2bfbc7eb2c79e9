"""Every kind of fault, over real HTTP: what the client sees, and what truly happened."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from pathlib import Path

import aiohttp
import orjson
import pytest
from mendflow.connectors.clock import VirtualClock
from mendflow.connectors.contract import JsonObject
from mendflow.connectors.sandbox.faults import parse_fault
from mendflow.connectors.sandbox.server import SandboxSettings, open_sandbox
from pydantic import BaseModel

START = datetime(2026, 3, 1, 12, 0, 0, 500_000, tzinfo=UTC)
PREFIX = "/api/v3/oauth/clients"


class Truth(BaseModel):
    counts: dict[str, int]


@dataclass(frozen=True)
class Visitor:
    session: aiohttp.ClientSession
    clock: VirtualClock

    async def join(self, email: str = "ada@example.com", key: str = "sandbox-key") -> aiohttp.ClientResponse:
        """Find or create a contact."""
        response = await self.session.get(
            f"{PREFIX}/contacts/find-or-create?email={email}", headers={"Authorization": f"Bearer {key}"}
        )
        await response.read()
        return response

    async def count(self) -> int:
        """Return how many contacts were truly created."""
        async with self.session.get("/__sandbox__/state") as response:
            truth = Truth.model_validate_json(await response.read())
            return truth.counts.get("contacts.find_or_create", 0)


@asynccontextmanager
async def visit(*specs: str, key_file: Path | None = None) -> AsyncIterator[Visitor]:
    """Open a sandbox with armed faults on a virtual clock, and a client for it."""
    clock = VirtualClock(START)
    settings = SandboxSettings(faults=tuple(map(parse_fault, specs)), key_file=key_file)
    async with (
        open_sandbox(settings, clock, asyncio.Event()) as announcement,
        aiohttp.ClientSession(announcement.base_url) as session,
    ):
        yield Visitor(session, clock)


async def body_of(response: aiohttp.ClientResponse) -> JsonObject:
    """Return an answer's body."""
    body = orjson.loads(await response.read())
    assert isinstance(body, dict)
    return body


async def data_of(response: aiohttp.ClientResponse) -> JsonObject:
    """Return the data of an answer."""
    data = (await body_of(response))["data"]
    assert isinstance(data, dict)
    return data


@pytest.mark.parametrize(
    ("detail", "seconds"), [("", "1"), ("=seconds", "1"), ("=90", "90"), ("=none", None)]
)
async def test_rate_limit_in_seconds_or_without_hint(detail: str, seconds: str | None) -> None:
    """The 429 comes before the effect, with the seconds to wait or without any."""
    async with visit(f"rate_limit{detail}@contacts.find_or_create") as visitor:
        first = await visitor.join()
        assert await visitor.count() == 0
        second = await visitor.join()
        assert await visitor.count() == 1
    assert (first.status, await body_of(first)) == (429, {"message": "Too Many Attempts."})
    assert first.headers.get("Retry-After") == seconds
    assert ("X-RateLimit-Reset" in first.headers) == (seconds is not None)
    assert second.status == 200


async def test_rate_limit_with_a_date() -> None:
    """The date is the next whole second after the wait, so that nobody is early."""
    async with visit("rate_limit=date@*") as visitor:
        response = await visitor.join()
    assert parsedate_to_datetime(response.headers["Retry-After"]) == START + timedelta(seconds=1.5)
    assert response.status == 429


async def test_unauthorized_changes_the_key(tmp_path: Path) -> None:
    """From that moment on the old key is refused and the one in the key file is valid."""
    key_file = tmp_path / "key"
    async with visit("unauthorized=framework@contacts.find_or_create", key_file=key_file) as visitor:
        assert key_file.read_text() == "sandbox-key\n"
        first = await visitor.join()
        again = await visitor.join()
        assert await visitor.count() == 0
        renewed = await visitor.join(key=key_file.read_text().strip())
        assert await visitor.count() == 1
    assert (first.status, again.status, renewed.status) == (401, 401, 200)
    assert await body_of(first) == {"message": "Unauthenticated."}


async def test_a_wrong_key_uses_up_no_fault(tmp_path: Path) -> None:
    """A second rotation waits for a request that comes with the key of the first."""
    key_file = tmp_path / "key"
    async with visit("unauthorized@*:2", key_file=key_file) as visitor:
        statuses = [(await visitor.join()).status for _ in range(3)]
        second_key = key_file.read_text().strip()
        statuses.append((await visitor.join(key=second_key)).status)
        statuses.append((await visitor.join(key=key_file.read_text().strip())).status)
    assert statuses == [401, 401, 401, 401, 200]


@pytest.mark.parametrize(("kind", "statuses"), [("lost_reply", [400]), ("lost_request", [200, 400])])
async def test_lost_connections(kind: str, statuses: list[int]) -> None:
    """Nothing comes back on a warm connection; whether the effect took place is what the kind says."""
    described = {"name": "slot", "label": "Slot", "data_type": "text"}
    headers = {"Authorization": "Bearer sandbox-key"}
    async with visit(f"{kind}@loyalty_transaction_attributes.create") as visitor:
        await visitor.join()
        post = partial(
            visitor.session.post, f"{PREFIX}/loyalty-transaction-attributes", json=described, headers=headers
        )
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await post()
        assert [(await post()).status for _ in statuses] == statuses


@pytest.mark.parametrize(("spec", "created"), [("server_error@*", 0), ("server_error=after@*", 1)])
async def test_server_errors(spec: str, created: int) -> None:
    """A 500 with code 1000 comes before the effect, or after it."""
    async with visit(spec) as visitor:
        response = await visitor.join()
        assert await visitor.count() == created
    assert response.status == 500
    assert (await body_of(response))["code"] == 1000


async def test_slow_answers_come_late_and_effects_at_once() -> None:
    """The effect is there while the answer still waits."""
    async with visit("slow@contacts.find_or_create", "slow=0.5@contacts.find_or_create") as visitor:
        responses = [await visitor.join(), await visitor.join()]
        assert visitor.clock.slept == [timedelta(seconds=4), timedelta(seconds=0.5)]
        assert await visitor.count() == 1
    assert [response.status for response in responses] == [200, 200]


async def test_an_effect_is_readable_while_its_answer_waits() -> None:
    """A client that gives up early finds its effect by reading."""
    clock = HeldClock(START)
    settings = SandboxSettings(faults=(parse_fault("slow@contacts.find_or_create"),))
    async with (
        open_sandbox(settings, clock, asyncio.Event()) as announcement,
        aiohttp.ClientSession(announcement.base_url) as session,
    ):
        visitor = Visitor(session, clock)
        async with asyncio.TaskGroup() as group:
            joining = group.create_task(visitor.join())
            await clock.waiting.wait()
            assert await visitor.count() == 1
            assert not joining.done()
            clock.release.set()
        assert joining.result().status == 200


class HeldClock(VirtualClock):
    """A clock whose sleepers wait until they are released."""

    def __init__(self, start: datetime) -> None:
        super().__init__(start)
        self.waiting = asyncio.Event()
        self.release = asyncio.Event()

    async def sleep(self, duration: timedelta) -> None:
        self.waiting.set()
        await self.release.wait()
        await super().sleep(duration)


async def test_drift_spoils_the_answer_and_not_the_world() -> None:
    """The drifted answers differ as ordered, and the next one is whole again."""
    specs = ("drift_wrap", "drift_rename", "drift_rename=email=mail", "drift_retype=id", "drift_null=email")
    async with visit(*(f"{spec}@*" for spec in specs)) as visitor:
        answers = [await data_of(await visitor.join()) for _ in range(6)]
        assert await visitor.count() == 1
    wrapped, camel, renamed, retyped, nulled, whole = answers
    assert wrapped == {"result": whole}
    assert (camel["creditBalance"], "credit_balance" in camel) == ({"balance": 0}, False)
    assert (renamed["mail"], "email" in renamed) == (whole["email"], False)
    assert (retyped["id"], whole["id"]) == ("5", 5)
    assert nulled["email"] is None
    assert whole["email"] == "ada@example.com"


async def test_drift_waits_for_something_to_spoil() -> None:
    """A refusal, or an answer without the field, leaves the order armed and lets the next ones through."""
    specs = ("drift_null=nothing@*", "drift_retype=email@*", "drift_wrap@*", "server_error@*")
    async with visit(*specs) as visitor:
        refused = await visitor.join(email="no")
        first = await data_of(await visitor.join())
        second = await visitor.join()
    assert (refused.status, list(first), second.status) == (400, ["result"], 500)
