"""What people do about effects: decide about a parked one, take up what died, start once, pause, cap."""

import shutil

import orjson
import pytest
from mendflow.connectors.sandbox.world import DEFAULT_KEY
from mendflow.journal.home import Home
from mendflow.journal.opening import opened

from tests.acceptance.conftest import DATA, Ended, Mendflow, Sandbox, completed, read_world
from tests.acceptance.test_kill import kill_when, only_run

pytestmark = pytest.mark.acceptance

MAIL = DATA / "mail.yaml"
MANY = DATA / "many.yaml"
LOST = "lost_reply@contact_verification.send"


def _mails(mendflow: Mendflow) -> int:
    return read_world(mendflow.home / "sandbox" / "world.jsonl").state.mails_sent


def _parked_mail(mendflow: Mendflow) -> str:
    """Run until the mail is parked, and return the run's id."""
    workflow = shutil.copy(MAIL, mendflow.folder)
    ended = mendflow("run", str(workflow), "--sandbox", "--fault", LOST, "--json")
    assert (ended.code, ended.document["status"]) == (3, "parked")
    return str(ended.document["run_id"])


def test_a_lost_mail_is_parked_told_and_resolved(mendflow: Mendflow) -> None:
    """The person is told, sees what to do, says it went out, and the run completes with one mail sent."""
    run_id = _parked_mail(mendflow)
    told = orjson.loads((mendflow.folder / "told.json").read_bytes())
    assert (told["run_id"], told["status"], [one["path"] for one in told["parked"]]) == (
        run_id,
        "parked",
        ["send"],
    )
    why = mendflow("why", run_id)
    assert f"`mendflow resolve {run_id} 'send' --done --reason …`" in why.out
    nothing = mendflow("resolve", run_id, "send", "--done")
    assert (nothing.code, "say why" in nothing.err) == (2, True)
    both = mendflow("resolve", run_id, "--done", "--resend", "--reason", "x")
    assert (both.code, both.err.splitlines()[0]) == (2, "2 decisions were given, expected one.")
    said = mendflow(
        "resolve", run_id, "--done", "--reason", "in the mail log", "--by", "Ann", "--output", "{}"
    )
    assert (said.code, said.out) == (
        0,
        f"Recorded as done: `send`. Go on with: mendflow resume {run_id}\n",
    )
    document = completed(mendflow("resume", run_id, "--json"))
    assert (document["outputs"], document["effects"], _mails(mendflow)) == (
        {"sent": True},
        {"intended": 2, "confirmed": 2},
        1,
    )
    assert "Ann decided: in the mail log" in mendflow("show", run_id).out
    replayed = mendflow("replay", run_id, "--json")
    assert (replayed.code, replayed.document["same"]) == (0, True)
    again = mendflow("resolve", run_id, "--done", "--reason", "again")
    told = f"`send` of run `{run_id}` was decided already: `done` by Ann: in the mail log."
    assert (again.code, again.err.splitlines()[0]) == (2, told)


@pytest.mark.parametrize(("word", "code", "mails"), [("--refused", 1, 1), ("--resend", 0, 2)])
def test_a_lost_mail_is_given_up_or_sent_again_on_a_persons_word(
    mendflow: Mendflow, word: str, code: int, mails: int
) -> None:
    """Given up, nothing is sent; sent again, exactly one more leaves."""
    run_id = _parked_mail(mendflow)
    assert mendflow("resolve", run_id, "send", word, "--reason", "looked").code == 0
    assert (mendflow("resume", run_id, "--json").code, _mails(mendflow)) == (code, mails)


def test_a_run_that_died_is_reported_and_taken_up(mendflow: Mendflow, sandbox: Sandbox) -> None:
    """The next run says so, the list calls it interrupted, and `resume --all` completes it, with no award twice."""
    sandbox.arm("slow=60@credit_receptions.create:8")
    words = ("run", str(MANY), f"--sandbox={sandbox.url}", "--json")
    process = mendflow.start(*words, "--input", f"numbers={[*range(1, 21)]}", key=DEFAULT_KEY)
    kill_when(process, lambda: sandbox.count("/credit-receptions") >= 1)
    run_id = only_run(mendflow)
    assert "interrupted" in mendflow("runs").out
    other = mendflow(*words, "--input", "numbers=[30]", key=DEFAULT_KEY)
    assert f"Interrupted earlier: `{run_id}`. `mendflow resume --all` takes them up." in other.err
    completed(other)
    ended = mendflow("resume", "--all", "--json", key=DEFAULT_KEY)
    (document,) = orjson.loads(ended.out)
    assert (ended.code, document["run_id"], document["status"]) == (0, run_id, "completed")
    counts = sandbox.get("state")["counts"]
    assert isinstance(counts, dict)
    assert counts["credit_receptions.create"] == 21
    assert mendflow("resume", "--all", key=DEFAULT_KEY).out == "No run was interrupted.\n"


