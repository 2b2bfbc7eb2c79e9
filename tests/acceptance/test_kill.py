"""`kill -9` at any moment of a run, then `mendflow resume`: it completes, and each award stands once."""

import os
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import orjson
import pytest
from mendflow.connectors.sandbox.world import DEFAULT_KEY

from tests.acceptance.conftest import Job, Mendflow, Sandbox, awards_of, completed, read_world

pytestmark = pytest.mark.acceptance

AWARD = "/credit-receptions"
MOST_LOOKS = 6000
"""Looks at the progress before a run is taken to hang; each lasts a hundredth of a second."""


@dataclass(frozen=True)
class Moment:
    """When to kill: the `number`th request to an address has arrived, with these faults armed."""

    path: str
    number: int
    faults: tuple[str, ...] = ()
    method: str = "POST"


MOMENTS = {
    "before any award": Moment("/contacts/find-or-create", 1, ("slow=60@contacts.find_or_create",), "GET"),
    "awards half done": Moment(AWARD, 5, ("slow=60@credit_receptions.create",)),
    "several awards took place, their replies are on the way": Moment(
        AWARD, 3, ("slow=60@credit_receptions.create:3",)
    ),
    "while a rate limit is waited for": Moment(AWARD, 1, ("rate_limit=4@credit_receptions.create",)),
    "while a lost award is looked for": Moment(
        "/loyalty-transactions",
        1,
        ("lost_request@credit_receptions.create", "slow=60@loyalty_transactions.list"),
        "GET",
    ),
}


def kill_when(process: subprocess.Popen[str], reached: Callable[[], bool]) -> None:
    """Kill a command and its group once the moment has come; it must not have ended before."""
    for _ in range(MOST_LOOKS):
        if reached():
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            assert process.returncode == -signal.SIGKILL
            return
        try:
            code = process.wait(timeout=0.01)
        except subprocess.TimeoutExpired:
            continue
        raise AssertionError(
            f"the command ended with {code} before it could be killed: {process.communicate()}"
        )
    raise AssertionError("the moment to kill at never came")


def only_run(mendflow: Mendflow) -> str:
    """Return the id of the only run of the home, which must be an open one."""
    ended = mendflow("runs", "--json")
    (row,) = orjson.loads(ended.out)
    assert row["status"] == "running"
    return str(row["run_id"])


def lines_about(state: Path, operation: str) -> int:
    """Return how many writes of an operation a sandbox has written down."""
    return state.read_bytes().count(f'"operation":"{operation}"'.encode()) if state.exists() else 0


@pytest.mark.parametrize("moment", MOMENTS.values(), ids=MOMENTS.keys())
def test_a_killed_run_is_resumed_and_awards_once(
    mendflow: Mendflow, sandbox: Sandbox, small: Job, moment: Moment
) -> None:
    """Whatever was under way when the run was killed, the resume completes it and no award is lost or doubled."""
    sandbox.arm(*moment.faults)
    process = mendflow.start(
        "run", str(small.workflow), f"--sandbox={sandbox.url}", "--json", key=DEFAULT_KEY
    )
    kill_when(process, lambda: sandbox.count(moment.path, moment.method) >= moment.number)
    run_id = only_run(mendflow)
    document = completed(mendflow("resume", run_id, "--json", key=DEFAULT_KEY))
    assert document["run_id"] == run_id
    assert awards_of(read_world(sandbox.state)) == small.due


def test_a_run_that_is_killed_twice_awards_once(mendflow: Mendflow, sandbox: Sandbox, small: Job) -> None:
    """The resume is killed too, with another award under way; the second resume completes."""
    sandbox.arm("slow=60@credit_receptions.create")
    process = mendflow.start(
        "run", str(small.workflow), f"--sandbox={sandbox.url}", "--json", key=DEFAULT_KEY
    )
    kill_when(process, lambda: sandbox.count(AWARD) >= 1)
    run_id = only_run(mendflow)
    seen = sandbox.count(AWARD)
    sandbox.arm("lost_reply@credit_receptions.create", "slow=60@credit_receptions.create")
    process = mendflow.start("resume", run_id, "--json", key=DEFAULT_KEY)
    kill_when(process, lambda: sandbox.count(AWARD) >= seen + 2)
    completed(mendflow("resume", only_run(mendflow), "--json", key=DEFAULT_KEY))
    assert awards_of(read_world(sandbox.state)) == small.due
    replayed = mendflow("replay", run_id, "--json")
    assert (replayed.code, replayed.document["same"]) == (0, True)


def test_the_sandbox_killed_with_the_run_keeps_its_world(mendflow: Mendflow, win_back: Job) -> None:
    """A run and the sandbox it has started are killed in the midst of the awards; the resume finds the same world."""
    state = mendflow.home / "sandbox" / "world.jsonl"
    process = mendflow.start("run", str(win_back.workflow), "--sandbox", "--json")

    def reached() -> bool:
        if lines_about(state, "credit_receptions.create") < 20:
            return False
        opened = next(line for line in state.read_bytes().splitlines() if b"sandbox.opened" in line)
        os.kill(orjson.loads(opened)["arguments"]["pid"], signal.SIGKILL)
        return True

    kill_when(process, reached)
    assert lines_about(state, "credit_receptions.create") < len(win_back.due)
    run_id = only_run(mendflow)
    document = completed(mendflow("resume", run_id, "--json"))
    assert document["outputs"] == {"members": 48, "awarded": len(win_back.due), "skipped": 3}
    assert awards_of(read_world(state)) == win_back.due
    replayed = mendflow("replay", run_id, "--json")
    assert (replayed.code, replayed.document["same"]) == (0, True)


def test_a_run_in_other_hands_is_not_resumed(mendflow: Mendflow, sandbox: Sandbox, small: Job) -> None:
    """While its process lives, a run cannot be resumed by another one: one clear message, exit 2."""
    sandbox.arm("rate_limit=60@contacts.find_or_create")
    process = mendflow.start(
        "run", str(small.workflow), f"--sandbox={sandbox.url}", "--json", key=DEFAULT_KEY
    )
    second: list[tuple[int, str]] = []

    def tried() -> bool:
        if sandbox.count("/contacts/find-or-create", "GET") < 1:
            return False
        ended = mendflow("resume", only_run(mendflow), key=DEFAULT_KEY)
        second.append((ended.code, ended.err.splitlines()[0]))
        return True

    kill_when(process, tried)
    assert second == [(2, f"Run `{only_run(mendflow)}` is being run by another process.")]


def test_a_finished_run_is_not_run_again(mendflow: Mendflow, small: Job) -> None:
    """A resume of a run that has ended tells its result and touches nothing."""
    document = mendflow.run(small.workflow, "--sandbox")
    before = read_world(mendflow.home / "sandbox" / "world.jsonl").truth()
    again = completed(mendflow("resume", str(document["run_id"]), "--json"))
    assert again == document
    assert read_world(mendflow.home / "sandbox" / "world.jsonl").truth() == before
