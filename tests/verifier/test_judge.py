from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mendflow.connectors.contract import (
    Answer,
    JsonObject,
    NoAnswer,
    Reply,
    ToolCall,
    ToolSpec,
    VendorKey,
)
from mendflow.verifier.judge import judge
from mendflow.verifier.ledger import Attempt, Ledger
from mendflow.verifier.probing import person_decides
from mendflow.verifier.remedy import backoff
from mendflow.verifier.verdict import (
    Failed,
    Fault,
    FaultKind,
    Healing,
    Mend,
    Move,
    Parked,
    Passed,
    Remedy,
    Renew,
    Resend,
    Settle,
    Verdict,
    Wait,
)
from pydantic import JsonValue

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SETTLE = timedelta(seconds=0.3)
FIRST = backoff(1, "k")
CONTACT: JsonObject = {"uuid": "c-1", "email": "a@b.c", "credit_balance": {"balance": 3}}
AWARD: JsonObject = {"uuid": "r-1", "credits": 10, "contact": {"uuid": "c-1"}, "slot": "mf_1"}
LOST = NoAnswer(sent="unknown", reason="reset")
UNSENT = NoAnswer(sent="no", reason="connect")
KEY_ACTION = (
    "Put a valid key where the connection `piggy` reads its credential (an environment variable is read when"
    " a process starts), then `mendflow resume {run}`."
)
LOOK_FOR_AWARD = (
    "Look in the vendor's dashboard for a `credit_receptions.create` with `slot` = `mf_1`. If it is there, say so"
    " with `mendflow resolve {run} {effect} --done --reason …`; if it is surely not, `--resend` sends it once more"
    " and `--refused` gives it up. Then `mendflow resume {run}`."
)


def answer(status: int, body: JsonValue = None, **headers: str) -> Answer:
    """Return an answer as the wire makes it."""
    return Answer(status=status, body=body, headers={n.replace("_", "-"): v for n, v in headers.items()})


def _wrapped(contact: JsonObject) -> JsonObject:
    return {"data": {"contact": contact}}


def refusal(code: int) -> Answer:
    """Return a refusal of the vendor."""
    return answer(400, {"message": "No.", "code": code, "status_code": 400})


def reply(outcome: Answer | NoAnswer) -> Reply:
    """Return a reply that came in now."""
    return Reply(outcome=outcome, received_at=NOW)


def ledger(*standings: str, kind: FaultKind = "timeout", **facts: object) -> Ledger:
    """Return the ledger of a connection that settles, after attempts of these standings."""
    attempts = [
        Attempt.model_validate({"number": number, "sent_at": NOW, "standing": standing, "fault_kind": kind})
        for number, standing in enumerate(standings, 1)
    ]
    usual = {"now": NOW, "settle": SETTLE, "marker_trusted": True, "salt": "k", "attempts": attempts}
    return Ledger.model_validate({**usual, **facts})


def brief(verdict: Verdict) -> tuple[str, FaultKind] | tuple[FaultKind, Remedy] | str:
    """Return what a table says of a verdict."""
    match verdict:
        case Passed():
            return "passed"
        case Healing():
            return verdict.fault.kind, verdict.remedy
        case _:
            return verdict.kind, verdict.fault.kind


