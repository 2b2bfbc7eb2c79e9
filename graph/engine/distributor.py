"""The Distributor: fixes the exact call, takes the slot, makes one attempt, records the outcome."""

import hashlib
from collections.abc import Iterator
from datetime import datetime

from langgraph.runtime import Runtime
from langgraph.types import Command, Send
from pydantic import JsonValue, SecretStr

from ...connectors.contract import REPEATABLE, Answer, JsonObject, Reply, ToolCall, ToolSpec
from ...journal.canonical import canonical
from ...journal.events import fact_key
from ...verifier.contract import check_arguments
from ...verifier.settling import probe_call
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
    if task.call is None:
        fixed = _fix(context, task, view)
        if isinstance(fixed, Fault):
            return end_step(context, task.step, task.attempt, failed(fixed))
        task = fixed
    call = task.call
    if call is None:
        raise TypeError("a fixed job has a call")
    connection = context.connections[call.connection]
    spec = connection.tools[call.operation]
    wrong = check_arguments(spec, call.arguments) if task.attempt == 1 else None
    if wrong is not None and task.step.endswith(
        "]"
    ):  # a model picked them: it is told, and nothing was called
        return Command(update={"steps": {task.step: failed(wrong)}}, goto="route")
    if wrong is not None:
        return end_step(context, task.step, task.attempt, failed(wrong))
    if connection.open_at is not None and _is_held(context, connection.open_at, task):
        return block(task.step, connection.open_at, "distributor", parcel(task, view))
    if task.renew_from:
        task = await _renew(context, connection, task)
    exact = exact_call(connection, spec, call, task.probe)
    request = exact.model_dump(mode="json")
    if not spec.is_read and not task.probe:
        claim = await context.tape.claim(
            task.path, task.attempt, task.slot, request, repeatable=spec.effect in REPEATABLE
        )
        if claim["standing"] != "mine":
            return _hand_over(task.model_copy(update={"claim": claim}), view)
    key = fact_key(task.path, task.attempt, "call")
    secret = spec.effect == "secret_read"
    reply = await context.tape.fact(
        key, request, lambda: _attempt(context, connection, exact, secret=secret), secret=secret
    )
    return _hand_over(task.model_copy(update={"reply": Reply.model_validate(reply)}), view)


def _is_held(context: RunContext, open_at: datetime, task: CallJob) -> bool:
    """Return whether the vendor's pace holds this attempt back; what is on record is past holding back."""
    known = (context.tape.recall(fact_key(task.path, task.attempt, kind)) for kind in ("call", "slot"))
    return open_at > context.clock.now() and all(one is None for one in known)


def exact_call(connection: Connection, spec: ToolSpec, call: ToolCall, probe: int) -> ToolCall:
    """Return what one attempt sends: the call itself, or a page of its confirming read."""
    if not probe or spec.confirm is None:
        return call
    return probe_call(spec, call, probe, paging=connection.tools[spec.confirm.operation].paging)


def _hand_over(task: CallJob, view: View) -> Command[str]:
    return Command(goto=Send("verifier", parcel(task, view)))


async def _attempt(
    context: RunContext, connection: Connection, call: ToolCall, *, secret: bool
) -> JsonObject:
    reply = await connection.connector.send(call)
    if secret and isinstance(reply.outcome, Answer):
        for text in _texts(reply.outcome.body):
            context.learn(SecretStr(text))
    plain: JsonObject = reply.model_dump(mode="json", exclude_defaults=True)
    return plain


async def _renew(context: RunContext, connection: Connection, task: CallJob) -> CallJob:
    """Read the credential's source again; it has changed if it is not the one that was refused."""

    async def perform() -> JsonObject:
        renewal = await connection.connector.renew()
        return {"key_id": renewal.key_id, "detail": renewal.detail}

    key = fact_key(task.path, task.attempt, "renew")
    renewal = await context.tape.fact(key, {"connection": connection.settings.name}, perform)
    return task.model_copy(
        update={
            "renew_from": "",
            "renewed": task.renewed + 1,
            "renewal_changed": renewal["key_id"] != task.renew_from,
        }
    )


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
