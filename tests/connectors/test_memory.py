"""The transport in memory: what the wire says of each end that an exchange can have."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from mendflow.connectors.clock import VirtualClock
from mendflow.connectors.contract import Answer, NoAnswer
from mendflow.connectors.memory import InMemory
from mendflow.connectors.sandbox.courier import (
    LATENCY,
    Courier,
    Leave,
    Lost,
    Returned,
    arguments_of,
    operation_of,
)
from mendflow.connectors.sandbox.desk import Desk, Incoming
from mendflow.connectors.sandbox.faults import parse_fault
from mendflow.connectors.sandbox.world import DEFAULT_KEY, Command, World
from mendflow.connectors.wire import Wire, WireRequest

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ASK = WireRequest(
    "GET", "/api/v3/oauth/clients/shops?limit=2", headers={"authorization": f"Bearer {DEFAULT_KEY}"}
)


class Scripted:
    """A carrier that always ends the same way."""

    def __init__(self, end: Returned | Lost) -> None:
        self._end = end

    async def carry(self, request: Incoming, leave: Leave) -> Returned | Lost:
        assert request.query == (("limit", "2"),)
        if self._end != "refused":
            await leave()
        return self._end


async def asked(carrier: Scripted | Courier) -> Answer | NoAnswer:
    """Return what the wire says of one request."""
    wire = Wire("http://localhost", timeout=timedelta(seconds=2), open_transport=lambda _: InMemory(carrier))
    async with wire:
        return await wire.attempt(ASK)


@pytest.mark.parametrize(("end", "said"), [("refused", ("no", "connect")), ("cut", ("unknown", "reset"))])
async def test_a_lost_exchange_is_told_by_whether_it_left(end: Lost, said: tuple[str, str]) -> None:
    """Only where nothing left is that certain."""
    outcome = await asked(Scripted(end))
    assert isinstance(outcome, NoAnswer)
    assert (outcome.sent, outcome.reason) == said


async def test_a_torn_answer_is_truncated() -> None:
    """The head came, the body ends in its midst."""
    whole = Returned(200, {"Content-Type": "application/json"}, b'{"data": 1}')
    torn = replace(whole, shown=b'{"da', torn=True)
    assert await asked(Scripted(whole)) == Answer(
        status=200, headers={"content-type": "application/json"}, body={"data": 1}
    )
    outcome = await asked(Scripted(torn))
    assert isinstance(outcome, Answer)
    assert (outcome.flaw, outcome.body) == ("truncated", None)


async def test_a_courier_hands_over_at_once_and_cuts_what_the_desk_cuts() -> None:
    """The answer takes the line's time and the desk's; a cut exchange has none."""
    clock = VirtualClock(NOON)
    desk = Desk(World(), record=_unrecorded, publish_key=lambda _: None, requests_per_minute=100)
    desk.faults.arm(parse_fault("slow=1@shops.list"))
    courier = Courier(desk, clock)
    first = await asked(courier)
    assert isinstance(first, Answer)
    assert (first.status, clock.slept) == (200, [LATENCY + timedelta(seconds=1)])
    desk.faults.arm(parse_fault("lost_reply@shops.list"))
    assert isinstance(await asked(courier), NoAnswer)


def test_a_request_is_read_as_the_desk_reads_it() -> None:
    """Operation and arguments, from path, query and body alike; what no route knows is `*`."""
    update = Incoming("PUT", "/api/v3/oauth/clients/contacts/u1", (("page", "2"),), {}, b'{"note": "x"}')
    assert operation_of(update) == "contacts.update"
    assert arguments_of(update) == {"page": 2, "note": "x", "contact_uuid": "u1"}
    assert operation_of(Incoming("GET", "/elsewhere")) == "*"


def _unrecorded(_: Command) -> None:
    """Keep nothing."""
