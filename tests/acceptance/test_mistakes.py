"""Mistakes of the user: one clear message with a position or a name, exit 2, no stack trace, nothing half written."""

from pathlib import Path

import pytest

from tests.acceptance.conftest import Ended, Job, Mendflow

pytestmark = pytest.mark.acceptance

CALL = "call: piggy.PIGGY_CREATE_CREDIT_RECEPTION"
GET = "call: piggy.contacts.get\n        with: {contact_uuid:"
UNIT = 'unit_value: "${{ purchase.amount_usd }}"'

MANY = {
    CALL: "call: piggy.PIGGY_CREATE_CREDITS",
    GET: GET.replace("contact_uuid:", "contact_uid:"),
    "    parallel: 3": "    paralel: 3",
    "path: purchases.csv": "path: 7",
}
CYCLE = {"  purchases:\n    call": "  purchases:\n    needs: [members]\n    call"}
TYPES = {UNIT: "unit_value: [a, b]"}
BROKEN = {"steps:\n  purchases:\n": "steps:\n  purchases: [\n"}
INPUT = {"shop: {type: string, default: 3f6c1d52-8b0e-4c7a-9d41-5a2e7f90c613}": "shop: {type: string}"}


def assert_refused(ended: Ended, *words: str) -> None:
    """Check that a command ended with exit 2 and one message that holds the words."""
    assert ended.code == 2, f"{ended.code}: {ended.out}\n{ended.err}"
    assert ended.out == ""
    assert "Traceback" not in ended.err
    assert len(ended.err.splitlines()) <= 3
    for word in words:
        assert word in ended.err


def test_without_a_key_the_variable_and_the_sandbox_are_named(mendflow: Mendflow, win_back: Job) -> None:
    """The first thing that a newcomer meets says what is missing and how to go on without it."""
    ended = mendflow("run", str(win_back.workflow))
    assert_refused(ended, "`PIGGY_API_KEY`", "--sandbox")
    assert not mendflow.home.exists()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param(BROKEN, ["not YAML"], id="broken YAML"),
        pytest.param(CYCLE, ["`purchases` → `members` → `purchases`"], id="a cycle"),
        pytest.param(TYPES, ["`unit_value`"], id="an argument of another type"),
    ],
)
def test_a_mistake_in_a_file_is_named_with_its_place(
    mendflow: Mendflow, small: Job, tmp_path: Path, changes: dict[str, str], words: list[str]
) -> None:
    """The message begins with the file, the line and the column, and no home is made."""
    copy = small.copy(tmp_path, changes)
    ended = mendflow("run", str(copy), "--sandbox")
    assert_refused(ended, *words)
    line, column = ended.err.removeprefix(f"{copy}:").split(":")[:2]
    assert (line.isdigit(), column.split()[0].isdigit()) == (True, True)
    assert not mendflow.home.exists()


def test_all_mistakes_of_a_file_are_told_at_once(mendflow: Mendflow, small: Job, tmp_path: Path) -> None:
    """An unknown tool, argument and key, and a wrong type are all named, by `run` and by `validate`."""
    copy = small.copy(tmp_path, MANY)
    ended = mendflow("run", str(copy), "--sandbox")
    validated = mendflow("validate", str(copy))
    assert (ended.code, ended.out, validated.code, validated.err) == (2, "", 2, "")
    for said in (ended.err, validated.out):
        assert "Traceback" not in said
        for word in ("`PIGGY_CREATE_CREDITS`", "`contact_uid`", "`paralel`", "`path`"):
            assert word in said
    assert not mendflow.home.exists()


