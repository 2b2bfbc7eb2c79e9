"""What follows from the judgement of a call: its effect, its heal records, and where the job goes next."""

from collections.abc import Callable
from datetime import datetime
from typing import assert_never

from langgraph.types import Command, Send
from pydantic import TypeAdapter

from ...connectors.contract import REPEATABLE, JsonObject, Reply, ToolCall, ToolSpec
from ...journal.events import fact_key
from ...journal.store import EffectChange
from ...verifier.effect import Effect, conclude, park, reopen, settled
from ...verifier.judge import judge
from ...verifier.ledger import Attempt, Ledger, proved_absent
from ...verifier.outcome import classify
from ...verifier.remedy import backoff
from ...verifier.settling import judge_probe
from ...verifier.verdict import Failed, Fault, Healing, Mend, Parked, Passed, Resend, Rewrite, Verdict
from ..language.expressions import ExpressionFault, holds
from ..language.plan import CallStep
from .context import Connection, Progress, RunContext
from .distributor import exact_call
from .ends import block, done, end_step, exhausted, failed, parked, record_end
from .state import CallJob, Healed, View, parcel

_VERDICT: TypeAdapter[Verdict] = TypeAdapter(Verdict)
MOST_SLOT_WAITS = 5
_PROOF = "the call then passed the Verifier"


def judge_call(context: RunContext, task: CallJob, view: View) -> Command[str]:
    """Judge what came back and act on the verdict."""
    if task.claim:
        return _judge_claim(context, task, view)
    call, reply = task.call, task.reply
    if call is None or reply is None:
        raise TypeError("a call comes to the Verifier with its reply")
    connection = context.connections[call.connection]
    spec = connection.tools[call.operation]
    ledger = _ledger(connection, task, reply)
    judged = _judge(connection, spec, task, call, reply, ledger)
    key = fact_key(task.path, task.attempt, "verdict")
    decision = context.tape.decide(
        key, lambda: _recorded_form(judged, task), lambda _: _effect_change(spec, task, judged, call, reply)
    )
    verdict = judged if _is_passed(decision, judged) else _VERDICT.validate_python(decision)
    match verdict:
        case Passed():
            return _pass(context, task, view, verdict)
        case Healing():
            return _heal(context, task, view, connection, verdict, _attempt(task, spec, call, reply, verdict))
        case Parked():
            return _park(context, task, view, spec, verdict, _attempt(task, spec, call, reply, verdict))
        case Failed():
            return _fail(context, task, view, verdict.fault)
        case never:
            assert_never(never)


def _judge(
    connection: Connection, spec: ToolSpec, task: CallJob, call: ToolCall, reply: Reply, ledger: Ledger
) -> Verdict:
    if not task.probe:
        return judge(spec, call, reply, ledger)
    probe = exact_call(connection, spec, call, task.probe)
    return judge_probe(spec, call, connection.tools[probe.operation], probe, reply, ledger)


def _is_passed(decision: JsonObject, judged: Verdict) -> bool:
    """Tell whether the recorded verdict is the judged one; a passed one is recorded without its output."""
    return decision["kind"] == judged.kind == "passed"


def _recorded_form(verdict: Verdict, task: CallJob) -> JsonObject:
    """Return the verdict as it is recorded; a step's output stands in its end, an agent's read has none."""
    plain: JsonObject = verdict.model_dump(mode="json", exclude_defaults=True)
    if task.step.endswith("]"):
        return plain
    plain.pop("output", None)
    return plain


def _ledger(connection: Connection, task: CallJob, reply: Reply) -> Ledger:
    return Ledger(
        attempts=task.attempts,
        settle=connection.settings.settle,
        marker_trusted=connection.marker_trusted,
        now=reply.received_at,
        probes=task.probes,
        renewed=task.renewed,
        renewal_changed=task.renewal_changed,
        salt=task.path,
    )


def _attempt(
    task: CallJob, spec: ToolSpec, call: ToolCall, reply: Reply, verdict: Healing | Parked
) -> Attempt | None:
    """Return the entry of the ledger for this attempt; a confirming read is none of its own."""
    if task.probe:
        return None
    return Attempt(
        number=task.attempt,
        sent_at=reply.received_at,
        standing=classify(spec, call, reply).standing,
        fault_kind=verdict.fault.kind,
        remedy=verdict.remedy.kind if isinstance(verdict, Healing) else None,
    )


