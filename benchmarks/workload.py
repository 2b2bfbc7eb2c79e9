"""The work that is measured: workflows, a model that answers at once, a connector without a network, the bare graph."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Self, TypedDict

import structlog
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, Send
from mendflow.agents.model import ModelReply, ModelRequest, PickedCall
from mendflow.connectors.catalogue import tools_of
from mendflow.connectors.contract import Answer, JsonObject, Renewal, Reply, ToolCall, ToolSpec
from mendflow.connectors.piggy.operations import TOOLS
from mendflow.graph.engine.context import Progress
from mendflow.graph.engine.state import merge
from mendflow.graph.language.compiler import compile_text
from mendflow.graph.language.plan import Plan
from pydantic import JsonValue

structlog.configure(  # as a host in production does: nothing below a warning
    wrapper_class=structlog.make_filtering_bound_logger(30), cache_logger_on_first_use=True
)

CONTACT = "0b0e7d3a-5a51-4c1e-9f1d-2f6f5f0c8a11"
HEAD = """\
apiVersion: mendflow/v1
kind: Workflow
metadata: {name: bench, version: 1.0.0}
inputs:
  email: {type: string, default: "ann@example.com"}
  contact: {type: string, default: "0b0e7d3a-5a51-4c1e-9f1d-2f6f5f0c8a11"}
  shop: {type: string, default: "3f6c1d52-8b0e-4c7a-9d41-5a2e7f90c613"}
  credits: {type: integer, default: 50}
connections:
  piggy: {connector: piggy, credential: {env: PIGGY_API_KEY}}
steps:
"""
BRIEF = """\
  brief:
    agent: researcher
    model: offline
    goal: What do we know of this customer?
    with: {contact_uuid: "${{ inputs.contact }}"}
    select: {email: inputs.email, credits: inputs.credits}
"""
LETTER = """\
  letter:
    agent: writer
    model: offline
    goal: Thank the customer in two or three warm sentences.
    from: [brief]
    voice: {tone: warm, banned: [free, guaranteed], signature: Your record shop}
"""
STORE = """\
  message:
    call: piggy.contacts.update
    with: {contact_uuid: "${{ inputs.contact }}", win_back_message: "${{ steps.letter.output.body }}"}
"""
THREE_STEPS = HEAD + BRIEF + LETTER + STORE
"""Six executions of role nodes: researcher, verifier, writer, verifier, distributor, verifier."""
THREE_WALK = ("researcher", "writer", "distributor")
SIX_STEPS = (
    HEAD
    + """\
  member: {call: piggy.contacts.find_or_create, with: {email: "${{ inputs.email }}"}}
  balance:
    call: piggy.PIGGY_GET_CONTACTS_CREDIT_BALANCE
    with: {contact_uuid: "${{ steps.member.output.uuid }}"}
"""
    + BRIEF
    + "    needs: [balance]\n"
    + LETTER
    + """\
  review:
    verify: letter
    rules: [{id: length, expect: size(draft.body) <= 400}, {id: greeting, expect: "draft.body.startsWith('Hello')"}]
    on_fail: {back_to: letter, max: 2}
"""
    + STORE
    + "    needs: [review]\n"
)
SIX_WALK = ("distributor", "distributor", "researcher", "writer", "", "distributor")
"""The node that each step begins with; the review begins and ends with the Verifier."""
FINDINGS: list[JsonValue] = [
    {"subject": "customer", "fact": "email", "value": "ann@example.com", "source": "material.email"},
    {"subject": "customer", "fact": "credits", "value": 50, "source": "material.credits"},
]
LETTER_BODY = (
    "Hello! We have put 50 credits on your card, to say thank you for all the records that you took home. "
    "New ones have come in since, and we would love to see you again at the listening booth. Your record shop"
)


def chain(steps: int) -> str:
    """Return a workflow of so many reads, one after the other."""
    call = "call: piggy.contacts.get, with: {contact_uuid: '${{ inputs.contact }}'}"
    lines = [f"  s{n}: {{{call}{f', needs: [s{n - 1}]' if n else ''}}}\n" for n in range(steps)]
    return HEAD + "".join(lines)


def writes(steps: int) -> str:
    """Return a workflow of so many writes, one after the other."""
    call = "call: piggy.contacts.update, with: {contact_uuid: '${{ inputs.contact }}', note: n"
    lines = [f"  s{n}: {{{call}{n}}}{f', needs: [s{n - 1}]' if n else ''}}}\n" for n in range(steps)]
    return HEAD + "".join(lines)


def plan_of(text: str) -> Plan:
    """Compile a workflow's text."""
    return compile_text(text, file="bench.yaml", folder=Path(), catalogue=tools_of)


