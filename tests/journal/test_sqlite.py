"""The SQLite store: order, ownership, slots between processes, and what a killed process leaves behind."""

import asyncio
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from mendflow.connectors.contract import JsonObject
from mendflow.connectors.errors import IllegalTransition, LostOwnership, RunExists, StoreError
from mendflow.journal.canonical import digest
from mendflow.journal.events import EventDraft, EventKind
from mendflow.journal.sqlite import SqliteStore
from mendflow.journal.store import EffectChange, Held, Ownership, SlotChoice
from mendflow.journal.vault import Vault
from mendflow.verifier.effect import Effect, conclude, intend
from pydantic import SecretStr

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

_WRITER = """
import asyncio, sys
from datetime import UTC, datetime
from pathlib import Path
from mendflow.journal.events import EventDraft
from mendflow.journal.sqlite import SqliteStore
from mendflow.journal.vault import Vault

async def write():
    at = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    async with SqliteStore(Path(sys.argv[1]), Vault()) as store:
        owner = await store.start_run(sys.argv[2], "w", EventDraft(kind="run_started", at=at, body={}))
        number = 0
        while True:
            for _ in range(3):
                number += 1
                store.post(owner, EventDraft(kind="heal_recorded", key=str(number), at=at, body={"n": number}))
            number += 1
            await store.append(owner, EventDraft(kind="fact_recorded", key=str(number), at=at, body={"n": number}))
            print(number, flush=True)
            if number >= int(sys.argv[3]):
                return

asyncio.run(write())
"""
_OPENER = """
import sys
from pathlib import Path
from mendflow.journal.opening import opened

print("ready", flush=True)
sys.stdin.readline()
for number in range(40):
    with opened(Path(sys.argv[1]) / str(number) / "journal.db"):
        pass
"""
_RIVAL = """
import asyncio, sys
from datetime import UTC, datetime
from pathlib import Path
from mendflow.journal.claims import SlotRequest, choose_slot
from mendflow.journal.events import EventDraft
from mendflow.journal.sqlite import SqliteStore
from mendflow.journal.vault import Vault

async def rival(path, run_id):
    at = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    async with SqliteStore(path, Vault()) as store:
        owner = await store.start_run(run_id, "w", EventDraft(kind="run_started", at=at, body={}))
        print("ready", flush=True)
        sys.stdin.readline()
        got = []
        for number in range(40):
            keys = f"a{number}#1:call:0", f"a{number}#1:slot:0"
            want = SlotRequest(run_id, "a", f"s{number}", {"n": number}, *keys, at, repeatable=False)
            claim = await store.begin(owner, want.slot, "a", lambda held, want=want: choose_slot(held, want))
            got.append(claim["standing"])
        print(",".join(got), flush=True)

asyncio.run(rival(Path(sys.argv[1]), sys.argv[2]))
"""


def _event(number: int, kind: EventKind = "fact_recorded") -> EventDraft:
    at = NOON + timedelta(seconds=number)
    return EventDraft(kind=kind, key=f"k#{number}:call:0", at=at, body={"n": number})


STARTED = EventDraft(kind="run_started", at=NOON, body={"a": [1, None]})


def _open(path: Path) -> SqliteStore:
    return SqliteStore(path / "journal.db", Vault())


async def _numbers(store: SqliteStore, run_id: str = "r") -> list[tuple[int, object]]:
    return [(one.seq, one.body.get("n")) for one in await store.events(run_id)]


async def test_events_come_back_as_they_were_written(tmp_path: Path) -> None:
    """Kind, key, time, epoch and body are what they were, over a reopening."""
    async with _open(tmp_path) as store:
        owner = await store.start_run("r", "w", STARTED)
        await store.append(owner, _event(1), _event(2))
    async with _open(tmp_path) as store:
        found = await store.events("r")
        rows = await store.runs()
    assert [(one.run_id, one.seq, one.epoch) for one in found] == [("r", 1, 1), ("r", 2, 1), ("r", 3, 1)]
    drafts = [EventDraft(kind=one.kind, key=one.key, at=one.at, body=one.body) for one in found]
    assert drafts == [STARTED, _event(1), _event(2)]
    assert [(row.workflow, row.status, row.events, row.updated_at) for row in rows] == [
        ("w", "running", 3, NOON + timedelta(seconds=2))
    ]


