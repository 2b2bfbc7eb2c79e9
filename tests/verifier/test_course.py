"""The course of one call: what each attempt asks, and what a verdict leads to."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mendflow.connectors.contract import Answer, JsonObject, NoAnswer, Reply, ToolCall, ToolSpec, TotalRead
from mendflow.connectors.errors import IllegalTransition
from mendflow.verifier.course import Course, Healed, Means, Turn
from mendflow.verifier.effect import Effect, State, intend, resolve
from mendflow.verifier.ledger import Attempt
from mendflow.verifier.verdict import Failed, Fault, Healing, Parked, Passed, Resend, Settle, Wait

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
