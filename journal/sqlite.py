"""The SQLite store: one writer thread, group commit, WAL, an fsync before any promise."""

import asyncio
import fcntl
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Self, TypeVar

import orjson

from ..connectors.contract import JsonObject
from ..connectors.errors import LostOwnership, StoreError
from ..verifier.effect import Effect
from .events import Event, EventDraft, RunStatus
from .store import EffectChange, Held, Ownership, RunRow, SlotChoice
from .vault import Vault

T = TypeVar("T")

SCHEMA_VERSION = 1
_BATCH = 256
# Tables with bodies keep their row ids: without them SQLite moves all but small rows to pages of their own.
_SCHEMA = """
CREATE TABLE runs (
  run_id TEXT PRIMARY KEY, workflow TEXT NOT NULL, status TEXT NOT NULL, epoch INTEGER NOT NULL,
  created_at TEXT NOT NULL, updated_at TEXT NOT NULL, due_at TEXT, last_seq INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE events (
  run_id TEXT NOT NULL, seq INTEGER NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL,
  at TEXT NOT NULL, epoch INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (run_id, seq)
) STRICT;
CREATE TABLE effects (
  slot TEXT NOT NULL PRIMARY KEY, run_id TEXT NOT NULL, path TEXT NOT NULL, version INTEGER NOT NULL,
  body TEXT NOT NULL
) STRICT;
CREATE INDEX effects_of_run ON effects (run_id);
"""


