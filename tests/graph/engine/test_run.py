"""One run from its start to its end, and from every moment at which its process may die."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from mendflow.connectors.contract import ConnectionSettings, JsonObject, NoAnswer, ToolCall
from mendflow.connectors.errors import InvalidUse
from mendflow.graph.engine.context import Connection
from mendflow.graph.engine.run import is_inert, status_of
from mendflow.graph.engine.state import StepState
from mendflow.graph.engine.summary import RunResult
from mendflow.journal.events import Event, EventDraft, RunStatus
from mendflow.journal.sqlite import SqliteStore
from mendflow.journal.store import EffectChange, Held, Ownership, RunRow, SlotChoice
from mendflow.verifier.effect import Effect

from tests.graph.engine.conftest import Bench, Fate, Line, Vendor, lost_reply, lost_request, plainly, status

SMALL = """
steps:
  member: {call: shop.members.ensure, with: {email: "${{ inputs.email }}"}}
  award:
    call: shop.awards.create
    with: {contact: "${{ steps.member.output.uuid }}", credits: "${{ inputs.credits }}"}
  look: {call: shop.members.get, needs: [award], with: {email: "${{ inputs.email }}"}}
outputs: {award: "${{ steps.award.output.uuid }}"}
"""
MAPPED = """
steps:
  each:
    map: inputs.people
    as: person
    parallel: 2
    steps:
      award: {call: shop.awards.create, once: person, with: {contact: "${{ person }}", credits: 1}}
      look: {call: shop.members.get, needs: [award], with: {email: "${{ person }}"}}
outputs: {done: "${{ steps.each.output.done }}"}
"""
CLAIM = """
steps:
  claim: {call: shop.cards.claim, once: inputs.email, with: {card: c1, owner: "${{ inputs.email }}"}}
"""


class DiedError(Exception):
    """The process is gone."""


class Mortal:
    """A store whose process dies at its n-th write: just before it, or just after."""

    def __init__(self, store: SqliteStore, writes: int, *, after: bool) -> None:
        self._store = store
        self._left = writes
        self._after = after

    def _count(self, events: int, *, is_after: bool) -> None:
        if is_after == self._after:
            self._left -= events
        if self._left < 0 or (is_after and self._left == 0 and self._after):
            raise DiedError

    async def start_run(self, run_id: str, workflow: str, started: EventDraft) -> Ownership:
        self._count(1, is_after=False)
        owner = await self._store.start_run(run_id, workflow, started)
        self._count(1, is_after=True)
        return owner

    async def take_over(self, run_id: str, resumed: EventDraft) -> Ownership:
        self._count(1, is_after=False)
        owner = await self._store.take_over(run_id, resumed)
        self._count(1, is_after=True)
        return owner

    async def owner_of(self, run_id: str) -> Ownership:
        return await self._store.owner_of(run_id)

    async def append(self, owner: Ownership, *events: EventDraft, change: EffectChange | None = None) -> None:
        self._count(len(events), is_after=False)
        await self._store.append(owner, *events, change=change)
        self._count(len(events), is_after=True)

    def post(self, owner: Ownership, *events: EventDraft, change: EffectChange | None = None) -> None:
        self._count(len(events), is_after=False)
        self._store.post(owner, *events, change=change)
        self._count(len(events), is_after=True)

    async def begin(
        self, owner: Ownership, slot: str, path: str, choose: Callable[[Held | None], SlotChoice]
    ) -> JsonObject:
        self._count(1, is_after=False)
        claim = await self._store.begin(owner, slot, path, choose)
        self._count(1, is_after=True)
        return claim

    async def note(
        self, owner: Ownership, event: EventDraft, status: RunStatus, due_at: datetime | None
    ) -> None:
        self._count(1, is_after=False)
        await self._store.note(owner, event, status, due_at)
        self._count(1, is_after=True)

    async def effects(self, run_id: str) -> list[Effect]:
        return await self._store.effects(run_id)

    async def events(self, run_id: str) -> list[Event]:
        return await self._store.events(run_id)

    async def runs(self, status: str = "") -> list[RunRow]:
        return await self._store.runs(status)


async def _die(bench: Bench, steps: str, writes: int, *, after: bool, run_id: str = "") -> str:
    """Run or resume until the n-th write; return the run's id, or nothing when the run lived on to its end."""
    bench.wrap = lambda store: Mortal(store, writes, after=after)
    try:
        await (bench.resume(run_id, steps) if run_id else bench.run(steps))
    except* DiedError:
        pass
    else:
        return ""
    bench.wrap = lambda store: store
    async with SqliteStore(bench.home.database, bench.vault) as store:
        rows = await store.runs()
    return rows[0].run_id if rows else ""


def _world(bench: Bench, *fates: Fate) -> Bench:
    bench.vendor.doom("awards.create", *fates)
    return bench


