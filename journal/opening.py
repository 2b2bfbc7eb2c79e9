"""The journal's file: made once and whole, and opened only when it is ours and nothing of it is lost.

Beside `journal.db` and SQLite's own `journal.db-wal` stands `journal.db.mark`: the number of the last event that was
promised. A journal that is missing or holds less is never taken for a new one: what it forgot would be done again.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import timedelta
from pathlib import Path

from ..connectors.errors import StoreError
from .home import alone_in
from .tables import APPLICATION_ID, SCHEMA_VERSION, last_event, make_tables

PATIENCE = timedelta(seconds=30)
"""How long to wait for another process that is writing."""
_FULL = 2  # what `PRAGMA synchronous` answers when each commit ends in an fsync
_LEAST = 512
"""Bytes of the smallest database."""

_PUT_BACK = "Put back a copy of the journal, or choose another home with `--home FOLDER`."
_REASONS = {
    sqlite3.SQLITE_BUSY: ("is held by another process", "Let that process go on, or end it; then resume."),
    sqlite3.SQLITE_FULL: ("has no more room", "Free the disk, then resume."),
    sqlite3.SQLITE_IOERR: ("could not be read or written", "See that the disk has room, then resume."),
    sqlite3.SQLITE_READONLY: ("may not be written", "Give this user the right to write it, then resume."),
    sqlite3.SQLITE_CORRUPT: ("is damaged", _PUT_BACK),
    sqlite3.SQLITE_NOTADB: ("is no SQLite file", _PUT_BACK),
}
_OTHERWISE = (
    "cannot be used",
    "See that this user may write it and its folder, or choose another home with `--home FOLDER`.",
)


def explained(path: Path, error: sqlite3.Error | OSError) -> StoreError:
    """Return what went wrong with the journal in words for people."""
    code = int(vars(error).get("sqlite_errorcode", 0))  # absent where SQLite itself was not asked
    what, advice = _REASONS.get(code & 0xFF, _OTHERWISE)
    detail = error.strerror if isinstance(error, OSError) else error
    return StoreError(f"The journal `{path}` {what}: {detail}.", help=advice)


def harden(db: sqlite3.Connection) -> None:
    """Make every commit durable, and make sure of it. Raises StoreError where the file system cannot."""
    mode = db.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    db.execute("PRAGMA synchronous = FULL")
    db.execute("PRAGMA fullfsync = ON")  # macOS: a plain fsync there stops at the drive's own memory
    level = db.execute("PRAGMA synchronous").fetchone()[0]
    if (mode, level) != ("wal", _FULL):
        raise StoreError(
            f"The journal would be kept in the mode `{mode}`, synchronous {level}, instead of `wal`, {_FULL}:"
            " its file system cannot share memory.",
            help="Choose a home on a local disk with `--home FOLDER`.",
        )


class OpenJournal:
    """An open journal, and whether it still is the file of that name."""

    def __init__(self, path: Path, db: sqlite3.Connection, mark: int) -> None:
        self.db = db
        self._path = path
        self._mark = mark
        self._paths = (path, _beside(path, "-wal"))
        self._files = self._found()

    def promise(self, last: int) -> None:
        """Vouch for what was committed up to this event, so that its loss would be seen. Raises StoreError.

        SQLite goes on in a file whose name is gone, and nobody would find there what it writes.
        """
        if self._found() != self._files:
            raise StoreError(
                f"The journal `{self._path}` was removed or replaced while it was in use.",
                help=f"Put it back together with `{self._path.name}-wal`, then resume.",
            )
        with suppress(OSError):  # a mark that stays behind sees less, and nothing wrong
            os.pwrite(self._mark, _marked(last), 0)

    def _found(self) -> list[tuple[int, int]]:
        found = []
        for path in self._paths:
            with suppress(FileNotFoundError):
                status = path.stat()
                found.append((status.st_dev, status.st_ino))
        return found


@contextmanager
def opened(path: Path, patience: timedelta = PATIENCE) -> Iterator[OpenJournal]:
    """Open the journal; make it where there never was one. Raises StoreError, leaving what is there as it is."""
    if path.is_symlink() and not path.exists():  # where a disk is not mounted
        raise StoreError(
            f"The journal `{path}` is a link to `{path.readlink()}`, which is missing.", help=_PUT_BACK
        )
    with ExitStack() as stack:
        try:
            journal = _open(path.resolve(), patience, stack)  # SQLite puts its files beside a link's target
        except (sqlite3.Error, OSError) as error:
            raise explained(path, error) from error
        yield journal


def _open(path: Path, patience: timedelta, stack: ExitStack) -> OpenJournal:
    with alone_in(path.parent):
        if not path.exists():
            _make(path, patience)
        _check(path, patience)
        db = stack.enter_context(closing(_connect(path, "mode=rw", patience)))
        harden(db)
        mark = os.open(_beside(path, ".mark"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        stack.callback(os.close, mark)
    db.execute("BEGIN IMMEDIATE")
    # SQLite opens a file that may not be written, and says so only when something is written to it.
    db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    last = last_event(db)
    db.execute("ROLLBACK")
    journal = OpenJournal(path, db, mark)
    journal.promise(last)
    return journal


def _make(path: Path, patience: timedelta) -> None:
    """Make a new journal under another name, then give it its own: it is there whole, or not at all."""
    for left in (_beside(path, ".mark"), _beside(path, "-wal"), _beside(path, "-journal")):
        if left.exists():
            raise StoreError(
                f"The journal `{path}` is missing, but was there: `{left.name}` still is.",
                help=f"Put it back together with `{path.name}-wal`, or choose another home with `--home FOLDER`.",
            )
    new = _beside(path, ".new")
    for name in ("", "-wal", "-shm", "-journal"):  # of a process that died here
        _beside(new, name).unlink(missing_ok=True)
    with closing(_connect(new, "mode=rwc", patience)) as db:
        harden(db)
        db.execute("BEGIN IMMEDIATE")
        make_tables(db)
        db.execute("COMMIT")
    _sync(new)
    new.rename(path)
    _sync(path.parent)


def _check(path: Path, patience: timedelta) -> None:
    """Look, without changing it, whether the file is a journal of this version with all that was promised."""
    if not path.is_file():
        raise StoreError(f"The journal `{path}` is no file.", help=_PUT_BACK)
    size = path.stat().st_size
    if size < _LEAST:  # SQLite would take it for a new one and delete what is beside it
        raise StoreError(f"The journal `{path}` holds only {size} bytes: it was cut off.", help=_PUT_BACK)
    promised = _promised(path)
    is_whole = not _beside(path, "-wal").exists()
    with closing(_connect(path, "immutable=1" if is_whole else "mode=ro", patience)) as db:
        _check_kind(path, db)
        last = last_event(db)
    if last < promised:
        raise StoreError(
            f"The journal `{path}` ends with event {last}, but event {promised} had been written to it: it is an"
            f" older copy, or its `{path.name}-wal` is missing or cut.",
            help=f"Put back the newest `{path.name}` with its `{path.name}-wal`. If they are lost, look up what the"
            f" last runs wrote at the vendor before you remove `{path.name}.mark` and resume.",
        )


def _check_kind(path: Path, db: sqlite3.Connection) -> None:
    (kind,) = db.execute("PRAGMA application_id").fetchone()
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if kind != APPLICATION_ID:
        rows = db.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name LIMIT 5")
        tables = ", ".join(f"`{name}`" for (name,) in rows) or "none"
        raise StoreError(
            f"The file `{path}` is no journal of mendflow: its application id is {kind}, not {APPLICATION_ID};"
            f" its tables: {tables}.",
            help="Choose another home with `--home FOLDER`.",
        )
    if version != SCHEMA_VERSION:
        age = "a later" if version > SCHEMA_VERSION else "an earlier"
        raise StoreError(
            f"The journal `{path}` has schema {version}; this program reads {SCHEMA_VERSION}.",
            help=f"Use {age} version of mendflow for it, or choose another home with `--home FOLDER`.",
        )


def _connect(path: Path, how: str, patience: timedelta) -> sqlite3.Connection:
    uri = f"{path.as_uri()}?{how}"
    return sqlite3.connect(uri, uri=True, isolation_level=None, timeout=patience.total_seconds())


def _promised(path: Path) -> int:
    try:
        text = _beside(path, ".mark").read_bytes()
    except FileNotFoundError:
        return 0
    return int(text) if text.isdigit() else 0  # cut short by a power failure


def _marked(last: int) -> bytes:
    return b"%020d" % last  # of one length, so that writing it needs no room


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(f"{path.name}{ending}")


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
