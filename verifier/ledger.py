"""What is known of a call's earlier attempts and its means: all that a judgement weighs besides the reply."""

from datetime import datetime, timedelta
from typing import Literal

from ..connectors.contract import Frozen
from .outcome import Standing
from .verdict import FaultKind

NOT_TRIED: frozenset[FaultKind | None] = frozenset({"rate_limit", "outage"})
"""Faults of attempts that the vendor turned away for their pace, or that did not leave while it was down."""

NOT_MADE: frozenset[FaultKind | None] = NOT_TRIED | {"paused"}
"""Faults of attempts of which the vendor saw nothing but their pace, if that: they do not count as attempts."""

MOST_ATTEMPTS, MOST_THROTTLED, MOST_PROBES = 6, 20, 5


class Attempt(Frozen):
    """One earlier attempt of the call, as it was judged."""

    number: int
    sent_at: datetime
    """Not before the moment at which it left: later is safe, earlier is not."""
    standing: Standing | Literal["absent"]
    """`absent`: it was unknown, and a settled reading proved that it did not take place."""
    fault_kind: FaultKind | None = None
    remedy: Literal["wait", "renew", "settle", "resend"] | None = None


class Ledger(Frozen):
    """The earlier attempts and the budget of one call."""

    attempts: tuple[Attempt, ...] = ()
    """Earlier attempts of this call; while its outcome is settled, all of them. Confirming reads are none."""
    now: datetime
    """When the reply that is judged came in, or later."""
    settle: timedelta | None = None
    """After this time an effect that was sent is surely listed, or never will be; None: no bound is known."""
    marker_trusted: bool = False
    """Whether the account is known to echo our marker, so that its absence may count."""
    most_attempts: int = MOST_ATTEMPTS
    most_throttled: int = MOST_THROTTLED
    """How many attempts may be `NOT_TRIED`; these do not count as attempts otherwise."""
    probes: int = 0
    """Confirming reads that led nowhere, for the present unknown; one that leads to the next page did not."""
    most_probes: int = MOST_PROBES
    """How many confirming reads may lead nowhere."""
    listed: int | None = None
    """How many items the listing had when its first page was read, where a later page is judged."""
    longest_wait: timedelta = timedelta(minutes=5)
    """Beyond this the engine waits on a timer rather than in memory."""
    salt: str = ""
    """Key of the call; spreads the waits."""
    may_repeat: bool = False
    """Whether the workflow's author says that a repetition of this call does no harm."""
    inert: bool = False
    """Whether nothing that is written can depend on the answer, so that drift tier T2 may be used."""
    total_before: int | None = None
    """What a `TotalRead` showed before the first sending."""
    renewed: int = 0
    renewal_changed: bool | None = None
    """Whether the last renewal brought another secret; None before the first."""

    @property
    def number(self) -> int:
        """Number of the attempt that is judged; counts from 1."""
        return len(self.attempts) + 1

    @property
    def has_unknown(self) -> bool:
        """Whether an earlier attempt may have taken place without our knowing."""
        return any(attempt.standing == "unknown" for attempt in self.attempts)

    @property
    def is_spent(self) -> bool:
        """Whether the attempt that is judged was the last one."""
        return self.number - self._count(NOT_MADE) >= self.most_attempts

    @property
    def is_used_up(self) -> bool:
        """Whether the attempts that were made are as many as there may be, so that none may follow."""
        return len(self.attempts) - self._count(NOT_MADE) >= self.most_attempts

    @property
    def is_turned_away_for_good(self) -> bool:
        """Whether attempts were `NOT_TRIED` as often as they may."""
        return self._count(NOT_TRIED) + 1 >= self.most_throttled

    def _count(self, kinds: frozenset[FaultKind | None]) -> int:
        return sum(attempt.fault_kind in kinds for attempt in self.attempts)


def proved_absent(attempts: tuple[Attempt, ...]) -> tuple[Attempt, ...]:
    """Return the attempts after a settled reading found nothing of them."""
    return tuple(
        attempt.model_copy(update={"standing": "absent"}) if attempt.standing == "unknown" else attempt
        for attempt in attempts
    )