WAIT = Wait(duration=FIRST)
SETTLING = ("unknown_outcome", Settle(after=SETTLE))
AGAIN = ("unknown_outcome", Resend(after=FIRST))
PARKED = ("parked", "unknown_outcome")
PACED = ("rate_limit", Wait(duration=FIRST + timedelta(seconds=3), pace=True))
# what came back: what a read, a marked, a repeatable and a blind write are told at their first attempt
REFUSED = ("failed", "refused")
TABLE: dict[str, tuple[Answer | NoAnswer, *tuple[object, ...]]] = {
    "429 with a hint": (answer(429, retry_after="3"), PACED, PACED, PACED, PACED),
    "429 without": (answer(429), *[("rate_limit", Wait(duration=FIRST, pace=True))] * 4),
    "401": (answer(401), *[("unauthorized", Renew())] * 4),
    "no key": (NoAnswer(sent="no", reason="credential"), *[("missing_credential", Renew())] * 4),
    "403": (answer(403), *[("failed", "forbidden")] * 4),
    "not sent": (UNSENT, *[("unreachable", WAIT)] * 4),
    "reset": (LOST, ("unreachable", WAIT), SETTLING, AGAIN, PARKED),
    "timeout": (NoAnswer(sent="unknown", reason="timeout"), ("timeout", WAIT), SETTLING, AGAIN, PARKED),
    "crash": (NoAnswer(sent="unknown", reason="crash"), ("unreachable", WAIT), SETTLING, AGAIN, PARKED),
    "500": (answer(500), ("server_error", WAIT), SETTLING, AGAIN, PARKED),
    "503 with a hint": (
        answer(503, retry_after="3"),
        ("maintenance", Wait(duration=FIRST + timedelta(seconds=3))),
        ("unknown_outcome", Settle(after=timedelta(seconds=3))),
        ("unknown_outcome", Resend(after=FIRST + timedelta(seconds=3))),
        PARKED,
    ),
    "html": (Answer(status=200, flaw="html"), ("malformed_answer", WAIT), SETTLING, AGAIN, PARKED),
    "302": (answer(302), ("malformed_answer", WAIT), SETTLING, AGAIN, PARKED),
    "404": (answer(404), ("failed", "refused"), SETTLING, AGAIN, PARKED),
    "a refusal of all but one": (
        refusal(55031),
        ("failed", "refused"),
        ("failed", "refused"),
        AGAIN,
        ("failed", "refused"),
    ),
    "an unknown code": (refusal(77), ("failed", "refused"), SETTLING, AGAIN, PARKED),
    "there already": (refusal(60005), ("failed", "refused"), SETTLING, "passed", PARKED),
    "in progress": (refusal(60001), ("failed", "refused"), SETTLING, AGAIN, PARKED),
    "hopeless drift": (answer(200, {"data": {"a": 1}}), ("drift", WAIT), SETTLING, AGAIN, PARKED),
    "a drift to heal": (answer(200, {"data": {"contact": CONTACT}}), "passed", SETTLING, AGAIN, PARKED),
    "the contact": (answer(200, {"data": CONTACT}), "passed", SETTLING, "passed", PARKED),
    "the award": (answer(200, {"data": AWARD}), ("drift", WAIT), "passed", AGAIN, PARKED),
}


@pytest.mark.parametrize("form", TABLE)
def test_each_form_of_fault_has_its_remedy(
    form: str,
    tools: list[tuple[ToolSpec, ToolCall]],
) -> None:
    """One row for each form of fault; reads and the kinds of writes stand side by side."""
    came, *expected = TABLE[form]
    assert [brief(judge(spec, call, reply(came), ledger())) for spec, call in tools] == expected


def test_a_rate_limit_is_waited_out_as_told(lookup: ToolSpec, lookup_call: ToolCall) -> None:
    """The whole verdict: what was found, how long to wait, and that the connection is paced."""
    came = reply(answer(429, {"message": "Too Many Attempts."}, retry_after="2"))
    assert judge(lookup, lookup_call, came, ledger()) == Healing(
        fault=Fault(
            kind="rate_limit", detail="status 429: the vendor asks for fewer calls", evidence={"status": 429}
        ),
        remedy=Wait(duration=timedelta(seconds=2) + FIRST, pace=True),
    )


