"""The store's protocol over the tables alone: no thread and no file of its own, so that virtual time can hold it."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol, TypeVar

from ..connectors.contract import JsonObject
from ..verifier.effect import Effect
from .events import Event, EventDraft, RunStatus
from .store import EffectChange, Held, Ownership, RunRow, SlotChoice
from .tables import Tables

T = TypeVar("T")


class Writer(Protocol):
    """When the tables do what they are asked, each job in a transaction of its own."""

    async def ask(self, work: Callable[[], T]) -> T:
        """Do it and return its result once it is committed."""
        ...

    def put(self, work: Callable[[], None]) -> None:
        """Do it in its turn; nobody waits. After a failure of such a job nothing more is done."""
        ...


class InlineStore:
    """Satisfies `Store`: the shipped tables and rules, written by whichever writer it is given."""

    def __init__(self, tables: Tables, writer: Writer) -> None:
        self._tables = tables
        self._writer = writer

    async def start_run(self, run_id: str, workflow: str, started: EventDraft) -> Ownership:
        """Record a new run with its first event and own it. Raises StoreError where there is one of that id."""
        return await self._writer.ask(lambda: self._tables.start_run(run_id, workflow, started))

    async def take_over(self, run_id: str, resumed: EventDraft) -> Ownership:
        """Own an existing run from now on."""
        return await self._writer.ask(lambda: self._tables.take_over(run_id, resumed))

    async def owner_of(self, run_id: str) -> Ownership:
        """Return the present ownership of a run that nobody is running. Raises StoreError."""
        return await self._writer.ask(lambda: self._tables.owner_of(run_id))

    async def append(self, owner: Ownership, *events: EventDraft, change: EffectChange | None = None) -> None:
        """Write in one transaction, the change of an effect with it."""
        await self._writer.ask(lambda: self._tables.append(owner, *events, change=change))

    def post(self, owner: Ownership, *events: EventDraft, change: EffectChange | None = None) -> None:
        """Write in order, the change of an effect in the same transaction, without waiting."""
        self._writer.put(lambda: self._tables.append(owner, *events, change=change))

    async def begin(
        self, owner: Ownership, slot: str, path: str, choose: Callable[[Held | None], SlotChoice]
    ) -> JsonObject:
        """Let `choose` see who holds the slot and take it or not, in one transaction."""
        return await self._writer.ask(lambda: self._tables.begin(owner, slot, path, choose))

    async def note(
        self, owner: Ownership, event: EventDraft, status: RunStatus, due_at: datetime | None
    ) -> None:
        """Write an event of the run together with the run's new status."""
        await self._writer.ask(lambda: self._tables.note(owner, event, status, due_at))

    async def effects(self, run_id: str) -> list[Effect]:
        """Return the effects that this run holds."""
        return await self._writer.ask(lambda: self._tables.effects(run_id))

    async def events(self, run_id: str) -> list[Event]:
        """Return all events of a run in order."""
        return await self._writer.ask(lambda: self._tables.events(run_id))

    async def runs(self, status: str = "") -> list[RunRow]:
        """Return the runs, last started first, optionally of one status."""
        return await self._writer.ask(lambda: self._tables.runs(status))


class AtOnce:
    """Does each job when it is asked for. A failure of what nobody waited for is raised at the next job."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._failure: Exception | None = None

    async def ask(self, work: Callable[[], T]) -> T:
        """Do it now. Raises what an earlier job that nobody waited for raised."""
        if self._failure is not None:
            raise self._failure
        with self._tables.transaction():
            return work()

    def put(self, work: Callable[[], None]) -> None:
        """Do it now, unless an earlier one failed."""
        if self._failure is not None:
            return
        try:
            with self._tables.transaction():
                work()
        except Exception as error:  # noqa: BLE001  # kept for whoever asks next, as the shipped store does
            self._failure = error
