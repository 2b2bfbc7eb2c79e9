from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from mendflow.connectors.contract import JsonObject
from mendflow.connectors.errors import IllegalTransition
from mendflow.verifier.effect import (
    Decision,
    Effect,
    EffectAttempt,
    Found,
    State,
    begin_settling,
    conclude,
    intend,
    park,
    reopen,
    resolve,
    settled,
)
from mendflow.verifier.outcome import Standing

AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
PROOF: JsonObject = {"reply": "r"}
OPEN = intend(Effect(slot="s", digest="d"), AT)
UNKNOWN = conclude(OPEN, "unknown", PROOF)


def test_a_lost_reply_is_settled_by_reading() -> None:
    """Intent, unknown, reading, done: each step is kept."""
    done = settled(begin_settling(UNKNOWN), "present", PROOF)
    assert done == Effect(
        slot="s",
        digest="d",
        state="done",
        attempts=(EffectAttempt(number=1, at=AT, standing="done"),),
        evidence=PROOF,
        version=4,
    )


def test_a_proved_absence_allows_one_more_sending() -> None:
    """Unknown, absent, sent again, done."""
    again = intend(settled(UNKNOWN, "absent", PROOF), AT + timedelta(1))
    done = conclude(again, "done", PROOF)
    assert [attempt.standing for attempt in done.attempts] == ["absent", "done"]
    assert done.state == "done"


def test_a_call_that_was_turned_away_may_go_again() -> None:
    """What never left, or was refused for now only, leaves the effect planned; a real refusal ends it."""
    assert conclude(OPEN, "not_sent", PROOF).state == "planned"
    assert conclude(OPEN, "refused", PROOF, final=False).state == "planned"
    assert conclude(OPEN, "refused", PROOF).state == "refused"


def test_a_refusal_after_an_unknown_attempt_stays_unknown() -> None:
    """Unknown is sticky: the second reply says nothing about the first sending."""
    repeatable = Effect(slot="s", digest="d", repeatable=True)
    first = conclude(intend(repeatable, AT), "unknown", PROOF)
    second = conclude(intend(first, AT), "refused", PROOF)
    assert second.state == "unknown"
    assert [attempt.standing for attempt in second.attempts] == ["unknown", "refused"]


def test_a_parked_effect_is_taken_up_where_it_stood() -> None:
    """Parking forgets nothing: what was unknown is unknown again, what was never sent may be sent."""
    assert reopen(park(UNKNOWN, PROOF)).state == "unknown"
    assert reopen(park(Effect(slot="s", digest="d"), PROOF)).state == "planned"


@pytest.mark.parametrize(
    "step",
    [
        lambda: intend(UNKNOWN, AT),
        lambda: intend(OPEN, AT),
        lambda: intend(park(UNKNOWN, PROOF), AT),
        lambda: conclude(Effect(slot="s", digest="d"), "done", PROOF),
        lambda: conclude(OPEN, "done", {}),
        lambda: settled(UNKNOWN, "present", {}),
        lambda: settled(OPEN, "absent", PROOF),
        lambda: begin_settling(OPEN),
        lambda: park(OPEN, PROOF),
        lambda: reopen(UNKNOWN),
    ],
)
def test_what_is_not_proven_is_forbidden(step: Callable[[], Effect]) -> None:
    """The protocol refuses to be led past a proof."""
    with pytest.raises(IllegalTransition):
        step()


@pytest.mark.parametrize(
    ("decision", "state", "standing"),
    [("done", "done", "done"), ("refused", "refused", "absent"), ("resend", "planned", "absent")],
)
def test_a_person_resolves_what_is_parked(decision: Decision, state: State, standing: str) -> None:
    """Their word ends it or frees it, and says what became of the attempts that were unknown."""
    parked = park(conclude(intend(Effect(slot="s", digest="d"), AT), "unknown", PROOF), PROOF)
    after = resolve(parked, decision, {"by": "eve", "reason": "seen"})
    assert (after.state, after.evidence) == (state, {"by": "eve", "reason": "seen"})
    assert [attempt.standing for attempt in after.attempts] == [standing]


