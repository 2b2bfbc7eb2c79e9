"""What people do with runs: approve, deny, look, ask why; and what must never be found in a home."""

import base64
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import orjson
import pytest

from tests.acceptance.conftest import Job, Mendflow, Sandbox, awards_of, completed, read_world

pytestmark = pytest.mark.acceptance

KEY = "k3y/with+odd=signs~and-length.0123456789"


def start_waiting(mendflow: Mendflow, approval: Path) -> str:
    """Start the run that asks a person, check how it waits, and return its id."""
    ended = mendflow("run", str(approval), "--sandbox", "--json")
    document = ended.document
    assert (ended.code, document["status"]) == (3, "waiting")
    waiting = document["waiting"]
    assert isinstance(waiting, list)
    (entry,) = waiting
    assert isinstance(entry, dict)
    assert (entry["path"], entry["for"], entry["prompt"]) == (
        "ask",
        "approval",
        "Send a mail to ann@example.com?",
    )
    return str(document["run_id"])


def mails_of(mendflow: Mendflow) -> int:
    """Return how many mails the vendor has sent."""
    return read_world(mendflow.home / "sandbox" / "world.jsonl").state.mails_sent


def test_an_approved_step_goes_on(mendflow: Mendflow, approval: Path) -> None:
    """The run waits with exit 3, is listed as waiting, and completes once a person has approved."""
    run_id = start_waiting(mendflow, approval)
    assert mails_of(mendflow) == 0
    (row,) = orjson.loads(mendflow("runs", "--status", "waiting", "--json").out)
    assert row["run_id"] == run_id
    shown = mendflow("show", run_id)
    assert (shown.code, shown.err) == (0, "")
    assert f"mendflow approve {run_id} ask" in shown.out
    still = mendflow("resume", run_id, "--json")
    assert (still.code, still.document["status"]) == (3, "waiting")
    why = mendflow("why", run_id, "--json")
    assert why.document["waiting"] == still.document["waiting"]
    assert (
        f"waits ask: Send a mail to ann@example.com? → mendflow approve {run_id} ask"
        in mendflow("why", run_id).out
    )

    approved = mendflow("approve", run_id, "--by", "Ann")
    assert (approved.code, approved.err) == (0, "")
    assert f"mendflow resume {run_id}" in approved.out
    document = completed(mendflow("resume", run_id, "--json"))
    assert document["outputs"] == {"sent": True}
    assert mails_of(mendflow) == 1
    replayed = mendflow("replay", run_id, "--json")
    assert (replayed.code, replayed.document["same"]) == (0, True)
    again = mendflow("approve", run_id)
    assert (again.code, again.err.splitlines()[0]) == (2, f"Run `{run_id}` waits for no approval.")


def test_a_denied_step_fails_with_the_reason(mendflow: Mendflow, approval: Path) -> None:
    """A denial ends the run as failed, with the person's words, and nothing is sent."""
    run_id = start_waiting(mendflow, approval)
    assert mendflow("approve", run_id, "ask", "--deny", "not on a Sunday [/b]", "--by", "Ann").code == 0
    ended = mendflow("resume", run_id, "--json")
    assert (ended.code, ended.document["status"]) == (1, "failed")
    assert "not on a Sunday [/b]" in orjson.dumps(ended.document["failed"]).decode()
    assert mails_of(mendflow) == 0
    assert "not on a Sunday [/b]" in mendflow("why", run_id).out
    assert "not on a Sunday [/b]" in mendflow("show", run_id).out
    why = mendflow("why", run_id, "--json").document
    assert why["failed"] == ended.document["failed"]


def test_a_heal_is_explained(mendflow: Mendflow, small: Job) -> None:
    """`why` tells for each heal what was wrong, what was done and what proves it, as text and as JSON."""
    faults = ("--fault", "lost_reply@credit_receptions.create", "--fault", "drift_wrap@contacts.get")
    document = mendflow.run(small.workflow, "--sandbox", *faults)
    run_id = str(document["run_id"])
    why = mendflow("why", run_id, "--json").document
    heals = why["heals"]
    assert isinstance(heals, list)
    found = sorted(
        (str(heal["fault"]["kind"]), str(heal["remedy"]))
        for heal in heals
        if isinstance(heal, dict) and isinstance(heal["fault"], dict)
    )
    assert found == [("drift", "drift_patch"), ("unknown_outcome", "settle")]
    text = mendflow("why", run_id).out
    assert "nothing was sent again; it was looked up at the vendor: the marker was found" in text
    assert "the marker was found in `loyalty_transactions.list`, page 1" in text
    shown = mendflow("show", run_id, "--json").document
    assert shown["heals"] == document["heals"]


def test_workflows_and_tools_are_drawn_and_listed(mendflow: Mendflow, small: Job) -> None:
    """The steps, the state machine and the tools can be looked at without a home."""
    steps = mendflow("graph", str(small.workflow))
    assert (steps.code, steps.err) == (0, "")
    assert all(name in steps.out for name in ("purchases", "members", "award"))
    machine = mendflow("graph", "--machine")
    assert (machine.code, machine.err) == (0, "")
    assert all(name in machine.out for name in ("route", "distributor", "verifier", "approve"))
    listed = mendflow("tools")
    assert (listed.code, listed.err) == (0, "")
    assert "PIGGY_CREATE_CREDIT_RECEPTION" in listed.out
    one = mendflow("tools", "piggy.PIGGY_LIST_PERKS").document
    assert (one["operation"], one["effect"]) == ("perks.list", "read")
    assert not mendflow.home.exists()


def test_no_key_is_found_in_a_home(
    mendflow: Mendflow, open_sandbox: Callable[[str], Sandbox], small: Job, tmp_path: Path
) -> None:
    """Neither the first key nor the one after a rotation stands anywhere in the home or the output, in any encoding."""
    sandbox = open_sandbox(KEY)
    sandbox.arm("unauthorized@credit_receptions.create", "lost_reply@credit_receptions.create")
    copy = small.copy(tmp_path, {"{env: PIGGY_API_KEY}": f"{{file: {sandbox.key_file}}}"})
    ended = mendflow("run", str(copy), f"--sandbox={sandbox.url}", "--json")
    document = completed(ended)
    assert awards_of(read_world(sandbox.state)) == small.due
    second = sandbox.key_file.read_text(encoding="utf-8").strip()
    assert second != KEY
    spoken = [mendflow(command, str(document["run_id"])) for command in ("show", "why")]
    written = [path.read_bytes() for path in mendflow.home.rglob("*") if path.is_file()]
    assert len(written) >= 2
    written += [text.encode() for one in (ended, *spoken) for text in (one.out, one.err)]
    for sign in [sign for key in (KEY, second) for sign in encodings(key)]:
        assert not any(sign in content for content in written)


def encodings(key: str) -> list[bytes]:
    """Return what a key looks like raw, in hex, in URLs, in JSON, and within base64 at each of its offsets."""
    raw = key.encode()
    plain = {
        raw,
        raw.hex().encode(),
        raw.hex().upper().encode(),
        quote(key, safe="").encode(),
        orjson.dumps(key)[1:-1],
    }
    inner = {
        encode(b"x" * offset + raw)[4:-4]
        for encode in (base64.b64encode, base64.urlsafe_b64encode)
        for offset in range(3)
    }
    return sorted(plain | inner)
