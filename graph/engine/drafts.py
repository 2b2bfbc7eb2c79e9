"""What follows from the judgement of a draft: done, or back to its author with the reasons, bounded."""

from datetime import timedelta

import jsonschema_rs
from langgraph.types import Command, Send
from pydantic import JsonValue, TypeAdapter

from ...agents.findings import findings_of
from ...agents.model import ModelRefusal, ModelReply
from ...agents.prompt import judge_request
from ...connectors.contract import JsonObject
from ...journal.events import fact_key
from ...verifier.drafts import check_draft, check_findings
from ...verifier.remedy import backoff
from ...verifier.rules import apply_rule
from ...verifier.verdict import Failed, Fault, Healing, Mend, Passed, Rewrite, Verdict, Wait
from ..language.expressions import ExpressionFault, holds
from ..language.plan import AgentStep, Rule, VerifyStep
from .ask import ask
from .authors import author_of, material_of, selected_of
from .context import Progress, RunContext
from .ends import block, done, end_step, ended, exhausted, failed, record_end
from .state import AuthorJob, ReviewJob, View, parcel

_VERDICT: TypeAdapter[Verdict] = TypeAdapter(Verdict)
MOST_SENT_BACK = 2
"""How often the Verifier's own rules hand a draft back."""
MOST_ASKED_AGAIN = 3
"""How often a model is asked again after a fault of its own."""
_RETRIABLE = frozenset({"rate_limit", "unreachable", "server_error", "truncated", "invalid"})


def judge_draft(context: RunContext, task: AuthorJob, view: View) -> Command[str]:
    """Judge an author's output by the rules that hold for every draft."""
    step = author_of(context, task.step)
    judged = _judge_refusal(task) if task.refusal else _judge_output(context, step, task, view)
    decision = context.tape.decide(fact_key(task.path, task.attempt, "verdict"), lambda: _plain(judged))
    verdict = _obeyed(decision)
    match verdict:
        case Passed():
            return _accept(context, step, task, view)
        case Healing(remedy=Wait(duration=duration)):
            following = task.model_copy(
                update={"attempt": task.attempt + 1, "asked_again": task.asked_again + 1, "refusal": {}}
            )
            until = context.clock.now() + duration
            return block(task.step, until, step.role, parcel(following, view))
        case Healing(remedy=Rewrite(reasons=reasons)):
            context.report(Progress(kind="draft_rejected", path=task.path, detail="; ".join(reasons)))
            following = task.model_copy(
                update={
                    "attempt": task.attempt + 1,
                    "sent_back": task.sent_back + 1,
                    "reasons": reasons,
                    "draft": task.output,
                    "output": None,
                }
            )
            return Command(goto=Send(step.role, parcel(following, view)))
        case Failed(fault=fault):
            return _give_up(context, step, task, view, fault)
        case other:
            raise TypeError(f"a draft is never {other.kind}")


def _give_up(context: RunContext, step: AgentStep, task: AuthorJob, view: View, fault: Fault) -> Command[str]:
    """End the step as its `on_exhausted` says; once a person has resumed a parked one, begin again."""
    state = exhausted(step, fault)
    if state["status"] != "parked" or not context.tape.reopened(task.path, task.attempt):
        return end_step(context, task.step, task.attempt, state)
    record_end(context, task.step, task.attempt, state)
    afresh = {"sent_back": 0, "asked_again": 0, "refusal": {}, "draft": task.output, "output": None}
    following = task.model_copy(update={"attempt": task.attempt + 1, **afresh})
    return Command(goto=Send(step.role, parcel(following, view)))


def _judge_refusal(task: AuthorJob) -> Verdict:
    refusal = ModelRefusal.model_validate(task.refusal)
    fault = Fault(
        kind="model_fault", detail=f"the model gave no usable reply ({refusal.reason}): {refusal.detail}"
    )
    if refusal.reason not in _RETRIABLE or task.asked_again >= MOST_ASKED_AGAIN:
        return Failed(fault=fault)
    pause = backoff(task.asked_again + 1, task.path)
    if refusal.wait_seconds is not None:
        pause = max(pause, timedelta(seconds=min(refusal.wait_seconds, 3600.0)))
    return Healing(fault=fault, remedy=Wait(duration=pause))


