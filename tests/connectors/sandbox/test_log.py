"""The state file: restarts, crashes, torn lines, one owner."""

import asyncio
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import orjson
import pytest
from mendflow.connectors.clock import VirtualClock
from mendflow.connectors.errors import InvalidUse
from mendflow.connectors.sandbox.account import SHOP_UUID
from mendflow.connectors.sandbox.faults import parse_fault
from mendflow.connectors.sandbox.log import open_log
from mendflow.connectors.sandbox.server import SandboxSettings, open_sandbox
from mendflow.connectors.sandbox.world import LONGEST_DELAY, Command

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
JOIN = Command(operation="contacts.find_or_create", arguments={"email": "ada@example.com"}, at=START)


async def fill(path: Path, *commands: Command) -> None:
    """Write commands to a state file."""
    async with await open_log(path, seed=7, clock=VirtualClock(START)) as log:
        for command in commands:
            log.append(command)
        await log.settle()


async def read(path: Path) -> tuple[Command, ...]:
    """Return the commands of a state file."""
    async with await open_log(path, seed=7, clock=VirtualClock(START)) as log:
        return log.commands


async def test_commands_come_back_in_order(tmp_path: Path) -> None:
    """What was written is read again, through several openings."""
    other = JOIN.model_copy(update={"arguments": {"email": "bob@example.com", "n": 1.5}})
    await fill(tmp_path / "state", JOIN)
    await fill(tmp_path / "state", other)
    assert await read(tmp_path / "state") == (JOIN, other)


@pytest.mark.parametrize("lost", [1, 2, 30])
async def test_a_torn_last_line_is_cut_off(tmp_path: Path, lost: int) -> None:
    """A line without its end counts as never written, and the file is whole afterwards."""
    path = tmp_path / "state"
    await fill(path, JOIN, JOIN)
    os.truncate(path, path.stat().st_size - lost)
    assert await read(path) == (JOIN,)
    await fill(path, JOIN)
    assert await read(path) == (JOIN, JOIN)


async def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    """A line in the middle that is no command stops the start, with its number."""
    path = tmp_path / "state"
    await fill(path, JOIN)
    path.write_bytes(b"oops\n" + path.read_bytes())
    with pytest.raises(InvalidUse, match="line 1 of the state file"):
        await read(path)


async def test_one_owner_at_a_time(tmp_path: Path) -> None:
    """A second owner waits five seconds for the first to go, then says which process holds the file."""
    path, clock = tmp_path / "state", VirtualClock(START)
    async with await open_log(path, seed=7, clock=clock):
        with pytest.raises(InvalidUse, match=f"in use by process {os.getpid()}"):
            await open_log(path, seed=7, clock=clock)
    assert sum(clock.slept, timedelta()) == timedelta(seconds=5)
    assert await read(path) == ()


async def test_another_seed_is_refused(tmp_path: Path) -> None:
    """A state file belongs to the seed with which it was begun."""
    await fill(tmp_path / "state", JOIN)
    with pytest.raises(InvalidUse, match="was begun with seed 7, not with 8"):
        await open_log(tmp_path / "state", seed=8, clock=VirtualClock(START))


async def test_a_file_that_cannot_be_opened_is_invalid(tmp_path: Path) -> None:
    """A folder is no state file."""
    with pytest.raises(InvalidUse, match="cannot be opened"):
        await open_log(tmp_path, seed=7, clock=VirtualClock(START))


async def test_a_restart_finds_the_same_world_and_key(tmp_path: Path) -> None:
    """Effects, scheduled jobs and the rotated key survive; faults that were armed do not."""
    state, key_file = tmp_path / "state", tmp_path / "key"
    faults = (parse_fault("unauthorized@shops.list"), parse_fault("lost_reply@shops.list"))
    settings = SandboxSettings(state=state, key_file=key_file, faults=faults)
    clock = VirtualClock(START)
    async with open_sandbox(settings, clock, asyncio.Event()) as first:
        await get(first.base_url, "/contacts/find-or-create?email=ada@example.com", "sandbox-key")
        await get(first.base_url, "/shops", "sandbox-key")
        truth = await truth_of(first.base_url)
    key_file.unlink()
    again = SandboxSettings(state=state, key_file=key_file)
    async with open_sandbox(again, clock, asyncio.Event()) as second:
        assert await truth_of(second.base_url) == truth
        assert second.api_key.get_secret_value() == key_file.read_text().strip()
        assert second.api_key.get_secret_value() != "sandbox-key"
        shops = orjson.loads(await get(second.base_url, "/shops", second.api_key.get_secret_value()))
    assert shops["data"][0]["uuid"] == SHOP_UUID


@pytest.mark.parametrize(
    ("waited", "created"), [(LONGEST_DELAY, 1), (LONGEST_DELAY / 2, 0)], ids=["due", "travelling"]
)
async def test_a_late_request_is_written_down_when_it_takes_place(
    tmp_path: Path, waited: timedelta, created: int
) -> None:
    """One that was due before the sandbox ended is there again after it; one that still travelled is lost."""
    state, clock = tmp_path / "state", VirtualClock(START)
    settings = SandboxSettings(state=state, faults=(parse_fault("late@contacts.create_anonymous"),))
    async with open_sandbox(settings, clock, asyncio.Event()) as first:
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await post(first.base_url, "/contacts/anonymous", "sandbox-key")
        await clock.sleep(waited)
        truth = orjson.loads(await truth_of(first.base_url))
    await clock.sleep(LONGEST_DELAY)
    async with open_sandbox(SandboxSettings(state=state), clock, asyncio.Event()) as second:
        again = orjson.loads(await truth_of(second.base_url))
    assert (truth["counts"].get("contacts.create_anonymous", 0), len(truth["late"])) == (created, 1 - created)
    assert again == truth | {"late": []}
    assert len(await read(state)) == created


async def test_a_file_of_another_version_is_refused(tmp_path: Path) -> None:
    """A command that cannot be applied stops the start instead of giving another world."""
    path = tmp_path / "state"
    await fill(path, JOIN.model_copy(update={"operation": "contacts.teleport"}))
    with pytest.raises(InvalidUse, match="cannot apply"):
        async with open_sandbox(SandboxSettings(state=path), VirtualClock(START), asyncio.Event()):
            pass


async def get(base_url: str, path: str, key: str) -> bytes:
    """Make one call."""
    url = f"{base_url}/api/v3/oauth/clients{path}"
    headers = {"Authorization": f"Bearer {key}"}
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as response:
        return await response.read()


async def post(base_url: str, path: str, key: str) -> bytes:
    """Make one call that no client repeats unasked."""
    url = f"{base_url}/api/v3/oauth/clients{path}"
    headers = {"Authorization": f"Bearer {key}"}
    async with aiohttp.ClientSession() as session, session.post(url, headers=headers) as response:
        return await response.read()


async def truth_of(base_url: str) -> bytes:
    """Return the ground truth."""
    async with aiohttp.ClientSession() as session, session.get(f"{base_url}/__sandbox__/state") as response:
        return await response.read()