def test_a_drifted_read_is_mended_with_its_moves(lookup: ToolSpec, lookup_call: ToolCall) -> None:
    """The output is what the contract says, and the mend tells what was moved and why that is right."""
    body: JsonObject = {"data": {"uuid": "c-1", "email": "a@b.c", "creditBalance": {"balance": 3}}}
    fault = Fault(
        kind="drift",
        detail="the answer breaks the contract of `contacts.get`: `credit_balance` is missing",
        evidence={
            "differences": [
                {"path": "credit_balance", "change": "missing"},
                {"path": "creditBalance", "change": "unexpected"},
            ]
        },
    )
    mend = Mend(
        fault=fault,
        remedy="drift_patch",
        proof="the answer satisfies the contract after the moves",
        moves=(Move(tier="T0", found="data.creditBalance", expected="data.credit_balance"),),
    )
    assert judge(lookup, lookup_call, reply(answer(200, body)), ledger()) == Passed(
        output=CONTACT, mends=(mend,)
    )


def test_a_mended_answer_must_repeat_what_was_asked(lookup: ToolSpec, lookup_call: ToolCall) -> None:
    """A repair that yields somebody else's record is none."""
    strict = lookup.model_copy(update={"echoes": {"contact_uuid": "uuid"}})
    ours, theirs = (_wrapped({**CONTACT, "uuid": uuid}) for uuid in ("c-1", "c-2"))
    assert brief(judge(strict, lookup_call, reply(answer(200, ours)), ledger())) == "passed"
    assert brief(judge(strict, lookup_call, reply(answer(200, theirs)), ledger())) == ("drift", WAIT)


def test_a_name_that_only_adds_whose_it_is_counts_where_nothing_is_written(
    lookup: ToolSpec, lookup_call: ToolCall
) -> None:
    """Drift tier T2 is used for what no write can depend on, shows in the moves, and is refused elsewhere."""
    answer_of: JsonObject = {
        "type": "object",
        "required": ["uuid", "booking"],
        "properties": {"uuid": {"type": "string"}, "booking": {"type": "object"}},
    }
    spec = lookup.model_copy(update={"operation": "dispute.get", "answer": answer_of})
    came = reply(answer(200, {"data": {"uuid": "d-1", "disputed_booking": {"seats": 2}}}))
    read_only = ledger().model_copy(update={"inert": True})
    passed = judge(spec, lookup_call, came, read_only)
    assert isinstance(passed, Passed)
    assert passed.output == {"uuid": "d-1", "booking": {"seats": 2}}
    assert [mend.moves for mend in passed.mends] == [
        (Move(tier="T2", found="data.disputed_booking", expected="data.booking"),)
    ]
    assert brief(judge(spec, lookup_call, came, ledger())) == ("drift", WAIT)


def test_an_answer_that_stays_drifted_is_kept_back_with_its_differences(
    lookup: ToolSpec, lookup_call: ToolCall
) -> None:
    """After the last attempt the read has failed; the evidence says what differs, and why no heal."""
    body: JsonObject = {"data": {"uuid": "c-1", "email": "a@b.c", "points": {"balance": 3}}}
    assert judge(lookup, lookup_call, reply(answer(200, body)), ledger(*["refused"] * 5)) == Failed(
        fault=Fault(
            kind="drift",
            detail="the answer breaks the contract of `contacts.get`: `credit_balance` is missing;"
            " given up after 6 attempts",
            evidence={
                "differences": [
                    {"path": "credit_balance", "change": "missing"},
                    {"path": "points", "change": "unexpected"},
                ],
                "not_repaired": "`credit_balance` is nothing of what appeared, as far as can be proven; "
                "no places in the answer satisfy the contract; exactly one would have to",
            },
        )
    )


def test_the_budget_ends_the_waiting(lookup: ToolSpec, lookup_call: ToolCall, upsert: ToolSpec) -> None:
    """Reads fail after six attempts, rate limits after twenty; a repeatable write is parked, not failed."""
    spent = ledger(*["refused"] * 5)
    throttled = ledger(*["refused"] * 19, kind="rate_limit")
    assert brief(judge(lookup, lookup_call, reply(LOST), spent)) == ("failed", "unreachable")
    assert brief(judge(lookup, lookup_call, reply(answer(429)), throttled)) == ("failed", "rate_limit")
    assert brief(judge(lookup, lookup_call, reply(LOST), throttled)) == (
        "unreachable",
        Wait(duration=backoff(20, "k")),
    )
    assert brief(judge(upsert, lookup_call, reply(LOST), ledger(*["unknown"] * 5))) == PARKED


