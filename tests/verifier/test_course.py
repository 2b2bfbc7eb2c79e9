"""The course of one call: what each attempt asks, and what a verdict leads to."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mendflow.connectors.contract import Answer, JsonObject, NoAnswer, Reply, ToolCall, ToolSpec, TotalRead
from mendflow.connectors.errors import IllegalTransition
from mendflow.verifier.course import Course, Healed, Means, Turn
from mendflow.verifier.effect import Effect, State, intend, resolve
from mendflow.verifier.ledger import Attempt
from mendflow.verifier.verdict import (
    Failed,
    Fault,
    Healing,
    Mend,
    Parked,
    Passed,
    Resend,
    Rewrite,
    Settle,
    Wait,
)

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SETTLE = timedelta(seconds=3)
MEANS = Means(settle=SETTLE, marker_trusted=True, salt="k")
LOST = NoAnswer(sent="unknown", reason="reset")
THROTTLED = Answer(status=429)
REJECTED = Answer(status=401)
FAULT = Fault(kind="unknown_outcome", detail="lost")


def _reply(outcome: Answer | NoAnswer, seconds: float = 0, sent: float | None = None) -> Reply:
    sent_at = None if sent is None else NOON + timedelta(seconds=sent)
    return Reply(outcome=outcome, received_at=NOON + timedelta(seconds=seconds), sent_at=sent_at, key_id="k1")


@pytest.fixture
def award_turn(award: ToolSpec, award_call: ToolCall, listing: ToolSpec) -> Turn:
    """Return the first attempt of a marked write."""
    return Turn(award, award_call, Course(), MEANS, {award.operation: award, listing.operation: listing})


def _go_on(turn: Turn, reply: Reply) -> tuple[Turn, datetime]:
    """Return the turn after a heal, and when it comes."""
    verdict = turn.judge(reply)
    assert isinstance(verdict, Healing)
    course, until = turn.after(reply, verdict)
    return Turn(turn.spec, turn.call, course, turn.means, turn.tools), until


def test_a_wait_makes_the_same_call_again(award_turn: Turn) -> None:
    """The attempt is on the ledger, the remedy under way, and the call unchanged."""
    following, until = _go_on(award_turn, _reply(THROTTLED))
    assert following.exact == award_turn.call
    assert until > NOON
    assert following.course.attempt == 2
    (made,) = following.course.attempts
    assert (made.standing, made.fault_kind, made.remedy) == ("refused", "rate_limit", "wait")
    assert [one.remedy for one in following.course.healing] == ["wait"]


def test_a_rejected_key_is_renewed_first(award_turn: Turn) -> None:
    """The next attempt knows which key was refused."""
    following, until = _go_on(award_turn, _reply(REJECTED))
    assert (following.course.renew_from, until) == ("k1", NOON)


def test_an_unknown_outcome_is_read_about_after_the_settle_time(award_turn: Turn) -> None:
    """Then absence, proven after that time, makes the call again with the attempt struck off as absent."""
    following, until = _go_on(award_turn, _reply(LOST))
    assert until == NOON + SETTLE
    assert (following.course.probe, following.is_reading, following.asked.effect) == (1, True, "read")
    assert following.exact.operation == "loyalty_transactions.list"
    nothing = Answer(status=200, body={"data": [], "meta": {"last_page": 1}})
    again, _ = _go_on(following, _reply(nothing, 4, sent=3))
    assert again.exact == award_turn.call
    assert [one.standing for one in again.course.attempts] == ["absent"]
    assert [one.remedy for one in again.course.healing] == ["settle, then resend"]


def test_a_reading_counts_from_when_it_was_asked(award_turn: Turn) -> None:
    """A listing that was asked for before the settle time was over may be older than the effect."""
    following, _ = _go_on(award_turn, _reply(LOST))
    nothing = Answer(status=200, body={"data": [], "meta": {"last_page": 1}})
    verdict = following.judge(_reply(nothing, 9, sent=2))
    assert isinstance(verdict, Healing)
    assert verdict.remedy == Settle(after=timedelta(seconds=1))


def test_a_vendor_key_or_the_author_lets_a_call_be_repeated(award_turn: Turn, mailing: ToolSpec) -> None:
    """Without either, only a natural key or a state that is set outright does."""
    assert not award_turn.is_repeatable
    call = ToolCall(connection="piggy", operation=mailing.operation, arguments={"email": "a@b.c"})
    mail = Turn(mailing, call, Course(), MEANS, {})
    allowed = Turn(mailing, call, Course(), MEANS.model_copy(update={"may_repeat": True}), {})
    assert (mail.is_repeatable, allowed.is_repeatable) == (False, True)
    assert mail.judge(_reply(LOST)).kind == "parked"
    verdict = allowed.judge(_reply(LOST))
    assert isinstance(verdict, Healing)
    assert isinstance(verdict.remedy, Resend)


def test_a_total_is_counted_once_before_the_first_sending(mailing: ToolSpec, listing: ToolSpec) -> None:
    """It is read with a read's patience, and moves no effect; what may be repeated needs none."""
    confirm = TotalRead(operation=listing.operation, total="total", grows_by="quantity")
    order = mailing.model_copy(update={"effect": "asynchronous", "confirm": confirm})
    call = ToolCall(connection="piggy", operation=order.operation, arguments={"quantity": 5})
    tools = {listing.operation: listing}
    turn = Turn(order, call, Course(), MEANS, tools)
    assert (turn.counts_first, turn.is_reading, turn.exact.operation) == (True, True, listing.operation)
    broken, _ = _go_on(turn, _reply(Answer(status=500)))
    assert broken.counts_first
    counted = _reply(Answer(status=200, body={"data": [], "meta": {"total": 7}}))
    passed = broken.judge(counted)
    assert isinstance(passed, Passed)
    assert broken.transition(counted, passed) is None
    course = broken.counted(counted)
    assert (course.attempt, course.attempts, course.total_before, course.healing) == (3, (), 7, ())
    sending = Turn(order, call, course, MEANS, tools)
    assert (sending.counts_first, sending.exact) == (False, call)
    free = Turn(order, call, Course(), MEANS.model_copy(update={"may_repeat": True}), tools)
    assert not free.counts_first


