"""The Distributor: fixes the exact call, takes the slot, makes one attempt, records the outcome."""

import hashlib
from collections.abc import Iterator
from datetime import datetime

from langgraph.runtime import Runtime
from langgraph.types import Command, Send
from pydantic import JsonValue, SecretStr

from ...connectors.contract import Answer, JsonObject, NoAnswer, Reply, ToolCall, ToolSpec
from ...journal.canonical import canonical
from ...journal.events import fact_key
from ...verifier.contract import check_arguments
from ...verifier.course import Turn
from ...verifier.verdict import Fault
from ..language.expressions import ExpressionFault, evaluate, resolve
from ..language.plan import CallStep
from .context import Connection, RunContext
from .ends import block, end_step, failed
from .state import CallJob, Parcel, View, parcel

SHORTEST_SECRET = 8
"""Shorter texts in a secret's answer are words, not secrets."""


async def distributor(state: Parcel, runtime: Runtime[RunContext]) -> Command[str]:
    """Make one attempt of one call, then hand it to the Verifier."""
    context = runtime.context
    task, view = CallJob.model_validate(state["job"]), state["view"]
    fixed = task if task.call is not None else _fix(context, task, view)
    if isinstance(fixed, Fault):
        return end_step(context, task.step, task.attempt, failed(fixed))
    task, call = fixed, _call_of(fixed)
    wrong = check_arguments(context.turn(task, call).spec, call.arguments) if task.attempt == 1 else None
    if wrong is not None and task.is_of_agent:  # a model picked them: it is told, and nothing was called
        return Command(update={"steps": {task.step: failed(wrong)}}, goto="route")
    if wrong is not None:
        return end_step(context, task.step, task.attempt, failed(wrong))
    held_until, must_hold = _held_until(context, task, call)
    if held_until is not None:
        return block(task.step, held_until, "distributor", parcel(task, view), must_hold=must_hold)
    if task.course.renew_from:
        task = await _renew(context, call.connection, task)
    turn = context.turn(task, call)
    request: JsonObject = turn.exact.model_dump(mode="json")
    if not turn.asked.is_read:
        claim = await _claim(context, task, turn, request)
        if claim["standing"] != "mine":
            return _hand_over(task.model_copy(update={"claim": claim}), view)
    secret = turn.asked.effect == "secret_read"
    key = fact_key(task.path, task.attempt, "call")
    reply = await context.tape.fact(
        key, request, lambda: _attempt(context, turn.exact, secret=secret), secret=secret
    )
    return _hand_over(task.model_copy(update={"reply": Reply.model_validate(reply)}), view)


def _call_of(task: CallJob) -> ToolCall:
    if task.call is None:
        raise TypeError("a fixed job has a call")
    return task.call


async def _claim(context: RunContext, task: CallJob, turn: Turn, request: JsonObject) -> JsonObject:
    """Take the slot, within the run's budget; what the compiler adds does not count towards it."""
    step = context.step(task.step)
    is_metered = isinstance(step, CallStep) and not step.prepares
    beyond = context.meter.refusal(task.slot, turn.spec, turn.call) if is_metered else ""
    if is_metered and not beyond:
        context.meter.add(task.slot, turn.spec, turn.call)
    claim = await context.tape.claim(
        task.path, task.attempt, task.slot, request, repeatable=turn.is_repeatable, beyond=beyond
    )
    if is_metered and not beyond and claim["standing"] != "mine":
        context.meter.drop(task.slot, turn.spec, turn.call)
    return claim


def _held_until(context: RunContext, task: CallJob, call: ToolCall) -> tuple[datetime | None, bool]:
    """Return when this attempt may be made (None: now), and whether this very process has to wait until then.

    The vendor's pace holds back every attempt. A reading about a write that an earlier process made waits one
    settle time of this process's own clock: the clocks of two processes need not agree. If that wait were left to a
    timer, the next process would begin it anew, and so on for ever. What is on record is past holding back.
    """
    connection = context.connections[call.connection]
    now = context.clock.now()
    paced = connection.open_at if connection.open_at is not None and connection.open_at > now else None
    settle = connection.settings.settle
    settled = None
    if task.course.probe and settle is not None and connection.live_since is not None:
        settled = connection.live_since + settle
    moments = [one for one in (paced, settled) if one is not None and one > now]
    known = (context.tape.recall(fact_key(task.path, task.attempt, kind)) for kind in ("call", "slot"))
    if not moments or any(one is not None for one in known):
        return None, False
    return max(moments), settled is not None and settled > now and (paced is None or paced <= settled)


