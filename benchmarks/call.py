"""One verified, journaled call over loopback HTTP, 32 at once, over a stock httpx client that does nothing besides.

Ours is the Distributor's node and the Verifier's node as they are, without langgraph between them: contract of
the arguments, intent and outcome on disk, one attempt, judgement, verdict and end of the step recorded.
"""

import asyncio
import shutil
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import httpx
from langgraph.runtime import Runtime
from langgraph.types import Command, Send
from mendflow.benchmarks.farside import PREFIX, far_side, headers_for, settings_for
from mendflow.benchmarks.measure import Row, at_once, interleave, main, timed
from mendflow.benchmarks.workload import HEAD, inputs_of, plan_of, unseen
from mendflow.connectors.clock import SystemClock
from mendflow.connectors.contract import JsonObject
from mendflow.connectors.opening import open_connector
from mendflow.connectors.sandbox.access import Announcement
from mendflow.graph.engine.context import Connection, RunContext
from mendflow.graph.engine.distributor import distributor
from mendflow.graph.engine.machine import run_steps
from mendflow.graph.engine.run import Order, pins
from mendflow.graph.engine.state import CallJob, parcel
from mendflow.graph.engine.verification import verifier
from mendflow.graph.language.plan import Plan
from mendflow.journal.events import EventDraft
from mendflow.journal.sqlite import SqliteStore
from mendflow.journal.tape import Recorded, RecordingTape
from mendflow.journal.vault import Vault

AT_ONCE = 32
CALLS = (
    HEAD
    + """\
  balance: {call: piggy.contacts.credit_balance, with: {contact_uuid: "${{ inputs.contact }}"}}
  award:
    call: piggy.PIGGY_CREATE_CREDIT_RECEPTION
    with: {contact_uuid: "${{ inputs.contact }}", shop_uuid: "${{ inputs.shop }}", credits: "${{ inputs.credits }}"}
"""
)


async def contact_at(announced: Announcement) -> str:
    """Make a contact, and the attribute that carries our marker; return the contact's uuid."""
    async with httpx.AsyncClient(
        base_url=announced.base_url + PREFIX, headers=headers_for(announced), timeout=30
    ) as client:
        attribute = {"name": "mendflow_slot", "label": "mendflow slot", "type": "text"}
        await client.post("/loyalty-transaction-attributes", json=attribute)
        found = await client.get("/contacts/find-or-create", params={"email": "ann@example.com"})
        return str(found.raise_for_status().json()["data"]["uuid"])


async def call_once(context: RunContext, step: str, number: int) -> None:
    """Make one call as the machine would; stop the benchmark when it is not done."""
    inside = replace(context, prefix=f"bench[{number}].")
    runtime = Runtime(context=inside)
    job = parcel(CallJob(step=step, path=inside.path(step)), {})
    sent = (await distributor(job, runtime)).goto
    if not isinstance(sent, Send):
        raise SystemExit("the Distributor did not hand over")
    ended: Command[str] = await verifier(sent.arg, runtime)
    update = ended.update
    if not isinstance(update, dict) or update["steps"][step]["status"] != "done":
        raise SystemExit(f"the call ended as {update}")


async def _compared(context: RunContext, client: httpx.AsyncClient, calls: int, rounds: int) -> list[Row]:
    contact, shop = context.inputs["contact"], context.inputs["shop"]
    numbers = iter(range(10**9))

    def ours(step: str) -> Callable[[], Awaitable[None]]:
        return lambda: at_once(AT_ONCE, calls, lambda _: call_once(context, step, next(numbers)))

    async def read(_: int) -> None:
        (await client.get(f"/contacts/{contact}/credit-balance")).raise_for_status().json()

    async def write(_: int) -> None:
        body = {"contact_uuid": contact, "shop_uuid": shop, "credits": 50}
        (await client.post("/credit-receptions", json=body)).raise_for_status().json()

    rows: list[Row] = []
    for kind, step, plain in (("read", "balance", read), ("write, intent fsynced", "award", write)):
        peer = partial(at_once, AT_ONCE, calls, plain)
        pair = await interleave(ours(step), peer, rounds=rounds, units=calls)
        what = f"verified, journaled call at {AT_ONCE} at once ({kind})"
        rows.append(timed(what, pair, limit=1.0, goal="< 1x stock httpx"))
    return rows


async def _measured(calls: int, rounds: int) -> list[Row]:
    plan: Plan = plan_of(CALLS)
    folder, vault, clock = Path(tempfile.mkdtemp()), Vault(), SystemClock()
    try:
        async with far_side() as announced, SqliteStore(folder / "journal.db", vault) as store:
            settings = settings_for(announced)
            inputs: JsonObject = {**inputs_of(plan), "contact": await contact_at(announced)}
            order = Order(plan, inputs, {"piggy": settings}, {})
            started = EventDraft(kind="run_started", at=clock.now(), body=pins(order))
            owner = await store.start_run("run-bench", plan.name, started)
            async with (
                open_connector(settings, clock, vault.learn) as connector,
                httpx.AsyncClient(
                    base_url=announced.base_url + PREFIX, headers=headers_for(announced), timeout=30
                ) as client,
            ):
                context = RunContext(
                    plan=plan,
                    steps=plan.steps,
                    inputs=inputs,
                    tape=RecordingTape(store, owner, clock, Recorded(())),
                    clock=clock,
                    connections={"piggy": Connection(settings, connector, connector.tools())},
                    models={},
                    run=run_steps,
                    report=unseen,
                    learn=vault.learn,
                    longest_hold=timedelta(minutes=5),
                )
                return await _compared(context, client, calls, rounds)
    finally:
        shutil.rmtree(folder)


def measure(small: bool) -> list[Row]:  # noqa: FBT001  # told by the script's switch
    """Measure CPU per call."""
    return asyncio.run(_measured(128, 5) if small else _measured(320, 11))


if __name__ == "__main__":
    main(__doc__, measure)
