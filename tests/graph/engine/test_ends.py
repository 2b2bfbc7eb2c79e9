"""How steps end."""

from datetime import timedelta

import pytest
from mendflow.graph.engine.ends import block, done, ended, exhausted, failed, parked
from mendflow.graph.engine.state import AuthorJob, StepState, as_parcel, parcel
from mendflow.graph.language.plan import CallStep, Place
from mendflow.verifier.verdict import Fault

from tests.graph.engine.conftest import NOON

FAULT = Fault(kind="budget_spent", detail="given up", evidence={"n": 6})
PLAIN = {"kind": "budget_spent", "detail": "given up", "evidence": {"n": 6}}


def test_the_states_of_ends() -> None:
    """Each end says what a reader needs: the output, or the reason with its fault and what to do."""
    assert done({"x": 1}) == {"status": "done", "output": {"x": 1}}
    assert failed(FAULT) == {"status": "failed", "reason": "given up", "fault": PLAIN}
    assert parked(FAULT, "look") == {**failed(FAULT), "status": "parked", "next_action": "look"}
    assert ended(done(1), 3) == {"status": "done", "output": 1, "attempt": 3}


@pytest.mark.parametrize("word", ["fail", "park", "skip"])
def test_a_spent_budget_is_what_the_step_says(word: str) -> None:
    """Fail, park and skip all keep the reason."""
    place = Place(file="w.yaml", line=1, column=1)
    step = CallStep.model_validate(
        {"id": "a", "place": place, "connection": "c", "operation": "o", "on_exhausted": word}
    )
    states: dict[str, StepState] = {
        "fail": failed(FAULT),
        "park": parked(FAULT, "Look at the reason; then `mendflow resume RUN` tries the step again."),
        "skip": {**failed(FAULT), "status": "skipped"},
    }
    assert exhausted(step, FAULT) == states[word]


def test_a_blocked_entry_keeps_its_job() -> None:
    """What is set aside says until when, for which node, and holds the whole parcel."""
    sent = parcel(AuthorJob(step="a", path="a", reasons=("x",)), {"b": done(1)})
    command = block("a", NOON + timedelta(seconds=5), "writer", sent)
    assert command.goto == "route"
    assert isinstance(command.update, dict)
    state = command.update["steps"]["a"]
    assert (state["status"], state["until"], state["node"]) == (
        "blocked",
        "2026-03-01T12:00:05+00:00",
        "writer",
    )
    assert as_parcel(state["job"]) == sent
