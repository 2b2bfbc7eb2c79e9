"""A drill: what it tries, what it says of shipped code, and that it sees what must never be."""

import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import orjson
import pytest
from mendflow.connectors.contract import JsonObject
from mendflow.connectors.errors import InvalidUse
from mendflow.connectors.sandbox.desk import Desk, Incoming, Plan
from mendflow.journal.events import EventDraft
from mendflow.journal.store import EffectChange, Held, Ownership, SlotChoice
from mendflow.journal.tables import Tables
from mendflow.service.cli import app
from mendflow.service.drill.command import DrillOptions, drill, drill_file
from mendflow.service.drill.report import document_of
from mendflow.service.drill.stage import Seams
from mendflow.service.drill.strikes import KINDS, OF_WRITES
from mendflow.service.drill.trying import Ending
from typer.main import get_command

ROOT = Path(__file__).parents[3]
WELCOME = ROOT / "configs" / "welcome-bonus.yaml"
DATA = ROOT / "tests" / "acceptance" / "data"
ADA = ("email=ada@example.com",)
FEW = DrillOptions(WELCOME, ADA, pairs=0, workers=1)
AWARD = "credit_receptions.create"


class Forgetful(Tables):
    """A journal that grants every slot and writes no intent."""

    def begin(
        self, owner: Ownership, slot: str, path: str, choose: Callable[[Held | None], SlotChoice]
    ) -> JsonObject:
        del owner, slot, path, choose
        return {"standing": "mine"}

    def append(self, owner: Ownership, *events: EventDraft, change: EffectChange | None = None) -> None:
        del change
        super().append(owner, *events)


class Blind(Desk):
    """A vendor whose listing of transactions is always empty: it lets an award that was made seem absent."""

    def handle(self, request: Incoming, now: datetime) -> Plan:
        plan = super().handle(request, now)
        return (
            replace(plan, body={**plan.body, "data": []}) if _is(request, "/loyalty-transactions") else plan
        )


class Lying(Desk):
    """A vendor that makes an award and says that it refuses it."""

    def handle(self, request: Incoming, now: datetime) -> Plan:
        plan = super().handle(request, now)
        if _is(request, "/credit-receptions") and plan.status == 200:
            return replace(plan, status=400, body={"message": "no", "code": 1003, "status_code": 400})
        return plan


class Losing(Desk):
    """A vendor that says that it made an award, and has nothing."""

    def handle(self, request: Incoming, now: datetime) -> Plan:
        plan = super().handle(request, now)
        if _is(request, "/credit-receptions") and plan.status == 200:
            self.world.effects.pop()
        return plan


def _is(request: Incoming, end: str) -> bool:
    return request.path.endswith(end)


def test_shipped_code_heals_parks_or_fails_as_it_should() -> None:
    """Three kinds against three calls, and pairs: nothing breaks, only the refusals fail, nothing is doubled."""
    report = drill(replace(FEW, pairs=6, faults=("lost_reply", "refused", "lag")))
    ends: dict[tuple[str, str], Ending] = {
        (one.trial.step, one.trial.form): one.ended for one in report.findings
    }
    steps = ("prepare_piggy", "member", "award")
    assert ends == {
        (step, form): ended
        for step in steps
        for form, ended in (("lost_reply", "healed"), ("refused", "failed"), ("lag", "unharmed"))
    }
    assert len(report.pairs) == 6
    assert report.possible > 27  # of two calls each, and those within the award's heal
    assert report.is_whole
    assert {one.effects for one in report.findings} == {3}
    assert {one.again for one in report.findings} == {"completed"}


def test_each_kind_of_the_sandbox_meets_a_write() -> None:
    """No kind is left out: those that need a field get one of the answer's."""
    report = drill(replace(FEW, only="award"))
    assert {one.trial.strikes[0].order.kind for one in report.findings} == {*KINDS}
    assert [one.violations for one in report.findings if one.violations] == []


def test_a_read_meets_no_fault_of_writes() -> None:
    """When an effect takes place means nothing to a read."""
    options = DrillOptions(ROOT / "configs" / "win-back.yaml", pairs=0, workers=1, items="1", only="shops")
    found = drill(replace(options, faults=("server_error", "slow", *OF_WRITES)))
    assert [one.trial.form for one in found.findings] == ["slow", "server_error"]


