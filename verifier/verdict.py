"""The words of judgement as data: faults, remedies, mends, verdicts."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from ..connectors.contract import Frozen, Json, JsonObject, Tagged

FaultKind = Literal[
    "rate_limit",
    "unauthorized",
    "forbidden",
    "drift",
    "unreachable",
    "timeout",
    "server_error",
    "maintenance",
    "malformed_answer",
    "unknown_outcome",
    "refused",
    "invalid_arguments",
    "slot_taken",
    "missing_credential",
    "draft_rejected",
    "model_fault",
    "expectation",
    "expression",
    "budget_spent",
    "denied",
    "paused",
    "outage",
]

RUN, EFFECT = "{run}", "{effect}"
"""Stand in a next action for the run and for the path of the effect, which only the engine knows."""


class Fault(Frozen):
    """What is wrong with a result."""

    kind: FaultKind
    detail: str
    """One sentence for people: what was found and what was expected. No secret, no payload."""
    evidence: JsonObject = Field(default_factory=dict)


class Wait(Tagged):
    """Wait, then make the call again; `pace` holds back the whole connection meanwhile."""

    kind: Literal["wait"] = "wait"
    duration: timedelta
    pace: bool = False


class Renew(Tagged):
    """Read the credential's source again, then make the call again."""

    kind: Literal["renew"] = "renew"


class Settle(Tagged):
    """Find out by reading whether an unknown effect took place; `after` is how long to wait first."""

    kind: Literal["settle"] = "settle"
    after: timedelta
    page: int = 1
    total: int | None = None
    """How many items the listing had when its first page was read; later pages must say the same."""
    renew: bool = False
    """Whether the credential's source is read again before that: the last confirming read was not let in."""


class Resend(Tagged):
    """Make the call again: it is proven that no attempt took place, or repeating it is the same effect."""

    kind: Literal["resend"] = "resend"
    after: timedelta = timedelta()


class Rewrite(Tagged):
    """Hand the draft back to its author with the reasons."""

    kind: Literal["rewrite"] = "rewrite"
    reasons: tuple[str, ...]


Remedy = Annotated[Wait | Renew | Settle | Resend | Rewrite, Field(discriminator="kind")]


class Move(Frozen):
    """One lossless move of a drift patch: the value found at `found` belongs at `expected`."""

    tier: Literal["T0", "T1", "T2", "T3", "T4"]
    found: str
    expected: str
    change: Literal["", "text", "whole", "case"] = ""
    """How the value is written otherwise: as text, as a whole number, as the word of the contract's list."""


class Mend(Frozen):
    """A heal that took effect: what was wrong, what was done, what proves it (the design's heal record)."""

    fault: Fault
    remedy: str
    """`wait`, `renew`, `settle`, `resend`, `rewrite` or `drift_patch`."""
    proof: str
    """The postcondition that held afterwards."""
    moves: tuple[Move, ...] = ()


class Passed(Tagged):
    """The result is what the contract promises."""

    kind: Literal["passed"] = "passed"
    output: Json
    mends: tuple[Mend, ...] = ()
    """Heals that took place within this judgement, such as a drift patch."""


class Healing(Tagged):
    """The result is not good, and a remedy may make it so."""

    kind: Literal["heal"] = "heal"
    fault: Fault
    remedy: Remedy


class Parked(Tagged):
    """Only a person may decide; nothing is lost and nothing is repeated until then."""

    kind: Literal["parked"] = "parked"
    fault: Fault
    next_action: str
    """The exact thing to do next, for people."""


class Failed(Tagged):
    """It did not work and no remedy applies."""

    kind: Literal["failed"] = "failed"
    fault: Fault


Verdict = Annotated[Passed | Healing | Parked | Failed, Field(discriminator="kind")]
