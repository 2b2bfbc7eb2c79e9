"""How results look to people: lines and tables on stdout, one line a row, so that ids can be copied and searched."""

from collections.abc import Iterable, Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from ..graph.engine.summary import OpenEnd, RunResult
from ..journal.events import Event
from .exits import INTERRUPTED
from .screen import OutputLost, clean

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


Part = str | Text
"""A text, or one in one style."""


def print_line(*parts: Part) -> None:
    """Print a line of parts on stdout. Raises OutputLost."""
    _print(Text.assemble(*(_cleaned(part) for part in parts)))


def print_table(headings: Sequence[str], rows: Iterable[Sequence[Part]]) -> None:
    """Print a row a line, at its full width: a terminal folds it so that it can be copied whole. Raises OutputLost."""
    table = [[_flat(cell) for cell in row] for row in rows]
    if headings:
        table.insert(0, [Text(heading, style="bold") for heading in headings])
    widths = [max(cell_len(cell.plain) for cell in column) for column in zip(*table, strict=True)]
    for row in table:
        for cell, width in zip(row[:-1], widths, strict=False):
            cell.append(" " * (width - cell_len(cell.plain) + 2), style="not bold")
    if table:
        _print(Text("\n").join(Text.assemble(*row) for row in table))


def _print(text: Text) -> None:
    try:
        Console().print(text, soft_wrap=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputLost(error) from error


def _cleaned(part: Part) -> Text:
    return Text(clean(part.plain), style=part.style) if isinstance(part, Text) else Text(clean(part))


def _flat(cell: Part) -> Text:
    whole = _cleaned(cell)
    return Text(whole.plain.replace("\n", " ").replace("\t", " "), style=whole.style)


def print_result(result: RunResult, *, was_interrupted: bool = False) -> None:
    """Print what became of a run; one whose process died is named so, with the way on."""
    healed = (
        ", ".join(f"{kind} × {count}" for kind, count in result.heals.items()) or "nothing had to be healed"
    )
    rows: list[tuple[Part, Part]] = [
        ("run", result.run_id),
        ("workflow", result.workflow),
        ("status", coloured(INTERRUPTED if was_interrupted else result.status)),
        *([("next", f"mendflow resume {result.run_id}")] if was_interrupted else []),
        *(("output", f"{name}: {value}") for name, value in result.outputs.items()),
        ("healed", healed),
        ("effects", f"{result.effects.confirmed} confirmed of {result.effects.intended} intended"),
        *(("waits", waiting_line(entry, result)) for entry in result.waiting),
    ]
    if result.due_at:
        rows.append(("due", result.due_at.isoformat(timespec="seconds")))
    if result.trace:
        rows.append(("trace", result.trace))
    print_table((), rows)
    print_open_ends(result)


def print_overview(results: list[RunResult]) -> None:
    """Print what became of several runs, a line each."""
    if not results:
        print_line("No run was interrupted.")
        return
    rows = [
        (
            result.run_id,
            result.workflow,
            coloured(result.status),
            f"{result.effects.confirmed} of {result.effects.intended}",
        )
        for result in results
    ]
    print_table(("run", "workflow", "status", "effects"), rows)


def print_open_ends(result: RunResult) -> None:
    """Print the steps that failed or are parked, with what to do next."""
    decided = {word.path: f"decided {word.told} " for word in result.decisions if word.is_open}
    _print_ends(result.failed, "failed", decided)
    _print_ends(result.parked, "parked", decided)


def _print_ends(ends: tuple[OpenEnd, ...], word: str, decided: dict[str, str], most: int = 20) -> None:
    for end in ends[:most]:
        print_line(coloured(word), f" {end.path}: {end.reason}")
        if end.next_action:
            print_line(f"       {decided.get(end.path, '')}→ {end.next_action}")
    if len(ends) > most:
        print_line(f"       … and {len(ends) - most} more")


def print_steps(events: list[Event]) -> None:
    """Print each step's end, in the order of the run."""
    rows = []
    for event in events:
        if event.kind == "step_ended":
            path, _, rest = event.key.partition("#")
            status = coloured(str(event.body.get("status")))
            rows.append((path, status, rest.partition(":")[0], str(event.body.get("reason") or "")))
    print_table(("step", "status", "attempt", "reason"), rows)


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
