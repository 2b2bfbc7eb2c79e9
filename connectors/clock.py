"""The two clocks: the system's, and one that moves only when somebody waits."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Final

_COUNTER: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # macOS has the latter alone


class SystemClock:
    """The machine's clock, read once and then carried on by its counter.

    Whoever sets the machine's clock while we wait must not make a settle time seem to be over: a moment would then
    prove an absence that it does not. The counter runs on while the machine sleeps.
    """

    def __init__(self) -> None:
        self._start = datetime.now(UTC)
        self._counted = time.clock_gettime(_COUNTER)

    def now(self) -> datetime:
        """Return the present moment in UTC; it never runs backwards."""
        return self._start + timedelta(seconds=time.clock_gettime(_COUNTER) - self._counted)

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
