"""The writer of one simulated process: it takes its time, on virtual time, and dies with its process."""

import asyncio
from collections.abc import Callable
from random import Random
from typing import TypeVar

from mendflow.journal.tables import Tables

from tests.simulation.life import Life

T = TypeVar("T")
SHORTEST, LONGEST = 0.0002, 0.004
"""Seconds from the first job in the queue to its commit."""


class MortalWriter:
    """Satisfies `Writer`. What is queued and not committed is lost with the process, but for a prefix by chance."""

    def __init__(self, tables: Tables, life: Life, dice: Random) -> None:
        self._tables = tables
        self._life = life
        self._dice = dice
        self._queue: list[Callable[[], None]] = []
        self._failure: Exception | None = None
        life.bequeath(self._end)

    async def ask(self, work: Callable[[], T]) -> T:
        self._life.demand("journal: before a write")
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._put(work, done)
        result = await done
        self._life.demand("journal: after a write")
        return result

    def put(self, work: Callable[[], None]) -> None:
        if self._life.passes("journal: before a write that nobody waits for"):
            self._put(work, None)

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