def _hand_over(task: CallJob, view: View) -> Command[str]:
    return Command(goto=Send("verifier", parcel(task, view)))


async def _attempt(context: RunContext, call: ToolCall, *, secret: bool) -> JsonObject:
    sent_at = context.clock.now()
    connection = context.connections[call.connection]
    held_back = _held_back(context, call.connection, sent_at)
    if held_back is not None:
        reply = Reply(outcome=held_back, sent_at=sent_at, received_at=sent_at)
    else:
        reply = await connection.connector.send(call)
        reply = reply.model_copy(update={"sent_at": sent_at})
        connection.breaker.note(reply.outcome, reply.received_at)
    if secret and isinstance(reply.outcome, Answer):
        for text in _texts(reply.outcome.body):
            context.learn(SecretStr(text))
        # of a body that cannot be read nobody knows where in it the secret stands
        reply = reply.model_copy(update={"outcome": reply.outcome.model_copy(update={"excerpt": ""})})
    plain: JsonObject = reply.model_dump(mode="json", exclude_defaults=True)
    return plain


def _held_back(context: RunContext, name: str, now: datetime) -> NoAnswer | None:
    """Return why nothing may leave; asked last of all, so that the kill switch holds back the very next byte."""
    paused = context.halted(name)
    if paused:
        return NoAnswer(sent="no", reason="paused", detail=paused)
    down = context.connections[name].breaker.why_not(now)
    return NoAnswer(sent="no", reason="down", detail=down) if down else None


async def _renew(context: RunContext, name: str, task: CallJob) -> CallJob:
    """Read the credential's source again; it has changed if it is not the one that was refused."""

    async def perform() -> JsonObject:
        renewal = await context.connections[name].connector.renew()
        return {"key_id": renewal.key_id, "detail": renewal.detail}

    key = fact_key(task.path, task.attempt, "renew")
    renewal = await context.tape.fact(key, {"connection": name}, perform)
    course = task.course.model_copy(
        update={
            "renew_from": "",
            "renewed": task.course.renewed + 1,
            "renewal_changed": renewal["key_id"] != task.course.renew_from,
        }
    )
    return task.model_copy(update={"course": course})


def _fix(context: RunContext, task: CallJob, view: View) -> CallJob | Fault:
    """Evaluate the arguments once and for all, and name the slot."""
    step = context.step(task.step)
    if not isinstance(step, CallStep):
        raise TypeError(f"`{step.id}` is no call")
    connection = context.connections[step.connection]
    spec = connection.tools[step.operation]
    scope = context.scope(view)
    try:
        arguments = {name: resolve(value, scope) for name, value in step.arguments.items()}
        once = evaluate(step.once, scope) if step.once else None
    except ExpressionFault as error:
        return Fault(kind="expression", detail=error.message)
    if step.once is not None and once in (None, "", [], {}):
        detail = f"`once: {step.once.text}` gave nothing; without a business key the effect could repeat in another run"
        return Fault(kind="expression", detail=detail)
    slot = _slot(context, connection, spec, task.path, once) if not spec.is_read else ""
    if spec.marker and slot:
        arguments[spec.marker] = marker_of(slot)
    call = ToolCall(connection=step.connection, operation=step.operation, arguments=_without_nulls(arguments))
    return task.model_copy(update={"call": call, "slot": slot})


def _slot(context: RunContext, connection: Connection, spec: ToolSpec, path: str, once: JsonValue) -> str:
    """Name the slot: a business key over all runs, or this run's place for it."""
    head = f"{spec.operation}/{connection.account}"
    if once is None:
        return f"{head}/{context.tape.run_id}/{path}"
    return f"{head}/once/{once if isinstance(once, str) else canonical(once)}"


def marker_of(slot: str) -> str:
    """Return the marker that a slot's effect carries at the vendor: short, and the same for ever."""
    return "mf_" + hashlib.sha256(slot.encode()).hexdigest()[:24]


def _texts(body: JsonValue) -> Iterator[str]:
    """Yield every text in a secret's answer that is long enough to be one."""
    match body:
        case str() if len(body) >= SHORTEST_SECRET:
            yield body
        case list():
            for item in body:
                yield from _texts(item)
        case dict():
            for item in body.values():
                yield from _texts(item)
        case _:
            return


def _without_nulls(arguments: JsonObject) -> JsonObject:
    return {name: value for name, value in arguments.items() if value is not None}