@pytest.mark.parametrize(
    ("renewed", "changed", "expected"),
    [
        (0, None, ("unauthorized", Renew())),
        (1, True, ("unauthorized", Renew())),
        (1, False, ("parked", "unauthorized")),
        (1, None, ("parked", "unauthorized")),
    ],
)
def test_a_key_is_renewed_while_that_brings_a_new_one(
    *,
    renewed: int,
    changed: bool | None,
    expected: object,
    award: ToolSpec,
    award_call: ToolCall,
) -> None:
    """Once, and again only when the source had another key than the one that was refused."""
    state = ledger("refused", kind="unauthorized", renewed=renewed, renewal_changed=changed)
    assert brief(judge(award, award_call, reply(answer(401)), state)) == expected


def test_a_rejected_key_is_parked_with_the_way_out(award: ToolSpec, award_call: ToolCall) -> None:
    """A person reads what was found and what to do."""
    state = ledger("refused", kind="unauthorized", renewed=1, renewal_changed=False)
    detail = "status 401: the vendor did not accept the credential: the key was rejected after reading its source again"
    assert judge(award, award_call, reply(answer(401)), state) == Parked(
        fault=Fault(kind="unauthorized", detail=detail, evidence={"status": 401}), next_action=KEY_ACTION
    )


@pytest.mark.parametrize("came", [refusal(55031), answer(429), answer(401), answer(403), UNSENT, LOST])
def test_unknown_is_sticky(came: Answer | NoAnswer, award: ToolSpec, award_call: ToolCall) -> None:
    """Whatever comes back, an earlier attempt that may have taken place is settled first."""
    assert brief(judge(award, award_call, reply(came), ledger("unknown"))) == SETTLING


def test_a_refusal_counts_once_the_earlier_attempt_is_proved_absent(
    award: ToolSpec, award_call: ToolCall
) -> None:
    """The proof of a settled reading frees the judgement."""
    assert brief(judge(award, award_call, reply(refusal(55031)), ledger("absent"))) == ("failed", "refused")


def test_a_refused_repetition_does_not_make_the_first_one_failed(
    upsert: ToolSpec, upsert_call: ToolCall
) -> None:
    """A person decides: the first attempt may have created it."""
    assert judge(upsert, upsert_call, reply(refusal(1003)), ledger("unknown")) == Parked(
        fault=Fault(
            kind="unknown_outcome",
            detail="an earlier attempt of `contacts.find_or_create` may have taken place; this one did not:"
            " the vendor refused with code 1003: No.",
            evidence={"status": 400, "code": 1003},
        ),
        next_action=person_decides(upsert, upsert_call),
    )
    assert brief(judge(upsert, upsert_call, reply(answer(401)), ledger("unknown"))) == (
        "unauthorized",
        Renew(),
    )


def test_without_a_settle_time_the_listing_is_still_looked_at(award: ToolSpec, award_call: ToolCall) -> None:
    """Presence would prove it; only absence needs the bound."""
    verdict = judge(award, award_call, reply(LOST), ledger(settle=None, marker_trusted=False))
    assert brief(verdict) == ("unknown_outcome", Settle(after=FIRST))


def test_a_write_without_marker_is_parked(award: ToolSpec, award_call: ToolCall) -> None:
    """Nothing could be found, so a person looks."""
    bare = award_call.model_copy(update={"arguments": {"contact_uuid": "c-1", "credits": 10}})
    assert judge(award, bare, reply(LOST), ledger()) == Parked(
        fault=Fault(
            kind="unknown_outcome",
            detail="whether `credit_receptions.create` took place is unknown: no answer (reset)",
            evidence={"cause": "unreachable", "reason": "reset", "sent": "unknown"},
        ),
        next_action=LOOK_FOR_AWARD.replace("with `slot` = `mf_1`", "with these arguments"),
    )


