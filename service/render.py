"""How results look to people: tables on stdout."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..graph.engine.summary import OpenEnd, RunResult
from ..journal.events import Event

_COLOURS = {
    "completed": "green",
    "done": "green",
    "failed": "red",
    "parked": "yellow",
    "waiting": "yellow",
    "blocked": "yellow",
    "skipped": "dim",
    "interrupted": "yellow",
}


def print_result(result: RunResult) -> None:
    """Print what became of a run."""
    console = Console(markup=False)  # what vendors and people wrote is no markup
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_row("run", result.run_id)
    table.add_row("workflow", result.workflow)
    table.add_row("status", coloured(result.status))
    for name, value in result.outputs.items():
        table.add_row("output", f"{name}: {value}")
    healed = (
        ", ".join(f"{kind} × {count}" for kind, count in result.heals.items()) or "nothing had to be healed"
    )
    table.add_row("healed", healed)
    table.add_row("effects", f"{result.effects.confirmed} confirmed of {result.effects.intended} intended")
    for entry in result.waiting:
        table.add_row("waits", waiting_line(entry, result))
    if result.due_at:
        table.add_row("due", result.due_at.isoformat(timespec="seconds"))
    if result.trace:
        table.add_row("trace", result.trace)
    console.print(table)
    print_open_ends(console, result)


def print_overview(results: list[RunResult]) -> None:
    """Print what became of several runs, a line each."""
    console = Console(markup=False)
    if not results:
        console.print("No run was interrupted.")
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("run", "workflow", "status", "effects"):
        table.add_column(heading, header_style="bold")
    for result in results:
        effects = f"{result.effects.confirmed} of {result.effects.intended}"
        table.add_row(result.run_id, result.workflow, coloured(result.status), effects)
    console.print(table)


def print_open_ends(console: Console, result: RunResult) -> None:
    """Print the steps that failed or are parked, with what to do next."""
    decided = {word.path: f"decided {word.told} " for word in result.decisions if word.is_open}
    _print_ends(console, result.failed, "failed", decided)
    _print_ends(console, result.parked, "parked", decided)


def _print_ends(
    console: Console, ends: tuple[OpenEnd, ...], word: str, decided: dict[str, str], most: int = 20
) -> None:
    for end in ends[:most]:
        console.print(Text.assemble((word, _COLOURS[word]), f" {end.path}: {end.reason}"), soft_wrap=True)
        if end.next_action:
            said = f"       {decided.get(end.path, '')}→ {end.next_action}"
            console.print(said, markup=False, highlight=False, soft_wrap=True)
    if len(ends) > most:
        console.print(f"       … and {len(ends) - most} more")


def print_steps(events: list[Event]) -> None:
    """Print each step's end, in the order of the run."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("step", "status", "attempt", "reason"):
        table.add_column(heading, header_style="bold")
    for event in events:
        if event.kind == "step_ended":
            path, _, rest = event.key.partition("#")
            status = str(event.body.get("status"))
            reason = str(event.body.get("reason") or "")
            table.add_row(path, coloured(status), rest.partition(":")[0], reason)
    Console(markup=False).print(table)


def coloured(status: str) -> Text:
    """Return a status in its colour."""
    return Text(status, style=_COLOURS.get(status, ""))


def waiting_line(entry: object, result: RunResult) -> str:
    """Return what a run waits for: a time, an approval and how to give it, or a resume after a person's word."""
    if not isinstance(entry, dict):
        return ""
    if entry.get("for") != "approval":
        return f"{entry['path']}: until {entry.get('until')}"
    items = entry.get("items")
    paths = [str(item) for item in items] if isinstance(items, list) else [str(entry["path"])]
    words = {word.path: word for word in result.decisions if word.is_open}
    left = [path for path in paths if path not in words]
    if not left:
        told = "; ".join(words[path].told for path in paths)
        return f"{entry['path']}: decided {told} → mendflow resume {result.run_id}"
    return (
        f"{entry['path']}: {entry.get('prompt') or 'approval'} → mendflow approve {result.run_id} {left[0]}"
    )
