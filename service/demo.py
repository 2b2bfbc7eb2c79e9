"""The main job from end to end: `python -m mendflow.service.demo`, which is what `make demo` runs.

It runs the win-back workflow offline on a sandbox in which a rate limit, a key rotation, a drifted answer, and lost
replies are armed, and then compares what the workflow intended with what the vendor holds.
"""

import asyncio
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import orjson
from rich.console import Console
from rich.table import Table

from ..connectors.contract import JsonObject
from ..connectors.errors import InvalidUse, MendflowError
from ..graph.engine.run import Order, start
from ..graph.engine.summary import RunResult
from ..graph.language.compiler import check_inputs
from ..journal.events import Event
from ..journal.export import write_trace
from ..journal.home import Home
from .exits import FAILED, INVALID, OF_STATUS
from .heals import heal_lines
from .ports import opened
from .progress import Report, watching
from .running import settled
from .workflows import load_plan
from .worlds import chosen

WORKFLOW = Path(__file__).parent.parent / "configs" / "win-back.yaml"
HOME = Path(".mendflow") / "demo"
FAULTS = (
    "drift_wrap@shops.list",
    "rate_limit@contacts.find_or_create:2",
    "unauthorized@contacts.credit_balance",
    "lost_reply@credit_receptions.create:2",
    "lost_request@credit_receptions.create",
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the demo has to show."""

    result: RunResult
    events: list[Event]
    at_vendor: dict[str, int]
    """Effects that the sandbox says took place, by operation."""
    seconds: float


def main() -> int:
    """Run the demo and return its exit code: 0 when intended and actual effects are equal."""
    if not WORKFLOW.exists():
        raise InvalidUse(f"There is no `{WORKFLOW}`.", help="The demo runs from a checkout of the project.")
    shutil.rmtree(HOME, ignore_errors=True)
    outcome = asyncio.run(_run())
    equal = show(outcome, Console())
    return OF_STATUS[outcome.result.status] if equal else FAILED


async def _run() -> Outcome:
    with watching(as_json=False) as report:
        return await _watched(report)


async def _watched(report: Report) -> Outcome:
    plan = load_plan(WORKFLOW)
    home = Home(HOME)
    home.prepare()
    begun = time.perf_counter()
    async with chosen(plan, home, "", FAULTS) as world, opened(home, report) as ports:
        order = Order(plan, check_inputs(plan, {}), settled(world), world.pinned, "offline")
        result = await start(ports, order)
        events = await ports.store.events(result.run_id)
        trace = home.traces / f"{result.run_id}.jsonl"
        write_trace(trace, events)
        at_vendor = await asyncio.to_thread(_truth, world.connections["piggy"].base_url)
    seconds = time.perf_counter() - begun
    return Outcome(result.model_copy(update={"trace": str(trace)}), events, at_vendor, seconds)


def _truth(base_url: str) -> dict[str, int]:
    with urlopen(f"{base_url}/__sandbox__/state", timeout=10) as answer:  # noqa: S310  # our own child on loopback
        counts = orjson.loads(answer.read())["counts"]
    return {str(name): int(count) for name, count in counts.items()}


def show(outcome: Outcome, console: Console) -> bool:
    """Print the table and one heal; return whether the vendor holds exactly what was intended."""
    result = outcome.result
    intended = {name: count.intended for name, count in result.effects_by_operation.items()}
    equal = intended == {name: count for name, count in outcome.at_vendor.items() if count}
    table = Table(
        title="The main job", title_justify="left", box=None, show_header=False, padding=(0, 2, 0, 0)
    )
    table.add_row("status", result.status)
    table.add_row("members", str(result.outputs.get("members")))
    table.add_row("drafts", f"{result.drafts_rejected} rejected and rewritten")
    table.add_row(
        "purchases", f"{result.outputs.get('awarded')} awarded, {result.outputs.get('skipped')} skipped"
    )
    table.add_row("calls", str(result.calls))
    for kind, count in result.heals.items():
        table.add_row("healed", f"{kind}: {count}")
    for name in sorted(intended.keys() | outcome.at_vendor.keys()):
        held = outcome.at_vendor.get(name, 0)
        if held or name in intended:
            table.add_row("effects", f"{name}: {intended.get(name, 0)} intended, {held} at the vendor")
    total = f"{sum(intended.values())} intended, {sum(outcome.at_vendor.values())} at the vendor"
    table.add_row(
        "effects",
        f"{total}: {'equal' if equal else 'NOT EQUAL'}",
        style="bold green" if equal else "bold red",
    )
    table.add_row("time", f"{outcome.seconds:.1f} s")
    table.add_row("trace", result.trace)
    console.print(table)
    for line in _one_heal(outcome.events):
        console.print(line, markup=False, highlight=False)
    console.print(f"More of these: mendflow why {result.run_id} --home {HOME}", markup=False, highlight=False)
    console.print(
        f"Replay it:     mendflow replay {result.run_id} --home {HOME}", markup=False, highlight=False
    )
    return equal


def _one_heal(events: list[Event]) -> list[str]:
    """Return the words of the most telling heal: a write whose reply was lost, or the first there is."""
    heals: list[JsonObject] = [
        {"at": event.key, **event.body} for event in events if event.kind == "heal_recorded"
    ]
    telling = [heal for heal in heals if heal.get("remedy") == "settle"]
    chosen_heals = telling or heals
    return [*heal_lines(chosen_heals[0])] if chosen_heals else []


if __name__ == "__main__":
    try:
        sys.exit(main())
    except MendflowError as error:
        print(f"{error.message}\n{error.help}", file=sys.stderr)  # noqa: T201  # the last word of a program
        sys.exit(INVALID)
