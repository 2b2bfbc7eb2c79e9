"""The route node: asks the one scheduling rule what may happen, and sends each step to its role's node."""

from langgraph.graph import END
from langgraph.runtime import Runtime
from langgraph.types import Command, Send
from pydantic import JsonValue

from ...connectors.contract import JsonObject
from ...verifier.verdict import Fault
from ..language.expressions import ExpressionFault, holds, resolve
from ..language.plan import AgentStep, ApproveStep, CallStep, MapStep, Step, VerifyStep
from .authors import rejoin
from .context import RunContext
from .ends import failed, record_end
from .schedule import Schedule, next_steps
from .state import AuthorJob, CallJob, Parcel, ReviewJob, RunState, StepState, View, as_parcel, parcel


async def route(state: RunState, runtime: Runtime[RunContext]) -> Command[str]:
    """Send on whatever may go on; end when nothing may in this process."""
    context = runtime.context
    now = context.clock.now()
    updates: dict[str, StepState] = {}
    sends: list[Send] = []
    while True:  # what is skipped, or known from the record, may make more steps ready
        states = {**state["steps"], **updates}
        schedule = next_steps(context.steps, states, now)
        if schedule.over or (schedule.wait_until is not None and not _holds(context, schedule)):
            return Command(update={"steps": updates}, goto=END)
        if schedule.wait_until is not None:
            waiting = Send("wait", Parcel(job={"until": schedule.wait_until.isoformat()}, view={}))
            return Command(update={"steps": updates}, goto=waiting)
        changed = _send_on(context, states, schedule, sends)
        updates |= changed
        if all(change["status"] == "running" for change in changed.values()):
            return Command(update={"steps": updates}, goto=sends)


def _holds(context: RunContext, schedule: Schedule) -> bool:
    return schedule.must_hold or (schedule.wait_until is not None and context.holds(schedule.wait_until))


def _send_on(
    context: RunContext, states: dict[str, StepState], schedule: Schedule, sends: list[Send]
) -> dict[str, StepState]:
    """Begin what may begin, and add it to `sends`; return how the steps stand then."""
    updates: dict[str, StepState] = {}
    for entry, reason in schedule.skipped:
        updates[entry] = {"status": "skipped", "reason": reason}
        record_end(context, entry, 1, updates[entry])
    for step in schedule.ready:
        started = _start(context, step, states)
        if isinstance(started, Send):
            updates[step.id] = {"status": "running"}
            sends.append(started)
        else:
            updates[step.id] = started
            _trust_marker(context, step, started)
    for entry in schedule.due:
        updates[entry] = {"status": "running"}
        sends.append(Send(str(states[entry]["node"]), as_parcel(states[entry]["job"])))
    for entry in schedule.joined:
        updates[entry] = {"status": "running"}
        sends.append(Send("researcher", rejoin(context, states[entry], states)))
    for step in context.steps:
        if isinstance(step, CallStep) and step.prepares and step.id in states:
            _trust_marker(context, step, states[step.id])
    return updates


def _trust_marker(context: RunContext, step: Step, state: StepState) -> None:
    if isinstance(step, CallStep) and step.prepares and state["status"] == "done":
        context.connections[step.connection].marker_trusted = True


def _start(context: RunContext, step: Step, states: dict[str, StepState]) -> Send | StepState:
    """Return the job of a step, or how it ends without one."""
    known = _recovered(context, step)
    if known is not None:
        return {**known, "attempt": 1}
    view = view_of(context.steps, step, states)
    try:
        if step.when is not None and not holds(step.when, context.scope(view)):
            return _end_here(context, step, {"status": "skipped", "reason": "its `when` does not hold"})
        return _job(context, step, view)
    except ExpressionFault as error:
        return _end_here(context, step, failed(Fault(kind="expression", detail=error.message)))


def _end_here(context: RunContext, step: Step, state: StepState) -> StepState:
    record_end(context, step.id, 1, state)
    return state


def _recovered(context: RunContext, step: Step) -> StepState | None:
    """Return the recorded end of a step that need not run again.

    Authors and reviews run again from the tape, because a review may have sent its draft back since. A parked
    step is looked at again, and a secret was never stored.
    """
    if isinstance(step, AgentStep | VerifyStep):
        return None
    if (
        isinstance(step, CallStep)
        and context.connections[step.connection].tools[step.operation].effect == "secret_read"
    ):
        return None
    known = context.tape.ended(context.path(step.id))
    return known if known is not None and known["status"] in ("done", "skipped", "failed") else None


def _job(context: RunContext, step: Step, view: View) -> Send:
    path = context.path(step.id)
    match step:
        case CallStep():
            return Send("distributor", parcel(CallJob(step=step.id, path=path), view))
        case AgentStep():
            return Send(step.role, parcel(AuthorJob(step=step.id, path=path), view))
        case VerifyStep():
            return Send("verifier", parcel(ReviewJob(step=step.id, path=path), view))
        case MapStep():
            return Send("map", Parcel(job={"step": step.id}, view=view))
        case ApproveStep():
            shows: list[JsonValue] = [
                {"step": name, "output": view[name].get("output")} for name in step.shows
            ]
            job: JsonObject = {
                "step": step.id,
                "prompt": resolve(step.prompt, context.scope(view)),
                "shows": shows,
            }
            return Send("approve", Parcel(job=job, view={}))


def view_of(steps: tuple[Step, ...], step: Step, states: dict[str, StepState]) -> View:
    """Return the states that a step may refer to: its needs, and theirs, of this level."""
    by_id = {one.id: one for one in steps}
    found: View = {}
    pending = [*step.needs]
    while pending:
        need = pending.pop()
        if need in by_id and need not in found and need in states:
            found[need] = states[need]
            pending.extend(by_id[need].needs)
    return found