async def test_what_is_posted_stands_before_what_is_appended_later(tmp_path: Path) -> None:
    """Posts and appends are written in the order in which they were asked for, from many tasks."""
    async with _open(tmp_path) as store:
        owner = await store.start_run("r", "w", STARTED)

        async def work(first: int) -> None:
            store.post(owner, _event(first), _event(first + 1))
            await store.append(owner, _event(first + 2))

        await asyncio.gather(*[work(3 * number) for number in range(100)])
        numbers = [number for _, number in (await _numbers(store))[1:]]
    assert sorted(map(str, numbers)) == sorted(map(str, range(300)))
    for first in range(0, 300, 3):
        assert numbers.index(first) + 1 == numbers.index(first + 1)
        assert numbers.index(first + 1) < numbers.index(first + 2)


async def test_runs_share_commits_and_keep_their_own_order(tmp_path: Path) -> None:
    """Many runs at once: each has its own gapless sequence."""
    async with _open(tmp_path) as store:
        owners = [await store.start_run(f"r{number}", "w", STARTED) for number in range(20)]
        await asyncio.gather(*[store.append(owner, _event(n)) for n in range(1, 10) for owner in owners])
        for number in range(20):
            assert await _numbers(store, f"r{number}") == [(1, None), *[(n + 1, n) for n in range(1, 10)]]


async def test_what_is_posted_is_written_before_the_store_closes(tmp_path: Path) -> None:
    """Leaving the store loses nothing."""
    async with _open(tmp_path) as store:
        owner = await store.start_run("r", "w", STARTED)
        for number in range(1000):
            store.post(owner, _event(number))
    async with _open(tmp_path) as store:
        assert len(await store.events("r")) == 1001


async def test_an_old_owner_writes_no_more(tmp_path: Path) -> None:
    """After a takeover every kind of write of the old owner is refused, and the new one goes on."""
    async with _open(tmp_path) as store:
        old = await store.start_run("r", "w", STARTED)
        new = await store.take_over("r", _event(1, "run_resumed"))
        assert (old.epoch, new.epoch, await store.owner_of("r")) == (1, 2, new)
        with pytest.raises(LostOwnership, match="`r` was taken over"):
            await store.append(old, _event(2))
        with pytest.raises(LostOwnership):
            await store.note(old, _event(2), "failed", None)
        with pytest.raises(LostOwnership):
            await store.begin(old, "s", "p", _take)
        await store.append(new, _event(3))
        assert [(one.seq, one.epoch, one.body.get("n")) for one in await store.events("r")] == [
            (1, 1, None),
            (2, 2, 1),
            (3, 2, 3),
        ]
        assert (await store.runs())[0].status == "running"
        assert await store.effects("r") == []


async def test_a_failed_post_stops_its_owner(tmp_path: Path) -> None:
    """Nobody waits for a post, so nothing of its owner is written after it; the new owner and other runs go on."""
    async with _open(tmp_path) as store:
        old = await store.start_run("r", "w", STARTED)
        other = await store.start_run("q", "w", STARTED)
        new = await store.take_over("r", _event(1, "run_resumed"))
        store.post(old, _event(2))
        store.post(old, _event(3))
        await asyncio.gather(store.append(new, _event(4)), store.append(other, _event(5)))
        for _ in range(2):
            with pytest.raises(LostOwnership, match="`r` was taken over"):
                await store.append(old, _event(6))
        assert await _numbers(store) == [(1, None), (2, 1), (3, 4)]
        assert await _numbers(store, "q") == [(1, None), (2, 5)]


async def _post_too_late(path: Path, run_id: str, *, own: str = "") -> None:
    async with _open(path) as store:
        old = await store.start_run(run_id, "w", STARTED)
        await store.take_over(run_id, _event(1, "run_resumed"))
        store.post(old, _event(2))
        if own:
            raise ValueError(own)


