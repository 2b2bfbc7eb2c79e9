"""An event loop whose time is virtual: when nothing is ready it jumps to the next timer. No threads, no waiting."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Executor
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class HasDescriptor(Protocol):
    """What a selector takes beside numbers."""

    def fileno(self) -> int:
        """Return the descriptor's number."""
        ...


FileObject = int | HasDescriptor


MOST_TURNS = 1_000_000
"""Turns of the loop at one moment, after which it is said to spin."""
LONGEST_LIFE = 1e7
"""Virtual seconds after which a world is said to have no end."""


class Stuck(RuntimeError):
    """The program will never end: nothing will ever wake it, or it spins."""


class _Jump(selectors.BaseSelector):
    """Stands where a loop waits for sockets: to wait is to move the time."""

    def __init__(self) -> None:
        self.now = 0.0
        self._turns = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise Stuck("nothing is ready and no timer is set")
        self._turns = 0 if timeout > 0 else self._turns + 1
        if self._turns > MOST_TURNS or self.now > LONGEST_LIFE:
            raise Stuck(f"{self._turns} turns at {self.now} s")
        self.now += max(0.0, timeout)
        return []

    def register(self, fileobj: FileObject, events: int, data: object = None) -> selectors.SelectorKey:
        return selectors.SelectorKey(fileobj, -1, events, data)

    def unregister(self, fileobj: FileObject) -> selectors.SelectorKey:
        return selectors.SelectorKey(fileobj, -1, 0, None)

    def get_map(self) -> Mapping[FileObject, selectors.SelectorKey]:
        return {}

    def get_key(self, fileobj: FileObject) -> selectors.SelectorKey:
        raise KeyError(fileobj)


class VirtualLoop(asyncio.SelectorEventLoop):
    """Runs callbacks in an order that depends on nothing but the program."""

    def __init__(self) -> None:
        self._jump = _Jump()
        self.failures: list[BaseException] = []
        super().__init__(self._jump)

    def time(self) -> float:
        """Return the virtual seconds since the loop was made."""
        return self._jump.now

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Keep what a callback raised: nobody awaits it, and a world in which the vendor broke proves nothing."""
        self.failures.append(context.get("exception") or RuntimeError(str(context.get("message"))))

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts
    ) -> asyncio.Future[T]:
        """Call the function at once."""
        del executor
        future: asyncio.Future[T] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # noqa: BLE001  # handed to whoever awaits, as a thread would
            future.set_exception(error)
        return future


class LoopClock:
    """A machine's clock on the running loop's time; `offset` is how wrong it goes."""

    def __init__(self, start: datetime, offset: timedelta = timedelta()) -> None:
        self._start = start + offset

    def now(self) -> datetime:
        """Return the virtual moment."""
        return self._start + timedelta(seconds=asyncio.get_running_loop().time())

    async def sleep(self, duration: timedelta) -> None:
        """Let virtual time pass."""
        await asyncio.sleep(max(0.0, duration.total_seconds()))


def run_virtually(main: Callable[[], Coroutine[object, object, T]]) -> T:
    """Run a coroutine on a fresh loop of virtual time. Raises Stuck where it waits for ever or a callback broke."""
    loop = VirtualLoop()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        result = runner.run(main())
    if loop.failures:
        raise Stuck(f"a callback raised {loop.failures[0]!r}") from loop.failures[0]
    return result