def test_one_heal_for_one_fault(award_turn: Turn) -> None:
    """What a reading proved belongs to the fault that asked for it, with the reading as its proof."""
    healing = (
        Healed(fault=Fault(kind="rate_limit", detail="slow"), remedy="wait"),
        Healed(fault=FAULT, remedy="settle"),
    )
    course = Course(attempt=3, probe=1, healing=healing)
    turn = Turn(award_turn.spec, award_turn.call, course, MEANS, award_turn.tools)
    ours: JsonObject = {"uuid": "r", "credits": 10, "contact": {"uuid": "c-1"}, "slot": "mf_1"}
    verdict = turn.judge(_reply(Answer(status=200, body={"data": [ours], "meta": {"last_page": 1}}), 4))
    assert isinstance(verdict, Passed)
    assert [(mend.fault.kind, mend.remedy, mend.proof) for mend in turn.heals(verdict)] == [
        ("rate_limit", "wait", "the call then passed the Verifier"),
        ("unknown_outcome", "settle", "the marker was found in `loyalty_transactions.list`, page 1"),
    ]


@pytest.mark.parametrize(("outcome", "probe"), [(LOST, 1), (REJECTED, 0)])
def test_a_parked_write_is_looked_at_again(award_turn: Turn, outcome: NoAnswer | Answer, probe: int) -> None:
    """One that may have taken place by reading, one that did not by making it."""
    course = award_turn.looked_at_again(_reply(outcome), Parked(fault=FAULT, next_action=""))
    assert course is not None
    assert (course.probe, course.attempt, course.probes) == (probe, 2, 0)


def test_what_nothing_can_show_is_not_looked_at_again(mailing: ToolSpec, mailing_call: ToolCall) -> None:
    """A blind call that may have taken place waits for a person's word, and is sent again only on that."""
    turn = Turn(mailing, mailing_call, Course(), MEANS, {})
    parked = Parked(fault=FAULT, next_action="")
    assert turn.looked_at_again(_reply(LOST), parked) is None
    assert [one.standing for one in turn.sent_once_more(_reply(LOST), parked).attempts] == ["absent"]


