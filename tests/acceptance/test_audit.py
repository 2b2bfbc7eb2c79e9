"""`mendflow audit`: every heal of a real run holds, and of a trace that was tampered with it says where."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mendflow.connectors.contract import JsonObject
from mendflow.journal.audit import Audit, audit
from mendflow.journal.canonical import digest
from mendflow.journal.courses import object_of
from mendflow.journal.events import Event
from mendflow.journal.export import read_trace, write_trace
from pydantic import JsonValue

from tests.acceptance.conftest import CONFIGS, Mendflow

pytestmark = pytest.mark.acceptance

AWARD = "credit_receptions.create"
FAULTS = (
    f"rate_limit@{AWARD}:2",
    f"lost_reply@{AWARD}",
    f"lost_request@{AWARD}",
    "unauthorized@contacts.update",
    "lost_reply@contacts.find_or_create",
    "drift_wrap@shops.list",
    "drift_rename@contacts.credit_balance",
    "server_error@contacts.credit_balance",
)
HEALS = {
    ("draft_rejected", "rewrite"),
    ("drift", "drift_patch"),
    ("rate_limit", "wait"),
    ("server_error", "wait"),
    ("unauthorized", "renew"),
    ("unknown_outcome", "resend"),
    ("unknown_outcome", "settle"),
    ("unknown_outcome", "settle, then resend"),
}

Change = Callable[[JsonObject], JsonObject]


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Event]]:
    """Give the trace of the main job under many faults."""
    folder = tmp_path_factory.mktemp("audit")
    mendflow = Mendflow(folder)
    armed = [word for fault in FAULTS for word in ("--fault", fault)]
    mendflow.run(CONFIGS / "win-back.yaml", "--sandbox", *armed, "--trace", str(folder / "trace.jsonl"))
    yield read_trace(folder / "trace.jsonl")
    mendflow.close()


def with_body(event: Event, body: JsonObject) -> Event:
    """Return an event with another body."""
    return event.model_copy(update={"body": body})


def path_of(event: Event) -> str:
    """Return the path under which an event stands."""
    return event.key.partition("#")[0]


def about(events: Sequence[Event], fault: str, remedy: str) -> list[Event]:
    """Return the events of the first path that has such a heal."""
    path = next(path_of(event) for event in events if healed(event) == (fault, remedy))
    return [event for event in events if path_of(event) == path]


def healed(event: Event) -> tuple[str, str] | None:
    """Return what was healed and how; None where the event is no heal record."""
    if event.kind != "heal_recorded":
        return None
    return str(object_of(event.body["fault"])["kind"]), str(event.body["remedy"])


def changed(events: Sequence[Event], which: Event, body: JsonObject) -> Audit:
    """Audit the events with one body changed."""
    return audit([with_body(event, body) if event is which else event for event in events])


def in_outcome(event: Event, **update: JsonValue) -> JsonObject:
    """Return the body of a call's fact with its outcome changed."""
    value = object_of(event.body["value"])
    outcome = {**object_of(value["outcome"]), **update}
    return {**event.body, "value": {**value, "outcome": outcome}}


def outcome_of(event: Event) -> JsonObject:
    """Return what a call's fact says came back."""
    return object_of(object_of(event.body.get("value")).get("outcome"))


def calls(events: Sequence[Event]) -> list[Event]:
    """Return the facts of calls, in their order."""
    return [event for event in events if event.kind == "fact_recorded" and ":call:" in event.key]


def replaced(value: JsonValue, old: JsonValue, new: JsonValue) -> JsonValue:
    """Return a value in which another one stands wherever `old` stood."""
    match value:
        case dict():
            return {name: replaced(inner, old, new) for name, inner in value.items()}
        case list():
            return [replaced(inner, old, new) for inner in value]
        case _:
            return new if value == old else value


def test_every_heal_of_a_real_run_holds(trace: list[Event]) -> None:
    """Eight sorts of heal took place, and nothing speaks against any of them."""
    found = audit(trace)
    assert {(heal.fault, heal.remedy) for heal in found.heals} == HEALS
    assert [heal for heal in found.heals if heal.objections] == []
    assert (found.flaws, found.holds) == ((), True)


def test_the_command_tells_a_tampered_trace(trace: list[Event], mendflow: Mendflow, tmp_path: Path) -> None:
    """Exit 0 and one document for the true trace; exit 1 and the objection once a marker is gone."""
    true, false = tmp_path / "true.jsonl", tmp_path / "false.jsonl"
    write_trace(true, trace)
    held = mendflow("audit", str(true), "--json")
    assert (held.code, held.document["holds"]) == (0, True)
    reading = calls(about(trace, "unknown_outcome", "settle"))[-1]
    body = in_outcome(reading, body={"data": [], "meta": {"last_page": 1}})
    write_trace(false, [with_body(event, body) if event is reading else event for event in trace])
    told = mendflow("audit", str(false))
    assert told.code == 1
    assert "our marker stands 0 times in the reading, once was expected" in told.out


def test_an_event_that_is_taken_away_is_missed(trace: list[Event]) -> None:
    """A gap in the record shows, and so does a heal record that was taken away with the numbers closed up."""
    record = next(event for event in trace if event.kind == "heal_recorded")
    without = [event for event in trace if event is not record]
    assert any("was expected" in flaw for flaw in audit(without).flaws)
    closed = [event.model_copy(update={"seq": seq}) for seq, event in enumerate(without, start=1)]
    assert audit(closed).flaws == (
        f"the heal record `{record.key}` is missing: a verdict was to be healed, and the next one passed",
    )


