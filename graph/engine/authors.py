"""The authors' nodes: what a Researcher and a Writer are given, and one round with their model."""

from langgraph.runtime import Runtime
from langgraph.types import Command, Send
from pydantic import JsonValue

from ...agents.model import ModelOutcome, ModelReply, ModelRequest, PickedCall, ToolCard, ToolReading
from ...agents.prompt import Rejection, researcher_request, writer_request
from ...connectors.contract import JsonObject, ToolCall
from ...journal.events import fact_key
from ...verifier.verdict import Fault
from ..language.expressions import ExpressionFault, Scope, evaluate, resolve
from ..language.plan import AgentStep
from .ask import ask
from .context import RunContext
from .ends import end_step, failed
from .state import AuthorJob, CallJob, Parcel, StepState, View, as_parcel, parcel, set_aside

MOST_ROUNDS = 4
"""How often a researcher may ask for reads before it must answer."""


async def researcher(state: Parcel, runtime: Runtime[RunContext]) -> Command[str]:
    """Ask for findings; reads that the model wants go through the Distributor first."""
    context = runtime.context
    task, view = AuthorJob.model_validate(state["job"]), state["view"]
    step = author_of(context, task.step)
    try:
        request = _research(context, step, task, view)
    except ExpressionFault as error:
        return end_step(
            context, task.step, task.attempt, failed(Fault(kind="expression", detail=error.message))
        )
    outcome = await ask(context, fact_key(task.path, task.attempt, "model"), request)
    if isinstance(outcome, ModelReply) and outcome.calls and len(task.readings) < MOST_ROUNDS * 8:
        return _read_first(context, step, task, view, outcome.calls)
    return _to_verifier(task, view, outcome)


async def writer(state: Parcel, runtime: Runtime[RunContext]) -> Command[str]:
    """Ask for a draft, anew when the last one came back."""
    context = runtime.context
    task, view = AuthorJob.model_validate(state["job"]), state["view"]
    step = author_of(context, task.step)
    scope = context.scope(view)
    try:
        goal, given = _goal(step, scope), {name: resolve(value, scope) for name, value in step.given.items()}
    except ExpressionFault as error:
        return end_step(
            context, task.step, task.attempt, failed(Fault(kind="expression", detail=error.message))
        )
    request = writer_request(
        model=step.model,
        goal=goal,
        given=given,
        material=material_of(step, scope),
        voice=step.voice,
        output_schema=step.output_schema,
        rejection=Rejection(task.draft, task.reasons) if task.reasons else None,
    )
    outcome = await ask(context, fact_key(task.path, task.attempt, "model"), request)
    return _to_verifier(task, view, outcome)


def author_of(context: RunContext, step_id: str) -> AgentStep:
    """Return the author's step. Raises TypeError where the plan is not what the compiler promises."""
    step = context.step(step_id)
    if not isinstance(step, AgentStep):
        raise TypeError(f"`{step_id}` is no agent")
    return step


def material_of(step: AgentStep, scope: Scope) -> JsonObject:
    """Return the outputs of the steps that an author draws on."""
    return {name: scope.steps[name].get("output") for name in step.sources}


def selected_of(step: AgentStep, scope: Scope) -> JsonObject:
    """Return what the step's own rules pick; the rule stands in the workflow, not in the model."""
    return {name: evaluate(rule, scope) for name, rule in step.select.items()}


def _goal(step: AgentStep, scope: Scope) -> str:
    goal = resolve(step.goal, scope)
    return goal if isinstance(goal, str) else str(goal)


def _research(context: RunContext, step: AgentStep, task: AuthorJob, view: View) -> ModelRequest:
    scope = context.scope(view)
    tools = {name: context.connections[name].tools for name, _ in step.tools}
    return researcher_request(
        model=step.model,
        goal=_goal(step, scope),
        given={name: resolve(value, scope) for name, value in step.given.items()},
        material={**material_of(step, scope), **selected_of(step, scope)},
        tools=tuple(
            ToolCard(
                name=f"{connection}.{operation}",
                summary=tools[connection][operation].summary,
                parameters=tools[connection][operation].parameters,
            )
            for connection, operation in step.tools
        ),
        readings=task.readings,
        reasons=task.reasons,
        output_schema=step.output_schema,
    )


def _read_first(
    context: RunContext, step: AgentStep, task: AuthorJob, view: View, picked: tuple[PickedCall, ...]
) -> Command[str]:
    """Send each read on its way; `route` brings the author back when all are there."""
    allowed = {f"{connection}.{operation}": (connection, operation) for connection, operation in step.tools}
    states: dict[str, StepState] = {}
    sends: list[Send] = []
    pairs: list[JsonValue] = []
    for number, call in enumerate(picked, start=len(task.readings)):
        entry = f"{step.id}.read[{number}]"
        pairs.append({"read": entry, "tool": call.tool, "arguments": call.arguments})
        if call.tool not in allowed:
            listed = ", ".join(f"`{name}`" for name in allowed) or "none"
            states[entry] = {
                "status": "failed",
                "reason": f"there is no tool `{call.tool}`; the allowed ones: {listed}",
            }
            continue
        connection, operation = allowed[call.tool]
        states[entry] = {"status": "running"}
        read = CallJob(
            step=entry,
            path=context.path(entry),
            call=ToolCall(connection=connection, operation=operation, arguments=call.arguments),
        )
        sends.append(Send("distributor", parcel(read, {})))
    reads: list[JsonValue] = [*states]
    states[step.id] = {
        "status": "reading",
        "reads": reads,
        "picked": pairs,
        "job": set_aside(parcel(task, view)),
    }
    return Command(update={"steps": states}, goto=sends or "route")


def rejoin(context: RunContext, entry: StepState, state: dict[str, StepState]) -> Parcel:
    """Return the job of an author whose reads have all come back, with their readings."""
    picked = entry["picked"]
    if not isinstance(picked, list):
        raise TypeError("a reading author has what it picked")
    kept = as_parcel(entry["job"])
    task, view = AuthorJob.model_validate(kept["job"]), kept["view"]
    readings = [*task.readings]
    for pair in picked:
        if not isinstance(pair, dict):
            raise TypeError("what an author picked is an object")
        read = state[str(pair["read"])]
        output = read["output"] if read["status"] == "done" else {"failed": read.get("reason")}
        readings.append(
            ToolReading.model_validate(
                {
                    "tool": pair["tool"],
                    "arguments": pair["arguments"],
                    "output": output,
                    "source": context.path(str(pair["read"])),
                }
            )
        )
    return parcel(task.model_copy(update={"readings": tuple(readings), "attempt": task.attempt + 1}), view)


def _to_verifier(task: AuthorJob, view: View, outcome: ModelOutcome) -> Command[str]:
    if isinstance(outcome, ModelReply):
        done = task.model_copy(update={"output": outcome.output, "refusal": {}})
    else:
        done = task.model_copy(update={"output": None, "refusal": outcome.model_dump(mode="json")})
    return Command(goto=Send("verifier", parcel(done, view)))
