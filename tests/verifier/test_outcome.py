from datetime import datetime
from typing import Literal

import pytest
from mendflow.connectors.contract import Answer, Flaw, JsonObject, NoAnswer, Reply, ToolCall, ToolSpec
from mendflow.verifier.outcome import Outcome, Standing, classify
from mendflow.verifier.verdict import Fault, FaultKind
from pydantic import JsonValue

GOOD_CONTACT: JsonObject = {"uuid": "c-1", "email": "a@b.c", "credit_balance": {"balance": 3}}
GOOD_AWARD: JsonObject = {"uuid": "r-1", "credits": 10.0, "contact": {"uuid": "c-1"}, "slot": "mf_1"}


def error(code: int) -> JsonObject:
    """Return a whole error of the vendor."""
    return {"message": "No.", "code": code, "status_code": 400}


def answer(status: int, body: JsonValue = None, flaw: Flaw | None = None) -> Answer:
    """Return an answer as the wire makes it."""
    return Answer(status=status, body=body, flaw=flaw)


Row = tuple[str, Answer | NoAnswer, tuple[Standing, FaultKind | None], tuple[Standing, FaultKind | None]]
LOST: tuple[Standing, FaultKind] = ("unknown", "unknown_outcome")
EACH_FORM: list[Row] = [
    # what came back, what a read makes of it, what a marked write makes of it
    ("dns", NoAnswer(sent="no", reason="dns"), ("not_sent", "unreachable"), ("not_sent", "unreachable")),
    (
        "connect",
        NoAnswer(sent="no", reason="connect"),
        ("not_sent", "unreachable"),
        ("not_sent", "unreachable"),
    ),
    ("tls", NoAnswer(sent="no", reason="tls"), ("not_sent", "unreachable"), ("not_sent", "unreachable")),
    ("pool", NoAnswer(sent="no", reason="pool"), ("not_sent", "unreachable"), ("not_sent", "unreachable")),
    ("late connect", NoAnswer(sent="no", reason="timeout"), ("not_sent", "timeout"), ("not_sent", "timeout")),
    (
        "no key",
        NoAnswer(sent="no", reason="credential"),
        ("not_sent", "missing_credential"),
        ("not_sent", "missing_credential"),
    ),
    ("timeout", NoAnswer(sent="unknown", reason="timeout"), ("refused", "timeout"), LOST),
    ("reset", NoAnswer(sent="unknown", reason="reset"), ("refused", "unreachable"), LOST),
    ("protocol", NoAnswer(sent="unknown", reason="protocol"), ("refused", "unreachable"), LOST),
    ("cancelled", NoAnswer(sent="unknown", reason="cancelled"), ("refused", "unreachable"), LOST),
    ("crash", NoAnswer(sent="unknown", reason="crash"), ("refused", "unreachable"), LOST),
    (
        "401",
        answer(401, {"error": "invalid_token"}),
        ("refused", "unauthorized"),
        ("refused", "unauthorized"),
    ),
    ("401 in html", answer(401, flaw="html"), ("refused", "unauthorized"), ("refused", "unauthorized")),
    ("403", answer(403, error(7011)), ("refused", "forbidden"), ("refused", "forbidden")),
    ("429", answer(429, flaw="html"), ("refused", "rate_limit"), ("refused", "rate_limit")),
    ("500", answer(500, error(55031)), ("refused", "server_error"), LOST),
    ("502", answer(502, flaw="html"), ("refused", "server_error"), LOST),
    ("503", answer(503, flaw="empty"), ("refused", "maintenance"), LOST),
    ("a refusal", answer(400, error(55031)), ("refused", "refused"), ("refused", "refused")),
    ("a refusal with 200", answer(200, error(55031)), ("refused", "refused"), ("refused", "refused")),
    ("an unknown code", answer(400, error(99)), ("refused", "refused"), LOST),
    ("an open code of the read", answer(400, error(1000)), ("refused", "server_error"), LOST),
    ("an open code of the write", answer(400, error(60001)), ("refused", "refused"), LOST),
    ("there already", answer(400, error(6001)), ("refused", "refused"), LOST),
    ("half an error", answer(400, {"message": "x", "code": 55031}), ("refused", "refused"), LOST),
    ("400 in html", answer(400, flaw="html"), ("refused", "malformed_answer"), LOST),
    ("404", answer(404, flaw="html"), ("refused", "refused"), LOST),
    ("408", answer(408), ("refused", "timeout"), LOST),
    ("409", answer(409), ("refused", "server_error"), LOST),
    ("302", answer(302, flaw="html"), ("refused", "malformed_answer"), LOST),
    ("101", answer(101), ("refused", "malformed_answer"), LOST),
    ("200 html", answer(200, flaw="html"), ("refused", "malformed_answer"), LOST),
    ("200 empty", answer(200, flaw="empty"), ("refused", "malformed_answer"), LOST),
    ("200 cut off", answer(200, flaw="truncated"), ("refused", "malformed_answer"), LOST),
    ("200 with a key twice", answer(200, flaw="duplicate_key"), ("refused", "malformed_answer"), LOST),
    ("200 with NaN", answer(200, flaw="not_a_number"), ("refused", "malformed_answer"), LOST),
    ("200 bomb", answer(200, flaw="too_large"), ("refused", "malformed_answer"), LOST),
    ("200 too deep", answer(200, flaw="too_deep"), ("refused", "malformed_answer"), LOST),
    ("200 of too many", answer(200, flaw="too_many"), ("refused", "malformed_answer"), LOST),
    ("200 text", answer(200, flaw="not_json"), ("refused", "malformed_answer"), LOST),
    ("200 without data", answer(200, {"result": {}}), ("refused", "drift"), LOST),
    ("200 drifted", answer(200, {"data": {"uuid": 1}}), ("refused", "drift"), LOST),
    ("206", answer(206, {"data": GOOD_CONTACT}), ("refused", "malformed_answer"), LOST),
    (
        "200 that denies the read",
        answer(200, {"data": GOOD_CONTACT, "success": False}),
        ("refused", "malformed_answer"),
        LOST,
    ),
    (
        "200 that denies the write",
        answer(200, {"data": GOOD_AWARD, "errors": ["no"]}),
        ("refused", "malformed_answer"),
        LOST,
    ),
    ("301", answer(301), ("refused", "refused"), LOST),
    ("421", answer(421), ("refused", "server_error"), LOST),
    ("200 for the read", answer(200, {"data": GOOD_CONTACT}), ("done", None), LOST),
    ("201 for the write", answer(201, {"data": GOOD_AWARD}), ("refused", "drift"), ("done", None)),
    ("another amount", answer(200, {"data": {**GOOD_AWARD, "credits": 100}}), ("refused", "drift"), LOST),
    (
        "another contact",
        answer(200, {"data": {**GOOD_AWARD, "contact": {"uuid": "c"}}}),
        ("refused", "drift"),
        LOST,
    ),
    ("another marker", answer(200, {"data": {**GOOD_AWARD, "slot": "mf_2"}}), ("refused", "drift"), LOST),
]


