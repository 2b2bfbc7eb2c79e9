from hypothesis import given
from hypothesis import strategies as st
from mendflow.verifier.remedy import backoff


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
