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
