"""One run from its start, or from where an earlier process left it, to where nothing more can be done."""

import asyncio
import platform
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from uuid import uuid4

from pydantic import JsonValue

from ...agents.model import Model
from ...connectors.contract import (
    Clock,
    ConnectionSettings,
    Connector,
    JsonObject,
    NoAnswer,
    Reply,
    ToolCall,
    ToolSpec,
)
from ...journal.events import TRACE_VERSION, EventDraft, RunStatus, fact_body
from ...journal.home import Home
from ...journal.store import Ownership, Store
from ...journal.switch import KillSwitch
from ...journal.tape import Recorded, RecordingTape, Tape
from ...journal.vault import Vault
from ...verifier.budget import EffectMeter
from ..language.expressions import ExpressionFault, Scope, resolve
from ..language.plan import CallStep, Plan, walk
from .context import Connection, Progress, RunContext
from .machine import run_steps
from .models import models_of
from .state import FINISHED, StepState
from .summary import RunResult, as_status, summarise


@dataclass(frozen=True, slots=True)
class Ports:
    """What a run reaches the world through. Each has a default in the face; nothing is global."""

    home: Home
    store: Store
    vault: Vault
    clock: Clock
    open_connector: Callable[[ConnectionSettings], Connector]
    open_model: Callable[[str], Model]
    report: Callable[[Progress], None]
    longest_hold: timedelta = timedelta(minutes=5)
    new_id: Callable[[], str] = lambda: f"run-{uuid4().hex[:12]}"
    """Names a new run."""


@dataclass(frozen=True, slots=True)
class Order:
    """What to run: a plan, its inputs, and where its connections go."""

    plan: Plan
    inputs: JsonObject
    connections: Mapping[str, ConnectionSettings]
    world: JsonObject
    """How `--sandbox` made the world, so that a resume finds it again; empty for the real one."""
    model: str = ""
    """Takes the place of every model of the plan, when set."""


async def start(ports: Ports, order: Order) -> RunResult:
    """Run a workflow. Raises a MendflowError only where we or the user erred."""
    run_id = ports.new_id()
    async with _opened(ports, order) as connections:  # first: a connection without a key leaves no run behind
        with ports.home.owning(run_id):
            event = EventDraft(kind="run_started", at=ports.clock.now(), body=pins(order))
            owner = await ports.store.start_run(run_id, order.plan.name, event)
            ports.report(Progress(kind="run_started", path=run_id, detail=order.plan.name))
            return await _go_on(ports, order, owner, connections, Recorded(()))


async def resume(ports: Ports, run_id: str, order_of: Callable[[JsonObject], Order]) -> RunResult:
    """Go on with a run. `order_of` makes the order again from the pins in its first event."""
    with ports.home.owning(run_id):
        events = await ports.store.events(run_id)
        recorded = Recorded(events)
        if summarise(events).status in ("completed", "failed"):
            return summarise(events)
        order = order_of(recorded.started)
        async with _opened(ports, order) as connections:
            event = EventDraft(kind="run_resumed", at=ports.clock.now(), body={"versions": {**_versions()}})
            owner = await ports.store.take_over(run_id, event)
            ports.report(Progress(kind="run_started", path=run_id, detail=order.plan.name))
            await _close_open_intents(ports, owner, recorded)
            return await _go_on(ports, order, owner, connections, recorded)


def pins(order: Order) -> JsonObject:
    """Return what a run holds on to for good: everything that decides what it does."""
    plan = order.plan
    files: JsonObject = {**plan.files}
    connections: JsonObject = {
        name: settings.model_dump(mode="json", exclude_defaults=True)
        for name, settings in order.connections.items()
    }
    return {
        "trace": TRACE_VERSION,
        "workflow": {"name": plan.name, "version": plan.version, "file": next(iter(plan.files), "")},
        "files": files,
        "inputs": order.inputs,
        "connections": connections,
        "world": order.world,
        "model": order.model,
        "versions": {**_versions()},
    }


def context_of(order: Order, tape: Tape, ports: Ports, connections: Mapping[str, Connection]) -> RunContext:
    """Return the context of the plan's own level."""
    plan, models = models_of(order.plan, order.model, ports.open_model)
    return RunContext(
        plan=plan,
        steps=plan.steps,
        inputs=order.inputs,
        tape=tape,
        clock=ports.clock,
        connections=connections,
        models=models,
        run=run_steps,
        report=ports.report,
        learn=ports.vault.learn,
        inert=is_inert(plan, connections),
        halted=KillSwitch(ports.home.folder).why,
        longest_hold=ports.longest_hold,
    )


def is_inert(plan: Plan, connections: Mapping[str, Connection]) -> bool:
    """Tell whether no step of a plan writes; agents only read."""
    calls = (step for step in walk(plan.steps) if isinstance(step, CallStep))
    return all(connections[step.connection].tools[step.operation].is_read for step in calls)