async def test_a_failed_post_is_raised_on_closing(tmp_path: Path) -> None:
    """Where nobody waits any more, the store does; it does not hide another error, and tells each only once."""
    with pytest.raises(LostOwnership, match="`r` was taken over"):
        await _post_too_late(tmp_path, "r")
    with pytest.raises(ValueError, match="mine"):
        await _post_too_late(tmp_path, "q", own="mine")
    async with _open(tmp_path) as store:
        old = Ownership(run_id="r", epoch=1)
        store.post(old, _event(2))
        with pytest.raises(LostOwnership):
            await store.append(old, _event(3))


async def test_a_closed_store_takes_nothing(tmp_path: Path) -> None:
    """Whoever comes too late is told so, and does not wait for ever."""
    async with _open(tmp_path) as store:
        owner = await store.start_run("r", "w", STARTED)
    with pytest.raises(StoreError, match="is closed"):
        await store.append(owner, _event(1))
    with pytest.raises(StoreError, match="is closed"):
        store.post(owner, _event(1))


async def test_a_failed_commit_fails_everyone_in_it(tmp_path: Path) -> None:
    """All that shared it are told, and stand still: nothing of theirs is written behind what is missing."""
    async with SqliteStore(tmp_path / "journal.db", Vault(), patience=timedelta()) as store:
        owners = [await store.start_run(f"r{number}", "w", STARTED) for number in range(3)]
        with closing(sqlite3.connect(tmp_path / "journal.db", isolation_level=None)) as rival:
            rival.execute("BEGIN IMMEDIATE")
            store.post(owners[0], _event(1))
            asked = [store.append(owners[1], _event(1)), store.start_run("late", "w", STARTED), store.runs()]
            told = await asyncio.gather(*asked, return_exceptions=True)
            rival.execute("ROLLBACK")
        busy = f"The journal `{tmp_path / 'journal.db'}` is held by another process: database is locked."
        assert [str(error) for error in told] == [busy] * 3
        for owner in owners[:2]:
            with pytest.raises(StoreError, match="is held by another process"):
                await store.append(owner, _event(2))
        await store.append(owners[2], _event(2))
        await store.append(await store.take_over("r0", _event(3, "run_resumed")), _event(4))
        found = {row.run_id: await _numbers(store, row.run_id) for row in await store.runs()}
    assert found == {
        "r0": [(1, None), (2, 3), (3, 4)],
        "r1": [(1, None)],
        "r2": [(1, None), (2, 2)],
    }


async def test_a_failed_request_leaves_the_others_of_its_commit(tmp_path: Path) -> None:
    """A second start under one id, and an event that cannot be written, fall alone."""
    async with _open(tmp_path) as store:
        owner = await store.start_run("r", "w", STARTED)
        broken = EventDraft(kind="fact_recorded", key="\ud800", at=NOON, body={})
        told = await asyncio.gather(
            store.append(owner, _event(1)),
            store.start_run("r", "w", STARTED),
            store.append(owner, _event(2), broken),
            store.append(owner, _event(3)),
            return_exceptions=True,
        )
        assert [type(one) for one in told] == [type(None), RunExists, UnicodeEncodeError, type(None)]
        assert await _numbers(store) == [(1, None), (2, 1), (3, 3)]


async def test_a_status_is_noted_with_its_event(tmp_path: Path) -> None:
    """A run in the list has its status and when it is due; a takeover makes it run again."""
    async with _open(tmp_path) as store:
        owner = await store.start_run("r", "w", STARTED)
        await store.start_run("q", "w", STARTED)  # later by its place, at the same moment by the clock
        await store.note(owner, _event(1, "run_paused"), "waiting", NOON + timedelta(days=1))
        (row,) = await store.runs("waiting")
        assert (row.run_id, row.due_at) == ("r", NOON + timedelta(days=1))
        assert [one.run_id for one in await store.runs()] == ["q", "r"]
        await store.take_over("r", _event(2, "run_resumed"))
        assert await store.runs("waiting") == []


async def test_a_run_that_is_not_there_is_named(tmp_path: Path) -> None:
    """Taking over or owning an unknown run is refused, and the store goes on."""
    async with _open(tmp_path) as store:
        with pytest.raises(StoreError, match="no run `r`"):
            await store.take_over("r", _event(1, "run_resumed"))
        with pytest.raises(StoreError, match="no run `r`"):
            await store.owner_of("r")
        assert await store.events("r") == []


