"""A run's heals checked again from its trace alone, by code that shares nothing with the judge's. Pure.

Three questions: is the record whole and in itself consistent; does each heal record follow from the recorded verdicts,
and none lack; and does the evidence bear what the verdicts say (`journal.evidence`)? So a heal that was not proven is
found, and a record that somebody changed afterwards.
"""

from collections.abc import Iterator, Sequence

from pydantic import JsonValue

from ..connectors.contract import Frozen, JsonObject
from .canonical import canonical, digest
from .courses import Course, Exchange, courses_of, object_of
from .events import Event
from .evidence import World, objections_to_call, objections_to_draft

_PASSED = "the call then passed the Verifier"


class CheckedHeal(Frozen):
    """One heal record and what speaks against it."""

    key: str
    fault: str
    """Kind of the fault."""
    remedy: str
    objections: tuple[str, ...]


class Audit(Frozen):
    """What the check of a trace found."""

    run_id: str
    heals: tuple[CheckedHeal, ...]
    flaws: tuple[str, ...]
    """What is wrong with the record itself, or missing from it."""

    @property
    def holds(self) -> bool:
        """Whether nothing speaks against any heal or against the record."""
        return not self.flaws and not any(heal.objections for heal in self.heals)


def audit(events: Sequence[Event]) -> Audit:
    """Check a whole trace; `events` are in its order, the first is `run_started`."""
    courses = courses_of(events)
    world = World(events[0].body, courses)
    heals: list[CheckedHeal] = []
    flaws = [*_flaws(events)]
    for course in courses.values():
        checked, missing = _checked(world, course)
        heals += checked
        flaws += missing
    order = {event.key: event.seq for event in events if event.kind == "heal_recorded"}
    return Audit(
        run_id=events[0].run_id,
        heals=tuple(sorted(heals, key=lambda heal: order.get(heal.key, 0))),
        flaws=tuple(flaws),
    )


def _flaws(events: Sequence[Event]) -> Iterator[str]:
    """Yield where the record is not what one process after the other would have written."""
    epoch = 1
    known: dict[str, str] = {}
    for place, event in enumerate(events, start=1):
        if event.seq != place or event.run_id != events[0].run_id:
            stands = f"event {event.seq} of `{event.run_id}` stands there"
            yield f"event {place} of `{events[0].run_id}` was expected; {stands}"
        epoch += event.kind == "run_resumed"
        if event.epoch != epoch:
            yield f"event {place} is of ownership {event.epoch}; {epoch} was expected"
        if event.kind in ("fact_recorded", "intent_written"):
            yield from _wrong_digest(event, known)


def _wrong_digest(event: Event, known: dict[str, str]) -> Iterator[str]:
    """Yield where a request does not have its digest, or an outcome belongs to another request than its intent."""
    request, given = event.body.get("request"), str(event.body.get("digest"))
    if digest(request) != given:
        yield f"the digest at `{event.key}` (event {event.seq}) is not that of its request"
    if known.setdefault(event.key, given) != given:
        yield f"the outcome at `{event.key}` (event {event.seq}) belongs to another request than its intent"


def _checked(world: World, course: Course) -> tuple[list[CheckedHeal], list[str]]:
    """Check the heal records of one path, and name those that should be there and are not."""
    is_draft = bool(course.drafts)
    expected = dict(_expected_of_drafts(course) if is_draft else _expected_of_calls(course))
    flaws = [
        f"the heal record `{key}` is missing: a verdict was to be healed, and the next one passed"
        for key in expected
        if key not in course.heals
    ]
    heals = []
    for key, record in course.heals.items():
        objections = [*_differences(expected.get(key), record)]
        attempt = int(key.partition("#")[2].partition(":")[0])
        ask = objections_to_draft if is_draft else objections_to_call
        objections += ask(world, course, attempt, record)
        heals.append(
            CheckedHeal(
                key=key,
                fault=str(object_of(record.get("fault")).get("kind")),
                remedy=str(record.get("remedy")),
                objections=tuple(dict.fromkeys(objections)),
            )
        )
    return heals, flaws


def _differences(expected: JsonObject | None, record: JsonObject) -> Iterator[str]:
    if expected is None:
        yield "no verdict led to this heal"
        return
    for name in ("fault", "remedy", "proof", "moves"):
        if canonical(_plain(expected.get(name))) != canonical(_plain(record.get(name))):
            yield f"its `{name}` is not what the verdicts say"


def _plain(value: JsonValue) -> JsonValue:
    """Return a value without what is only a default: an empty evidence, no moves, a move without change."""
    if isinstance(value, dict):
        return {name: inner for name, inner in value.items() if inner not in ({}, [], None, "")}
    if isinstance(value, list):
        return [_plain(one) for one in value] or None
    return value or None


def _expected_of_calls(course: Course) -> Iterator[tuple[str, JsonObject]]:
    """Yield the heal records that the verdicts about a call demand."""
    under_way: list[JsonObject] = []
    for number in course.numbers:
        if number in course.held:
            under_way = [] if course.is_parked_at(number) else [*under_way, _waited(course.held[number])]
        exchange = course.exchanges.get(number)
        if exchange is None or not exchange.verdict:
            continue
        if exchange.verdict.get("kind") == "heal":
            under_way = _with_remedy(under_way, course, exchange)
        if exchange.verdict.get("kind") == "passed":
            for ordinal, record in enumerate(_passed(under_way, course, exchange)):
                yield f"{course.path}#{number}:heal:{ordinal}", record


def _waited(claim: JsonObject) -> JsonObject:
    detail = f"run `{claim.get('run_id')}` at `{claim.get('path')}` is making the same effect"
    return {"fault": {"kind": "slot_taken", "detail": detail}, "remedy": "wait", "proof": _PASSED}


def _with_remedy(under_way: list[JsonObject], course: Course, exchange: Exchange) -> list[JsonObject]:
    """Add a remedy; what a reading leads to belongs to the fault that asked for the reading."""
    kind = exchange.remedy.get("kind")
    if not course.is_reading(exchange) or not under_way:
        return [*under_way, {"fault": exchange.verdict.get("fault"), "remedy": kind, "proof": _PASSED}]
    if kind == "settle":
        return under_way
    return [*under_way[:-1], {**under_way[-1], "remedy": f"settle, then {kind}"}]


def _passed(under_way: list[JsonObject], course: Course, exchange: Exchange) -> list[JsonObject]:
    given = exchange.verdict.get("mends")
    mends = [one for one in given if isinstance(one, dict)] if isinstance(given, list) else []
    if course.is_reading(exchange) and under_way and mends:
        return [*under_way[:-1], {**under_way[-1], "proof": mends[0].get("proof")}]
    return [*under_way, *mends]


def _expected_of_drafts(course: Course) -> Iterator[tuple[str, JsonObject]]:
    """Yield a heal record for each draft that was written anew for given reasons, and then passed."""
    for number, verdict in course.verdicts.items():
        reasons = course.asked.get(number, {}).get("reasons")
        if verdict.get("kind") == "passed" and isinstance(reasons, list) and reasons:
            fault: JsonObject = {"kind": "draft_rejected", "detail": "; ".join(map(str, reasons))}
            proof = "the new draft passed the Verifier's rules"
            yield f"{course.path}#{number}:heal:0", {"fault": fault, "remedy": "rewrite", "proof": proof}
