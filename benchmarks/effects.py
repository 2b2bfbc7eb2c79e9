"""Effects under load: marked writes with `once`, intents fsynced, a fault on every tenth; then a total outage.

A map over customers makes one award for each: 1 and 32 at once in one run, 256 as eight runs of 32 that share a
journal. The peer is a plain loop on one stock httpx client that keeps nothing and tries again whatever fails, so
that a lost reply doubles its award. Rates count the waits that faults cost. Waits of the outage pass quickly.
"""

import asyncio
import shutil
import sqlite3
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import cycle
from pathlib import Path
from statistics import quantiles
from typing import Self

import httpx
from mendflow.benchmarks.durable import opened
from mendflow.benchmarks.farside import PREFIX, far_side, headers_for, settings_for
from mendflow.benchmarks.measure import Row, at_once, main, milliseconds
from mendflow.benchmarks.workload import plan_of
from mendflow.connectors.clock import SystemClock
from mendflow.connectors.contract import (
    Clock,
    ConnectionSettings,
    Connector,
    JsonObject,
    Renewal,
    Reply,
    ToolCall,
    ToolSpec,
)
from mendflow.connectors.opening import open_connector
from mendflow.connectors.sandbox.access import Announcement
from mendflow.connectors.sandbox.account import SHOP_UUID
from mendflow.graph.engine.run import Order, Ports, start
from mendflow.journal.events import Event
from pydantic import JsonValue

WIDTHS = (1, 32, 256)
WIDEST_RUN = 32
AWARD = "credit_receptions.create"
CONFIRM = "loyalty_transactions.list"
FAULTS = (
    f"rate_limit=none@{AWARD}",
    f"lost_reply@{AWARD}",
    f"server_error@{AWARD}",
    f"lost_request@{AWARD}",
    f"slow=0.2@{AWARD}",
    f"server_error=after@{AWARD}",
)
EVERY = 10
"""A fault strikes one in so many writes."""
MOST_TRIES = 6
GOAL_RATE = 200
GOAL_AMPLIFICATION = 1.1
AWARDS_IN_OUTAGE = 192
HASTE = 100
"""How many seconds of an outage pass in one."""
WORKFLOW = """\
apiVersion: mendflow/v1
kind: Workflow
metadata: {name: effects, version: 1.0.0}
inputs:
  shop: {type: string}
  customers: {type: array}
connections:
  piggy: {connector: piggy, credential: {env: PIGGY_API_KEY}}
steps:
  awards:
    map: inputs.customers
    as: customer
    parallel: %d
    on_item_failure: continue
    steps:
      award:
        call: piggy.PIGGY_CREATE_CREDIT_RECEPTION
        once: customer.key
        with:
          contact_uuid: "${{ customer.uuid }}"
          shop_uuid: "${{ inputs.shop }}"
          credits: 10
"""


@dataclass(slots=True)
class Far:
    """The sandbox: its truth, and the faults it is told to make."""

    announced: Announcement
    controls: httpx.AsyncClient
    faults: Iterator[str] = field(default_factory=lambda: cycle(FAULTS))
    writes: int = 0

    async def strike(self) -> None:
        """Count a write that is about to leave; before every tenth, arm the next fault."""
        self.writes += 1
        if self.writes % EVERY == 0:
            await self.arm(next(self.faults))

    async def arm(self, fault: str) -> None:
        """Arm a fault."""
        (await self.controls.post("/__sandbox__/faults", json={"faults": [fault]})).raise_for_status()

    async def awards(self) -> int:
        """Count the awards that took place."""
        state = (await self.controls.get("/__sandbox__/state")).raise_for_status().json()
        return int(state["counts"].get(AWARD, 0))

    async def customers(self, count: int, whose: str) -> list[JsonValue]:
        """Make so many contacts; return each with a business key for its award."""
        found: list[JsonValue] = []

        async def make(number: int) -> None:
            email = {"email": f"{whose}-{number}@example.com"}
            answer = await self.controls.get(f"{PREFIX}/contacts/find-or-create", params=email)
            uuid = answer.raise_for_status().json()["data"]["uuid"]
            found.append({"uuid": uuid, "key": f"{whose}-{number}"})

        await at_once(8, count, make)
        return found


