"""The effect protocol: one logical write at a vendor, as a pure state machine.

    planned ─ intend ─▶ intent ─ conclude ─▶ done | refused | unknown | planned (not sent, or not now)
    unknown ─ begin_settling ─▶ reconciling ─ settled ─▶ done (present) | planned (absent) | unknown (unread)
    planned | unknown | reconciling ─ park ─▶ parked ─ reopen ─▶ planned | unknown
    parked ─ resolve ─▶ done | refused | planned (a person's word)

The ten invariants, and what holds them:
1. No byte leaves before the intent is on disk: `journal` writes it in the transaction that takes the slot, and
   the Distributor awaits that.
2. Terminal states are immutable: every transition out of `done` and `refused` is refused here, and the journal
   applies a transition to the row it finds, in one transaction, for the owner of the present epoch only.
3. Between two sendings of one effect lies, for every earlier attempt, the proof that it did not take place
   (`not_sent`, `refused`, `absent`), or the effect may be repeated (`repeatable`): `intend`.
4. Unknown is sticky: `refused` and `planned` are reached only when no attempt is unknown: `conclude`.
5. `done` needs evidence, which is stored: `conclude`, `settled`, `resolve`.
6. At the vendor there is at most one effect for each slot: what all the others are for.
7. A run in other hands is taken over only with the proof that its owner is dead (`journal.home`: the kernel's
   lock); an effect that another run holds is waited for or left to a person (`journal.claims`).
8. Absence proves nothing before the settle time has passed since the last sending, nor where no such time is
   declared: `verifier.probing`.
9. Our marker, the vendor's key or the object's own state decides; amount, contact and time never do:
   `verifier.marker_read`, `verifier.object_read`.
10. Every course ends in `done`, `refused` or `parked` within bounded attempts: `verifier.ledger`.

Here as well: at most one attempt is open, and exactly in the state `intent`; every transition raises the
version by one.
"""

from datetime import datetime
from typing import Literal, assert_never

from pydantic import Field

from ..connectors.contract import Frozen, JsonObject
from ..connectors.errors import IllegalTransition
from .outcome import Standing

State = Literal["planned", "intent", "done", "refused", "unknown", "reconciling", "parked"]
Found = Literal["present", "absent", "unreadable"]
Decision = Literal["done", "refused", "resend"]
"""What a person says of a parked effect: it took place; it is given up; it did not take place, so send it."""


class EffectAttempt(Frozen):
    """One sending of the effect, or what may have been one."""

    number: int
    at: datetime
    """When the intent was written: before the first byte left."""
    standing: Standing | Literal["open", "absent"] = "open"


class Effect(Frozen):
    """One logical write. It takes place at most once, ever, per slot."""

    slot: str
    digest: str
    """Of the canonical arguments, which are fixed for good."""
    repeatable: bool = False
    """Whether it may be sent again while unknown: it is the same effect then, or a repetition does no harm."""
    state: State = "planned"
    attempts: tuple[EffectAttempt, ...] = ()
    evidence: JsonObject = Field(default_factory=dict)
    """What proves the present state."""
    version: int = 0

    @property
    def has_unknown(self) -> bool:
        """Whether some attempt may have taken place without our knowing."""
        return any(attempt.standing == "unknown" for attempt in self.attempts)


def intend(effect: Effect, at: datetime) -> Effect:
    """Declare a sending. The result must be on disk before the first byte leaves."""
    _demand(effect, "intend", "planned", "unknown")
    if effect.state == "unknown" and not effect.repeatable:
        raise _illegal(
            effect, "intend", "an earlier attempt may have taken place; settle it by reading first"
        )
    attempt = EffectAttempt(number=len(effect.attempts) + 1, at=at)
    return _next(effect, "intent", (*effect.attempts, attempt), effect.evidence)


