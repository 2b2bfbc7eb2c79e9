"""Twenty runs of twenty writes whose process died within the last one, taken up again as `resume --all` does.

Each plan is made from what the run has on record, the open intent is closed, the write is made. Imports, the
wire and the pause before a repetition (a tenth of a second each) do not count.
"""

import asyncio
import shutil
import tempfile
import time
from pathlib import Path

from mendflow.benchmarks.durable import opened, run_once
from mendflow.benchmarks.effects import HastyClock
from mendflow.benchmarks.measure import Row, main
from mendflow.benchmarks.workload import Faked, writes
from mendflow.benchmarks.workload import plan_of as compiled
from mendflow.connectors.contract import Reply, ToolCall
from mendflow.graph.engine.run import Ports, resume
from mendflow.graph.language.plan import Plan
from mendflow.service.pins import order_of, plan_of

RUNS, STEPS = 20, 20
GOAL_SECONDS = 0.5


class _DiedError(BaseException):
    """Ends a run where the process would have been killed: nothing of ours catches it."""


class _Mortal(Faked):
    """A connection whose process dies at the last call."""

    def __init__(self) -> None:
        super().__init__()
        self._left = STEPS - 1

    async def send(self, call: ToolCall) -> Reply:
        """Answer, until the end."""
        if self._left == 0:
            raise _DiedError
        self._left -= 1
        return await super().send(call)


async def _died(ports: Ports, plan: Plan) -> str:
    """Run until death, and return the run's id."""
    known = {row.run_id for row in await ports.store.runs()}
    try:
        await run_once(_with(ports, _Mortal()), plan)
    except* _DiedError:
        pass
    (run_id,) = {row.run_id for row in await ports.store.runs()} - known
    return run_id


def _with(ports: Ports, connector: Faked) -> Ports:
    return Ports(
        home=ports.home,
        store=ports.store,
        vault=ports.vault,
        clock=HastyClock(),
        open_connector=lambda _: connector,
        open_model=ports.open_model,
        report=ports.report,
    )


async def _seconds(plan: Plan) -> float:
    folder = Path(tempfile.mkdtemp())
    try:
        async with opened(folder) as ports:
            run_ids = [await _died(ports, plan) for _ in range(RUNS)]
            hasty = _with(ports, Faked())
            begun = time.perf_counter()
            for run_id in run_ids:
                result = await resume(hasty, run_id, lambda pinned: order_of(pinned, plan_of(pinned)))
                if result.status != "completed":
                    raise SystemExit(f"the run ended as {result.status}: {result.failed}")
            return time.perf_counter() - begun
    finally:
        shutil.rmtree(folder)


def measure(small: bool) -> list[Row]:  # noqa: FBT001  # told by the script's switch
    """Measure the median of some rounds."""
    plan = compiled(writes(STEPS))
    found = sorted(asyncio.run(_seconds(plan)) for _ in range(1 if small else 5))
    median = found[len(found) // 2]
    what = f"{RUNS} runs of {STEPS} steps taken up after death within the last write; peer: the goal"
    return [
        Row(
            what,
            f"{median:.2f} s",
            f"{GOAL_SECONDS} s",
            median / GOAL_SECONDS,
            "<= 1",
            median <= GOAL_SECONDS,
        )
    ]


if __name__ == "__main__":
    main(__doc__, measure)
