"""Tells whom a workflow names in `on_park` that a run ended parked: a program, or a webhook."""

import asyncio
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from contextlib import suppress
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

from ..agents.chat import PROVIDERS
from ..connectors.contract import Answer, JsonObject
from ..connectors.wire import Wire, WireRequest
from ..graph.engine.summary import RunResult
from ..graph.language.plan import OnPark, Plan
from ..journal.vault import Vault

LONGEST: Final = timedelta(seconds=30)
"""How long the program, or the webhook's answer, may take."""


def news_of(result: RunResult) -> JsonObject:
    """Return what is told of a run: its id, workflow, status, and each parked step with its reason."""
    news: JsonObject = result.model_dump(mode="json", include={"run_id", "workflow", "status", "parked"})
    return news


def credentials_of(plan: Plan) -> frozenset[str]:
    """Return the environment variables in which the plan's connections have their keys."""
    return frozenset(one.credential.env for one in plan.connections.values() if one.credential)


async def notify(
    on_park: OnPark,
    news: JsonObject,
    vault: Vault,
    *,
    hidden: frozenset[str] = frozenset(),
    longest: timedelta = LONGEST,
) -> str:
    """Tell it once; return an empty text, or a sentence on what went wrong. Only cancellation is raised.

    A program gets the news as JSON on its standard input, our working folder, and our environment without the
    variables that hold secrets or are `hidden`; what it prints is dropped. A webhook gets the same JSON in one
    POST: no proxy, no redirect, no second attempt.
    """
    text = vault.seal(news).encode()
    if on_park.command:
        return await _run(on_park.command, text, _environment(vault, hidden), longest)
    return await _post(on_park.webhook, text, longest)


async def _run(command: tuple[str, ...], text: bytes, environment: dict[str, str], longest: timedelta) -> str:
    program = f"`on_park`: the program `{command[0]}`"
    try:
        # A group of its own: what the program starts can be ended with it, and Ctrl-C is ours alone.
        process = await asyncio.create_subprocess_exec(
            *command, stdin=PIPE, stdout=DEVNULL, stderr=DEVNULL, env=environment, process_group=0
        )
    except (OSError, ValueError) as error:
        reason = (
            error.strerror if isinstance(error, OSError) else "a word of the command cannot be handed over"
        )
        return f"{program} could not be started: {reason}"
    try:
        async with asyncio.timeout(longest.total_seconds()):
            await process.communicate(text)
    except TimeoutError:
        return f"{program} was ended because it took longer than {longest.total_seconds():g} s"
    finally:
        await _end(process)
    code = process.returncode or 0
    if code < 0:
        return f"{program} was ended by the signal {-code}"
    return f"{program} ended with the code {code}, expected 0" if code else ""


async def _end(process: Process) -> None:
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def _environment(vault: Vault, hidden: frozenset[str]) -> dict[str, str]:
    """Return our environment without credentials: what the vault knows as a secret, the models' keys, the hidden.

    The vault does not know a key that was not read, such as the vendor's own in a run on the sandbox.
    """
    keys = {provider.key for provider in PROVIDERS.values()} | hidden
    return {
        name: value
        for name, value in os.environ.items()
        if name not in keys and vault.seal_text(value) == value
    }


async def _post(address: str, text: bytes, longest: timedelta) -> str:
    parts = urlsplit(address)
    webhook = f"`on_park`: the webhook at `{parts.hostname}`"  # no more of it: the path may be a secret
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    request = WireRequest("POST", target, headers={"content-type": "application/json"}, content=text)
    try:
        async with Wire(f"{parts.scheme}://{parts.netloc}", timeout=longest) as wire:
            outcome = await wire.attempt(request)
    except OSError:
        return f"{webhook} was not told: this machine's trusted certificates cannot be read"
    if not isinstance(outcome, Answer):
        done = "was not told" if outcome.sent == "no" else "may not have been told"
        return f"{webhook} {done}: {outcome.detail or outcome.reason}"
    if 200 <= outcome.status < 300:  # noqa: PLR2004  # RFC 9110, 15.3: successful
        return ""
    return f"{webhook} answered {outcome.status}, expected 2xx"