def _take(held: Held | None) -> SlotChoice:
    assert held is None
    effect = intend(Effect(slot="s", digest=digest({})), NOON)
    return SlotChoice({"standing": "mine"}, effect, _event(1, "intent_written"))


def _done(effect: Effect) -> Effect:
    return conclude(effect, "done", {"output": 1})


async def test_an_effect_changes_with_the_event_that_tells_it(tmp_path: Path) -> None:
    """A verdict and the transition of its effect are one write: both or neither."""
    async with _open(tmp_path) as store:
        owner = await store.start_run("r", "w", STARTED)
        assert await store.begin(owner, "s", "p", _take) == {"standing": "mine"}
        store.post(owner, _event(2, "verdict_given"), change=EffectChange("s", "p", _done))
        (effect,) = await store.effects("r")
        assert (effect.state, effect.version, effect.evidence) == ("done", 2, {"output": 1})
        assert len(await store.events("r")) == 3


async def test_a_change_can_be_waited_for(tmp_path: Path) -> None:
    """Appended, the event and the change are there on return, or the error is raised and neither is."""
    async with _open(tmp_path) as store:
        owner = await store.start_run("r", "w", STARTED)
        await store.begin(owner, "s", "p", _take)
        await store.append(owner, _event(2, "verdict_given"), change=EffectChange("s", "p", _done))
        with pytest.raises(IllegalTransition):
            await store.append(owner, _event(3, "verdict_given"), change=EffectChange("s", "p", _done))
        assert [(one.state, one.version) for one in await store.effects("r")] == [("done", 2)]
        assert await _numbers(store) == [(1, None), (2, 1), (3, 2)]


async def test_a_change_that_is_not_allowed_leaves_no_event(tmp_path: Path) -> None:
    """An illegal transition, or one of another run's effect, writes neither event nor effect."""
    async with _open(tmp_path) as store:
        owner = await store.start_run("r", "w", STARTED)
        other = await store.start_run("q", "w", STARTED)
        await store.begin(owner, "s", "p", _take)
        store.post(other, _event(2, "verdict_given"), change=EffectChange("s", "p", _done))
        with pytest.raises(LostOwnership, match="belongs to run `r`, not to `q`"):
            await store.append(other, _event(3))
        assert [one.state for one in await store.effects("r")] == ["intent"]
        assert await _numbers(store, "q") == [(1, None)]


async def test_a_choice_that_fails_takes_nothing(tmp_path: Path) -> None:
    """When the choice raises, the slot stays free and the store goes on."""

    def refuse(_: Held | None) -> SlotChoice:
        raise ValueError("no")

    async with _open(tmp_path) as store:
        owner = await store.start_run("r", "w", STARTED)
        with pytest.raises(ValueError, match="no"):
            await store.begin(owner, "s", "p", refuse)
        assert await store.begin(owner, "s", "p", _take) == {"standing": "mine"}


def _bytes_in(folder: Path) -> bytes:
    return b"".join(one.read_bytes() for one in folder.iterdir())


async def test_secrets_do_not_reach_the_file(tmp_path: Path) -> None:
    """Bodies of events and of effects pass the vault."""
    vault = Vault()
    vault.learn(SecretStr("a-secret-0123456789"))
    body: JsonObject = {"detail": "Bearer a-secret-0123456789"}
    async with SqliteStore(tmp_path / "journal.db", vault) as store:
        owner = await store.start_run("r", "w", EventDraft(kind="run_started", at=NOON, body=body))
        await store.begin(owner, "s", "p", _take)
        change = EffectChange("s", "p", lambda effect: conclude(effect, "done", body))
        store.post(owner, EventDraft(kind="verdict_given", at=NOON, body=body), change=change)
        assert next(one.body for one in await store.events("r")) == {"detail": "Bearer [secret]"}
    assert b"a-secret" not in _bytes_in(tmp_path)


