from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mendflow.connectors.hints import ABSURD, hinted_wait

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
DATE = "Sun, 01 Mar 2026 11:00:00 GMT"


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
        ({"x-ratelimit-reset": "1772362815000", "date": DATE}, 15),
        ({"x-ratelimit-reset": "1772362785", "date": DATE}, 0),
        ({"x-ratelimit-reset": "1772362815000000", "date": DATE}, None),
        ({"x-ratelimit-reset": "1000000000", "date": DATE}, None),
        ({"x-ratelimit-reset": "3600"}, 3600),
        ({"x-ratelimit-reset": "3601"}, None),
        ({"x-ratelimit-reset": "30", "x-ratelimit-remaining": "0"}, 30),
        ({"x-ratelimit-reset": "30", "x-ratelimit-remaining": "4999"}, None),
        ({"retry-after": "3, 7"}, 7),
        ({"retry-after": "3, soon"}, None),
        ({"retry-after": "Sun, 01 Mar 2026 11:00:20 GMT, 30", "date": DATE}, 30),
        ({"retry-after": "Sun, 01 Mar 2026 11:00:20 GMT, Sun, 01 Mar 2026 11:00:40 GMT", "date": DATE}, 40),
        ({"retry-after": "Sunday, 01-Mar-26 11:00:20 GMT", "date": DATE}, 20),
        ({"retry-after": "Sun Mar  1 11:00:20 2026", "date": DATE}, 20),
        ({"ratelimit": '"default";r=0;t=30'}, 30),
        ({"ratelimit": '"burst";r=0;t=5, "daily";r=0;t=50, "other";r=3;t=500'}, 50),
        ({"ratelimit": '"default";r=3;t=30'}, None),
        ({"ratelimit": '"default";r=0'}, None),
        ({"x-ratelimit-reset": "1772449200", "date": DATE}, 86400),
        ({"retry-after": "Sun, 01 Mar 2026 12:00:20 +0100", "date": DATE}, 20),
        ({"ratelimit": "limit=100, remaining=0, reset=30"}, 30),
        ({"ratelimit": "nonsense", "x-ratelimit-reset": "4"}, 4),
        ({"ratelimit-reset": "50000"}, 50000),
        ({"ratelimit-reset": "50", "ratelimit-remaining": "1"}, None),
        ({"ratelimit-reset": "99999999999"}, None),
        ({"ratelimit": '"default";r=0;t=30', "retry-after": "2"}, 2),
        ({"x-ratelimit-reset": "500000"}, None),
        ({"x-ratelimit-reset": "30", "retry-after": "2"}, 2),
        ({"x-ratelimit-reset": "30", "retry-after": "99999"}, None),
        ({"x-ratelimit-reset": "30", "retry-after": "soon"}, 30),
    ],
)
def test_hints_are_read_as_they_are_meant_or_not_at_all(
    headers: dict[str, str], seconds: float | None
) -> None:
    """Seconds, dates by the vendor's own clock, resets where their unit is certain; what is absurd is dropped."""
    assert hinted_wait(headers, NOW) == (None if seconds is None else timedelta(seconds=seconds))


NAMES = ["retry-after", "ratelimit", "ratelimit-reset", "x-ratelimit-reset", "date"]
HEADER = (
    st.text(st.characters(max_codepoint=0xFF), max_size=30)
    | st.integers().map(str)
    | st.floats().map(str)
    | st.sampled_from([DATE, '"p";r=0;t=9'])
)


@given(
    st.dictionaries(st.sampled_from(NAMES), HEADER),
    st.none() | st.datetimes(timezones=st.none() | st.just(UTC)),
)
def test_no_header_can_break_it_or_make_it_wait_for_ever(
    headers: dict[str, str], at: datetime | None
) -> None:
    """Whatever the vendor sends, the wait is none, or between zero and a day."""
    wait = hinted_wait(headers, at)
    assert wait is None or timedelta() <= wait <= ABSURD


def test_without_any_clock_only_durations_count() -> None:
    """A moment needs another one to be judged by; a number of seconds does not."""
    until = "Sun, 01 Mar 2026 12:00:09 GMT"
    assert hinted_wait({"retry-after": until}, None) is None
    assert hinted_wait({"retry-after": until, "date": DATE}, None) == timedelta(seconds=3609)
    assert hinted_wait({"x-ratelimit-reset": "1772366409"}, None) is None
    assert hinted_wait({"retry-after": "4"}, None) == timedelta(seconds=4)