FATES: dict[str, tuple[Fate, ...]] = {
    "plain": (plainly,),
    "lost reply": (lost_reply,),
    "lost request": (lost_request,),
    "rate limit": (status(429, retry_after="1"),),
}


@pytest.mark.parametrize("writes", range(1, 19))
@pytest.mark.parametrize(("fates", "after"), [("plain", False), ("plain", True), ("lost request", False)])
async def test_a_run_survives_death_at_any_write(
    bench: Bench, fates: str, writes: int, *, after: bool
) -> None:
    """Whenever the process dies, a resume completes the run, and the vendor has the award exactly once."""
    _world(bench, *FATES[fates])
    run_id = await _die(bench, SMALL, writes, after=after)
    if not run_id:
        return  # it died before the run was on record, or not at all
    result = await bench.resume(run_id, SMALL)
    assert (result.status, bench.vendor.awarded) == ("completed", ["u-ann@x.org"])
    assert result.outputs == {"award": "a-1"}
    assert result.effects.intended == result.effects.confirmed == 3
    await bench.same(run_id, SMALL)


@pytest.mark.parametrize("steps", [SMALL, MAPPED], ids=["small", "map"])
@pytest.mark.parametrize("fates", FATES)
@pytest.mark.parametrize("writes", [5, 8])
async def test_a_run_survives_death_after_death(bench: Bench, steps: str, fates: str, writes: int) -> None:
    """A process that always dies after a few writes still gets there, and awards once each."""
    _world(bench, *FATES[fates])
    run_id, lives = await _die(bench, steps, writes, after=True), 1
    first = run_id
    while run_id and lives < 40:
        run_id, lives = await _die(bench, steps, writes, after=True, run_id=run_id), lives + 1
    bench.wrap = lambda store: store
    result = await bench.resume(first, steps)
    awarded = ["u-ann@x.org"] if steps == SMALL else ["ann", "bob", "cid"]
    assert (result.status, sorted(map(str, bench.vendor.awarded))) == ("completed", awarded)
    assert lives < 40
    await bench.same(first, steps)


async def test_a_decision_waits_for_a_resume_that_was_interrupted(bench: Bench) -> None:
    """What it had read already is never taken for the outcome of the sending that the decision asks for."""
    bench.settle = None
    bench.vendor.doom("cards.claim", lost_request)
    parked = await bench.run(CLAIM)
    run_id = await _die(bench, CLAIM, 2, after=True, run_id=parked.run_id)
    assert [event.key for event in await bench.events(run_id)][-1] == "claim#7:call:0"
    with pytest.raises(InvalidUse, match="went on with `claim` after it was parked, and was interrupted"):
        await bench.resolve(run_id, "claim", "resend")
    assert (await bench.resume(run_id, CLAIM)).status == "parked"
    await bench.resolve(run_id, "claim", "resend")
    assert (await bench.resume(run_id, CLAIM)).status == "completed"
    assert (bench.vendor.asked["cards.claim"], bench.vendor.owners) == (2, {"c1": "ann@x.org"})
    await bench.same(run_id, CLAIM)


async def test_a_finished_run_is_not_run_again(bench: Bench) -> None:
    """A resume of a completed run returns what it came to and does nothing."""
    result = await bench.run(SMALL)
    before = await bench.events(result.run_id)
    assert await bench.resume(result.run_id, SMALL) == result
    assert await bench.events(result.run_id) == before


async def test_a_run_in_other_hands_is_not_resumed(bench: Bench) -> None:
    """While a living process holds the run, a resume is refused and writes nothing."""
    result = await bench.run(SMALL)
    before = await bench.events(result.run_id)
    with bench.home.owning(result.run_id), pytest.raises(InvalidUse, match="is being run by another process"):
        await bench.resume(result.run_id, SMALL)
    assert await bench.events(result.run_id) == before


async def test_a_recovery_obeys_what_was_decided(bench: Bench) -> None:
    """A resume acts on the recorded verdict, also where today's rules would decide otherwise."""
    bench.vendor.doom("members.get", status(500))
    run_id = await _die(bench, "steps:\n  look: {call: shop.members.get, with: {email: a}}\n", 2, after=True)
    verdict: JsonObject = {
        "kind": "heal",
        "fault": {"kind": "server_error", "detail": "as an older version saw it"},
        "remedy": {"kind": "wait", "duration": "PT42S"},
    }
    async with SqliteStore(bench.home.database, bench.vault) as store:
        event = EventDraft(kind="verdict_given", key="look#1:verdict:0", at=bench.clock.now(), body=verdict)
        await store.append(await store.owner_of(run_id), event)
    result = await bench.resume(run_id, "steps:\n  look: {call: shop.members.get, with: {email: a}}\n")
    assert (result.status, bench.waits, bench.vendor.asked) == ("completed", [42.0], {"members.get": 2})
    heals = [one.body["fault"] for one in await bench.events(run_id) if one.kind == "heal_recorded"]
    assert heals == [{"kind": "server_error", "detail": "as an older version saw it", "evidence": {}}]