def _start(script: str, *arguments: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", script, *arguments]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_many_may_open_new_journals_at_once(tmp_path: Path) -> None:
    """Whoever comes second to a file that is just being made waits, and is not told that it is locked."""
    for number in range(40):
        (tmp_path / f"{number}").mkdir()
    with ExitStack() as stack:
        openers = [stack.enter_context(_start(_OPENER, str(tmp_path))) for _ in range(4)]
        for opener in openers:
            assert opener.stdout is not None
            assert opener.stdout.readline() == "ready\n"
        for opener in openers:
            assert opener.stdin is not None
            opener.stdin.write("go\n")
            opener.stdin.flush()
        assert [opener.wait() for opener in openers] == [0, 0, 0, 0]


async def test_two_processes_share_one_journal(tmp_path: Path) -> None:
    """Two processes that make and fill the same new file at once both finish, each with all its events."""
    path = str(tmp_path / "journal.db")
    with _start(_WRITER, path, "a", "120") as one, _start(_WRITER, path, "b", "120") as other:
        assert (one.wait(), other.wait()) == (0, 0)
    async with _open(tmp_path) as store:
        for run_id in ("a", "b"):
            assert await _numbers(store, run_id) == [(1, None), *[(n + 1, n) for n in range(1, 121)]]


@pytest.mark.parametrize("lines", [1, 7])
async def test_a_killed_process_leaves_a_readable_beginning(tmp_path: Path, lines: int) -> None:
    """After `kill -9` the journal holds a gapless beginning, with everything that was promised in it."""
    with _start(_WRITER, str(tmp_path / "journal.db"), "r", "1000000") as writer:
        assert writer.stdout is not None
        promised = 0
        for _ in range(lines):
            promised = int(writer.stdout.readline())
        writer.send_signal(signal.SIGKILL)
        writer.wait()
    async with _open(tmp_path) as store:
        numbers = await _numbers(store)
        assert numbers == [(1, None), *[(n + 1, n) for n in range(1, len(numbers))]]
        assert len(numbers) - 1 >= promised
        assert await store.take_over("r", _event(1, "run_resumed")) == await store.owner_of("r")


async def test_a_slot_goes_to_exactly_one_of_two_processes(tmp_path: Path) -> None:
    """Two processes ask for the same forty slots at once: each slot is one process's, and held for the other."""
    path = str(tmp_path / "journal.db")
    with _start(_RIVAL, path, "a") as one, _start(_RIVAL, path, "b") as other:
        for rival in (one, other):
            assert rival.stdout is not None
            assert rival.stdout.readline() == "ready\n"
        for rival in (one, other):
            assert rival.stdin is not None
            rival.stdin.write("go\n")
            rival.stdin.flush()
        got = [rival.stdout.readline().strip().split(",") for rival in (one, other) if rival.stdout]
    assert [sorted(pair) for pair in zip(*got, strict=True)] == [["held", "mine"]] * 40


async def test_nothing_is_promised_before_its_commit(tmp_path: Path) -> None:
    """Whoever waits for a write does not hear of it while others of the same commit are still being made."""
    entered, gate = threading.Event(), threading.Event()
    loop = asyncio.get_running_loop()
    told: list[bool] = []

    def hold(_: Held | None) -> SlotChoice:
        entered.set()
        gate.wait(60)
        return SlotChoice({}, None, _event(1))

    def look(_: Held | None) -> SlotChoice:
        for _round in range(5):  # rounds in which whatever the loop was told comes to be known
            asyncio.run_coroutine_threadsafe(asyncio.sleep(0), loop).result(60)
        told.append(early.done())
        return SlotChoice({}, None, _event(3))

    async with _open(tmp_path) as store, asyncio.TaskGroup() as group:
        owner = await store.start_run("r", "w", STARTED)
        group.create_task(store.begin(owner, "g", "p", hold))
        await asyncio.to_thread(entered.wait, 60)
        early = group.create_task(store.append(owner, _event(2)))
        group.create_task(store.begin(owner, "s", "p", look))
        await asyncio.sleep(0)
        gate.set()
    assert told == [False]
    with closing(sqlite3.connect(tmp_path / "journal.db")) as db:
        assert db.execute("SELECT count(*) FROM events").fetchone() == (4,)
