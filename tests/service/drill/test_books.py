"""The judgement of a trial: each invariant, on records that are made up."""

from datetime import UTC, datetime
from pathlib import Path

from mendflow.connectors.catalogue import tools_of
from mendflow.connectors.contract import JsonObject, ToolCall
from mendflow.connectors.sandbox.world import Effect as Made
from mendflow.graph.engine.summary import OpenEnd, RunResult
from mendflow.graph.language.compiler import load
from mendflow.journal.events import Event, EventKind, RunStatus
from mendflow.service.drill.books import Books, key_of
from mendflow.service.drill.stage import Lived
from mendflow.verifier.effect import Effect, State

PLAN = load(Path(__file__).parents[3] / "configs" / "verify-mail.yaml", tools_of)
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MAIL = ToolCall(connection="piggy", operation="contact_verification.send", arguments={"email": "a@b.nl"})
OTHER = ToolCall(connection="piggy", operation="contact_verification.send", arguments={"email": "c@d.nl"})
MADE = Made(operation=MAIL.operation, arguments=MAIL.arguments, result=None, at=NOON)
Line = tuple[str, str, JsonObject]
SENT: list[Line] = [
    ("intent_written", "mail#1:call:0", {"slot": "s", "request": MAIL.model_dump(mode="json")})
]


def ended(status: str, **more: str) -> Line:
    """Return the end of the step that sends the mail."""
    return ("step_ended", "mail#1:end:0", {"status": status, **more})


def lived(*events: Line, status: RunStatus = "completed", parked: tuple[OpenEnd, ...] = ()) -> Lived:
    """Return a run that recorded these events, at a vendor that had nothing before."""
    result = RunResult(run_id="r", workflow="w", status=status, parked=parked)
    recorded = [event(number, *one) for number, one in enumerate(events, 1)]
    return Lived("r", 0, 10, result, "", recorded)


def event(seq: int, kind: str, key: str, body: JsonObject) -> Event:
    """Return an event of the run."""
    known: EventKind = "intent_written" if kind == "intent_written" else "step_ended"
    return Event(run_id="r", seq=seq, kind=known, key=key, at=NOON, epoch=1, body=body)


def found(life: Lived, *made: Made, state: State | None = None) -> list[str]:
    """Return what the books say, without what the audit says of so short a record."""
    effects = [Effect(slot="s", digest="d", state=state)] if state else []
    books = Books(PLAN, PLAN.connections, [life], made, effects)
    return [text for text in books.violations() if not text.startswith("r: ") or "no end" in text]


def test_what_is_true_is_no_violation() -> None:
    """Said to be done and there; said to have failed and not there."""
    assert found(lived(*SENT, ended("done")), MADE, state="done") == []
    assert found(lived(*SENT, ended("failed"), status="failed"), state="refused") == []


def test_doubled_lost_and_unrecorded_effects_are_seen() -> None:
    """Twice at the vendor, not at all, or without an intent."""
    done = lived(*SENT, ended("done"))
    assert found(done, MADE, MADE) == [
        "contact_verification.send: 2 times at the vendor, intended 1 times: doubled"
    ]
    assert found(done, state="done") == [
        "r mail: said to be done, and the vendor has nothing: lost",
        "slot s: done in the journal, and the vendor has nothing",
    ]
    assert found(lived(), MADE) == [
        "contact_verification.send: the vendor has an effect for which no intent is on record"
    ]


def test_a_false_failure_is_seen() -> None:
    """Said to have failed, and the vendor has it; a slot that was another's says nothing of this effect."""
    assert found(lived(*SENT, ended("failed", reason="no"), status="failed"), MADE, state="refused") == [
        "r mail: said to have failed (no), and the vendor has it",
        "slot s: refused in the journal, and the vendor has it",
    ]
    taken: Line = ("step_ended", "mail#1:end:0", {"status": "failed", "fault": {"kind": "slot_taken"}})
    assert found(lived(*SENT, taken, status="failed"), MADE) == []


def test_two_requests_for_one_slot_are_seen() -> None:
    """Whatever is sent for a slot is sent with the same arguments."""
    second: Line = (
        "intent_written",
        "mail#2:call:0",
        {"slot": "s", "request": OTHER.model_dump(mode="json")},
    )
    assert found(lived(*SENT, second, ended("done")), MADE) == [
        "slot s: 2 different requests were sent for it"
    ]


def test_ends_are_whole() -> None:
    """A run without an end, a call without one, a parked step that leaves a person alone, an open effect."""
    assert found(Lived("r", 0, error="the engine raised")) == ["r: no end: the engine raised"]
    assert found(lived(*SENT), MADE, state="unknown") == [
        "r mail: begun, and never ended",
        "slot s: left in the state `unknown`",
    ]
    alone = OpenEnd(path="mail", reason="lost")
    assert found(lived(*SENT, ended("parked"), status="parked", parked=(alone,)), state="parked") == [
        "r mail: parked without a cause",
        "r mail: parked without a next action",
        "slot s: parked without evidence",
    ]


def test_an_effect_has_the_name_under_which_it_arrives() -> None:
    """A call is told by its operation and its arguments, however the request carries them."""
    settings = PLAN.connections["piggy"]
    contact = ToolCall(
        connection="piggy", operation="contacts.find_or_create", arguments={"email": "é @b.nl"}
    )
    update = ToolCall(
        connection="piggy", operation="contacts.update", arguments={"contact_uuid": "u/1", "note": "x"}
    )
    assert key_of(contact, settings) == ("contacts.find_or_create", '{"email":"é @b.nl"}')
    assert key_of(update, settings)[0] == "contacts.update"
    assert key_of(MAIL, settings) != key_of(OTHER, settings)
