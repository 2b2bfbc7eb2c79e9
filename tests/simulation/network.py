"""The network between simulated processes and the vendor's desk: how requests travel, and what befalls them."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Final, TypeVarTuple
from zlib import crc32

import orjson
from mendflow.connectors.contract import JsonObject
from mendflow.connectors.sandbox.courier import Leave, Lost, Returned, returned
from mendflow.connectors.sandbox.desk import Desk, Incoming, Plan
from mendflow.connectors.sandbox.faults import FaultOrder, parse_fault
from mendflow.connectors.sandbox.routes import Match, find_route
from mendflow.connectors.sandbox.world import Effect
from mendflow.connectors.virtual import LoopClock

from tests.simulation.life import Life
from tests.simulation.names import KEYS, Name, name_of
from tests.simulation.shape import Shape

NETWORK: Final = frozenset(
    {
        "refused_connection",  # nothing leaves
        "lost_request",  # the connection is cut on the way out
        "silent_request",  # the request vanishes, the connection stays silent
        "lost_reply",  # the connection is cut on the way back
        "silent_reply",  # the reply vanishes
        "late",  # the connection is cut, the request arrives later
        "late_silent",  # the request arrives later, nobody says so
        "slow",  # the reply comes around the time at which we give up
        "torn",  # the reply ends in the midst of its body
    }
)
"""Faults of the network; all others are orders to the vendor's desk."""
LATENESS: Final = 0.6
"""How long a request may travel at most, as a share of the settle time; jobs and read lag take 0.25 s of the rest."""
Ts = TypeVarTuple("Ts")


@dataclass(frozen=True, slots=True)
class Sent:
    """One effect at the vendor, and the run whose request brought it about."""

    run_id: str
    effect: Effect


@dataclass(frozen=True, slots=True)
class _Trip:
    incoming: Incoming
    fault: str
    run_id: str
    reply: asyncio.Future[Returned | Lost]


class Network:
    """Carries requests to one desk."""

    def __init__(self, desk: Desk, clock: LoopClock, shape: Shape) -> None:
        self.desk = desk
        self.sent: list[Sent] = []
        self.arrived: Counter[tuple[str, Name]] = Counter()
        """By run and effect, how many requests to write came to the vendor."""
        self.faults: Counter[str] = Counter()
        self.lines: list[str] = []
        self._clock = clock
        self._seed = shape.seed
        self._mix = shape.mix
        self._dice = shape.dice("network")
        self._lateness = shape.settle.total_seconds() * LATENESS
        self._timeout = shape.timeout.total_seconds()

    async def exchange(self, incoming: Incoming, leave: Leave, run_id: str, life: Life) -> Returned | Lost:
        """Make one exchange, as a connection does."""
        life.demand("network: before a request")
        fault = self._fault(incoming)
        self.faults[fault] += 1
        if fault == "refused_connection":
            await asyncio.sleep(self._latency())
            return "refused"
        await leave()
        reply: asyncio.Future[Returned | Lost] = asyncio.get_running_loop().create_future()
        self._carry(_Trip(incoming, fault, run_id, reply))
        life.demand("network: request on its way")
        answer = await reply
        life.demand("network: reply received")
        return answer

    def _fault(self, incoming: Incoming) -> str:
        operation = _operation(incoming)
        fault = self._mix.draw(self._dice, operation, asyncio.get_running_loop().time())
        if operation in KEYS and self._mix.refusals and not operation.endswith("attributes.create"):
            name = name_of(operation, _arguments(incoming))
            if crc32(repr((self._seed, name)).encode()) / 2**32 < self._mix.refusals:
                return "refused"
        return fault

    def _carry(self, trip: _Trip) -> None:
        """Let the request travel: from here on it needs nobody at its origin."""
        out = self._latency()
        if trip.fault in ("late", "late_silent"):
            self._at(out + self._dice.uniform(0, self._lateness), self._arrive, trip)
        elif trip.fault not in ("lost_request", "silent_request"):
            self._at(out, self._arrive, trip)
        if trip.fault in ("lost_request", "late"):
            self._at(out, _cut, trip)

    def _arrive(self, trip: _Trip) -> None:
        operation = _operation(trip.incoming)
        if operation in KEYS:
            self.arrived[trip.run_id, name_of(operation, _arguments(trip.incoming))] += 1
        if trip.fault and trip.fault not in NETWORK:
            self.desk.faults.arm(_order(f"{trip.fault}@{operation}"))
        known = len(self.desk.world.effects)
        plan = self.desk.handle(trip.incoming, self._clock.now())
        made = self.desk.world.effects[known:]
        self.sent += [Sent(trip.run_id, effect) for effect in made]
        self.lines.append(
            f"{self._clock.now().isoformat()} {trip.run_id} {operation} {trip.fault or 'plain'}"
            f" -> {plan.status} {len(made)}"
        )
        self._answer(trip, plan)

    def _answer(self, trip: _Trip, plan: Plan) -> None:
        back = self._latency() + plan.delay.total_seconds()
        match trip.fault:
            case "silent_reply" | "late" | "late_silent":
                return
            case "slow":
                back += self._timeout * self._dice.uniform(0.5, 1.5)
            case _:
                pass
        if plan.cut or trip.fault == "lost_reply":
            self._at(back, _cut, trip)
        else:
            self._at(back, self._reply, trip, plan)

    def _reply(self, trip: _Trip, plan: Plan) -> None:
        if trip.reply.done():
            return
        answer = returned(plan, self._clock.now())
        if trip.fault == "torn":
            end = self._dice.randrange(len(answer.shown)) if answer.shown else 0
            answer = replace(answer, shown=answer.shown[:end], torn=True)
        trip.reply.set_result(answer)

    def _latency(self) -> float:
        return self._dice.uniform(0.002, 0.05)

    def _at(self, delay: float, work: Callable[[*Ts], None], *arguments: *Ts) -> None:
        asyncio.get_running_loop().call_later(delay, work, *arguments)


class Carried:
    """One connection of one process; satisfies `Carrier`."""

    def __init__(self, network: Network, run_id: str, life: Life) -> None:
        self._network = network
        self._run_id = run_id
        self._life = life

    async def carry(self, request: Incoming, leave: Leave) -> Returned | Lost:
        return await self._network.exchange(request, leave, self._run_id, self._life)


def _operation(incoming: Incoming) -> str:
    match = find_route(incoming.method, incoming.path)
    return match.operation if isinstance(match, Match) else "*"


def _arguments(incoming: Incoming) -> JsonObject:
    match = find_route(incoming.method, incoming.path)
    within = match.arguments if isinstance(match, Match) else {}
    body: JsonObject = orjson.loads(incoming.body) if incoming.body else {}
    return {**dict(incoming.query), **body, **within}


@cache
def _order(text: str) -> FaultOrder:
    return parse_fault(text)


def _cut(trip: _Trip) -> None:
    if not trip.reply.done():
        trip.reply.set_result("cut")
