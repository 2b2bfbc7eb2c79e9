"""The judgement of a case: what the run says of its effect against what stands at the vendor. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from mendflow.connectors.contract import JsonObject


@dataclass(frozen=True, slots=True)
class Finding:
    """What one run left behind."""

    operation: str
    document: JsonObject
    """The run's last result; empty where it never came to one."""
    effects: tuple[str, ...]
    """Operations of all writes that took place at the vendor since the run began."""
    states: tuple[str, ...]
    """How the journal's effects of the operation stand."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """Which ends besides a completed run are right ones."""

    failed: bool = False
    parked: bool = False


def violations(found: Finding, allowed: Allowed) -> list[str]:
    """Return what must not be: doubled, lost, false words, no end."""
    status = str(found.document.get("status", ""))
    count = found.effects.count(found.operation)
    wrong = doubled(found.effects)
    match status:
        case "completed" if count == 0:
            wrong.append("lost: the run completed and nothing took place")
        case "completed":
            pass
        case "failed" if count:
            wrong.append("false failed: the run failed and the effect took place")
        case "failed":
            wrong += [] if allowed.failed else ["needless: the run failed though nothing was refused"]
        case "parked":
            wrong += [] if allowed.parked else ["needless: parked though it could have been settled"]
            wrong += _unexplained(found.document)
        case _:
            wrong.append(f"stuck: the run came to no end (`{status}`)")
    return wrong + [
        f"false words: the journal says `{state}` and {count} took place"
        for state in found.states
        if (state == "done" and not count) or (state in ("refused", "planned", "intent") and count)
    ]


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
