"""What every node of a run may use: the plan, the tape, the ports. Handed to LangGraph as its context."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

from pydantic import JsonValue, SecretStr

from ...agents.model import Model
from ...connectors.contract import (
    Clock,
    ConnectionSettings,
    Connector,
    Frozen,
    JsonObject,
    ToolCall,
    ToolSpec,
)
from ...journal.tape import Tape
from ...verifier.breaker import Breaker
from ...verifier.budget import EffectMeter
from ...verifier.course import Means, Turn
from ..language.expressions import Scope
from ..language.plan import CallStep, Plan, Step, StepFields
from .state import CallJob, RunState, StepState


class Progress(Frozen):
    """Something that people who watch a run want to see. The record is the journal; this is the view."""

    kind: Literal[
        "run_started",
        "map_started",
        "item_ended",
        "step_ended",
        "heal",
        "draft_rejected",
        "waiting",
        "run_ended",
    ]
    path: str = ""
    detail: str = ""
    number: int = 0


@dataclass(slots=True)
class Connection:
    """One open connection of a run."""

    settings: ConnectionSettings
    connector: Connector
    tools: Mapping[str, ToolSpec]
    open_at: datetime | None = None
    """Calls are held back until then, because the vendor said it is too much."""
    breaker: Breaker = field(default_factory=Breaker)
    marker_trusted: bool = False
    """Whether the account is known to give our marker back."""

    live_since: datetime | None = None
    """When this process opened it; None in a replay."""

    @property
    def account(self) -> str:
        """Name the account whose effects these are."""
        return self.settings.account or f"{self.settings.connector}@{self.settings.base_url or 'default'}"


@dataclass(frozen=True, slots=True)
class RunContext:
    """Everything that a node needs beside its job."""

    plan: Plan
    steps: tuple[Step, ...]
    """The steps of this level: the plan's own, or those inside a map."""
    inputs: JsonObject
    tape: Tape
    clock: Clock
    connections: Mapping[str, Connection]
    models: Mapping[str, Model]
    run: Callable[["RunContext"], Awaitable[RunState]]
    """Runs the steps of a context through the same graph; maps use it for their items."""
    report: Callable[[Progress], None]
    learn: Callable[[SecretStr], None]
    """Tells the vault a secret that an answer brought."""
    halted: Callable[[str], str] = lambda _: ""
    """Says why a connection is paused; empty when it is not."""
    meter: EffectMeter = field(default_factory=EffectMeter)
    """Counts the effects of the run against its budget."""
    longest_hold: timedelta = timedelta(minutes=5)
    """A longer wait ends this process's part; the run is due later."""
    inert: bool = False
    """Whether no step of the workflow writes."""
    waits_on: datetime | None = None
    """In a replay: what is due then or later was never waited for; all else was."""
    prefix: str = ""
    """Path of the map item around these steps, with its dot; empty at the top."""
    outer: dict[str, StepState] = field(default_factory=dict)
    """States of the steps around this level."""
    names: dict[str, JsonValue] = field(default_factory=dict)
    """The map item's name and `index`."""

    def holds(self, until: datetime) -> bool:
        """Return whether this process waits until then, rather than leaving the run due."""
        if self.waits_on is not None:
            return until < self.waits_on
        return until - self.clock.now() <= self.longest_hold

    def path(self, step_id: str) -> str:
        """Return the path of a step of this level."""
        return self.prefix + step_id

    def step(self, step_id: str) -> Step:
        """Return a step of this level."""
        return next(step for step in self.steps if step.id == step_id)

    def scope(self, state: Mapping[str, StepState], **names: JsonValue) -> Scope:
        """Return what expressions at this level see."""
        return Scope(inputs=self.inputs, steps={**self.outer, **state}, names={**self.names, **names})

    def turn(self, task: CallJob, call: ToolCall) -> Turn:
        """Return what this attempt of a call is, and what it may count on."""
        connection = self.connections[call.connection]
        step = None if task.is_of_agent else self.step(task.step)
        means = Means(
            settle=connection.settings.settle,
            marker_trusted=connection.marker_trusted,
            may_repeat=isinstance(step, CallStep) and step.may_repeat,
            inert=self.inert,
            salt=task.path,
        )
        spec = connection.tools[call.operation]
        return Turn(spec, call, task.course, means, connection.tools)

    def inside(
        self,
        step: StepFields,
        steps: tuple[Step, ...],
        state: dict[str, StepState],
        index: int,
        name: str,
        item: JsonValue,
    ) -> "RunContext":
        """Return the context of one item of a map."""
        return replace(
            self,
            steps=steps,
            prefix=f"{self.path(step.id)}[{index}].",
            outer={**self.outer, **state},
            names={**self.names, name: item, "index": index},
        )
