"""Every fault that Piggy may show is healed, and every award that was intended stands at the vendor once."""

import pytest
from mendflow.connectors.contract import JsonObject

from tests.acceptance.conftest import Job, Mendflow, awards_of, read_world

pytestmark = pytest.mark.acceptance

AWARD = "credit_receptions.create"
BALANCE = "contacts.credit_balance"
CONTACT = "contacts.find_or_create"
PROFILE = "contacts.get"

HEALED = {
    f"rate_limit=seconds@{AWARD}:2": {"rate_limit": 2},
    f"rate_limit=date@{AWARD}:2": {"rate_limit": 2},
    f"rate_limit=none@{AWARD}:2": {"rate_limit": 2},
    "unauthorized@loyalty_transaction_attributes.create": {"unauthorized": 1},
    f"drift_rename@{PROFILE}:2": {"drift": 2},
    f"drift_wrap@{BALANCE}:2": {"drift": 2},
    f"lost_reply@{AWARD}:3": {"unknown_outcome": 3},
    f"lost_request@{AWARD}:3": {"unknown_outcome": 3},
    f"server_error@{BALANCE}:2": {"server_error": 2},
    f"slow@{AWARD}:2": {"unknown_outcome": 2},
    f"drift_rename@{AWARD}:2 drift_wrap@{CONTACT}:2 server_error=after@{AWARD}:2": {"unknown_outcome": 6},
    f"bomb@{AWARD} torn_gzip@{AWARD} latin1@{AWARD} not_a_number@{AWARD} null_data@{AWARD} denied@{AWARD}"
    f" rate_limit=milliseconds@{AWARD} rate_limit=draft@{AWARD} maintenance@{BALANCE} redirect@{PROFILE}": {
        "unknown_outcome": 6,
        "rate_limit": 2,
        "maintenance": 1,
        "malformed_answer": 1,
    },
    f"lost_reply@{BALANCE}:2 slow@{PROFILE} rate_limit@{PROFILE}": {
        "rate_limit": 1,
        "timeout": 1,
        "unreachable": 2,
    },
}


def run_with(faults: str, mendflow: Mendflow, job: Job) -> JsonObject:
    """Run with faults armed; check that each intended award stands at the vendor once; return the heals."""
    armed = [word for fault in faults.split() for word in ("--fault", fault)]
    document = mendflow.run(job.workflow, "--sandbox", *armed)
    assert awards_of(read_world(mendflow.home / "sandbox" / "world.jsonl")) == job.due
    counts = document["effects_by_operation"]
    assert isinstance(counts, dict)
    assert counts[AWARD] == {"intended": len(job.due), "confirmed": len(job.due)}
    heals = document["heals"]
    assert isinstance(heals, dict)
    return heals


@pytest.mark.parametrize("faults", HEALED)
def test_a_fault_is_healed_and_each_award_stands_once(mendflow: Mendflow, small: Job, faults: str) -> None:
    """The run completes by itself, says what it healed, and leaves each intended award at the vendor once."""
    assert run_with(faults, mendflow, small) == HEALED[faults]


def test_a_key_that_is_rotated_under_calls_in_flight_is_renewed(mendflow: Mendflow, small: Job) -> None:
    """However many calls were turned away with the old key, each is made again with the new one, once."""
    heals = run_with(f"unauthorized@{AWARD} unauthorized@{BALANCE}", mendflow, small)
    assert heals.keys() == {"unauthorized"}
