"""A small vendor with a memory, scripted models, and a bench that runs workflows on a virtual clock."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

import pytest
from mendflow.agents.model import ModelOutcome, ModelRefusal, ModelReply, ModelRequest
from mendflow.connectors.clock import VirtualClock
from mendflow.connectors.contract import (
    Answer,
    ConnectionSettings,
    JsonObject,
    MarkerRead,
    NoAnswer,
    Paging,
    Renewal,
    Reply,
    StateRead,
    ToolCall,
    ToolSpec,
    TotalRead,
    VendorKey,
)
from mendflow.graph.engine.approvals import decide_approval
from mendflow.graph.engine.context import Progress
from mendflow.graph.engine.replay import ReplayReport, replay
from mendflow.graph.engine.resolutions import Resolution, resolve_effect
from mendflow.graph.engine.run import Order, Ports, resume, start
from mendflow.graph.engine.summary import RunResult
from mendflow.graph.language.compiler import compile_text
from mendflow.graph.language.plan import Plan
from mendflow.journal.events import Event
from mendflow.journal.home import Home
from mendflow.journal.sqlite import SqliteStore
from mendflow.journal.store import Store
from mendflow.journal.vault import Vault
from mendflow.verifier.effect import Decision, Effect
from pydantic import JsonValue

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
_TEXT: JsonObject = {"type": "string", "minLength": 1}
_AWARD: JsonObject = {
    "type": "object",
    "required": ["uuid", "contact", "credits"],
    "properties": {"uuid": {"type": "string"}, "contact": {"type": "string"}, "credits": {"type": "integer"}},
}
_EMAIL: JsonObject = {
    "type": "object",
    "properties": {"email": _TEXT},
    "required": ["email"],
    "additionalProperties": False,
}
_MEMBER: JsonObject = {
    "type": "object",
    "required": ["uuid", "email", "balance"],
    "properties": {"uuid": {"type": "string"}, "email": {"type": "string"}, "balance": {"type": "integer"}},
}
_CLAIM: JsonObject = {
    "type": "object",
    "properties": {"card": _TEXT, "owner": _TEXT},
    "required": ["card", "owner"],
    "additionalProperties": False,
}
_CARD: JsonObject = {
    "type": "object",
    "required": ["card", "owner"],
    "properties": {"card": {"type": "string"}, "owner": {"type": ["string", "null"]}},
}
SPECS = (
    ToolSpec(
        operation="members.get",
        summary="Get a member.",
        effect="read",
        parameters=_EMAIL,
        answer=_MEMBER,
        refusals=frozenset({1003}),
    ),
    ToolSpec(
        operation="members.ensure",
        summary="Find or create a member.",
        effect="natural_key",
        parameters=_EMAIL,
        answer=_MEMBER,
        refusals=frozenset({1003}),
        echoes={"email": "email"},
    ),
    ToolSpec(
        operation="marks.create",
        summary="Make room for our marker.",
        effect="idempotent",
        parameters={"type": "object", "properties": {"name": _TEXT}, "additionalProperties": False},
        answer={"type": "object"},
        refusals=frozenset({1003}),
    ),
    ToolSpec(
        operation="awards.create",
        summary="Award credits.",
        effect="marked",
        parameters={
            "type": "object",
            "properties": {"contact": _TEXT, "credits": {"type": "integer"}, "slot": _TEXT, "till": _TEXT},
            "required": ["contact", "credits"],
            "additionalProperties": False,
        },
        answer=_AWARD,
        refusals=frozenset({1003, 6001}),
        echoes={"contact": "contact", "credits": "credits"},
        marker="slot",
        prepare="marks.create",
        prepare_with={"name": "slot"},
        confirm=MarkerRead(operation="awards.list", marker_path="slot"),
        key=VendorKey(argument="till", taken=6001),
        recipient="contact",
    ),
    ToolSpec(
        operation="awards.list",
        summary="List awards.",
        effect="read",
        parameters={"type": "object"},
        answer={"type": "array", "items": _AWARD},
        paging=Paging(last_page="last_page", total="total"),
    ),
    ToolSpec(
        operation="mails.send",
        summary="Send a mail.",
        effect="blind",
        parameters=_EMAIL,
        answer={"type": "object", "required": ["sent"]},
        refusals=frozenset({1003}),
    ),
    ToolSpec(
        operation="cards.claim",
        summary="Give a nameless card an owner.",
        effect="readable_state",
        parameters=_CLAIM,
        answer=_CARD,
        refusals=frozenset({1003}),
        confirm=StateRead(
            operation="cards.get",
            copied={"card": "card"},
            equals={"owner": "owner"},
            untouched={"owner": None},
        ),
    ),
    ToolSpec(
        operation="cards.merge",
        summary="Merge a card into another one, later.",
        effect="readable_state",
        parameters=_CLAIM,
        answer={},
        refusals=frozenset({1003}),
        confirm=StateRead(
            operation="cards.get",
            copied={"card": "card"},
            gone=frozenset({1004}),
            takes=timedelta(seconds=60),
        ),
    ),
    ToolSpec(
        operation="cards.get",
        summary="Get a card.",
        effect="read",
        parameters={"type": "object", "properties": {"card": _TEXT}, "required": ["card"]},
        answer=_CARD,
        refusals=frozenset({1003, 1004}),
    ),
    ToolSpec(
        operation="codes.order",
        summary="Order codes, which come later.",
        effect="asynchronous",
        parameters={
            "type": "object",
            "properties": {"quantity": {"type": "integer"}},
            "required": ["quantity"],
        },
        answer={"type": "object", "required": ["accepted"]},
        refusals=frozenset({1003}),
        confirm=TotalRead(
            operation="codes.list", total="total", grows_by="quantity", takes=timedelta(seconds=60)
        ),
    ),
    ToolSpec(
        operation="codes.list",
        summary="List codes.",
        effect="read",
        parameters={"type": "object"},
        answer={"type": "array"},
    ),
    ToolSpec(
        operation="tokens.create",
        summary="Get a token.",
        effect="secret_read",
        parameters=_EMAIL,
        answer={"type": "object", "required": ["token"], "properties": {"token": {"type": "string"}}},
    ),
)
TOOLS: dict[str, ToolSpec] = {spec.operation: spec for spec in SPECS}
HEAD = """\
apiVersion: mendflow/v1
kind: Workflow
metadata: {name: trial, version: 1.0.0}
inputs:
  email: {type: string, default: ann@x.org}
  credits: {type: integer, default: 10}
  people: {type: array, default: [ann, bob, cid]}
