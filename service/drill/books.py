"""The judgement of a trial: what the runs say, held against what the vendor's books have. Pure.

The engine's own words are never the measure. An effect is told from others by its operation and the arguments that
arrived with it, our marker among them.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl

from ...connectors.contract import REPEATABLE, ConnectionSettings, JsonObject, ToolCall
from ...connectors.piggy.connector import PREFIX
from ...connectors.piggy.operations import OPERATIONS, TOOLS
from ...connectors.sandbox.courier import arguments_of
from ...connectors.sandbox.desk import Incoming
from ...connectors.sandbox.world import Effect as Made
from ...graph.engine.locate import step_at
from ...graph.language.plan import CallStep, Plan
from ...journal.audit import audit
from ...journal.canonical import canonical
from ...journal.courses import object_of
from ...journal.events import Event
from ...verifier.effect import Effect
from .stage import Lived

ENDS: Final = frozenset({"completed", "failed", "parked", "waiting"})
_OF_ITS_OWN: Final = frozenset({"slot_taken", "expectation", "expression"})
"""Faults of a step that say nothing about the effect of this step."""
_OPEN: Final = frozenset({"intent", "unknown", "reconciling"})

Key = tuple[str, str]
"""An effect: its operation, and the canonical form of the arguments with which it arrived."""


def request_of(call: ToolCall, settings: ConnectionSettings) -> Incoming:
    """Return the request that a call becomes, as it arrives at the desk."""
    route = OPERATIONS[call.operation].route
    path, _, query = route.target(call.arguments).partition("?")
    return Incoming(
        method=route.method,
        path=(settings.prefix or PREFIX) + path,
        query=tuple(parse_qsl(query)),
        headers={"content-type": "application/json"},
        body=route.content(call.arguments),
    )


def key_of(call: ToolCall, settings: ConnectionSettings) -> Key:
    """Return the name of the effect that a call asks for."""
    return call.operation, canonical(arguments_of(request_of(call, settings)))


@dataclass(slots=True)
class Write:
    """What one run recorded of one step that writes."""

    key: Key
    slots: set[str] = field(default_factory=set)
    """Those for which it wrote an intent."""
    keys: set[Key] = field(default_factory=set)
    """What its intents asked for."""
    end: JsonObject = field(default_factory=dict)
    """The step's last end; empty for none."""

    @property
    def status(self) -> str:
        """How the step ended."""
        return str(self.end.get("status") or "")


def writes_of(events: Sequence[Event], connections: Mapping[str, ConnectionSettings]) -> dict[str, Write]:
    """Return the writes of a run, by path."""
    found: dict[str, Write] = {}

    def key(request: object) -> Key:
        call = ToolCall.model_validate(request)
        return key_of(call, connections[call.connection])

    for event in events:
        path, _, rest = event.key.partition("#")
        if event.kind == "intent_written":
            asked = key(event.body["request"])
            write = found.setdefault(path, Write(asked))
            write.slots.add(str(event.body["slot"]))
            write.keys.add(asked)
        elif event.kind == "fact_recorded" and ":slot:" in rest:
            found.setdefault(path, Write(key(object_of(event.body["request"])["request"])))
        elif event.kind == "step_ended" and path in found:
            found[path].end = event.body
    return found