def test_a_start_under_a_key_happens_once(mendflow: Mendflow) -> None:
    """The second start shows the first one's run; other inputs under the key are refused."""

    def started(*words: str) -> Ended:
        return mendflow("run", str(MAIL), "--sandbox", "--once-key", "2026-11-23", "--json", *words)

    first, second = completed(started()), completed(started())
    assert first["run_id"] == second["run_id"]
    assert _mails(mendflow) == 1
    other = started("--input", "email=bob@example.com")
    assert other.code == 2
    assert other.err.startswith("The key of `--once-key` was used before, with other inputs: run `once-")
    real = mendflow(
        "run", str(MAIL), "--once-key", "2026-11-23", "--input", "email=ann@x.org", key="k-real-1"
    )
    assert real.code == 2
    assert "in another world (the vendor, the sandbox, or a sandbox at a URL)" in real.err


def test_a_paused_connection_holds_every_call_back(mendflow: Mendflow, sandbox: Sandbox) -> None:
    """Paused before: not one request arrives, and the run parks with the way out."""
    words = ("--input", "numbers=[1]", f"--sandbox={sandbox.url}", "--json")
    refused = mendflow("pause", "piggy", "--reason", "too many", "--by", "Ann")
    assert (refused.code, mendflow.home.exists()) == (2, False)
    Home(mendflow.home).prepare()
    with opened(mendflow.home / "journal.db"):
        pass
    assert mendflow("pause", "piggy", "--reason", "too many", "--by", "Ann").code == 0
    assert mendflow("pause").out == "the connection `piggy` is paused by Ann: too many\n"
    ended = mendflow("run", str(MANY), *words, key=DEFAULT_KEY)
    assert (ended.code, ended.document["status"], sandbox.get("requests")) == (3, "parked", {"requests": []})
    assert mendflow("pause", "piggy", "--off").out == "`piggy` goes on.\n"
    assert mendflow("pause").out == "Nothing is paused.\n"
    completed(mendflow("resume", str(ended.document["run_id"]), "--json", key=DEFAULT_KEY))
    name = mendflow("pause", "../../x")
    assert (name.code, name.err.splitlines()[0]) == (2, "`../../x` is no name of a connection.")


def test_effects_beyond_the_budget_are_not_sent(mendflow: Mendflow, sandbox: Sandbox) -> None:
    """600 and 300 credits are within 1,000; another 200 are not, and nothing leaves for them."""
    ended = mendflow(
        "run",
        str(MANY),
        "--input",
        "numbers=[600, 300, 200]",
        f"--sandbox={sandbox.url}",
        "--json",
        key=DEFAULT_KEY,
    )
    assert ended.document["outputs"] == {"done": 2}
    why = mendflow("why", str(ended.document["run_id"]), "--json").document
    assert "budgets.effects.sum` allows 1000" in orjson.dumps(why["failed"]).decode()
    assert sandbox.count("/credit-receptions") == 2


def test_a_marker_is_found_among_many_transactions(mendflow: Mendflow, sandbox: Sandbox) -> None:
    """250 earlier awards, then one whose reply is lost: it is found, not doubled; a lost request is sent again."""
    words = ("run", str(MANY), f"--sandbox={sandbox.url}", "--json", "--input")
    completed(mendflow(*words, f"numbers={[*range(-250, 0)]}", key=DEFAULT_KEY))
    sandbox.arm("lost_reply@credit_receptions.create", "lost_request@credit_receptions.create")
    document = completed(mendflow(*words, "numbers=[500, 400]", key=DEFAULT_KEY))
    assert document["heals"] == {"unknown_outcome": 2}
    counts = sandbox.get("state")["counts"]
    assert isinstance(counts, dict)
    assert counts["credit_receptions.create"] == 252


def test_two_starts_under_one_key_make_one_run(mendflow: Mendflow) -> None:
    """At the same moment, too: the one that comes second is told who is at work, or shows what came of it."""
    words = ("run", str(MAIL), "--sandbox", "--once-key", "k", "--json")
    processes = [mendflow.start(*words) for _ in range(2)]
    ended = [(process.communicate(), process.returncode) for process in processes]
    codes = sorted(code for _, code in ended)
    assert codes in ([0, 0], [0, 2])
    assert len(orjson.loads(mendflow("runs", "--json").out)) == 1
    assert _mails(mendflow) == 1
