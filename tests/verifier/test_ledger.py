from datetime import datetime, timedelta

from mendflow.verifier.ledger import Attempt, Ledger, proved_absent


def test_turned_away_attempts_have_a_budget_of_their_own(now: datetime) -> None:
    """A rate limit says nothing against the call, so it does not use up its attempts."""
    throttled = [
        Attempt(number=n, sent_at=now, standing="refused", fault_kind="rate_limit") for n in range(1, 20)
    ]
    real = [Attempt(number=n, sent_at=now, standing="refused", fault_kind="timeout") for n in range(1, 6)]
    patient = Ledger(now=now, attempts=tuple(throttled[:18]))
    assert (patient.number, patient.is_spent, patient.is_turned_away_for_good) == (19, False, False)
    assert Ledger(now=now, attempts=tuple(throttled)).is_turned_away_for_good
    assert not Ledger(now=now, attempts=(*throttled, *real[:4])).is_spent
    assert Ledger(now=now, attempts=(*throttled, *real)).is_spent


def test_a_settled_absence_closes_the_unknown_attempts(now: datetime) -> None:
    """After the proof nothing is unknown any more, and the other attempts stay as they were."""
    attempts = (
        Attempt(number=1, sent_at=now, standing="not_sent"),
        Attempt(number=2, sent_at=now + timedelta(1), standing="unknown"),
    )
    closed = (attempts[0], Attempt(number=2, sent_at=now + timedelta(1), standing="absent"))
    assert Ledger(now=now, attempts=attempts).has_unknown
    assert proved_absent(attempts) == closed
    assert not Ledger(now=now, attempts=closed).has_unknown


def test_a_ledger_counts_on_nothing_that_was_not_declared(now: datetime) -> None:
    """Without a word about it no settle time holds, no marker is trusted, and nothing may be repeated."""
    plain = Ledger(now=now)
    assert (plain.settle, plain.marker_trusted, plain.may_repeat) == (None, False, False)
    assert (plain.attempts, plain.probes, plain.renewed, plain.total_before) == ((), 0, 0, None)


def test_what_did_not_leave_during_an_outage_is_no_attempt(now: datetime) -> None:
    """The call still has all its attempts when the vendor is back."""
    held_back = [
        Attempt(number=n, sent_at=now, standing="not_sent", fault_kind="outage") for n in range(1, 20)
    ]
    assert not Ledger(now=now, attempts=tuple(held_back)).is_spent
    assert Ledger(now=now, attempts=tuple(held_back)).is_turned_away_for_good
