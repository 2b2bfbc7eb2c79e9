"""The tape of a live run: facts are performed once, decisions are taken once, and recovery goes by the record."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from mendflow.connectors.clock import VirtualClock
from mendflow.connectors.contract import JsonObject
from mendflow.journal.canonical import digest
from mendflow.journal.events import Event, EventDraft, fact_body
from mendflow.journal.sqlite import SqliteStore
from mendflow.journal.store import EffectChange
from mendflow.journal.tape import Recorded, RecordingTape, no_change
from mendflow.journal.vault import Vault
from mendflow.verifier.effect import conclude
from pydantic import SecretStr

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ASKED: JsonObject = {"question": 1}


class Performing:
    """Performs a fact and counts how often."""

    def __init__(self, value: JsonObject) -> None:
        self.value = value
        self.times = 0

    async def __call__(self) -> JsonObject:
        self.times += 1
        return self.value


@asynccontextmanager
async def _first(folder: Path, vault: Vault) -> AsyncIterator[RecordingTape]:
    async with SqliteStore(folder / "journal.db", vault) as store:
        owner = await store.start_run("r", "w", EventDraft(kind="run_started", at=NOON, body={}))
        yield RecordingTape(store, owner, VirtualClock(NOON), Recorded(()))


@asynccontextmanager
async def _again(folder: Path, vault: Vault) -> AsyncIterator[RecordingTape]:
    async with SqliteStore(folder / "journal.db", vault) as store:
        recorded = Recorded(await store.events("r"))
        owner = await store.take_over("r", EventDraft(kind="run_resumed", at=NOON, body={}))
        yield RecordingTape(store, owner, VirtualClock(NOON), recorded)


async def _events(folder: Path) -> list[tuple[str, str, JsonObject]]:
    async with SqliteStore(folder / "journal.db", Vault()) as store:
        found = await store.events("r")
    return [(one.kind, one.key, one.body) for one in found if not one.kind.startswith("run_")]


async def test_a_fact_is_performed_and_recorded_once(tmp_path: Path) -> None:
    """The first asking performs and records; a recovery serves the record and performs nothing."""
    live, late = Performing({"answer": 1}), Performing({"answer": 2})
    async with _first(tmp_path, Vault()) as tape:
        assert await tape.fact("a#1:call:0", ASKED, live) == {"answer": 1}
    async with _again(tmp_path, Vault()) as tape:
        assert tape.recall("a#1:call:0") == {"answer": 1}
        assert tape.recall("b#1:call:0") is None
        assert await tape.fact("a#1:call:0", ASKED, late) == {"answer": 1}
    assert (live.times, late.times) == (1, 0)
    assert await _events(tmp_path) == [("fact_recorded", "a#1:call:0", fact_body(ASKED, {"answer": 1}))]


async def test_a_secret_is_performed_again(tmp_path: Path) -> None:
    """A secret is recorded as a mask, so a recovery fetches it anew and records nothing more."""
    vault = Vault()
    vault.learn(SecretStr("token-0123456789"))
    live, late = Performing({"token": "token-0123456789"}), Performing({"token": "token-new-9876543210"})
    async with _first(tmp_path, vault) as tape:
        assert await tape.fact("a#1:call:0", ASKED, live, secret=True) == live.value
    async with _again(tmp_path, vault) as tape:
        assert await tape.fact("a#1:call:0", ASKED, late, secret=True) == late.value
    assert (live.times, late.times) == (1, 1)
    assert await _events(tmp_path) == [
        ("fact_recorded", "a#1:call:0", fact_body(ASKED, {"token": "[secret]"}))
    ]


async def test_a_decision_is_taken_once(tmp_path: Path) -> None:
    """What was decided stands, in the same process and in the next, whatever would be decided today."""
    async with _first(tmp_path, Vault()) as tape:
        assert tape.decide("a#1:verdict:0", lambda: {"kind": "passed"}) == {"kind": "passed"}
        assert tape.decide("a#1:verdict:0", lambda: {"kind": "failed"}) == {"kind": "passed"}
    async with _again(tmp_path, Vault()) as tape:
        assert tape.decide("a#1:verdict:0", lambda: {"kind": "failed"}) == {"kind": "passed"}
        assert tape.decide("a#2:verdict:0", lambda: {"kind": "failed"}) == {"kind": "failed"}
    assert await _events(tmp_path) == [
        ("verdict_given", "a#1:verdict:0", {"kind": "passed"}),
        ("verdict_given", "a#2:verdict:0", {"kind": "failed"}),
    ]


async def test_a_decision_changes_its_effect_once(tmp_path: Path) -> None:
    """The change goes with the recording; a recovery that obeys the decision does not repeat it."""
    change = EffectChange("s", "a", lambda effect: conclude(effect, "done", {"output": 1}))
    for tape_of in (_first, _again):
        async with tape_of(tmp_path, Vault()) as tape:
            await tape.claim("a", 1, "s", ASKED, repeatable=False)
            tape.decide("a#1:verdict:0", lambda: {"kind": "passed"}, lambda _: change)
    async with SqliteStore(tmp_path / "journal.db", Vault()) as store:
        (effect,) = await store.effects("r")
    assert (effect.state, effect.version) == ("done", 2)


async def test_a_claim_is_made_once(tmp_path: Path) -> None:
    """A slot that the record has as ours, or as another's, is not asked for again."""
    async with _first(tmp_path, Vault()) as tape:
        assert await tape.claim("a", 1, "s", ASKED, repeatable=False) == {"standing": "mine"}
        held = await tape.claim("b", 1, "s", ASKED, repeatable=False)
    assert held == {"standing": "held", "run_id": "r", "path": "a"}
    before = await _events(tmp_path)
    async with _again(tmp_path, Vault()) as tape:
        assert await tape.claim("a", 1, "s", ASKED, repeatable=False) == {"standing": "mine"}
        assert await tape.claim("b", 1, "s", ASKED, repeatable=False) == held
    assert await _events(tmp_path) == before
    assert before == [
        ("intent_written", "a#1:call:0", {"slot": "s", "request": ASKED, "digest": digest(ASKED)}),
        ("fact_recorded", "b#1:slot:0", fact_body({"slot": "s", "request": ASKED}, held)),
    ]


