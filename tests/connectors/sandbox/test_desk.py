"""Every kind of fault, over real HTTP: what the client sees, and what truly happened."""

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import aiohttp
import orjson
import pytest
from mendflow.connectors.clock import VirtualClock
from mendflow.connectors.contract import JsonObject
from mendflow.connectors.sandbox.faults import parse_fault
from mendflow.connectors.sandbox.server import SandboxSettings, open_sandbox
from mendflow.connectors.sandbox.world import LONGEST_DELAY, Command
from pydantic import BaseModel, JsonValue

START = datetime(2026, 3, 1, 12, 0, 0, 500_000, tzinfo=UTC)
PREFIX = "/api/v3/oauth/clients"
HEADERS = {"Authorization": "Bearer sandbox-key"}
ATTRIBUTES = f"{PREFIX}/loyalty-transaction-attributes"
ATTRIBUTE: JsonObject = {"name": "slot", "label": "Slot", "data_type": "text"}
CREATION = "loyalty_transaction_attributes.create"
HINTS = {"Retry-After", "X-RateLimit-Reset", "RateLimit"}


class Truth(BaseModel):
    counts: dict[str, int]
    late: list[Command]


@dataclass(frozen=True)
class Visitor:
    session: aiohttp.ClientSession
    clock: VirtualClock
    base_url: str = ""

    async def join(self, email: str = "ada@example.com", key: str = "sandbox-key") -> aiohttp.ClientResponse:
        """Find or create a contact."""
        response = await self.session.get(
            f"{PREFIX}/contacts/find-or-create?email={email}", headers={"Authorization": f"Bearer {key}"}
        )
        await response.read()
        return response

    async def describe(self) -> int:
        """Create an attribute of transactions by POST, which no client repeats unasked; return the status."""
        async with self.session.post(ATTRIBUTES, json=ATTRIBUTE, headers=HEADERS) as response:
            return response.status

    async def described(self) -> int:
        """Return how many attributes are listed."""
        async with self.session.get(ATTRIBUTES, headers=HEADERS) as response:
            listed = orjson.loads(await response.read())["data"]
            return len(listed)

    async def truth(self) -> Truth:
        """Return what truly happened."""
        async with self.session.get("/__sandbox__/state") as response:
            return Truth.model_validate_json(await response.read())

    async def count(self) -> int:
        """Return how many contacts were truly created."""
        return (await self.truth()).counts.get("contacts.find_or_create", 0)


@asynccontextmanager
async def visit(*specs: str, key_file: Path | None = None) -> AsyncIterator[Visitor]:
    """Open a sandbox with armed faults on a virtual clock, and a client for it."""
    clock = VirtualClock(START)
    settings = SandboxSettings(faults=tuple(map(parse_fault, specs)), key_file=key_file)
    async with (
        open_sandbox(settings, clock, asyncio.Event()) as announcement,
        aiohttp.ClientSession(announcement.base_url) as session,
    ):
        yield Visitor(session, clock, announcement.base_url)


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


@pytest.mark.parametrize(
    ("detail", "hint"),
    [
        ("reset", {"X-RateLimit-Reset": str(int(START.timestamp()) + 2)}),
        ("milliseconds", {"X-RateLimit-Reset": str((int(START.timestamp()) + 2) * 1000)}),
        ("draft", {"RateLimit": '"default";r=0;t=1'}),
        ("absurd", {"Retry-After": "999999999"}),
    ],
)
async def test_rate_limit_in_the_words_of_others(detail: str, hint: dict[str, str]) -> None:
    """An epoch in either unit, the drafts' header, and a wait that nobody can mean; nothing else is told."""
    async with visit(f"rate_limit={detail}@*") as visitor:
        response = await visitor.join()
        assert await visitor.count() == 0
    told = {name: response.headers[name] for name in response.headers if name in HINTS}
    assert (response.status, told) == (429, hint)


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
    async with visit(f"{kind}@{CREATION}") as visitor:
        await visitor.join()
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await visitor.describe()
        assert [await visitor.describe() for _ in statuses] == statuses