@asynccontextmanager
async def far_away() -> AsyncIterator[Far]:
    """Start the sandbox."""
    async with (
        far_side() as announced,
        httpx.AsyncClient(
            base_url=announced.base_url, headers=headers_for(announced), timeout=30
        ) as controls,
    ):
        yield Far(announced, controls)


class Watched:
    """A connection whose calls are counted, and struck by faults on their way."""

    def __init__(self, inner: Connector, calls: Counter[str], strike: Callable[[], Awaitable[None]]) -> None:
        self._inner = inner
        self._calls = calls
        self._strike = strike

    def tools(self) -> Mapping[str, ToolSpec]:
        """Return the connection's operations."""
        return self._inner.tools()

    async def send(self, call: ToolCall) -> Reply:
        """Make one attempt."""
        self._calls[call.operation] += 1
        if call.operation == AWARD:
            await self._strike()
        return await self._inner.send(call)

    async def renew(self) -> Renewal:
        """Read the credential again."""
        return await self._inner.renew()

    async def __aenter__(self) -> Self:
        """Open the connection."""
        await self._inner.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close it."""
        await self._inner.__aexit__()


class HastyClock:
    """The system's clock, a hundred times as fast."""

    def __init__(self) -> None:
        self._clock = SystemClock()
        self._start = self._clock.now()

    def now(self) -> datetime:
        """Return the hasty moment."""
        return self._start + (self._clock.now() - self._start) * HASTE

    async def sleep(self, duration: timedelta) -> None:
        """Wait a hundredth of that."""
        await self._clock.sleep(duration / HASTE)


@dataclass(frozen=True, slots=True)
class Load:
    """What one measurement showed."""

    seconds: float
    cpu: float
    effects: int
    calls: int
    awards: int
    latencies: tuple[float, ...]
    commits: int = 0
    open_ends: int = 0

    @property
    def rate(self) -> float:
        """Effects in a second."""
        return self.effects / self.seconds

    def within(self, percent: int) -> float:
        """Return the seconds within which so many percent of the effects ended."""
        return quantiles(self.latencies, n=100, method="inclusive")[percent - 1]


def commits_in(folder: Path) -> int:
    """Count the commits in the write-ahead log; each was one fsync. A reader keeps SQLite from starting it anew."""
    log = (folder / "journal.db-wal").read_bytes()
    size, salts = int.from_bytes(log[8:12]), log[16:24]
    frames = (log[at : at + 24] for at in range(32, len(log), 24 + size))
    return sum(frame[8:16] == salts and frame[4:8] != bytes(4) for frame in frames)


def latencies_in(events: list[Event]) -> Iterator[float]:
    """Return how long each award took, from its intent to the end of its step."""
    begun: dict[str, datetime] = {}
    for event in events:
        path = event.key.partition("#")[0]
        if event.kind == "intent_written":
            begun.setdefault(path, event.at)
        elif event.kind == "step_ended" and path in begun and path.endswith(".award"):
            yield (event.at - begun[path]).total_seconds()


def order(width: int, customers: list[JsonValue], announced: Announcement) -> Order:
    """Return the order of one award for each customer, `width` at once."""
    inputs: JsonObject = {"shop": SHOP_UUID, "customers": customers}
    return Order(plan_of(WORKFLOW % width), inputs, {"piggy": settings_for(announced)}, {})


