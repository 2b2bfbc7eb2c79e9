"""Who still asks a vendor that is down."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from mendflow.connectors.contract import Answer, NoAnswer
from mendflow.verifier.breaker import LONGEST_INTERVAL, TRIPS_AFTER, Breaker

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
BROKEN = Answer(status=500)
SILENT = NoAnswer(sent="unknown", reason="reset")


def _after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def _down() -> Breaker:
    breaker = Breaker()
    for number in range(TRIPS_AFTER):
        assert breaker.why_not(NOON) == ""
        breaker.note(BROKEN if number % 2 else SILENT, NOON)
    return breaker


def test_a_row_of_failures_holds_the_others_back() -> None:
    """One call tries after a second, then after two more, then four; what is held back learns when."""
    breaker = _down()
    assert breaker.why_not(NOON) == "the last 5 calls failed; the next one tries at 2026-03-01T12:00:01+00:00"
    tried = [second for second in range(40) if not breaker.why_not(_after(second))]
    assert tried == [1, 2, 4, 8, 16, 32]


def test_any_answer_of_a_living_server_closes_it() -> None:
    """A refusal and a 429 come from a vendor that is up."""
    for status in (200, 400, 429):
        breaker = _down()
        assert breaker.why_not(_after(1)) == ""
        breaker.note(Answer(status=status), _after(1))
        assert breaker.why_not(_after(1)) == ""


def test_scattered_failures_do_not_trip_it() -> None:
    """Four in a row, then a success, and so on."""
    breaker = Breaker()
    for outcome in ([BROKEN] * (TRIPS_AFTER - 1) + [Answer(status=200)]) * 10:
        assert breaker.why_not(NOON) == ""
        breaker.note(outcome, NOON)


@given(st.lists(st.floats(0, 5), min_size=1, max_size=200))
def test_an_outage_costs_few_calls_and_never_the_last_hope(pauses: list[float]) -> None:
    """However often it is asked, few calls leave, and one always may after the longest interval."""
    breaker, now, sent = _down(), 0.0, 0
    for pause in pauses:
        now += pause
        if not breaker.why_not(_after(now)):
            sent += 1
            breaker.note(SILENT, _after(now))
    assert sent <= 5 + now / LONGEST_INTERVAL.total_seconds()
    assert breaker.why_not(_after(now) + LONGEST_INTERVAL) == ""
