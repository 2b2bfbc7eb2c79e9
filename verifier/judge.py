"""The judgement of one reply: passed, a remedy, a person, or failure. Pure and total."""

from datetime import timedelta

from ..connectors.contract import REPEATABLE, Answer, Reply, ToolCall, ToolSpec
from ..connectors.hints import hinted_wait
from .drift.repair import Unrepaired, repair
from .ledger import NOT_TRIED, Ledger
from .outcome import Outcome, classify, wrong_with
from .probing import can_be_settled, person_decides, unpause, unsettled
from .remedy import backoff
from .verdict import RUN, Failed, Fault, Healing, Mend, Parked, Passed, Renew, Resend, Settle, Verdict, Wait


def judge(spec: ToolSpec, call: ToolCall, reply: Reply, ledger: Ledger) -> Verdict:
    """Judge what came back to one attempt of a call, in the light of its earlier attempts."""
    outcome = classify(spec, call, reply)
    if outcome.fault is None:
        return Passed(output=outcome.output)
    if spec.is_read:
        return _judge_read(spec, call, reply, ledger, outcome.fault)
    if outcome.standing == "unknown" or ledger.has_unknown:
        return _judge_unknown(spec, call, reply, ledger, outcome)
    if _contradicts_absence(spec, call, ledger, outcome.fault):
        return unsettled(
            spec, call, "the listing did not hold it, and now the vendor says that its key is taken"
        )
    return _prescribe(call, reply, ledger, outcome.fault)


def _judge_read(spec: ToolSpec, call: ToolCall, reply: Reply, ledger: Ledger, fault: Fault) -> Verdict:
    if fault.kind != "drift" or not isinstance(reply.outcome, Answer):
        return _prescribe(call, reply, ledger, fault)
    thing = spec.operation.partition(".")[0]
    mended = repair(spec.answer, reply.outcome.body, spec.aliases, thing=thing, loud=ledger.inert)
    if isinstance(mended, Unrepaired):
        return _prescribe(call, reply, ledger, _with_reason(fault, mended.reason))
    still_wrong = wrong_with(spec, call, mended.output)
    if still_wrong is not None:
        return _prescribe(call, reply, ledger, _with_reason(fault, still_wrong.detail))
    proof = "the answer satisfies the contract after the moves"
    mend = Mend(fault=fault, remedy="drift_patch", proof=proof, moves=mended.moves)
    return Passed(output=mended.output, mends=(mend,))


def is_repeatable(spec: ToolSpec, call: ToolCall, *, may_repeat: bool = False) -> bool:
    """Tell whether a call may be sent again while an earlier attempt is unknown.

    It may where repeating it is the same effect, where the author of the workflow allows it, and where the vendor
    itself refuses a second one.
    """
    return may_repeat or spec.effect in REPEATABLE or _has_key(spec, call)


def _contradicts_absence(spec: ToolSpec, call: ToolCall, ledger: Ledger, fault: Fault) -> bool:
    """Tell whether the vendor knows an effect under our key of which a reading had proved that it is not there."""
    is_taken = spec.key is not None and fault.evidence.get("code") == spec.key.taken
    return is_taken and _has_key(spec, call) and any(one.standing == "absent" for one in ledger.attempts)


def _has_key(spec: ToolSpec, call: ToolCall) -> bool:
    return spec.key is not None and call.arguments.get(spec.key.argument) is not None


def _judge_unknown(spec: ToolSpec, call: ToolCall, reply: Reply, ledger: Ledger, outcome: Outcome) -> Verdict:
    """Go on after an attempt that may have taken place, this one or an earlier one. Unknown is sticky."""
    fault = _unknown_fault(spec, outcome)
    if is_repeatable(spec, call, may_repeat=ledger.may_repeat):
        verdict = _repeat(spec, call, reply, ledger, outcome, fault)
        if not (isinstance(verdict, Parked) and _has_key(spec, call) and can_be_settled(spec, call)):
            return verdict  # what the vendor's key leaves open, a reading may still settle
    if not can_be_settled(spec, call):
        return Parked(fault=fault, next_action=person_decides(spec, call))
    after = backoff(ledger.number, ledger.salt) if ledger.settle is None else ledger.settle
    return Healing(fault=fault, remedy=Settle(after=max(after, _asked(reply))))


