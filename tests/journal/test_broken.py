"""Journals that are damaged, foreign, lost, or on a disk that refuses: each is told plainly, and nothing is lost."""

import asyncio
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
from mendflow.connectors.errors import StoreError
from mendflow.journal.events import EventDraft
from mendflow.journal.opening import harden, opened
from mendflow.journal.sqlite import SqliteStore
from mendflow.journal.store import Ownership
from mendflow.journal.tables import APPLICATION_ID, SCHEMA_VERSION, Tables
from mendflow.journal.vault import Vault

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
STARTED = EventDraft(kind="run_started", at=NOON, body={})
RESUMED = EventDraft(kind="run_resumed", at=NOON, body={})

_HEAD = """
import asyncio, os, resource, signal, sys
from datetime import UTC, datetime
from pathlib import Path
import orjson
from mendflow.connectors.errors import StoreError
from mendflow.journal.events import EventDraft
from mendflow.journal.opening import opened
from mendflow.journal.sqlite import SqliteStore
from mendflow.journal.store import SlotChoice
from mendflow.journal.tables import Tables
from mendflow.journal.vault import Vault

PATH = Path(sys.argv[1])

def event(number, kind="fact_recorded", size=0):
    body = {"n": number, "ballast": "x" * size}
    return EventDraft(kind=kind, key=str(number), at=datetime(2026, 3, 1, 12, 0, tzinfo=UTC), body=body)
"""
_DYING = """
async def main():
    async with SqliteStore(PATH, Vault()) as store:
        owner = await store.start_run("r", "w", event(0, "run_started"))
        for number in range(1, int(sys.argv[2])):
            await store.append(owner, event(number))
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""
_UNPRIVILEGED = """
if os.getuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
try:
    with opened(PATH):
        print("opened")
except StoreError as error:
    print(error.message, error.help)
