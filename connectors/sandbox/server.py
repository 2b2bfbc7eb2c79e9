"""The sandbox over HTTP: the vendor's routes, and our own controls under `/__sandbox__/`."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

import orjson
from aiohttp import web
from pydantic import Field, JsonValue, SecretStr

from ..contract import Clock, Frozen
from ..errors import InvalidUse
from .access import Announcement, write_key
from .desk import CUT, Desk, Incoming, Plan
from .faults import FaultOrder, order_fault, parse_fault
from .log import CommandLog, open_log
from .refusals import Refusal
from .world import DEFAULT_KEY, DEFAULT_SEED, Command, World

CONTROLS: Final = "/__sandbox__/"
_SHUTDOWN_SECONDS: Final = 0.2


class SandboxSettings(Frozen):
    """How one sandbox is set up. It serves the loopback only."""

    host: Literal["127.0.0.1"] = "127.0.0.1"
    port: int = Field(default=0, ge=0, le=65_535)
    """0: any that is free."""
    seed: int = DEFAULT_SEED
    api_key: SecretStr = Field(default=SecretStr(DEFAULT_KEY), min_length=1)
    """The key that is valid at first."""
    state: Path | None = None
    """The file in which the world is kept; None: it ends with the process."""
    key_file: Path | None = None
    """Where the valid key is written at the start and whenever it changes."""
    faults: tuple[FaultOrder, ...] = ()
    """Armed at the start; they are not kept in the state."""
    requests_per_minute: int = Field(default=5000, ge=1)
    until_stdin_closes: bool = False
    """Whether to end when the standard input does, so that a child does not outlive its parent."""


async def serve(
    settings: SandboxSettings, clock: Clock, announce: Callable[[str], None], stop: asyncio.Event
) -> None:
    """Serve until `stop` is set. Once ready, `announce` gets a line of JSON: `base_url` and `api_key`.

    Raises what `open_sandbox` raises.
    """
    async with open_sandbox(settings, clock, stop) as announcement:
        announce(announcement.line())
        await stop.wait()


@asynccontextmanager
async def open_sandbox(
    settings: SandboxSettings, clock: Clock, stop: asyncio.Event
) -> AsyncIterator[Announcement]:
    """Serve as long as the context is open, on this loop; `stop` is set when the sandbox must end by itself.

    Raises InvalidUse when the port, the state file or the key file cannot be used as given, and at the end
    when one of the files took no more.
    """
    async with _open_desk(settings, clock) as (desk, log):
        front = _Front(desk, log, clock, stop)
        runner = web.ServerRunner(
            web.Server(front.answer, access_log=None), shutdown_timeout=_SHUTDOWN_SECONDS
        )
        await runner.setup()
        try:
            port = await _listen(runner, settings)
            if settings.until_stdin_closes:
                _watch_stdin(stop)
            base_url = f"http://{settings.host}:{port}"
            yield Announcement(base_url=base_url, api_key=SecretStr(desk.world.key))
        finally:
            await runner.cleanup()
        if front.failure is not None:
            raise front.failure


@asynccontextmanager
async def _open_desk(
    settings: SandboxSettings, clock: Clock
) -> AsyncIterator[tuple[Desk, CommandLog | None]]:
    if settings.state is None:
        yield _set_up(settings, _forget, ()), None
        return
    async with await open_log(settings.state, seed=settings.seed, clock=clock) as log:
        yield _set_up(settings, log.append, log.commands), log


def _set_up(
    settings: SandboxSettings, record: Callable[[Command], None], commands: tuple[Command, ...]
) -> Desk:
    def publish_key(key: str) -> None:
        if settings.key_file is not None:
            write_key(settings.key_file, key)

    desk = Desk(
        World(settings.seed, key=settings.api_key.get_secret_value()),
        record=record,
        publish_key=publish_key,
        requests_per_minute=settings.requests_per_minute,
    )
    try:
        desk.replay(commands)
    except (Refusal, KeyError) as error:
        raise InvalidUse(
            f"the state file `{settings.state}` holds a command that this version cannot apply: {error}",
            help="Choose another file, or remove this one to begin a fresh world.",
        ) from error
    publish_key(desk.world.key)
    for order in settings.faults:
        desk.faults.arm(order)
    return desk


def _forget(_: Command) -> None:
    """Keep nothing: without a state file the world ends with the process."""


async def _listen(runner: web.ServerRunner, settings: SandboxSettings) -> int:
    try:
        await web.TCPSite(runner, settings.host, settings.port).start()
    except OSError as error:
        raise InvalidUse(
            f"the sandbox cannot listen on port {settings.port}: {error.strerror}",
            help="Choose another port, or 0 for any that is free.",
        ) from error
    return int(runner.addresses[0][1])


def _watch_stdin(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()

    def wait_for_end() -> None:
        with suppress(OSError):  # a standard input that cannot be read is closed
            while os.read(0, 4096):
                pass
        with suppress(RuntimeError):  # the server has ended before
            loop.call_soon_threadsafe(stop.set)

    # A thread, since the loop cannot watch every kind of file; it ends with the process.
    threading.Thread(target=wait_for_end, daemon=True).start()


class _Front:
    """What stands between the sockets and the desk."""

    def __init__(self, desk: Desk, log: CommandLog | None, clock: Clock, stop: asyncio.Event) -> None:
        self.failure: InvalidUse | None = None
        self._desk = desk
        self._log = log
        self._clock = clock
        self._stop = stop

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request, ours or the vendor's."""
        body = await request.read()
        try:
            plan = self._plan(request, body)
        except InvalidUse as error:
            # The world has changed and its file has not: nothing true can be said any more.
            self.failure = error
            self._stop.set()
            plan = CUT
        if self._log is not None and self.failure is None:
            await self._log.settle()
        if plan.delay:
            await self._clock.sleep(plan.delay)
        return await _respond(request, plan)

    def _plan(self, request: web.BaseRequest, body: bytes) -> Plan:
        now = self._clock.now()
        if request.path.startswith(CONTROLS):
            return self._control(request.method, request.path.removeprefix(CONTROLS), body, now)
        incoming = Incoming(
            method=request.method,
            path=request.path,
            query=tuple(request.query.items()),
            headers={name.lower(): value for name, value in request.headers.items()},
            body=body,
        )
        return self._desk.handle(incoming, now)

    def _control(self, method: str, name: str, body: bytes, now: datetime) -> Plan:
        match method, name:
            case "GET", "state":
                return Plan(200, self._desk.truth(now))
            case "GET", "requests":
                return Plan(200, {"requests": list(self._desk.requests)})
            case "POST", "faults":
                return self._arm(body)
            case "POST", "reset":
                self._desk.reset(now)
                return Plan(200, {"reset": True})
            case _:
                help_text = "Known are GET state, GET requests, POST faults, POST reset."
                return Plan(404, {"message": "no such control", "help": help_text})

    def _arm(self, body: bytes) -> Plan:
        try:
            for order in _read_orders(body):
                self._desk.faults.arm(order)
        except InvalidUse as error:
            return Plan(400, {"message": error.message, "help": error.help})
        return Plan(200, {"armed": [order.spec for order in self._desk.faults.armed()]})


