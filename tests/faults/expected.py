"""What a row of the table means as values: the whole outcome and the whole verdict of each class of call."""

from datetime import timedelta
from typing import Final, Literal, assert_never

from mendflow.connectors.contract import JsonObject, ToolCall, ToolSpec
from mendflow.connectors.piggy.operations import TOOLS
from mendflow.verifier.outcome import Outcome
from mendflow.verifier.probing import person_decides
from mendflow.verifier.remedy import backoff
from mendflow.verifier.verdict import (
    Failed,
    Fault,
    Healing,
    Parked,
    Passed,
    Renew,
    Resend,
    Settle,
    Verdict,
    Wait,
)
from pydantic import JsonValue

from tests.faults.form import Cause, Form

Side = Literal["read", "write"]
SALT: Final = "k"
FIRST: Final = backoff(1, SALT)
SETTLE: Final = timedelta(seconds=0.3)
READ: Final = "contacts.credit_balance"
ARGUMENTS: Final[dict[str, JsonObject]] = {
    READ: {"contact_uuid": "c-1"},
    "credit_receptions.create": {
        "contact_uuid": "c-1",
        "shop_uuid": "s-1",
        "credits": 10,
        "mendflow_slot": "mf_1",
    },
    "loyalty_transaction_attributes.create": {"name": "n", "label": "N", "data_type": "text"},
    "contacts.update": {"contact_uuid": "c-1", "message": "Hello"},
    "contact_verification.send": {"email": "a@b.c"},
}
GOOD: Final[dict[str, JsonValue]] = {
    READ: {"balance": 3},
    "credit_receptions.create": {
        "uuid": "r-1",
        "type": "credit_reception",
        "credits": 10,
        "created_at": "2026-11-22T10:00:00+00:00",
        "contact": {"uuid": "c-1"},
        "shop": {"uuid": "s-1"},
        "mendflow_slot": "mf_1",
    },
}


def asked(operation: str) -> tuple[ToolSpec, ToolCall]:
    """Return a shipped operation and a call of it."""
    call = ToolCall(connection="piggy", operation=operation, arguments=ARGUMENTS[operation])
    return TOOLS[operation], call


def outcome(form: Form, side: Side, call: ToolCall) -> Outcome:
    """Return how the attempt must stand."""
    standing = form.read if side == "read" else form.write
    if standing == "done":
        is_there_already = form.cause is not None
        return Outcome("done", output=call.arguments if is_there_already else GOOD[call.operation])
    cause = form.of_write if side == "write" and form.of_write is not None else form.cause
    if cause is None:
        raise TypeError(f"`{form.name}` says that the {side} fails, and not why")
    return Outcome(standing, _open(cause, call) if standing == "unknown" else _plain(cause, call))


def verdict(form: Form, side: Side, spec: ToolSpec, call: ToolCall) -> Verdict:
    """Return what must be prescribed at the first attempt, in an account that settles within `SETTLE`."""
    stands = outcome(form, side, call)
    told = timedelta(seconds=form.told)
    if stands.fault is None:
        return Passed(output=stands.output)
    if stands.standing == "unknown":
        return _of_open(spec, call, stands.fault, told)
    match form.remedy:
        case "wait":
            is_paced = stands.fault.kind == "rate_limit"
            return Healing(fault=stands.fault, remedy=Wait(duration=FIRST + told, pace=is_paced))
        case "renew":
            return Healing(fault=stands.fault, remedy=Renew())
        case "fail":
            return Failed(fault=stands.fault)
        case "none needed":
            raise TypeError(f"`{form.name}` needs no remedy, and its {side} fails")
        case never:
            assert_never(never)


def _of_open(spec: ToolSpec, call: ToolCall, fault: Fault, told: timedelta) -> Verdict:
    """Settle by reading, send again what is the same effect twice, leave the rest to a person."""
    if spec.effect == "marked":
        return Healing(fault=fault, remedy=Settle(after=max(SETTLE, told)))
    if spec.effect in {"idempotent", "natural_key"}:
        return Healing(fault=fault, remedy=Resend(after=FIRST + told))
    return Parked(fault=fault, next_action=person_decides(spec, call))


def _plain(cause: Cause, call: ToolCall) -> Fault:
    return Fault(
        kind=cause.kind,
        detail=cause.detail.replace("{operation}", call.operation),
        evidence=cause.evidence,
    )


def _open(cause: Cause, call: ToolCall) -> Fault:
    plain = _plain(cause, call)
    detail = f"whether `{call.operation}` took place is unknown: {plain.detail}"
    evidence: JsonObject = {"cause": plain.kind, **plain.evidence}
    return Fault(kind="unknown_outcome", detail=detail, evidence=evidence)
