"""The one scheduling rule: which steps are ready, given what has happened. Pure."""

from dataclasses import dataclass
from datetime import datetime

from ..language.plan import Step
from .state import FINISHED, StepState


@dataclass(frozen=True, slots=True)
class Schedule:
    """What may happen next."""

    ready: tuple[Step, ...] = ()
    """Steps whose needs are done."""
    skipped: tuple[tuple[str, str], ...] = ()
    """Steps that can never run, with the reason."""
    due: tuple[str, ...] = ()
    """Entries whose wait is over."""
    joined: tuple[str, ...] = ()
    """Agents all of whose reads have come back."""
    wait_until: datetime | None = None
    """Set when nothing else can be done before this moment."""
    must_hold: bool = False
    """Whether this process waits until then, however long: another one would have to begin the wait anew."""
    over: bool = False
    """Nothing can be done in this process: all is finished, or a person or a long timer must come first."""


def next_steps(steps: tuple[Step, ...], state: dict[str, StepState], now: datetime) -> Schedule:
    """Return what may happen next.

    A step whose need was skipped or failed is skipped with the reason; one whose need is parked or blocked stays
    where it is, since a resume may go on with it. Waiting is chosen only when nothing is running and nothing is ready.
    """
    skipped: list[tuple[str, str]] = []
    ready: list[Step] = []
    seen = dict(state)
    for step in steps:  # the order of the file has needs first only by habit, so settle skips to the end
        if step.id in seen:
            continue
        ready.append(step)
    changed = True
    while changed:
        changed = False
        for step in tuple(ready):
            reason = _never(step, seen)
            if reason:
                seen[step.id] = {"status": "skipped"}
                skipped.append((step.id, reason))
                ready.remove(step)
                changed = True
    runnable = tuple(
        step for step in ready if all(seen.get(need, {}).get("status") == "done" for need in step.needs)
    )
    due, until = _blocked(state, now)
    joined = tuple(
        name for name, entry in state.items() if entry["status"] == "reading" and _all_back(entry, state)
    )
    if skipped or runnable or due or joined:
        return Schedule(ready=runnable, skipped=tuple(skipped), due=due, joined=joined)
    if any(entry["status"] == "running" for entry in state.values()):
        return Schedule()
    must_hold = any(
        entry["status"] == "blocked" and entry.get("must_hold") is True for entry in state.values()
    )
    return Schedule(wait_until=until, must_hold=must_hold, over=until is None)


def _never(step: Step, state: dict[str, StepState]) -> str:
    for need in step.needs:
        status = state.get(need, {}).get("status")
        if status in ("skipped", "failed"):
            return f"it needs `{need}`, which is {status}"
    return ""


def _blocked(state: dict[str, StepState], now: datetime) -> tuple[tuple[str, ...], datetime | None]:
    """Return what is due, and when the next is. A map that waits is left to a resume: its items are not begun again."""
    due: list[str] = []
    until: datetime | None = None
    for name, entry in state.items():
        if (
            entry["status"] != "blocked"
            or not isinstance(entry.get("until"), str)
            or entry.get("map") is True
        ):
            continue
        moment = datetime.fromisoformat(str(entry["until"]))
        if moment <= now:
            due.append(name)
        else:
            until = moment if until is None else min(until, moment)
    return tuple(due), until


def _all_back(entry: StepState, state: dict[str, StepState]) -> bool:
    reads = entry.get("reads")
    return isinstance(reads, list) and all(state[str(read)]["status"] in FINISHED for read in reads)
