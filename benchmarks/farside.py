"""The far side: our sandbox in a process of its own, its rate limit lifted, so that its CPU is not counted as ours."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from subprocess import PIPE

from mendflow.connectors.clock import SystemClock
from mendflow.connectors.contract import ConnectionSettings, CredentialSource
from mendflow.connectors.sandbox.access import Announcement
from mendflow.connectors.sandbox.server import SandboxSettings, serve

PREFIX = "/api/v3/oauth/clients"
_KEY = "MENDFLOW_BENCH_KEY"


@asynccontextmanager
async def far_side() -> AsyncIterator[Announcement]:
    """Start the sandbox as a child and yield where it listens."""
    child = await asyncio.create_subprocess_exec(sys.executable, __file__, stdin=PIPE, stdout=PIPE)
    if child.stdin is None or child.stdout is None:
        raise RuntimeError("the child has no pipes")
    try:
        announced = Announcement.model_validate_json(await child.stdout.readline())
        os.environ[_KEY] = announced.api_key.get_secret_value()
        yield announced
    finally:
        child.stdin.close()
        await child.wait()


def settings_for(announced: Announcement) -> ConnectionSettings:
    """Return the connection that reaches it."""
    return ConnectionSettings(
        name="piggy",
        connector="piggy",
        credential=CredentialSource(env=_KEY),
        base_url=announced.base_url,
        account="bench",
        settle=timedelta(seconds=0.3),
        timeout=timedelta(seconds=30),
    )


def headers_for(announced: Announcement) -> dict[str, str]:
    """Return the headers that let a plain client in."""
    return {"authorization": f"Bearer {announced.api_key.get_secret_value()}"}


def _serve() -> None:
    async def main() -> None:
        settings = SandboxSettings(requests_per_minute=10**9, until_stdin_closes=True)
        await serve(settings, SystemClock(), lambda line: print(line, flush=True), asyncio.Event())

    asyncio.run(main())


if __name__ == "__main__":
    _serve()