class AnyOrder(RuleBasedStateMachine):
    """Every transition in every order; a vendor that says whether each sending took effect."""

    @initialize(repeatable=st.booleans())
    def plan(self, repeatable: bool) -> None:  # noqa: FBT001  # hypothesis gives it by name
        self.effect = Effect(slot="s", digest="d", repeatable=repeatable)

    def _try(self, step: Callable[[Effect], Effect]) -> None:
        before = self.effect
        try:
            self.effect = step(before)
        except IllegalTransition:
            return
        assert before.state not in ("done", "refused")
        assert self.effect.version == before.version + 1

    @rule()
    def intends(self) -> None:
        before = self.effect
        self._try(lambda effect: intend(effect, AT))
        if self.effect is not before and not before.repeatable:
            assert {attempt.standing for attempt in before.attempts} <= {"not_sent", "refused", "absent"}

    @rule(
        standing=st.sampled_from(["not_sent", "refused", "done", "unknown"]),
        final=st.booleans(),
        evidence=st.sampled_from([{}, PROOF]),
    )
    def concludes(self, standing: Standing, final: bool, evidence: JsonObject) -> None:  # noqa: FBT001  # as above
        self._try(lambda effect: conclude(effect, standing, evidence, final=final))

    @rule()
    def begins_to_settle(self) -> None:
        self._try(begin_settling)

    @rule(found=st.sampled_from(["present", "absent", "unreadable"]), evidence=st.sampled_from([{}, PROOF]))
    def settles(self, found: Found, evidence: JsonObject) -> None:
        self._try(lambda effect: settled(effect, found, evidence))

    @rule()
    def parks(self) -> None:
        self._try(lambda effect: park(effect, PROOF))

    @rule()
    def reopens(self) -> None:
        self._try(reopen)

    @rule(decision=st.sampled_from(["done", "refused", "resend"]), evidence=st.sampled_from([{}, PROOF]))
    def is_resolved(self, decision: Decision, evidence: JsonObject) -> None:
        before = self.effect
        self._try(lambda effect: resolve(effect, decision, evidence))
        if self.effect is not before:
            assert (before.state, bool(evidence)) == ("parked", True)

    @invariant()
    def unknown_is_sticky(self) -> None:
        assert not (self.effect.state in ("refused", "planned") and self.effect.has_unknown)

    @invariant()
    def done_has_evidence(self) -> None:
        assert self.effect.state != "done" or self.effect.evidence

    @invariant()
    def at_most_one_attempt_is_open(self) -> None:
        open_ones = [attempt.number for attempt in self.effect.attempts if attempt.standing == "open"]
        assert open_ones == ([len(self.effect.attempts)] if self.effect.state == "intent" else [])

    @invariant()
    def it_survives_the_journal(self) -> None:
        assert Effect.model_validate_json(self.effect.model_dump_json()) == self.effect


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)


@pytest.mark.parametrize(
    ("step", "name", "state"),
    [
        (lambda: intend(OPEN, AT), "intend", "intent"),
        (lambda: intend(UNKNOWN, AT), "intend", "unknown"),
        (lambda: conclude(UNKNOWN, "done", PROOF), "conclude", "unknown"),
        (lambda: conclude(OPEN, "done", {}), "conclude", "intent"),
        (lambda: begin_settling(OPEN), "begin_settling", "intent"),
        (lambda: settled(OPEN, "present", PROOF), "settled", "intent"),
        (lambda: settled(UNKNOWN, "present", {}), "settled", "unknown"),
        (lambda: park(OPEN, PROOF), "park", "intent"),
        (lambda: reopen(UNKNOWN), "reopen", "unknown"),
        (lambda: resolve(UNKNOWN, "done", PROOF), "resolve", "unknown"),
        (lambda: resolve(park(UNKNOWN, PROOF), "done", {}), "resolve", "parked"),
    ],
)
def test_a_forbidden_step_is_named(step: Callable[[], Effect], name: str, state: State) -> None:
    """Whoever reports the error reports what was asked, and in which state."""
    with pytest.raises(
        IllegalTransition, match=f"`{name}` was asked of the effect `s` in the state `{state}`"
    ):
        step()


@pytest.mark.parametrize("found", ["present", "absent"])
def test_a_reading_says_nothing_about_attempts_that_were_known(found: Found) -> None:
    """An attempt that was refused, or never left, is no attempt of which the reading told."""
    throttled = conclude(OPEN, "refused", PROOF, final=False)
    unsent = conclude(intend(throttled, AT), "not_sent", PROOF)
    lost = conclude(intend(unsent, AT), "unknown", PROOF)
    standings = [attempt.standing for attempt in settled(lost, found, PROOF).attempts]
    assert standings == ["refused", "not_sent", "done" if found == "present" else "absent"]