_OUTCOMES: list[Answer | NoAnswer] = [
    LOST,
    THROTTLED,
    REJECTED,
    NoAnswer(sent="no", reason="connect"),
    NoAnswer(sent="no", reason="paused"),
    NoAnswer(sent="no", reason="down"),
    Answer(status=500),
    Answer(status=200, flaw="html"),
    Answer(status=400, body={"code": 1003, "message": "no", "status_code": 400}),
    Answer(status=400, body={"code": 6001, "message": "taken", "status_code": 400}),
    Answer(status=400, body={"code": 60001, "message": "busy", "status_code": 400}),
    Answer(
        status=200, body={"data": {"uuid": "r", "credits": 10, "contact": {"uuid": "c-1"}, "slot": "mf_1"}}
    ),
    Answer(status=200, body={"data": [], "meta": {"last_page": 1}}),
]


@given(
    data=st.data(), trusted=st.booleans(), settle=st.sampled_from([None, SETTLE]), may_repeat=st.booleans()
)
def test_every_course_moves_its_effect_lawfully_and_ends(  # fixtures
    award: ToolSpec,
    award_call: ToolCall,
    listing: ToolSpec,
    data: st.DataObject,
    trusted: bool,  # noqa: FBT001  # hypothesis gives it by name
    settle: timedelta | None,
    may_repeat: bool,  # noqa: FBT001  # as above
) -> None:
    """Whatever comes back: every transition is legal, every sending is intended, and the course comes to an end."""
    means = Means(settle=settle, marker_trusted=trusted, may_repeat=may_repeat, salt="k")
    turn = Turn(award, award_call, Course(), means, {award.operation: award, listing.operation: listing})
    effect = Effect(slot="s", digest="d", repeatable=turn.is_repeatable)
    now, end = NOON, ""
    while not end:
        if not turn.is_reading:
            effect = intend(effect, now)
        reply = Reply(outcome=data.draw(st.sampled_from(_OUTCOMES)), received_at=now, sent_at=now)
        verdict = turn.judge(reply)
        step = turn.transition(reply, verdict)
        assert step is not None
        effect = step(effect)
        match verdict:
            case Healing():
                course, now = turn.after(reply, verdict)
                turn = Turn(award, award_call, course, means, turn.tools)
                assert course.attempt < 200
            case Passed() | Parked() | Failed():
                end = verdict.kind
    expected: dict[str, set[State]] = {
        "passed": {"done"},
        "parked": {"parked"},
        "failed": {"refused", "planned"},
    }
    assert effect.state in expected[end]


def test_a_resolved_effect_is_moved_no_more(award_turn: Turn) -> None:
    """A verdict that comes after a person's word does not overwrite it."""
    effect = intend(Effect(slot="s", digest="d"), NOON)
    lost = _reply(LOST)
    parked = Parked(fault=FAULT, next_action="")
    step = award_turn.transition(lost, parked)
    assert step is not None
    resolved = resolve(step(effect), "done", {"by": "eve"})
    with pytest.raises(IllegalTransition):
        step(resolved)


def test_a_wait_names_what_it_waits_for(award_turn: Turn) -> None:
    """The prescribed wait is our backoff, or the vendor's own and ours on top."""
    hinted = Answer(status=429, headers={"retry-after": "30"})
    verdict = award_turn.judge(_reply(hinted))
    assert isinstance(verdict, Healing)
    assert isinstance(verdict.remedy, Wait)
    assert verdict.remedy.duration > timedelta(seconds=30)
    assert award_turn.course.attempts == ()
    assert Attempt(number=1, sent_at=NOON, standing="refused").remedy is None


def test_the_settle_time_begins_when_the_answer_failed_to_come(award_turn: Turn) -> None:
    """Until then the call may have been travelling; the moment at which it began to leave is too early."""
    following, until = _go_on(award_turn, _reply(LOST, 9, sent=1))
    assert [one.sent_at for one in following.course.attempts] == [NOON + timedelta(seconds=9)]
    assert until == NOON + timedelta(seconds=12)


def _at(turn: Turn, **facts: object) -> Turn:
    """Return the same call further on."""
    return replace(turn, course=Course.model_validate(facts))


def _settling(page: int = 1, *, total: int | None = None, renew: bool = False) -> Healing:
    return Healing(fault=FAULT, remedy=Settle(after=SETTLE, page=page, total=total, renew=renew))


def test_means_count_on_nothing_that_was_not_declared() -> None:
    """Without a word about it no settle time holds, no marker is trusted, and nothing may be repeated."""
    plain = Means()
    assert (plain.settle, plain.marker_trusted, plain.may_repeat) == (None, False, False)