connections:
  shop: {connector: fake, settle: 3s}
models: {think: "scripted:one"}
"""

Fate = Callable[["Vendor", ToolCall], Answer | NoAnswer]
"""What becomes of one call instead of its plain course."""


def status(code: int, **headers: str) -> Fate:
    """Answer with a status and no usable body."""
    fields = {name.replace("_", "-"): text for name, text in headers.items()}
    return lambda _vendor, _call: Answer(status=code, headers=fields)


def refused(_vendor: "Vendor", _call: ToolCall) -> Answer:
    """Refuse with a documented code."""
    return Answer(status=400, body={"code": 1003, "message": "no such thing", "status_code": 400})


def taken(_vendor: "Vendor", _call: ToolCall) -> Answer:
    """Refuse because the vendor's own key is taken."""
    return Answer(status=400, body={"code": 6001, "message": "linked already", "status_code": 400})


def gone(_vendor: "Vendor", _call: ToolCall) -> Answer:
    """Say that there is no such object any more."""
    return Answer(status=400, body={"code": 1004, "message": "no such card", "status_code": 400})


def lost_request(_vendor: "Vendor", _call: ToolCall) -> NoAnswer:
    """Lose the call before it does anything."""
    return NoAnswer(sent="unknown", reason="reset")


def lost_reply(vendor: "Vendor", call: ToolCall) -> NoAnswer:
    """Do what was asked and lose the answer."""
    vendor.act(call)
    return NoAnswer(sent="unknown", reason="reset")


def answered(body: JsonValue) -> Fate:
    """Answer with this body."""
    return lambda _vendor, _call: Answer(status=200, body=body)


def plainly(vendor: "Vendor", call: ToolCall) -> Answer:
    """Let the call take its plain course."""
    return Answer(status=200, body=vendor.act(call))


