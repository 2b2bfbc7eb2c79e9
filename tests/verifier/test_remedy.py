from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mendflow.verifier.remedy import ABSURD, backoff, hinted_wait

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
DATE = "Sun, 01 Mar 2026 11:00:00 GMT"


@given(st.integers(1, 10_000), st.text())
def test_the_backoff_grows_to_its_cap_and_is_the_same_each_time(attempt: int, salt: str) -> None:
    """Between a half and the whole of 0.2 s doubled each time, at most 20 s; a replay waits the same."""
    whole = min(0.2 * 2.0 ** min(attempt - 1, 60), 20.0)
    wait = backoff(attempt, salt)
    assert whole / 2 <= wait.total_seconds() <= whole
    assert backoff(attempt, salt) == wait


def test_calls_spread() -> None:
    """Two calls do not come back at the same moment."""
    assert len({backoff(3, f"step[{index}]") for index in range(50)}) == 50


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "3"}, 3),
        ({"retry-after": " 1.5 "}, 1.5),
        ({"retry-after": "0"}, 0),
        ({"retry-after": "-4"}, 0),
        ({"retry-after": "-99999999999999"}, 0),
        ({"x-ratelimit-reset": "-99999999999999"}, 0),
        ({"retry-after": "86400"}, 86400),
        ({"retry-after": "86401"}, None),
        ({"retry-after": "999999999999999"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "1e3"}, None),
        ({"retry-after": "٣"}, None),
        ({"retry-after": "Sun, 01 Mar 2026 11:00:20 GMT", "date": DATE}, 20),
        ({"retry-after": "Sun, 01 Mar 2026 10:59:00 GMT", "date": DATE}, 0),
        ({"retry-after": "Sun, 01 Mar 2026 12:00:09 GMT"}, 9),
        ({"retry-after": "Sun, 01 Mar 2026 12:00:09 -0000", "date": "nonsense"}, 9),
        ({"retry-after": "Sun, 01 Mar 2099 12:00:00 GMT"}, None),
        ({"x-ratelimit-reset": "30"}, 30),
        ({"x-ratelimit-reset": "1772362815", "date": DATE}, 15),
        ({"x-ratelimit-reset": "1772362815000"}, None),
        ({"x-ratelimit-reset": "500000"}, None),
        ({"x-ratelimit-reset": "30", "retry-after": "2"}, 2),
        ({"x-ratelimit-reset": "30", "retry-after": "99999"}, None),
        ({"x-ratelimit-reset": "30", "retry-after": "soon"}, 30),
    ],
)
def test_hints_are_read_as_they_are_meant_or_not_at_all(
    headers: dict[str, str], seconds: float | None
) -> None:
    """Seconds, dates by the vendor's own clock, resets by magnitude; absurd or ambiguous ones are dropped."""
    assert hinted_wait(headers, NOW) == (None if seconds is None else timedelta(seconds=seconds))


HEADER = st.text(max_size=30) | st.integers().map(str) | st.floats().map(str) | st.just(DATE)


@given(
    st.dictionaries(st.sampled_from(["retry-after", "x-ratelimit-reset", "date"]), HEADER),
    st.datetimes(timezones=st.none() | st.just(UTC)),
)
def test_no_header_can_break_it_or_make_it_wait_for_ever(headers: dict[str, str], at: datetime) -> None:
    """Whatever the vendor sends, the wait is none, or between zero and a day."""
    wait = hinted_wait(headers, at)
    assert wait is None or timedelta() <= wait <= ABSURD
