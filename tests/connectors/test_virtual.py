"""The loop on virtual time: drills and the simulator stand on it."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from mendflow.connectors.virtual import LoopClock, Stuck, run_virtually

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def test_waits_end_in_the_order_of_their_moments() -> None:
    """Side by side, waits of an hour and of a day end when they should on the clock, and take no time."""
    seen: list[tuple[str, datetime]] = []
    clock = LoopClock(NOON)

    async def wait(name: str, duration: timedelta) -> None:
        await clock.sleep(duration)
        seen.append((name, clock.now()))

    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(wait("day", timedelta(days=1)))
            group.create_task(wait("hour", timedelta(hours=1)))
            group.create_task(wait("none", timedelta()))

    run_virtually(main)
    assert seen == [
        ("none", NOON),
        ("hour", NOON + timedelta(hours=1)),
        ("day", NOON + timedelta(days=1)),
    ]


def test_time_outs_are_virtual() -> None:
    """`asyncio.timeout` strikes at its virtual moment."""

    async def main() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(10):
                await asyncio.sleep(3600)
        return asyncio.get_running_loop().time()

    assert run_virtually(main) == pytest.approx(10)


def test_work_for_threads_is_done_at_once() -> None:
    """What a thread would do is done in place, errors included."""

    def fail() -> None:
        raise OSError("no")

    async def main() -> int:
        with pytest.raises(OSError, match="no"):
            await asyncio.to_thread(fail)
        return await asyncio.to_thread(lambda: 7)

    assert run_virtually(main) == 7


def test_a_wait_for_nobody_is_told() -> None:
    """A program that nothing will ever wake ends with an error instead of hanging."""

    async def main() -> None:
        await asyncio.Event().wait()

    with pytest.raises(Stuck, match="nothing is ready"):
        run_virtually(main)


def test_a_clock_can_be_wrong() -> None:
    """A machine's clock may be off; it runs on with the loop all the same."""

    async def main() -> datetime:
        clock = LoopClock(NOON, -timedelta(hours=1))
        await clock.sleep(timedelta(seconds=5))
        return clock.now()

    assert run_virtually(main) == NOON - timedelta(hours=1) + timedelta(seconds=5)