def _effect_change(
    spec: ToolSpec, task: CallJob, verdict: Verdict, call: ToolCall, reply: Reply
) -> EffectChange | None:
    """Return the transition of the effect that goes with a verdict; reads have none."""
    if spec.is_read or not task.slot:
        return None
    return EffectChange(slot=task.slot, path=task.path, step=_transition(spec, task, verdict, call, reply))


def _transition(
    spec: ToolSpec, task: CallJob, verdict: Verdict, call: ToolCall, reply: Reply
) -> Callable[[Effect], Effect]:
    evidence: JsonObject = {"verdict": verdict.kind}
    if isinstance(verdict, Passed):
        evidence = {"output": verdict.output, "proof": "marker read" if task.probe else "reply"}
    elif isinstance(verdict, Parked | Failed | Healing):
        evidence = {"fault": verdict.fault.model_dump(mode="json")}

    def step(effect: Effect) -> Effect:
        if task.probe:
            return _probed(effect, verdict, evidence)
        outcome = classify(spec, call, reply)
        concluded = conclude(effect, outcome.standing, evidence, final=isinstance(verdict, Failed))
        return park(concluded, evidence) if isinstance(verdict, Parked) else concluded

    return step


def _probed(effect: Effect, verdict: Verdict, evidence: JsonObject) -> Effect:
    if effect.state == "parked":  # a person resumed the run
        effect = reopen(effect)
    match verdict:
        case Passed():
            return settled(effect, "present", evidence)
        case Healing(remedy=Resend()) | Failed():
            return settled(effect, "absent", evidence)
        case Parked():
            return park(effect, evidence)
        case _:
            return settled(effect, "unreadable", evidence)


def _pass(context: RunContext, task: CallJob, view: View, verdict: Passed) -> Command[str]:
    _record_heals(context, task, verdict)
    if not task.step.endswith("]"):
        step = context.step(task.step)
        if isinstance(step, CallStep) and step.expect is not None:
            try:
                held = holds(step.expect, context.scope(view, output=verdict.output))
            except ExpressionFault as error:
                return end_step(
                    context, task.step, task.attempt, failed(Fault(kind="expression", detail=error.message))
                )
            if not held:
                fault = Fault(
                    kind="expectation",
                    detail=f"the call passed, but `{step.expect.text}` does not hold for its output",
                )
                return end_step(context, task.step, task.attempt, failed(fault))
    return end_step(context, task.step, task.attempt, done(verdict.output))


def _record_heals(context: RunContext, task: CallJob, verdict: Passed) -> None:
    """Write a heal record for each remedy that led here: now its postcondition holds."""
    mends = [Mend(fault=one.fault, remedy=one.remedy, proof=_PROOF) for one in task.healing]
    if (
        task.probe and mends and verdict.mends
    ):  # the reading settled the fault that asked for it: one heal, not two
        mends[-1] = mends[-1].model_copy(update={"proof": verdict.mends[0].proof})
    else:
        mends.extend(verdict.mends)
    for number, mend in enumerate(mends):
        context.tape.heal(fact_key(task.path, task.attempt, "heal", number), mend.model_dump(mode="json"))
        context.report(Progress(kind="heal", path=task.path, detail=f"{mend.fault.kind}: {mend.remedy}"))


def _healing(task: CallJob, verdict: Healing) -> tuple[Healed, ...]:
    """Return the remedies under way; what a confirming read leads to belongs to the fault that asked for it."""
    if not task.probe or not task.healing:
        return (*task.healing, Healed(fault=verdict.fault, remedy=verdict.remedy.kind))
    if verdict.remedy.kind == "settle":
        return task.healing
    last = task.healing[-1].model_copy(update={"remedy": f"settle, then {verdict.remedy.kind}"})
    return (*task.healing[:-1], last)


def _heal(
    context: RunContext,
    task: CallJob,
    view: View,
    connection: Connection,
    verdict: Healing,
    attempt: Attempt | None,
) -> Command[str]:
    remedy = verdict.remedy
    reply = task.reply
    if reply is None or isinstance(remedy, Rewrite):
        raise TypeError("a call is healed by what applies to calls")
    now = reply.received_at
    following = task.model_copy(
        update={
            "attempt": task.attempt + 1,
            "attempts": (*task.attempts, attempt) if attempt else task.attempts,
            "healing": _healing(task, verdict),
            "reply": None,
            "probe": 0,
        }
    )
    match remedy.kind:
        case "wait":
            if remedy.pace:
                connection.open_at = max(connection.open_at or now, now + remedy.duration)
            return _later(context, following, view, now, now + remedy.duration)
        case "renew":
            job = following.model_copy(update={"renew_from": reply.key_id or "unknown"})
            return _later(context, job, view, now, now)
        case "settle":
            job = following.model_copy(
                update={
                    "probe": remedy.page,
                    "probes": task.probes + (1 if task.probe else 0),
                    "renew_from": (reply.key_id or "unknown") if remedy.renew else "",
                }
            )
            return _later(context, job, view, now, now + remedy.after)
        case "resend":
            absent = proved_absent(following.attempts) if task.probe else following.attempts
            job = following.model_copy(update={"probes": 0, "attempts": absent})
            return _later(context, job, view, now, now + remedy.after)
        case never:
            assert_never(never)


