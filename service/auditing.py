"""The command that checks a run's heals again from its trace."""

from pathlib import Path

import orjson
import typer
from rich.console import Console
from rich.text import Text

from ..journal.audit import Audit, audit
from ..journal.export import read_trace
from .exits import COMPLETED, FAILED
from .showing import events_of


def audit_run(run: str, home: Path, *, as_json: bool) -> int:
    """Check a run of the home, or a trace file, and print what was found; exit 1 where something speaks against it."""
    path = Path(run)
    found = audit(read_trace(path) if path.is_file() else events_of(home, run))
    if as_json:
        typer.echo(orjson.dumps({**found.model_dump(mode="json"), "holds": found.holds}).decode())
    else:
        _print(found)
    return COMPLETED if found.holds else FAILED


def _print(found: Audit) -> None:
    console = Console()
    for heal in found.heals:
        mark = Text("does not hold", style="red") if heal.objections else Text("holds", style="green")
        console.print(Text.assemble(mark, f"  {heal.key}  {heal.fault}: {heal.remedy}"), soft_wrap=True)
        for objection in heal.objections:
            console.print(f"       {objection}", markup=False, highlight=False, soft_wrap=True)
    for flaw in found.flaws:
        console.print(Text.assemble(("record", "red"), f"  {flaw}"), soft_wrap=True)
    doubtful = sum(bool(heal.objections) for heal in found.heals)
    told = "the record is whole" if not found.flaws else f"{len(found.flaws)} flaws in the record"
    console.print(
        f"{found.run_id}: {len(found.heals) - doubtful} of {len(found.heals)} heals hold, {told}",
        markup=False,
        highlight=False,
    )