def test_inputs_are_checked_before_anything_is_written(
    mendflow: Mendflow, small: Job, tmp_path: Path
) -> None:
    """A missing input, an unknown one, and words that are no NAME=VALUE are named."""
    copy = str(small.copy(tmp_path, INPUT))
    assert_refused(mendflow("run", copy, "--sandbox"), "`shop`")
    assert_refused(mendflow("run", copy, "--sandbox", "--input", "shop=a", "-i", "shp=b"), "`shp`")
    assert_refused(mendflow("run", copy, "--sandbox", "--input", "shop"), "`--input shop`", "NAME=VALUE")
    assert not mendflow.home.exists()


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("--sandbox", "--fault", "rate_limt@perks.list"), "`rate_limit`"),
        (("--fault", "rate_limit@perks.list"), "`--sandbox`"),
        (("--sandbox", "--model", "openai:gpt-5.5"), "`OPENAI_API_KEY`"),
        (("--sandbox", "--trace", "file/trace.jsonl"), "`file/trace.jsonl`"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_options_are_checked_before_anything_is_written(
    mendflow: Mendflow, small: Job, tmp_path: Path, words: tuple[str, ...], found: str
) -> None:
    """A fault that there is not, a model that cannot be used, a trace that could not be written: no home is made."""
    (tmp_path / "file").touch()
    assert_refused(mendflow("run", str(small.workflow), *words), found)
    assert not mendflow.home.exists()


def test_a_home_that_cannot_be_written_is_named(mendflow: Mendflow, small: Job, tmp_path: Path) -> None:
    """A home below a regular file cannot be made, and no run is begun."""
    (tmp_path / "file").touch()
    home = tmp_path / "file" / "home"
    assert_refused(mendflow("run", str(small.workflow), "--sandbox", "--home", str(home)), f"`{home}`")
    (mendflow.home).mkdir()
    (mendflow.home / "journal.db").write_text("this is no journal", encoding="utf-8")
    ended = mendflow("run", str(small.workflow), "--sandbox")
    assert_refused(ended, str(mendflow.home / "journal.db"))


def test_a_workflow_that_is_none_is_named(mendflow: Mendflow, tmp_path: Path) -> None:
    """A missing file, a folder, and bytes that are no text are refused by their name."""
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00")
    assert_refused(mendflow("run", "missing.yaml", "--sandbox"), "`missing.yaml`")
    for name in (".", "bytes.yaml"):
        assert_refused(mendflow("validate", name), f"`{name}`")
    assert not mendflow.home.exists()


def test_runs_that_do_not_exist_are_named(mendflow: Mendflow, small: Job, tmp_path: Path) -> None:
    """Every command about runs refuses a home without a journal, an unknown run, and a trace that is none."""
    assert_refused(mendflow("show", "run-nobody"), f"`{mendflow.home}`")
    assert not mendflow.home.exists()
    mendflow.run(small.workflow, "--sandbox")
    locks = sorted((mendflow.home / "locks").iterdir())
    for command in ("show", "why", "resume", "replay"):
        assert_refused(mendflow(command, "run-nobody"), "`run-nobody`")
    assert_refused(mendflow("approve", "../outside"), "`../outside`")
    assert sorted((mendflow.home / "locks").iterdir()) == locks
    (tmp_path / "trace.jsonl").write_text('{"hello": 1}\n', encoding="utf-8")
    assert_refused(mendflow("replay", "trace.jsonl"), "`trace.jsonl` line 1")
    assert_refused(mendflow("runs", "--status", "ready"), "`ready`", "`completed`")


def test_a_missing_data_file_fails_the_run_by_its_name(
    mendflow: Mendflow, small: Job, tmp_path: Path
) -> None:
    """A file that a step reads is looked for when the step runs: the run fails with the file's name, exit 1."""
    copy = small.copy(tmp_path, {"path: purchases.csv": "path: nothing.csv"})
    ended = mendflow("run", str(copy), "--sandbox", "--json")
    assert ended.code == 1
    document = ended.document
    assert document["status"] == "failed"
    (failure,) = [end for end in _list(document["failed"]) if isinstance(end, dict)]
    assert failure["path"] == "purchases"
    assert "nothing.csv" in str(failure["reason"])


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