def close_of(context: RunContext, states: dict[str, StepState]) -> JsonObject:
    """Return how a run stands when nothing more can be done: status, outputs, what it waits for."""
    own = {name: entry for name, entry in states.items() if not name.endswith("]")}
    status = status_of(own)
    body: JsonObject = {"status": status, "outputs": {}}
    if status == "completed":
        scope = Scope(inputs=context.inputs, steps=own)
        try:
            body["outputs"] = {name: resolve(value, scope) for name, value in context.plan.outputs.items()}
        except ExpressionFault as error:
            body |= {"status": "failed", "reason": error.message}
    waiting: list[JsonValue] = [
        one for name, entry in own.items() if entry["status"] == "blocked" for one in _waits_for(name, entry)
    ]
    if waiting:
        moments = sorted(str(entry["until"]) for entry in own.values() if entry.get("until"))
        body |= {"waiting": waiting, "due_at": moments[0] if moments else None}
    return body


def status_of(states: Mapping[str, StepState]) -> RunStatus:
    """Return the run's status: waiting before parked before failed.

    A run has failed only when nothing in it goes on any more: an end is never taken up again, and what a blocked
    or parked step has begun would stay open for ever.
    """
    found = {str(entry["status"]) for entry in states.values()}
    unfinished = found - FINISHED - {"blocked"}
    if unfinished:
        raise RuntimeError(
            f"a run ended with steps that are {', '.join(sorted(unfinished))}: an error of mendflow"
        )
    if "blocked" in found:
        return "waiting"
    if "parked" in found:
        return "parked"
    return "failed" if "failed" in found else "completed"


def _waits_for(name: str, entry: StepState) -> Iterator[JsonObject]:
    """Yield what a blocked step waits for; a map may wait for a moment and for people at once."""
    if entry.get("until"):
        yield {"path": name, "for": "timer", "until": entry["until"]}
    if entry.get("items") or not entry.get("until"):
        yield {
            "path": name,
            "for": str(entry.get("reason")),
            "prompt": entry.get("prompt"),
            "shows": entry.get("shows"),
            **({"items": entry["items"]} if "items" in entry else {}),
        }


async def _go_on(
    ports: Ports, order: Order, owner: Ownership, connections: Mapping[str, Connection], recorded: Recorded
) -> RunResult:
    tape = RecordingTape(ports.store, owner, ports.clock, recorded)
    meter = EffectMeter(order.plan.budgets)
    for slot, spec, call in _begun(order.plan, recorded, connections):
        meter.add(slot, spec, call)
    for connection in connections.values():
        connection.live_since = ports.clock.now()
    context = replace(context_of(order, tape, ports, connections), meter=meter)
    try:
        final = await run_steps(context)
    except asyncio.CancelledError:
        cancelled = EventDraft(
            kind="run_paused", at=ports.clock.now(), body={"status": "cancelled", "outputs": {}}
        )
        await ports.store.note(owner, cancelled, "cancelled", None)
        raise
    closing = close_of(context, final["steps"])
    status: RunStatus = as_status(closing["status"])
    due = closing.get("due_at")
    event = EventDraft(
        kind="run_ended" if status in ("completed", "failed") else "run_paused",
        at=ports.clock.now(),
        body=closing,
    )
    await ports.store.note(owner, event, status, datetime.fromisoformat(str(due)) if due else None)
    ports.report(Progress(kind="run_ended", path=owner.run_id, detail=status))
    return summarise(await ports.store.events(owner.run_id))


def _begun(
    plan: Plan, recorded: Recorded, connections: Mapping[str, Connection]
) -> Iterator[tuple[str, ToolSpec, ToolCall]]:
    """Yield the effects that earlier processes of this run began; what the compiler adds is none of them."""
    added = {step.id for step in plan.steps if isinstance(step, CallStep) and step.prepares}
    for key, intent in recorded.intents.items():
        if key.partition("#")[0] not in added:
            call = ToolCall.model_validate(intent["request"])
            yield str(intent["slot"]), connections[call.connection].tools[call.operation], call


async def _close_open_intents(ports: Ports, owner: Ownership, recorded: Recorded) -> None:
    """Write `outcome unknown (crash)` for each write that may have left without an outcome on record."""
    drafts: list[EventDraft] = []
    for key in recorded.open_intents():
        request = recorded.intents[key]["request"]
        if not isinstance(request, dict):
            raise TypeError("an intent holds its request")
        lost = NoAnswer(
            sent="unknown", reason="crash", detail="the process ended before the outcome was recorded"
        )
        reply = Reply(outcome=lost, received_at=ports.clock.now())
        value: JsonObject = reply.model_dump(mode="json")
        body = fact_body(request, value)
        recorded.facts[key] = body
        drafts.append(EventDraft(kind="fact_recorded", key=key, at=reply.received_at, body=body))
    if drafts:
        await ports.store.append(owner, *drafts)


@asynccontextmanager
async def _opened(ports: Ports, order: Order) -> AsyncIterator[dict[str, Connection]]:
    async with AsyncExitStack() as stack:
        opened: dict[str, Connection] = {}
        for name, settings in order.connections.items():
            connector = await stack.enter_async_context(ports.open_connector(settings))
            opened[name] = Connection(settings=settings, connector=connector, tools=connector.tools())
        yield opened


@cache
def _versions() -> Mapping[str, str]:
    """Ask once for all runs: reading a package's metadata costs about a millisecond."""
    found = {"python": platform.python_version()}
    for package in ("mendflow", "langgraph", "httpx"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "unknown"
    return found