@pytest.mark.parametrize(
    ("seams", "fault", "words"),
    [
        pytest.param(Seams(desk=Blind), "lost_reply", "2 times at the vendor, intended 1 times: doubled"),
        pytest.param(Seams(tables=Forgetful), "lag", "an effect for which no intent is on record"),
        pytest.param(Seams(desk=Lying), "lag", "said to have failed", id="lying"),
        pytest.param(Seams(desk=Losing), "lag", "said to be done, and the vendor has nothing: lost"),
    ],
)
def test_a_planted_defect_is_found_and_its_command_repeats_it(
    seams: Seams, fault: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The drill exits 1, names the trial, and the command that it prints finds the same once more."""
    options = replace(FEW, only="award", faults=(fault,))
    assert drill_file(options, as_json=False, seams=seams) == 1
    lines = capsys.readouterr().out.splitlines()
    command = next(line.strip() for line in lines if line.startswith("  mendflow drill"))
    assert command.endswith(f"--trial '{fault}@{AWARD}#1'")
    told = broken(lines)
    assert words in "\n".join(told)
    assert drill_file(parsed(command), as_json=False, seams=seams) == 1
    assert broken(capsys.readouterr().out.splitlines()) == told
    assert drill_file(parsed(command), as_json=False) == 0


def broken(lines: list[str]) -> list[str]:
    """Return what was broken; which of two parallel steps a replay meets first is not for us to say."""
    return [line for line in lines if line.startswith("BROKEN ") and "replay diverges" not in line]


def parsed(command: str) -> DrillOptions:
    """Read a printed command as the command line does."""
    table = get_command(app)
    context = table.make_context("mendflow", shlex.split(command)[1:])
    _, drilling, words = table.resolve_command(context, shlex.split(command)[1:])  # type: ignore[attr-defined]  # a group
    given = drilling.make_context("drill", words).params
    return DrillOptions(
        file=given["file"],
        inputs=tuple(given["inputs"]),
        items=given["items"],
        trial=given["trial"],
        workers=1,
    )


def test_the_struck_request_is_that_of_the_named_path() -> None:
    """In a map, the award that heals is the one that the trial names, whichever it is."""
    options = DrillOptions(DATA / "many.yaml", ("numbers=[1, 2, 3]",), pairs=0, workers=1, items="all")
    paths = set()
    for seed in range(4):
        report = drill(replace(options, only="awards", faults=("refused",), seed=seed))
        (finding,) = report.findings
        assert finding.reason.startswith(f"{finding.trial.path}: ")
        paths.add(finding.trial.path)
    assert len(paths) > 1


def test_approvals_are_given_in_a_drill() -> None:
    """What stands behind an approval is drilled as well; a mail that nothing proves is parked."""
    options = DrillOptions(DATA / "approval.yaml", pairs=0, workers=1, faults=("lost_reply",))
    found = drill(options).findings
    assert [(one.trial.step, one.ended) for one in found] == [("member", "healed"), ("send", "parked")]


def test_several_processes_find_the_same() -> None:
    """Findings do not depend on who looked, and come in the same order."""
    options = replace(FEW, faults=("lost_reply", "lost_request", "refused", "slow"))
    alone, together = drill(options), drill(replace(options, workers=2))
    assert len(alone.findings) == 12
    assert document_of(alone) == document_of(together)


def test_maps_are_shortened_as_asked() -> None:
    """A drill takes the first items of each map's list; `all` takes them all."""
    options = DrillOptions(DATA / "many.yaml", ("numbers=[1, 2, 3]",), pairs=0, workers=1, faults=("slow",))
    counts = {}
    for items in ("1", "2", "all"):
        report = drill(replace(options, items=items))
        counts[items] = [len(call.requests) for call in report.calls]
    assert counts == {"1": [1, 1, 1], "2": [1, 1, 2], "all": [1, 1, 3]}


def test_the_command_writes_a_document_and_junit(tmp_path: Path) -> None:
    """`--json` prints one document, `--junit` writes one case for each trial."""
    junit = tmp_path / "deep" / "drill.xml"
    words = ["drill", str(WELCOME), "-i", *ADA, "--faults", "lag, slow", "--pairs", "1", "--workers", "1"]
    done = mendflow(*words, "--json", "--junit", str(junit))
    document = orjson.loads(done.stdout)
    assert (done.returncode, document["held"], document["counts"]) == (0, True, {"unharmed": 3, "healed": 3})
    assert len(document["trials"]) == 7
    suite = ET.fromstring(junit.read_bytes()).find("testsuite")  # noqa: S314  # our own
    assert suite is not None
    assert suite.attrib == {
        "name": "mendflow drill welcome-bonus",
        "tests": "7",
        "failures": "0",
        "errors": "0",
        "skipped": "0",
    }
    assert [case.attrib["name"] for case in suite] == ["+".join(one["faults"]) for one in document["trials"]]


def test_the_matrix_fits_into_a_hundred_columns(capsys: pytest.CaptureFixture[str]) -> None:
    """Piped, it has rows for the calls, columns for the kinds, no colour, and a word in each cell."""
    faults = ("rate_limit", "unauthorized", "lost_reply", "lost_request", "slow", "server_error", "refused")
    assert drill_file(replace(FEW, only="award", faults=faults), as_json=False) == 0
    printed = capsys.readouterr().out
    rows = [line.split() for line in printed.splitlines() if line.startswith("award")]
    assert rows == [
        ["award", *["healed"] * 7, "failed"]
    ]  # an error of the server before the effect, and after it
    assert "\x1b" not in printed
    assert max(len(line.rstrip()) for line in printed.split("\n\n")[0].splitlines()) <= 100


def mendflow(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the command."""
    return subprocess.run(
        [sys.executable, "-m", "mendflow", *words], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"faults": ("lost_replay",)}, "there is no fault `lost_replay`"),
        ({"only": "awrd"}, "no call of the step `awrd` can be struck; did you mean `award`?"),
        ({"items": "0"}, "`--items 0` is no number of items."),
        ({"trial": "slow@shops.list"}, "the trial `slow@shops.list` does not say which request it strikes"),
        ({"inputs": ()}, "input `email`: it is missing, expected string"),
        (
            {"only": "member", "faults": ("drift_null=nothing",)},
            "No fault of `--faults` can strike these calls.",
        ),
    ],
)
def test_invalid_use_is_told(changes: dict[str, str], message: str) -> None:
    """What cannot be drilled is refused with the nearest name, before anything runs."""
    with pytest.raises(InvalidUse) as caught:
        drill(replace(FEW, **changes))  # type: ignore[arg-type]  # a table of changes
    assert caught.value.message == message


def test_a_workflow_that_fails_by_itself_is_not_drilled() -> None:
    """Without a calm run that completes there is nothing to compare with."""
    with pytest.raises(InvalidUse, match="does not complete when nothing goes wrong: award: "):
        drill(replace(FEW, inputs=(*ADA, "shop=00000000-0000-4000-8000-000000000000")))