class SqliteStore:
    """The journal in one SQLite file. Many runs share a commit; nothing blocks the event loop."""

    def __init__(self, path: Path, vault: Vault) -> None:
        self._path = path
        self._vault = vault
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="mendflow-journal", daemon=True)
        self._opened: asyncio.Future[None] | None = None
        self._failures: dict[str, BaseException] = {}
        """By run: why a write that nobody waited for failed; nothing of that run is written after it."""

    async def __aenter__(self) -> Self:
        """Open the file, making or checking its schema. Raises StoreError."""
        self._loop = asyncio.get_running_loop()
        self._opened = self._loop.create_future()
        self._thread.start()
        await self._opened
        return self

    async def __aexit__(self, *_: object) -> None:
        """Write what is still buffered, then close."""
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)

    # the five things one can ask of a store -------------------------------------------------------------

    async def start_run(self, run_id: str, workflow: str, started: EventDraft) -> Ownership:
        """Record a new run with its first event and own it."""

        def make(db: sqlite3.Connection) -> Ownership:
            at = started.at.isoformat()
            db.execute(
                "INSERT INTO runs VALUES (?, ?, 'running', 1, ?, ?, NULL, 0)", (run_id, workflow, at, at)
            )
            owner = Ownership(run_id=run_id, epoch=1)
            self._write(db, owner, (started,))
            return owner

        return await self._ask(make)

    async def take_over(self, run_id: str, resumed: EventDraft) -> Ownership:
        """Own an existing run from now on; whoever owned it before can write no more."""

        def take(db: sqlite3.Connection) -> Ownership:
            row = db.execute(
                "UPDATE runs SET epoch = epoch + 1, status = 'running' WHERE run_id = ? RETURNING epoch",
                (run_id,),
            ).fetchone()
            if row is None:
                raise StoreError(f"There is no run `{run_id}`.", help="`mendflow runs` lists them.")
            owner = Ownership(run_id=run_id, epoch=row[0])
            self._failures.pop(run_id, None)  # what another owner could not write is not ours to answer for
            self._write(db, owner, (resumed,))
            return owner

        return await self._ask(take)

    async def owner_of(self, run_id: str) -> Ownership:
        """Return the present ownership of a run that nobody is running: hold its lock. Raises StoreError."""

        def find(db: sqlite3.Connection) -> Ownership:
            row = db.execute("SELECT epoch FROM runs WHERE run_id = ?", (run_id,)).fetchone()
            if row is None:
                raise StoreError(f"There is no run `{run_id}`.", help="`mendflow runs` lists them.")
            return Ownership(run_id=run_id, epoch=row[0])

        return await self._ask(find)

    async def append(self, owner: Ownership, *events: EventDraft) -> None:
        """Write events in one transaction; on disk when this returns. Raises LostOwnership."""
        await self._ask(lambda db: self._write(db, owner, events), owner.run_id)

    def post(self, owner: Ownership, *events: EventDraft, change: EffectChange | None = None) -> None:
        """Write in order, together with a change of an effect, but do not wait.

        A failure stops all later writing of the run and is raised by the next call that waits.
        """

        def put(db: sqlite3.Connection) -> None:
            if change is not None:
                held = self._find_effect(db, change.slot)
                if held is None or held.run_id != owner.run_id:
                    raise LostOwnership(
                        f"The effect `{change.slot}` belongs to another run.",
                        help="Resume this run to see why.",
                    )
                self._put_effect(db, owner.run_id, change.path, change.step(held.effect))
            self._write(db, owner, events)

        self._jobs.put(_Job(put, None, owner.run_id))

    async def begin(
        self, owner: Ownership, slot: str, path: str, choose: Callable[[Held | None], SlotChoice]
    ) -> JsonObject:
        """Let `choose` see who holds the slot and take it or not, in one transaction that is on disk on return."""

        def take(db: sqlite3.Connection) -> JsonObject:
            choice = choose(self._find_effect(db, slot))
            if choice.effect is not None:
                self._put_effect(db, owner.run_id, path, choice.effect)
            self._write(db, owner, (choice.event,))
            return choice.claim

        return await self._ask(take, owner.run_id)

    async def note(
        self, owner: Ownership, event: EventDraft, status: RunStatus, due_at: datetime | None
    ) -> None:
        """Write an event of the run together with the run's new status."""

        def mark(db: sqlite3.Connection) -> None:
            self._write(db, owner, (event,))
            due = due_at.isoformat() if due_at else None
            db.execute("UPDATE runs SET status = ?, due_at = ? WHERE run_id = ?", (status, due, owner.run_id))

        await self._ask(mark, owner.run_id)

    async def effects(self, run_id: str) -> list[Effect]:
        """Return the effects that this run holds."""
        query = "SELECT body FROM effects WHERE run_id = ? ORDER BY slot"
        return await self._ask(
            lambda db: [Effect.model_validate_json(row[0]) for row in db.execute(query, (run_id,))]
        )

    async def events(self, run_id: str) -> list[Event]:
        """Return all events of a run in order."""
        query = "SELECT seq, kind, key, at, epoch, body FROM events WHERE run_id = ? ORDER BY seq"

        def read(db: sqlite3.Connection) -> list[Event]:
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
                for seq, kind, key, at, epoch, body in db.execute(query, (run_id,))
            ]

        return await self._ask(read)

    async def runs(self, status: str = "") -> list[RunRow]:
        """Return the runs, newest first, optionally of one status."""
        query = (
            "SELECT run_id, workflow, status, created_at, updated_at, due_at, last_seq FROM runs"
            " WHERE ? IN ('', status) ORDER BY created_at DESC, run_id"
        )

        def read(db: sqlite3.Connection) -> list[RunRow]:
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
                for run_id, workflow, status, created, updated, due, last in db.execute(query, (status,))
            ]

        return await self._ask(read)

    # within the writer thread ---------------------------------------------------------------------------

    def _write(
        self,
        db: sqlite3.Connection,
        owner: Ownership,
        events: Sequence[EventDraft],
    ) -> None:
        at = events[-1].at.isoformat() if events else None
        row = db.execute(
            "UPDATE runs SET last_seq = last_seq + ?, updated_at = coalesce(?, updated_at)"
            " WHERE run_id = ? AND epoch = ? RETURNING last_seq",
            (len(events), at, owner.run_id, owner.epoch),
        ).fetchone()
        if row is None:
            raise LostOwnership(
                f"Run `{owner.run_id}` was taken over by another process.", help="Let that process finish it."
            )
        for seq, event in enumerate(events, start=row[0] - len(events) + 1):
            db.execute(
                "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    owner.run_id,
                    seq,
                    event.kind,
                    event.key,
                    event.at.isoformat(),
                    owner.epoch,
                    self._vault.seal(event.body),
                ),
            )

    def _find_effect(self, db: sqlite3.Connection, slot: str) -> Held | None:
        row = db.execute("SELECT body, run_id, path FROM effects WHERE slot = ?", (slot,)).fetchone()
        return Held(Effect.model_validate_json(row[0]), row[1], row[2]) if row else None

    def _put_effect(self, db: sqlite3.Connection, run_id: str, path: str, effect: Effect) -> None:
        body: JsonObject = effect.model_dump(mode="json")
        db.execute(
            "INSERT INTO effects VALUES (?, ?, ?, ?, ?) ON CONFLICT (slot) DO UPDATE SET"
            " run_id = excluded.run_id, path = excluded.path, version = excluded.version, body = excluded.body",
            (effect.slot, run_id, path, effect.version, self._vault.seal(body)),
        )

    async def _ask(self, job: Callable[[sqlite3.Connection], T], run_id: str = "") -> T:
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._jobs.put(_Job(job, done, run_id))
        return await done

    def _work(self) -> None:
        try:
            db = _connect(self._path)
        except (sqlite3.Error, StoreError, OSError) as error:
            self._report_open(error)
            return
        self._report_open(None)
        while (first := self._jobs.get()) is not None:
            batch, last = self._drain(first)
            self._commit(db, batch)
            if last:
                break
        db.close()

    def _drain(self, first: "_Job") -> tuple[list["_Job"], bool]:
        batch = [first]
        while len(batch) < _BATCH:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return batch, False
            if job is None:
                return batch, True
            batch.append(job)
        return batch, False

    def _commit(self, db: sqlite3.Connection, batch: list["_Job"]) -> None:
        results: list[tuple[_Job, object, BaseException | None]] = []
        try:
            db.execute("BEGIN IMMEDIATE")
            results.extend([self._run(db, job) for job in batch])
            db.execute("COMMIT")
        except sqlite3.Error as error:
            if db.in_transaction:
                db.execute("ROLLBACK")
            broken = StoreError(
                f"The journal `{self._path}` could not be written: {error}.",
                help="Free the disk or the file, then resume.",
            )
            results = [(job, None, broken) for job in batch]
        for job, result, failure in results:
            if job.done is None:
                if failure is not None:
                    self._failures.setdefault(job.run_id, failure)
            else:
                job.done.get_loop().call_soon_threadsafe(_resolve, job.done, result, failure)

    def _run(self, db: sqlite3.Connection, job: "_Job") -> tuple["_Job", object, BaseException | None]:
        if job.run_id in self._failures:
            return job, None, self._failures[job.run_id]
        db.execute("SAVEPOINT job")
        try:
            result = job.work(db)
        except sqlite3.Error:
            raise
        except Exception as failure:  # noqa: BLE001  # handed to whoever asked; the batch of the others goes on
            db.execute("ROLLBACK TO job")
            if job.done is None:  # nobody waits for it, so nothing of its run may be written after it
                self._failures[job.run_id] = failure
            return job, None, failure
        finally:
            db.execute("RELEASE job")
        return job, result, None

    def _report_open(self, error: BaseException | None) -> None:
        failure = None
        if error is not None:
            failure = (
                error
                if isinstance(error, StoreError)
                else StoreError(
                    f"The journal `{self._path}` cannot be opened: {error}.",
                    help="Choose another home with `--home FOLDER`, or move the file away.",
                )
            )
        if self._opened is not None:
            self._loop.call_soon_threadsafe(_resolve, self._opened, None, failure)