@pytest.mark.parametrize(
    ("what", "came", "of_read", "of_write"), EACH_FORM, ids=[row[0] for row in EACH_FORM]
)
def test_each_form_of_reply_has_its_outcome(
    what: str,
    came: Answer | NoAnswer,
    of_read: tuple[Standing, FaultKind | None],
    of_write: tuple[Standing, FaultKind | None],
    tools: list[tuple[ToolSpec, ToolCall]],
    now: datetime,
) -> None:
    """One row for each form: reads are never unknown, writes are whatever is proven and no more."""
    del what
    reply = Reply(outcome=came, received_at=now)
    read, write = (classify(spec, call, reply) for spec, call in tools[:2])
    assert (read.standing, read.fault.kind if read.fault else None) == of_read
    assert (write.standing, write.fault.kind if write.fault else None) == of_write
    assert read.not_applied == (read.standing != "done")
    assert write.not_applied == (write.standing in ("not_sent", "refused"))


def test_a_success_is_handed_on_without_its_envelope(
    lookup: ToolSpec, lookup_call: ToolCall, now: datetime
) -> None:
    """Output and meta, nothing wrong."""
    reply = Reply(outcome=answer(200, {"data": GOOD_CONTACT, "meta": {"page": 1}}), received_at=now)
    assert classify(lookup, lookup_call, reply) == Outcome("done", output=GOOD_CONTACT, meta={"page": 1})


def test_an_award_without_our_marker_in_the_reply_is_done(
    award: ToolSpec, award_call: ToolCall, now: datetime
) -> None:
    """The marker must be ours only where the reply repeats it."""
    body: JsonObject = {name: value for name, value in GOOD_AWARD.items() if name != "slot"}
    reply = Reply(outcome=answer(200, {"data": body}), received_at=now)
    assert classify(award, award_call, reply) == Outcome("done", output=body)


def test_a_natural_key_that_exists_is_done(upsert: ToolSpec, upsert_call: ToolCall, now: datetime) -> None:
    """The vendor says that it is there already, so the arguments are what there is."""
    reply = Reply(outcome=answer(400, error(60005)), received_at=now)
    assert classify(upsert, upsert_call, reply) == Outcome("done", output={"email": "a@b.c"})


@pytest.mark.parametrize("sent", ["no", "unknown"])
def test_the_fault_says_what_happened(
    sent: Literal["no", "unknown"], award: ToolSpec, award_call: ToolCall, now: datetime
) -> None:
    """Whether it left decides, and the cause stays in the evidence."""
    reply = Reply(outcome=NoAnswer(sent=sent, reason="timeout", detail="after 10 s"), received_at=now)
    left = Fault(
        kind="unknown_outcome",
        detail="whether `credit_receptions.create` took place is unknown: no answer (timeout): after 10 s",
        evidence={"cause": "timeout", "reason": "timeout", "sent": "unknown"},
    )
    stayed = Fault(
        kind="timeout", detail="no answer (timeout): after 10 s", evidence={"reason": "timeout", "sent": "no"}
    )
    expected = Outcome("not_sent", stayed) if sent == "no" else Outcome("unknown", left)
    assert classify(award, award_call, reply) == expected


