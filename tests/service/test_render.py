"""What people read of a run: lines and tables on stdout."""

import pytest
from mendflow.graph.engine.summary import OpenEnd, PersonsWord, RunResult
from mendflow.service.render import print_result, waiting_line

WORD = PersonsWord(
    path="mail", kind="resolution", decision="done", by="Ann", reason="it is there", is_open=True
)
YES = PersonsWord(path="each[0].ok", kind="approval", decision="approved", by="Ann", reason="", is_open=True)


def test_a_word_stands_in_the_place_of_the_advice(capsys: pytest.CaptureFixture[str]) -> None:
    """Who has read it does not decide again, but resumes."""
    end = OpenEnd(path="mail", reason="unknown", next_action="mendflow resume run-1")
    print_result(RunResult(run_id="run-1", workflow="w", status="parked", parked=(end,), decisions=(WORD,)))
    assert capsys.readouterr().out.splitlines()[-2:] == [
        "parked mail: unknown",
        "       decided `done` by Ann: it is there → mendflow resume run-1",
    ]


def test_the_first_approval_that_is_still_missing_is_named() -> None:
    """Of the items of a map, that is; once there is a word for each, the run can go on."""
    entry = {"path": "each", "for": "approval", "prompt": None, "items": ["each[0].ok", "each[1].ok"]}
    run = RunResult(run_id="run-1", workflow="w", status="waiting", decisions=(YES,))
    assert waiting_line(entry, run) == "each: approval → mendflow approve run-1 each[1].ok"
    both = run.model_copy(update={"decisions": (YES, YES.model_copy(update={"path": "each[1].ok"}))})
    told = "decided `approved` by Ann; `approved` by Ann"
    assert waiting_line(entry, both) == f"each: {told} → mendflow resume run-1"