def conclude(effect: Effect, standing: Standing, evidence: JsonObject, *, final: bool = True) -> Effect:
    """Record what became of the open attempt. `final=False`: refused for now only, as by a rate limit."""
    _demand(effect, "conclude", "intent")
    if standing == "done":
        _demand_evidence(effect, "conclude", evidence)
    last = effect.attempts[-1].model_copy(update={"standing": standing})
    attempts = (*effect.attempts[:-1], last)
    return _next(effect, _concluded(standing, attempts, final=final), attempts, evidence)


def begin_settling(effect: Effect) -> Effect:
    """Start to find out by reading whether it took place."""
    _demand(effect, "begin_settling", "unknown")
    return _next(effect, "reconciling", effect.attempts, effect.evidence)


def settled(effect: Effect, found: Found, evidence: JsonObject) -> Effect:
    """Record what the reading found. `absent` is for complete, settled readings by a trusted marker only."""
    _demand(effect, "settled", "unknown", "reconciling")
    match found:
        case "present":
            _demand_evidence(effect, "settled", evidence)
            return _next(effect, "done", _resolved(effect.attempts, "done"), evidence)
        case "absent":
            return _next(effect, "planned", _resolved(effect.attempts, "absent"), evidence)
        case "unreadable":
            return _next(effect, "unknown", effect.attempts, evidence)
        case never:
            assert_never(never)


def park(effect: Effect, evidence: JsonObject) -> Effect:
    """Leave it to a person; nothing is sent until then."""
    _demand(effect, "park", "planned", "unknown", "reconciling")
    return _next(effect, "parked", effect.attempts, evidence)


def reopen(effect: Effect) -> Effect:
    """Take up a parked effect when a person resumes: where it stood, with nothing forgotten."""
    _demand(effect, "reopen", "parked")
    return _next(effect, "unknown" if effect.has_unknown else "planned", effect.attempts, effect.evidence)


def resolve(effect: Effect, decision: Decision, evidence: JsonObject) -> Effect:
    """Record what a person says of a parked effect; the evidence holds who, and why."""
    _demand(effect, "resolve", "parked")
    _demand_evidence(effect, "resolve", evidence)
    match decision:
        case "done":
            return _next(effect, "done", _resolved(effect.attempts, "done"), evidence)
        case "refused":
            return _next(effect, "refused", _resolved(effect.attempts, "absent"), evidence)
        case "resend":
            return _next(effect, "planned", _resolved(effect.attempts, "absent"), evidence)
        case never:
            assert_never(never)


def _concluded(standing: Standing, attempts: tuple[EffectAttempt, ...], *, final: bool) -> State:
    match standing:
        case "done":
            return "done"
        case "unknown":
            return "unknown"
        case "not_sent" | "refused":
            if any(attempt.standing == "unknown" for attempt in attempts):
                return "unknown"  # invariant 4: this refusal says nothing about the earlier attempt
            return "refused" if standing == "refused" and final else "planned"
        case never:
            assert_never(never)


def _resolved(
    attempts: tuple[EffectAttempt, ...], standing: Literal["done", "absent"]
) -> tuple[EffectAttempt, ...]:
    return tuple(
        attempt.model_copy(update={"standing": standing}) if attempt.standing == "unknown" else attempt
        for attempt in attempts
    )


def _next(effect: Effect, state: State, attempts: tuple[EffectAttempt, ...], evidence: JsonObject) -> Effect:
    return effect.model_copy(
        update={"state": state, "attempts": attempts, "evidence": evidence, "version": effect.version + 1}
    )


def _demand(effect: Effect, step: str, *states: State) -> None:
    if effect.state not in states:
        raise _illegal(effect, step, f"it may be only from {' or '.join(f'`{state}`' for state in states)}")


def _demand_evidence(effect: Effect, step: str, evidence: JsonObject) -> None:
    if not evidence:
        raise _illegal(effect, step, "it needs evidence")


def _illegal(effect: Effect, step: str, reason: str) -> IllegalTransition:
    return IllegalTransition(
        f"`{step}` was asked of the effect `{effect.slot}` in the state `{effect.state}`: {reason}.",
        help="This is an error of mendflow, and nothing was sent: please report it with the run's trace.",
    )