@pytest.mark.parametrize("page", [1, 2, 7])
def test_each_page_is_asked_for_by_its_number(award_turn: Turn, page: int) -> None:
    """A reading of the third page asks for the third page, by the listing's own names."""
    asked = _at(award_turn, attempt=9, probe=page).exact
    assert asked == ToolCall(
        connection="piggy",
        operation="loyalty_transactions.list",
        arguments={"type": "credit_receptions", "contact_uuid": "c-1", "limit": 100, "page": page},
    )


def test_a_reply_without_a_fingerprint_is_of_an_unknown_key(award_turn: Turn) -> None:
    """The source is read again all the same."""
    reply = Reply(outcome=REJECTED, received_at=NOON)
    following, _ = _go_on(award_turn, reply)
    assert following.course.renew_from == "unknown"


@pytest.mark.parametrize(("probe", "probes"), [(0, 2), (3, 2), (4, 3), (5, 3)])
def test_readings_that_lead_nowhere_are_counted(award_turn: Turn, probe: int, probes: int) -> None:
    """The call itself is none, nor is one that leads to a further page."""
    verdict = _settling(page=4, total=7)
    course, until = _at(award_turn, probe=probe, probes=2).after(_reply(LOST), verdict)
    assert (course.probe, course.probes, course.listed) == (4, probes, 7)
    assert (course.renew_from, until) == ("", NOON + SETTLE)


def test_a_reading_that_was_not_let_in_renews_first(award_turn: Turn) -> None:
    """The key that was refused is named, so that a source which has no other one is known."""
    course, _ = _at(award_turn, probe=1).after(_reply(REJECTED), _settling(renew=True))
    assert course.renew_from == "k1"


def test_a_resend_begins_a_new_count_of_readings(award_turn: Turn) -> None:
    """They are counted for each unknown outcome anew."""
    resend = Healing(fault=FAULT, remedy=Resend())
    course, until = _at(award_turn, probe=2, probes=3).after(_reply(THROTTLED), resend)
    assert (course.probe, course.probes, until) == (0, 0, NOON)


def test_what_a_reading_leads_to_is_one_heal_with_what_asked_for_it(award_turn: Turn) -> None:
    """Earlier heals stay; the last one becomes what the reading led to; a reading again is no heal of its own."""
    slow = Healed(fault=Fault(kind="rate_limit", detail="slow"), remedy="wait")
    lost = Healed(fault=FAULT, remedy="settle")
    reading = _at(award_turn, probe=1, healing=(slow, slow, lost))
    again, _ = reading.after(_reply(LOST), _settling())
    assert again.healing == (slow, slow, lost)
    resent, _ = reading.after(_reply(LOST), Healing(fault=FAULT, remedy=Resend()))
    assert resent.healing == (slow, slow, lost.model_copy(update={"remedy": "settle, then resend"}))
    resumed, _ = _at(award_turn, probe=1).after(_reply(LOST), _settling())
    assert resumed.healing == (lost,)


def test_heals_of_one_answer_follow_those_that_led_to_it(award_turn: Turn) -> None:
    """A repaired answer is a heal of its own; one that a reading found is the end of what asked for the reading."""
    patch = Mend(fault=FAULT, remedy="drift_patch", proof="moved")
    passed = Passed(output={}, mends=(patch,))
    slow = Healed(fault=FAULT, remedy="wait")
    waited = Mend(fault=FAULT, remedy="wait", proof="the call then passed the Verifier")
    assert _at(award_turn, healing=(slow,)).heals(passed) == (waited, patch)
    assert _at(award_turn, probe=1, healing=()).heals(passed) == (patch,)
    assert _at(award_turn, probe=1, healing=(slow,)).heals(Passed(output={})) == (waited,)
    assert _at(award_turn, probe=1, healing=(slow, slow)).heals(passed) == (
        waited,
        waited.model_copy(update={"proof": "moved"}),
    )


def test_a_parked_call_is_looked_at_again_from_the_start(award_turn: Turn) -> None:
    """All that was tried stays on the ledger; readings and renewals begin anew."""
    turned_away = Attempt(number=1, sent_at=NOON, standing="refused", fault_kind="rate_limit", remedy="wait")
    course = _at(
        award_turn, attempt=4, attempts=(turned_away,), probes=3, renewed=2, renewal_changed=False
    ).looked_at_again(_reply(LOST), Parked(fault=FAULT, next_action=""))
    assert course is not None
    lost = Attempt(number=4, sent_at=NOON, standing="unknown", fault_kind="unknown_outcome")
    assert course == Course(attempt=5, attempts=(turned_away, lost), probe=1)


