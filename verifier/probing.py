"""What every reading that settles an unknown outcome has in common: the call to make, and how long to go on.

A drifted answer is never healed here: a wrong heal could hide an effect, and a resend would then double it.
"""

from datetime import timedelta
from typing import assert_never

from pydantic import JsonValue

from ..connectors.contract import (
    Answer,
    MarkerRead,
    Paging,
    Reply,
    StateRead,
    ToolCall,
    ToolSpec,
    TotalRead,
)
from ..connectors.hints import hinted_wait
from .ledger import Ledger
from .remedy import backoff
from .verdict import EFFECT, RUN, Failed, Fault, Healing, Mend, Parked, Passed, Resend, Settle, Verdict

USUAL_PAGING = Paging()


def can_be_settled(spec: ToolSpec, call: ToolCall) -> bool:
    """Tell whether a reading may tell something about an unknown outcome of this call."""
    match spec.confirm:
        case None:
            return False
        case MarkerRead():
            return bool(spec.marker and call.arguments.get(spec.marker))
        case StateRead() | TotalRead():
            return True
        case never:
            assert_never(never)


def probe_call(
    spec: ToolSpec, call: ToolCall, page: int, *, paging: Paging | None = USUAL_PAGING
) -> ToolCall:
    """Build the confirming read; `paging` is the listing's own, None where it has no pages."""
    confirm = spec.confirm
    if confirm is None:
        raise ValueError(f"`{spec.operation}` has no confirming read")
    fixed = {} if isinstance(confirm, StateRead) else confirm.arguments
    if isinstance(confirm, MarkerRead) and paging is not None:
        fixed = {paging.limit: paging.largest, **fixed, paging.page: page}
    copied = {
        name: call.arguments[source] for name, source in confirm.copied.items() if source in call.arguments
    }
    return ToolCall(connection=call.connection, operation=confirm.operation, arguments={**fixed, **copied})


def person_decides(spec: ToolSpec, call: ToolCall, evidence: str = "") -> str:
    """Say what a person can look for at the vendor, and how to tell the answer."""
    marker = call.arguments.get(spec.marker)
    sign = f" with `{spec.marker}` = `{marker}`" if marker else " with these arguments"
    told = f"{evidence} " if evidence else ""
    return (
        f"{told}Look in the vendor's dashboard for a `{spec.operation}`{sign}. If it is there, say so with"
        f" `mendflow resolve {RUN} {EFFECT} --done --reason …`; if it is surely not, `--resend` sends it once more"
        f" and `--refused` gives it up. Then `mendflow resume {RUN}`."
    )


def took_place(spec: ToolSpec, output: JsonValue, proof: str) -> Verdict:
    """Pass the call on the evidence of a reading."""
    fault = unknown(f"whether `{spec.operation}` took place was unknown")
    return Passed(output=output, mends=(Mend(fault=fault, remedy="settle", proof=proof),))


def absent(spec: ToolSpec, ledger: Ledger, proof: str) -> Verdict:
    """Send again what is proven not to have taken place, as long as attempts are left."""
    detail = f"`{spec.operation}` did not take place: {proof}"
    if ledger.is_used_up:
        given_up = f"{detail}; given up after {len(ledger.attempts)} attempts"
        return Failed(fault=Fault(kind="budget_spent", detail=given_up))
    return Healing(fault=unknown(detail), remedy=Resend())


def look_again(
    spec: ToolSpec, call: ToolCall, reply: Reply, ledger: Ledger, fault: Fault, page: int = 1
) -> Verdict:
    """Read once more: this reading could not be used."""
    detail = f"whether `{spec.operation}` took place could not be read: {fault.detail}"
    cause = Fault(kind="unknown_outcome", detail=detail, evidence={"cause": fault.kind, **fault.evidence})
    if fault.kind == "paused":
        return Parked(fault=cause, next_action=unpause(call))
    most = ledger.most_throttled if fault.kind == "outage" else ledger.most_probes
    if ledger.probes + 1 >= most:
        again = f"Mend the cause, then `mendflow resume {RUN}` to look once more. Or:"
        return Parked(fault=cause, next_action=person_decides(spec, call, again))
    hinted = (
        hinted_wait(reply.outcome.headers, reply.received_at) if isinstance(reply.outcome, Answer) else None
    )
    after = backoff(ledger.probes + 1, ledger.salt) + (hinted or timedelta())
    is_key = fault.kind in ("unauthorized", "missing_credential")
    return Healing(fault=cause, remedy=Settle(after=after, page=page, total=ledger.listed, renew=is_key))


def unpause(call: ToolCall) -> str:
    """Say how a paused connection goes on."""
    return f"`mendflow pause {call.connection} --off` lets it go on; then `mendflow resume {RUN}`."


def until_settled(ledger: Ledger) -> timedelta | None:
    """Return how long absence does not count yet; None when it never will."""
    if ledger.settle is None:
        return None
    return since_sent(ledger, ledger.settle)


def since_sent(ledger: Ledger, span: timedelta) -> timedelta | None:
    """Return what is left of a span that began with the last sending; None when that moment is not known."""
    if not ledger.attempts:
        return None
    return max(attempt.sent_at for attempt in ledger.attempts) + span - ledger.now


def unknown(detail: str) -> Fault:
    """Return the fault of an outcome that is not known."""
    return Fault(kind="unknown_outcome", detail=detail)


def unsettled(spec: ToolSpec, call: ToolCall, found: str) -> Verdict:
    """Leave it to a person, with what was found."""
    fault = unknown(f"whether `{spec.operation}` took place is not settled: {found}")
    return Parked(fault=fault, next_action=person_decides(spec, call))