async def test_ends_and_heals_are_recorded_once(tmp_path: Path) -> None:
    """A step's end and a heal are written once, and the last end of a step is what recovery sees."""
    for tape_of in (_first, _again):
        async with tape_of(tmp_path, Vault()) as tape:
            tape.heal("a#1:heal:0", {"remedy": "wait"})
            tape.end("a#1:end:0", {"status": "parked"})
            tape.end("a#2:end:0", {"status": "done"})
    async with _again(tmp_path, Vault()) as tape:
        assert tape.ended("a") == {"status": "done"}
        assert tape.ended("b") is None
    assert [key for _, key, _ in await _events(tmp_path)] == ["a#1:heal:0", "a#1:end:0", "a#2:end:0"]


async def test_only_what_an_earlier_process_left_is_reopened(tmp_path: Path) -> None:
    """An attempt counts as resumed when its verdict, or the refusal of its slot, was there before."""
    async with _first(tmp_path, Vault()) as tape:
        tape.decide("a#1:verdict:0", lambda: {"kind": "parked"})
        await tape.claim("a", 1, "s", ASKED, repeatable=False)
        await tape.claim("b", 1, "s", ASKED, repeatable=False)
        assert not tape.reopened("a", 1)
    async with _again(tmp_path, Vault()) as tape:
        tape.decide("a#2:verdict:0", lambda: {"kind": "parked"})
        found = [tape.reopened("a", 1), tape.reopened("a", 2), tape.reopened("b", 1), tape.reopened("c", 1)]
    assert found == [True, False, True, False]


def test_the_record_knows_open_intents_and_the_present_closing() -> None:
    """An intent without an outcome is open, and a resume takes back how the run had closed."""

    def event(seq: int, kind: str, key: str, body: JsonObject) -> Event:
        return Event.model_validate(
            {"run_id": "r", "seq": seq, "kind": kind, "key": key, "at": NOON, "epoch": 1, "body": body}
        )

    events = [
        event(1, "run_started", "", {"inputs": {}}),
        event(2, "intent_written", "a#1:call:0", {"request": ASKED}),
        event(3, "fact_recorded", "a#1:call:0", {"value": {}}),
        event(4, "intent_written", "b#1:call:0", {"request": ASKED}),
        event(5, "run_paused", "", {"status": "parked"}),
    ]
    paused = Recorded(events)
    assert (paused.open_intents(), paused.closing, paused.started) == (
        ["b#1:call:0"],
        {"status": "parked"},
        {"inputs": {}},
    )
    assert Recorded([*events, event(6, "run_resumed", "", {})]).closing == {}


@pytest.mark.parametrize("decision", [{}, {"kind": "passed"}])
def test_no_change_changes_nothing(decision: JsonObject) -> None:
    """The change of a decision without an effect is none."""
    assert no_change(decision) is None
