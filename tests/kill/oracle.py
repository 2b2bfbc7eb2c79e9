"""The judgement of a case: what its runs say of their effect against what stands at the vendor. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from mendflow.connectors.contract import JsonObject

_ENDS = ("completed", "failed", "parked")
_OPEN = ("intent", "unknown", "reconciling")
"""States in which somebody must still find out whether the effect took place: a run never ends over one."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What the runs of one home left behind: all have the same workflow, and thus ask for the same effect."""

    operation: str
    documents: tuple[JsonObject, ...]
    """Each run's last result; empty where it never came to one."""
    effects: tuple[str, ...]
    """Operations of all writes that took place at the vendor since the first run began."""
    states: tuple[str, ...]
    """How the journal's effects of the operation stand."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """Which ends besides a completed run are right ones."""

    failed: bool = False
    parked: bool = False


def violations(found: Finding, allowed: Allowed) -> list[str]:
    """Return what must not be: doubled, lost, false words, no end."""
    count = found.effects.count(found.operation)
    wrong = doubled(found.effects)
    for document in found.documents or ({},):
        wrong += _misjudged(document, count, allowed)
    wrong += [
        f"false words: the journal says `{state}` and {count} took place"
        for state in found.states
        if (state == "done" and not count) or (state in ("refused", "planned", "intent") and count)
    ]
    if all(document.get("status") in _ENDS for document in found.documents):
        wrong += [
            f"left open: no run goes on and the journal says `{state}`"
            for state in found.states
            if state in _OPEN
        ]
    return wrong


def _misjudged(document: JsonObject, count: int, allowed: Allowed) -> list[str]:
    """Return what is wrong with the end of one run, when the effect took place `count` times."""
    status = str(document.get("status", ""))
    match status:
        case "completed":
            return [] if count else ["lost: the run completed and nothing took place"]
        case "failed":
            return _wrongly_failed(document, count, allowed)
        case "parked":
            needless = [] if allowed.parked else ["needless: parked though it could have been settled"]
            return needless + _unexplained(document)
        case _:
            return [f"stuck: the run came to no end (`{status}`)"]


def _wrongly_failed(document: JsonObject, count: int, allowed: Allowed) -> list[str]:
    """Return what is wrong with a failed run: another run that makes the same effect is no reason to fail."""
    if "slot_taken" in _reasons(document):
        return [
            "false failed: the run failed over a slot that another one had filled with the same arguments"
        ]
    if count:
        return ["false failed: the run failed and the effect took place"]
    return [] if allowed.failed else ["needless: the run failed though nothing was refused"]


def _reasons(document: JsonObject) -> list[object]:
    """Return the kinds of the faults at which the run failed."""
    failed = document.get("failed")
    ends = failed if isinstance(failed, list) else []
    faults = [end.get("fault") for end in ends if isinstance(end, dict)]
    return [fault.get("kind") for fault in faults if isinstance(fault, dict)]


def doubled(effects: Sequence[str]) -> list[str]:
    """Return which operations took place more than once; every run of this harness means each of them once."""
    return [
        f"doubled: `{name}` took place {number} times"
        for name, number in Counter(effects).items()
        if number > 1
    ]


def _unexplained(document: JsonObject) -> list[str]:
    parked = document.get("parked")
    ends = parked if isinstance(parked, list) else []
    explained = bool(ends) and all(
        isinstance(end, dict) and end.get("reason") and end.get("next_action") for end in ends
    )
    return [] if explained else ["unexplained: parked without cause or next action"]
