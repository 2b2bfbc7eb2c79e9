"""Settling by the state of an object, and by totals, which prove nothing."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mendflow.connectors.contract import (
    Answer,
    JsonObject,
    NoAnswer,
    Reply,
    StateRead,
    ToolCall,
    ToolSpec,
    TotalRead,
)
from mendflow.verifier.ledger import Attempt, Ledger
from mendflow.verifier.probing import person_decides, probe_call
from mendflow.verifier.remedy import backoff
from mendflow.verifier.settling import judge_probe
from mendflow.verifier.verdict import Failed, Fault, Healing, Parked, Passed, Resend, Settle, Verdict
from pydantic import JsonValue

SENT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SETTLE = timedelta(seconds=3)
CARD: JsonObject = {
    "type": "object",
    "required": ["card", "owner"],
    "properties": {"card": {"type": "string"}, "owner": {"type": ["string", "null"]}},
}
GET = ToolSpec(
    operation="cards.get",
    summary="Get a card.",
    effect="read",
    parameters={"type": "object"},
    answer=CARD,
    refusals=frozenset({1003, 1004}),
)
LIST = ToolSpec(
    operation="codes.list",
    summary="List.",
    effect="read",
    parameters={"type": "object"},
    answer={"type": "array"},
)
CLAIM = ToolSpec(
    operation="cards.claim",
    summary="Claim.",
    effect="readable_state",
    parameters={"type": "object"},
    answer=CARD,
    confirm=StateRead(
        operation="cards.get", copied={"card": "card"}, equals={"owner": "owner"}, untouched={"owner": None}
    ),
)
MERGE = CLAIM.model_copy(
    update={
        "operation": "cards.merge",
        "confirm": StateRead(
            operation="cards.get", copied={"card": "card"}, gone=frozenset({1004}), takes=timedelta(minutes=1)
        ),
    }
)
ORDER = ToolSpec(
    operation="codes.order",
    summary="Order.",
    effect="asynchronous",
    parameters={"type": "object"},
    answer={"type": "object"},
    confirm=TotalRead(operation="codes.list", arguments={"limit": 1}, total="total", grows_by="quantity"),
)
CALL = ToolCall(connection="shop", operation="cards.claim", arguments={"card": "c", "owner": "ann"})
ORDERED = ToolCall(connection="shop", operation="codes.order", arguments={"quantity": 5})
GONE = Answer(status=400, body={"code": 1004, "message": "no such card", "status_code": 400})


def _card(owner: JsonValue) -> Answer:
    return Answer(status=200, body={"data": {"card": "c", "owner": owner}})


def _total(number: JsonValue) -> Answer:
    return Answer(status=200, body={"data": [], "meta": {"total": number}})


def _ledger(after: timedelta = SETTLE, **facts: object) -> Ledger:
    made = [Attempt(number=1, sent_at=SENT, standing="unknown")]
    return Ledger.model_validate(
        {"now": SENT + after, "settle": SETTLE, "attempts": made, "salt": "k", **facts}
    )


def _judge(spec: ToolSpec, outcome: Answer | NoAnswer, ledger: Ledger) -> Verdict:
    call, read = (ORDERED, LIST) if spec is ORDER else (CALL, GET)
    reply = Reply(outcome=outcome, received_at=ledger.now)
    return judge_probe(spec, call, read, probe_call(spec, call, 1), reply, ledger)


def test_the_read_is_built_from_the_call() -> None:
    """What identifies the object is copied; an object has no pages, a total keeps its own limit."""
    assert probe_call(CLAIM, CALL, 1).arguments == {"card": "c"}
    assert probe_call(ORDER, ORDERED, 1).arguments == {"limit": 1}


def test_the_state_that_was_asked_for_proves_the_effect() -> None:
    """At once, whatever bound is declared, and the object is the output."""
    verdict = _judge(CLAIM, _card("ann"), _ledger(timedelta(), settle=None))
    assert isinstance(verdict, Passed)
    assert verdict.output == {"card": "c", "owner": "ann"}
    assert [mend.proof for mend in verdict.mends] == ["`cards.get` shows the state that was asked for"]


def test_an_object_that_is_gone_is_left_to_a_person() -> None:
    """It may never have been there, or somebody else removed it; another refusal is no evidence at all."""
    verdict = _judge(MERGE, GONE, _ledger())
    assert isinstance(verdict, Parked)
    assert "no such object any more" in verdict.fault.detail
    assert verdict.next_action == person_decides(MERGE, CALL, "It most likely took place.")
    other = Answer(status=400, body={"code": 1003, "message": "no", "status_code": 400})
    assert isinstance(_judge(MERGE, other, _ledger()), Healing)
    assert isinstance(_judge(CLAIM, GONE, _ledger()), Healing)


def test_an_untouched_object_is_absence_after_the_settle_time() -> None:
    """Before it, the rest of that time is waited; without a declared one nothing is sent again."""
    early = _judge(CLAIM, _card(None), _ledger(timedelta(seconds=1)))
    assert isinstance(early, Healing)
    assert early.remedy == Settle(after=timedelta(seconds=2))
    settled = _judge(CLAIM, _card(None), _ledger())
    assert isinstance(settled, Healing)
    assert settled.remedy == Resend()
    open_end = [_judge(CLAIM, _card(None), _ledger(settle=None, probes=probes)) for probes in range(5)]
    waits = [one.remedy if isinstance(one, Healing) else one.kind for one in open_end]
    assert waits == [*(Settle(after=backoff(number, "k")) for number in range(1, 5)), "parked"]


def test_a_proved_absence_after_the_last_attempt_is_a_failure() -> None:
    """No attempt took place, and there is none left."""
    made = [Attempt(number=number, sent_at=SENT, standing="unknown") for number in range(1, 7)]
    verdict = _judge(CLAIM, _card(None), _ledger(attempts=made))
    assert isinstance(verdict, Failed)
    assert verdict.fault.kind == "budget_spent"


@pytest.mark.parametrize(("spec", "owner"), [(CLAIM, "bob"), (MERGE, None), (MERGE, "ann")])
def test_another_state_is_neither_presence_nor_absence(spec: ToolSpec, owner: JsonValue) -> None:
    """A person decides, once the time is over that the vendor may take."""
    verdict = _judge(spec, _card(owner), _ledger())
    assert isinstance(verdict, Parked)
    assert verdict.next_action == person_decides(spec, CALL)


def test_a_job_of_the_vendor_is_waited_for() -> None:
    """Without a declared bound as long as the vendor may take, and not beyond."""
    waiting = _judge(MERGE, _card(None), _ledger(timedelta(seconds=59), settle=None, probes=9))
    assert isinstance(waiting, Healing)
    assert waiting.remedy == Settle(after=timedelta(seconds=1))
    over = _judge(MERGE, _card(None), _ledger(timedelta(seconds=60), settle=None, probes=9))
    assert over.kind == "parked"


@pytest.mark.parametrize(
    ("before", "now"), [(7, 12), (7, 13), (7, 11), (7, 7), (None, 12), (7, None), (7, "12")]
)
def test_a_total_only_informs_a_person(before: int | None, now: JsonValue) -> None:
    """Grown enough, too little, or unknown: parked with the numbers, never done, never sent again."""
    verdict = _judge(ORDER, _total(now), _ledger(total_before=before))
    assert isinstance(verdict, Parked)
    is_likely = isinstance(now, int) and before is not None and now >= 12  # 7 and 5 more
    assert verdict.next_action.startswith("It most likely took place.") is is_likely
    assert ("was 7 before and is" in verdict.fault.detail) is (isinstance(now, int) and before == 7)  # above


@given(
    spec=st.sampled_from([CLAIM, MERGE, ORDER]),
    outcome=st.sampled_from(
        [
            _card(None),
            _card("ann"),
            _card("bob"),
            GONE,
            _total(3),
            Answer(status=500),
            Answer(status=200, body=[]),
        ]
    ),
    after=st.floats(0, 9),
    settle=st.sampled_from([None, SETTLE]),
    probes=st.integers(0, 30),
)
def test_only_proof_passes_or_resends(
    spec: ToolSpec, outcome: Answer, after: float, settle: timedelta | None, probes: int
) -> None:
    """Done needs the state that was asked for; a resend needs the untouched object and the settle time."""
    verdict = _judge(
        spec, outcome, _ledger(timedelta(seconds=after), settle=settle, probes=probes, total_before=0)
    )
    assert (verdict.kind == "passed") == ((spec, outcome) == (CLAIM, _card("ann")))
    is_resend = isinstance(verdict, Healing) and isinstance(verdict.remedy, Resend)
    is_absent = spec is CLAIM and outcome == _card(None) and settle is not None
    assert is_resend == (is_absent and timedelta(seconds=after) >= SETTLE)
    assert not isinstance(verdict, Failed)


def test_a_state_that_the_reading_does_not_hold_is_not_reached() -> None:
    """Where the field is not there, neither presence nor absence is shown."""
    bare = Answer(status=200, body={"data": {"card": "c"}})
    anything = GET.model_copy(update={"answer": {}})
    reply = Reply(outcome=bare, received_at=SENT + SETTLE)
    verdict = judge_probe(CLAIM, CALL, anything, probe_call(CLAIM, CALL, 1), reply, _ledger())
    assert isinstance(verdict, Parked)
    assert "does not show that `cards.claim` took place" in verdict.fault.detail


@pytest.mark.parametrize(("card", "owner"), [("c", "bob"), ("d", "ann")])
def test_a_state_is_reached_in_all_its_parts(card: str, owner: str) -> None:
    """One field that is as it was asked for, beside another that is not, shows nothing."""
    confirm = StateRead(
        operation="cards.get", copied={"card": "card"}, equals={"owner": "owner", "card": "card"}
    )
    spec = CLAIM.model_copy(update={"confirm": confirm})
    assert isinstance(_judge(spec, _card("ann"), _ledger()), Passed)
    other = Answer(status=200, body={"data": {"card": card, "owner": owner}})
    assert isinstance(_judge(spec, other, _ledger()), Parked)


def test_a_code_that_leaves_things_open_does_not_say_that_the_object_is_gone() -> None:
    """Only a refusal of the read says that; while the vendor is at work it is read again."""
    busy = GET.model_copy(update={"unsettled": frozenset({1004})})
    reply = Reply(outcome=GONE, received_at=SENT + SETTLE)
    verdict = judge_probe(MERGE, CALL, busy, probe_call(MERGE, CALL, 1), reply, _ledger())
    assert isinstance(verdict, Healing)
    assert isinstance(verdict.remedy, Settle)


def test_an_output_that_breaks_the_contract_is_not_handed_on() -> None:
    """The state proves the effect; what the call would have returned stays unknown where the read shows less."""
    strict: JsonObject = {**CARD, "required": ["card", "owner", "since"]}
    claim = CLAIM.model_copy(update={"answer": strict})
    reply = Reply(outcome=_card("ann"), received_at=SENT)
    verdict = judge_probe(claim, CALL, GET, probe_call(claim, CALL, 1), reply, _ledger())
    assert isinstance(verdict, Passed)
    assert verdict.output is None


def test_a_total_that_cannot_be_read_is_read_again() -> None:
    """A failed reading says nothing of the total, whatever stands in its body."""
    broken = Answer(status=500, body={"data": [], "meta": {"total": 12}})
    verdict = _judge(ORDER, broken, _ledger(total_before=7))
    assert isinstance(verdict, Healing)
    assert isinstance(verdict.remedy, Settle)


@pytest.mark.parametrize(
    ("outcome", "readings", "renew"),
    [
        (Answer(status=500), 5, False),
        (Answer(status=401), 5, True),
        (NoAnswer(sent="no", reason="credential"), 5, True),
        (NoAnswer(sent="no", reason="down"), 20, False),
    ],
)
def test_a_reading_that_fails_is_repeated_a_few_times(
    *, outcome: Answer | NoAnswer, readings: int, renew: bool
) -> None:
    """Then a person looks; while the vendor is down nothing was tried, so that takes longer."""
    verdicts = [_judge(CLAIM, outcome, _ledger(probes=probes)) for probes in range(readings)]
    found = [one.remedy if isinstance(one, Healing) else one.kind for one in verdicts]
    waits = (backoff(number, "k") for number in range(1, readings))
    assert found == [*(Settle(after=wait, renew=renew) for wait in waits), "parked"]


def test_a_reading_that_fails_says_why() -> None:
    """The cause is in the sentence and in the evidence, and the way out names both ends."""
    verdict = _judge(CLAIM, Answer(status=500), _ledger(probes=4))
    assert verdict == Parked(
        fault=Fault(
            kind="unknown_outcome",
            detail="whether `cards.claim` took place could not be read: the vendor's server failed with status 500",
            evidence={"cause": "server_error", "status": 500},
        ),
        next_action=person_decides(
            CLAIM, CALL, "Mend the cause, then `mendflow resume {run}` to look once more. Or:"
        ),
    )


def test_a_reading_that_is_paused_waits_for_the_release() -> None:
    """Reading on would go against whoever pulled the switch."""
    paused = NoAnswer(sent="no", reason="paused", detail="paused by eve: stop")
    verdict = _judge(CLAIM, paused, _ledger())
    assert isinstance(verdict, Parked)
    assert verdict.fault.evidence["cause"] == "paused"
    assert verdict.next_action == ("`mendflow pause shop --off` lets it go on; then `mendflow resume {run}`.")


def test_what_has_no_confirming_read_has_no_call_for_it() -> None:
    """To ask for one is an error of ours, and is named."""
    bare = CLAIM.model_copy(update={"confirm": None})
    with pytest.raises(ValueError, match=r"`cards\.claim` has no confirming read"):
        probe_call(bare, CALL, 1)


@pytest.mark.parametrize("wanted", [None, "5", 5.0])
def test_a_total_is_compared_with_a_whole_number_only(wanted: JsonValue) -> None:
    """Where it is not known by how much it should have grown, nothing is said of it."""
    call = ORDERED.model_copy(update={"arguments": {"quantity": wanted}})
    reply = Reply(outcome=_total(12), received_at=SENT + SETTLE)
    verdict = judge_probe(ORDER, call, LIST, probe_call(ORDER, call, 1), reply, _ledger(total_before=7))
    assert isinstance(verdict, Parked)
    assert verdict.fault.detail.endswith("`codes.list` gave no total to compare")


@pytest.mark.parametrize("total", [True, False, 12.0])
def test_a_total_is_a_whole_number(total: JsonValue) -> None:
    """What is none is no total."""
    verdict = _judge(ORDER, _total(total), _ledger(total_before=0))
    assert verdict.kind == "parked"
    assert isinstance(verdict, Parked)
    assert verdict.fault.detail.endswith("`codes.list` gave no total to compare")


@pytest.mark.parametrize(
    ("settle", "takes", "until"),
    [(SETTLE, timedelta(minutes=1), 3.0), (None, timedelta(minutes=1), 60.0), (SETTLE, timedelta(), 3.0)],
)
@pytest.mark.parametrize("spec", [MERGE, ORDER])
def test_the_vendor_has_its_time(
    spec: ToolSpec, settle: timedelta | None, takes: timedelta, until: float
) -> None:
    """The declared settle time comes before what the catalogue says; one reading after it is enough."""
    assert isinstance(spec.confirm, StateRead | TotalRead)
    confirm = spec.confirm.model_copy(update={"takes": takes})
    patient = spec.model_copy(update={"confirm": confirm})

    def verdict(after: float) -> Verdict:
        call, read, outcome = (ORDERED, LIST, _total(7)) if spec is ORDER else (CALL, GET, _card(None))
        state = _ledger(timedelta(seconds=after), settle=settle, total_before=7, probes=0)
        reply = Reply(outcome=outcome, received_at=state.now)
        return judge_probe(patient, call, read, probe_call(patient, call, 1), reply, state)

    early = verdict(until - 0.05)
    assert isinstance(early, Healing)
    assert early.remedy == Settle(after=timedelta(seconds=0.05))
    assert verdict(until).kind == "parked"


def test_a_vendor_without_a_bound_is_asked_a_few_times() -> None:
    """Neither declared nor known: the reading is repeated at growing intervals, then a person decides."""
    verdicts = [
        _judge(ORDER, _total(7), _ledger(timedelta(days=1), settle=None, total_before=7, probes=probes))
        for probes in range(5)
    ]
    found = [one.remedy if isinstance(one, Healing) else one.kind for one in verdicts]
    assert found == [*(Settle(after=backoff(number, "k")) for number in range(1, 5)), "parked"]


@pytest.mark.parametrize(("settle", "word"), [(None, "heal"), (timedelta(), "parked")])
def test_that_no_time_is_needed_can_be_declared(settle: timedelta | None, word: str) -> None:
    """A settle time of nothing is over at once; where none is declared the first pause is our own."""
    verdict = _judge(ORDER, _total(7), _ledger(timedelta(), settle=settle, total_before=7))
    assert verdict.kind == word
    if isinstance(verdict, Healing):
        assert verdict.remedy == Settle(after=backoff(1, "k"))


def test_a_reading_whose_sending_is_not_known_waits_for_nothing() -> None:
    """Without the moment of the sending no span can be over: a few readings, then a person."""
    merge = [_judge(MERGE, _card(None), _ledger(attempts=[], probes=probes)) for probes in (0, 4)]
    assert [one.kind for one in merge] == ["parked", "parked"]
    claim = _judge(CLAIM, _card(None), _ledger(attempts=[], settle=SETTLE))
    assert not isinstance(claim, Failed)
    assert not (isinstance(claim, Healing) and isinstance(claim.remedy, Resend))


def test_an_object_is_untouched_in_all_its_parts() -> None:
    """One field that is as before, beside another that is not, proves no absence."""
    confirm = StateRead(
        operation="cards.get",
        copied={"card": "card"},
        equals={"owner": "owner"},
        untouched={"owner": None, "card": "c"},
    )
    spec = CLAIM.model_copy(update={"confirm": confirm})
    settled = _judge(spec, _card(None), _ledger())
    assert isinstance(settled, Healing)
    assert settled.remedy == Resend()
    other = Answer(status=200, body={"data": {"card": "d", "owner": None}})
    assert _judge(spec, other, _ledger()).kind == "parked"
