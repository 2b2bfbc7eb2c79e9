"""The commands that look at runs: list, show, explain."""

import asyncio
from pathlib import Path

from ..connectors.errors import InvalidUse
from ..graph.engine.summary import RunResult, summarise
from ..journal.events import Event, RunStatus
from ..journal.home import Home
from ..journal.sqlite import SqliteStore
from ..journal.store import RunRow
from ..journal.vault import Vault
from .exits import COMPLETED, INTERRUPTED, OF_STATUS
from .heals import heal_lines
from .render import (
    coloured,
    print_line,
    print_open_ends,
    print_result,
    print_steps,
    print_table,
    waiting_line,
)
from .screen import say_json


def existing_home(folder: Path) -> Home:
    """Return a home that has, or had, a journal. Raises InvalidUse where there never was one."""
    home = Home(folder)
    if not home.database.exists() and not home.mark.exists():
        raise InvalidUse(
            f"There is no journal in `{folder}`.",
            help="Run a workflow first, or name the home with `--home FOLDER`.",
        )
    return home


def find_events(folder: Path, run_id: str) -> list[Event]:
    """Return the events of a run, none where there is none of that name."""

    async def read() -> list[Event]:
        async with SqliteStore(existing_home(folder).database, Vault()) as store:
            return await store.events(run_id)

    return asyncio.run(read())


def runs_of(home: Home, status: RunStatus) -> list[str]:
    """Return the runs that stand so in the journal, oldest first."""

    async def read() -> list[RunRow]:
        async with SqliteStore(home.database, Vault()) as store:
            return await store.runs(status)

    return [row.run_id for row in reversed(asyncio.run(read()))]


def interrupted(home: Home) -> list[str]:
    """Return the runs whose process died before they came to an end, oldest first."""
    return [run_id for run_id in runs_of(home, "running") if not home.owner_is_alive(run_id)]


def events_of(folder: Path, run_id: str) -> list[Event]:
    """Return the events of a run. Raises InvalidUse where there is none of that name."""
    events = find_events(folder, run_id)
    if not events:
        raise InvalidUse(f"There is no run `{run_id}`.", help="`mendflow runs` lists them.")
    return events


def is_interrupted(home: Home, result: RunResult) -> bool:
    """Tell whether the run's process died before the run came to an end."""
    return result.status == "running" and not home.owner_is_alive(result.run_id)


def list_runs(folder: Path, status: str, *, as_json: bool) -> int:
    """Print the runs, newest first. Raises InvalidUse for a status that there is not.

    A run that the journal calls running, and that no living process has, is listed as `interrupted`.
    """
    if status and status not in (*OF_STATUS, INTERRUPTED):
        known = ", ".join(f"`{one}`" for one in (*OF_STATUS, INTERRUPTED))
        raise InvalidUse(f"There is no status `{status}`; there are {known}.", help="Name one of them.")
    home = existing_home(folder)
    recorded = "running" if status == INTERRUPTED else status

    async def read() -> list[RunRow]:
        async with SqliteStore(home.database, Vault()) as store:
            return await store.runs(recorded)

    found = asyncio.run(read())
    dead = {one.run_id for one in found if one.status == "running"} & {*interrupted(home)}
    words = {row.run_id: INTERRUPTED if row.run_id in dead else row.status for row in found}
    rows = [row for row in found if status in ("", words[row.run_id])]
    if as_json:
        say_json([{**row.model_dump(mode="json"), "interrupted": row.run_id in dead} for row in rows])
        return COMPLETED
    table = []
    for row in rows:
        started = row.created_at.isoformat(sep=" ", timespec="seconds")
        due = row.due_at.isoformat(sep=" ", timespec="seconds") if row.due_at else ""
        table.append((row.run_id, row.workflow, coloured(words[row.run_id]), started, str(row.events), due))
    print_table(("run", "workflow", "status", "started", "events", "due"), table)
    return COMPLETED


def show_run(folder: Path, run_id: str, *, as_json: bool) -> int:
    """Print what became of a run, then its steps."""
    events = events_of(folder, run_id)
    result = summarise(events)
    was_interrupted = is_interrupted(existing_home(folder), result)
    if as_json:
        steps = [{"key": event.key, **event.body} for event in events if event.kind == "step_ended"]
        say_json({**result.model_dump(mode="json"), "interrupted": was_interrupted, "steps": steps})
        return COMPLETED
    print_result(result, was_interrupted=was_interrupted)
    print_steps(events)
    return COMPLETED


def explain_run(folder: Path, run_id: str, *, as_json: bool) -> int:
    """Print each heal with its evidence, and each open end with what to do."""
    events = events_of(folder, run_id)
    result = summarise(events)
    was_interrupted = is_interrupted(existing_home(folder), result)
    heals = [{"at": event.key, **event.body} for event in events if event.kind == "heal_recorded"]
    if as_json:
        open_ends = {
            "failed": [end.model_dump(mode="json") for end in result.failed],
            "parked": [end.model_dump(mode="json") for end in result.parked],
            "waiting": [*result.waiting],
        }
        decisions = [word.model_dump(mode="json") for word in result.decisions]
        standing = {"run_id": run_id, "interrupted": was_interrupted}
        say_json({**standing, "heals": heals, **open_ends, "decisions": decisions})
        return COMPLETED
    status = coloured(INTERRUPTED if was_interrupted else result.status)
    print_line(f"{run_id}: ", status, f", {len(heals)} heals")
    if was_interrupted:
        print_line(f"       → mendflow resume {run_id}")
    for heal in heals:
        for line in heal_lines(heal):
            print_line(line)
    for word in result.decisions:
        print_line(f"{word.path}: decided {word.told}")
    print_open_ends(result)
    for entry in result.waiting:
        print_line(f"waits {waiting_line(entry, result)}")
    return COMPLETED