async def ours(far: Far, customers: list[JsonValue], width: int) -> Load:
    """Make one award for each customer, `width` at once."""
    calls, runs = Counter[str](), max(1, width // WIDEST_RUN)
    orders = [order(min(width, WIDEST_RUN), customers[n::runs], far.announced) for n in range(runs)]
    folder, before = Path(tempfile.mkdtemp()), await far.awards()
    try:
        async with opened(folder) as ports:
            live = watched(ports, SystemClock(), calls, far.strike)
            with closing(sqlite3.connect(folder / "journal.db")) as reader:
                reader.execute("BEGIN")
                reader.execute("SELECT count(*) FROM runs").fetchone()
                begun, worked = time.perf_counter(), time.process_time()
                results = await asyncio.gather(*(start(live, one) for one in orders))
                seconds, worked = time.perf_counter() - begun, time.process_time() - worked
                commits = commits_in(folder)
            traces = [await ports.store.events(result.run_id) for result in results]
    finally:
        shutil.rmtree(folder)
    return Load(
        seconds=seconds,
        cpu=worked,
        effects=len(customers),
        calls=calls[AWARD] + calls[CONFIRM],
        awards=await far.awards() - before,
        latencies=tuple(one for trace in traces for one in latencies_in(trace)),
        commits=commits,
        open_ends=sum(len(result.parked) + len(result.failed) for result in results),
    )


def watched(ports: Ports, clock: Clock, calls: Counter[str], strike: Callable[[], Awaitable[None]]) -> Ports:
    """Return ports whose connections are counted."""

    def connector(settings: ConnectionSettings) -> Connector:
        return Watched(open_connector(settings, clock, ports.vault.learn), calls, strike)

    return replace(ports, clock=clock, open_connector=connector)


async def peer(far: Far, customers: list[JsonValue], width: int) -> Load:
    """Make one award for each customer, `width` at once, and try again whatever fails."""
    calls, before = Counter[str](), await far.awards()
    latencies: list[float] = []
    limits = httpx.Limits(max_connections=width, max_keepalive_connections=width)
    async with httpx.AsyncClient(
        base_url=far.announced.base_url + PREFIX,
        headers=headers_for(far.announced),
        limits=limits,
        timeout=30,
    ) as client:

        async def award(number: int) -> None:
            customer = customers[number]
            contact = str(customer["uuid"]) if isinstance(customer, dict) else ""
            begun = time.perf_counter()
            if await insist(client, contact, SystemClock(), calls, far.strike):
                latencies.append(time.perf_counter() - begun)

        begun, worked = time.perf_counter(), time.process_time()
        await at_once(width, len(customers), award)
        seconds, worked = time.perf_counter() - begun, time.process_time() - worked
    return Load(
        seconds=seconds,
        cpu=worked,
        effects=len(customers),
        calls=calls[AWARD],
        awards=await far.awards() - before,
        latencies=tuple(latencies),
        open_ends=len(customers) - len(latencies),
    )


async def insist(
    client: httpx.AsyncClient,
    contact: str,
    clock: Clock,
    calls: Counter[str],
    strike: Callable[[], Awaitable[None]],
) -> bool:
    """Try to make an award, at growing intervals, as plain programs do; tell whether it was answered."""
    body = {"contact_uuid": contact, "shop_uuid": SHOP_UUID, "credits": 10}
    for attempt in range(MOST_TRIES):
        await strike()
        calls[AWARD] += 1
        try:
            if (await client.post("/credit-receptions", json=body)).is_success:
                return True
        except httpx.TransportError:
            pass
        await clock.sleep(timedelta(seconds=0.2 * 2**attempt))
    return False


def rows_of(width: int, mine: Load, theirs: Load, alone: Load) -> list[Row]:
    """Return the lines of one width; `alone` is ours at 1 at once."""

    def compared(
        what: str, of: Callable[[Load], float], write: Callable[[float], str], peer: Load = theirs
    ) -> Row:
        return Row(f"  {what}", write(of(mine)), write(of(peer)), of(mine) / of(peer))

    rate = Row(
        f"effects at {width} at once, a fault in {EVERY}",
        f"{mine.rate:.0f}/s",
        f"{theirs.rate:.0f}/s",
        mine.rate / theirs.rate,
    )
    if width == max(WIDTHS):
        rate = replace(rate, goal=f">= {GOAL_RATE}/s", reached=mine.rate >= GOAL_RATE)
    return [
        rate,
        compared("half of them within", lambda load: load.within(50), milliseconds),
        compared("99 % of them within", lambda load: load.within(99), milliseconds),
        compared("CPU of each", lambda load: load.cpu / load.effects, milliseconds),
        compared(
            "fsyncs of each; peer: ours at 1 at once",
            lambda load: load.commits / load.effects,
            two_places,
            alone,
        ),
        compared("wire calls of each, readings included", lambda load: load.calls / load.effects, two_places),
        Row(
            "  awards made, of those wanted; steps that did not end well",
            f"{mine.awards}/{mine.effects}; {mine.open_ends}",
            f"{theirs.awards}/{theirs.effects}; {theirs.open_ends}",
            mine.awards / theirs.awards,
            "each once",
            mine.awards == mine.effects and not mine.open_ends,
        ),
    ]


def two_places(number: float) -> str:
    """Write a count for the table."""
    return f"{number:.2f}"


async def outage(what: str, count: int, *, gone: bool) -> Row:
    """Count the calls of a run under which the vendor fails, for each award that was wanted."""
    mine, theirs = Counter[str](), Counter[str]()
    folder, clock = Path(tempfile.mkdtemp()), HastyClock()
    try:
        async with opened(folder) as ports, AsyncExitStack() as vendor:
            far = await vendor.enter_async_context(far_away())
            customers = await far.customers(count, "ours")
            url, headers = far.announced.base_url + PREFIX, headers_for(far.announced)

            async def fail() -> None:
                if mine[AWARD] == 1:
                    await (vendor.aclose() if gone else far.arm(f"server_error@*:{10**9}"))

            await start(watched(ports, clock, mine, fail), order(WIDEST_RUN, customers, far.announced))
            async with httpx.AsyncClient(base_url=url, headers=headers, timeout=30) as client:
                await at_once(WIDEST_RUN, count, lambda _: insist(client, "nobody", clock, theirs, nothing))
    finally:
        shutil.rmtree(folder)
    calls, plain = (mine[AWARD] + mine[CONFIRM]) / count, theirs[AWARD] / count
    return Row(
        f"total outage ({what}), wire calls per award wanted, of {count}",
        f"{calls:.2f}",
        f"{plain:.2f}",
        calls / plain,
        f"<= {GOAL_AMPLIFICATION:.2f}",
        calls <= GOAL_AMPLIFICATION,
    )


async def nothing() -> None:
    """Let a call pass."""


async def _measured(counts: Mapping[int, int]) -> list[Row]:
    rows: list[Row] = []
    async with far_away() as far:
        loads: dict[int, tuple[Load, Load]] = {}
        for width, count in counts.items():
            mine = await ours(far, await far.customers(count, f"ours-{width}"), width)
            loads[width] = mine, await peer(far, await far.customers(count, f"peer-{width}"), width)
        alone, _ = loads[1]
        for width, (mine, theirs) in loads.items():
            rows += rows_of(width, mine, theirs, alone)
    rows.append(await outage("every answer is a 500", AWARDS_IN_OUTAGE, gone=False))
    rows.append(await outage("every connection is refused", AWARDS_IN_OUTAGE, gone=True))
    return rows


def measure(small: bool) -> list[Row]:  # noqa: FBT001  # told by the script's switch
    """Measure at each width."""
    counts = (60, 320, 512) if small else (100, 640, 1024)
    return asyncio.run(_measured(dict(zip(WIDTHS, counts, strict=True))))


if __name__ == "__main__":
    main(__doc__, measure)
