"""How a step comes to its end: the one place that records it and tells who watches."""

from datetime import datetime
from typing import assert_never

from langgraph.types import Command
from pydantic import JsonValue

from ...connectors.contract import JsonObject
from ...journal.events import fact_key
from ...verifier.verdict import Fault
from ..language.plan import Step
from .context import Progress, RunContext
from .state import Parcel, StepState, set_aside


def done(output: JsonValue) -> StepState:
    """Return the state of a step that did what it is for."""
    return {"status": "done", "output": output}


def failed(fault: Fault) -> StepState:
    """Return the state of a step that did not work."""
    return {"status": "failed", "reason": fault.detail, "fault": fault.model_dump(mode="json")}


def parked(fault: Fault, next_action: str) -> StepState:
    """Return the state of a step about which a person must decide."""
    return {
        "status": "parked",
        "reason": fault.detail,
        "fault": fault.model_dump(mode="json"),
        "next_action": next_action,
    }


def ended(state: StepState, attempt: int) -> StepState:
    """Return the state with the attempt that brought it about."""
    return {**state, "attempt": attempt}


def end_step(context: RunContext, entry: str, attempt: int, state: StepState) -> Command[str]:
    """Record the end, then let `route` see what is next."""
    record_end(context, entry, attempt, state)
    return Command(update={"steps": {entry: ended(state, attempt)}}, goto="route")


def block(entry: str, until: datetime, node: str, job: Parcel, *, must_hold: bool = False) -> Command[str]:
    """Set an entry aside until a moment; `route` then sends the job on to the node.

    `must_hold`: this process has to wait until then, however long that is.
    """
    state: StepState = {"status": "blocked", "until": until.isoformat(), "node": node, "job": set_aside(job)}
    if must_hold:
        state["must_hold"] = True
    return Command(update={"steps": {entry: state}}, goto="route")


def exhausted(step: Step, fault: Fault) -> StepState:
    """Return how a step ends that no remedy could help, as its `on_exhausted` says."""
    match step.on_exhausted:
        case "fail":
            return failed(fault)
        case "park":
            return parked(fault, "Look at the reason; then `mendflow resume RUN` tries the step again.")
        case "skip":
            return {"status": "skipped", "reason": fault.detail, "fault": fault.model_dump(mode="json")}
        case never:
            assert_never(never)


def record_end(context: RunContext, entry: str, attempt: int, state: StepState) -> None:
    """Write the end into the journal and tell who watches."""
    path = context.path(entry)
    plain: JsonObject = {**state}
    context.tape.end(fact_key(path, attempt, "end"), plain)
    context.report(Progress(kind="step_ended", path=path, detail=str(state["status"])))