def _judge_output(context: RunContext, step: AgentStep, task: AuthorJob, view: View) -> Verdict:
    reasons = _reasons(context, step, task, view)
    if not reasons:
        return Passed(output=None)
    fault = Fault(kind="draft_rejected", detail="; ".join(reasons))
    if task.sent_back >= MOST_SENT_BACK:
        return Failed(fault=fault)
    return Healing(fault=fault, remedy=Rewrite(reasons=reasons))


def _reasons(context: RunContext, step: AgentStep, task: AuthorJob, view: View) -> tuple[str, ...]:
    scope = context.scope(view)
    if step.output_schema is not None:
        flaw = next(iter(jsonschema_rs.iter_errors(step.output_schema, _unmarked(task.output))), None)
        if flaw is not None:
            place = ".".join(str(part) for part in flaw.instance_path) or "the draft"
            return (f"`{place}` does not fit the step's output schema: {flaw.message}",)
    material = material_of(step, scope)
    if step.role == "researcher":
        readings = {reading.source: reading.output for reading in task.readings}
        return check_findings(task.output, {**material, **selected_of(step, scope)}, readings)
    return check_draft(task.output, findings_of(material), step.voice, context.inputs)


def _unmarked(output: JsonValue) -> JsonValue:
    """Return the output without the offline model's mark, of which the step's own schema knows nothing."""
    return (
        {name: value for name, value in output.items() if name != "offline"}
        if isinstance(output, dict)
        else output
    )


def _accept(context: RunContext, step: AgentStep, task: AuthorJob, view: View) -> Command[str]:
    output = task.output
    if step.role == "researcher" and isinstance(output, dict):
        output = {**output, "selected": selected_of(step, context.scope(view))}
    if task.sent_back or task.review:
        fault = Fault(kind="draft_rejected", detail="; ".join(task.reasons))
        mend = Mend(fault=fault, remedy="rewrite", proof="the new draft passed the Verifier's rules")
        context.tape.heal(fact_key(task.path, task.attempt, "heal"), mend.model_dump(mode="json"))
        context.report(Progress(kind="heal", path=task.path, detail="draft_rejected: rewrite"))
    state = done(output)
    if not task.review:
        return end_step(context, task.step, task.attempt, state)
    record_end(context, task.step, task.attempt, state)
    finished = ended(state, task.attempt)
    review = ReviewJob(
        step=task.review, path=context.path(task.review), attempt=_review_attempt(view, task) + 1
    )
    return Command(
        update={"steps": {task.step: finished}},
        goto=Send("verifier", parcel(review, {**view, task.step: finished})),
    )


def _review_attempt(view: View, task: AuthorJob) -> int:
    number = view[task.review]["attempt"]
    return number if isinstance(number, int) else 1


async def judge_review(context: RunContext, task: ReviewJob, view: View) -> Command[str]:
    """Run the rules of a `verify` step over its subject; hand a rejected draft back within the bound."""
    step = context.step(task.step)
    if not isinstance(step, VerifyStep):
        raise TypeError(f"`{task.step}` is no verify step")
    draft = view[step.subject].get("output")
    try:
        reasons = [reason for rule in step.rules for reason in _break(context, rule, view, draft)]
    except ExpressionFault as error:
        return end_step(
            context, task.step, task.attempt, failed(Fault(kind="expression", detail=error.message))
        )
    if not reasons:  # a judge may only veto what holds every rule, and is not asked about anything else
        judges = [rule for rule in step.rules if rule.judge]
        reasons = [reason for rule in judges for reason in await _vetoes(context, step, rule, task, view)]
    judged = _judge_review(step, task, tuple(reasons))
    decision = context.tape.decide(fact_key(task.path, task.attempt, "verdict"), lambda: _plain(judged))
    verdict = _obeyed(decision)
    match verdict:
        case Passed():
            return end_step(
                context, task.step, task.attempt, done({"passed": True, "attempts": task.attempt})
            )
        case Healing(remedy=Rewrite(reasons=back)):
            return _hand_back(context, step, task, view, back)
        case Failed(fault=fault):
            return _give_up_review(context, step, task, view, fault)
        case other:
            raise TypeError(f"a review is never {other.kind}")


