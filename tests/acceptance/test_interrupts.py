"""Ctrl-C: whoever stops the command is told which run it was and how it goes on."""

import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from tests.acceptance.conftest import CONFIGS, Mendflow, completed

pytestmark = pytest.mark.acceptance

SLOW = ("--sandbox", "--input", "email=ada@example.com", "--fault", "slow=60@contacts.find_or_create")


def wait_for_the_call(mendflow: Mendflow, process: "subprocess.Popen[str]") -> None:
    """Return once the slow call has arrived: the run then waits for its answer."""
    trail = mendflow.home / "sandbox" / "world.jsonl"
    while not (trail.exists() and b"find_or_create" in trail.read_bytes()):
        assert process.poll() is None


def stopped(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    """Press Ctrl-C, and return how the command ended."""
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def test_a_stopped_run_is_named_with_its_way_on(mendflow: Mendflow) -> None:
    """Exit 5 and the run's id; `resume --all` leaves it to the person, `resume RUN` completes it."""
    process = mendflow.start("run", str(CONFIGS / "verify-mail.yaml"), *SLOW)
    assert process.stderr is not None
    found = re.search(r"run-\w+", process.stderr.readline())
    assert found
    run_id = found[0]
    wait_for_the_call(mendflow, process)
    code, out, err = stopped(process)
    assert (code, out) == (5, "")
    assert err.splitlines()[-1] == (
        f"Interrupted: run `{run_id}` is cancelled. Go on with: mendflow resume {run_id}"
    )
    every = mendflow("resume", "--all")
    assert (every.code, every.out) == (0, "No run was interrupted.\n")
    assert every.err == (
        f"Stopped with Ctrl-C and not taken up: `{run_id}`. Go on with one: mendflow resume {run_id}\n"
    )
    assert completed(mendflow("resume", run_id, "--json"))["run_id"] == run_id


def test_a_stopped_run_is_one_document(mendflow: Mendflow) -> None:
    """With `--json` the document of the run says that it is cancelled."""
    process = mendflow.start("run", str(CONFIGS / "verify-mail.yaml"), *SLOW, "--json", "--once-key", "a")
    wait_for_the_call(mendflow, process)
    code, out, _ = stopped(process)
    assert code == 5
    assert '"status":"cancelled"' in out
    assert out.startswith('{"run_id":"once-')


def test_before_a_run_there_is_nothing_to_go_on_with(mendflow: Mendflow, tmp_path: Path) -> None:
    """Exit 5 without a stack trace; with `--json` the document of an error."""
    os.mkfifo(tmp_path / "slow.yaml")
    process = mendflow.start("run", "slow.yaml", "--sandbox", "--json")
    with (tmp_path / "slow.yaml").open("w", encoding="utf-8"):  # opens when the command reads it
        ended = stopped(process)
    said = "Interrupted: no run was at work."
    assert ended == (
        5,
        f'{{"error":{{"code":"interrupted","message":"{said}","help":""}}}}\n',
        f"{said}\n",
    )
    assert not mendflow.home.exists()
