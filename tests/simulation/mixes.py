"""How much goes wrong in a world: named mixes, and those that a seed draws."""

from bisect import bisect
from dataclasses import dataclass, field
from itertools import accumulate
from random import Random
from typing import Final

from mendflow.connectors.sandbox.world import READS

Rates = dict[str, float]
"""Fault to the share of requests that it strikes."""


@dataclass(frozen=True, slots=True)
class Mix:
    """What strikes requests that write and requests that read, and how often a process dies for each effect."""

    name: str
    writes: Rates = field(default_factory=dict)
    reads: Rates = field(default_factory=dict)
    refusals: float = 0.0
    """The share of effects that the vendor refuses whenever it is asked for them."""
    kills: float = 0.0
    """Deaths for each effect that a process makes."""
    strangers: float = 0.0
    """What others do at the vendor, for each person: awards that look like ours, and merges."""
    skews: float = 0.0
    """The chance that the clock of a process is an hour wrong."""
    resumes: float = 0.0
    """The chance that a person takes up a parked run, twice at most."""
    resolves: float = 0.0
    """The chance that they look at the vendor first, and say what they found there."""
    outages: tuple[tuple[float, float], ...] = ()
    """Spans of seconds in which nobody can connect."""

    def draw(self, dice: Random, operation: str, moment: float) -> str:
        """Return what strikes a request; empty for nothing."""
        rates = self.reads if operation in READS else self.writes
        luck = dice.random()
        if any(begin <= moment < end for begin, end in self.outages):
            return "refused_connection"
        names = [*rates]
        place = bisect([*accumulate(rates.values())], luck)
        return names[place] if place < len(names) else ""


UNREADABLE: Final = ("bad_gateway", "garbled", "truncated", "torn")
_READ_FAULTS: Final = (
    *UNREADABLE,
    "refused_connection",
    "lost_request",
    "lost_reply",
    "slow",
    "rate_limit=seconds",
    "unauthorized",
    "server_error",
    "drift_wrap",
    "drift_rename",
    "empty",
)
_WRITE_FAULTS: Final = (
    *_READ_FAULTS,
    "silent_request",
    "silent_reply",
    "late",
    "late_silent",
    "rate_limit=date",
    "rate_limit=none",
    "rate_limit=400",
    "server_error=after",
    "bad_gateway=after",
    "creating",
    "creating=after",
    "refused",
    "lag",
    "lost_reply=0.05",
    "duplicate_key",
)

REFERENCE: Final = Mix(
    name="reference",
    refusals=0.05,
    writes={
        "rate_limit=seconds": 0.05,
        "lost_reply": 0.03,
        "lost_request": 0.03,
        "late": 0.01,
    },
    reads=dict.fromkeys(UNREADABLE, 0.02 / len(UNREADABLE)),
    kills=0.004,
)
"""The mix of the model: 10 % refusals (half for now, half for good), 3 % applied and then lost, 3 % lost, 1 % late,
0.4 % kills, 2 % unreadable reads."""
LOSSY: Final = Mix(
    name="lossy",
    writes={"lost_reply": 0.1, "lost_request": 0.1, "late": 0.2},
    kills=0.02,
)
"""The few faults from which doubled effects come, often."""
CALM: Final = Mix(name="calm")
NAMED: Final = {mix.name: mix for mix in (REFERENCE, LOSSY, CALM)}
FAULTS: Final = frozenset(_WRITE_FAULTS)
"""All that may strike."""


def drawn(dice: Random) -> Mix:
    """Return a mix of which a tenth to four tenths of all requests are struck, the kinds by chance."""
    return Mix(
        name="drawn",
        writes=_spread(dice, _WRITE_FAULTS, dice.uniform(0.1, 0.4)),
        reads=_spread(dice, _READ_FAULTS, dice.uniform(0.05, 0.3)),
        kills=dice.choice((0.0, 0.004, 0.01, 0.03)),
        strangers=dice.choice((0.0, 0.0, 0.1)),
        skews=dice.choice((0.0, 0.0, 0.5)),
        resumes=dice.choice((0.0, 0.5, 1.0)),
        resolves=dice.choice((0.0, 0.5)),
        outages=_outages(dice),
    )


def _spread(dice: Random, faults: tuple[str, ...], total: float) -> Rates:
    shares = [dice.expovariate(1) for _ in faults]
    return {fault: total * share / sum(shares) for fault, share in zip(faults, shares, strict=True)}


def _outages(dice: Random) -> tuple[tuple[float, float], ...]:
    if dice.random() < 0.7:
        return ()
    begin = dice.uniform(0, 20)
    return ((begin, begin + dice.uniform(1, 30)),)
