"""What people read of a run: lines and tables on stdout."""

import pytest
from mendflow.graph.engine.summary import OpenEnd, PersonsWord, RunResult
from mendflow.service.render import print_line, print_result, print_table, waiting_line

WORD = PersonsWord(
    path="mail", kind="resolution", decision="done", by="Ann", reason="it is there", is_open=True
)
YES = PersonsWord(path="each[0].ok", kind="approval", decision="approved", by="Ann", reason="", is_open=True)
Captured = pytest.CaptureFixture[str]


def test_a_word_stands_in_the_place_of_the_advice(capsys: Captured) -> None:
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


def test_a_row_is_a_line_however_long(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is cut or folded to a width, so that ids can be copied and `grep` finds them; markup is text."""
    monkeypatch.setenv("COLUMNS", "20")
    long = "run-" + "0123456789" * 30
    print_table(("run", "reason"), [(long, "[b]two\nlines\tand :smile:"), ("run-1", "")])
    head, first, second, end = capsys.readouterr().out.split("\n")
    assert head == f"{'run':<{len(long)}}  reason"
    assert first == f"{long}  [b]two lines and :smile:"
    assert (second.strip(), end) == ("run-1", "")


def test_printed_rows_and_lines_are_clean(capsys: Captured) -> None:
    """Vendors' and people's words pass the same gate in tables and lines."""
    print_table((), [("a\x1b[2J", "b")])
    print_line("c\x9b", " d")
    assert capsys.readouterr().out == "a\ufffd[2J  b\nc\ufffd d\n"


def test_an_empty_table_prints_nothing_but_its_head(capsys: Captured) -> None:
    """A home without runs of a status has a list all the same."""
    print_table(("run", "status"), [])
    assert capsys.readouterr().out == "run  status\n"
