"""The tables of the journal, over a connection in memory: what may be written, and what is read back."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mendflow.connectors.errors import IllegalTransition, LostOwnership, StoreError
from mendflow.journal.canonical import digest
from mendflow.journal.events import EventDraft
from mendflow.journal.store import EffectChange, Held, Ownership, SlotChoice
from mendflow.journal.tables import Tables, make_tables
from mendflow.journal.vault import Vault
from mendflow.verifier.effect import Effect, conclude, intend

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
STARTED = EventDraft(kind="run_started", at=NOON, body={})
RESUMED = EventDraft(kind="run_resumed", at=NOON, body={})


def _event(number: int) -> EventDraft:
    return EventDraft(kind="fact_recorded", key=f"k#{number}:call:0", at=NOON, body={"n": number})


def _take(held: Held | None) -> SlotChoice:
    effect = held.effect if held else Effect(slot="s", digest=digest({}))
    return SlotChoice({"standing": "mine"}, intend(effect, NOON), _event(0))


def _leave(held: Held | None) -> SlotChoice:
    return SlotChoice({"standing": "held", "run_id": held.run_id if held else ""}, None, _event(0))


def _done(effect: Effect) -> Effect:
    return conclude(effect, "done", {"output": 1})


def _open() -> sqlite3.Connection:
    db = sqlite3.connect(":memory:", isolation_level=None)
    make_tables(db)
    return db


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    """Return an empty journal in memory."""
    found = _open()
    yield found
    found.close()


@pytest.fixture
def tables(db: sqlite3.Connection) -> Tables:
    """Return the tables over it."""
    return Tables(db, Vault())


def _start(tables: Tables, *numbers: int) -> None:
    owner = tables.start_run("r", "w", STARTED)
    for number in numbers:
        tables.append(owner, _event(number))
    if not numbers:
        raise ValueError("no number")


def test_a_transaction_is_whole_or_nothing(tables: Tables) -> None:
    """What raises within it leaves no trace, and the next one goes on."""
    with pytest.raises(ValueError, match="no number"), tables.transaction():
        _start(tables)
    assert (tables.runs(), tables.events("r"), tables.last_event()) == ([], [], 0)
    with tables.transaction():
        _start(tables, 1)
    assert ([one.seq for one in tables.events("r")], tables.last_event()) == ([1, 2], 2)


def test_a_part_falls_alone(tables: Tables) -> None:
    """Within a transaction one part is undone and the others are written."""
    with tables.transaction():
        tables.start_run("q", "w", STARTED)
        with pytest.raises(ValueError, match="no number"), tables.part():
            _start(tables)
        with tables.part():
            _start(tables, 1)
    assert [(row.run_id, row.events) for row in tables.runs()] == [("r", 2), ("q", 1)]


def test_runs_stand_in_the_order_of_their_starts(tables: Tables) -> None:
    """The last started comes first, whatever the clock said when it was set back between them."""
    with tables.transaction():
        for number, at in enumerate((NOON, NOON - HOUR, NOON + HOUR, NOON - HOUR)):
            tables.start_run(f"r{number}", "w", EventDraft(kind="run_started", at=at, body={}))
    assert [row.run_id for row in tables.runs()] == ["r3", "r2", "r1", "r0"]


def test_events_stand_in_the_order_of_their_writing(tables: Tables) -> None:
    """A clock that goes back an hour within a run, and over a takeover, changes no order and stops nothing."""
    with tables.transaction():
        owner = tables.start_run("r", "w", STARTED)
        for number, at in enumerate((NOON + HOUR, NOON, NOON - HOUR)):
            tables.append(owner, EventDraft(kind="fact_recorded", key=f"{number}", at=at, body={}))
        owner = tables.take_over("r", EventDraft(kind="run_resumed", at=NOON - 2 * HOUR, body={}))
        tables.note(owner, EventDraft(kind="run_ended", at=NOON - HOUR, body={}), "completed", None)
    assert [(one.seq, one.at - NOON) for one in tables.events("r")] == [
        (1, 0 * HOUR),
        (2, HOUR),
        (3, 0 * HOUR),
        (4, -HOUR),
        (5, -2 * HOUR),
        (6, -HOUR),
    ]
    (row,) = tables.runs("completed")
    assert (row.created_at, row.updated_at, row.events) == (NOON, NOON - HOUR, 6)


def test_a_run_has_one_beginning(tables: Tables) -> None:
    """A second start under the same id is refused, and the first stays as it was."""
    with tables.transaction():
        owner = tables.start_run("r", "w", STARTED)
        tables.append(owner, _event(1))
        with pytest.raises(StoreError, match="There is a run `r` already"):
            tables.start_run("r", "v", STARTED)
    assert [(row.workflow, row.events) for row in tables.runs()] == [("w", 2)]


def test_a_run_that_was_taken_up_is_due_no_more(tables: Tables) -> None:
    """What a run waited for is forgotten with its takeover."""
    with tables.transaction():
        tables.note(tables.start_run("r", "w", STARTED), _event(1), "waiting", NOON + HOUR)
        assert [row.due_at for row in tables.runs("waiting")] == [NOON + HOUR]
        tables.take_over("r", RESUMED)
    assert [(row.status, row.due_at) for row in tables.runs()] == [("running", None)]


def test_a_slot_is_seen_before_it_is_taken(tables: Tables) -> None:
    """The choice gets to know who holds the slot; what it leaves alone stays as it was."""
    with tables.transaction():
        one, other = tables.start_run("r", "w", STARTED), tables.start_run("q", "w", STARTED)
        assert tables.begin(one, "s", "a", _take) == {"standing": "mine"}
        assert tables.begin(other, "s", "b", _leave) == {"standing": "held", "run_id": "r"}
        tables.append(one, _event(1), change=EffectChange("s", "a", _done))
    (effect,) = tables.effects("r")
    assert (effect.state, effect.version, tables.effects("q")) == ("done", 2, [])


def test_nobody_changes_an_effect_of_another(tables: Tables) -> None:
    """Neither another run nor an earlier owner of the same run changes it, and neither event is written."""
    with tables.transaction():
        old, other = tables.start_run("r", "w", STARTED), tables.start_run("q", "w", STARTED)
        tables.begin(old, "s", "a", _take)
        tables.take_over("r", RESUMED)
    for owner, message in ((old, "was taken over"), (other, "belongs to run `r`, not to `q`")):
        with pytest.raises(LostOwnership, match=message), tables.transaction():
            tables.append(owner, _event(1), change=EffectChange("s", "a", _done))
    with pytest.raises(LostOwnership, match="belongs to no run"), tables.transaction():
        tables.append(other, _event(1), change=EffectChange("t", "a", _done))
    with pytest.raises(LostOwnership, match="was taken over"), tables.transaction():
        tables.begin(old, "t", "a", _take)
    assert [one.state for one in tables.effects("r")] == ["intent"]
    assert tables.last_event() == 4


def test_a_done_effect_stays_done(tables: Tables) -> None:
    """Even a choice that would send again is refused, and so is a version that is not newer."""

    def again(held: Held | None) -> SlotChoice:
        fresh = Effect(slot="s", digest="d", version=held.effect.version if held else 0)
        return SlotChoice({}, intend(fresh, NOON), _event(2))

    def stale(_: Held | None) -> SlotChoice:
        return SlotChoice({}, Effect(slot="s", digest="d", version=1), _event(2))

    with tables.transaction():
        owner = tables.start_run("r", "w", STARTED)
        tables.begin(owner, "s", "a", _take)
    with (
        pytest.raises(IllegalTransition, match=r"Version 1 .* follow version 1, which is intent"),
        tables.transaction(),
    ):
        tables.begin(owner, "s", "a", stale)
    with tables.transaction():
        tables.append(owner, _event(1), change=EffectChange("s", "a", _done))
    with (
        pytest.raises(IllegalTransition, match=r"Version 3 .* follow version 2, which is done"),
        tables.transaction(),
    ):
        tables.begin(owner, "s", "a", again)
    assert [(one.state, one.version) for one in tables.effects("r")] == [("done", 2)]


@pytest.mark.parametrize(
    ("damage", "what"),
    [
        ("UPDATE events SET body = '{' WHERE seq = 1", "an event of run `r`"),
        ("UPDATE events SET body = '[]' WHERE seq = 1", "an event of run `r`"),
        ("UPDATE events SET kind = 'run_dreamt' WHERE seq = 2", "an event of run `r`"),
        ("UPDATE events SET at = 'soon' WHERE seq = 2", "an event of run `r`"),
        ('UPDATE effects SET body = \'{"slot": "s"}\'', "an effect of run `r`"),
        ("UPDATE runs SET status = 'dreaming'", "a run"),
    ],
)
def test_what_cannot_be_read_is_named(db: sqlite3.Connection, tables: Tables, damage: str, what: str) -> None:
    """A value that is none of ours is an error for people, never a guess."""
    with tables.transaction():
        tables.begin(tables.start_run("r", "w", STARTED), "s", "a", _take)
    db.execute(damage)
    with pytest.raises(StoreError, match=f"The journal holds {what} that this program cannot read") as caught:
        (tables.events("r"), tables.effects("r"), tables.runs())
    assert "put back a copy" in caught.value.help


def test_a_slot_that_cannot_be_read_is_not_taken(db: sqlite3.Connection, tables: Tables) -> None:
    """A damaged effect is no free slot."""
    with tables.transaction():
        owner = tables.start_run("r", "w", STARTED)
        tables.begin(owner, "s", "a", _take)
    db.execute("UPDATE effects SET body = 'null'")
    with (
        pytest.raises(StoreError, match="holds the effect `s` that this program cannot read"),
        tables.transaction(),
    ):
        tables.begin(owner, "s", "a", _take)
    assert tables.last_event() == 2


@dataclass
class Model:
    """What the journal is to hold: per run its epoch and its numbers, per slot its holder and state."""

    epochs: dict[str, int] = field(default_factory=dict)
    numbers: dict[str, list[int | None]] = field(default_factory=dict)
    slots: dict[str, tuple[str, str]] = field(default_factory=dict)

    def admits(self, owner: Ownership) -> bool:
        """Tell whether this owner may write."""
        return self.epochs.get(owner.run_id) == owner.epoch

    def has_open(self, run_id: str, slot: str) -> bool:
        """Tell whether the run has an open intent there."""
        return self.slots.get(slot) == (run_id, "intent")


DEEDS = st.tuples(
    st.sampled_from(["start", "take_over", "append", "begin", "finish"]),
    st.sampled_from(["r", "q"]),
    st.integers(0, 3),
    st.sampled_from(["s", "t"]),
)


@given(st.lists(DEEDS, max_size=30))
def test_only_what_is_admitted_is_written(deeds: list[tuple[str, str, int, str]]) -> None:
    """Whatever owners of whatever epoch try, the journal holds exactly what the rules admit."""
    db = _open()
    tables, model = Tables(db, Vault()), Model()
    for number, (deed, run_id, back, slot) in enumerate(deeds):
        owner = Ownership(run_id=run_id, epoch=max(1, model.epochs.get(run_id, 1) - back))
        try:
            with tables.transaction():
                _do(tables, deed, owner, slot, _event(number))
        except (LostOwnership, StoreError):
            assert not _expect(model, deed, owner, slot, number)
        else:
            assert _expect(model, deed, owner, slot, number)
    for run_id, numbers in model.numbers.items():
        assert [one.body.get("n") for one in tables.events(run_id)] == numbers
        assert [one.seq for one in tables.events(run_id)] == [*range(1, len(numbers) + 1)]
        held = {one.slot: (run_id, one.state) for one in tables.effects(run_id)}
        assert held == {slot: holding for slot, holding in model.slots.items() if holding[0] == run_id}
    assert tables.last_event() == sum(map(len, model.numbers.values()))
    assert {row.run_id for row in tables.runs()} == set(model.epochs)
    db.close()


def _do(tables: Tables, deed: str, owner: Ownership, slot: str, event: EventDraft) -> None:
    def take(held: Held | None) -> SlotChoice:
        effect = None if held else intend(Effect(slot=slot, digest="d"), NOON)
        return SlotChoice({}, effect, event)

    match deed:
        case "start":
            tables.start_run(owner.run_id, "w", event)
        case "take_over":
            tables.take_over(owner.run_id, event)
        case "append":
            tables.append(owner, event)
        case "begin":
            tables.begin(owner, slot, "a", take)
        case _:
            tables.append(owner, event, change=EffectChange(slot, "a", _once_done))


def _once_done(effect: Effect) -> Effect:
    if effect.state != "intent":
        raise LostOwnership("done before")
    return _done(effect)


def _expect(model: Model, deed: str, owner: Ownership, slot: str, number: int) -> bool:
    """Apply a deed to the model and tell whether it is admitted."""
    run_id = owner.run_id
    if deed == "start":
        if run_id in model.epochs:
            return False
        model.epochs[run_id], model.numbers[run_id] = 1, []
    elif deed == "take_over":
        if run_id not in model.epochs:
            return False
        model.epochs[run_id] += 1
    elif not model.admits(owner) or (deed == "finish" and not model.has_open(run_id, slot)):
        return False
    elif deed == "begin":
        model.slots.setdefault(slot, (run_id, "intent"))
    elif deed == "finish":
        model.slots[slot] = (run_id, "done")
    model.numbers[run_id].append(number)
    return True