class Vendor:
    """The far side: what it holds, what it was asked, and what becomes of the next calls."""

    def __init__(self) -> None:
        self.awards: list[JsonObject] = []
        self.mails: list[JsonObject] = []
        self.owners: dict[str, JsonValue] = {}
        """By card: who owns it."""
        self.codes = 0
        self.asked: Counter[str] = Counter()
        self.calls: list[ToolCall] = []
        self.moments: list[float] = []
        """When each call came in, in seconds after noon."""
        self.fates: dict[str, list[Fate]] = {}
        self.slow: dict[str, int] = {}
        """How many turns of the loop the answers about an address take."""
        self.valid_key = ""
        self.held_key = "k1"
        self.next_key = "k1"
        self.renewals = 0
        self.token = "tok-1234567890"

    def doom(self, operation: str, *fates: Fate) -> None:
        """Say what becomes of the next calls of an operation."""
        self.fates.setdefault(operation, []).extend(fates)

    def act(self, call: ToolCall) -> JsonValue:
        """Do what the call asks and return the body of the answer."""
        arguments = call.arguments
        match call.operation:
            case "members.get" | "members.ensure":
                return {
                    "data": {"uuid": f"u-{arguments['email']}", "email": arguments["email"], "balance": 7}
                }
            case "awards.create":
                self.awards.append({"uuid": f"a-{len(self.awards) + 1}", **arguments})
                return {"data": dict(self.awards[-1])}
            case "awards.list":
                return {"data": [dict(one) for one in self.awards], "meta": {"last_page": 1}}
            case "mails.send":
                self.mails.append(dict(arguments))
                return {"data": {"sent": True}}
            case "cards.claim":
                self.owners[str(arguments["card"])] = arguments["owner"]
                return {"data": dict(arguments)}
            case "cards.get":
                return {"data": {"card": arguments["card"], "owner": self.owners.get(str(arguments["card"]))}}
            case "codes.order":
                self.codes += int(str(arguments["quantity"]))
                return {"data": {"accepted": True}}
            case "codes.list":
                return {"data": [], "meta": {"total": self.codes}}
            case "tokens.create":
                return {"data": {"token": self.token}}
            case _:
                return {"data": {}}

    @property
    def awarded(self) -> list[JsonValue]:
        """To whom credits went, in order."""
        return [award["contact"] for award in self.awards]


class Line:
    """A connection to the vendor."""

    def __init__(self, vendor: Vendor, clock: VirtualClock) -> None:
        self._vendor = vendor
        self._clock = clock

    def tools(self) -> Mapping[str, ToolSpec]:
        return TOOLS

    async def send(self, call: ToolCall) -> Reply:
        vendor = self._vendor
        vendor.asked[call.operation] += 1
        vendor.calls.append(call)
        vendor.moments.append((self._clock.now() - NOON).total_seconds())
        fates = vendor.fates.get(call.operation)
        fate: Fate = fates.pop(0) if fates else plainly
        if vendor.valid_key and vendor.held_key != vendor.valid_key:
            fate = status(401)
        outcome = fate(vendor, call)
        for _ in range(vendor.slow.get(str(call.arguments.get("email")), 0)):
            await asyncio.sleep(0)
        return Reply(outcome=outcome, key_id=vendor.held_key, received_at=self._clock.now())

    async def renew(self) -> Renewal:
        vendor = self._vendor
        vendor.renewals += 1
        changed = vendor.held_key != vendor.next_key
        vendor.held_key = vendor.next_key
        return Renewal(changed=changed, key_id=vendor.held_key)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return


class Thinker:
    """A model whose replies are written down beforehand; what it is asked beyond them is an error."""

    def __init__(self) -> None:
        self.script: list[ModelOutcome] = []
        self.asked: list[ModelRequest] = []

    async def ask(self, request: ModelRequest) -> ModelReply | ModelRefusal:
        self.asked.append(request)
        return self.script.pop(0)

    def says(self, *outcomes: JsonObject | ModelRefusal) -> None:
        """Add replies: outputs, or refusals."""
        self.script += [one if isinstance(one, ModelRefusal) else ModelReply(output=one) for one in outcomes]


