"""The command that serves the sandbox."""

import asyncio
import signal
from pathlib import Path

from pydantic import SecretStr

from ..connectors.clock import SystemClock
from ..connectors.sandbox.faults import parse_fault
from ..connectors.sandbox.server import SandboxSettings, serve
from ..connectors.sandbox.world import DEFAULT_KEY
from .screen import say


def serve_sandbox(
    *,
    port: int,
    seed: int,
    api_key: str,
    state: Path | None,
    key_file: Path | None,
    faults: tuple[str, ...],
    until_stdin_closes: bool,
) -> None:
    """Serve until a signal, or until the parent goes."""
    settings = SandboxSettings(
        port=port,
        seed=seed,
        state=state,
        key_file=key_file,
        faults=tuple(parse_fault(text) for text in faults),
        until_stdin_closes=until_stdin_closes,
        api_key=SecretStr(api_key or DEFAULT_KEY),
    )
    asyncio.run(_serve(settings))


async def _serve(settings: SandboxSettings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await serve(settings, SystemClock(), _announce, stop)


def _announce(line: str) -> None:
    say(line)
