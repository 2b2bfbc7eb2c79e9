"""One setting to explore: a class of effect, what is declared about it, what is true, and how much may happen."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from mendflow.verifier.course import Means

from tests.explorer.normal import Bounds
from tests.explorer.trades import SETTLE, TICK, TRADES, Trade

Flavour = Literal[
    "plain",  # one answer of each sort
    "answers",  # all the ways in which an answer may be odd
    "keys",  # the credential is missing or not accepted, and may be renewed
    "switch",  # the connection is paused, or known to be down
]

Words = Mapping[Flavour, tuple[str, ...]]
"""Answers, by the flavour that allows them."""


@dataclass(frozen=True, slots=True)
class Case:
    """A setting. `late` and `lag` are the truth about the vendor; `settle` and `trusted` are what is declared."""

    name: str
    trade: str
    settle: bool = False
    trusted: bool = False
    may_repeat: bool = False
    second_may_repeat: bool = False
    """The same for the second of two runs: workflows are edited between runs."""
    late: int | None = SETTLE
    """Within how many ticks a request that travels is applied and listed, or never is; None: there is no bound."""
    listed: Literal["as sent", "unmarked", "altered"] = "as sent"
    """Whether the account's listing shows our marker; `altered`: nor our amount."""
    runs: int = 1
    amounts: tuple[int, int] = (5, 5)
    """What the two runs ask for."""
    keys: tuple[str, str] = ("ann", "ann")
    """The business keys of the two runs; equal: they want one and the same effect."""
    second_is_capped: bool = False
    """Whether one more effect would go beyond the budget of the second run."""
    parks_exhausted: bool = False
    """`on_exhausted: park`."""
    flavours: frozenset[Flavour] = frozenset({"plain"})
    """How the vendor and the wire may answer."""
    sends: int = 3
    throttles: int = 1
    probes: int = 2
    slot_waits: int = 1
    crashes: int = 2
    others: int = 1
    """How many awards of others may appear."""
    visits: int = 1
    """How often a person may resume or decide."""

    @property
    def kind(self) -> Trade:
        """Return the class of effect."""
        return TRADES[self.trade]

    @property
    def horizon(self) -> int:
        """Return after how many ticks a moment is simply long ago."""
        return SETTLE if self.settle or self.trade in {"merge", "batch"} else 0

    @property
    def bounds(self) -> Bounds:
        """Return beyond which more is no different."""
        return Bounds(self.horizon, self.sends, self.slot_waits if self.runs > 1 else 0)

    @property
    def is_read_about(self) -> bool:
        """Return whether there is a confirming read."""
        return self.kind.read is not None

    @property
    def crew(self) -> tuple[int, int]:
        """Return the run of each of the two workers."""
        return (0, 1) if self.runs == 2 else (0, 0)

    def words(self, by_flavour: Words) -> tuple[str, ...]:
        """Return the answers of this case's flavours."""
        found = [word for flavour, words in by_flavour.items() if flavour in self.flavours for word in words]
        return tuple(dict.fromkeys(found))

    def means(self, run: int) -> Means:
        """Return what a call of a run may count on."""
        return Means(
            settle=SETTLE * TICK if self.settle else None,
            marker_trusted=self.trusted,
            may_repeat=(self.may_repeat, self.second_may_repeat)[run],
            most_attempts=self.sends,
            most_throttled=self.throttles,
            most_probes=self.probes,
        )
