"""Traces: a run as a file, and what is said of files that are none."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from mendflow.connectors.errors import InvalidUse
from mendflow.journal.events import Event
from mendflow.journal.export import read_trace, write_trace

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
EVENTS = [
    Event(
        run_id="r",
        seq=1,
        kind="run_started",
        key="",
        at=NOON,
        epoch=1,
        body={"inputs": {"name": "é\n\u2028"}},
    ),
    Event(
        run_id="r",
        seq=2,
        kind="fact_recorded",
        key="a#1:call:0",
        at=NOON,
        epoch=1,
        body={"value": [1, 0.5, None]},
    ),
    Event(run_id="r", seq=3, kind="run_ended", key="", at=NOON, epoch=2, body={"status": "completed"}),
]


def test_a_trace_reads_back(tmp_path: Path) -> None:
    """One event a line, and the same events come back."""
    path = tmp_path / "new" / "run.jsonl"
    write_trace(path, EVENTS)
    assert path.read_text().count("\n") == 3
    assert read_trace(path) == EVENTS


def test_a_torn_trace_names_its_last_line(tmp_path: Path) -> None:
    """A file that ends within a line is refused with that line's number."""
    path = tmp_path / "run.jsonl"
    write_trace(path, EVENTS)
    path.write_text(path.read_text()[:-20])
    with pytest.raises(InvalidUse, match="line 3 is no event of a trace"):
        read_trace(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "does not begin with `run_started`"),
        (EVENTS[1].model_dump_json(), "does not begin with `run_started`"),
        (EVENTS[0].model_dump_json() + "\n{}", "line 2 is no event of a trace"),
        (EVENTS[0].model_dump_json().replace("run_started", "run_begun"), "line 1 is no event of a trace"),
        ("hello", "line 1 is no event of a trace"),
    ],
)
def test_what_is_no_trace_is_refused(tmp_path: Path, content: str, message: str) -> None:
    """The message names the line, or what is missing."""
    path = tmp_path / "run.jsonl"
    path.write_text(content)
    with pytest.raises(InvalidUse, match=message):
        read_trace(path)


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path: Path) -> None:
    """Missing files and binary ones are one clear message each."""
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    for name in ("missing", "binary"):
        with pytest.raises(InvalidUse, match="cannot be read"):
            read_trace(tmp_path / name)


def test_a_trace_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    """A folder in the way is named."""
    (tmp_path / "run.jsonl").mkdir()
    with pytest.raises(InvalidUse, match="cannot be written"):
        write_trace(tmp_path / "run.jsonl", EVENTS)
