"""`mendflow test`: cases pass, or say what was expected and what was found."""

from pathlib import Path
from xml.etree import ElementTree as ET

import orjson
import pytest
from mendflow.connectors.errors import InvalidUse
from mendflow.service.drill.cases import run_cases

WELCOME = Path(__file__).parents[3] / "configs" / "welcome-bonus.yaml"


def edited(folder: Path, *changes: tuple[str, str]) -> Path:
    """Return a copy of the workflow with words replaced; each must occur."""
    text = WELCOME.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = folder / "edited.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_cases_of_the_example_pass(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 0, and a line for each."""
    assert run_cases(WELCOME, "", None, as_json=False) == 0
    assert capsys.readouterr().out == "passed  a-lost-reply\npassed  the-vendor-refuses\n2 cases, 0 failed\n"


def test_what_was_expected_and_found_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each expectation that is not met is named, and the place of the case."""
    path = edited(
        tmp_path,
        ("status: completed", "status: parked"),
        ("effects: {credit_receptions.create: 1}", "effects: {credit_receptions.create: 2}"),
        ("heals: {unknown_outcome: 1}", "heals: {}\n      parked: [award]\n      outputs: {reception: x}"),
        ("size(outputs.reception) == 36", "size(outputs.nothing) == 36"),
    )
    assert run_cases(path, "a-lost-reply", None, as_json=False) == 1
    lines = capsys.readouterr().out.splitlines()
    found = next(line for line in lines if "outputs.reception" in line).rpartition(" ")[2]
    assert lines == [
        "failed  a-lost-reply",
        '        status: expected "parked", found "completed"',
        f'        outputs.reception: expected "x", found {found}',
        "        effects.credit_receptions.create: expected 2, found 1",
        '        heals: expected {}, found {"unknown_outcome":1}',
        '        parked: expected ["award"], found []',
        '        holds `size(outputs.nothing) == 36`: expected true, found "there is no `nothing`"',
        f"        at {path}:35:5",
        "1 cases, 1 failed",
    ]


def test_programs_and_build_servers_can_read_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One JSON document; JUnit with a failure for the case that failed."""
    path = edited(tmp_path, ("status: failed,", "status: waiting,"))
    report = tmp_path / "cases.xml"
    assert run_cases(path, "", report, as_json=True) == 1
    document = orjson.loads(capsys.readouterr().out)
    assert [(one["name"], one["passed"]) for one in document["cases"]] == [
        ("a-lost-reply", True),
        ("the-vendor-refuses", False),
    ]
    assert document["cases"][1]["mismatches"] == [
        {"what": "status", "expected": "waiting", "found": "failed"}
    ]
    failures = ET.fromstring(report.read_bytes()).findall("testsuite/testcase/failure")  # noqa: S314  # our own
    assert [one.attrib["message"] for one in failures] == ['status: expected "waiting", found "failed"']


def test_a_case_that_is_not_there_is_told(tmp_path: Path) -> None:
    """With the nearest name; a workflow without cases says so."""
    with pytest.raises(InvalidUse, match="did you mean `a-lost-reply`"):
        run_cases(WELCOME, "a-lost-repl", None, as_json=False)
    with pytest.raises(InvalidUse, match="has no `tests`"):
        run_cases(WELCOME.with_name("verify-mail.yaml"), "", None, as_json=False)
    with pytest.raises(InvalidUse, match="cannot be written"):
        run_cases(WELCOME, "", tmp_path, as_json=False)
