"""A drill's findings as one document for programs, as JUnit XML for build servers, and as lines for people."""

import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from ...connectors.contract import JsonObject
from .trials import Call, Trial
from .trying import Finding


@dataclass(frozen=True, slots=True)
class Report:
    """All that a drill found, and what it was told."""

    file: Path
    workflow: str
    seed: int
    items: str
    inputs: tuple[str, ...]
    """As they were given: `NAME=VALUE`."""
    calls: Sequence[Call]
    findings: Sequence[Finding]
    pairs: Sequence[Finding]
    possible: int
    """How many pairs there are."""

    @property
    def is_whole(self) -> bool:
        """Whether every invariant held."""
        return not any(one.violations for one in (*self.findings, *self.pairs))

    @property
    def head(self) -> list[str]:
        """Return what was tried, in words."""
        kinds = {one.trial.strikes[0].form.partition("=")[0] for one in self.findings}
        trials = len(self.findings) + len(self.pairs)
        effects = sum(one.effects for one in (*self.findings, *self.pairs))
        broken = sum(bool(one.violations) for one in (*self.findings, *self.pairs))
        tried = (
            f"{self.workflow}: {len(self.calls)} calls, {len(kinds)} kinds of fault, {trials} trials,"
            f" {len(self.pairs)} of them pairs out of {self.possible}; seed {self.seed}, items {self.items}"
        )
        left = f"{trials * 2} runs left {effects} effects at the vendor"
        return [tried, f"{left}; {broken} trials broke an invariant"]

    def command(self, trial: Trial) -> str:
        """Return the command that repeats one trial exactly."""
        inputs = [word for text in self.inputs for word in ("-i", text)]
        words = ["mendflow", "drill", str(self.file), *inputs, "--items", self.items]
        return shlex.join([*words, "--trial", str(trial)])


def document_of(report: Report) -> JsonObject:
    """Return the findings as JSON."""
    every = (*report.findings, *report.pairs)
    return {
        "workflow": report.workflow,
        "file": str(report.file),
        "seed": report.seed,
        "items": report.items,
        "calls": [
            {"step": call.step, "operation": call.operation, "requests": len(call.requests)}
            for call in report.calls
        ],
        "counts": dict(Counter(one.ended for one in report.findings)),
        "pairs": {"possible": report.possible, "counts": dict(Counter(one.ended for one in report.pairs))},
        "held": report.is_whole,
        "trials": [_trial(report, one) for one in every],
    }


def _trial(report: Report, finding: Finding) -> JsonObject:
    return {
        "step": finding.trial.step,
        "operation": finding.trial.operation,
        "faults": [str(strike) for strike in finding.trial.strikes],
        "ended": finding.ended,
        "status": finding.status,
        "again": finding.again,
        "heals": {**finding.heals},
        "effects": finding.effects,
        "reason": finding.reason,
        "violations": [*finding.violations],
        "command": report.command(finding.trial),
    }


def junit_of(report: Report) -> bytes:
    """Return the findings as JUnit XML: one case for each trial, a failure where an invariant broke."""
    cases = [
        Case(
            classname=f"{report.workflow}.{one.trial.step or one.trial.operation}",
            name=str(one.trial),
            failures=tuple(f"{text}\n{report.command(one.trial)}" for text in one.violations),
            skipped="the run had nothing that the fault could strike" if one.ended == "not struck" else "",
            out=f"{one.ended}: {one.reason}" if one.reason else one.ended,
        )
        for one in (*report.findings, *report.pairs)
    ]
    return junit(f"mendflow drill {report.workflow}", cases)


@dataclass(frozen=True, slots=True)
class Case:
    """One case of a JUnit document."""

    classname: str
    name: str
    failures: tuple[str, ...] = ()
    skipped: str = ""
    out: str = ""


def junit(name: str, cases: Sequence[Case]) -> bytes:
    """Return cases as a JUnit document of one suite."""
    counts = {
        "tests": str(len(cases)),
        "failures": str(sum(bool(one.failures) for one in cases)),
        "errors": "0",
        "skipped": str(sum(bool(one.skipped) for one in cases)),
    }
    root = ET.Element("testsuites", counts)
    suite = ET.SubElement(root, "testsuite", {"name": name, **counts})
    for one in cases:
        case = ET.SubElement(suite, "testcase", {"classname": one.classname, "name": one.name})
        if one.failures:
            first = _plain(one.failures[0].partition("\n")[0])
            failure = ET.SubElement(case, "failure", {"message": first})
            failure.text = _plain("\n".join(one.failures))
        if one.skipped:
            ET.SubElement(case, "skipped", {"message": one.skipped})
        if one.out:
            ET.SubElement(case, "system-out").text = _plain(one.out)
    ET.indent(root)
    text: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return text


def _plain(text: str) -> str:
    """Return a text without the signs that XML cannot hold."""
    return "".join(sign if sign.isprintable() or sign == "\n" else "?" for sign in text)
