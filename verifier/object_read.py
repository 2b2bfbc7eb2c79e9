"""Settling by the state of the object that the call changes, and by totals, which prove nothing.

A state that the call was to bring about is proof that it stands. The object's old state is proof of absence only
where the catalogue says what that state looks like, and after the settle time. An object that is gone and a total
that grew are evidence for a person: others may have done it, so they neither confirm nor permit a resend.
"""

from datetime import timedelta

from pydantic import JsonValue

from ..connectors.contract import Reply, StateRead, ToolCall, ToolSpec, TotalRead
from .contract import fits
from .echo import find, is_repeated, is_same
from .ledger import Ledger
from .outcome import Outcome, classify
from .probing import (
    absent,
    look_again,
    person_decides,
    since_sent,
    took_place,
    unknown,
    unsettled,
    until_settled,
)
from .remedy import backoff
from .verdict import Healing, Parked, Settle, Verdict


def judge_state(
    spec: ToolSpec,
    confirm: StateRead,
    call: ToolCall,
    probe_spec: ToolSpec,
    probe: ToolCall,
    reply: Reply,
    ledger: Ledger,
) -> Verdict:
    """Judge a reading of the object. `ledger.attempts` holds all attempts, the unknown one included."""
    outcome = classify(probe_spec, probe, reply)
    if outcome.fault is not None:
        if outcome.fault.kind == "refused" and outcome.fault.evidence.get("code") in confirm.gone:
            return _likely(spec, call, f"`{probe.operation}` says that there is no such object any more")
        return look_again(spec, call, reply, ledger, outcome.fault)
    output = outcome.output
    if confirm.equals and all(
        any(is_repeated(spec, call, argument, found) for found in find(output, path))
        for path, argument in confirm.equals.items()
    ):
        shown = output if fits(spec.answer, output) else None
        return took_place(spec, shown, f"`{probe.operation}` shows the state that was asked for")
    found = f"`{probe.operation}` does not show that `{spec.operation}` took place"
    span = ledger.settle if ledger.settle is not None else confirm.takes
    if not _is_untouched(confirm, output):
        return _wait_or_park(spec, call, ledger, found, span)
    remaining = until_settled(ledger)
    if remaining is None:
        return _wait_or_park(spec, call, ledger, f"{found}, and no `settle` time is declared", span)
    if remaining > timedelta():
        return Healing(fault=unknown(found), remedy=Settle(after=remaining))
    return absent(spec, ledger, f"after the settle time `{probe.operation}` shows the object untouched")


def judge_total(
    spec: ToolSpec,
    confirm: TotalRead,
    call: ToolCall,
    probe_spec: ToolSpec,
    probe: ToolCall,
    reply: Reply,
    ledger: Ledger,
) -> Verdict:
    """Judge a reading of the total: it says what to tell the person who decides."""
    outcome = classify(probe_spec, probe, reply)
    if outcome.fault is not None:
        return look_again(spec, call, reply, ledger, outcome.fault)
    before, now, wanted = (
        ledger.total_before,
        total_of(confirm, outcome),
        call.arguments.get(confirm.grows_by),
    )
    if before is None or now is None or not isinstance(wanted, int):
        return unsettled(spec, call, f"`{probe.operation}` gave no total to compare")
    found = f"the total of `{probe.operation}` was {before} before and is {now}; {wanted} more were asked for"
    if now - before < wanted:
        span = ledger.settle if ledger.settle is not None else confirm.takes
        return _wait_or_park(spec, call, ledger, found, span)
    return _likely(spec, call, found)


def _likely(spec: ToolSpec, call: ToolCall, found: str) -> Verdict:
    fault = unknown(f"{found}. Somebody else may have brought that about, so it is no proof")
    return Parked(fault=fault, next_action=person_decides(spec, call, "It most likely took place."))


def total_of(confirm: TotalRead, outcome: Outcome) -> int | None:
    """Return the total that a reading shows, or None."""
    for value in find(outcome.meta, confirm.total):
        return value if isinstance(value, int) and not isinstance(value, bool) else None
    return None


def _is_untouched(confirm: StateRead, output: JsonValue) -> bool:
    return bool(confirm.untouched) and all(
        any(is_same(found, value) for found in find(output, path))
        for path, value in confirm.untouched.items()
    )


def _wait_or_park(spec: ToolSpec, call: ToolCall, ledger: Ledger, found: str, span: timedelta) -> Verdict:
    """Look again as long as the vendor may take, and a few times at least; then a person decides."""
    remaining = since_sent(ledger, span) or timedelta()
    if remaining <= timedelta() and ledger.probes + 1 >= _least(ledger, span):
        return Parked(fault=unknown(found), next_action=person_decides(spec, call))
    after = backoff(ledger.probes + 1, ledger.salt)
    return Healing(
        fault=unknown(found), remedy=Settle(after=min(after, remaining) if remaining > timedelta() else after)
    )


def _least(ledger: Ledger, span: timedelta) -> int:
    """Return how many readings are made at least: a declared bound needs but one after it."""
    return 1 if ledger.settle is not None or span > timedelta() else ledger.most_probes
