"""The command that drills a workflow."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson
import typer
from rich.console import Console
from rich.progress import track

from ...connectors.errors import InvalidUse
from ...graph.language.compiler import check_inputs
from ...graph.language.plan import Plan, shortened
from ..exits import COMPLETED, FAILED
from ..running import pairs_of
from ..workflows import load_plan
from .campaign import findings
from .matrix import print_report
from .report import Report, document_of, junit_of
from .stage import SHIPPED, Seams
from .strikes import check_kinds, parse_strikes
from .trials import Trial, named, only, pairs, singles
from .trying import Calm, Finding, Setup, look

WIDTH = 100
"""Columns of the printed matrix where no terminal says otherwise."""
EVERY = 25


@dataclass(frozen=True, slots=True)
class DrillOptions:
    """What `mendflow drill` was told."""

    file: Path
    inputs: tuple[str, ...] = ()
    pairs: int = 24
    faults: tuple[str, ...] = ()
    only: str = ""
    items: str = "2"
    seed: int = 7
    workers: int = 0
    """0: as many as there are processors."""
    trial: str = ""
    junit: Path | None = None


def drill_file(options: DrillOptions, *, as_json: bool, seams: Seams = SHIPPED) -> int:
    """Drill a workflow and print what was found; exit 1 where an invariant broke."""
    report = drill(options, seams)
    if options.junit is not None:
        write_report(options.junit, junit_of(report))
    if as_json:
        typer.echo(orjson.dumps(document_of(report)).decode())
    else:
        print_report(report, Console(width=None if sys.stdout.isatty() else WIDTH))
    return COMPLETED if report.is_whole else FAILED


def drill(options: DrillOptions, seams: Seams = SHIPPED) -> Report:
    """Return what a drill finds. Raises InvalidUse and InvalidWorkflow."""
    check_kinds(options.faults)
    strikes = parse_strikes(options.trial) if options.trial else ()
    plan = _short(load_plan(options.file), options.items)
    inputs = check_inputs(plan, pairs_of(options.inputs))
    calm = look(plan, inputs)
    calls = only(calm.calls, options.only) if options.only else calm.calls
    trials = [named(strikes, calm.calls)] if strikes else singles(calls, options.faults, options.seed)
    if not trials:
        message = "No fault of `--faults` can strike these calls."
        raise InvalidUse(message, help="Leave `--faults` out for all that can.")
    setup = Setup(plan, inputs, calm.heals, seams)
    workers = options.workers or len(os.sched_getaffinity(0))
    found = _told(setup, trials, workers)
    couples: list[Trial] = []
    possible = 0
    if not strikes:
        couples, possible = pairs(trials, _heals(found, calm), calm.requests, options.pairs, options.seed)
    return Report(
        file=options.file,
        workflow=plan.name,
        seed=options.seed,
        items=options.items,
        inputs=options.inputs,
        calls=calls,
        findings=found,
        pairs=_told(setup, couples, workers),
        possible=possible,
    )


def write_report(path: Path, content: bytes) -> None:
    """Write a report's file. Raises InvalidUse where that is not possible."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise InvalidUse(
            f"The report `{path}` cannot be written: {error.strerror}.",
            help="Give another path with `--junit`.",
        ) from error


def _short(plan: Plan, items: str) -> Plan:
    if items == "all":
        return plan
    if not (items.isascii() and items.isdigit() and int(items)):
        raise InvalidUse(
            f"`--items {items}` is no number of items.",
            help="Write `--items 4`, or `--items all` for whole lists.",
        )
    return plan.model_copy(update={"steps": shortened(plan.steps, int(items))})


def _heals(found: Sequence[Finding], calm: Calm) -> dict[str, list[str]]:
    """Return, for each trial, the operations that a calm run does not call: its heal needed them."""
    return {
        str(one.trial): [operation for operation in one.operations if operation not in calm.requests]
        for one in found
    }


def _told(setup: Setup, trials: Sequence[Trial], workers: int) -> list[Finding]:
    """Try all, and say on stderr how far it is."""
    coming = findings(setup, trials, workers)
    if sys.stderr.isatty():
        console = Console(stderr=True)
        return [*track(coming, "drilling", total=len(trials), console=console, transient=True)]
    found: list[Finding] = []
    for finding in coming:
        found.append(finding)
        if len(found) % EVERY == 0:
            print(f"{len(found)} of {len(trials)} trials", file=sys.stderr)  # noqa: T201  # progress, as plain lines
    return found