class Books:
    """Reads the record of some runs and the vendor's books once, then says what is wrong."""

    def __init__(
        self,
        plan: Plan,
        connections: Mapping[str, ConnectionSettings],
        lives: Sequence[Lived],
        made: Sequence[Made],
        effects: Sequence[Effect],
    ) -> None:
        self._plan = plan
        self._lives = lives
        self._effects = effects
        self._order = [(one.operation, canonical(one.arguments)) for one in made]
        self._made = Counter(self._order)
        self._writes = {one.run_id: writes_of(one.events, connections) for one in lives}
        self._slots: defaultdict[Key, set[str]] = defaultdict(set)
        self._keys: defaultdict[str, set[Key]] = defaultdict(set)
        for write in self._all():
            for slot in write.slots:
                self._keys[slot] |= write.keys
            for key in write.keys:
                self._slots[key] |= write.slots

    def violations(self) -> Iterator[str]:
        """Yield everything that must never be."""
        for lived in self._lives:
            yield from self._ended(lived)
            yield from self._audited(lived)
            for path, write in self._writes[lived.run_id].items():
                place = f"{lived.run_id} {path}"
                yield from (f"{place}: {text}" for text in self._step(lived, write))
            yield from _parked(lived)
        yield from self._doubled()
        yield from self._journal()

    def has(self, lived: Lived, path: str) -> bool:
        """Tell whether the vendor has what a step of a run asked for."""
        write = self._writes[lived.run_id].get(path)
        return write is not None and self._made[write.key] > 0

    def _all(self) -> Iterator[Write]:
        for found in self._writes.values():
            yield from found.values()

    def _ended(self, lived: Lived) -> Iterator[str]:
        if lived.result is None or lived.result.status not in ENDS:
            yield f"{lived.run_id}: no end: {lived.error or (lived.result and lived.result.status)}"
        elif lived.result.status != "waiting":
            yield from (f"{lived.run_id} {path}: begun, and never ended" for path in _endless(lived.events))

    def _audited(self, lived: Lived) -> Iterator[str]:
        if not lived.events:
            return
        found = audit(lived.events)
        yield from (f"{lived.run_id}: {flaw}" for flaw in found.flaws)
        for heal in found.heals:
            yield from (
                f"{lived.run_id} {heal.key}: the heal does not hold: {text}" for text in heal.objections
            )

    def _step(self, lived: Lived, write: Write) -> Iterator[str]:
        if write.status == "done" and not self._made[write.key]:
            yield "said to be done, and the vendor has nothing: lost"
        fault = object_of(write.end.get("fault")).get("kind")
        if write.status == "failed" and write.slots and fault not in _OF_ITS_OWN:
            came = Counter(self._order[lived.known : lived.left])[write.key]
            if came > self._others(write):
                yield f"said to have failed ({write.end.get('reason')}), and the vendor has it"

    def _others(self, write: Write) -> int:
        """Count the other slots that may have brought the same effect about."""
        others: set[str] = set()
        for one in self._all():
            if one.status != "failed" and write.key in one.keys:
                others |= one.slots
        return len(others - write.slots)

    def _doubled(self) -> Iterator[str]:
        for key, times in self._made.items():
            known = len(self._slots[key])
            if not known:
                yield f"{key[0]}: the vendor has an effect for which no intent is on record"
            elif times > known and not self._may_repeat(key):
                yield f"{key[0]}: {times} times at the vendor, intended {known} times: doubled"
        for slot, keys in self._keys.items():
            if len(keys) > 1:
                yield f"slot {slot}: {len(keys)} different requests were sent for it"

    def _may_repeat(self, key: Key) -> bool:
        paths = [path for found in self._writes.values() for path, one in found.items() if key in one.keys]
        steps = [step_at(self._plan, path) for path in paths]
        return any(isinstance(step, CallStep) and step.may_repeat for step in steps)

    def _journal(self) -> Iterator[str]:
        """Compare the journal's effects with the vendor's."""
        is_over = all(one.result is not None and one.result.status != "waiting" for one in self._lives)
        for effect in self._effects:
            keys = self._keys[effect.slot]
            has = any(self._made[key] for key in keys)
            if effect.state == "done" and not has:
                yield f"slot {effect.slot}: done in the journal, and the vendor has nothing"
            exclusive = not any(
                TOOLS[key[0]].effect in REPEATABLE or len(self._slots[key]) > 1 for key in keys
            )
            if effect.state == "refused" and exclusive and has:
                yield f"slot {effect.slot}: refused in the journal, and the vendor has it"
            if effect.state in _OPEN and is_over:
                yield f"slot {effect.slot}: left in the state `{effect.state}`"
            if effect.state == "parked" and not effect.evidence:
                yield f"slot {effect.slot}: parked without evidence"


def _parked(lived: Lived) -> Iterator[str]:
    for end in lived.result.parked if lived.result else ():
        missing = [
            word
            for word, given in (
                ("a cause", end.fault.get("detail")),
                ("a reason", end.reason),
                ("a next action", end.next_action),
            )
            if not given
        ]
        yield from (f"{lived.run_id} {end.path}: parked without {word}" for word in missing)


def _endless(events: Sequence[Event]) -> list[str]:
    """Return the paths of calls that were begun and have no end."""
    begun = {
        event.key.partition("#")[0] for event in events if "#" in event.key and event.kind != "step_ended"
    }
    ended = {event.key.partition("#")[0] for event in events if event.kind == "step_ended"}
    return sorted(begun - ended)
