"""Courses and effects without what no rule looks at: two that have the same normal form have the same future.

Else every history would be a world of its own. That nothing is lost is a claim about the rules, and is tested.
"""

from dataclasses import dataclass
from typing import Final

from mendflow.connectors.contract import JsonObject
from mendflow.verifier.course import Course, Healed
from mendflow.verifier.effect import Effect, EffectAttempt
from mendflow.verifier.ledger import NOT_MADE, NOT_TRIED, Attempt
from mendflow.verifier.verdict import Fault

from tests.explorer.trades import NOON, TICK

COURSE_FIELDS: Final = frozenset(
    [
        "attempt",
        "attempts",
        "probe",
        "probes",
        "listed",
        "total_before",
        "is_counted",
        "renew_from",
        "renewed",
        "renewal_changed",
        "healing",
    ]
)
EFFECT_FIELDS: Final = frozenset(["slot", "digest", "repeatable", "state", "attempts", "evidence", "version"])
"""What the normal forms were written for; a field that is new is to be thought about first."""

_WAITED: Final = Healed(fault=Fault(kind="slot_taken", detail="-"), remedy="wait")
_PROOF: Final[JsonObject] = {"proof": "p"}


@dataclass(frozen=True, slots=True)
class Bounds:
    """Beyond which more is no different."""

    horizon: int
    """Ticks after which a moment is simply long ago."""
    sends: int
    waits: int
    """For a slot."""


def normal_course(course: Course, bounds: Bounds) -> Course:
    """Return a course with what matters: how many sendings, how many of them turned away, whether one is open, when."""
    update = {
        "attempt": 1,
        "attempts": _normal_attempts(course.attempts, bounds),
        "renewed": min(course.renewed, 1),
        "healing": (_WAITED,) * min(len(course.healing), bounds.waits),
    }
    return course.model_copy(update=update)


def _normal_attempts(attempts: tuple[Attempt, ...], bounds: Bounds) -> tuple[Attempt, ...]:
    if not attempts:
        return ()
    last = max(one.sent_at for one in attempts)
    sent_at = NOON - TICK * min(max(0, int((NOON - last) / TICK)), bounds.horizon)
    is_open = any(one.standing == "unknown" for one in attempts)
    idle = sum(one.fault_kind in NOT_TRIED for one in attempts)
    held = sum(one.fault_kind in NOT_MADE - NOT_TRIED for one in attempts)  # these count towards no bound
    tried = min(len(attempts) - idle - held, bounds.sends)
    spent = [Attempt(number=1, sent_at=sent_at, standing="refused")] * (tried - is_open)
    turned_away = [Attempt(number=1, sent_at=sent_at, standing="refused", fault_kind="rate_limit")] * idle
    held_back = [Attempt(number=1, sent_at=sent_at, standing="not_sent", fault_kind="paused")] * min(held, 1)
    unknown = [Attempt(number=1, sent_at=sent_at, standing="unknown")] * is_open
    return (*spent, *turned_away, *held_back, *unknown)


def older(course: Course, bounds: Bounds) -> Course:
    """Return the normal form of a course one tick later."""
    attempts = [one.model_copy(update={"sent_at": one.sent_at - TICK}) for one in course.attempts]
    return normal_course(course.model_copy(update={"attempts": tuple(attempts)}), bounds)


def waited(course: Course) -> Course:
    """Return a course after one more wait for a slot."""
    return course.model_copy(update={"healing": (*course.healing, _WAITED)})


def normal_effect(effect: Effect) -> Effect:
    """Return an effect with what matters: its state, and whether an attempt is open or unknown.

    The version starts anew: that each transition raises it is demanded when the transition is made.
    """
    unknown = ["unknown"] if effect.has_unknown else []
    opened = ["open"] if effect.state == "intent" else []
    attempts = tuple(
        EffectAttempt.model_validate({"number": number, "at": NOON, "standing": standing})
        for number, standing in enumerate([*unknown, *opened], start=1)
    )
    evidence = _PROOF if effect.evidence else {}
    return Effect(
        slot=effect.slot,
        digest=effect.digest,
        repeatable=effect.repeatable,
        state=effect.state,
        attempts=attempts,
        evidence=evidence,
    )
