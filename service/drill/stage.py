"""One small world for runs to be tried in: a vendor, a journal, a home and a clock, all in memory and on virtual time.

What runs in it is what is shipped: the engine, the rules of the journal, the connector; only the sockets, the threads
and the waiting are gone.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from ...agents.models import open_model
from ...connectors.contract import ConnectionSettings, Connector, JsonObject
from ...connectors.memory import InMemory
from ...connectors.opening import open_connector
from ...connectors.piggy.connector import Piggy
from ...connectors.sandbox.courier import Courier, Leave, Lost, Returned, operation_of
from ...connectors.sandbox.desk import Desk, Incoming
from ...connectors.sandbox.faults import FaultOrder
from ...connectors.sandbox.world import DEFAULT_KEY, SETTLE, Command, World
from ...connectors.virtual import LoopClock
from ...graph.engine.approvals import decide_approval
from ...graph.engine.run import Order, Ports, resume, start
from ...graph.engine.summary import RunResult
from ...graph.language.plan import Plan
from ...journal.events import Event
from ...journal.home import Home
from ...journal.inline import AtOnce, InlineStore
from ...journal.tables import Tables, make_tables
from ...journal.vault import Vault
from ...verifier.effect import Effect
from ..progress import quiet
from ..worlds import SANDBOX_TIMEOUT, in_memory, is_vendor
from .strikes import Strike

START: Final = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
QUIET: Final = SETTLE + SANDBOX_TIMEOUT
"""After this time nothing travels any more."""
MOST_ROUNDS: Final = 20
"""How often a run that waits is taken up again."""
UNLIMITED: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Seams:
    """Where a test puts something naive in the place of what is shipped."""

    tables: type[Tables] = Tables
    desk: type[Desk] = Desk


SHIPPED: Final = Seams()


@dataclass(slots=True)
class Lived:
    """One run, from its start to where nothing more could be done."""

    run_id: str
    known: int
    """How many effects the vendor had when it began."""
    left: int = 0
    """How many it had when all that travelled had come."""
    result: RunResult | None = None
    error: str = ""
    """Why there is no result; empty where there is one."""
    events: list[Event] = field(default_factory=list)


class Stage:
    """A world in memory, in which runs come one after the other. Satisfies `Carrier`."""

    def __init__(self, folder: Path, db: sqlite3.Connection, strikes: Sequence[Strike], seams: Seams) -> None:
        self.home = Home(folder)
        self.home.prepare()
        self.clock = LoopClock(START)
        self.lives: list[Lived] = []
        self._key_file = folder / "key"
        self._key_file.write_text(DEFAULT_KEY, encoding="utf-8")
        self._vault = Vault()
        self._tables = seams.tables(db, self._vault)
        self.desk = seams.desk(
            World(), record=_unrecorded, publish_key=self._publish, requests_per_minute=UNLIMITED
        )
        self._courier = Courier(self.desk, self.clock)
        self._strikes = [*strikes]
        self._asked: Counter[str] = Counter()
        self.requests: list[Incoming] = []
        """Every request, in the order of arrival."""
        self.struck: list[Strike] = []
        """The strikes whose request came."""

    async def carry(self, request: Incoming, leave: Leave) -> Returned | Lost:
        """Make one exchange, and arm before it what is to strike it."""
        operation = operation_of(request)
        self._asked[operation] += 1
        self.requests.append(request)
        for strike in self._strikes:
            if strike.order.operation == operation and strike.number == self._asked[operation]:
                self.desk.faults.arm(strike.order)
                self.struck.append(strike)
        return await self._courier.carry(request, leave)

    def order(self, plan: Plan, inputs: JsonObject) -> Order:
        """Return what is to be run, with the connections led here and the models offline."""
        connections = in_memory(plan.connections, self._key_file)
        settled = {
            name: one.model_copy(update={"folder": str(Path(one.folder).resolve())}) if one.folder else one
            for name, one in connections.items()
        }
        return Order(plan, inputs, settled, {}, "offline")

    async def live(self, order: Order, *, approving: bool) -> Lived:
        """Run once, and let arrive what still travels. Approvals are given if `approving`."""
        lived = Lived(f"run-{len(self.lives) + 1}", len(self.desk.world.effects))
        self.lives.append(lived)
        try:
            lived.result = await self._run(order, lived.run_id, approving=approving)
        except Exception as error:  # noqa: BLE001  # whatever the engine raises is a finding, told with the trial
            lived.error = f"the engine raised {type(error).__name__}: {error}"
        await self.clock.sleep(QUIET)
        self.desk.world.advance(self.desk.advance(self.clock.now()))
        lived.left = len(self.desk.world.effects)
        lived.events = self._tables.events(lived.run_id)
        return lived

    def calm(self) -> None:
        """Let nothing go wrong from now on."""
        self._strikes = []
        self.desk.faults.clear()

    def is_spent(self, strike: Strike) -> bool:
        """Tell whether a strike has struck: its request came, and there was something to spoil."""
        return strike in self.struck and strike.order not in self.desk.faults.armed()

    def arm(self, orders: Sequence[FaultOrder]) -> None:
        """Arm faults for whatever comes first."""
        for order in orders:
            self.desk.faults.arm(order)

    def effects(self) -> list[Effect]:
        """Return all effects of the journal."""
        return [effect for lived in self.lives for effect in self._tables.effects(lived.run_id)]

    async def _run(self, order: Order, run_id: str, *, approving: bool) -> RunResult:
        ports = self._ports(run_id)
        result = await start(ports, order)
        for _ in range(MOST_ROUNDS):
            if result.status != "waiting":
                break
            if result.due_at is not None:
                await self.clock.sleep(result.due_at - self.clock.now())
            elif approving:
                await self._approve(ports, result)
            else:
                break
            result = await resume(ports, run_id, lambda _: order)
        return result

    async def _approve(self, ports: Ports, result: RunResult) -> None:
        given: JsonObject = {"approved": True, "by": "drill", "reason": ""}
        for entry in result.waiting:
            items = entry.get("items")
            for path in items if isinstance(items, list) else [entry["path"]]:
                await decide_approval(self.home, ports.store, self.clock, result.run_id, str(path), given)

    def _ports(self, run_id: str) -> Ports:
        def connector(settings: ConnectionSettings) -> Connector:
            if not is_vendor(settings):
                return open_connector(settings, self.clock, self._vault.learn)
            return Piggy(settings, self.clock, self._vault.learn, open_transport=lambda _: InMemory(self))

        return Ports(
            home=self.home,
            store=InlineStore(self._tables, AtOnce(self._tables)),
            vault=self._vault,
            clock=self.clock,
            open_connector=connector,
            open_model=open_model,
            report=quiet,
            new_id=lambda: run_id,
        )

    def _publish(self, key: str) -> None:
        self._key_file.write_text(key, encoding="utf-8")


@contextmanager
def staged(strikes: Sequence[Strike] = (), seams: Seams = SHIPPED) -> Iterator[Stage]:
    """Open a fresh world; what it writes is gone when it closes."""
    with (
        TemporaryDirectory(prefix="mendflow-") as folder,
        closing(sqlite3.connect(":memory:", isolation_level=None)) as db,
    ):
        make_tables(db)
        yield Stage(Path(folder), db, strikes, seams)


def _unrecorded(_: Command) -> None:
    """Keep no log of the vendor's world: it ends with the trial."""
