"""One simulated world: a vendor, a network, a journal, and some runs that share them; all of it follows from a seed."""

import asyncio
import sqlite3
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from mendflow.agents.model import Model
from mendflow.connectors.contract import ConnectionSettings, CredentialSource, JsonObject
from mendflow.connectors.errors import StoreError
from mendflow.connectors.memory import InMemory
from mendflow.connectors.piggy.connector import Piggy
from mendflow.connectors.sandbox.desk import Desk
from mendflow.connectors.sandbox.world import Command, World
from mendflow.connectors.virtual import LoopClock
from mendflow.graph.engine.context import Progress
from mendflow.graph.engine.run import Order, Ports, resume, start
from mendflow.graph.engine.summary import RunResult
from mendflow.journal.events import Event
from mendflow.journal.home import Home
from mendflow.journal.inline import InlineStore
from mendflow.journal.tables import Tables, make_tables
from mendflow.journal.vault import Vault
from mendflow.verifier.effect import Decision, Effect

from tests.simulation.life import Life
from tests.simulation.network import Carried, Network
from tests.simulation.others import decide_by_looking, live_as_strangers
from tests.simulation.shape import Shape
from tests.simulation.store import MortalWriter
from tests.simulation.workloads import Person, people, plan_of

START: Final = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
KEY: Final = "sandbox-key"
POINTS: Final = 12
"""About how many points at which it may die a process passes for each effect."""
MOST_LIVES: Final = 400
MOST_RESUMES: Final = 2
LONGEST_RESTART: Final = 3.0
"""Seconds until a killed process is started again, at most."""
_ABSENT: Final[tuple[Decision, ...]] = ("resend", "refused")
ALTERED: Final = 0.1
"""The share of people for whom a second run asks for something else under the same key."""
AN_HOUR: Final = timedelta(hours=1)


@dataclass(slots=True)
class Job:
    """One run as a person wants it, through all the lives of its processes."""

    number: int
    order: Order
    begins: float
    run_id: str = ""
    lives: int = 0
    resumes: int = 0
    result: RunResult | None = None
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class Seams:
    """Where a test puts something naive in the place of what is shipped."""

    tables: type[Tables] = Tables
    desk: type[Desk] = Desk
    declared: timedelta | None = None
    """The settle time that is declared to the engine; None: the true one."""


SHIPPED: Final = Seams()