def test_a_drifted_success_of_a_write_names_its_differences(
    award: ToolSpec, award_call: ToolCall, now: datetime
) -> None:
    """The paths are in the evidence, the values are not."""
    body: JsonObject = {"data": {**GOOD_AWARD, "uuid": None}}
    outcome = classify(award, award_call, Reply(outcome=answer(200, body), received_at=now))
    assert outcome.fault is not None
    assert outcome.fault.evidence == {
        "cause": "drift",
        "differences": [{"path": "uuid", "change": "nulled", "expected": "string", "found": "null"}],
    }


NO_ADDRESS = "no such address; check the connection's base URL and prefix"
PASSING = "the vendor answered with status {}"
REDIRECT = "status {}: a redirect, which is never followed; check the connection's base URL and prefix"
MOVED = "status {}: the address has moved; check the connection's base URL and prefix"
UNDOCUMENTED = "status {} without an error that the vendor documents; expected 2xx, or 400 with a code"


@pytest.mark.parametrize(
    ("statuses", "kind", "detail"),
    [
        ((404, 405, 410), "refused", "status {}: " + NO_ADDRESS),
        ((408,), "timeout", PASSING),
        ((409, 421, 425), "server_error", PASSING),
        ((301, 308), "refused", MOVED),
        ((302, 303, 307), "malformed_answer", REDIRECT),
        ((400, 402, 406, 411, 426, 499), "refused", UNDOCUMENTED),
        ((100, 199, 300, 304, 399), "malformed_answer", UNDOCUMENTED),
        ((500, 502, 504, 599), "server_error", "the vendor's server failed with status {}"),
        ((503,), "maintenance", "the vendor's server failed with status {}"),
    ],
)
def test_each_status_has_its_fault(
    statuses: tuple[int, ...],
    kind: FaultKind,
    detail: str,
    lookup: ToolSpec,
    lookup_call: ToolCall,
    now: datetime,
) -> None:
    """Where the body says nothing, the status alone decides whether another try may help."""
    for status in statuses:
        fault = Fault(kind=kind, detail=detail.format(status), evidence={"status": status})
        reply = Reply(outcome=answer(status), received_at=now)
        assert classify(lookup, lookup_call, reply) == Outcome("refused", fault)


@pytest.mark.parametrize(
    ("fields", "about"), [({}, ""), ({"email": ["taken"], "name": ["long"]}, " (email, name)")]
)
def test_a_refusal_names_the_fields_that_the_vendor_minds(
    fields: JsonObject, about: str, lookup: ToolSpec, lookup_call: ToolCall, now: datetime
) -> None:
    """The names of fields are for people; the values that were sent are not repeated."""
    body: JsonObject = {**error(55031), "errors": fields}
    outcome = classify(lookup, lookup_call, Reply(outcome=answer(400, body), received_at=now))
    assert outcome.fault is not None
    assert outcome.fault.detail == f"the vendor refused with code 55031: No.{about}"


def test_what_is_not_repeated_is_named(award: ToolSpec, award_call: ToolCall, now: datetime) -> None:
    """The arguments that the answer holds otherwise are in the sentence and in the evidence."""
    body: JsonObject = {"data": {**GOOD_AWARD, "credits": 100, "contact": {"uuid": "c-2"}}}
    outcome = classify(award, award_call, Reply(outcome=answer(200, body), received_at=now))
    assert outcome.fault == Fault(
        kind="unknown_outcome",
        detail="whether `credit_receptions.create` took place is unknown: the answer does not repeat"
        " `contact_uuid`, `credits` as sent",
        evidence={"cause": "drift", "not_repeated": ["contact_uuid", "credits"]},
    )


def test_a_code_that_may_be_our_own_effect_is_no_refusal(
    award: ToolSpec, award_call: ToolCall, upsert: ToolSpec, upsert_call: ToolCall, now: datetime
) -> None:
    """Also where the catalogue lists it among the refusals: the first attempt may be why it is there already."""
    listed = award.model_copy(update={"refusals": award.refusals | award.already})
    assert (
        classify(listed, award_call, Reply(outcome=answer(400, error(6001)), received_at=now)).standing
        == "unknown"
    )
    found = upsert.model_copy(update={"refusals": upsert.refusals | upsert.already})
    assert (
        classify(found, upsert_call, Reply(outcome=answer(400, error(60005)), received_at=now)).standing
        == "done"
    )


def test_the_flaw_of_an_answer_is_evidence(lookup: ToolSpec, lookup_call: ToolCall, now: datetime) -> None:
    """Why a body could not be read stands beside the status."""
    outcome = classify(lookup, lookup_call, Reply(outcome=answer(200, flaw="truncated"), received_at=now))
    assert outcome.fault == Fault(
        kind="malformed_answer",
        detail="the answer cannot be read: truncated; expected one whole JSON text",
        evidence={"status": 200, "flaw": "truncated"},
    )