class _Job:
    """Work for the writer thread, and who waits for it."""

    __slots__ = ("done", "run_id", "work")

    def __init__(
        self, work: Callable[[sqlite3.Connection], object], done: "asyncio.Future[Any] | None", run_id: str
    ) -> None:
        self.work = work
        self.done = done
        self.run_id = run_id


def _resolve(done: "asyncio.Future[Any]", result: object, failure: BaseException | None) -> None:
    if done.done():
        return
    if failure is not None:
        done.set_exception(failure)
    else:
        done.set_result(result)


def _connect(path: Path) -> sqlite3.Connection:
    # One process at a time: where two turn a new file to WAL, SQLite tells one at once that it is locked.
    with path.with_name(f"{path.name}.lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        db = sqlite3.connect(path, isolation_level=None, timeout=30)
        try:
            _prepare(db, path)
        except BaseException:
            db.close()
            raise
    return db


def _prepare(db: sqlite3.Connection, path: Path) -> None:
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version == 0:
        db.execute("BEGIN IMMEDIATE")
        if db.execute("PRAGMA user_version").fetchone()[0] == 0:
            for statement in _SCHEMA.split(";"):
                if statement.strip():
                    db.execute(statement)
            db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        db.execute("COMMIT")
    elif version != SCHEMA_VERSION:
        raise StoreError(
            f"The journal `{path}` has schema {version}; this program reads {SCHEMA_VERSION}.",
            help="Use the version of mendflow that wrote it, or another home.",
        )