class Simulation:
    """Lives through a world; what it leaves behind is for the oracle."""

    def __init__(self, shape: Shape, folder: Path, db: sqlite3.Connection, seams: Seams = SHIPPED) -> None:
        self.shape = shape
        self.clock = LoopClock(START)
        self.deaths: Counter[str] = Counter()
        """Deaths of processes, by the point at which they died."""
        self.error: Exception | None = None
        """Why the world came to no end."""
        self.place = str(folder)
        """Where its files are; nothing that happens depends on it."""
        self._dice = shape.dice("lives")
        self._home = Home(folder)
        self._home.prepare()
        make_tables(db)
        self._tables = seams.tables(db, Vault())
        key_file = folder / "key"
        desk = _open_desk(shape.seed, key_file, seams.desk)
        self.network = Network(desk, self.clock, shape)
        self._people = _people(shape, desk.world)
        self.given = len(desk.world.effects)
        """How many effects the vendor had before anything began."""
        self.jobs = _jobs(shape, self._people, _connections(shape, key_file, seams.declared))

    async def live(self) -> None:
        """Let all runs come to their end, then let arrive what still travels."""
        async with asyncio.TaskGroup() as group:
            for job in self.jobs:
                group.create_task(self._live(job))
            group.create_task(live_as_strangers(self.network.desk, self.clock, self.shape, self._people))
        await self.clock.sleep(self.shape.settle + self.shape.timeout)
        desk = self.network.desk
        desk.world.advance(desk.advance(self.clock.now()))

    def events(self, job: Job) -> list[Event]:
        """Return what is recorded of a job's run."""
        return self._tables.events(job.run_id)

    def effects(self) -> list[Effect]:
        """Return all effects of the journal."""
        return [effect for job in self.jobs for effect in self._tables.effects(job.run_id)]

    async def _live(self, job: Job) -> None:
        await asyncio.sleep(job.begins)
        while job.lives < MOST_LIVES:
            job.lives += 1
            job.result = await self._one_life(job)
            if job.error is not None or not await self._goes_on(job):
                return
        job.error = RuntimeError(f"not at its end after {job.lives} lives")

    async def _goes_on(self, job: Job) -> bool:
        """Wait until the run is to go on; return False when it has come to its end."""
        result = job.result
        if result is None:
            await asyncio.sleep(self._dice.uniform(0.01, LONGEST_RESTART))
            return True
        if result.status == "waiting" and result.due_at is not None:
            await self.clock.sleep(result.due_at - self.clock.now())
            return True
        if result.status != "parked" or job.resumes == MOST_RESUMES:
            return False
        job.resumes += 1
        if self._dice.random() >= self.shape.mix.resumes:
            return False
        await self.clock.sleep(
            self.shape.settle + self.shape.timeout + timedelta(seconds=self._dice.uniform(0, 600))
        )
        if self._dice.random() < self.shape.mix.resolves:
            choice = self._dice.choice(_ABSENT)
            ports = self._ports(job, self._life(0))
            await decide_by_looking(ports, job.run_id, self.network.desk, self.clock, choice)
        return True

    async def _one_life(self, job: Job) -> RunResult | None:
        """Run one process to its end; None when it was killed."""
        life = self._life(self.shape.mix.kills)
        task = asyncio.get_running_loop().create_task(self._process(job, life))
        life.lead(task)
        try:
            result = await task
        except (asyncio.CancelledError, Exception) as error:  # what a dying process still raises is nobody's
            if not life.is_dead and not isinstance(error, Exception):
                raise
            job.error = error if isinstance(error, Exception) and not life.is_dead else None
            return None
        return None if life.is_dead else result

    def _life(self, kills: float) -> Life:
        return Life(self._dice, kills / POINTS, self.deaths)

    async def _process(self, job: Job, life: Life) -> RunResult:
        ports = self._ports(job, life)
        if self._is_on_record(job):
            return await resume(ports, job.run_id, lambda _: job.order)
        return await start(ports, job.order)

    def _is_on_record(self, job: Job) -> bool:
        try:
            self._tables.owner_of(job.run_id)
        except StoreError:
            return False
        return True

    def _ports(self, job: Job, life: Life) -> Ports:
        def new_id() -> str:
            job.run_id = f"run-{job.number}-{job.lives}"
            return job.run_id

        def connector(settings: ConnectionSettings) -> Piggy:
            return Piggy(
                settings,
                clock,
                vault.learn,
                open_transport=lambda _: InMemory(Carried(self.network, job.run_id, life)),
            )

        is_wrong = self._dice.random() < self.shape.mix.skews
        clock = LoopClock(START, self._dice.choice((AN_HOUR, -AN_HOUR)) if is_wrong else timedelta())
        vault = Vault()
        return Ports(
            home=self._home,
            store=InlineStore(self._tables, MortalWriter(self._tables, life, self._dice)),
            vault=vault,
            clock=clock,
            open_connector=connector,
            open_model=_no_model,
            report=_unseen,
            new_id=new_id,
        )


def _open_desk(seed: int, key_file: Path, open_desk: type[Desk]) -> Desk:
    def publish(key: str) -> None:
        key_file.write_text(key)

    publish(KEY)
    return open_desk(
        World(seed, key=KEY), record=_unrecorded, publish_key=publish, requests_per_minute=1_000_000
    )


def _people(shape: Shape, world: World) -> list[Person]:
    found = people(world, shape.dice("people"), shape.group, shape.people, START)
    if shape.is_crowded:
        return [{**person, "contact": found[0]["contact"]} for person in found]
    return found


def _connections(shape: Shape, key_file: Path, declared: timedelta | None) -> dict[str, ConnectionSettings]:
    reached = {
        "credential": CredentialSource(file=str(key_file)),
        "base_url": "http://localhost",
        "timeout": shape.timeout,
        "settle": shape.settle if declared is None else declared,
        "account": "simulated",
    }
    plan = plan_of(shape.group, shape.parallel)
    return {name: settings.model_copy(update=reached) for name, settings in plan.connections.items()}


def _jobs(shape: Shape, everybody: list[Person], connections: dict[str, ConnectionSettings]) -> list[Job]:
    """Return the runs: the first is for everybody, the others for most of the same people."""
    dice = shape.dice("jobs")
    jobs: list[Job] = []
    for number in range(shape.runs):
        chosen = [person for person in everybody if number == 0 or dice.random() < shape.overlap]
        if number:
            chosen = [_altered(person) if dice.random() < ALTERED else person for person in chosen]
        inputs: JsonObject = {"people": [*chosen]}
        order = Order(plan_of(shape.group, shape.parallel), inputs, connections, {})
        jobs.append(Job(number, order, dice.choice((0.0, dice.uniform(0, 5)))))
    return jobs


def _altered(person: Person) -> Person:
    """Return a person for whom the same business key stands for something else."""
    return {**person, "credits": 501}


def _no_model(name: str) -> Model:
    raise AssertionError(f"no step of these workflows asks `{name}`")


def _unseen(_: Progress) -> None:
    """Watch nothing."""


def _unrecorded(_: Command) -> None:
    """Keep no log of the vendor's world."""
