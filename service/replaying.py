"""The command that replays a run and says where it departs."""

import asyncio
from pathlib import Path

import orjson

from ..connectors.catalogue import tools_of
from ..connectors.contract import JsonObject
from ..graph.engine.locate import locate
from ..graph.engine.replay import ReplayReport, replay
from ..graph.engine.run import Order
from ..graph.language.plan import Place, Plan
from ..journal.events import Event
from ..journal.export import read_trace
from ..journal.tape import Divergence
from .exits import COMPLETED, DIVERGED
from .pins import order_of, plan_of
from .screen import say, say_json
from .showing import events_of
from .workflows import load_plan


def replay_run(run: str, workflow: Path | None, home: Path, *, as_json: bool) -> int:
    """Replay a run of the home, or a trace file; exit 4 where it departs from the record."""
    path = Path(run)
    events = read_trace(path) if path.is_file() else events_of(home, run)
    pinned = events[0].body
    plan = load_plan(workflow) if workflow else plan_of(pinned)
    order = order_of(pinned, plan)
    report = asyncio.run(_replay(events, order))
    if as_json:
        say_json(_document(report, plan))
    else:
        _print(report, plan)
    return COMPLETED if report.divergence is None else DIVERGED


async def _replay(events: list[Event], order: Order) -> ReplayReport:
    tools = {name: tools_of(settings) for name, settings in order.connections.items()}
    return await replay(events, order, tools)


def _print(report: ReplayReport, plan: Plan) -> None:
    if report.ends_at:
        ends = f"same facts ({report.facts}) up to `{report.ends_at}`, where the record ends"
        say(f"{report.result.run_id}: {ends}: the run was interrupted")
        return
    if report.divergence is None:
        say(f"{report.result.run_id}: same facts, same decisions, same result ({report.facts} facts)")
        return
    found = report.divergence
    place = _place(plan, found)
    say(f"{report.result.run_id} diverges at `{found.key}`")
    say(f"  {found.message}")
    if found.field:
        say(f"  field     {found.field}")
        say(f"  recorded  {orjson.dumps(found.old).decode()}")
        say(f"  now       {orjson.dumps(found.new).decode()}")
    if place:
        say(f"  from      {place}")


def _document(report: ReplayReport, plan: Plan) -> JsonObject:
    found = report.divergence
    if found is None:
        return {
            "run_id": report.result.run_id,
            "same": True,
            "facts": report.facts,
            "ends_at": report.ends_at or None,
        }
    place = _place(plan, found)
    return {
        "run_id": report.result.run_id,
        "same": False,
        "facts": report.facts,
        "divergence": {
            "key": found.key,
            "field": found.field,
            "recorded": found.old,
            "now": found.new,
            "message": found.message,
            "place": str(place) if place else None,
        },
    }


def _place(plan: Plan, divergence: Divergence) -> Place | None:
    return locate(plan, divergence.key, divergence.field)
