"""A whole run over loopback HTTP, 32 at once, over plain asyncio + one stock httpx client + tenacity.

Each run reads twice, writes once, is told once to slow down (429), and writes again. Waits take no time on
either side, so that work is compared and not patience; models answer at once. Ours verifies and journals
everything, opens its own connection, and makes one exchange more than the peer: it makes sure of its marker.
"""

import asyncio
import shutil
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import httpx
from mendflow.benchmarks.call import contact_at
from mendflow.benchmarks.durable import opened
from mendflow.benchmarks.farside import PREFIX, far_side, headers_for, settings_for
from mendflow.benchmarks.measure import Row, Work, at_once, interleave, main, timed, wall
from mendflow.benchmarks.workload import FINDINGS, HEAD, LETTER, LETTER_BODY, inputs_of, plan_of
from mendflow.connectors.clock import VirtualClock
from mendflow.connectors.contract import JsonObject
from mendflow.connectors.opening import open_connector
from mendflow.connectors.sandbox.access import Announcement
from mendflow.graph.engine.run import Order, Ports, start
from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_random_exponential

AT_ONCE = 32
GOAL = 0.5
WORKFLOW = (
    HEAD
    + """\
  brief:
    agent: researcher
    model: offline
    goal: What do we know of this customer?
    with: {contact_uuid: "${{ inputs.contact }}"}
    select: {email: inputs.email, credits: inputs.credits}
    tools: [piggy.PIGGY_GET_CONTACTS_CREDIT_BALANCE, piggy.PIGGY_LIST_PERKS]
"""
    + LETTER
    + """\
  award:
    call: piggy.PIGGY_CREATE_CREDIT_RECEPTION
    needs: [letter]
    with: {contact_uuid: "${{ inputs.contact }}", shop_uuid: "${{ inputs.shop }}", credits: "${{ inputs.credits }}"}
"""
)


def _peer(client: httpx.AsyncClient, inputs: JsonObject) -> Callable[[int], Awaitable[None]]:
    async def no_wait(_: float) -> None:
        await asyncio.sleep(0)

    @retry(
        stop=stop_after_attempt(20),
        wait=wait_random_exponential(0.2),
        retry=retry_if_exception_type(httpx.HTTPStatusError),
        sleep=no_wait,
        reraise=True,
    )
    async def ask(method: str, path: str, body: JsonObject | None = None) -> JsonObject:
        answer = await client.request(method, path, json=body)
        found: JsonObject = answer.raise_for_status().json()
        return found

    async def run(_: int) -> None:
        contact = inputs["contact"]
        await ask("GET", f"/contacts/{contact}/credit-balance")
        await ask("GET", "/perks")
        draft = {"findings": FINDINGS, "body": LETTER_BODY}
        if draft["body"]:
            award: JsonObject = {
                "contact_uuid": contact,
                "shop_uuid": inputs["shop"],
                "credits": inputs["credits"],
            }
            await ask("POST", "/credit-receptions", award)

    return run


def _ours(ports: Ports, order: Order) -> Callable[[int], Awaitable[None]]:
    async def run(_: int) -> None:
        result = await start(ports, order)
        if result.status != "completed":
            raise SystemExit(f"the run ended as {result.status}: {result.failed} {result.parked}")

    return run


async def _compared(ports: Ports, announced: Announcement, runs: int, rounds: int) -> list[Row]:
    plan, settings = plan_of(WORKFLOW), settings_for(announced)
    inputs: JsonObject = {**inputs_of(plan), "contact": await contact_at(announced)}
    order = Order(plan, inputs, {"piggy": settings}, {})
    async with httpx.AsyncClient(headers=headers_for(announced), timeout=30) as controls:
        client = httpx.AsyncClient(
            base_url=announced.base_url + PREFIX, headers=headers_for(announced), timeout=30
        )

        def armed(one: Callable[[int], Awaitable[None]]) -> Work:
            async def work() -> None:
                fault = {"faults": [f"rate_limit=none@credit_receptions.create:{runs}"]}
                (
                    await controls.post(announced.base_url + "/__sandbox__/faults", json=fault)
                ).raise_for_status()
                await at_once(AT_ONCE, runs, one)

            return work

        async with client:
            ours, peer = armed(_ours(ports, order)), armed(_peer(client, inputs))
            work = await interleave(ours, peer, rounds=rounds, units=runs)
            time = await interleave(ours, peer, rounds=rounds, units=runs, meter=wall)
    what = f"whole run over HTTP at {AT_ONCE} at once"
    return [
        timed(f"{what}, CPU", work, limit=GOAL, goal=f"<= {GOAL}x (2x faster)"),
        timed(f"{what}, time", time, limit=GOAL, goal=f"<= {GOAL}x (2x faster)"),
    ]


async def _measured(runs: int, rounds: int) -> list[Row]:
    folder = Path(tempfile.mkdtemp())
    clock = VirtualClock(datetime.now(UTC))
    try:
        async with far_side() as announced, opened(folder) as ports:
            live = replace(
                ports,
                clock=clock,
                open_connector=lambda settings: open_connector(settings, clock, ports.vault.learn),
            )
            return await _compared(live, announced, runs, rounds)
    finally:
        shutil.rmtree(folder)


def measure(small: bool) -> list[Row]:  # noqa: FBT001  # told by the script's switch
    """Measure CPU and time per run."""
    return asyncio.run(_measured(32, 3) if small else _measured(96, 9))


if __name__ == "__main__":
    main(__doc__, measure)