@dataclass
class Bench:
    """Runs workflows against the vendor, each in a store of its own opening, as separate processes would."""

    folder: Path
    vendor: Vendor = field(default_factory=Vendor)
    thinker: Thinker = field(default_factory=Thinker)
    clock: VirtualClock = field(default_factory=lambda: VirtualClock(NOON))
    reports: list[Progress] = field(default_factory=list)
    settle: timedelta | None = timedelta(seconds=3)
    longest_hold: timedelta = timedelta(minutes=5)
    vault: Vault = field(default_factory=Vault)
    prepared: bool = True
    """Whether the step stays that the compiler adds so that the marker can be trusted."""
    wrap: Callable[[SqliteStore], Store] = lambda store: store

    def __post_init__(self) -> None:
        self.home.prepare()

    @property
    def home(self) -> Home:
        """The state folder."""
        return Home(self.folder)

    @property
    def waits(self) -> list[float]:
        """The seconds that were slept so far."""
        return [one.total_seconds() for one in self.clock.slept if one > timedelta()]

    def plan(self, steps: str) -> Plan:
        """Compile the steps of a workflow."""
        return compile_text(HEAD + steps, file="w.yaml", folder=Path("flows"), catalogue=lambda _: TOOLS)

    def order(self, steps: str, **inputs: JsonValue) -> Order:
        """Return the order for a run of these steps."""
        plan = self.plan(steps)
        given: JsonObject = {name: spec.default for name, spec in plan.inputs.items()}
        links = {
            name: settings.model_copy(update={"settle": self.settle})
            for name, settings in plan.connections.items()
        }
        return Order(plan if self.prepared else _unprepared(plan), {**given, **inputs}, links, {})

    async def run(self, steps: str, **inputs: JsonValue) -> RunResult:
        """Run from the start."""
        async with SqliteStore(self.home.database, self.vault) as store:
            return await start(self.ports(store), self.order(steps, **inputs))

    async def resume(self, run_id: str, steps: str, **inputs: JsonValue) -> RunResult:
        """Go on with a run."""
        order = self.order(steps, **inputs)
        async with SqliteStore(self.home.database, self.vault) as store:
            return await resume(self.ports(store), run_id, lambda _: order)

    async def decide(self, run_id: str, step: str, *, approved: bool) -> str:
        """Bring a person's decision."""
        async with SqliteStore(self.home.database, self.vault) as store:
            word: JsonObject = {"approved": approved, "by": "eve", "reason": "" if approved else "too much"}
            return await decide_approval(self.home, store, self.clock, run_id, step, word)

    async def resolve(self, run_id: str, effect: str, decision: Decision, output: JsonValue = None) -> str:
        """Bring a person's word about a parked effect."""
        word = Resolution(decision, "eve", "seen in the dashboard", output)
        async with SqliteStore(self.home.database, self.vault) as store:
            return await resolve_effect(self.home, store, self.clock, run_id, effect, word)

    async def effects(self, run_id: str) -> list[Effect]:
        """Return the effects that a run holds."""
        async with SqliteStore(self.home.database, self.vault) as store:
            return await store.effects(run_id)

    async def events(self, run_id: str) -> list[Event]:
        """Return what is recorded of a run."""
        async with SqliteStore(self.home.database, self.vault) as store:
            return await store.events(run_id)

    async def replay(self, run_id: str, steps: str, **inputs: JsonValue) -> ReplayReport:
        """Replay a run, by default as it was."""
        return await replay(await self.events(run_id), self.order(steps, **inputs), {"shop": TOOLS})

    async def same(self, run_id: str, steps: str, **inputs: JsonValue) -> None:
        """Demand that a replay finds the same facts, decisions and result."""
        report = await self.replay(run_id, steps, **inputs)
        recorded = [one for one in await self.events(run_id) if one.kind == "fact_recorded"]
        assert report.divergence is None
        assert report.facts == len({one.key for one in recorded})

    def ports(self, store: SqliteStore) -> Ports:
        """Return the ports of a process over an open journal."""
        return Ports(
            home=self.home,
            store=self.wrap(store),
            vault=self.vault,
            clock=self.clock,
            open_connector=self._open,
            open_model=lambda _: self.thinker,
            report=self.reports.append,
            longest_hold=self.longest_hold,
        )

    def _open(self, _: ConnectionSettings) -> Line:
        return Line(self.vendor, self.clock)


def _unprepared(plan: Plan) -> Plan:
    steps = tuple(
        step.model_copy(update={"needs": tuple(need for need in step.needs if need != "prepare_shop")})
        for step in plan.steps
        if step.id != "prepare_shop"
    )
    return plan.model_copy(update={"steps": steps})


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Return a bench with a state folder of its own."""
    return Bench(tmp_path / "home")
