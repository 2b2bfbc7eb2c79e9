"""The small protocol behind which the journal is kept, and its rows."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ..connectors.contract import Frozen, JsonObject
from ..verifier.effect import Effect
from .events import Event, EventDraft, RunStatus


class Ownership(Frozen):
    """The right to write a run's events; an older epoch has lost it."""

    run_id: str
    epoch: int


@dataclass(frozen=True, slots=True)
class EffectChange:
    """One transition of an effect that the run holds, applied to what the store has at that moment."""

    slot: str
    path: str
    step: Callable[[Effect], Effect]


@dataclass(frozen=True, slots=True)
class Held:
    """Who has a slot."""

    effect: Effect
    run_id: str
    path: str


@dataclass(frozen=True, slots=True)
class SlotChoice:
    """What a run makes of a slot: what it tells the engine, the effect to store, the event that records it."""

    claim: JsonObject
    effect: Effect | None
    event: EventDraft


class RunRow(Frozen):
    """One run in a list."""

    run_id: str
    workflow: str
    status: RunStatus
    created_at: datetime
    updated_at: datetime
    due_at: datetime | None
    events: int


class Store(Protocol):
    """Where the journal is kept. `append` returns only when the data is safe."""

    async def start_run(self, run_id: str, workflow: str, started: EventDraft) -> Ownership:
        """Record a new run and own it."""
        ...

    async def take_over(self, run_id: str, resumed: EventDraft) -> Ownership:
        """Own an existing run from now on."""
        ...

    async def owner_of(self, run_id: str) -> Ownership:
        """Return the present ownership of a run that nobody is running."""
        ...

    async def append(self, owner: Ownership, *events: EventDraft, change: EffectChange | None = None) -> None:
        """Write in one transaction, the change of an effect with it; safe when this returns."""
        ...

    def post(self, owner: Ownership, *events: EventDraft, change: EffectChange | None = None) -> None:
        """Write in order, the change of an effect in the same transaction, without waiting."""
        ...

    async def begin(
        self, owner: Ownership, slot: str, path: str, choose: Callable[[Held | None], SlotChoice]
    ) -> JsonObject:
        """Look at a slot and take it or not, atomically; safe when this returns."""
        ...

    async def note(
        self, owner: Ownership, event: EventDraft, status: RunStatus, due_at: datetime | None
    ) -> None:
        """Write an event together with the run's new status."""
        ...

    async def effects(self, run_id: str) -> list[Effect]:
        """Return the effects that this run holds."""
        ...

    async def events(self, run_id: str) -> list[Event]:
        """Return all events of a run in order."""
        ...

    async def runs(self, status: str = "") -> list[RunRow]:
        """Return the runs, newest first."""
        ...
