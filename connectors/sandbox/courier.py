"""The way between a transport in memory and a desk: requests and answers without sockets, on anybody's clock."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Final, Literal, Protocol

from ..contract import Clock, JsonObject
from .bodies import read_body, read_fields
from .desk import Desk, Incoming, Plan
from .routes import Match, find_route

LATENCY: Final = timedelta(milliseconds=10)
"""From a request to its answer, where the desk plans no delay."""

Leave = Callable[[], Awaitable[None]]
"""To be called when the first byte leaves; before that, nothing can have arrived."""

Lost = Literal["refused", "cut"]
"""No connection came to stand, so that nothing left; or it broke before an answer came."""


@dataclass(frozen=True, slots=True)
class Returned:
    """An answer as it comes back over the line."""

    status: int
    headers: dict[str, str]
    shown: bytes
    """The bytes of the body that come through."""
    torn: bool = False
    """Whether the line broke in the midst of the body."""


def returned(plan: Plan, at: datetime) -> Returned:
    """Return what a planned answer becomes on the line."""
    headers = {"Content-Type": "application/json", "Date": format_datetime(at, usegmt=True), **plan.headers}
    return Returned(plan.status, headers, plan.part, plan.torn)


def operation_of(request: Incoming) -> str:
    """Return the operation that a request means, `*` for none."""
    match = find_route(request.method, request.path)
    return match.operation if isinstance(match, Match) else "*"


def arguments_of(request: Incoming) -> JsonObject:
    """Return the arguments of a request as the desk reads them, and as they stand beside its effect."""
    match = find_route(request.method, request.path)
    within = match.arguments if isinstance(match, Match) else {}
    body = read_body(request.headers.get("content-type", ""), request.body)
    return {**read_fields(request.query), **body, **within}


class Carrier(Protocol):
    """Takes one request to where it goes, and its answer back."""

    async def carry(self, request: Incoming, leave: Leave) -> Returned | Lost:
        """Make one exchange."""
        ...


class Courier:
    """Hands each request to a desk at once, and its answer back after `LATENCY` and what the desk adds."""

    def __init__(self, desk: Desk, clock: Clock) -> None:
        self._desk = desk
        self._clock = clock

    async def carry(self, request: Incoming, leave: Leave) -> Returned | Lost:
        """Make one exchange; what the desk cuts is cut."""
        await leave()
        plan = self._desk.handle(request, self._clock.now())
        await self._clock.sleep(LATENCY + plan.delay)
        if plan.cut:
            return "cut"
        return returned(plan, self._clock.now())
