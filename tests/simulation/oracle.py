"""The judgement of a world that was lived through: what the journal says, held against what the vendor has."""

from collections import Counter, defaultdict
from collections.abc import Iterator

from mendflow.connectors.contract import JsonObject
from mendflow.connectors.piggy.operations import TOOLS
from mendflow.graph.engine.replay import replay
from mendflow.journal.audit import audit
from mendflow.verifier.ledger import MOST_ATTEMPTS

from tests.simulation.names import MAY_REPEAT, Name, name_of, name_of_request
from tests.simulation.record import Course, courses_of, endless
from tests.simulation.world import Job, Simulation

FINISHED = frozenset({"completed", "failed", "parked"})


class Oracle:
    """Reads a world once, then says what is wrong with it."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        world = simulation.network.desk.world
        self.made = Counter(
            name_of(one.operation, one.arguments) for one in world.effects[simulation.given :]
        )
        self._senders: defaultdict[Name, set[str]] = defaultdict(set)
        for sent in simulation.network.sent:
            self._senders[name_of(sent.effect.operation, sent.effect.arguments)].add(sent.run_id)
        self.events = {job.run_id: simulation.events(job) for job in simulation.jobs}
        self._courses = {run_id: courses_of(events) for run_id, events in self.events.items()}

    def effects(self) -> set[Name]:
        """Return the effects that were intended."""
        return {one.name for found in self._courses.values() for one in found.values() if one.intents}

    def parked(self) -> list[Course]:
        """Return the writes that were left to a person."""
        courses = (one for found in self._courses.values() for one in found.values())
        return [one for one in courses if one.status == "parked"]

    def violations(self) -> Iterator[str]:
        """Yield everything that must never be."""
        if self._simulation.error is not None:
            yield f"the world came to no end: {self._simulation.error!r}"
        for job in self._simulation.jobs:
            yield from self._run(job)
            yield from self._steps(job)
            yield from self._heals(job)
        yield from self._arrivals()
        yield from self._slots()
        yield from self._doubled()

    def _run(self, job: Job) -> Iterator[str]:
        if job.error is not None:
            yield f"{job.run_id}: the engine raised {job.error!r}"
        elif job.result is None or job.result.status not in FINISHED:
            yield f"{job.run_id}: not at an end: {job.result and job.result.status}"
        else:
            yield from (
                f"{job.run_id} {path}: begun, and never ended" for path in endless(self.events[job.run_id])
            )

    def _steps(self, job: Job) -> Iterator[str]:
        for path, course in self._courses[job.run_id].items():
            place = f"{job.run_id} {path} {course.name}"
            status = course.status
            took_place = self.made[course.name] > 0
            ours = job.run_id in self._senders[course.name]
            if status == "done" and not took_place:
                yield f"{place}: said to be done, and the vendor has nothing: lost"
            if status == "failed" and ours and not _is_after_the_fact(course.end):
                yield f"{place}: said to have failed ({course.end.get('reason')}), and the vendor has it from this run"
            if status == "failed" and (why := _needless(course)):
                yield f"{place}: said to have failed ({course.end.get('reason')}), {why}"
            if status == "parked":
                yield from (f"{place}: parked without {what}" for what in _missing(course.end))

    def _heals(self, job: Job) -> Iterator[str]:
        """Check every heal record of a run again, from what is on record alone."""
        found = audit(self.events[job.run_id]) if self.events[job.run_id] else None
        if found is not None:
            yield from (f"{job.run_id}: {flaw}" for flaw in found.flaws)
            yield from (
                f"{job.run_id} {heal.key}: {text}" for heal in found.heals for text in heal.objections
            )

    def _arrivals(self) -> Iterator[str]:
        """Find requests that reached the vendor without an intent of their own on record."""
        intents: Counter[tuple[str, Name]] = Counter()
        for run_id, found in self._courses.items():
            for course in found.values():
                intents[run_id, course.name] += course.intents
        for (run_id, name), arrived in self._simulation.network.arrived.items():
            known = intents[run_id, name]
            if arrived > known:
                yield f"{run_id} {name}: {arrived} requests came to the vendor on {known} recorded intents"

    def _slots(self) -> Iterator[str]:
        """Compare the journal's effects with the vendor's, wherever the vendor's cannot be another run's."""
        names = {
            str(event.body["slot"]): name_of_request(event.body["request"])
            for events in self.events.values()
            for event in events
            if event.kind == "intent_written"
        }
        for effect in self._simulation.effects():
            name = names[effect.slot]
            if effect.state == "done" and not self.made[name]:
                yield f"slot {effect.slot}: done in the journal, and the vendor has nothing"
            if effect.state == "refused" and self._is_exclusive(name) and self.made[name]:
                yield f"slot {effect.slot}: refused in the journal, and the vendor has it"
            if effect.state in ("intent", "unknown", "reconciling"):
                yield f"slot {effect.slot}: left in the state `{effect.state}`"
            if effect.state == "parked" and not effect.evidence:
                yield f"slot {effect.slot}: parked without evidence"

    def _doubled(self) -> Iterator[str]:
        for name, times in self.made.items():
            if times > 1 and name[1] and name[0] not in MAY_REPEAT:
                yield f"{name}: {times} times at the vendor: doubled"

    def _is_exclusive(self, name: Name) -> bool:
        return TOOLS[name[0]].effect not in ("natural_key", "idempotent")

    async def divergences(self) -> list[str]:
        """Replay every run and return where one departs from its record."""
        found: list[str] = []
        for job in self._simulation.jobs:
            report = await replay(
                self._simulation.events(job), job.order, dict.fromkeys(job.order.connections, TOOLS)
            )
            if report.divergence is not None:
                found.append(f"{job.run_id}: the replay diverges: {report.divergence.message}")
        return found


def _is_after_the_fact(end: JsonObject) -> bool:
    """Tell whether the step failed for what is no statement about the effect of this step."""
    fault = end.get("fault")
    return isinstance(fault, dict) and fault.get("kind") in ("slot_taken", "expectation", "expression")


def _needless(course: Course) -> str:
    """Return why a write had no cause to fail: nobody refused it, and attempts were left."""
    fault = course.end.get("fault")
    kind, detail = (fault.get("kind"), str(fault.get("detail"))) if isinstance(fault, dict) else (None, "")
    if kind == "slot_taken":
        return "" if "other arguments" in detail else "for being done, or in other hands"
    if kind in ("refused", "expectation", "expression", "denied") or course.intents >= MOST_ATTEMPTS:
        return ""
    return f"with {course.intents} of {MOST_ATTEMPTS} attempts made, and no refusal"


def _missing(end: JsonObject) -> list[str]:
    fault = end.get("fault")
    cause = fault.get("detail") if isinstance(fault, dict) else None
    return [
        what
        for what, given in (
            ("a cause", cause),
            ("a reason", end.get("reason")),
            ("a next action", end.get("next_action")),
        )
        if not given
    ]
