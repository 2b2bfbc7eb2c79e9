"""Replay: a recorded run executed again with the network shut, every decision recomputed and compared."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from pydantic import SecretStr

from ...agents.model import ModelRefusal, ModelReply, ModelRequest
from ...connectors.clock import VirtualClock
from ...connectors.contract import ConnectionSettings, JsonObject, Renewal, Reply, ToolCall, ToolSpec
from ...journal.events import Event
from ...journal.replay import ReplayTape
from ...journal.tape import Divergence, Recorded
from .context import Connection, Progress, RunContext
from .machine import run_steps
from .models import models_of
from .run import Order, close_of, is_inert
from .summary import RunResult, summarise


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """What a replay found. `divergence` is None when every fact, decision and result was the same."""

    result: RunResult
    facts: int
    divergence: Divergence | None
    ends_at: str = ""
    """Key at which the record of an interrupted run ends; empty for a run that came to an end."""


class _Shut:
    """A connection and a model that must never be asked: a replay has facts for everything."""

    def __init__(self, tools: Mapping[str, ToolSpec]) -> None:
        self._tools = tools

    def tools(self) -> Mapping[str, ToolSpec]:
        return self._tools

    async def send(self, call: ToolCall) -> Reply:
        raise RuntimeError(f"a replay must not call `{call.operation}`")

    async def renew(self) -> Renewal:
        raise RuntimeError("a replay must not read a credential")

    async def ask(self, request: ModelRequest) -> ModelReply | ModelRefusal:
        raise RuntimeError(f"a replay must not ask `{request.model}`")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return


async def replay(
    events: list[Event], order: Order, tools: Mapping[str, Mapping[str, ToolSpec]]
) -> ReplayReport:
    """Execute the recorded run again from its facts; with an edited plan, the report says where it departs."""
    recorded = Recorded(events)
    result = summarise(events)
    tape = ReplayTape(result.run_id, recorded)
    connections = {name: _shut(settings, tools[name]) for name, settings in order.connections.items()}
    plan, models = models_of(order.plan, order.model, lambda _: _Shut({}))
    context = RunContext(
        plan=plan,
        steps=plan.steps,
        inputs=order.inputs,
        tape=tape,
        clock=VirtualClock(events[0].at),
        connections=connections,
        models=models,
        run=run_steps,
        report=_unseen,
        learn=_unlearned,
        inert=is_inert(plan, connections),
        waits_on=_waits_on(recorded.closing),
    )
    divergence: Divergence | None = None
    try:
        final = await run_steps(context)
        closing = close_of(context, final["steps"])
        tape.finish()
        tape.close({"status": closing["status"], "outputs": closing["outputs"]})
    except Divergence as found:
        divergence = found
    if divergence is not None and divergence.missing and not recorded.closing:
        return ReplayReport(result, tape.served, None, divergence.key)
    return ReplayReport(result, tape.served, divergence)


def _waits_on(closing: JsonObject) -> datetime:
    """Return from when on the recorded run waits still. No clock tells it: those of its processes may differ."""
    due = closing.get("due_at") if closing.get("status") == "waiting" else None
    return datetime.fromisoformat(str(due)) if due else datetime.max.replace(tzinfo=UTC)


def _shut(settings: ConnectionSettings, tools: Mapping[str, ToolSpec]) -> Connection:
    return Connection(settings=settings, connector=_Shut(tools), tools=tools)


def _unseen(_: Progress) -> None:
    """Report nothing: a replay is not a run."""


def _unlearned(_: SecretStr) -> None:
    """Learn nothing: a replay holds no secrets."""
