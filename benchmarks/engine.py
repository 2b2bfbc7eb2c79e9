# ruff: noqa: ARG001, ARG002  # the forgetful tape has the shape of a tape and uses little of it
"""Engine cost: real nodes, real Verifier, a faked connector and a tape that keeps nothing, over bare langgraph."""

import asyncio
import re
import shutil
import subprocess
import sys
from collections.abc import Awaitable, Callable, Coroutine
from typing import TypedDict

from langgraph.graph import END, START, StateGraph
from mendflow.benchmarks.measure import Row, interleave, main, timed
from mendflow.benchmarks.workload import (
    THREE_STEPS,
    THREE_WALK,
    Faked,
    Scripted,
    bare,
    inputs_of,
    plan_of,
    unseen,
)
from mendflow.connectors.clock import SystemClock
from mendflow.connectors.contract import JsonObject, Performer
from mendflow.graph.engine.context import Connection, RunContext
from mendflow.graph.engine.machine import run_steps
from mendflow.journal.tape import Change, Compute, no_change
from mendflow.journal.vault import Vault

GOAL = 1.15


class _Plain(TypedDict):
    n: int


class Forgetful:
    """A tape that keeps nothing."""

    run_id = "run-bench"

    def recall(self, key: str) -> JsonObject | None:
        """Remember nothing."""

    async def fact(
        self, key: str, request: JsonObject, perform: Performer, *, secret: bool = False
    ) -> JsonObject:
        """Perform."""
        return await perform()

    async def claim(
        self, path: str, attempt: int, slot: str, request: JsonObject, *, repeatable: bool, beyond: str = ""
    ) -> JsonObject:
        """Give the slot."""
        return {"standing": "mine"}

    def decide(self, key: str, compute: Compute, change: Change = no_change) -> JsonObject:
        """Compute."""
        return compute()

    def reopened(self, path: str, attempt: int) -> bool:
        """Say no."""
        return False

    def heal(self, key: str, record: JsonObject) -> None:
        """Forget it."""

    def ended(self, path: str) -> JsonObject | None:
        """Remember nothing."""

    def end(self, key: str, result: JsonObject) -> None:
        """Forget it."""


def our_run() -> Callable[[], Awaitable[object]]:
    """Return one run of ours."""
    plan = plan_of(THREE_STEPS)
    connector = Faked()
    connections = {
        name: Connection(settings=settings, connector=connector, tools=connector.tools())
        for name, settings in plan.connections.items()
    }
    context = RunContext(
        plan=plan,
        steps=plan.steps,
        inputs=inputs_of(plan),
        tape=Forgetful(),
        clock=SystemClock(),
        connections=connections,
        models={"offline": Scripted()},
        run=run_steps,
        report=unseen,
        learn=Vault().learn,
    )
    return lambda: run_steps(context)


def plain_chain(length: int) -> Callable[[], Awaitable[object]]:
    """Return bare langgraph with so many empty nodes in a row: no `route`, no `Send`."""

    async def body(state: _Plain) -> dict[str, int]:
        return {"n": 1}

    graph = StateGraph(_Plain)
    names = [f"n{number}" for number in range(length)]
    for name in names:
        graph.add_node(name, body)
    for start, end in zip([START, *names], [*names, END], strict=True):
        graph.add_edge(start, end)
    compiled = graph.compile()
    return lambda: compiled.ainvoke(_Plain(n=0))


def repeated(run: Callable[[], Awaitable[object]], times: int) -> Callable[[], Coroutine[None, None, None]]:
    """Return work that runs so many times in a row."""

    async def work() -> None:
        for _ in range(times):
            await run()

    return work


def measure(small: bool) -> list[Row]:  # noqa: FBT001  # told by the script's switch
    """Measure CPU per run."""
    runs, rounds = (20, 7) if small else (50, 15)

    async def both() -> list[Row]:
        ours = repeated(our_run(), runs)
        same = await interleave(ours, repeated(bare(THREE_WALK), runs), rounds=rounds, units=runs)
        plain = await interleave(ours, repeated(plain_chain(6), runs), rounds=rounds, units=runs)
        return [
            timed("engine, connector faked; same nodes and edges, empty bodies", same, limit=GOAL),
            timed("  for scale: six bare nodes in a row", plain),
        ]

    return asyncio.run(both())


def instructions() -> list[Row]:
    """Count instructions by valgrind, start-up subtracted; takes minutes."""
    ours, peer = (_counted(who) for who in ("ours", "peer"))
    ratio = ours / peer
    row = Row(
        "engine, instructions",
        f"{ours / 1e6:.2f} M",
        f"{peer / 1e6:.2f} M",
        ratio,
        f"<= {GOAL}x",
        ratio <= GOAL,
    )
    return [row]


def _counted(who: str) -> float:
    few, many = 5, 45
    _count(who, 1)  # compiles what was edited since, so that both counts start alike
    return (_count(who, many) - _count(who, few)) / (many - few)


def _count(who: str, times: int) -> int:
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        raise SystemExit("--instructions needs valgrind")
    command = [valgrind, "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]
    done = subprocess.run(  # noqa: S603  # fixed arguments
        [*command, sys.executable, __file__, "--only", who, str(times)],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONHASHSEED": "0"},
    )
    found = re.search(r"I\s+refs:\s+([\d,]+)", done.stderr)
    if found is None:
        raise SystemExit(f"valgrind gave no count: {done.stderr[-300:]}")
    return int(found[1].replace(",", ""))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--only"]:
        asyncio.run(repeated(our_run() if sys.argv[2] == "ours" else bare(THREE_WALK), int(sys.argv[3]))())
    elif "--instructions" in sys.argv:
        sys.argv.remove("--instructions")
        main(__doc__, lambda _: instructions())
    else:
        main(__doc__, measure)