def test_a_request_that_is_changed_is_told(trace: list[Event]) -> None:
    """Another amount breaks the digest; with the digest made anew, the intent says otherwise."""
    fact = calls(about(trace, "unknown_outcome", "settle"))[0]
    request = object_of(fact.body["request"])
    other: JsonObject = {**request, "arguments": {**object_of(request["arguments"]), "unit_value": 999.0}}
    place = f"at `{fact.key}` (event {fact.seq})"
    assert (
        f"the digest {place} is not that of its request"
        in changed(trace, fact, {**fact.body, "request": other}).flaws
    )
    fitting: JsonObject = {**fact.body, "request": other, "digest": digest(other)}
    assert (
        f"the outcome {place} belongs to another request than its intent"
        in changed(trace, fact, fitting).flaws
    )


def _not_throttled(trace: Sequence[Event]) -> tuple[Event, JsonObject, str]:
    fact = next(
        one for one in calls(about(trace, "rate_limit", "wait")) if outcome_of(one).get("status") == 429
    )
    return fact, in_outcome(fact, status=500), "does not show the fault `rate_limit`"


def _too_early(trace: Sequence[Event]) -> tuple[Event, JsonObject, str]:
    events = calls(about(trace, "rate_limit", "wait"))
    throttled = next(one for one in events if outcome_of(one).get("status") == 429)
    fact = events[events.index(throttled) + 1]
    sent_at = object_of(throttled.body["value"])["received_at"]
    return (
        fact,
        {**fact.body, "value": {**object_of(fact.body["value"]), "sent_at": sent_at}},
        "before the wait was over",
    )


def _other_key(trace: Sequence[Event]) -> tuple[Event, JsonObject, str]:
    fact = next(one for one in about(trace, "unauthorized", "renew") if ":renew:" in one.key)
    return (
        fact,
        {**fact.body, "value": {"key_id": "0" * 12, "detail": ""}},
        "another key than the one that was read",
    )


def _other_amount(trace: Sequence[Event]) -> tuple[Event, JsonObject, str]:
    sent, *_, reading = calls(about(trace, "unknown_outcome", "settle"))
    arguments = object_of(object_of(sent.body["request"])["arguments"])
    body = replaced(outcome_of(reading)["body"], arguments["unit_value"], 999.0)
    return reading, in_outcome(reading, body=body), "what carries our marker is not what was asked for"


def _there_after_all(trace: Sequence[Event]) -> tuple[Event, JsonObject, str]:
    events = calls(about(trace, "unknown_outcome", "settle, then resend"))
    reading = next(one for one in events if "list" in str(object_of(one.body["request"])["operation"]))
    arguments = object_of(object_of(events[0].body["request"])["arguments"])
    listed: JsonObject = {"data": [{"mendflow_slot": arguments["mendflow_slot"]}], "meta": {"last_page": 1}}
    return (
        reading,
        in_outcome(reading, body=listed),
        "our marker stands in a listing that is said not to hold it",
    )


def _half_a_listing(trace: Sequence[Event]) -> tuple[Event, JsonObject, str]:
    events = calls(about(trace, "unknown_outcome", "settle, then resend"))
    reading = next(one for one in events if "list" in str(object_of(one.body["request"])["operation"]))
    body: JsonObject = {**object_of(outcome_of(reading)["body"]), "meta": {"last_page": 2}}
    return reading, in_outcome(reading, body=body), "was not read from its first page to its last"


def _other_value(trace: Sequence[Event]) -> tuple[Event, JsonObject, str]:
    fact = calls(about(trace, "drift", "drift_patch"))[0]
    body = replaced(outcome_of(fact)["body"], "Canal Street", "Another Street")
    return (
        fact,
        in_outcome(fact, body=body),
        "the moves do not lead from the answer to what the step returned",
    )


def _same_draft(trace: Sequence[Event]) -> tuple[Event, JsonObject, str]:
    fact = [one for one in about(trace, "draft_rejected", "rewrite") if ":model:" in one.key][-1]
    draft = object_of(fact.body["request"])["draft"]
    value: JsonObject = {**object_of(fact.body["value"]), "output": draft}
    return fact, {**fact.body, "value": value}, "the second draft is the first one again"


TAMPERED: tuple[Callable[[Sequence[Event]], tuple[Event, JsonObject, str]], ...] = (
    _not_throttled,
    _too_early,
    _other_key,
    _other_amount,
    _there_after_all,
    _half_a_listing,
    _other_value,
    _same_draft,
)


@pytest.mark.parametrize("tamper", TAMPERED, ids=lambda one: one.__name__.strip("_"))
def test_evidence_that_is_changed_is_told(
    trace: list[Event], tamper: Callable[[Sequence[Event]], tuple[Event, JsonObject, str]]
) -> None:
    """What came back, when, with which key, or what a model wrote: where it no longer bears the heal, that is said."""
    event, body, objection = tamper(trace)
    objections = [text for heal in changed(trace, event, body).heals for text in heal.objections]
    assert any(objection in text for text in objections), objections


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_heal_record_can_be_changed(trace: list[Event], data: st.DataObject) -> None:
    """Whichever record is changed, and in whichever word: it does not hold any more."""
    record = data.draw(st.sampled_from([event for event in trace if event.kind == "heal_recorded"]))
    name = data.draw(st.sampled_from(("fault", "remedy", "proof", "moves")))
    other: dict[str, JsonValue] = {
        "fault": {**object_of(record.body["fault"]), "kind": "timeout"},
        "remedy": data.draw(st.text(max_size=8)),
        "proof": data.draw(st.text(max_size=8)),
        "moves": [{"tier": "T3", "found": "data.a", "expected": "data.b"}],
    }
    found = changed(trace, record, {**record.body, name: other[name]})
    assert [heal.key for heal in found.heals if heal.objections] == [record.key]
