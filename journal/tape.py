"""The tape: where a node asks for a fact. Recorded facts are served by key; others are performed and recorded.

A resume is a replay that runs out of tape: `RecordingTape` serves what is recorded and goes on live.
`ReplayTape` (in replay.py) performs nothing and compares.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from pydantic import JsonValue

from ..connectors.contract import Clock, JsonObject, Performer
from ..connectors.errors import MendflowError
from .claims import SlotRequest, choose_slot
from .events import Event, EventDraft, EventKind, fact_body, fact_key
from .store import EffectChange, Ownership, Store

Compute = Callable[[], JsonObject]
Change = Callable[[JsonObject], EffectChange | None]


def no_change(_: JsonObject) -> EffectChange | None:
    """Say that a decision changes no effect."""
    return None


class Divergence(MendflowError):
    """A replay asked for something that the tape does not hold."""

    code = "divergence"

    def __init__(
        self, key: str, field: str, old: JsonValue, new: JsonValue, what: str, *, missing: bool = False
    ) -> None:
        super().__init__(f"At `{key}`: {what}", help="")
        self.key = key
        self.field = field
        self.old = old
        self.new = new
        self.missing = missing
        """Whether the record holds nothing here, rather than something else."""


class Tape(Protocol):
    """What the engine may ask of the record."""

    run_id: str

    def recall(self, key: str) -> JsonObject | None:
        """Return a recorded fact, or None; performs nothing. For facts that people bring."""
        ...

    async def fact(
        self, key: str, request: JsonObject, perform: Performer, *, secret: bool = False
    ) -> JsonObject:
        """Return the recorded value, or perform, record, return.

        A secret is recorded masked, so recovery performs it again.
        """
        ...

    async def claim(
        self, path: str, attempt: int, slot: str, request: JsonObject, *, repeatable: bool, beyond: str = ""
    ) -> JsonObject:
        """Take the slot for one attempt: `{"standing": "mine"}` with the intent on disk, or who has it.

        `beyond` says why one more effect would go beyond the budget; a slot that is taken already may go on.
        """
        ...

    def decide(self, key: str, compute: Compute, change: Change = no_change) -> JsonObject:
        """Return the decision: as recorded (recovery), or computed and recorded, or computed and compared (replay).

        `change` tells which transition of an effect belongs to the decision; both are recorded together.
        """
        ...

    def reopened(self, path: str, attempt: int) -> bool:
        """Return whether the run went on after this attempt led to parking: a person resumed it."""
        ...

    def heal(self, key: str, record: JsonObject) -> None:
        """Record a heal that took effect."""
        ...

    def ended(self, path: str) -> JsonObject | None:
        """Return the recorded end of a step or item that recovery need not run again."""
        ...

    def end(self, key: str, result: JsonObject) -> None:
        """Record the end of a step or item; the key is its path and the attempt that ended it."""
        ...


class Recorded:
    """What the journal holds of one run, by key."""

    def __init__(self, events: Iterable[Event]) -> None:
        self.started: JsonObject = {}
        self.facts: dict[str, JsonObject] = {}
        self.intents: dict[str, JsonObject] = {}
        self.decisions: dict[str, JsonObject] = {}
        self.heals: dict[str, JsonObject] = {}
        self.ends: dict[str, JsonObject] = {}
        self.last_ends: dict[str, JsonObject] = {}
        self.closing: JsonObject = {}
        places: Mapping[EventKind, dict[str, JsonObject]] = {
            "fact_recorded": self.facts,
            "intent_written": self.intents,
            "verdict_given": self.decisions,
            "heal_recorded": self.heals,
            "step_ended": self.ends,
        }
        for event in events:
            if event.kind in places:
                places[event.kind][event.key] = event.body
            if event.kind == "run_started":
                self.started = event.body
            if event.kind in ("run_ended", "run_paused", "run_resumed"):
                self.closing = {} if event.kind == "run_resumed" else event.body
            if event.kind == "step_ended":
                self.last_ends[event.key.partition("#")[0]] = event.body

    def open_intents(self) -> list[str]:
        """Return the keys of writes that left, or may have, and have no recorded outcome."""
        return [key for key in self.intents if key not in self.facts]


class RecordingTape:
    """The tape of a run that is live, from its start or from where an earlier process left it."""

    def __init__(self, store: Store, owner: Ownership, clock: Clock, recorded: Recorded) -> None:
        self.run_id = owner.run_id
        self._store = store
        self._owner = owner
        self._clock = clock
        self._recorded = recorded
        self._known_before = frozenset(recorded.decisions) | frozenset(recorded.facts)

    def recall(self, key: str) -> JsonObject | None:
        """Return a recorded fact, or None."""
        body = self._recorded.facts.get(key)
        return None if body is None else _object(body["value"])

    async def fact(
        self, key: str, request: JsonObject, perform: Performer, *, secret: bool = False
    ) -> JsonObject:
        """Return the recorded value, or perform, record, return."""
        known = self.recall(key)
        if known is not None:
            return await perform() if secret else known
        value = await perform()
        await self._store.append(self._owner, self._event("fact_recorded", key, fact_body(request, value)))
        return value

    async def claim(
        self, path: str, attempt: int, slot: str, request: JsonObject, *, repeatable: bool, beyond: str = ""
    ) -> JsonObject:
        """Take the slot with an intent on disk, unless the record or somebody else has it."""
        call, refused = fact_key(path, attempt, "call"), fact_key(path, attempt, "slot")
        if call in self._recorded.intents:
            return {"standing": "mine"}
        known = self.recall(refused)
        if known is not None:
            return known
        return await self._store.begin(
            self._owner,
            slot,
            path,
            lambda held: choose_slot(
                held,
                SlotRequest(
                    self.run_id,
                    path,
                    slot,
                    request,
                    call,
                    refused,
                    self._clock.now(),
                    repeatable=repeatable,
                    beyond=beyond,
                ),
            ),
        )

    def decide(self, key: str, compute: Compute, change: Change = no_change) -> JsonObject:
        """Obey the record, else compute and record."""
        known = self._recorded.decisions.get(key)
        if known is not None:
            return known
        decision = compute()
        event = self._event("verdict_given", key, decision)
        self._store.post(self._owner, event, change=change(decision))
        self._recorded.decisions[key] = decision
        return decision

    def reopened(self, path: str, attempt: int) -> bool:
        """Return whether the verdict, or who has the slot, was on record before this process took over."""
        keys = {fact_key(path, attempt, kind) for kind in ("verdict", "count", "slot")}
        return not keys.isdisjoint(self._known_before)

    def heal(self, key: str, record: JsonObject) -> None:
        """Record a heal, once."""
        if key not in self._recorded.heals:
            self._store.post(self._owner, self._event("heal_recorded", key, record))
            self._recorded.heals[key] = record

    def ended(self, path: str) -> JsonObject | None:
        """Return the recorded end of a step or item."""
        return self._recorded.last_ends.get(path)

    def end(self, key: str, result: JsonObject) -> None:
        """Record the end of a step or item, once."""
        if key not in self._recorded.ends:
            self._store.post(self._owner, self._event("step_ended", key, result))
            self._recorded.ends[key] = result

    def _event(self, kind: EventKind, key: str, body: JsonObject) -> EventDraft:
        return EventDraft(kind=kind, key=key, at=self._clock.now(), body=body)


def _object(value: JsonValue) -> JsonObject:
    if not isinstance(value, dict):
        raise TypeError("a fact's value is an object")
    return value
