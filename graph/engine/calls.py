"""What follows from the judgement of a call: its effect, its heal records, and where the job goes next."""

from datetime import datetime
from typing import assert_never

from langgraph.types import Command, Send
from pydantic import TypeAdapter

from ...connectors.contract import JsonObject, Reply
from ...journal.events import fact_key
from ...journal.store import EffectChange
from ...verifier.course import Course, Turn
from ...verifier.effect import Decision
from ...verifier.verdict import EFFECT, RUN, Failed, Fault, Healing, Parked, Passed, Verdict
from ..language.expressions import ExpressionFault, holds
from ..language.plan import CallStep
from .context import Progress, RunContext
from .ends import block, done, end_step, exhausted, failed, parked, record_end
from .state import CallJob, StepState, View, parcel

_VERDICT: TypeAdapter[Verdict] = TypeAdapter(Verdict)


def judge_call(context: RunContext, task: CallJob, view: View) -> Command[str]:
    """Judge what came back and act on the verdict."""
    call, reply = task.call, task.reply
    if call is None or reply is None:
        raise TypeError("a call comes to the Verifier with its reply")
    turn = context.turn(task, call)
    verdict = _decide(context, task, turn, reply)
    match verdict:
        case Passed() if turn.counts_first:
            return _send_on(task, turn.counted(reply), view)
        case Passed():
            return _pass(context, task, view, turn, verdict)
        case Healing():
            return _heal(context, task, view, turn, reply, verdict)
        case Parked():
            return _park(context, task, view, turn, reply, verdict)
        case Failed():
            return _fail(context, task, view, turn, verdict.fault)
        case never:
            assert_never(never)


def _decide(context: RunContext, task: CallJob, turn: Turn, reply: Reply) -> Verdict:
    """Return the verdict: as recorded, or judged and recorded together with what it does to the effect."""
    judged = turn.judge(reply)
    step = turn.transition(reply, judged) if task.slot else None
    change = EffectChange(slot=task.slot, path=task.path, step=step) if step is not None else None
    kind = "count" if turn.counts_first else "verdict"
    key = fact_key(task.path, task.attempt, kind)
    decision = context.tape.decide(key, lambda: _recorded_form(judged, task), lambda _: change)
    if decision["kind"] == "passed" and (judged.kind == "passed" or turn.spec.effect == "secret_read"):
        return judged  # recorded without its output; a secret is fetched again, which may fail this time
    return _VERDICT.validate_python(decision)


def _recorded_form(verdict: Verdict, task: CallJob) -> JsonObject:
    """Return the verdict as it is recorded; a step's output stands in its end, an agent's read has none."""
    plain: JsonObject = verdict.model_dump(mode="json", exclude_defaults=True)
    if not task.is_of_agent:
        plain.pop("output", None)
    return plain


def _pass(context: RunContext, task: CallJob, view: View, turn: Turn, verdict: Passed) -> Command[str]:
    for number, mend in enumerate(turn.heals(verdict)):
        context.tape.heal(fact_key(task.path, task.attempt, "heal", number), mend.model_dump(mode="json"))
        context.report(Progress(kind="heal", path=task.path, detail=f"{mend.fault.kind}: {mend.remedy}"))
    fault = _unexpected(context, task, view, verdict)
    return end_step(
        context, task.step, task.attempt, done(verdict.output) if fault is None else failed(fault)
    )


def _unexpected(context: RunContext, task: CallJob, view: View, verdict: Passed) -> Fault | None:
    """Return how the output differs from what the step expects."""
    step = None if task.is_of_agent else context.step(task.step)
    if not isinstance(step, CallStep) or step.expect is None:
        return None
    try:
        held = holds(step.expect, context.scope(view, output=verdict.output))
    except ExpressionFault as error:
        return Fault(kind="expression", detail=error.message)
    if held:
        return None
    detail = f"the call passed, but `{step.expect.text}` does not hold for its output"
    return Fault(kind="expectation", detail=detail)


def _heal(
    context: RunContext, task: CallJob, view: View, turn: Turn, reply: Reply, verdict: Healing
) -> Command[str]:
    course, until = turn.after(reply, verdict)
    if verdict.remedy.kind == "wait" and verdict.remedy.pace:
        connection = context.connections[turn.call.connection]
        connection.open_at = max(connection.open_at or until, until)
    return later(context, task.going_on(course), view, reply.received_at, until)


def later(context: RunContext, job: CallJob, view: View, now: datetime, until: datetime) -> Command[str]:
    """Send the job on at that moment, others meanwhile."""
    if until <= now:
        return Command(goto=Send("distributor", parcel(job, view)))
    context.report(Progress(kind="waiting", path=job.path, detail=f"{(until - now).total_seconds():.1f} s"))
    return block(job.step, until, "distributor", parcel(job, view))


def _park(
    context: RunContext, task: CallJob, view: View, turn: Turn, reply: Reply, verdict: Parked
) -> Command[str]:
    """Park. Once a person has decided, do as they say; once they only resumed, look again."""
    state = parked(verdict.fault, addressed(context, task, verdict.next_action))
    ruling = context.tape.recall(fact_key(task.path, task.attempt, "resolution"))
    if ruling is not None:
        record_end(context, task.step, task.attempt, state)
        return _ruled(context, task, view, turn, reply, verdict, ruling)
    course = turn.looked_at_again(reply, verdict)
    if course is None or not context.tape.reopened(task.path, task.attempt):
        return end_step(context, task.step, task.attempt, state)
    record_end(context, task.step, task.attempt, state)
    return _send_on(task, course, view)


def _ruled(
    context: RunContext,
    task: CallJob,
    view: View,
    turn: Turn,
    reply: Reply,
    verdict: Parked,
    ruling: JsonObject,
) -> Command[str]:
    """Go on as a person decided about a parked call."""
    decision = _decision(ruling)
    said = f"{ruling['by']} decided: {ruling['reason']}"
    match decision:
        case "done":
            state: StepState = {**done(ruling.get("output")), "reason": said}
            return end_step(context, task.step, task.attempt + 1, state)
        case "refused":
            fault = Fault(kind="denied", detail=said)
            return end_step(context, task.step, task.attempt + 1, failed(fault))
        case "resend":
            return _send_on(task, turn.sent_once_more(reply, verdict), view)
        case never:
            assert_never(never)


def _decision(ruling: JsonObject) -> Decision:
    match ruling.get("decision"):
        case "done" | "refused" | "resend" as decision:
            return decision
        case other:
            raise TypeError(f"`{other}` is no decision")


def addressed(context: RunContext, task: CallJob, next_action: str) -> str:
    """Return the next action with this run and this effect named in it."""
    return next_action.replace(RUN, context.tape.run_id).replace(EFFECT, f"'{task.path}'")


def _send_on(task: CallJob, course: Course, view: View) -> Command[str]:
    return Command(goto=Send("distributor", parcel(task.going_on(course), view)))


def _fail(context: RunContext, task: CallJob, view: View, turn: Turn, fault: Fault) -> Command[str]:
    """End the step; what a spent budget means is the step's word, a refusal is final."""
    if task.is_of_agent or fault.kind in ("refused", "invalid_arguments", "forbidden"):
        return end_step(context, task.step, task.attempt, failed(fault))
    state = exhausted(context.step(task.step), fault)
    if state["status"] != "parked" or not context.tape.reopened(task.path, task.attempt):
        return end_step(context, task.step, task.attempt, state)
    record_end(context, task.step, task.attempt, state)
    return _send_on(task, turn.begun_again(), view)
