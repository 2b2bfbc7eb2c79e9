"""What a trace tells of each call and each author, gathered by path: attempts, verdicts, heals, ends. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pydantic import JsonValue

from ..connectors.contract import JsonObject
from .events import Event


@dataclass(slots=True)
class Exchange:
    """One attempt: what was asked, what came back, what was decided about it."""

    number: int
    call: JsonObject = field(default_factory=dict)
    """`connection`, `operation`, `arguments`; empty as long as nothing of it is on record."""
    reply: JsonObject = field(default_factory=dict)
    verdict: JsonObject = field(default_factory=dict)
    renewal: JsonObject = field(default_factory=dict)
    is_write: bool = False
    """Whether an intent stands before it."""
    epoch: int = 1
    """Which process made it: clocks of two processes cannot be compared."""

    @property
    def remedy(self) -> JsonObject:
        """Return what the verdict prescribed; empty when it prescribed nothing."""
        return object_of(self.verdict.get("remedy"))

    @property
    def fault(self) -> JsonObject:
        """Return what the verdict found wrong."""
        return object_of(self.verdict.get("fault"))

    @property
    def outcome(self) -> JsonObject:
        """Return what came back, as the wire told it."""
        return object_of(self.reply.get("outcome"))

    @property
    def arguments(self) -> JsonObject:
        """Return what was sent."""
        return object_of(self.call.get("arguments"))

    def moment(self, name: str) -> datetime | None:
        """Return `sent_at` or `received_at`."""
        text = self.reply.get(name)
        return datetime.fromisoformat(text) if isinstance(text, str) else None


@dataclass(slots=True)
class Course:
    """All that is on record under one path."""

    path: str
    exchanges: dict[int, Exchange] = field(default_factory=dict)
    verdicts: dict[int, JsonObject] = field(default_factory=dict)
    held: dict[int, JsonObject] = field(default_factory=dict)
    """By attempt: that the slot was in other hands."""
    asked: dict[int, JsonObject] = field(default_factory=dict)
    """By attempt: what a model was asked last."""
    drafts: dict[int, JsonValue] = field(default_factory=dict)
    """By attempt: what it replied."""
    heals: dict[str, JsonObject] = field(default_factory=dict)
    """By key."""
    ends: dict[int, JsonObject] = field(default_factory=dict)

    @property
    def numbers(self) -> list[int]:
        """Return the attempts in their order."""
        return sorted({*self.exchanges, *self.held})

    def is_reading(self, exchange: Exchange) -> bool:
        """Tell whether an attempt read about a write rather than making it."""
        return not exchange.is_write and any(one.is_write for one in self.exchanges.values())

    def is_parked_at(self, number: int) -> bool:
        """Tell whether the path ended as parked with this attempt."""
        return self.ends.get(number, {}).get("status") == "parked"

    def sendings_before(self, number: int) -> list[Exchange]:
        """Return the attempts of the write before this one."""
        return [
            self.exchanges[one]
            for one in sorted(self.exchanges)
            if one < number and self.exchanges[one].is_write
        ]


def courses_of(events: Iterable[Event]) -> Mapping[str, Course]:
    """Gather what a trace holds, by path."""
    courses: dict[str, Course] = {}
    for event in events:
        path, sign, rest = event.key.partition("#")
        number, _, kind = rest.partition(":")
        if sign and number.isdigit():
            _take(courses.setdefault(path, Course(path)), int(number), kind.partition(":")[0], event)
    return courses


def _take(course: Course, number: int, kind: str, event: Event) -> None:
    body = event.body
    match event.kind, kind:
        case "intent_written", "call":
            exchange = course.exchanges.setdefault(number, Exchange(number))
            exchange.is_write, exchange.epoch = True, event.epoch
            exchange.call = object_of(body.get("request"))
        case "fact_recorded", "call":
            exchange = course.exchanges.setdefault(number, Exchange(number))
            exchange.call, exchange.reply = object_of(body.get("request")), object_of(body.get("value"))
            exchange.epoch = event.epoch
        case "fact_recorded", "renew":
            course.exchanges.setdefault(number, Exchange(number)).renewal = object_of(body.get("value"))
        case "fact_recorded", "slot":
            course.held[number] = object_of(body.get("value"))
        case "fact_recorded", "model":
            course.asked[number], course.drafts[number] = object_of(body.get("request")), body.get("value")
        case "verdict_given", "verdict":
            course.verdicts[number] = body
            if number in course.exchanges:
                course.exchanges[number].verdict = body
        case "heal_recorded", _:
            course.heals[event.key] = body
        case "step_ended", _:
            course.ends[number] = body
        case _:
            pass


def object_of(value: JsonValue) -> JsonObject:
    """Return an object as it is, and an empty one for all else."""
    return value if isinstance(value, dict) else {}
