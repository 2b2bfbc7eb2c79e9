"""A question to a model is a fact; what cannot be recorded is no reply."""

import pytest
from mendflow.journal.vault import is_recordable
from pydantic import JsonValue

from tests.graph.engine.conftest import Bench

STEPS = """
steps:
  letter: {agent: writer, model: think, goal: Write to them.}
"""


@pytest.mark.parametrize("value", [float("nan"), 2**70, "\ud800", {"a": [float("inf")]}])
def test_what_json_cannot_carry_is_not_recordable(value: JsonValue) -> None:
    """NaN would come back as null, the others would stop the journal."""
    assert not is_recordable(value)


@pytest.mark.parametrize("value", [None, 0.1, -(2**63), "é", {"a": [1, True]}])
def test_plain_json_is_recordable(value: JsonValue) -> None:
    """It comes back as it went."""
    assert is_recordable(value)


async def test_a_reply_that_cannot_be_recorded_is_asked_for_again(bench: Bench) -> None:
    """The run goes on with the next reply, and the record stays whole."""
    bench.thinker.says({"subject": "x", "body": "lone \ud800"})
    bench.thinker.says({"subject": "x", "body": "Hello."})
    result = await bench.run(STEPS)
    assert result.status == "completed"
    await bench.same(result.run_id, STEPS)
