"""The map's node: the same steps for each item, in a bounded pool, each with its own place on the tape."""

import asyncio
from dataclasses import dataclass

from langgraph.runtime import Runtime
from langgraph.types import Command
from pydantic import JsonValue

from ...connectors.contract import JsonObject
from ...journal.events import fact_key
from ...verifier.verdict import Fault
from ..language.expressions import ExpressionFault, evaluate, resolve
from ..language.plan import MapStep
from .context import Progress, RunContext
from .ends import done, end_step, failed, parked
from .state import FINISHED, Parcel, StepState, View

MOST_ITEMS = 100_000


@dataclass(frozen=True, slots=True)
class MapTask:
    """One map at work."""

    step: MapStep
    view: View
    items: list[JsonValue]


async def map_items(state: Parcel, runtime: Runtime[RunContext]) -> Command[str]:
    """Run the steps for each item, and end when all items have."""
    context = runtime.context
    step, view = context.step(str(state["job"]["step"])), state["view"]
    if not isinstance(step, MapStep):
        raise TypeError(f"`{step.id}` is no map")
    try:
        items = evaluate(step.over, context.scope(view))
    except ExpressionFault as error:
        return end_step(context, step.id, 1, failed(Fault(kind="expression", detail=error.message)))
    if not isinstance(items, list) or len(items) > MOST_ITEMS:
        found = f"a list of {len(items)}" if isinstance(items, list) else type(items).__name__
        fault = Fault(
            kind="expression", detail=f"`map` needs a list of at most {MOST_ITEMS} items, and got {found}"
        )
        return end_step(context, step.id, 1, failed(fault))
    items = items[: step.first]
    context.report(Progress(kind="map_started", path=context.path(step.id), number=len(items)))
    return _end(context, step, await _run_all(context, MapTask(step, view, items)))


async def _run_all(context: RunContext, task: MapTask) -> list[StepState]:
    """Return the items' states in the order of the items."""
    results: list[StepState] = [{} for _ in task.items]
    following = iter(range(len(task.items)))

    async def work() -> None:
        for index in following:
            results[index] = await _run_item(context, task, index)

    async with asyncio.TaskGroup() as group:
        for _ in range(min(task.step.parallel, len(task.items))):
            group.create_task(work())
    return results


async def _run_item(context: RunContext, task: MapTask, index: int) -> StepState:
    step = task.step
    path = f"{context.path(step.id)}[{index}]"
    known = context.tape.ended(path)
    if known is not None:
        return known
    inside = context.inside(step, step.steps, task.view, index, step.name, task.items[index])
    final = (await context.run(inside))["steps"]
    state = item_state(inside, step, final)
    if state["status"] in FINISHED:
        if state["status"] != "parked":  # a parked item is looked at again on resume
            context.tape.end(fact_key(path, 1, "end"), state)
        context.report(Progress(kind="item_ended", path=path, detail=str(state["status"])))
    return state


def item_state(inside: RunContext, step: MapStep, final: dict[str, StepState]) -> StepState:
    """Return the state of an item: that of the step that keeps it from its end, or else its output.

    It ends only when nothing in it waits, for a moment or for a person: an end is never taken up again.
    """
    own = {
        one.id: final[one.id] for one in step.steps if one.id in final
    }  # in their order, not as they ended
    blocked = [(inside.path(name), entry) for name, entry in own.items() if entry["status"] == "blocked"]
    if blocked:
        return {**_blocked(blocked), "output": None}
    for status in ("parked", "failed"):
        for name, entry in own.items():
            if entry["status"] == status:
                told = {field: value for field, value in entry.items() if field != "attempt"}
                return {**told, "output": None, "at": inside.path(name)}
    if step.outputs:
        try:
            scope = inside.scope(final)
            return done({name: resolve(value, scope) for name, value in step.outputs.items()})
        except ExpressionFault as error:
            return failed(Fault(kind="expression", detail=error.message))
    return done({name: entry.get("output") for name, entry in own.items()})


def _end(context: RunContext, step: MapStep, results: list[StepState]) -> Command[str]:
    counts = {
        status: sum(1 for one in results if one["status"] == status)
        for status in ("done", "failed", "parked")
    }
    blocked = [("", one) for one in results if one["status"] == "blocked"]
    if blocked:
        waiting: StepState = {**_blocked(blocked), "map": True}
        return Command(update={"steps": {step.id: waiting}}, goto="route")
    output: JsonObject = {"items": [one.get("output") for one in results], **counts}
    bad = [
        f"[{index}] {one.get('reason')}"
        for index, one in enumerate(results)
        if one["status"] in ("failed", "parked")
    ]
    if counts["parked"]:
        fault = Fault(
            kind="unknown_outcome", detail=f"{counts['parked']} of {len(results)} items are parked: {bad[0]}"
        )
        state = {**parked(fault, "Look at each with `mendflow why RUN`."), "output": output}
        return Command(
            update={"steps": {step.id: state}}, goto="route"
        )  # not its end: a resume goes on with it
    if counts["failed"] and step.on_item_failure == "fail":
        fault = Fault(kind="refused", detail=f"{counts['failed']} of {len(results)} items failed: {bad[0]}")
        return end_step(context, step.id, 1, {**failed(fault), "output": output})
    return end_step(context, step.id, 1, done(output))


def _blocked(entries: list[tuple[str, StepState]]) -> StepState:
    """Return what several blocked steps or items wait for: the first moment, and every approval by its path."""
    moments = sorted(str(entry["until"]) for _, entry in entries if entry.get("until"))
    asked: list[JsonValue] = []
    for path, entry in entries:
        inner = entry.get("items")
        asked += inner if isinstance(inner, list) else [] if entry.get("until") else [path]
    return {
        "status": "blocked",
        "reason": "approval" if asked else "a timer",
        **({"until": moments[0]} if moments else {}),
        **({"items": asked} if asked else {}),
    }
