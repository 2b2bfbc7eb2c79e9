"""Twenty runs of twenty steps whose process died at the last one, taken up again; imports and the wire not counted."""

import asyncio
import shutil
import tempfile
import time
from pathlib import Path

from mendflow.benchmarks.durable import opened, run_once
from mendflow.benchmarks.measure import Row, main
from mendflow.benchmarks.workload import Faked, chain, inputs_of, plan_of
from mendflow.connectors.contract import Reply, ToolCall
from mendflow.graph.engine.run import Order, Ports, resume
from mendflow.graph.language.plan import Plan

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
        clock=ports.clock,
        open_connector=lambda _: connector,
        open_model=ports.open_model,
        report=ports.report,
    )


async def _seconds(plan: Plan) -> float:
    folder = Path(tempfile.mkdtemp())
    order = Order(plan, inputs_of(plan), plan.connections, {})
    try:
        async with opened(folder) as ports:
            run_ids = [await _died(ports, plan) for _ in range(RUNS)]
            begun = time.perf_counter()
            for run_id in run_ids:
                result = await resume(ports, run_id, lambda _: order)
                if result.status != "completed":
                    raise SystemExit(f"the run ended as {result.status}: {result.failed}")
            return time.perf_counter() - begun
    finally:
        shutil.rmtree(folder)


def measure(small: bool) -> list[Row]:  # noqa: FBT001  # told by the script's switch
    """Measure the best of some rounds."""
    plan = plan_of(chain(STEPS))
    best = min(asyncio.run(_seconds(plan)) for _ in range(1 if small else 5))
    what = f"{RUNS} runs of {STEPS} steps taken up after death at the last; peer: the goal"
    return [
        Row(what, f"{best:.2f} s", f"{GOAL_SECONDS} s", best / GOAL_SECONDS, "<= 1", best <= GOAL_SECONDS)
    ]


if __name__ == "__main__":
    main(__doc__, measure)
