"""The SQLite store: one writer thread, group commit, WAL, an fsync before any promise."""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self, TypeVar

from ..connectors.contract import JsonObject
from ..connectors.errors import StoreError
from ..verifier.effect import Effect
from .events import Event, EventDraft, RunStatus
from .opening import PATIENCE, OpenJournal, explained, opened
from .store import EffectChange, Held, Ownership, RunRow, SlotChoice
from .tables import Tables
from .vault import Vault

T = TypeVar("T")

_BATCH = 256


@dataclass(frozen=True, slots=True)
class _Job:
    """Work for the writer thread."""

    work: Callable[[Tables], object]
    owner: Ownership | None
    """Whose writing it is; None for reading, and for becoming an owner."""
    done: "asyncio.Future[Any] | None"
    """Who waits for it; None for a post."""


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What became of a job."""

    job: _Job
    result: object = None
    failure: BaseException | None = None


class SqliteStore:
    """The journal in one SQLite file. Many runs share a commit; nothing blocks the event loop."""

    def __init__(self, path: Path, vault: Vault, *, patience: timedelta = PATIENCE) -> None:
        self._path = path
        self._vault = vault
        self._patience = patience
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread()
        self._is_closed = False
        self._failures: dict[Ownership, BaseException] = {}
        """Why a write of an owner is missing; nothing of that owner is written after it."""
        self._untold: dict[Ownership, BaseException] = {}
        """Those of which nobody has heard: failures of posts."""

    async def __aenter__(self) -> Self:
        """Open the file, making it where there never was one. Raises StoreError."""
        loop = asyncio.get_running_loop()
        is_open = loop.create_future()
        self._thread = threading.Thread(
            target=self._work, args=(loop, is_open), name="mendflow-journal", daemon=True
        )
        self._thread.start()
        try:
            await is_open
        except BaseException:
            self._jobs.put(None)
            raise
        return self

    async def __aexit__(self, kind: object, *_: object) -> None:
        """Write what is still buffered, then close. Raises why that failed, unless something else is raised."""
        self._is_closed = True
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)
        if kind is None and self._untold:
            raise next(iter(self._untold.values()))

    async def start_run(self, run_id: str, workflow: str, started: EventDraft) -> Ownership:
        """Record a new run with its first event and own it. Raises StoreError where there is one of that id."""
        return await self._ask(lambda tables: tables.start_run(run_id, workflow, started))

    async def take_over(self, run_id: str, resumed: EventDraft) -> Ownership:
        """Own an existing run from now on; whoever owned it before can write no more. Raises StoreError."""
        return await self._ask(lambda tables: tables.take_over(run_id, resumed))

    async def owner_of(self, run_id: str) -> Ownership:
        """Return the present ownership of a run that nobody is running: hold its lock. Raises StoreError."""
        return await self._ask(lambda tables: tables.owner_of(run_id))

    async def append(self, owner: Ownership, *events: EventDraft, change: EffectChange | None = None) -> None:
        """Write events in one transaction; on disk when this returns. Raises LostOwnership, StoreError."""
        await self._ask(lambda tables: tables.append(owner, *events, change=change), owner)

    def post(self, owner: Ownership, *events: EventDraft, change: EffectChange | None = None) -> None:
        """Write in order, together with a change of an effect, but do not wait.

        A failure stops all later writing of this owner and is raised by its next call that waits, or on closing.
        """
        self._put(_Job(lambda tables: tables.append(owner, *events, change=change), owner, None))

    async def begin(
        self, owner: Ownership, slot: str, path: str, choose: Callable[[Held | None], SlotChoice]
    ) -> JsonObject:
        """Let `choose` see who holds the slot and take it or not, in one transaction that is on disk on return."""
        return await self._ask(lambda tables: tables.begin(owner, slot, path, choose), owner)

    async def note(
        self, owner: Ownership, event: EventDraft, status: RunStatus, due_at: datetime | None
    ) -> None:
        """Write an event of the run together with the run's new status."""
        await self._ask(lambda tables: tables.note(owner, event, status, due_at), owner)

    async def effects(self, run_id: str) -> list[Effect]:
        """Return the effects that this run holds."""
        return await self._ask(lambda tables: tables.effects(run_id))

    async def events(self, run_id: str) -> list[Event]:
        """Return all events of a run in order."""
        return await self._ask(lambda tables: tables.events(run_id))

    async def runs(self, status: str = "") -> list[RunRow]:
        """Return the runs, last started first, optionally of one status."""
        return await self._ask(lambda tables: tables.runs(status))

    async def connections(self) -> list[str]:
        """Return the names of all connections that runs were started with. Raises StoreError."""
        return await self._ask(lambda tables: tables.connections())

    async def _ask(self, work: Callable[[Tables], T], owner: Ownership | None = None) -> T:
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._put(_Job(work, owner, done))
        return await done

    def _put(self, job: _Job) -> None:
        if self._is_closed:
            raise StoreError(f"The journal `{self._path}` is closed.", help="Open it again to go on.")
        self._jobs.put(job)

    # within the writer thread ---------------------------------------------------------------------------

    def _work(self, loop: asyncio.AbstractEventLoop, is_open: "asyncio.Future[None]") -> None:
        with ExitStack() as stack:
            try:
                journal = stack.enter_context(opened(self._path, self._patience))
            except StoreError as error:
                loop.call_soon_threadsafe(_resolve, is_open, None, error)
                return
            loop.call_soon_threadsafe(_resolve, is_open, None, None)
            tables = Tables(journal.db, self._vault)
            is_last = False
            while not is_last:
                batch, is_last = self._drain()
                if batch:
                    outcomes = self._commit(journal, tables, batch)
                    loop.call_soon_threadsafe(_tell, outcomes)

    def _drain(self) -> tuple[list[_Job], bool]:
        """Wait for a job, take what has gathered behind it, and say whether the end was asked for."""
        batch: list[_Job] = []
        job = self._jobs.get()
        while job is not None:
            batch.append(job)
            if len(batch) == _BATCH:
                return batch, False
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return batch, False
        return batch, True

    def _commit(self, journal: OpenJournal, tables: Tables, batch: list[_Job]) -> list[_Outcome]:
        try:
            with tables.transaction():
                outcomes = [self._run(tables, job) for job in batch]
                last = tables.last_event()
            journal.promise(last)
        except (sqlite3.Error, OSError, StoreError) as error:
            failure = error if isinstance(error, StoreError) else explained(self._path, error)
            return [self._failed(job, failure, is_lost=True) for job in batch]
        return outcomes

    def _run(self, tables: Tables, job: _Job) -> _Outcome:
        if job.owner in self._failures:
            return self._failed(job, self._failures[job.owner])
        try:
            with tables.part():
                return _Outcome(job, job.work(tables))
        except sqlite3.Error:
            raise
        except Exception as failure:  # noqa: BLE001  # handed to whoever asked; the batch of the others goes on
            return self._failed(job, failure, is_lost=job.done is None)

    def _failed(self, job: _Job, failure: BaseException, *, is_lost: bool = False) -> _Outcome:
        """Remember that a write is lost, for its owner's next ones would stand there without it; tell who waits."""
        if job.owner is not None:
            if is_lost:
                failure = self._failures.setdefault(job.owner, failure)
            if job.done is None:
                self._untold[job.owner] = failure
            else:
                self._untold.pop(job.owner, None)
        return _Outcome(job, failure=failure)


def _resolve(done: "asyncio.Future[Any]", result: object, failure: BaseException | None) -> None:
    if done.done():  # whoever asked was cancelled
        return
    if failure is not None:
        done.set_exception(failure)
    else:
        done.set_result(result)


def _tell(outcomes: list[_Outcome]) -> None:
    for outcome in outcomes:
        if outcome.job.done is not None:
            _resolve(outcome.job.done, outcome.result, outcome.failure)