def _give_up_review(
    context: RunContext, step: VerifyStep, task: ReviewJob, view: View, fault: Fault
) -> Command[str]:
    """End the step as its `on_exhausted` says; once a person has resumed a parked one, look once more."""
    state = exhausted(step, fault)
    if state["status"] != "parked" or not context.tape.reopened(task.path, task.attempt):
        return end_step(context, task.step, task.attempt, state)
    record_end(context, task.step, task.attempt, state)
    if step.back_to:
        return _hand_back(context, step, task, view, (fault.detail,))
    following = task.model_copy(update={"attempt": task.attempt + 1})
    return Command(goto=Send("verifier", parcel(following, view)))


def _judge_review(step: VerifyStep, task: ReviewJob, reasons: tuple[str, ...]) -> Verdict:
    if not reasons:
        return Passed(output=None)
    fault = Fault(kind="draft_rejected", detail="; ".join(reasons))
    if not step.back_to or task.attempt > step.most:
        return Failed(fault=fault)
    return Healing(fault=fault, remedy=Rewrite(reasons=reasons))


def _break(context: RunContext, rule: Rule, view: View, draft: JsonValue) -> list[str]:
    """Return how a draft breaks a rule that needs no model."""
    if rule.check is not None:
        return [f"rule `{rule.id}`: {reason}" for reason in apply_rule(rule.check, draft)]
    if rule.expect is None or holds(rule.expect, context.scope(view, draft=draft)):
        return []
    return [f"rule `{rule.id}`: `{rule.expect.text}` does not hold"]


async def _vetoes(
    context: RunContext, step: VerifyStep, rule: Rule, task: ReviewJob, view: View
) -> list[str]:
    """Return why a model vetoes the draft; only the plain word `pass` is none."""
    subject, draft = context.step(step.subject), view[step.subject].get("output")
    scope = context.scope(view)
    material = material_of(subject, scope) if isinstance(subject, AgentStep) else {}
    voice = subject.voice if isinstance(subject, AgentStep) else {}
    request = judge_request(model=rule.judge, rubric=rule.rubric, draft=draft, material=material, voice=voice)
    ordinal = [one.id for one in step.rules].index(rule.id)
    outcome = await ask(context, fact_key(task.path, task.attempt, "model", ordinal), request)
    if not isinstance(outcome, ModelReply) or not isinstance(outcome.output, dict):
        return [f"rule `{rule.id}`: the judge gave no usable reply"]
    if outcome.output.get("verdict") == "pass":
        return []
    given = outcome.output.get("reasons")
    reasons = (
        [str(reason) for reason in given]
        if isinstance(given, list) and given
        else ["vetoed without a reason"]
    )
    return [f"rule `{rule.id}`: {reason}" for reason in reasons]


def _hand_back(
    context: RunContext, step: VerifyStep, task: ReviewJob, view: View, reasons: tuple[str, ...]
) -> Command[str]:
    context.report(
        Progress(kind="draft_rejected", path=context.path(step.back_to), detail="; ".join(reasons))
    )
    author = author_of(context, step.back_to)
    last = view[step.back_to]
    number = last["attempt"]
    job = AuthorJob(
        step=author.id,
        path=context.path(author.id),
        attempt=(number if isinstance(number, int) else 1) + 1,
        reasons=reasons,
        draft=last.get("output"),
        review=step.id,
    )
    here: View = {**view, step.id: {"status": "running", "attempt": task.attempt}}
    return Command(
        update={"steps": {step.back_to: {"status": "running"}}}, goto=Send(author.role, parcel(job, here))
    )


def _obeyed(decision: JsonObject) -> Verdict:
    """Return the decision as a verdict; a passed draft stands in the step's end, so none is recorded here."""
    return Passed(output=None) if decision["kind"] == "passed" else _VERDICT.validate_python(decision)


def _plain(verdict: Verdict) -> JsonObject:
    plain: JsonObject = verdict.model_dump(mode="json", exclude_defaults=True)
    plain.pop("output", None)
    return plain