def inputs_of(plan: Plan) -> JsonObject:
    """Return the inputs that a plan has by default."""
    return {name: spec.default for name, spec in plan.inputs.items()}


class Scripted:
    """A model that answers at once; a researcher with tools first asks for each of them."""

    async def ask(self, request: ModelRequest) -> ModelReply:
        """Return the same answer always."""
        if request.role == "writer":
            return ModelReply(output={"subject": "Thank you", "body": LETTER_BODY, "uses": [0, 1]})
        if request.tools and not request.readings:
            wanted = (
                PickedCall(tool=card.name, arguments=request.given if "credit" in card.name else {})
                for card in request.tools
            )
            return ModelReply(calls=tuple(wanted))
        return ModelReply(output={"findings": FINDINGS})


class Faked:
    """A Piggy connection in this process: no network, the same good answers always."""

    def __init__(self) -> None:
        contact: JsonObject = {
            "id": 1,
            "uuid": CONTACT,
            "email": "ann@example.com",
            "credit_balance": {"balance": 50},
            "current_values": {"win_back_message": LETTER_BODY, "status": "active"},
        }
        self._replies = {
            name: Reply(outcome=Answer(status=200, body={"data": data}), received_at=datetime.now(UTC))
            for name, data in (
                ("contacts.find_or_create", contact),
                ("contacts.get", contact),
                ("contacts.update", contact),
                ("contacts.credit_balance", {"balance": 50}),
            )
        }

    def tools(self) -> Mapping[str, ToolSpec]:
        """Return the real contracts."""
        return TOOLS

    async def send(self, call: ToolCall) -> Reply:
        """Answer at once."""
        return self._replies[call.operation]

    async def renew(self) -> Renewal:
        """Say that nothing changed."""
        return Renewal(changed=False, key_id="")

    async def __aenter__(self) -> Self:
        """Open nothing."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close nothing."""


def unseen(_: Progress) -> None:
    """Report to nobody."""


class _Bare(TypedDict):
    steps: Annotated[dict[str, JsonObject], merge]


class _Sent(TypedDict):
    step: str


def bare(walk: tuple[str, ...]) -> Callable[[], Awaitable[object]]:
    """Return a run of bare langgraph over the same nodes and edges as ours, with empty bodies.

    `walk` names the node that each step begins with, empty where that is the Verifier. As with us, `route` sends
    each step on its way, the node hands over to `verifier`, and that one goes back to `route`.
    """

    async def route(state: _Bare) -> Command[str]:
        number = len(state["steps"])
        if number == len(walk):
            return Command(goto=END)
        step = f"s{number}"
        return Command(
            update={"steps": {step: {"status": "running"}}},
            goto=Send(walk[number] or "verifier", {"step": step}),
        )

    async def role(state: _Sent) -> Command[str]:
        return Command(goto=Send("verifier", state))

    async def verifier(state: _Sent) -> Command[str]:
        return Command(update={"steps": {state["step"]: {"status": "done"}}}, goto="route")

    graph = StateGraph(_Bare)
    graph.add_node("route", route)
    for name in ("researcher", "writer", "distributor"):
        graph.add_node(name, role)
    graph.add_node("verifier", verifier)
    for name in ("approve", "wait", "map"):
        graph.add_node(name, role)
    graph.add_edge(START, "route")
    compiled = graph.compile()
    return lambda: compiled.ainvoke({"steps": {}}, {"recursion_limit": 10_000})