def _read_orders(body: bytes) -> list[FaultOrder]:
    try:
        wanted: JsonValue = orjson.loads(body)
    except orjson.JSONDecodeError:
        wanted = None
    match wanted:
        case {"faults": [*specs], **rest} if not rest:
            return [parse_fault(str(spec)) for spec in specs]
        case {"kind": str(kind), "operation": str(operation), **rest} if rest.keys() <= {"count", "detail"}:
            count, detail = rest.get("count", 1), rest.get("detail", "")
            if isinstance(count, int) and isinstance(detail, str):
                return [order_fault(kind, operation, count=count, detail=detail)]
    raise InvalidUse(
        "the body orders no faults",
        help='Send {"faults": ["KIND@OPERATION:COUNT"]} or {"kind", "operation", "count", "detail"}.',
    )


async def _respond(request: web.BaseRequest, plan: Plan) -> web.StreamResponse:
    headers = {"Content-Type": "application/json", **plan.headers}
    if plan.cut:
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=500)  # goes nowhere
    if not plan.torn:
        return web.Response(status=plan.status, body=plan.content, headers=headers)
    torn = web.StreamResponse(status=plan.status, headers=headers)
    torn.content_length = len(plan.content)
    await torn.prepare(request)
    await torn.write(plan.part)
    if request.transport is not None:
        request.transport.close()  # once what was written has left
    return torn