@pytest.mark.parametrize("key", ["look#1:end:0", "each[0]#1:end:0"], ids=["step", "item"])
async def test_a_recovery_takes_finished_work_as_it_is_recorded(bench: Bench, key: str) -> None:
    """A step or an item that has ended is not run again, also where it would end otherwise today."""
    steps = """
steps:
  look: {call: shop.members.get, with: {email: a}}
  each:
    map: "[1]"
    needs: [look]
    steps: {again: {call: shop.members.get, with: {email: b}}}
outputs: {look: "${{ steps.look.output }}", each: "${{ steps.each.output.items }}"}
"""
    run_id = await _die(bench, steps, 1, after=True)
    async with SqliteStore(bench.home.database, bench.vault) as store:
        body: JsonObject = {"status": "done", "output": "as recorded"}
        event = EventDraft(kind="step_ended", key=key, at=bench.clock.now(), body=body)
        await store.append(await store.owner_of(run_id), event)
    result = await bench.resume(run_id, steps)
    kept = result.outputs["look"] if key.startswith("look") else result.outputs["each"]
    assert (result.status, kept) in (("completed", "as recorded"), ("completed", ["as recorded"]))
    assert bench.vendor.asked == {"members.get": 1}


async def test_the_first_event_pins_what_the_run_is(bench: Bench) -> None:
    """The text, the inputs and the connections stand in the first event."""
    result = await bench.run(SMALL, email="bob")
    first = (await bench.events(result.run_id))[0]
    order = bench.order(SMALL, email="bob")
    assert first.kind == "run_started"
    assert {
        name: first.body[name] for name in ("trace", "workflow", "files", "inputs", "world", "model")
    } == {
        "trace": 1,
        "workflow": {"name": "trial", "version": "1.0.0", "file": "w.yaml"},
        "files": order.plan.files,
        "inputs": order.inputs,
        "world": {},
        "model": "",
    }
    assert first.body["connections"] == {
        "shop": {"name": "shop", "connector": "fake", "settle": "PT3S", "folder": "flows"}
    }


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([], "completed"),
        (["done", "skipped"], "completed"),
        (["done", "blocked"], "waiting"),
        (["done", "failed"], "failed"),
        (["parked", "failed"], "parked"),
        (["parked", "failed", "blocked"], "waiting"),
    ],
)
def test_what_is_open_names_the_run(found: list[str], expected: str) -> None:
    """A run has failed only when nothing in it waits, for a moment or for a person."""
    states: dict[str, StepState] = {f"s{number}": {"status": word} for number, word in enumerate(found)}
    assert status_of(states) == expected


def test_an_unfinished_step_is_an_error_of_ours() -> None:
    """A run never ends with a step that is still running."""
    with pytest.raises(RuntimeError, match="steps that are running"):
        status_of({"a": {"status": "running"}})


def test_a_result_is_plain_data() -> None:
    """A result round trips through JSON."""
    result = RunResult(run_id="r", workflow="w", status="completed")
    assert RunResult.model_validate_json(result.model_dump_json()) == result


async def test_a_reading_waits_a_settle_time_of_its_own_process(bench: Bench) -> None:
    """The clock of the process that sent may have been wrong, so a resume waits before it believes an absence."""

    def die(_vendor: Vendor, _call: ToolCall) -> NoAnswer:
        raise RuntimeError("died")

    bench.vendor.doom("awards.create", lost_request)
    bench.vendor.doom("awards.list", die)
    with pytest.raises(RuntimeError, match="died"):
        await bench.run(SMALL)
    async with SqliteStore(bench.home.database, bench.vault) as store:
        run_id = (await store.runs())[0].run_id
    await bench.clock.sleep(timedelta(hours=1))
    before = len(bench.vendor.calls)
    result = await bench.resume(run_id, SMALL)
    after = [call.operation for call in bench.vendor.calls[before:]]
    assert after == ["awards.list", "awards.create", "members.get"]
    assert bench.vendor.moments[before:] == [3606.0] * 3
    assert (result.status, bench.vendor.awarded) == ("completed", ["u-ann@x.org"])
    await bench.same(run_id, SMALL)


def test_a_workflow_that_only_reads_is_inert(bench: Bench) -> None:
    """One write among its calls, also within a map, and it is not."""
    reading = "steps:\n  look: {call: shop.members.get, with: {email: ann@x.org}}\n"
    line = Line(bench.vendor, bench.clock)
    connections = {"shop": Connection(ConnectionSettings(name="shop", connector="shop"), line, line.tools())}
    found = [is_inert(bench.plan(steps), connections) for steps in (reading, SMALL, MAPPED, CLAIM)]
    assert found == [True, False, False, False]
