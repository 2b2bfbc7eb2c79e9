"""What became of a run, read from its events. Pure: the same for a run in the journal and for a trace file."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from pydantic import JsonValue

from ...connectors.contract import Frozen, JsonObject
from ...journal.events import Event, RunStatus


class OpenEnd(Frozen):
    """A step that failed or is parked."""

    path: str
    reason: str
    next_action: str = ""
    fault: JsonObject = {}


class EffectCount(Frozen):
    """Effects of a run: each slot counts once."""

    intended: int = 0
    confirmed: int = 0
    """Proven to stand at the vendor, now or from an earlier run."""


class RunResult(Frozen):
    """What became of a run."""

    run_id: str
    workflow: str
    status: RunStatus
    outputs: JsonObject = {}
    heals: dict[str, int] = {}
    """Heals that took effect, by fault kind."""
    effects: EffectCount = EffectCount()
    effects_by_operation: dict[str, EffectCount] = {}
    parked: tuple[OpenEnd, ...] = ()
    failed: tuple[OpenEnd, ...] = ()
    waiting: tuple[JsonObject, ...] = ()
    """What the run waits for: `{"path", "for": "approval"|"timer", …}`."""
    drafts_rejected: int = 0
    calls: int = 0
    due_at: datetime | None = None
    trace: str = ""


def summarise(events: Iterable[Event]) -> RunResult:
    """Return what became of the run that these events record."""
    run_id, started, closing = "", {}, {}
    heals: Counter[str] = Counter()
    ends: dict[str, JsonObject] = {}
    slots: dict[str, tuple[str, bool]] = {}
    passed: set[str] = set()
    rejected = calls = 0
    for event in events:
        run_id = event.run_id
        path, _, rest = event.key.partition("#")
        match event.kind:
            case "run_started":
                started = event.body
            case "run_ended" | "run_paused":
                closing = event.body
            case "run_resumed":
                closing = {}
            case "heal_recorded":
                fault = event.body.get("fault")
                heals[str(fault.get("kind")) if isinstance(fault, dict) else "unknown"] += 1
            case "step_ended":
                ends[path] = event.body
            case "intent_written":
                slots[str(event.body["slot"])] = (path, False)
            case "verdict_given":
                if event.body.get("kind") == "passed":
                    passed.add(path)
                remedy = event.body.get("remedy")
                rejected += isinstance(remedy, dict) and remedy.get("kind") == "rewrite"
            case "fact_recorded":
                calls += ":call:" in rest
                if ":slot:" in rest:
                    _note_claim(event.body, path, slots)
    return RunResult(
        run_id=run_id,
        workflow=_name(started),
        status=as_status(closing.get("status")),
        outputs=_object(closing.get("outputs")),
        heals=dict(sorted(heals.items())),
        effects=_count(slots.values(), passed),
        effects_by_operation=_by_operation(slots, passed),
        parked=_open_ends(ends, "parked"),
        failed=_open_ends(ends, "failed"),
        waiting=tuple(_object(one) for one in _list(closing.get("waiting"))),
        drafts_rejected=rejected,
        calls=calls,
        due_at=datetime.fromisoformat(str(closing["due_at"])) if closing.get("due_at") else None,
    )


def _note_claim(body: JsonObject, path: str, slots: dict[str, tuple[str, bool]]) -> None:
    request, value = _object(body.get("request")), _object(body.get("value"))
    slot = str(request.get("slot"))
    if slot not in slots:
        slots[slot] = (path, value.get("standing") == "done")


def _count(slots: Iterable[tuple[str, bool]], passed: set[str]) -> EffectCount:
    known = [*slots]
    return EffectCount(
        intended=len(known), confirmed=sum(1 for path, done in known if done or path in passed)
    )


def _by_operation(slots: dict[str, tuple[str, bool]], passed: set[str]) -> dict[str, EffectCount]:
    groups: dict[str, list[tuple[str, bool]]] = {}
    for slot, entry in slots.items():
        groups.setdefault(operation_of(slot), []).append(entry)
    return {name: _count(entries, passed) for name, entries in sorted(groups.items())}


def operation_of(slot: str) -> str:
    """Return the operation within a slot's name, `operation/account/…`."""
    return slot.partition("/")[0]


def _open_ends(ends: dict[str, JsonObject], status: str) -> tuple[OpenEnd, ...]:
    found = {path: body for path, body in ends.items() if body.get("status") == status}
    inner = [
        path for path in found if not any(other != path and other.startswith(f"{path}.") for other in found)
    ]
    return tuple(
        OpenEnd(
            path=path,
            reason=str(found[path].get("reason") or ""),
            next_action=str(found[path].get("next_action") or ""),
            fault=_object(found[path].get("fault")),
        )
        for path in inner
    )


def _name(started: JsonObject) -> str:
    return str(_object(started.get("workflow")).get("name") or "")


def as_status(word: JsonValue) -> RunStatus:
    """Return a recorded status; anything but a closing one means that the run has not come to an end."""
    match word:
        case "completed" | "failed" | "parked" | "waiting" | "cancelled" as status:
            return status
        case _:
            return "running"


def _object(value: JsonValue) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _list(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else []