"""
_FULL_WHILE_RUNNING = """
def limit(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

async def told(asked):
    try:
        await asked
    except StoreError as error:
        return error.message
    return ""

async def main():
    async with SqliteStore(PATH, Vault()) as store:
        owner = await store.start_run("r", "w", event(0, "run_started"))
        limit(int(sys.argv[2]))
        promised, first = 0, ""
        while not first:
            store.post(owner, event(promised + 1, size=3000))
            first = await told(store.append(owner, event(promised + 2, size=3000)))
            promised += 0 if first else 2
        limit(resource.RLIM_INFINITY)
        choice = SlotChoice({"standing": "mine"}, None, event(-1, "intent_written"))
        later = [
            await told(store.begin(owner, "s", "p", lambda _: choice)),
            await told(store.append(owner, event(-2))),
        ]
        other = await store.start_run("q", "w", event(0, "run_started"))
        await store.append(other, event(1))
        numbers = [one.body["n"] for one in await store.events("r")]
        mended = await store.take_over("r", event(-3, "run_resumed"))
        await store.append(mended, event(-4))
    print(orjson.dumps([promised, first, later, numbers]).decode())

asyncio.run(main())
"""
_FULL_AT_OPENING = """
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
try:
    with opened(PATH):
        print("opened")
except StoreError as error:
    print(error.message, error.help)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
with opened(PATH):
    print("opened")
"""
_MORTAL = """
WATCHED = {"close", "execute", "fsync", "pwrite", "rename", "unlink"}

def live(path, told, deaths):
    def watch(frame, kind, what):
        nonlocal deaths
        if kind == "c_call" and what.__name__ in WATCHED:
            deaths -= 1
            if deaths < 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(watch)
    for number in range(2):
        with opened(path) as journal:
            tables = Tables(journal.db, Vault())
            with tables.transaction():
                owner = tables.take_over("r", event(0)) if number else tables.start_run("r", "w", event(0))
                last = tables.last_event()
            journal.promise(last)
            os.write(told, bytes([last]))

def outlive(path, deaths):
    told, tell = os.pipe()
    child = os.fork()
    if child == 0:
        live(path, tell, deaths)
        os._exit(0)
    os.close(tell)
    _, status = os.waitpid(child, 0)
    promised = (b"\\0" + os.read(told, 100))[-1]
    os.close(told)
    with opened(path) as journal:
        tables = Tables(journal.db, Vault())
        with tables.transaction():
            assert tables.last_event() >= promised, (deaths, promised)
            tables.start_run("q", "w", event(0))
            last = tables.last_event()
        journal.promise(last)
    left = {one.name for one in path.parent.iterdir()} - {"journal.db", "journal.db.mark"}
    assert not left, (deaths, left)
    return os.WIFSIGNALED(status)

deaths = 0
while True:
    folder = PATH / str(deaths)
    folder.mkdir()
    if not outlive(folder / "journal.db", deaths):
        break
    deaths += 1
print(deaths)
"""


def _event(number: int) -> EventDraft:
    return EventDraft(kind="fact_recorded", key=f"k#{number}:call:0", at=NOON, body={"n": number})


def _command(script: str, *arguments: object) -> list[str]:
    return [sys.executable, "-c", _HEAD + script, *map(str, arguments)]


def _said(script: str, *arguments: object) -> str:
    """Run a script in a process of its own and return what it said."""
    return subprocess.run(_command(script, *arguments), check=True, capture_output=True, text=True).stdout


@asynccontextmanager
async def _store(path: Path) -> AsyncIterator[SqliteStore]:
    async with SqliteStore(path, Vault()) as store:
        yield store


async def _numbers(path: Path) -> list[object]:
    async with _store(path) as store:
        return [one.body.get("n") for one in await store.events("r")]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the journal is to be."""
    return tmp_path / "journal.db"


@pytest.fixture(scope="module")
def grave(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a journal of five events whose only process was killed before SQLite tidied up."""
    path = tmp_path_factory.mktemp("grave") / "journal.db"
    with subprocess.Popen(_command(_DYING, path, 5)) as writer:
        assert writer.wait() == -signal.SIGKILL
    return path


@pytest.fixture
def died(grave: Path, path: Path) -> Path:
    """Return such a journal to work on."""
    for one in grave.parent.iterdir():
        shutil.copy(one, path.parent)
    assert sorted(_bytes_in(path.parent)) == ["journal.db", "journal.db-wal", "journal.db.mark"]
    return path


@pytest.fixture
def closed(died: Path) -> Path:
    """Return the same journal, tidied up by a process that came later."""
    with opened(died):
        pass
    assert sorted(_bytes_in(died.parent)) == ["journal.db", "journal.db.mark"]
    return died


def _wal(path: Path) -> Path:
    return path.with_name("journal.db-wal")


def _mark(path: Path) -> Path:
    return path.with_name("journal.db.mark")


def _bytes_in(folder: Path) -> dict[str, bytes]:
    return {one.name: one.read_bytes() for one in folder.iterdir() if not one.name.endswith("-shm")}


def _refused(path: Path, message: str, advice: str) -> None:
    """Demand that opening is refused in these words, and leaves every file as it was."""
    before = _bytes_in(path.parent)
    with pytest.raises(StoreError, match=message) as caught, opened(path):
        pass
    assert str(path) in caught.value.message
    assert advice in caught.value.help
    assert _bytes_in(path.parent) == before


# what is there is no journal of ours --------------------------------------------------------------------


def test_a_text_is_no_journal(path: Path) -> None:
    """A file of another kind is named as such."""
    path.write_text("this is no database, whatever its name says" * 100)
    _refused(path, "is no SQLite file", "Put back a copy")


def test_a_folder_is_no_journal(path: Path) -> None:
    """A folder of that name is named as such."""
    path.mkdir()
    with pytest.raises(StoreError, match="is no file"), opened(path):
        pass


def test_an_empty_file_is_no_new_journal(path: Path) -> None:
    """A journal is never empty, so an empty file is one that was lost."""
    path.touch()
    _refused(path, "holds only 0 bytes: it was cut off", "Put back a copy")


@pytest.mark.parametrize("kept", ["DELETE", "WAL"])
@pytest.mark.parametrize("version", [0, SCHEMA_VERSION])
def test_another_application_keeps_its_file(path: Path, kept: str, version: int) -> None:
    """A database without our mark is not given our tables, whatever its version, even while it is in use."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute(f"PRAGMA journal_mode = {kept}")
        db.execute(f"PRAGMA user_version = {version}")
        for name in ("orders", "customers"):
            db.execute(f"CREATE TABLE {name} (id)")
        _refused(
            path, "application id is 0, not 1835363940; its tables: `customers`, `orders`", "another home"
        )
    _refused(path, "is no journal of mendflow", "another home")


@pytest.mark.parametrize(
    ("version", "advice"),
    [(SCHEMA_VERSION + 1, "Use a later version of mendflow"), (1, "Use an earlier version of mendflow")],
)
def test_a_journal_of_another_version_is_kept(closed: Path, version: int, advice: str) -> None:
    """Both versions are named, and which program reads it."""
    with closing(sqlite3.connect(closed)) as db:
        db.execute(f"PRAGMA user_version = {version}")
    _refused(closed, f"has schema {version}; this program reads {SCHEMA_VERSION}", advice)


# a journal that lost something --------------------------------------------------------------------------


def test_a_missing_journal_is_not_begun_anew(closed: Path) -> None:
    """Where a journal was, its mark says so; put back, it is good again."""
    closed.rename(closed.with_name("elsewhere"))
    with (
        pytest.raises(StoreError, match=r"is missing, but was there: `journal.db.mark` still is"),
        opened(closed),
    ):
        pass
    assert sorted(_bytes_in(closed.parent)) == ["elsewhere", "journal.db.mark"]
    closed.with_name("elsewhere").rename(closed)
    assert asyncio.run(_numbers(closed)) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("loss", ["unlink", "empty"])
def test_a_lost_journal_does_not_take_its_log_along(died: Path, loss: str) -> None:
    """SQLite would delete the log of a missing or empty database; it stays, whether there is a mark or not."""
    whole = died.read_bytes()
    for marked in (True, False):
        if not marked:
            _mark(died).unlink()
        if loss == "unlink":
            died.unlink(missing_ok=True)
        else:
            os.truncate(died, 0)
        _refused(died, "is missing, but was there" if loss == "unlink" else "holds only 0 bytes", "Put ")
    died.write_bytes(whole)
    assert asyncio.run(_numbers(died)) == [0, 1, 2, 3, 4]


def test_a_link_to_nowhere_is_no_new_journal(path: Path) -> None:
    """Where the link leads to a disk that is not mounted, nothing is made; where it leads to a journal, that is."""
    target = path.parent / "mounted" / "journal.db"
    path.symlink_to(target)
    with pytest.raises(StoreError, match=r"is a link to .*, which is missing"), opened(path):
        pass
    target.parent.mkdir()
    with opened(target):
        pass
    with opened(path) as journal:
        assert Tables(journal.db, Vault()).last_event() == 0
    assert sorted(_bytes_in(target.parent)) == ["journal.db", "journal.db.mark"]


def test_a_lost_log_is_seen(died: Path) -> None:
    """Without the log that a killed process left, promised events are missing; with it they are there."""
    kept = _wal(died).rename(died.with_name("kept"))
    _refused(
        died,
        "ends with event 0, but event 5 had been written to it: .* missing or cut",
        "Put back the newest",
    )
    kept.rename(_wal(died))
    assert asyncio.run(_numbers(died)) == [0, 1, 2, 3, 4]


def test_a_cut_log_is_seen(died: Path) -> None:
    """Cut within the last promised commit, the log is kept for whoever can mend it; a person may go on without."""
    os.truncate(_wal(died), _wal(died).stat().st_size - 100)
    _refused(died, "ends with event 4, but event 5", "look up what the last runs wrote at the vendor")
    _mark(died).unlink()
    assert asyncio.run(_numbers(died)) == [0, 1, 2, 3]


def test_a_torn_end_of_the_log_is_no_loss(died: Path) -> None:
    """What stands behind the last commit was never promised: the journal opens with all that was, and goes on."""
    frame = 24 + 4096  # of the log: a header, then a page
    with _wal(died).open("ab") as log:
        log.write(_wal(died).read_bytes()[-frame:][: frame // 2])
    assert asyncio.run(_numbers(died)) == [0, 1, 2, 3, 4]
    with opened(died) as journal:
        tables = Tables(journal.db, Vault())
        with tables.transaction():
            assert tables.take_over("r", RESUMED) == Ownership(run_id="r", epoch=2)
        assert tables.last_event() == 6


def test_an_older_copy_is_seen(closed: Path) -> None:
    """A copy from before the last runs would let them happen again; a mark that a power failure cut says nothing."""
    older = closed.read_bytes()
    with opened(closed) as journal:
        tables = Tables(journal.db, Vault())
        with tables.transaction():
            tables.take_over("r", RESUMED)
        journal.promise(tables.last_event())
    closed.write_bytes(older)
    _refused(
        closed,
        "ends with event 5, but event 6 had been written to it: it is an older copy",
        "Put back the newest",
    )
    _mark(closed).write_bytes(b"\0" * 20)
    assert asyncio.run(_numbers(closed)) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("size", [1, 50, 511, 512, 4096, 5000, 8192])
def test_a_journal_that_was_cut_is_seen(closed: Path, size: int) -> None:
    """However much of the file is left, it is not taken for a journal."""
    os.truncate(closed, size)
    _refused(closed, "is damaged" if size >= 512 else f"holds only {size} bytes", "Put back a copy")


def test_a_damaged_page_is_told_when_it_is_met(closed: Path) -> None:
    """Damage within is told to whoever asks for it."""
    text = bytearray(closed.read_bytes())
    for page in range(4096, len(text), 4096):  # all but the first, which says what the file is
        text[page : page + 100] = b"\xff" * 100
    closed.write_bytes(text)
    _refused(closed, "is damaged: database disk image is malformed", "Put back a copy")


async def test_damage_that_is_met_later_is_told_then(closed: Path) -> None:
    """A page that nobody needs at the opening is damaged: whoever reads it or writes to it is told."""
    with closing(sqlite3.connect(f"{closed.as_uri()}?immutable=1", uri=True)) as db:
        (page,) = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'runs'").fetchone()
    with closed.open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\xff" * 100)
    async with _store(closed) as store:
        for asked in (store.runs(), store.owner_of("r"), store.start_run("q", "w", STARTED)):
            with pytest.raises(StoreError, match="is damaged: database disk image is malformed"):
                await asked


# a disk that refuses ------------------------------------------------------------------------------------


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    """A journal is not made where there is no folder."""
    path = tmp_path / "nowhere" / "journal.db"
    with pytest.raises(StoreError, match="cannot be used: No such file or directory") as caught, opened(path):
        pass
    assert "another home" in caught.value.help


def test_a_file_system_that_cannot_share_memory_is_refused(path: Path) -> None:
    """Where SQLite keeps no log, two processes would not be safe: said so, instead of going on without."""
    with closing(sqlite3.connect(f"{path.as_uri()}?vfs=unix-none", uri=True)) as db:
        db.execute("CREATE TABLE t (a)")
        with pytest.raises(
            StoreError, match=r"the mode `delete`, synchronous 2, instead of `wal`, 2"
        ) as caught:
            harden(db)
    assert "local disk" in caught.value.help


def test_every_connection_syncs_each_commit(path: Path) -> None:
    """New or not, and even after somebody turned the log off, a journal has its log and its fsyncs."""
    for _ in range(2):
        with opened(path) as journal:
            asked = [
                journal.db.execute(f"PRAGMA {name}").fetchone() for name in ("journal_mode", "synchronous")
            ]
            assert asked == [("wal",), (2,)]
        with closing(sqlite3.connect(path)) as db:
            assert db.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
            db.execute("PRAGMA journal_mode = DELETE")


@pytest.fixture
def public() -> Iterator[Path]:
    """Return a journal in a folder that a process without rights can reach, and that is its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with opened(folder / "journal.db"):
            pass
        for one in (folder, *folder.iterdir()):
            if os.getuid() == 0:
                os.chown(one, 65534, 65534)
        yield folder / "journal.db"
        folder.chmod(0o700)


def test_a_file_that_may_not_be_written_is_refused(public: Path) -> None:
    """At its opening, not at the first write."""
    assert _said(_UNPRIVILEGED, public) == "opened\n"
    public.chmod(0o400)
    said = _said(_UNPRIVILEGED, public)
    assert said.startswith(
        f"The journal `{public}` may not be written: attempt to write a readonly database."
    )
    assert "Give this user the right" in said


def test_a_folder_that_may_not_be_written_is_refused(public: Path) -> None:
    """SQLite's log has no place there; nothing is made, neither beside the journal nor in its place."""
    public.parent.chmod(0o500)
    said = _said(_UNPRIVILEGED, public)
    assert said.startswith(f"The journal `{public}` may not be written: ")
    assert "Give this user the right" in said
    missing = public.with_name("other.db")
    assert _said(_UNPRIVILEGED, missing).startswith(f"The journal `{missing}` cannot be used: ")
    assert sorted(_bytes_in(public.parent)) == ["journal.db", "journal.db.mark"]


@pytest.mark.parametrize("size", [60_000, 100_000])
def test_a_full_disk_stops_its_run_until_it_is_taken_up(path: Path, size: int) -> None:
    """Nothing of a run is written behind what is missing, not even once there is room; other runs go on."""
    promised, first, later, numbers = orjson.loads(_said(_FULL_WHILE_RUNNING, path, size))
    assert first.startswith(f"The journal `{path}` could not be read or written: disk I/O error")
    assert later == [first, first]
    assert promised > 0
    assert numbers == [*range(promised + 1)]
    assert asyncio.run(_numbers(path)) == [*range(promised + 1), -3, -4]


@pytest.mark.parametrize("size", [0, 1000, 5000])
def test_a_disk_that_is_full_from_the_start_leaves_no_half_journal(path: Path, size: int) -> None:
    """What could not be made whole is not there; with room it is made."""
    first, second = _said(_FULL_AT_OPENING, path, size).splitlines()
    assert first.startswith(f"The journal `{path}` could not be read or written: ")
    assert second == "opened"
    assert sorted(_bytes_in(path.parent)) == ["journal.db", "journal.db.mark"]


def test_a_process_may_be_killed_anywhere(tmp_path: Path) -> None:
    """Killed at any step of making, opening, writing, closing: the next one finds all that was promised."""
    assert int(_said(_MORTAL, tmp_path)) > 50


# a journal that goes away while it is in use ------------------------------------------------------------


@pytest.mark.parametrize("gone", ["journal.db", "journal.db-wal", "."])
async def test_a_journal_that_was_removed_promises_nothing(tmp_path: Path, gone: str) -> None:
    """SQLite would go on in files that nobody finds; put back, the run can be taken up with all that was promised."""
    path = tmp_path / "home" / "journal.db"
    path.parent.mkdir()
    away = tmp_path / "away"
    async with _store(path) as store:
        owner = await store.start_run("r", "w", STARTED)
        await store.append(owner, _event(1))
        (path.parent / gone).resolve().rename(away)
        with pytest.raises(StoreError, match="was removed or replaced while it was in use") as caught:
            await store.append(owner, _event(2))
        assert caught.value.help.startswith("Put it back")
        with pytest.raises(StoreError, match="was removed or replaced"):
            await store.start_run("q", "w", STARTED)
        away.rename((path.parent / gone).resolve())
        with pytest.raises(StoreError, match="was removed or replaced"):
            await store.append(owner, _event(3))
        await store.append(await store.take_over("r", RESUMED), _event(4))
    assert await _numbers(path) == [None, 1, 2, None, 4]


async def test_a_journal_that_was_replaced_promises_nothing(path: Path, tmp_path: Path) -> None:
    """Another journal under the same name is not the one that this process writes."""
    with opened(tmp_path / "other.db"):
        pass
    async with _store(path) as store:
        owner = await store.start_run("r", "w", STARTED)
        shutil.copy(tmp_path / "other.db", tmp_path / "copy")
        (tmp_path / "copy").rename(path)
        with pytest.raises(StoreError, match="was removed or replaced while it was in use"):
            await store.append(owner, _event(1))
