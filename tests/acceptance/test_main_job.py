"""The main job on real purchases: all faults together, a second time, and its replay without a network."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from mendflow.connectors.contract import JsonObject
from mendflow.journal.courses import object_of
from mendflow.journal.export import read_trace
from mendflow.verifier.breaker import TRIPS_AFTER

from tests.acceptance.conftest import Job, Mendflow, awards_of, read_world

pytestmark = pytest.mark.acceptance

FAULTS = (
    "drift_wrap@shops.list",
    "drift_rename@contacts.find_or_create:2",
    "drift_wrap@contacts.credit_balance",
    "rate_limit=seconds@contacts.credit_balance",
    "rate_limit=date@contacts.update",
    "rate_limit=none@credit_receptions.create:2",
    "unauthorized@contacts.credit_balance",
    "unauthorized@credit_receptions.create",
    "lost_reply@credit_receptions.create:3",
    "lost_request@credit_receptions.create:2",
    "lost_reply@contacts.update",
    "server_error@contacts.credit_balance:2",
    "slow=2.2@credit_receptions.create",
)
CUT_OFF = """
import sys
def refuse(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto", "subprocess.Popen"):
        raise SystemExit(f"a replay must not reach out: {event}")
sys.addaudithook(refuse)
from mendflow.service.cli import main
main()
"""
"""Runs the command with a hook that ends it at the first attempt to reach out."""


def without_network() -> tuple[str, ...]:
    """Return how to run a command that has no network: a namespace of its own, or else a hook that ends it."""
    for words in (("unshare", "--net"), ("unshare", "--map-root-user", "--net")):
        try:
            if subprocess.run([*words, "true"], check=False, capture_output=True).returncode == 0:
                return (*words, sys.executable, "-m", "mendflow")
        except FileNotFoundError:
            break
    return (sys.executable, "-c", CUT_OFF)


@pytest.fixture(scope="session")
def offline_program() -> tuple[str, ...]:
    """Give a command without a network."""
    return without_network()


def run_id_of(document: JsonObject) -> str:
    """Return the run's id."""
    return str(document["run_id"])


def longest_failing(trace: Path) -> int:
    """Return how many of the vendor's answers failed in a row, in the order in which they came."""
    calls = [
        event.body for event in read_trace(trace) if event.kind == "fact_recorded" and ":call:" in event.key
    ]
    replies = [
        object_of(body["value"]) for body in calls if object_of(body["request"]).get("connection") == "piggy"
    ]
    longest = failing = 0
    for reply in sorted(replies, key=lambda reply: str(reply["received_at"])):
        outcome = object_of(reply["outcome"])
        if outcome.get("reason") in ("down", "paused"):  # nothing left
            continue
        status = outcome.get("status")
        failing = 0 if isinstance(status, int) and status < 500 else failing + 1
        longest = max(longest, failing)
    return longest


def test_the_main_job_heals_all_faults_together_and_awards_once(
    mendflow: Mendflow, win_back: Job, offline_program: tuple[str, ...]
) -> None:
    """Each award stands once after the first run, after a second one, and both can be replayed without a network."""
    state = mendflow.home / "sandbox" / "world.jsonl"
    armed = [word for fault in FAULTS for word in ("--fault", fault)]
    first = mendflow.run(win_back.workflow, "--sandbox", *armed)
    heals = first["heals"]
    assert isinstance(heals, dict)
    # where so many strike in a row that the vendor counts as down, a call or two wait for one that tries: then only
    may_look_down: set[str] = (
        {"outage"} if longest_failing(Path(str(first["trace"]))) >= TRIPS_AFTER else set()
    )
    assert heals.keys() - may_look_down == {
        "draft_rejected",
        "drift",
        "rate_limit",
        "server_error",
        "unauthorized",
        "unknown_outcome",
    }
    assert first["outputs"] == {"members": 48, "awarded": len(win_back.due), "skipped": 3}
    before = read_world(state)
    assert awards_of(before) == win_back.due

    second = mendflow.run(win_back.workflow, "--sandbox")
    after = read_world(state)
    assert [one.uuid for one in after.state.receptions] == [one.uuid for one in before.state.receptions]
    assert second["outputs"] == first["outputs"]

    for what in (run_id_of(first), str(second["trace"])):
        replayed = mendflow("replay", what, "--json", program=offline_program)
        assert (replayed.code, replayed.err) == (0, "")
        assert replayed.document["same"] is True


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory, small: Job) -> Iterator[tuple[Mendflow, str]]:
    """Give a home with one healed run of the little job."""
    command = Mendflow(tmp_path_factory.mktemp("recorded"))
    document = command.run(small.workflow, "--sandbox", "--fault", "lost_reply@credit_receptions.create")
    yield command, run_id_of(document)
    command.close()


