"""Runs that touch no vendor, from the command line's own functions."""

from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from mendflow.connectors.errors import InvalidUse
from mendflow.journal.home import Home
from mendflow.journal.opening import opened
from mendflow.journal.switch import KillSwitch
from mendflow.service.running import RunOptions, resume_all, resume_run, run_workflow

from tests.service.conftest import Record

LOOK = """
apiVersion: mendflow/v1
kind: Workflow
metadata: {name: look, version: 1.0.0}
connections:
  files: {connector: files}
  piggy: {connector: piggy, credential: {env: SHOP_KEY}}
on_park: {command: [sh, -c, "cat >told.json; env >environment"]}
steps:
  rows: {call: files.csv.read, with: {path: rows.csv}, on_exhausted: park}
"""
Captured = pytest.CaptureFixture[str]


def options(file: Path, *, trace: Path | None = None) -> RunOptions:
    """Return what `mendflow run` is told."""
    return RunOptions(file=file, inputs=(), sandbox=None, faults=(), model="", trace=trace)


@pytest.fixture
def parking(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a workflow that parks, since its connection is paused, and tells a person."""
    with opened(home.database):
        pass
    KillSwitch(home.folder).pause("files", by="Ann", reason="odd")
    (tmp_path / "look.yaml").write_text(LOOK, encoding="utf-8")
    (tmp_path / "rows.csv").write_text("a\n1\n", encoding="utf-8")
    monkeypatch.setenv("SHOP_KEY", "of-the-real-account")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "look.yaml"


def test_a_trace_that_cannot_be_written_changes_no_result(
    home: Home, parking: Path, capsys: Captured
) -> None:
    """The person is told, the result is printed without a trace, the exit code is the run's."""
    code = run_workflow(options(parking, trace=Path("/dev/full")), home.folder, as_json=True)
    said, warned = capsys.readouterr()
    result = orjson.loads(said)
    assert (code, result["status"], result["trace"]) == (3, "parked", "")
    assert orjson.loads(Path("told.json").read_bytes())["run_id"] == result["run_id"]
    assert warned == (
        "The trace `/dev/full` cannot be written: No space left on device. The run and its journal are whole.\n"
    )


def test_a_key_that_was_not_used_is_kept_as_well(
    home: Home, parking: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a sandbox the vendor's own key is not read; its variable is hidden from the program all the same."""
    monkeypatch.setenv("SHOP_NAME", "Bakery")
    at_sandbox = replace(options(parking), sandbox="")
    assert run_workflow(at_sandbox, home.folder, as_json=True) == 3
    names = {line.partition("=")[0] for line in Path("environment").read_text(encoding="utf-8").splitlines()}
    assert names & {"SHOP_KEY", "SHOP_NAME", "PATH"} == {"SHOP_NAME", "PATH"}


def test_a_run_at_work_is_not_taken_up(home: Home, record: Record) -> None:
    """That another process runs it is said before anything of its world is touched."""
    record("run-1", "running", {"sandbox": "child"})
    (home.sandbox / "world.jsonl").mkdir()  # opening it would fail
    refused = pytest.raises(InvalidUse, match=r"^Run `run-1` is being run by another process\.$")
    with home.owning("run-1"), refused:
        resume_run("run-1", home.folder, as_json=True)


def test_a_run_that_cannot_be_taken_up_keeps_no_other_waiting(
    home: Home, record: Record, capsys: Captured
) -> None:
    """Each is tried, and what stands in its way is said with its name; the command fails when all were tried."""
    record("run-1", "running")
    record("run-2", "running")
    code = resume_all(home.folder, as_json=True)
    said, warned = capsys.readouterr()
    found = "Connection `files` has the folder ``, which does not exist."
    assert (code, [(one["run_id"], one["error"]["message"]) for one in orjson.loads(said)]) == (
        2,
        [("run-1", found), ("run-2", found)],
    )
    assert [line.partition(":")[0] for line in warned.splitlines()] == ["run-1", "run-2"]
