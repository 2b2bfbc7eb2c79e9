"""Homes with runs in them, written without running anything."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import pytest
from mendflow.connectors.contract import JsonObject
from mendflow.journal.events import EventDraft, RunStatus
from mendflow.journal.home import Home
from mendflow.journal.sqlite import SqliteStore
from mendflow.journal.vault import Vault

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
PLAN = """
apiVersion: mendflow/v1
kind: Workflow
metadata: {name: trial, version: 1.0.0}
connections:
  files: {connector: files}
  piggy: {connector: piggy, credential: {env: PIGGY_API_KEY}}
steps:
  rows: {call: files.csv.read, with: {path: rows.csv}}
"""
STARTED: JsonObject = {
    "workflow": {"name": "trial", "file": "trial.yaml"},
    "files": {"trial.yaml": PLAN},
    "connections": {
        "files": {"name": "files", "connector": "files"},
        "piggy": {"name": "piggy", "connector": "piggy", "credential": {"env": "PIGGY_API_KEY"}},
    },
    "inputs": {},
}


class Record(Protocol):
    """Writes a run of a status into the home."""

    def __call__(self, run_id: str, status: RunStatus, world: JsonObject | None = None) -> None:
        """Write it; `world` is what its sandbox was."""
        ...


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Return a home that is made."""
    home = Home(tmp_path / "home")
    home.prepare()
    return home


@pytest.fixture
def record(home: Home) -> Record:
    """Return what writes a run of a status into the home."""

    def write(run_id: str, status: RunStatus, world: JsonObject | None = None) -> None:
        asyncio.run(_write(home, run_id, status, {**STARTED, "world": world or {}}))

    return write


async def _write(home: Home, run_id: str, status: RunStatus, started: JsonObject) -> None:
    async with SqliteStore(home.database, Vault()) as store:
        owner = await store.start_run(run_id, "trial", EventDraft(kind="run_started", at=NOON, body=started))
        if status != "running":
            kind = "run_ended" if status in {"completed", "failed"} else "run_paused"
            ended = EventDraft(kind=kind, at=NOON, body={"status": status})
            await store.note(owner, ended, status, None)
