"""The one LangGraph state machine that serves every workflow."""

from functools import cache

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from .authors import researcher, writer
from .context import RunContext
from .distributor import distributor
from .gates import approve, wait
from .mapping import map_items
from .routing import route
from .state import RunState
from .verification import verifier

Machine = CompiledStateGraph[RunState, RunContext, RunState, RunState]


@cache
def machine() -> Machine:
    """Return the compiled graph; the same for all plans, since the plan is data."""
    graph: StateGraph[RunState, RunContext, RunState, RunState] = StateGraph(
        RunState, context_schema=RunContext
    )
    everywhere = ("researcher", "writer", "distributor", "verifier", "approve", "wait", "map", "route", END)
    graph.add_node("route", route, destinations=everywhere)
    graph.add_node("researcher", researcher, destinations=("distributor", "verifier", "route"))
    graph.add_node("writer", writer, destinations=("verifier", "route"))
    graph.add_node("distributor", distributor, destinations=("verifier", "route"))
    graph.add_node(
        "verifier", verifier, destinations=("distributor", "researcher", "writer", "verifier", "route")
    )
    graph.add_node("approve", approve, destinations=("route",))
    graph.add_node("wait", wait, destinations=("route",))
    graph.add_node("map", map_items, destinations=("route",))
    graph.add_edge(START, "route")
    return graph.compile()


async def run_steps(context: RunContext) -> RunState:
    """Run the steps of a context to where nothing more can be done."""
    limit = 5_000 + 1_000 * len(
        context.steps
    )  # a guard against our own errors; each bound is reached long before
    try:
        final = await machine().ainvoke({"steps": {}}, {"recursion_limit": limit}, context=context)
    except BaseExceptionGroup as group:
        raise innermost(group) from group
    return RunState(steps=final["steps"])


def innermost(group: BaseException) -> BaseException:
    """Return the first error within groups: items of a map run side by side, and one reason is enough."""
    while isinstance(group, BaseExceptionGroup):
        group = group.exceptions[0]
    return group


def draw() -> str:
    """Return the state machine as Mermaid."""
    return machine().get_graph().draw_mermaid()
