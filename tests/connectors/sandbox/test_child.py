"""Sandboxes in processes of their own: they start, die with their parent, and lose nothing when killed."""

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import aiohttp
import orjson
import pytest
from mendflow.connectors.errors import InvalidUse
from mendflow.connectors.sandbox.child import SandboxChild
from mendflow.connectors.sandbox.faults import parse_fault

SERVE = """
import argparse, asyncio
from pathlib import Path
from mendflow.connectors.clock import SystemClock
from mendflow.connectors.sandbox.faults import parse_fault
from mendflow.connectors.sandbox.server import SandboxSettings, serve
parser = argparse.ArgumentParser()
parser.add_argument("--port", type=int)
parser.add_argument("--seed", type=int)
parser.add_argument("--api-key")
parser.add_argument("--state", type=Path)
parser.add_argument("--key-file", type=Path)
parser.add_argument("--fault", action="append", default=[])
parser.add_argument("--until-stdin-closes", action="store_true")
given = vars(parser.parse_args())
faults = tuple(map(parse_fault, given.pop("fault")))
settings = SandboxSettings(faults=faults, **given)
asyncio.run(serve(settings, SystemClock(), lambda line: print(line, flush=True), asyncio.Event()))
"""
PROGRAM = (sys.executable, "-c", SERVE)
PARENT = """
import asyncio, sys
from pathlib import Path
from mendflow.connectors.sandbox.child import SandboxChild
async def main():
    async with SandboxChild(state=Path(sys.argv[2]), program=(sys.executable, "-c", sys.argv[1])) as child:
        print(child.base_url, flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""


async def join(base_url: str, email: str, key: str = "sandbox-key") -> int:
    """Find or create a contact; return the status."""
    url = f"{base_url}/api/v3/oauth/clients/contacts/find-or-create?email={email}"
    headers = {"Authorization": f"Bearer {key}"}
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as response:
        return response.status


async def emails_of(base_url: str) -> list[str]:
    """Return the e-mails of the contacts that were truly created."""
    async with aiohttp.ClientSession() as session, session.get(f"{base_url}/__sandbox__/state") as response:
        truth = orjson.loads(await response.read())
    return [effect["arguments"]["email"] for effect in truth["effects"]]


async def test_a_child_serves_and_ends(tmp_path: Path) -> None:
    """It starts by the command line with its settings, and its state is free again when the context ends."""
    state, key_file = tmp_path / "state", tmp_path / "key"
    faults = [parse_fault("unauthorized@*")]
    async with SandboxChild(seed=3, api_key="k", state=state, key_file=key_file, faults=faults) as child:
        statuses = [await join(child.base_url, "a@example.com", child.api_key.get_secret_value())]
        statuses.append(await join(child.base_url, "a@example.com", key_file.read_text().strip()))
    assert statuses == [401, 200]
    async with SandboxChild(seed=3, api_key="k", state=state) as child:
        assert await emails_of(child.base_url) == ["a@example.com"]
        assert child.api_key.get_secret_value() == key_file.read_text().strip()


async def test_a_child_that_does_not_start_says_why() -> None:
    """What the child said goes into the help of the error."""
    with pytest.raises(InvalidUse, match="did not start") as error:
        async with SandboxChild(program=(sys.executable, "-c", "raise SystemExit('no such thing')")):
            pass
    assert error.value.help == "no such thing"


async def test_killing_the_parent_ends_the_child(tmp_path: Path) -> None:
    """After `kill -9` of its parent the child lets its state go, with every effect that was answered."""
    state = tmp_path / "state"
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, SERVE, str(state), stdout=PIPE
    )
    assert parent.stdout is not None
    base_url = (await parent.stdout.readline()).decode().strip()
    assert await join(base_url, "a@example.com") == 200
    parent.send_signal(signal.SIGKILL)
    await parent.wait()
    async with SandboxChild(state=state, program=PROGRAM) as child:
        assert await emails_of(child.base_url) == ["a@example.com"]


async def test_killing_the_sandbox_loses_nothing_that_was_answered(tmp_path: Path) -> None:
    """After `kill -9` in the middle of many calls, what was answered is there, and nothing twice."""
    state = tmp_path / "state"
    command = [*PROGRAM, "--port", "0", "--seed", "7", "--api-key", "sandbox-key", "--state", str(state)]
    server = await asyncio.create_subprocess_exec(*command, stdout=PIPE)
    assert server.stdout is not None
    base_url = orjson.loads(await server.stdout.readline())["base_url"]
    answered: list[str] = []

    async def keep_joining(name: str) -> None:
        for number in range(1000):
            email = f"{name}{number}@example.com"
            try:
                await join(base_url, email)
            except aiohttp.ClientError:
                return
            answered.append(email)
            if len(answered) == 20:
                server.send_signal(signal.SIGKILL)

    async with asyncio.TaskGroup() as group:
        for name in "abcd":
            group.create_task(keep_joining(name))
    await server.wait()
    async with SandboxChild(state=state, program=PROGRAM) as child:
        emails = await emails_of(child.base_url)
    assert set(answered) <= set(emails)
    assert len(emails) == len(set(emails))
