"""What a search has to have taken: every transition of the shipped machine, every outcome, verdict and remedy."""

from collections.abc import Callable
from functools import partial
from typing import Final, get_args

from mendflow.connectors.contract import JsonObject
from mendflow.connectors.errors import IllegalTransition
from mendflow.verifier.effect import (
    Effect,
    Found,
    begin_settling,
    conclude,
    intend,
    park,
    reopen,
    resolve,
    settled,
)
from mendflow.verifier.outcome import Standing
from mendflow.verifier.verdict import FaultKind

from tests.explorer.normal import normal_effect
from tests.explorer.state import DECISIONS, STANDINGS
from tests.explorer.trades import NOON

_PROOF: Final[JsonObject] = {"proof": "p"}
_PRIMITIVES: Final[tuple[Callable[[Effect], Effect], ...]] = (
    partial(intend, at=NOON),
    *(partial(conclude, standing=one, evidence=_PROOF) for one in get_args(Standing)),
    partial(conclude, standing="refused", evidence=_PROOF, final=False),
    begin_settling,
    *(partial(settled, found=one, evidence=_PROOF) for one in get_args(Found)),
    partial(park, evidence=_PROOF),
    reopen,
    *(partial(resolve, decision=one, evidence=_PROOF) for one in DECISIONS),
)
"""Every step of the shipped machine."""
_NOT_JUDGED: Final = frozenset(
    {
        "invalid_arguments",  # found before anything is called
        "expression",  # the same
        "slot_taken",  # found by the claim
        "draft_rejected",  # drafts have no effect
        "model_fault",  # nor have models
        "expectation",  # asked after the effect
        "denied",  # a person's word
    }
)
"""Faults that no reply to a call brings."""


def machine() -> frozenset[str]:
    """Return every transition that the shipped machine allows, found by trying all steps on all it leads to."""
    found = {"effect free -> intent", "effect refused -> intent"}  # `choose_slot` begins anew
    seen: set[str] = set()
    ahead = [Effect(slot="s", digest="d", repeatable=repeatable) for repeatable in (False, True)]
    while ahead:
        effect = normal_effect(ahead.pop())
        if effect.model_dump_json() in seen:
            continue
        seen.add(effect.model_dump_json())
        for step in _PRIMITIVES:
            try:
                after = step(effect)
            except IllegalTransition:
                continue
            found.add(f"effect {effect.state} -> {after.state}")
            ahead.append(after)
    return frozenset(found)


def demanded() -> frozenset[str]:
    """Return everything that the searches together have to take."""
    sides = ("sending", "reading")
    return machine() | {
        *(f"standing {one}" for one in get_args(Standing)),
        *(f"verdict {one} on a {side}" for one in ("passed", "heal", "parked", "failed") for side in sides),
        *(f"remedy {one} after a sending" for one in ("wait", "renew", "settle", "resend")),
        *(f"remedy {one} after a reading" for one in ("settle", "resend")),
        *(f"claim {one}" for one in STANDINGS),
        *(f"fault {one}" for one in get_args(FaultKind) if one not in _NOT_JUDGED),
    }
