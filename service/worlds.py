"""Which world a run acts on: the vendor's, or a sandbox, and how a resume finds the same one again."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from ..connectors.contract import ConnectionSettings, CredentialSource, JsonObject
from ..connectors.errors import InvalidUse
from ..connectors.sandbox.child import SandboxChild
from ..connectors.sandbox.faults import parse_fault
from ..connectors.sandbox.world import SETTLE
from ..graph.language.plan import Plan
from ..journal.home import Home

SANDBOX_TIMEOUT = timedelta(seconds=2)
"""The sandbox answers in milliseconds; its fault `slow` in seconds."""


@dataclass(frozen=True, slots=True)
class World:
    """Where the connections of a run go."""

    connections: Mapping[str, ConnectionSettings]
    pinned: JsonObject
    """What the run's first event says of it."""


@asynccontextmanager
async def real(connections: Mapping[str, ConnectionSettings]) -> AsyncIterator[World]:
    """Use the connections as the workflow has them."""
    yield World(connections, {})


@asynccontextmanager
async def at_url(connections: Mapping[str, ConnectionSettings], url: str) -> AsyncIterator[World]:
    """Send the vendor's connections to a sandbox that runs elsewhere, with the workflow's own credentials."""
    placed = {
        name: _placed(settings, url, f"sandbox:{url}") if is_vendor(settings) else settings
        for name, settings in connections.items()
    }
    yield World(placed, {"sandbox": url})


@asynccontextmanager
async def in_child(
    connections: Mapping[str, ConnectionSettings], home: Home, faults: Sequence[str]
) -> AsyncIterator[World]:
    """Send the vendor's connections to a child process whose state is kept under the home."""
    state, key_file = home.sandbox / "world.jsonl", home.sandbox / "key"
    async with SandboxChild(
        state=state, key_file=key_file, faults=tuple(parse_fault(text) for text in faults)
    ) as child:
        credential = CredentialSource(file=str(key_file.resolve()))
        account = f"sandbox:{state.resolve()}"
        placed = {
            name: _placed(settings, child.base_url, account).model_copy(update={"credential": credential})
            if is_vendor(settings)
            else settings
            for name, settings in connections.items()
        }
        yield World(placed, {"sandbox": "child", "state": str(state), "address": child.base_url})


def in_memory(connections: Mapping[str, ConnectionSettings], key_file: Path) -> dict[str, ConnectionSettings]:
    """Return the connections as a sandbox in this process has them: its key in a file, an account of its own."""
    credential = CredentialSource(file=str(key_file))
    return {
        name: _placed(settings, "http://localhost", "sandbox:memory").model_copy(
            update={"credential": credential}
        )
        if is_vendor(settings)
        else settings
        for name, settings in connections.items()
    }


def check_faults(sandbox: str | None, faults: Sequence[str]) -> None:
    """Raise InvalidUse where a fault is none, or there is no sandbox of ours in which to arm it."""
    if faults and sandbox != "":
        raise InvalidUse(
            "`--fault` needs the sandbox that `--sandbox` starts.",
            help="Use `--sandbox --fault …`, or arm faults at URL/__sandbox__/faults.",
        )
    for text in faults:
        parse_fault(text)


@asynccontextmanager
async def chosen(plan: Plan, home: Home, sandbox: str | None, faults: Sequence[str]) -> AsyncIterator[World]:
    """Open the world that the command line asks for: None is the real one, empty a child, else a URL."""
    check_faults(sandbox, faults)
    if sandbox is None:
        opened = real(plan.connections)
    elif sandbox == "":
        opened = in_child(plan.connections, home, faults)
    else:
        opened = at_url(plan.connections, sandbox.rstrip("/"))
    async with opened as world:
        yield world


@asynccontextmanager
async def again(
    pinned: JsonObject, connections: Mapping[str, ConnectionSettings], home: Home
) -> AsyncIterator[World]:
    """Open the world that a run's first event names."""
    sandbox = pinned.get("sandbox")
    # a sandbox at a URL is pinned within the connections themselves
    opened = in_child(connections, home, ()) if sandbox == "child" else real(connections)
    async with opened as world:
        yield World(world.connections, pinned)


def is_vendor(settings: ConnectionSettings) -> bool:
    """Tell whether a sandbox can stand in for the far side of a connection."""
    return settings.connector == "piggy"


def _placed(settings: ConnectionSettings, url: str, account: str) -> ConnectionSettings:
    return settings.model_copy(
        update={"base_url": url, "account": account, "settle": SETTLE, "timeout": SANDBOX_TIMEOUT}
    )