def _park(
    context: RunContext, task: CallJob, view: View, spec: ToolSpec, verdict: Parked, attempt: Attempt | None
) -> Command[str]:
    """Park; once a person has resumed the run, look again: an open write by reading, else by calling."""
    state = parked(verdict.fault, verdict.next_action)
    attempts = (*task.attempts, attempt) if attempt else task.attempts
    is_open = any(one.standing == "unknown" for one in attempts)
    unsettled = not spec.is_read and spec.effect not in REPEATABLE and is_open
    if not context.tape.reopened(task.path, task.attempt) or (unsettled and spec.confirm is None):
        return end_step(context, task.step, task.attempt, state)
    record_end(context, task.step, task.attempt, state)
    following = task.model_copy(
        update={
            "attempt": task.attempt + 1,
            "attempts": attempts,
            "probe": 1 if unsettled else 0,
            "probes": 0,
            "renewed": 0,
            "renewal_changed": None,
            "reply": None,
        }
    )
    return Command(goto=Send("distributor", parcel(following, view)))


def _later(context: RunContext, job: CallJob, view: View, now: datetime, until: datetime) -> Command[str]:
    if until <= now:
        return Command(goto=Send("distributor", parcel(job, view)))
    context.report(Progress(kind="waiting", path=job.path, detail=f"{(until - now).total_seconds():.1f} s"))
    return block(job.step, until, "distributor", parcel(job, view))


def _fail(context: RunContext, task: CallJob, view: View, fault: Fault) -> Command[str]:
    """End the step; what a spent budget means is the step's word, a refusal is final."""
    if task.step.endswith("]") or fault.kind in ("refused", "invalid_arguments", "forbidden"):
        return end_step(context, task.step, task.attempt, failed(fault))
    state = exhausted(context.step(task.step), fault)
    if state["status"] != "parked" or not context.tape.reopened(task.path, task.attempt):
        return end_step(context, task.step, task.attempt, state)
    record_end(context, task.step, task.attempt, state)
    afresh = {"probe": 0, "probes": 0, "attempts": (), "renewed": 0, "renewal_changed": None, "reply": None}
    following = task.model_copy(update={"attempt": task.attempt + 1, **afresh})
    return Command(goto=Send("distributor", parcel(following, view)))


def _judge_claim(context: RunContext, task: CallJob, view: View) -> Command[str]:
    """Act on a slot that is not ours: done already, differently asked for, or in other hands."""
    claim = task.claim
    owner = f"`{claim['run_id']}` at `{claim['path']}`"
    match claim["standing"]:
        case "done":
            return end_step(
                context,
                task.step,
                task.attempt,
                {**done(claim["output"]), "reason": f"done once already, in run {owner}"},
            )
        case "differs":
            fault = Fault(
                kind="slot_taken",
                detail=f"the same `once` key stands with other arguments in run {owner}; nothing was sent",
            )
            return end_step(context, task.step, task.attempt, failed(fault))
        case "held" if len(task.healing) < MOST_SLOT_WAITS:
            fault = Fault(kind="slot_taken", detail=f"run {owner} is making the same effect")
            following = task.model_copy(
                update={
                    "attempt": task.attempt + 1,
                    "claim": {},
                    "healing": (*task.healing, Healed(fault=fault, remedy="wait")),
                }
            )
            now = context.clock.now()
            return _later(context, following, view, now, now + backoff(len(task.healing) + 1, task.path))
        case _:
            fault = Fault(
                kind="slot_taken", detail=f"run {owner} has begun the same effect and its outcome is open"
            )
            other = claim["run_id"]
            action = f"Settle that run first (`mendflow why {other}`, `mendflow resume {other}`), then resume this one."
            state = parked(fault, action)
            if not context.tape.reopened(task.path, task.attempt):
                return end_step(context, task.step, task.attempt, state)
            record_end(context, task.step, task.attempt, state)
            following = task.model_copy(update={"attempt": task.attempt + 1, "claim": {}, "healing": ()})
            return Command(goto=Send("distributor", parcel(following, view)))
