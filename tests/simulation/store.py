"""The journal of one simulated process: the shipped tables and rules, with a writer on virtual time."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from random import Random
from typing import TypeVar

from mendflow.connectors.contract import JsonObject
from mendflow.journal.events import Event, EventDraft, RunStatus
from mendflow.journal.store import EffectChange, Held, Ownership, RunRow, SlotChoice
from mendflow.journal.tables import Tables
from mendflow.verifier.effect import Effect

from tests.simulation.life import Life

T = TypeVar("T")
SHORTEST, LONGEST = 0.0002, 0.004
"""Seconds from the first job in the queue to its commit."""


class InlineStore:
    """Satisfies `Store`. What is queued and not committed is lost with the process, but for a prefix by chance."""

    def __init__(self, tables: Tables, life: Life, dice: Random) -> None:
        self._tables = tables
        self._life = life
        self._dice = dice
        self._queue: list[Callable[[], None]] = []
        self._failure: Exception | None = None
        life.bequeath(self._end)

    async def start_run(self, run_id: str, workflow: str, started: EventDraft) -> Ownership:
        return await self._ask(lambda: self._tables.start_run(run_id, workflow, started))

    async def take_over(self, run_id: str, resumed: EventDraft) -> Ownership:
        return await self._ask(lambda: self._tables.take_over(run_id, resumed))

    async def owner_of(self, run_id: str) -> Ownership:
        return await self._ask(lambda: self._tables.owner_of(run_id))

    async def append(self, owner: Ownership, *events: EventDraft, change: EffectChange | None = None) -> None:
        await self._ask(lambda: self._tables.append(owner, *events, change=change))

    def post(self, owner: Ownership, *events: EventDraft, change: EffectChange | None = None) -> None:
        if self._life.passes("journal: before a write that nobody waits for"):
            self._put(lambda: self._tables.append(owner, *events, change=change), None)

    async def begin(
        self, owner: Ownership, slot: str, path: str, choose: Callable[[Held | None], SlotChoice]
    ) -> JsonObject:
        return await self._ask(lambda: self._tables.begin(owner, slot, path, choose))

    async def note(
        self, owner: Ownership, event: EventDraft, status: RunStatus, due_at: datetime | None
    ) -> None:
        await self._ask(lambda: self._tables.note(owner, event, status, due_at))

    async def effects(self, run_id: str) -> list[Effect]:
        return await self._ask(lambda: self._tables.effects(run_id))

    async def events(self, run_id: str) -> list[Event]:
        return await self._ask(lambda: self._tables.events(run_id))

    async def runs(self, status: str = "") -> list[RunRow]:
        return await self._ask(lambda: self._tables.runs(status))

    async def _ask(self, work: Callable[[], T]) -> T:
        self._life.demand("journal: before a write")
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._put(work, done)
        result = await done
        self._life.demand("journal: after a write")
        return result

    def _put(self, work: Callable[[], T], done: asyncio.Future[T] | None) -> None:
        self._queue.append(lambda: self._do(work, done))
        if len(self._queue) == 1:
            delay = self._dice.uniform(SHORTEST, LONGEST)
            asyncio.get_running_loop().call_later(delay, self._commit)

    def _commit(self) -> None:
        if self._life.passes("journal: before a commit"):
            self._write(len(self._queue))
            self._life.passes("journal: after a commit")

    def _end(self) -> None:
        """Leave what a dying process leaves on disk: what was committed, and any first part of the rest."""
        self._write(self._dice.randint(0, len(self._queue)))
        self._queue.clear()

    def _write(self, count: int) -> None:
        jobs, self._queue = self._queue[:count], self._queue[count:]
        for job in jobs:
            job()

    def _do(self, work: Callable[[], T], done: asyncio.Future[T] | None) -> None:
        """Do one job in a transaction of its own; after a failure that nobody waited for, none is done."""
        failure = self._failure
        if failure is None:
            try:
                with self._tables.transaction():
                    result = work()
            except Exception as error:  # noqa: BLE001  # handed to whoever asked, as the shipped store does
                failure = error
            else:
                if done is not None and not done.done():
                    done.set_result(result)
                return
        if done is None:
            self._failure = failure
        elif not done.done():
            done.set_exception(failure)
