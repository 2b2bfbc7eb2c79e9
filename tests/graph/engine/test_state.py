"""Jobs and states as plain JSON."""

from datetime import UTC, datetime

import orjson
import pytest
from mendflow.agents.model import ToolReading
from mendflow.connectors.contract import Answer, NoAnswer, Reply, ToolCall
from mendflow.graph.engine.state import (
    AuthorJob,
    CallJob,
    ReviewJob,
    View,
    as_parcel,
    merge,
    parcel,
    set_aside,
)
from mendflow.verifier.course import Course, Healed
from mendflow.verifier.ledger import Attempt
from mendflow.verifier.verdict import Fault

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
FAULT = Fault(kind="rate_limit", detail="slow down", evidence={"status": 429})
CALL = CallJob(
    step="award",
    path="each[0].award",
    call=ToolCall(connection="shop", operation="awards.create", arguments={"credits": 10}),
    slot="s",
    course=Course(
        attempt=3,
        attempts=(
            Attempt(number=1, sent_at=NOON, standing="unknown", fault_kind="timeout", remedy="settle"),
        ),
        probe=2,
        probes=1,
        total_before=7,
        is_counted=True,
        renew_from="k1",
        renewed=1,
        renewal_changed=True,
        healing=(Healed(fault=FAULT, remedy="wait"),),
    ),
    reply=Reply(outcome=Answer(status=429, headers={"retry-after": "1"}), key_id="k1", received_at=NOON),
    claim={"standing": "held"},
)
SILENT = CallJob(
    step="a", path="a", reply=Reply(outcome=NoAnswer(sent="unknown", reason="reset"), received_at=NOON)
)
DRAFT = AuthorJob(
    step="letter",
    path="letter",
    attempt=2,
    readings=(ToolReading(tool="shop.x", arguments={}, output=[1], source="letter.read[0]"),),
    reasons=("too long",),
    draft={"body": "x"},
    sent_back=1,
    review="review",
    asked_again=1,
    output={"body": "y"},
    refusal={"reason": "invalid"},
)
REVIEW = ReviewJob(step="review", path="review", attempt=2)


@pytest.mark.parametrize(
    "job", [CALL, SILENT, DRAFT, REVIEW, CallJob(step="a", path="a"), AuthorJob(step="a", path="a")]
)
def test_a_job_travels_as_plain_json(job: CallJob | AuthorJob | ReviewJob) -> None:
    """A parcel survives JSON, and being set aside in a state, and gives the same job back."""
    sent = parcel(job, {"look": {"status": "done", "output": {"x": [1]}}})
    back = as_parcel(orjson.loads(orjson.dumps(set_aside(sent))))
    assert back == sent
    assert type(job).model_validate(back["job"]) == job


def test_what_is_no_parcel_is_refused() -> None:
    """A blocked entry without a job is an error of ours."""
    with pytest.raises(TypeError, match="has a job"):
        as_parcel(None)


def test_newer_states_lie_over_older_ones() -> None:
    """Steps that are not named stay, and neither side is changed."""
    old: View = {"a": {"status": "running"}, "b": {"status": "done"}}
    assert merge(old, {"a": {"status": "done"}}) == {"a": {"status": "done"}, "b": {"status": "done"}}
    assert old["a"] == {"status": "running"}
