"""A durable run: our real journal on SQLite, fsync included, over bare langgraph that stores nothing."""

import asyncio
import shutil
import sqlite3
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from mendflow.benchmarks.measure import Row, at_once, cpu, interleave, main, milliseconds, timed
from mendflow.benchmarks.workload import (
    SIX_STEPS,
    SIX_WALK,
    Faked,
    Scripted,
    bare,
    chain,
    inputs_of,
    plan_of,
    unseen,
)
from mendflow.connectors.clock import SystemClock
from mendflow.graph.engine.run import Order, Ports, start
from mendflow.graph.engine.summary import RunResult
from mendflow.graph.language.plan import Plan
from mendflow.journal.home import Home
from mendflow.journal.sqlite import SqliteStore
from mendflow.journal.vault import Vault

AT_ONCE = 32
GOAL = 1.3
MOST_BYTES = 3 * 1024


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Ports]:
    """Open a journal in a folder, with the connector and the model faked."""
    home, vault = Home(folder), Vault()
    home.prepare()
    async with SqliteStore(home.database, vault) as store:
        yield Ports(
            home=home,
            store=store,
            vault=vault,
            clock=SystemClock(),
            open_connector=lambda _: Faked(),
            open_model=lambda _: Scripted(),
            report=unseen,
        )


async def run_once(ports: Ports, plan: Plan) -> RunResult:
    """Run a plan from start to end; stop the benchmark when it is not the run that was meant."""
    result = await start(ports, Order(plan, inputs_of(plan), plan.connections, {}))
    if result.status != "completed":
        raise SystemExit(f"the run ended as {result.status}: {result.failed}")
    return result


def stored(folder: Path) -> int:
    """Return the bytes that a journal takes, compacted."""
    copy = folder / "copy.db"
    with sqlite3.connect(folder / "journal.db") as db:
        db.execute("VACUUM INTO ?", (str(copy),))
    size = copy.stat().st_size
    copy.unlink()
    return size


async def _compared(plan: Plan, runs: int, rounds: int) -> Row:
    folder = Path(tempfile.mkdtemp())
    plain = bare(SIX_WALK)
    try:
        async with opened(folder) as ports:
            pair = await interleave(
                lambda: at_once(AT_ONCE, runs, lambda _: run_once(ports, plan)),
                lambda: at_once(AT_ONCE, runs, lambda _: plain()),
                rounds=rounds,
                units=runs,
            )
    finally:
        shutil.rmtree(folder)
    return timed("durable run on SQLite, six steps, over the bare graph", pair, limit=GOAL)


async def _weighed(plan: Plan, runs: int) -> tuple[float, float, float]:
    """Return the bytes of a run, those of its first event (workflow, inputs, versions), and CPU seconds."""
    folder = Path(tempfile.mkdtemp())
    try:
        async with opened(folder) as ports:
            await run_once(ports, plan)
            empty = stored(folder)
            seconds = await cpu(lambda: at_once(AT_ONCE, runs, lambda _: run_once(ports, plan)))
        with sqlite3.connect(folder / "journal.db") as db:
            pins = db.execute("SELECT avg(length(body)) FROM events WHERE kind = 'run_started'").fetchone()[0]
        return (stored(folder) - empty) / runs, float(pins), seconds / runs
    finally:
        shutil.rmtree(folder)


async def _size(plan: Plan, runs: int) -> Row:
    each, pins, _ = await _weighed(plan, runs)
    return Row(
        "  stored per run; peer: its pins (workflow text and the like)",
        f"{each:.0f} B",
        f"{pins:.0f} B",
        each / pins,
        f"<= {MOST_BYTES} B",
        each <= MOST_BYTES,
    )


async def _growth(few: int, many: int) -> list[Row]:
    small, small_pins, small_cpu = await _weighed(plan_of(chain(few)), 3)
    large, large_pins, large_cpu = await _weighed(plan_of(chain(many)), 1)
    before, after = (small - small_pins) / few, (large - large_pins) / many
    return [
        Row(
            f"  stored per step without pins, {many} steps; peer: {few}",
            f"{after:.0f} B",
            f"{before:.0f} B",
            after / before,
            "linear",
            after / before <= 1.1,
        ),
        Row(
            f"  CPU per step, {many} steps; peer: {few}",
            milliseconds(large_cpu / many),
            milliseconds(small_cpu / few),
            large_cpu / many / (small_cpu / few),
        ),
    ]


def measure(small: bool) -> list[Row]:  # noqa: FBT001  # told by the script's switch
    """Measure CPU and bytes."""
    runs, rounds = (32, 5) if small else (96, 11)
    plan = plan_of(SIX_STEPS)

    async def all_of_it() -> list[Row]:
        return [await _compared(plan, runs, rounds), await _size(plan, runs), *await _growth(50, 400)]

    return asyncio.run(all_of_it())


if __name__ == "__main__":
    main(__doc__, measure)
