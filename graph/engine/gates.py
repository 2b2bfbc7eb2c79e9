"""The nodes that wait: for a person, and for time."""

from datetime import datetime

from langgraph.runtime import Runtime
from langgraph.types import Command

from ...journal.events import fact_key
from ...verifier.verdict import Fault
from .context import Progress, RunContext
from .ends import done, end_step, failed
from .state import Parcel, StepState


async def approve(state: Parcel, runtime: Runtime[RunContext]) -> Command[str]:
    """End the step as a person decided; until then the step is blocked without a time."""
    context, job = runtime.context, state["job"]
    entry = str(job["step"])
    path = context.path(entry)
    decision = context.tape.recall(fact_key(path, 0, "approval"))
    if decision is None:
        context.report(Progress(kind="waiting", path=path, detail="approval"))
        blocked: StepState = {
            "status": "blocked",
            "reason": "approval",
            "prompt": job["prompt"],
            "shows": job["shows"],
        }
        return Command(update={"steps": {entry: blocked}}, goto="route")
    if decision["approved"] is True:
        return end_step(context, entry, 1, done({"approved": True, "by": decision["by"]}))
    fault = Fault(kind="denied", detail=f"{decision['by']} denied it: {decision['reason']}")
    return end_step(context, entry, 1, failed(fault))


async def wait(state: Parcel, runtime: Runtime[RunContext]) -> Command[str]:
    """Let time pass until the first blocked step is due."""
    context = runtime.context
    until = datetime.fromisoformat(str(state["job"]["until"]))
    await context.clock.sleep(until - context.clock.now())
    return Command(goto="route")