async def test_a_late_request_takes_effect_when_it_is_due() -> None:
    """The connection is cut at once; until it is due the request is listed as travelling, then as an effect."""
    async with visit(f"late@{CREATION}") as visitor:
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await visitor.describe()
        due = Command(operation=CREATION, arguments=ATTRIBUTE, at=START + LONGEST_DELAY)
        assert await visitor.truth() == Truth(counts={}, late=[due])
        assert await visitor.described() == 0
        await visitor.clock.sleep(LONGEST_DELAY)
        assert await visitor.described() == 1
        assert await visitor.truth() == Truth(counts={CREATION: 1}, late=[])


async def test_a_late_request_comes_too_late() -> None:
    """Whoever arrives in the meantime is first: what is refused when it is due leaves no trace."""
    async with visit(f"late@{CREATION}") as visitor:
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await visitor.describe()
        assert await visitor.describe() == 200
        await visitor.clock.sleep(LONGEST_DELAY)
        assert await visitor.truth() == Truth(counts={CREATION: 1}, late=[])


async def test_reads_lag_behind_an_effect() -> None:
    """The effect is answered and counts, and no listing shows it before its time."""
    async with visit(f"lag=0.05@{CREATION}") as visitor:
        assert await visitor.describe() == 200
        assert await visitor.truth() == Truth(counts={CREATION: 1}, late=[])
        assert await visitor.described() == 0
        await visitor.clock.sleep(timedelta(seconds=0.05))
        assert await visitor.described() == 1


async def test_a_lost_reply_may_be_found_later() -> None:
    """The reply is lost, and a reading in the same moment does not show what took place."""
    async with visit(f"lost_reply=0.1@{CREATION}") as visitor:
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await visitor.describe()
        assert await visitor.truth() == Truth(counts={CREATION: 1}, late=[])
        assert await visitor.described() == 0
        await visitor.clock.sleep(timedelta(seconds=0.1))
        assert await visitor.described() == 1


ERRORS: tuple[tuple[str, int, JsonValue, int], ...] = (
    ("server_error", 500, 1000, 0),
    ("server_error=after", 500, 1000, 1),
    ("creating", 400, 60001, 0),
    ("creating=after", 400, 60001, 1),
    ("refused", 400, 1003, 0),
    ("refused=55031", 400, 55031, 0),
    ("refused=99", 400, 99, 0),
)


@pytest.mark.parametrize(("spec", "status", "code", "created"), ERRORS)
async def test_errors_come_instead_or_after(spec: str, status: int, code: JsonValue, created: int) -> None:
    """An error of the vendor's says nothing on whether the effect took place, but for a plain refusal."""
    async with visit(f"{spec}@*") as visitor:
        response = await visitor.join()
        assert await visitor.count() == created
    assert response.status == status
    assert (await body_of(response))["code"] == code


@pytest.mark.parametrize(
    ("spec", "status", "created"),
    [
        ("bad_gateway", 502, 0),
        ("bad_gateway=after", 502, 1),
        ("garbled", 200, 1),
        ("maintenance", 503, 0),
        ("maintenance=after", 503, 1),
    ],
)
async def test_pages_come_in_place_of_answers(spec: str, status: int, created: int) -> None:
    """What stands before the vendor answers in HTML, whether the effect took place or not."""
    async with visit(f"{spec}@*") as visitor:
        response = await visitor.join()
        assert await visitor.count() == created
    assert (response.status, response.content_type) == (status, "text/html")
    assert (await response.read()).startswith(b"<!DOCTYPE html>")


async def test_maintenance_may_say_for_how_long() -> None:
    """A number of seconds is the 503's Retry-After; without one there is none."""
    async with visit("maintenance=120@*", "maintenance@*") as visitor:
        told, untold = await visitor.join(), await visitor.join()
        assert await visitor.count() == 0
    assert (told.status, told.headers["Retry-After"]) == (503, "120")
    assert (untold.status, untold.headers.get("Retry-After")) == (503, None)