def _repeat(
    spec: ToolSpec, call: ToolCall, reply: Reply, ledger: Ledger, outcome: Outcome, fault: Fault
) -> Verdict:
    """Send a repeatable effect again; where that is no use, a person decides; it never counts as failed."""
    if outcome.standing == "unknown":
        if ledger.is_spent:
            return Parked(fault=_given_up(fault, ledger), next_action=person_decides(spec, call))
        return Healing(fault=fault, remedy=Resend(after=_pause(reply, ledger)))
    verdict = _prescribe(call, reply, ledger, outcome.fault or fault)
    if isinstance(verdict, Failed):
        return Parked(fault=fault, next_action=person_decides(spec, call))
    return verdict


def _prescribe(call: ToolCall, reply: Reply, ledger: Ledger, fault: Fault) -> Verdict:
    """Prescribe for an attempt that changed nothing."""
    match fault.kind:
        case "rate_limit" if not ledger.is_turned_away_for_good:
            return Healing(fault=fault, remedy=Wait(duration=_pause(reply, ledger), pace=True))
        case "outage" if not ledger.is_turned_away_for_good:
            return Healing(fault=fault, remedy=Wait(duration=_pause(reply, ledger)))
        case "unauthorized" | "missing_credential":
            return _renew(call, ledger, fault)
        case "paused":
            return Parked(fault=fault, next_action=unpause(call))
        case (
            "rate_limit"
            | "outage"
            | "unreachable"
            | "timeout"
            | "server_error"
            | "maintenance"
            | "malformed_answer"
            | "drift"
        ):
            if ledger.is_spent or fault.kind in NOT_TRIED:
                return Failed(fault=_given_up(fault, ledger))
            return Healing(fault=fault, remedy=Wait(duration=_pause(reply, ledger)))
        case _:
            return Failed(fault=fault)


def _renew(call: ToolCall, ledger: Ledger, fault: Fault) -> Verdict:
    """Renew, and again only while each renewal brings another secret: the key may be rotated while we run."""
    is_worth_it = ledger.renewed == 0 or (ledger.renewal_changed and not ledger.is_spent)
    if is_worth_it:
        return Healing(fault=fault, remedy=Renew())
    found = "no key" if fault.kind == "missing_credential" else "the key was rejected"
    return Parked(
        fault=fault.model_copy(update={"detail": f"{fault.detail}: {found} after reading its source again"}),
        next_action=f"Put a valid key where the connection `{call.connection}` reads its credential"
        f" (an environment variable is read when a process starts), then `mendflow resume {RUN}`.",
    )


def _pause(reply: Reply, ledger: Ledger) -> timedelta:
    """Return what the vendor asks for and our own backoff on top, so that no two calls come back at once."""
    return backoff(ledger.number, ledger.salt) + _asked(reply)


def _asked(reply: Reply) -> timedelta:
    """Return how long the vendor asks to wait; nothing where it does not say so believably."""
    if not isinstance(reply.outcome, Answer):
        return timedelta()
    return hinted_wait(reply.outcome.headers, reply.received_at) or timedelta()


def _unknown_fault(spec: ToolSpec, outcome: Outcome) -> Fault:
    if outcome.fault is not None and outcome.standing == "unknown":
        return outcome.fault
    found = outcome.fault.detail if outcome.fault else "nothing"
    detail = f"an earlier attempt of `{spec.operation}` may have taken place; this one did not: {found}"
    return Fault(
        kind="unknown_outcome", detail=detail, evidence=outcome.fault.evidence if outcome.fault else {}
    )


def _with_reason(fault: Fault, reason: str) -> Fault:
    return fault.model_copy(update={"evidence": {**fault.evidence, "not_repaired": reason}})


def _given_up(fault: Fault, ledger: Ledger) -> Fault:
    attempts = "1 attempt" if ledger.number == 1 else f"{ledger.number} attempts"
    return fault.model_copy(update={"detail": f"{fault.detail}; given up after {attempts}"})
