"""The command line itself: how mistakes end, and what is printed where."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import orjson
import pytest
from mendflow.journal.home import Home
from mendflow.service.cli import main

from tests.service.conftest import PLAN, Record

Captured = pytest.CaptureFixture[str]


def typed(*words: str) -> int:
    """Type a command, and return its exit code."""
    with pytest.raises(SystemExit) as ended:
        main([*words])
    assert isinstance(ended.value.code, int)
    return ended.value.code


@pytest.mark.parametrize(
    ("words", "message", "advice"),
    [
        (
            ("resume",),
            "Invalid value: give a run, or `--all`",
            "`mendflow resume --help` shows how it is used.",
        ),
        (("run",), "Missing argument 'file'.", "`mendflow run --help` shows how it is used."),
        (("show", "r", "--zzzz"), "No such option: --zzzz", "`mendflow show --help` shows how it is used."),
        (("frobnicate",), "No such command 'frobnicate'.", "`mendflow --help` shows how it is used."),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_wrong_use_is_a_document_as_well(
    words: tuple[str, ...], message: str, advice: str, capsys: Captured
) -> None:
    """Exit 2, one message on stderr, and with `--json` the same document on stdout as of any other error."""
    assert typed(*words, "--json") == 2
    out, err = capsys.readouterr()
    assert orjson.loads(out) == {"error": {"code": "invalid_use", "message": message, "help": advice}}
    assert err == f"{message}\n{advice}\n"
    assert typed(*words) == 2
    assert capsys.readouterr() == ("", f"{message}\n{advice}\n")


def test_help_is_no_mistake(capsys: Captured) -> None:
    """Asked for it ends with 0 on stdout; a bare `mendflow` prints it as well, on stderr."""
    assert typed("--help") == 0
    asked = capsys.readouterr()
    assert typed() == 2
    assert (asked.err, capsys.readouterr().err.strip()) == ("", asked.out.strip())


@pytest.mark.parametrize(
    "words", [("runs",), ("runs", "--json"), ("show", "run-1"), ("--help",)], ids=" ".join
)
def test_output_that_is_lost_is_said(words: tuple[str, ...], home: Home, record: Record) -> None:
    """On a full disk: exit 2 and a sentence, no stack trace, also none at the interpreter's end."""
    record("run-1", "completed")
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "mendflow", *words],
            env={"MENDFLOW_HOME": str(home.folder)},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert ended.returncode == 2
    assert "No space left on device." in ended.stderr.splitlines()[0]
    assert len(ended.stderr.splitlines()) <= 2


def test_a_row_can_be_found(home: Home, record: Record, capsys: Captured) -> None:
    """`mendflow runs | grep` finds a run on one line, whole."""
    record("run-" + "0123456789" * 12, "completed")
    assert typed("runs", "--home", str(home.folder)) == 0
    _, row = capsys.readouterr().out.splitlines()
    assert row.split()[:3] == ["run-" + "0123456789" * 12, "trial", "completed"]


def test_an_interrupted_run_is_called_so(home: Home, record: Record, capsys: Captured) -> None:
    """A run without an owner is none that runs: the list finds it by that word, `show` and `why` tell the way on."""
    for run_id in ("run-1", "run-2"):
        record(run_id, "running")
    record("run-3", "completed")
    at = ("--home", str(home.folder))
    with home.owning("run-2"):
        for status, expected in (("interrupted", "run-1"), ("running", "run-2"), ("completed", "run-3")):
            assert typed("runs", "--status", status, "--json", *at) == 0
            (row,) = orjson.loads(capsys.readouterr().out)
            assert (row["run_id"], row["interrupted"]) == (expected, status == "interrupted")
        for run_id in ("run-1", "run-2"):
            assert typed("show", run_id, "--json", *at) == 0
            assert orjson.loads(capsys.readouterr().out)["interrupted"] == (run_id == "run-1")
    assert typed("show", "run-1", *at) == 0
    shown = capsys.readouterr().out.splitlines()
    assert [line.split() for line in shown[2:4]] == [
        ["status", "interrupted"],
        ["next", "mendflow", "resume", "run-1"],
    ]
    assert typed("why", "run-1", *at) == 0
    assert capsys.readouterr().out == "run-1: interrupted, 0 heals\n       → mendflow resume run-1\n"


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("--reason", "  ", "--done"), "Invalid value: say why with `--reason`: it stays in the record"),
        (("--reason", "seen", "--refused", "--output", "{}"), "`--output` was given with `--refused`"),
        (("--reason", "seen", "--resend", "--output", "{}"), "`--output` was given with `--resend`"),
        (("--reason", "seen", "--done", "--output", "{"), "`--output` is not JSON"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_word_that_says_too_little_or_too_much_is_refused(
    words: tuple[str, ...], found: str, home: Home, record: Record, capsys: Captured
) -> None:
    """A reason is needed, and an output only where something took place; nothing is recorded."""
    record("run-1", "parked")
    assert typed("resolve", "run-1", *words, "--home", str(home.folder)) == 2
    assert capsys.readouterr().err.startswith(found)


def test_an_input_is_given_once(tmp_path: Path, capsys: Captured) -> None:
    """Of two values neither is chosen."""
    file = tmp_path / "trial.yaml"
    file.write_text(PLAN, encoding="utf-8")
    home = tmp_path / "home"
    assert typed("run", str(file), "-i", "a=1", "-i", "b=2", "--input", "a=1", "--home", str(home)) == 2
    assert capsys.readouterr().err == "The input `a` was given twice.\nGive each input once.\n"
    assert not home.exists()


def test_the_version_is_printed(capsys: Captured) -> None:
    """The one that is installed."""
    assert typed("--version") == 0
    assert capsys.readouterr() == (f"mendflow {version('mendflow')}\n", "")


def test_the_help_of_run_names_the_exit_codes(capsys: Captured) -> None:
    """And where the trace goes."""
    assert typed("run", "--help") == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "Write the trace there instead of HOME/traces." in said
    for code, meaning in (
        (0, "completed"),
        (1, "failed"),
        (2, "invalid use"),
        (3, "parked or waiting"),
        (5, "stopped"),
    ):
        assert f"{code} {meaning}" in said
