"""The contract check of a 10 KB answer with its drift report, over pydantic alone validating the same bytes."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

import orjson
from mendflow.benchmarks.measure import Pair, Row, Work, interleave, main
from mendflow.connectors.contract import Answer, JsonObject, Reply, ToolCall
from mendflow.connectors.decode import decode
from mendflow.connectors.piggy.operations import TOOLS
from mendflow.verifier.outcome import classify
from pydantic import BaseModel, TypeAdapter

SPEC = TOOLS["loyalty_transactions.list"]
CALL = ToolCall(connection="piggy", operation=SPEC.operation, arguments={"limit": 100})
NOW = datetime(2026, 11, 22, tzinfo=UTC)
GOAL = 200e-6


class _Balance(BaseModel):
    balance: int


class _Contact(BaseModel):
    uuid: str
    email: str | None
    credit_balance: _Balance


class _Shop(BaseModel):
    id: int
    uuid: str
    type: str
    name: str


class _Unit(BaseModel):
    id: int
    name: str
    label: str
    prefix: str | None
    is_default: bool


class _Transaction(BaseModel):
    uuid: str
    type: str
    credits: int
    created_at: str
    contact: _Contact
    shop: _Shop
    unit: _Unit
    unit_value: float | None
    channel: str | None
    mendflow_slot: str


class _Envelope(BaseModel):
    data: list[_Transaction]


_PEER = TypeAdapter(_Envelope)


def answer(*, drifted: bool = False) -> bytes:
    """Return a listing of a good 10 KB; in a drifted one a required field has another name throughout."""
    uuid = "3f6c1d52-8b0e-4c7a-9d41-5a2e7f90c613"
    unit: JsonObject = {
        "id": 1,
        "name": "purchase_amount",
        "label": "Amount",
        "prefix": None,
        "is_default": True,
    }
    record: JsonObject = {
        "uuid": uuid,
        "type": "credit_reception",
        ("creditsAwarded" if drifted else "credits"): 50,
        "created_at": "2026-11-22T10:00:00+00:00",
        "contact": {"uuid": uuid, "email": "ann@example.com", "credit_balance": {"balance": 50}},
        "shop": {"id": 1, "uuid": uuid, "type": "physical", "name": "Record shop"},
        "unit": unit,
        "unit_value": 29.5,
        "channel": "OAUTH_API",
        "mendflow_slot": "mf_0123456789abcdef01234567",
    }
    raw = b""
    count = 0
    while len(raw) < 10_000:
        count += 1
        raw = orjson.dumps({"data": [record] * count, "meta": {"page": 1}})
    return raw


def checked(raw: bytes) -> str:
    """Decode strictly and judge: the contract, and where it is broken what exactly differs; return the standing."""
    body = decode(raw, "application/json").value
    return classify(SPEC, CALL, Reply(outcome=Answer(status=200, body=body), received_at=NOW)).standing


def _repeated(work: Callable[[], object], times: int) -> Work:
    async def repeat() -> None:
        for _ in range(times):
            work()

    return repeat


def _row(what: str, pair: Pair) -> Row:
    ours, peer = f"{pair.ours * 1e6:.0f} us", f"{pair.peer * 1e6:.0f} us"
    return Row(what, ours, peer, pair.ratio, "<= 200 us", pair.ours <= GOAL)


def measure(small: bool) -> list[Row]:  # noqa: FBT001  # told by the script's switch
    """Measure CPU per answer."""
    times, rounds = (300, 9) if small else (1000, 21)
    good, drifted = answer(), answer(drifted=True)
    peer = _repeated(lambda: _PEER.validate_json(good), times)

    async def both() -> list[Row]:
        found = [
            await interleave(_repeated(partial(checked, raw), times), peer, rounds=rounds, units=times)
            for raw in (good, drifted)
        ]
        return [
            _row(f"contract check of a good answer, {len(good)} B; peer: pydantic", found[0]),
            _row("  with drift report, every record drifted; peer: pydantic, not drifted", found[1]),
        ]

    return asyncio.run(both())


if __name__ == "__main__":
    main(__doc__, measure)