@pytest.mark.parametrize(
    ("spec", "status"), [("redirect", 302), ("redirect=307", 307), ("redirect=308", 308)]
)
async def test_a_redirect_leads_to_a_login_page(spec: str, status: int) -> None:
    """The effect does not take place, and whoever follows is told that there is no such page."""
    async with visit(f"{spec}@*") as visitor:
        async with visitor.session.post(
            ATTRIBUTES, json=ATTRIBUTE, headers=HEADERS, allow_redirects=False
        ) as response:
            body = await response.read()
        assert await visitor.described() == 0
    assert (response.status, response.headers["Location"], body) == (status, "/login", b"")


async def test_forbidden_comes_before_the_effect() -> None:
    """The framework's words, and no code of the vendor's."""
    async with visit("forbidden@*") as visitor:
        response = await visitor.join()
        assert await visitor.count() == 0
    assert (response.status, await body_of(response)) == (403, {"message": "This action is unauthorized."})


async def test_a_refusal_may_be_disguised_as_a_success() -> None:
    """The whole error of the vendor, under status 200."""
    async with visit("disguised=1015@*") as visitor:
        response = await visitor.join()
        assert await visitor.count() == 0
    assert (response.status, (await body_of(response))["code"]) == (200, 1015)


async def test_answers_contradict_themselves_or_hold_what_json_may_not() -> None:
    """Each of these effects took place, and no answer says so in a way that can be believed."""
    kinds = ("null_data", "denied", "not_a_number", "latin1")
    async with visit(*(f"{kind}@*" for kind in kinds)) as visitor:
        null, denied, number, letter = [await (await visitor.join()).read() for _ in kinds]
        whole = await (await visitor.join()).read()
        assert await visitor.count() == 1
    assert orjson.loads(null) == {**orjson.loads(whole), "data": None}
    assert orjson.loads(denied) == {**orjson.loads(whole), "success": False}
    assert number == whole[:-1] + b',"rate":NaN}'
    assert letter == whole[:-1] + b',"shop":"caf\xe9"}'


async def test_compression_is_a_bomb_or_torn() -> None:
    """A few kilobytes unfold to more than 20 MiB; the other ends before its end."""
    async with visit("bomb@*", "torn_gzip@*") as visitor, aiohttp.ClientSession(auto_decompress=False) as raw:
        url = f"{visitor.base_url}{PREFIX}/contacts/find-or-create?email=ada@example.com"
        bodies = []
        for _ in range(2):
            async with raw.get(url, headers=HEADERS) as response:
                assert (response.status, response.headers["Content-Encoding"]) == (200, "gzip")
                bodies.append(await response.read())
        whole = await (await visitor.join()).read()
        assert await visitor.count() == 1
    bomb, torn = bodies
    assert len(bomb) < 50_000
    assert len(gzip.decompress(bomb)) > 20 * 1024 * 1024
    inflate = zlib.decompressobj(16 + zlib.MAX_WBITS)
    assert whole.startswith(inflate.decompress(torn))
    assert not inflate.eof


async def test_answers_are_spoiled_after_the_effect() -> None:
    """No body at all, and a body that names its data twice: neither says what it should."""
    async with visit("empty@*", "duplicate_key@*") as visitor:
        empty = await visitor.join()
        twice = await (await visitor.join()).read()
        whole = await (await visitor.join()).read()
        assert await visitor.count() == 1
    assert (empty.status, empty.content_type, await empty.read()) == (200, "application/json", b"")
    assert twice == b'{"data":null,' + whole.removeprefix(b"{")


async def test_a_truncated_answer_promises_more() -> None:
    """The head tells the whole length, half of the body comes, and then the connection ends."""
    async with visit("truncated@*") as visitor:
        with pytest.raises(aiohttp.ClientPayloadError):
            await visitor.join()
        assert await visitor.count() == 1
        whole = await (await visitor.join()).read()
    async with visit("truncated@*") as visitor:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(visitor.base_url.rpartition(":")[2]))
        writer.write(
            f"GET {PREFIX}/contacts/find-or-create?email=ada@example.com HTTP/1.1\r\nHost: x\r\n"
            "Authorization: Bearer sandbox-key\r\n\r\n".encode()
        )
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()
    assert f"content-length: {len(whole)}".encode() in head.lower()
    assert body == whole[: len(whole) // 2]


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