def test_a_parked_call_that_may_be_repeated_is_sent_again(upsert: ToolSpec, upsert_call: ToolCall) -> None:
    """It is the same effect, so nothing need be read."""
    turn = Turn(upsert, upsert_call, Course(), MEANS, {})
    course = turn.looked_at_again(_reply(LOST), Parked(fault=FAULT, next_action=""))
    assert course is not None
    assert course.probe == 0


def test_what_a_verdict_says_of_the_effect_is_kept_as_its_evidence(
    award_turn: Turn, mailing: ToolSpec
) -> None:
    """What proves the state stands beside it: the output and its proof, or the fault and what to do."""
    planned = Effect(slot="s", digest="d")
    ours: JsonObject = {"uuid": "r", "credits": 10, "contact": {"uuid": "c-1"}, "slot": "mf_1"}
    good = _reply(Answer(status=200, body={"data": ours}))
    assert _moved(award_turn, intend(planned, NOON), good).evidence == {"output": ours, "proof": "reply"}

    lost = _moved(award_turn, intend(planned, NOON), _reply(LOST))
    fault = award_turn.judge(_reply(LOST)).model_dump(mode="json")["fault"]
    assert (lost.state, lost.evidence) == ("reconciling", {"fault": fault})
    listed = _reply(Answer(status=200, body={"data": [ours], "meta": {"last_page": 1}}), 4, sent=4)
    proof = "the marker was found in `loyalty_transactions.list`, page 1"
    found = _moved(_go_on(award_turn, _reply(LOST))[0], lost, listed)
    assert (found.state, found.evidence) == ("done", {"output": ours, "proof": proof})

    mail = replace(award_turn, spec=mailing)
    parked = mail.judge(_reply(LOST))
    assert isinstance(parked, Parked)
    left = _moved(mail, intend(planned, NOON), _reply(LOST))
    shown: JsonObject = {"fault": parked.fault.model_dump(mode="json"), "next_action": parked.next_action}
    assert (left.state, left.evidence) == ("parked", shown)


def test_only_a_reading_brings_a_proof_of_its_own(award_turn: Turn) -> None:
    """A heal within the answer to the call itself proves nothing more than that answer."""
    ours: JsonObject = {"uuid": "r", "credits": 10, "contact": {"uuid": "c-1"}, "slot": "mf_1"}
    good = _reply(Answer(status=200, body={"data": ours}))
    passed = Passed(output=ours, mends=(Mend(fault=FAULT, remedy="drift_patch", proof="moved"),))
    sent = intend(Effect(slot="s", digest="d"), NOON)
    lost = _moved(award_turn, sent, _reply(LOST))
    reading = _at(award_turn, probe=1)
    found = [
        (award_turn.transition(good, passed), sent),
        (reading.transition(good, passed), lost),
        (reading.transition(good, Passed(output=ours)), lost),
    ]
    proofs = [step(effect).evidence["proof"] for step, effect in found if step is not None]
    assert proofs == ["reply", "moved", "reply"]


def test_a_read_moves_no_effect(lookup: ToolSpec, lookup_call: ToolCall) -> None:
    """There is none."""
    turn = Turn(lookup, lookup_call, Course(), MEANS, {})
    reply = _reply(Answer(status=500))
    assert turn.transition(reply, turn.judge(reply)) is None


def test_a_course_is_not_led_where_it_cannot_go(award_turn: Turn) -> None:
    """A total that is not declared, and a remedy for drafts, are errors of ours."""
    with pytest.raises(TypeError, match=r"`credit_receptions\.create` has no total to read"):
        award_turn.counted(_reply(LOST))
    with pytest.raises(TypeError, match="healed by what applies to calls"):
        award_turn.after(_reply(LOST), Healing(fault=FAULT, remedy=Rewrite(reasons=("no",))))


def _moved(turn: Turn, effect: Effect, reply: Reply) -> Effect:
    """Return the effect after the verdict on a reply."""
    step = turn.transition(reply, turn.judge(reply))
    assert step is not None
    return step(effect)