def test_a_replay_reaches_out_to_nothing(recorded: tuple[Mendflow, str]) -> None:
    """No connection, no look-up of a name, no child process: the same facts, and a clean end."""
    mendflow, run_id = recorded
    replayed = mendflow("replay", run_id, "--json", program=(sys.executable, "-c", CUT_OFF))
    assert (replayed.code, replayed.err) == (0, "")
    assert replayed.document["same"] is True


def test_the_hook_ends_what_reaches_out(recorded: tuple[Mendflow, str], small: Job) -> None:
    """The hook of the test above is worth its name: a run under it cannot even start its sandbox."""
    mendflow, _ = recorded
    ended = mendflow("run", str(small.workflow), "--sandbox", program=(sys.executable, "-c", CUT_OFF))
    assert ended.code == 1
    assert "a replay must not reach out" in ended.err


def test_a_changed_prompt_diverges_at_its_line(
    recorded: tuple[Mendflow, str], small: Job, tmp_path: Path
) -> None:
    """One other word in a prompt of a copy is found, with the copy's name and the line."""
    mendflow, run_id = recorded
    copy = small.copy(tmp_path, {"customer warmly": "customer coldly"})
    lines = copy.read_text(encoding="utf-8").splitlines()
    line = next(number for number, text in enumerate(lines, start=1) if "coldly" in text)
    replayed = mendflow("replay", run_id, "--workflow", str(copy))
    assert (replayed.code, replayed.err) == (4, "")
    assert f"{copy}:{line}:" in replayed.out
    as_json = mendflow("replay", run_id, "--workflow", str(copy), "--json")
    assert as_json.code == 4
    divergence = as_json.document["divergence"]
    assert isinstance(divergence, dict)
    assert (divergence["field"], str(divergence["place"]).rpartition(":")[0]) == ("goal", f"{copy}:{line}")


def test_an_unchanged_copy_replays_as_the_same(
    recorded: tuple[Mendflow, str], small: Job, tmp_path: Path
) -> None:
    """Where the file lies says nothing about the run."""
    mendflow, run_id = recorded
    replayed = mendflow("replay", run_id, "--workflow", str(small.copy(tmp_path, {})))
    assert (replayed.code, replayed.err) == (0, "")


def test_an_edited_trace_is_refused(recorded: tuple[Mendflow, str], tmp_path: Path) -> None:
    """A first event without its files or with odd connections is told in words, not by a stack trace."""
    mendflow, run_id = recorded
    whole = (mendflow.home / "traces" / f"{run_id}.jsonl").read_text(encoding="utf-8")
    started = orjson.loads(whole.partition("\n")[0])
    for name, odd in (("files", {}), ("connections", {"piggy": {"name": 3}})):
        trace = tmp_path / f"{name}.jsonl"
        trace.write_bytes(orjson.dumps({**started, "body": {**started["body"], name: odd}}) + b"\n")
        ended = mendflow("replay", str(trace))
        assert (ended.code, ended.out, "Traceback" in ended.err) == (2, "", False)
        assert "first event" in ended.err
