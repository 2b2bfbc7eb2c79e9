"""What became of a run, read from its events. Pure: the same for a journal's run and for a trace file."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Literal, assert_never

from pydantic import JsonValue

from ...connectors.contract import Frozen, JsonObject
from ...journal.events import Event, RunStatus


class OpenEnd(Frozen):
    """A step that failed or is parked."""

    path: str
    reason: str
    next_action: str = ""
    fault: JsonObject = {}


class PersonsWord(Frozen):
    """What a person decided about a step: of a parked effect, or where its approval was waited for."""

    path: str
    kind: Literal["resolution", "approval"]
    decision: str
    """`done`, `refused` or `resend`; `approved` or `denied`."""
    by: str
    reason: str
    slot: str = ""
    """The effect, of a resolution."""
    is_open: bool = False
    """Whether it is recorded and no resume has acted on it yet."""

    @property
    def told(self) -> str:
        """Return it in words."""
        because = f": {self.reason}" if self.reason else ""
        return f"`{self.decision}` by {self.by}{because}"


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
    decisions: tuple[PersonsWord, ...] = ()
    """What people decided, in the order of their words."""
    drafts_rejected: int = 0
    calls: int = 0
    due_at: datetime | None = None
    trace: str = ""


def summarise(events: Iterable[Event]) -> RunResult:
    """Return what became of the run that these events record."""
    tally = _Tally()
    for event in events:
        tally.note(event)
    return tally.result()


class _Tally:
    """Counts while it reads events in order."""

    def __init__(self) -> None:
        self.run_id = ""
        self.started: JsonObject = {}
        self.closing: JsonObject = {}
        self.heals: Counter[str] = Counter()
        self.ends: dict[str, JsonObject] = {}
        self.slots: dict[str, tuple[str, bool]] = {}
        """By slot: the path that claimed it, and whether an earlier run had made the effect."""
        self.words: list[PersonsWord] = []
        self.spoken: dict[str, int] = {}
        """By path: the attempt that a person decided about and that has come to no later end."""
        self.passed: set[str] = set()
        self.called: set[str] = set()
        self.rejected = 0
        self.calls = 0

    def note(self, event: Event) -> None:
        """Take one event into account."""
        self.run_id = event.run_id
        path, _, rest = event.key.partition("#")
        match event.kind:
            case "run_started":
                self.started = event.body
            case "run_ended" | "run_paused":
                self.closing = event.body
            case "run_resumed":
                self.closing = {}
            case "heal_recorded":
                self.heals[str(_object(event.body.get("fault")).get("kind"))] += 1
            case "step_ended":
                self.ends[path] = event.body
                if _number(rest) > self.spoken.get(path, _number(rest)):
                    del self.spoken[path]
            case "intent_written":
                self.slots[str(event.body["slot"])] = (path, False)
            case "verdict_given":
                self._note_verdict(path, rest, event.body)
            case "fact_recorded":
                self._note_fact(path, rest, event.body)
            case never:
                assert_never(never)

    def _note_verdict(self, path: str, rest: str, verdict: JsonObject) -> None:
        if verdict.get("kind") == "passed" and ":verdict:" in rest:
            self.passed.add(path)
        self.rejected += _object(verdict.get("remedy")).get("kind") == "rewrite"

    def _note_fact(self, path: str, rest: str, body: JsonObject) -> None:
        if ":call:" in rest:
            self.calls += 1
            self.called.add(path)
        if ":resolution:" in rest or ":approval:" in rest:
            word = _word(path, body)
            self.words.append(word)
            self.spoken[path] = _number(rest)
            if word.decision == "done":
                self.passed.add(path)
        if ":slot:" in rest:
            slot = str(_object(body.get("request")).get("slot"))
            is_done = _object(body.get("value")).get("standing") == "done"
            if is_done or slot not in self.slots:
                self.slots[slot] = (path, is_done)

    def _is_read_of_agent(self, path: str) -> bool:
        """Tell `brief.read[0]`, which makes calls of its own, from a map's item, which does not."""
        return path.endswith("]") and path in self.called

    def _decided(self, end: OpenEnd) -> OpenEnd:
        """Tell of an end that a person has decided about how it goes on, not to decide again."""
        if end.path not in self.spoken:
            return end
        return end.model_copy(update={"next_action": f"mendflow resume {self.run_id}"})

    def result(self) -> RunResult:
        """Return the sum."""
        due = self.closing.get("due_at")
        ends = {path: end for path, end in self.ends.items() if not self._is_read_of_agent(path)}
        is_going = self.closing.get("status") not in ("completed", "failed")
        last = {word.path: place for place, word in enumerate(self.words)}
        return RunResult(
            run_id=self.run_id,
            workflow=str(_object(self.started.get("workflow")).get("name") or ""),
            status=as_status(self.closing.get("status")),
            outputs=_object(self.closing.get("outputs")),
            heals=dict(sorted(self.heals.items())),
            effects=_count(self.slots.values(), self.passed),
            effects_by_operation=_by_operation(self.slots, self.passed),
            parked=tuple(self._decided(end) for end in _open_ends(ends, "parked")),
            failed=_open_ends(ends, "failed"),
            waiting=tuple(_list(self.closing.get("waiting"))),
            decisions=tuple(
                word.model_copy(
                    update={"is_open": is_going and last[word.path] == place and word.path in self.spoken}
                )
                for place, word in enumerate(self.words)
            ),
            drafts_rejected=self.rejected,
            calls=self.calls,
            due_at=datetime.fromisoformat(str(due)) if due else None,
        )


def _word(path: str, body: JsonObject) -> PersonsWord:
    value = _object(body.get("value"))
    by, reason = str(value.get("by") or ""), str(value.get("reason") or "")
    if "decision" not in value:
        decision = "approved" if value.get("approved") is True else "denied"
        return PersonsWord(path=path, kind="approval", decision=decision, by=by, reason=reason)
    slot = str(_object(body.get("request")).get("slot") or "")
    decision = str(value["decision"])
    return PersonsWord(path=path, kind="resolution", decision=decision, by=by, reason=reason, slot=slot)


def _number(rest: str) -> int:
    """Return the attempt in what follows a key's path."""
    digits = rest.partition(":")[0]
    return int(digits) if digits.isdecimal() else 0


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
    inner = [path for path in found if not any(other.startswith((f"{path}.", f"{path}[")) for other in found)]
    return tuple(
        OpenEnd(
            path=path,
            reason=str(found[path].get("reason") or ""),
            next_action=str(found[path].get("next_action") or ""),
            fault=_object(found[path].get("fault")),
        )
        for path in inner
    )


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
