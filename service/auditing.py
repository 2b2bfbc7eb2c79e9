"""The command that checks a run's heals again from its trace."""

from pathlib import Path

from rich.text import Text

from ..journal.audit import Audit, audit
from ..journal.export import read_trace
from .exits import COMPLETED, FAILED
from .render import print_line
from .screen import say_json
from .showing import events_of


def audit_run(run: str, home: Path, *, as_json: bool) -> int:
    """Check a run of the home, or a trace file, and print what was found; exit 1 where something speaks against it."""
    path = Path(run)
    found = audit(read_trace(path) if path.is_file() else events_of(home, run))
    if as_json:
        say_json({**found.model_dump(mode="json"), "holds": found.holds})
    else:
        _print(found)
    return COMPLETED if found.holds else FAILED


def _print(found: Audit) -> None:
    for heal in found.heals:
        mark = Text("does not hold", style="red") if heal.objections else Text("holds", style="green")
        print_line(mark, f"  {heal.key}  {heal.fault}: {heal.remedy}")
        for objection in heal.objections:
            print_line(f"       {objection}")
    for flaw in found.flaws:
        print_line(Text("record", style="red"), f"  {flaw}")
    doubtful = sum(bool(heal.objections) for heal in found.heals)
    told = "the record is whole" if not found.flaws else f"{len(found.flaws)} flaws in the record"
    print_line(f"{found.run_id}: {len(found.heals) - doubtful} of {len(found.heals)} heals hold, {told}")
