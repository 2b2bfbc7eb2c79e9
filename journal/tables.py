"""The tables of the journal: all the SQL, over one connection, without threads and without files.

Every method but `transaction` and `part` is to be called within a transaction.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

import orjson

from ..connectors.contract import JsonObject
from ..connectors.errors import RunExists, StoreError
from ..verifier.effect import Effect
from .events import Event, EventDraft, RunStatus
from .ownership import FIRST_EPOCH, admit_change, admit_version, admit_writer, next_epoch
from .store import EffectChange, Held, Ownership, RunRow, SlotChoice
from .vault import Vault

APPLICATION_ID = 0x6D656E64  # "mend"
SCHEMA_VERSION = 3
# Tables with bodies keep their row ids: without them SQLite moves all but small rows to pages of their own.
# `number` is the row id by name. It says in which order rows were written; a clock that is set back does not.
_SCHEMA = """
CREATE TABLE runs (
  number INTEGER PRIMARY KEY, run_id TEXT NOT NULL UNIQUE, workflow TEXT NOT NULL, status TEXT NOT NULL,
  epoch INTEGER NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL, due_at TEXT,
  last_seq INTEGER NOT NULL
) STRICT;
CREATE TABLE events (
  number INTEGER PRIMARY KEY, run_id TEXT NOT NULL, seq INTEGER NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL,
  at TEXT NOT NULL, epoch INTEGER NOT NULL, body TEXT NOT NULL, UNIQUE (run_id, seq)
) STRICT;
CREATE TABLE effects (
  slot TEXT NOT NULL PRIMARY KEY, run_id TEXT NOT NULL, path TEXT NOT NULL, version INTEGER NOT NULL,
  body TEXT NOT NULL
) STRICT;
CREATE INDEX effects_of_run ON effects (run_id);
"""


def make_tables(db: sqlite3.Connection) -> None:
    """Make the tables in an empty database and mark it as a journal of this version."""
    for statement in _SCHEMA.split(";"):
        db.execute(statement)
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def last_event(db: sqlite3.Connection) -> int:
    """Return the number of the last event in the database, 0 for none."""
    return int(db.execute("SELECT coalesce(max(number), 0) FROM events").fetchone()[0])


class Tables:
    """What one can ask of the journal, over a connection in autocommit mode (`isolation_level=None`)."""

    def __init__(self, db: sqlite3.Connection, vault: Vault) -> None:
        self._db = db
        self._vault = vault

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit when the block ends, or leave everything as it was and raise."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:  # SQLite ends it by itself after some failures
                self._db.execute("ROLLBACK")
            raise

    @contextmanager
    def part(self) -> Iterator[None]:
        """Within a transaction: undo the block alone when it raises; the rest can go on."""
        self._db.execute("SAVEPOINT part")
        try:
            yield
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK TO part")
                self._db.execute("RELEASE part")
            raise
        self._db.execute("RELEASE part")

    def last_event(self) -> int:
        """Return the number of the last event of any run; whatever changes the journal writes one."""
        return last_event(self._db)

    def start_run(self, run_id: str, workflow: str, started: EventDraft) -> Ownership:
        """Record a new run with its first event and own it. Raises StoreError where there is one of that id."""
        at = started.at.isoformat()
        made = self._db.execute(
            "INSERT INTO runs VALUES (NULL, ?, ?, 'running', ?, ?, ?, NULL, 0) ON CONFLICT DO NOTHING",
            (run_id, workflow, FIRST_EPOCH, at, at),
        )
        if made.rowcount == 0:
            raise RunExists(
                f"There is a run `{run_id}` already.", help=f"`mendflow show {run_id}` says how it stands."
            )
        owner = Ownership(run_id=run_id, epoch=FIRST_EPOCH)
        self.append(owner, started)
        return owner

    def take_over(self, run_id: str, resumed: EventDraft) -> Ownership:
        """Own an existing run from now on; whoever owned it before can write no more. Raises StoreError."""
        owner = Ownership(run_id=run_id, epoch=next_epoch(self.owner_of(run_id).epoch))
        self._db.execute(
            "UPDATE runs SET epoch = ?, status = 'running', due_at = NULL WHERE run_id = ?",
            (owner.epoch, run_id),
        )
        self.append(owner, resumed)
        return owner

    def owner_of(self, run_id: str) -> Ownership:
        """Return the present ownership of a run. Raises StoreError where there is none of that id."""
        row = self._db.execute("SELECT epoch FROM runs WHERE run_id = ?", (run_id,)).fetchone()
        if row is None:
            raise StoreError(f"There is no run `{run_id}`.", help="`mendflow runs` lists them.")
        return Ownership(run_id=run_id, epoch=row[0])

    def append(self, owner: Ownership, *events: EventDraft, change: EffectChange | None = None) -> None:
        """Write events of a run, with the change of an effect that it holds. Raises LostOwnership."""
        first = self._admit(owner)
        if change is not None:
            held = self._find_effect(change.slot)
            admit_change(owner.run_id, change.slot, held.run_id if held else None)
            if held is not None:
                self._put_effect(owner.run_id, change.path, held, change.step(held.effect))
        self._write(owner, first, events)

    def begin(
        self, owner: Ownership, slot: str, path: str, choose: Callable[[Held | None], SlotChoice]
    ) -> JsonObject:
        """Let `choose` see who holds the slot and take it or not. Raises LostOwnership, or what `choose` raises."""
        first = self._admit(owner)
        held = self._find_effect(slot)
        choice = choose(held)
        if choice.effect is not None:
            self._put_effect(owner.run_id, path, held, choice.effect)
        self._write(owner, first, (choice.event,))
        return choice.claim

    def note(self, owner: Ownership, event: EventDraft, status: RunStatus, due_at: datetime | None) -> None:
        """Write an event of the run together with the run's new status. Raises LostOwnership."""
        self.append(owner, event)
        due = due_at.isoformat() if due_at else None
        self._db.execute(
            "UPDATE runs SET status = ?, due_at = ? WHERE run_id = ?", (status, due, owner.run_id)
        )

    def effects(self, run_id: str) -> list[Effect]:
        """Return the effects that this run holds."""
        query = "SELECT body FROM effects WHERE run_id = ? ORDER BY slot"
        with _readable(f"an effect of run `{run_id}`"):
            return [Effect.model_validate_json(body) for (body,) in self._db.execute(query, (run_id,))]

    def events(self, run_id: str) -> list[Event]:
        """Return all events of a run in order."""
        query = "SELECT seq, kind, key, at, epoch, body FROM events WHERE run_id = ? ORDER BY seq"
        with _readable(f"an event of run `{run_id}`"):
            return [
                Event(
                    run_id=run_id,
                    seq=seq,
                    kind=kind,
                    key=key,
                    at=datetime.fromisoformat(at),
                    epoch=epoch,
                    body=orjson.loads(body),
                )
                for seq, kind, key, at, epoch, body in self._db.execute(query, (run_id,))
            ]

    def runs(self, status: str = "") -> list[RunRow]:
        """Return the runs, last started first, optionally of one status."""
        query = (
            "SELECT run_id, workflow, status, created_at, updated_at, due_at, last_seq FROM runs"
            " WHERE ? IN ('', status) ORDER BY number DESC"
        )
        with _readable("a run"):
            return [
                RunRow(
                    run_id=run_id,
                    workflow=workflow,
                    status=status,
                    created_at=datetime.fromisoformat(created),
                    updated_at=datetime.fromisoformat(updated),
                    due_at=datetime.fromisoformat(due) if due else None,
                    events=last,
                )
                for run_id, workflow, status, created, updated, due, last in self._db.execute(
                    query, (status,)
                )
            ]

    def connections(self) -> list[str]:
        """Return the names of all connections that runs were started with."""
        query = (
            "SELECT DISTINCT one.key FROM runs"
            " JOIN events ON events.run_id = runs.run_id AND events.seq = 1,"
            " json_each(events.body, '$.connections') AS one ORDER BY one.key"
        )
        return [str(name) for (name,) in self._db.execute(query)]

    def _admit(self, owner: Ownership) -> int:
        """Return the place of the owner's next event."""
        query = "SELECT epoch, last_seq + 1 FROM runs WHERE run_id = ?"
        present, first = self._db.execute(query, (owner.run_id,)).fetchone() or (None, 0)
        admit_writer(owner.run_id, owner.epoch, present)
        return int(first)

    def _write(self, owner: Ownership, first: int, events: tuple[EventDraft, ...]) -> None:
        if not events:
            return
        for seq, event in enumerate(events, start=first):
            body = self._vault.seal(event.body)
            self._db.execute(
                "INSERT INTO events VALUES (NULL, ?, ?, ?, ?, ?, ?, ?)",
                (owner.run_id, seq, event.kind, event.key, event.at.isoformat(), owner.epoch, body),
            )
        self._db.execute(
            "UPDATE runs SET last_seq = ?, updated_at = ? WHERE run_id = ?",
            (first + len(events) - 1, events[-1].at.isoformat(), owner.run_id),
        )

    def _find_effect(self, slot: str) -> Held | None:
        query = "SELECT body, run_id, path FROM effects WHERE slot = ?"
        row = self._db.execute(query, (slot,)).fetchone()
        if row is None:
            return None
        with _readable(f"the effect `{slot}`"):
            return Held(Effect.model_validate_json(row[0]), row[1], row[2])

    def _put_effect(self, run_id: str, path: str, held: Held | None, effect: Effect) -> None:
        before = (held.effect.state, held.effect.version) if held else None
        admit_version(effect.slot, before, effect.version)
        self._db.execute(
            "INSERT INTO effects VALUES (?, ?, ?, ?, ?) ON CONFLICT (slot) DO UPDATE SET"
            " run_id = excluded.run_id, path = excluded.path, version = excluded.version, body = excluded.body",
            (effect.slot, run_id, path, effect.version, self._vault.seal(effect.model_dump(mode="json"))),
        )


@contextmanager
def _readable(what: str) -> Iterator[None]:
    """Turn what is no value of ours (a damaged page, a later program's word) into an error for people."""
    try:
        yield
    except ValueError as error:
        raise StoreError(
            f"The journal holds {what} that this program cannot read: it is damaged, or of a later program.",
            help="Use the version of mendflow that wrote it, or put back a copy of the journal.",
        ) from error
