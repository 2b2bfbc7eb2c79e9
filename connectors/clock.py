"""The two clocks: the system's, and one that moves only when somebody waits."""

import asyncio
from datetime import UTC, datetime, timedelta


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the present moment in UTC."""
        return datetime.now(UTC)

    async def sleep(self, duration: timedelta) -> None:
        """Wait for `duration` of real time."""
        await asyncio.sleep(max(0.0, duration.total_seconds()))


class VirtualClock:
    """A clock that starts at `start` and moves forward by exactly what is slept; waits take no real time.

    `slept` is the schedule so far, for tests of order and waiting.
    """

    def __init__(self, start: datetime) -> None:
        self._now = start
        self.slept: list[timedelta] = []

    def now(self) -> datetime:
        """Return the virtual moment."""
        return self._now

    async def sleep(self, duration: timedelta) -> None:
        """Move the clock and let others run once."""
        self.slept.append(duration)
        self._now += max(timedelta(), duration)
        await asyncio.sleep(0)
