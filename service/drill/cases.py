"""The command that runs the cases under a workflow's `tests`, each in a world in memory of its own."""

import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson
import typer
from pydantic import JsonValue
from rich.console import Console
from rich.text import Text

from ...connectors.contract import JsonObject
from ...connectors.errors import InvalidUse
from ...connectors.sandbox.faults import parse_fault
from ...connectors.virtual import Stuck, run_virtually
from ...graph.engine.summary import OpenEnd
from ...graph.language.compiler import check_inputs
from ...graph.language.diagnostics import suggestion
from ...graph.language.expressions import ExpressionFault, Scope, holds
from ...graph.language.plan import Case, Plan
from ..exits import COMPLETED, FAILED
from ..workflows import load_plan
from .books import Books
from .command import write_report
from .report import Case as JunitCase
from .report import junit
from .stage import Lived, Stage, staged

_INDEX: Final = re.compile(r"\[\d+\]")


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One expectation that was not met."""

    what: str
    expected: JsonValue
    found: JsonValue

    def __str__(self) -> str:
        return f"{self.what}: expected {_shown(self.expected)}, found {_shown(self.found)}"


@dataclass(frozen=True, slots=True)
class Tested:
    """What became of one case."""

    case: Case
    found: JsonObject
    mismatches: tuple[Mismatch, ...]


def run_cases(file: Path, only: str, report: Path | None, *, as_json: bool) -> int:
    """Run the cases of a workflow and print what was found; exit 1 where one is not as it should be."""
    plan = load_plan(file)
    tested = [run_case(plan, case) for case in _chosen(plan, only)]
    if report is not None:
        write_report(report, _junit(plan, tested))
    if as_json:
        typer.echo(orjson.dumps(_document(plan, file, tested)).decode())
    else:
        _print(tested)
    return FAILED if any(one.mismatches for one in tested) else COMPLETED


def run_case(plan: Plan, case: Case) -> Tested:
    """Run one case in a fresh world, and compare."""
    with staged() as stage:
        inputs = check_inputs(plan, case.inputs)
        order = stage.order(plan, inputs)
        stage.arm([parse_fault(text) for text in case.faults])
        try:
            lived = run_virtually(lambda: stage.live(order, approving=False))
        except Stuck as error:
            return Tested(case, {}, (Mismatch("the run", "an end", str(error)),))
        if lived.result is None:
            return Tested(case, {}, (Mismatch("the run", "an end", lived.error),))
        found = _found(stage, lived)
        books = Books(plan, order.connections, stage.lives, stage.desk.world.effects, stage.effects())
        broken = [
            Mismatch("the vendor's books", "every invariant to hold", text) for text in books.violations()
        ]
    return Tested(case, found, (*_mismatches(case, found, inputs), *broken))


def _found(stage: Stage, lived: Lived) -> JsonObject:
    if lived.result is None:
        raise TypeError("a run that came to an end has a result")
    result = lived.result
    effects = Counter(effect.operation for effect in stage.desk.world.effects)
    return {
        "status": result.status,
        "outputs": result.outputs,
        "effects": {**effects},
        "heals": {**result.heals},
        "parked": _paths(result.parked),
        "failed": _paths(result.failed),
    }


def _paths(ends: tuple[OpenEnd, ...]) -> list[JsonValue]:
    return [end.path for end in ends]


def _mismatches(case: Case, found: JsonObject, inputs: JsonObject) -> Iterator[Mismatch]:
    expected = case.expected
    if expected.status is not None and expected.status != found["status"]:
        yield Mismatch("status", expected.status, found["status"])
    for what, named in (("outputs", expected.outputs), ("effects", expected.effects)):
        yield from _differing(what, {**(named or {})}, found[what])
    if expected.heals is not None and expected.heals != found["heals"]:
        yield Mismatch("heals", {**expected.heals}, found["heals"])
    for what, paths in (("parked", expected.parked), ("failed", expected.failed)):
        if paths is not None and not _are_those(paths, found[what]):
            yield Mismatch(what, [*paths], found[what])
    for condition in expected.holds:
        try:
            value: JsonValue = holds(condition, Scope(inputs=inputs, names=found))
        except ExpressionFault as error:
            value = error.reason
        if value is not True:
            yield Mismatch(f"holds `{condition.text}`", True, value)


def _differing(what: str, named: JsonObject, found: JsonValue) -> Iterator[Mismatch]:
    """Yield the named entries that are different; an operation of which there is no effect has 0."""
    have = found if isinstance(found, dict) else {}
    for name, value in named.items():
        is_there = have.get(name, 0 if what == "effects" else None)
        if is_there != value:
            yield Mismatch(f"{what}.{name}", value, is_there)


def _are_those(paths: tuple[str, ...], found: JsonValue) -> bool:
    """Tell whether the steps that were found are exactly those; a path without places stands for all items."""
    have = [str(path) for path in found] if isinstance(found, list) else []
    known = all(path in paths or _INDEX.sub("", path) in paths for path in have)
    return known and all(any(path in (one, _INDEX.sub("", one)) for one in have) for path in paths)


def _chosen(plan: Plan, only: str) -> list[Case]:
    if not plan.tests:
        raise InvalidUse(
            f"The workflow `{plan.name}` has no `tests`.",
            help="Write `tests:` with cases; the README shows some.",
        )
    chosen = [case for case in plan.tests if only in ("", case.name)]
    if not chosen:
        names = [case.name for case in plan.tests]
        raise InvalidUse(
            f"There is no case `{only}`{suggestion(only, names)}", help="Name one with `--only`."
        )
    return chosen


def _print(tested: list[Tested]) -> None:
    console = Console(soft_wrap=True, highlight=False)
    for one in tested:
        word = Text("failed", style="red") if one.mismatches else Text("passed", style="green")
        console.print(Text.assemble(word, f"  {one.case.name}"))
        for mismatch in one.mismatches:
            console.print(f"        {mismatch}", markup=False)
        if one.mismatches:
            console.print(f"        at {one.case.place}", markup=False)
    bad = sum(bool(one.mismatches) for one in tested)
    console.print(f"{len(tested)} cases, {bad} failed", markup=False)
    sys.stdout.flush()


def _document(plan: Plan, file: Path, tested: list[Tested]) -> JsonObject:
    return {
        "workflow": plan.name,
        "file": str(file),
        "passed": not any(one.mismatches for one in tested),
        "cases": [
            {
                "name": one.case.name,
                "passed": not one.mismatches,
                "expected": _expected(one.case),
                "found": one.found,
                "mismatches": [
                    {"what": miss.what, "expected": miss.expected, "found": miss.found}
                    for miss in one.mismatches
                ],
            }
            for one in tested
        ],
    }


def _expected(case: Case) -> JsonObject:
    """Return what a case expects as it is written."""
    written: JsonObject = case.expected.model_dump(mode="json", exclude_none=True, exclude={"holds"})
    conditions: list[JsonValue] = [condition.text for condition in case.expected.holds]
    return written | ({"holds": conditions} if conditions else {})


def _junit(plan: Plan, tested: list[Tested]) -> bytes:
    cases = [
        JunitCase(classname=plan.name, name=one.case.name, failures=tuple(map(str, one.mismatches)))
        for one in tested
    ]
    return junit(f"mendflow test {plan.name}", cases)


def _shown(value: JsonValue) -> str:
    return orjson.dumps(value).decode()
