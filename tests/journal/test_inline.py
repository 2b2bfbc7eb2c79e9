"""The store without a thread: each job in its own transaction, and nothing after a failure that nobody heard of."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime

import pytest
from mendflow.connectors.errors import LostOwnership, StoreError
from mendflow.journal.events import EventDraft
from mendflow.journal.inline import AtOnce, InlineStore
from mendflow.journal.store import Ownership
from mendflow.journal.tables import Tables, make_tables
from mendflow.journal.vault import Vault

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def draft(key: str) -> EventDraft:
    """Return an event to write."""
    return EventDraft(kind="step_ended", key=key, at=NOON, body={"status": "done"})


@pytest.fixture
def store() -> Iterator[InlineStore]:
    """Return a store over an empty database."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        make_tables(db)
        tables = Tables(db, Vault())
        yield InlineStore(tables, AtOnce(tables))


async def test_what_is_written_is_there(store: InlineStore) -> None:
    """Waited for or not, events stand in the order in which they were written."""
    owner = await store.start_run("r", "w", EventDraft(kind="run_started", at=NOON, body={}))
    store.post(owner, draft("a#1:end:0"))
    await store.append(owner, draft("b#1:end:0"))
    await store.note(owner, EventDraft(kind="run_ended", at=NOON, body={}), "completed", None)
    assert [event.key for event in await store.events("r")] == ["", "a#1:end:0", "b#1:end:0", ""]
    assert [(row.run_id, row.status) for row in await store.runs()] == [("r", "completed")]
    assert (await store.owner_of("r"), await store.effects("r")) == (owner, [])


async def test_a_failed_ask_undoes_itself_alone(store: InlineStore) -> None:
    """Whoever asked is told, and the next job goes on."""
    owner = await store.start_run("r", "w", EventDraft(kind="run_started", at=NOON, body={}))
    with pytest.raises(StoreError):
        await store.start_run("r", "w", EventDraft(kind="run_started", at=NOON, body={}))
    await store.append(owner, draft("a#1:end:0"))
    assert len(await store.events("r")) == 2


async def test_nothing_is_written_after_a_lost_post(store: InlineStore) -> None:
    """A failure of what nobody waited for is raised at the next job, and stops all that follow."""
    owner = await store.start_run("r", "w", EventDraft(kind="run_started", at=NOON, body={}))
    stranger = Ownership(run_id="nobody", epoch=1)
    store.post(stranger, draft("a#1:end:0"))
    store.post(owner, draft("b#1:end:0"))
    with pytest.raises(LostOwnership, match="nobody"):
        await store.append(owner, draft("c#1:end:0"))
