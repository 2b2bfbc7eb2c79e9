"""Homes with runs in them, written without running anything."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from mendflow.connectors.contract import JsonObject
from mendflow.journal.events import EventDraft, RunStatus
from mendflow.journal.home import Home
from mendflow.journal.sqlite import SqliteStore
from mendflow.journal.vault import Vault

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
STARTED: JsonObject = {"workflow": {"name": "trial"}, "connections": {"piggy": {}, "files": {}}, "world": {}}

Record = Callable[[str, RunStatus], None]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Return a home that is made."""
    home = Home(tmp_path / "home")
    home.prepare()
    return home


@pytest.fixture
def record(home: Home) -> Record:
    """Return what writes a run of a status into the home."""

    def write(run_id: str, status: RunStatus) -> None:
        asyncio.run(_write(home, run_id, status))

    return write


async def _write(home: Home, run_id: str, status: RunStatus) -> None:
    async with SqliteStore(home.database, Vault()) as store:
        owner = await store.start_run(run_id, "trial", EventDraft(kind="run_started", at=NOON, body=STARTED))
        if status != "running":
            kind = "run_ended" if status in {"completed", "failed"} else "run_paused"
            ended = EventDraft(kind=kind, at=NOON, body={"status": status})
            await store.note(owner, ended, status, None)
