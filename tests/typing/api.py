"""Each public name of `mendflow`, used once with types. Never run: `make check` reads it with mypy."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Self, assert_never, assert_type

from mendflow import (
    Clock,
    ConnectionSettings,
    Connector,
    Fault,
    MendflowError,
    Model,
    Remedy,
    RunResult,
    ToolCall,
    ToolResult,
    ToolSpec,
    Verdict,
    replay,
)
from mendflow.agents.model import ModelRefusal, ModelReply, ModelRequest
from mendflow.connectors.contract import Answer, Renewal
from mendflow.graph.engine.replay import ReplayReport
from mendflow.graph.engine.run import Order
from mendflow.journal.events import Event


class StoppedClock:
    """A clock that stands still."""

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)

    async def sleep(self, duration: timedelta) -> None:
        assert_type(duration, timedelta)


class Echo:
    """A connector that gives back what it was sent."""

    def __init__(self, settings: ConnectionSettings, clock: Clock) -> None:
        self.settings = settings
        self.clock = clock

    def tools(self) -> Mapping[str, ToolSpec]:
        spec = ToolSpec(operation="echo", summary="Give it back.", effect="read", parameters={}, answer={})
        return {spec.operation: spec}

    async def send(self, call: ToolCall) -> ToolResult:
        return ToolResult(outcome=Answer(status=200, body=call.arguments), received_at=self.clock.now())

    async def renew(self) -> Renewal:
        return Renewal(changed=False, key_id="")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return


class Silent:
    """A model that has nothing to say."""

    async def ask(self, request: ModelRequest) -> ModelReply | ModelRefusal:
        return ModelRefusal(reason="refused", detail=request.model)


def ports() -> tuple[Clock, Connector, Model]:
    """Return the three ports, each by a class that knows nothing of ours."""
    clock = StoppedClock()
    return clock, Echo(ConnectionSettings(name="echo", connector="echo"), clock), Silent()


def fault_of(verdict: Verdict) -> Fault | None:
    """Return what a verdict found wrong; every kind of it is told apart."""
    match verdict.kind:
        case "passed":
            return None
        case "heal" | "parked" | "failed":
            return verdict.fault
        case never:
            assert_never(never)


def wait_of(remedy: Remedy) -> timedelta:
    """Return how long a remedy waits."""
    match remedy.kind:
        case "wait":
            return remedy.duration
        case "settle" | "resend":
            return remedy.after
        case "renew" | "rewrite":
            return timedelta()
        case never:
            assert_never(never)


async def same(events: list[Event], order: Order) -> RunResult:
    """Replay a run; raise where it departs from the record."""
    report = await replay(events, order, {})
    assert_type(report, ReplayReport)
    if report.divergence is not None:
        raise MendflowError(report.divergence.message, help="Look at the field that differs.")
    return report.result