JSON: st.SearchStrategy[JsonValue] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["c-1", "mf_1", "mf_2", "\ud800"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["data", "uuid", "email", "contact", "creditBalance", "code"]), inner
        )
    ),
    max_leaves=10,
)
BODIES = (
    JSON
    | st.builds(lambda data: {"data": data}, JSON | st.sampled_from([CONTACT, AWARD, {"card": CONTACT}]))
    | st.builds(
        lambda code, status: {"message": "No.", "code": code, "status_code": status},
        st.sampled_from([1000, 1003, 6001, 55031, 60001, 60005, 7]) | JSON,
        st.just(400) | JSON,
    )
)
ANSWERS = st.builds(
    Answer,
    status=st.sampled_from([200, 201, 204, 302, 400, 401, 403, 404, 408, 409, 429, 500, 503]) | st.integers(),
    headers=st.dictionaries(
        st.sampled_from(["retry-after", "date", "x-ratelimit-reset"]), st.text(max_size=9)
    ),
    body=BODIES,
    flaw=st.sampled_from([None, None, None, "empty", "html", "truncated"]),
)
SILENCES = st.builds(NoAnswer)
LEDGERS = st.builds(
    ledger,
    st.sampled_from(["unknown", "refused", "absent", "not_sent"]),
    kind=st.sampled_from(["rate_limit", "timeout"]),
    settle=st.sampled_from([None, SETTLE]),
    marker_trusted=st.booleans(),
    renewed=st.integers(0, 2),
    renewal_changed=st.sampled_from([None, True, False]),
) | st.builds(ledger)


@given(came=ANSWERS | SILENCES, state=LEDGERS, which=st.integers(0, 3))
def test_every_reply_has_a_verdict_and_no_unknown_is_sent_again(
    came: Answer | NoAnswer,
    state: Ledger,
    which: int,
    tools: list[tuple[ToolSpec, ToolCall]],
) -> None:
    """Judging is total, and a write that may have taken place is never sent again unless that is harmless."""
    spec, call = tools[which]
    verdict = judge(spec, call, reply(came), state)
    assert judge(spec, call, reply(came), state) == verdict
    if spec.is_read:
        assert not (isinstance(verdict, Healing) and isinstance(verdict.remedy, Settle | Resend))
        return
    proves_nothing = isinstance(came, NoAnswer) and came.sent == "unknown"
    is_open = state.has_unknown or proves_nothing or (isinstance(came, Answer) and came.status >= 500)
    if is_open and spec.effect != "natural_key":
        assert not (isinstance(verdict, Healing) and not isinstance(verdict.remedy, Settle))
    if is_open:
        assert not isinstance(verdict, Failed)


def test_the_vendors_key_counts_only_where_the_call_uses_it(award: ToolSpec, award_call: ToolCall) -> None:
    """A call that gives the key may be sent again; one without it, or with none, is settled by reading."""
    keyed = award.model_copy(update={"key": VendorKey(argument="till", taken=6001)})

    def after_a_loss(arguments: JsonObject) -> object:
        call = award_call.model_copy(update={"arguments": {**award_call.arguments, **arguments}})
        return brief(judge(keyed, call, reply(LOST), ledger()))

    given: list[JsonObject] = [{"till": "t1"}, {}, {"till": None}]
    assert [after_a_loss(arguments) for arguments in given] == [
        AGAIN,
        SETTLING,
        SETTLING,
    ]


def test_a_person_reads_what_to_look_for(award: ToolSpec, award_call: ToolCall) -> None:
    """The marker where the call has one, and the arguments otherwise; what is known comes first."""
    assert person_decides(award, award_call) == LOOK_FOR_AWARD
    bare = award_call.model_copy(update={"arguments": {}})
    unmarked = LOOK_FOR_AWARD.replace("with `slot` = `mf_1`", "with these arguments")
    assert person_decides(award, bare, "It grew.") == f"It grew. {unmarked}"
