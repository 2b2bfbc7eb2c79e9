"""What all benchmarks share: CPU time, interleaved rounds, and the table. Ratios are printed, nothing is asserted."""

import argparse
import asyncio
import gc
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from statistics import median

import orjson

Work = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. `reached` is None where the design sets no goal."""

    what: str
    ours: str
    peer: str
    ratio: float
    goal: str = "-"
    reached: bool | None = None


@dataclass(frozen=True, slots=True)
class Pair:
    """Seconds for one unit of work, ours and the peer's; the ratio is the median of the rounds' own ratios."""

    ours: float
    peer: float
    ratio: float


async def cpu(work: Work) -> float:
    """Return the CPU seconds that `work` takes in this process, all threads together."""
    gc.collect()
    begun = time.process_time()
    await work()
    return time.process_time() - begun


async def wall(work: Work) -> float:
    """Return the seconds on the clock that `work` takes."""
    gc.collect()
    begun = time.perf_counter()
    await work()
    return time.perf_counter() - begun


async def interleave(
    ours: Work, peer: Work, *, rounds: int, units: int, meter: Callable[[Work], Awaitable[float]] = cpu
) -> Pair:
    """Measure both in turn, changing who goes first, after one round that does not count."""
    await ours()
    await peer()
    found: list[tuple[float, float]] = []
    for number in range(rounds):
        if number % 2:
            theirs = await meter(peer)
            found.append((await meter(ours), theirs))
        else:
            mine = await meter(ours)
            found.append((mine, await meter(peer)))
    return Pair(
        ours=median(mine for mine, _ in found) / units,
        peer=median(theirs for _, theirs in found) / units,
        ratio=median(mine / theirs for mine, theirs in found),
    )


async def at_once(width: int, count: int, one: Callable[[int], Awaitable[object]]) -> None:
    """Do `one(number)` for each number below `count`, `width` at a time."""
    numbers = iter(range(count))

    async def worker() -> None:
        for number in numbers:
            await one(number)

    async with asyncio.TaskGroup() as group:
        for _ in range(width):
            group.create_task(worker())


def milliseconds(seconds: float) -> str:
    """Write a time for the table."""
    return f"{seconds * 1e3:.2f} ms"


def timed(what: str, pair: Pair, *, limit: float | None = None, goal: str = "") -> Row:
    """Return the row of a pair; `limit` is the highest ratio that reaches the goal."""
    ours, peer = milliseconds(pair.ours), milliseconds(pair.peer)
    if limit is None:
        return Row(what, ours, peer, pair.ratio)
    return Row(what, ours, peer, pair.ratio, goal or f"<= {limit:g}x", pair.ratio <= limit)


def table(rows: list[Row]) -> str:
    """Return the rows as text in columns."""
    words = {None: "", True: "yes", False: "NO"}
    head = ("what", "ours", "peer", "ratio", "goal", "reached")
    lines = [head, *((r.what, r.ours, r.peer, f"{r.ratio:.2f}", r.goal, words[r.reached]) for r in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def as_json(rows: list[Row]) -> str:
    """Return the rows as one JSON document."""
    return orjson.dumps([asdict(row) for row in rows]).decode()


def main(about: str | None, measure: Callable[[bool], list[Row]]) -> None:
    """Run one benchmark as a script; `measure` is told whether to keep it small."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--small", action="store_true", help="few rounds: coarse, but quick")
    parser.add_argument("--json", action="store_true", help="print JSON")
    told = parser.parse_args()
    rows = measure(told.small)
    sys.stdout.write((as_json(rows) if told.json else table(rows)) + "\n")
