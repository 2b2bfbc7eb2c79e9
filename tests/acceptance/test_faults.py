"""Every fault that Piggy may show is healed, and every award that was intended stands at the vendor once."""

import pytest

from tests.acceptance.conftest import Job, Mendflow, awards_of, read_world

pytestmark = pytest.mark.acceptance

AWARD = "credit_receptions.create"
BALANCE = "contacts.credit_balance"
CONTACT = "contacts.find_or_create"
PROFILE = "contacts.get"

HEALED = [
    pytest.param(f"rate_limit=seconds@{AWARD}:2", {"rate_limit": 2}, id="rate limit in seconds"),
    pytest.param(f"rate_limit=date@{AWARD}:2", {"rate_limit": 2}, id="rate limit until a date"),
    pytest.param(f"rate_limit=none@{AWARD}:2", {"rate_limit": 2}, id="rate limit without a hint"),
    pytest.param(f"rate_limit=seconds@{PROFILE}:2", {"rate_limit": 2}, id="rate limit of a read"),
    pytest.param(f"unauthorized@{AWARD}", {"unauthorized": 1}, id="key rotated before a write"),
    pytest.param(f"unauthorized@{BALANCE}", {"unauthorized": 1}, id="key rotated before a read"),
    pytest.param(f"drift_rename@{PROFILE}:2", {"drift": 2}, id="fields of a read in another style"),
    pytest.param(f"drift_wrap@{BALANCE}:2", {"drift": 2}, id="answer of a read wrapped"),
    pytest.param(f"drift_rename@{AWARD}:2", {"unknown_outcome": 2}, id="fields of a write in another style"),
    pytest.param(f"drift_wrap@{AWARD}:2", {"unknown_outcome": 2}, id="answer of a write wrapped"),
    pytest.param(f"drift_wrap@{CONTACT}:2", {"unknown_outcome": 2}, id="answer of a repeatable write wrapped"),
    pytest.param(f"lost_reply@{AWARD}:3", {"unknown_outcome": 3}, id="reply of a write lost"),
    pytest.param(f"lost_request@{AWARD}:3", {"unknown_outcome": 3}, id="write lost"),
    pytest.param(f"lost_reply@{BALANCE}:2", {"unreachable": 2}, id="reply of a read lost"),
    pytest.param(f"server_error@{BALANCE}:2", {"server_error": 2}, id="server error on a read"),
    pytest.param(f"server_error=after@{AWARD}:2", {"unknown_outcome": 2}, id="server error after a write"),
    pytest.param(f"slow@{AWARD}:2", {"unknown_outcome": 2}, id="answer of a write too late"),
    pytest.param(f"slow@{BALANCE}:2", {"timeout": 2}, id="answer of a read too late"),
]


@pytest.mark.parametrize(("fault", "heals"), HEALED)
def test_a_fault_is_healed_and_each_award_stands_once(
    mendflow: Mendflow, small: Job, fault: str, heals: dict[str, int]
) -> None:
    """The run completes by itself, says what it healed, and leaves each intended award at the vendor once."""
    document = mendflow.run(small.workflow, "--sandbox", "--fault", fault)
    assert document["heals"] == heals
    assert awards_of(read_world(mendflow.home / "sandbox" / "world.jsonl")) == small.due
    counts = document["effects_by_operation"]
    assert isinstance(counts, dict)
    assert counts[AWARD] == {"intended": len(small.due), "confirmed": len(small.due)}
