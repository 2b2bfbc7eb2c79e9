"""Where a person may be needed: the ends that the harness allows."""

import pytest

from tests.kill import behaviours, effects, points


@pytest.mark.parametrize(
    ("effect", "behaviour", "point", "expected"),
    [
        ("claimed", "lost_request", "request_written", False),
        ("claimed", "lost_then_read_lost", "resume_reading_read", False),
        ("merged", "calm", "intent_uncommitted", False),
        ("merged", "calm", "intent_committed", True),
        ("asynchronous", "rate_limit", "fact_uncommitted", True),
        ("asynchronous", "rate_limit", "fact_committed", False),
        ("asynchronous", "drift_retype", "start_committed", True),
        ("blind", "drift_retype", "start_committed", False),
        ("blind", "lost_reply", "start_committed", True),
        ("blind", "calm", "takeover_unwritten", True),
    ],
)
def test_a_parked_end_is_allowed_only_where_nothing_tells_the_outcome(
    effect: str, behaviour: str, point: str, *, expected: bool
) -> None:
    """It is so where no reading settles, and the answer tells nothing or a kill keeps it from the journal."""
    allowed = behaviours.BY_NAME[behaviour].may_park(effects.BY_NAME[effect], [points.BY_NAME[point]])
    assert allowed is expected
