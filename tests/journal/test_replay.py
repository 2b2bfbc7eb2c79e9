"""The tape of a replay: performs nothing, and names the first thing that is not as it was."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from mendflow.connectors.contract import JsonObject
from mendflow.journal.canonical import digest
from mendflow.journal.events import Event, EventKind, fact_body
from mendflow.journal.replay import ReplayTape
from mendflow.journal.tape import Divergence, Recorded

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ASKED: JsonObject = {"operation": "members.get", "arguments": {"email": "ann", "limit": 10}}
CALL = "a#1:call:0"
VERDICT = "a#1:verdict:0"


def _events() -> list[Event]:
    body: JsonObject = {"slot": "s", "request": ASKED, "digest": digest(ASKED)}
    slot: JsonObject = {"slot": "s", "request": ASKED}
    written: list[tuple[EventKind, str, JsonObject]] = [
        ("run_started", "", {}),
        ("intent_written", CALL, body),
        ("fact_recorded", CALL, fact_body(ASKED, {"answer": 1})),
        ("verdict_given", VERDICT, {"kind": "passed", "mends": [{"tier": 1}]}),
        ("heal_recorded", "a#1:heal:0", {"remedy": "wait"}),
        ("step_ended", "a#1:end:0", {"status": "done", "output": 1}),
        ("fact_recorded", "b#1:slot:0", fact_body(slot, {"standing": "done", "output": 1})),
        ("run_ended", "", {"status": "completed", "outputs": {"a": 1}}),
    ]
    return [
        Event(run_id="r", seq=seq, kind=kind, key=key, at=NOON, epoch=1, body=body)
        for seq, (kind, key, body) in enumerate(written, start=1)
    ]


@pytest.fixture
def tape() -> ReplayTape:
    """Return the tape of a small record."""
    return ReplayTape("r", Recorded(_events()))


async def _never() -> JsonObject:
    raise AssertionError("a replay performs nothing")


def _found(divergence: Divergence) -> tuple[str, str, object, object]:
    return (divergence.key, divergence.field, divergence.old, divergence.new)


async def _follow(tape: ReplayTape) -> None:
    assert await tape.claim("a", 1, "s", ASKED, repeatable=False) == {"standing": "mine"}
    assert await tape.fact(CALL, ASKED, _never) == {"answer": 1}
    passed: JsonObject = {"kind": "passed", "mends": [{"tier": 1.0}]}
    assert tape.decide(VERDICT, lambda: passed) == passed
    tape.heal("a#1:heal:0", {"remedy": "wait"})
    tape.end("a#1:end:0", {"status": "done", "output": 1})
    assert await tape.claim("b", 1, "s", ASKED, repeatable=False) == {"standing": "done", "output": 1}


async def test_the_same_run_replays(tape: ReplayTape) -> None:
    """Facts are served, decisions agree, nothing is left over, and the close is the same."""
    await _follow(tape)
    tape.finish()
    tape.close({"status": "completed", "outputs": {"a": 1.0}})
    assert tape.served == 2


async def test_a_replay_runs_everything_again(tape: ReplayTape) -> None:
    """No step counts as ended beforehand, and what is not recorded is not recalled."""
    assert tape.ended("a") is None
    assert tape.recall("c#1:approval:0") is None


async def test_a_fact_that_is_missing_diverges(tape: ReplayTape) -> None:
    """A question that the recorded run did not ask is named by its key."""
    with pytest.raises(Divergence, match="the recorded run did not ask this") as caught:
        await tape.fact("a#2:call:0", ASKED, _never)
    assert _found(caught.value) == ("a#2:call:0", "", None, ASKED)


async def test_another_request_names_the_first_field_that_differs(tape: ReplayTape) -> None:
    """The field, what it was and what it is, in key order."""
    other: JsonObject = {"operation": "members.list", "arguments": {"email": "bob", "limit": 9}}
    with pytest.raises(Divergence, match=r"`arguments\.email` was 'ann', is 'bob'") as caught:
        await tape.fact(CALL, other, _never)
    assert _found(caught.value) == (CALL, "arguments.email", "ann", "bob")


async def test_a_request_that_was_masked_is_compared_as_it_is_written() -> None:
    """The recorded digest is of the request with its secret; the record and a replay have the mask."""
    masked: JsonObject = {"token": "[secret]"}
    body: JsonObject = {"request": masked, "digest": digest({"token": "t0ken"}), "value": {"ok": True}}
    event = Event(run_id="r", seq=1, kind="fact_recorded", key=CALL, at=NOON, epoch=1, body=body)
    assert await ReplayTape("r", Recorded([event])).fact(CALL, masked, _never) == {"ok": True}


@pytest.mark.parametrize(
    ("path", "slot", "request_", "found"),
    [
        ("a", "t", ASKED, (CALL, "slot", "s", "t")),
        ("a", "s", {**ASKED, "operation": "x"}, (CALL, "operation", "members.get", "x")),
        ("c", "s", ASKED, ("c#1:call:0", "slot", None, "s")),
    ],
    ids=["slot", "arguments", "write"],
)
async def test_another_write_diverges(
    tape: ReplayTape, path: str, slot: str, request_: JsonObject, found: tuple[object, ...]
) -> None:
    """Another slot, other arguments, or a write that the recorded run did not make."""
    with pytest.raises(Divergence) as caught:
        await tape.claim(path, 1, slot, request_, repeatable=False)
    assert _found(caught.value) == found


@pytest.mark.parametrize(
    ("ask", "found"),
    [
        (
            lambda tape: tape.decide(VERDICT, lambda: {"kind": "failed"}),
            (VERDICT, "kind", "passed", "failed"),
        ),
        (lambda tape: tape.decide("x#1:verdict:0", dict), ("x#1:verdict:0", "", None, {})),
        (
            lambda tape: tape.heal("a#1:heal:0", {"remedy": "renew"}),
            ("a#1:heal:0", "remedy", "wait", "renew"),
        ),
        (
            lambda tape: tape.end("a#1:end:0", {"status": "done", "output": 2}),
            ("a#1:end:0", "output", 1, 2),
        ),
        (
            lambda tape: tape.close({"status": "completed", "outputs": {"a": 2}}),
            ("end of the run", "outputs.a", 1, 2),
        ),
    ],
    ids=["verdict", "new verdict", "heal", "end", "close"],
)
def test_another_decision_diverges(
    tape: ReplayTape, ask: Callable[[ReplayTape], object], found: tuple[object, ...]
) -> None:
    """A verdict, a heal, an end or a result that is another one is named with its first field."""
    with pytest.raises(Divergence) as caught:
        ask(tape)
    assert _found(caught.value) == found


@pytest.mark.parametrize(
    ("left", "key"),
    [("fact_recorded", CALL), ("verdict_given", VERDICT), ("step_ended", "a#1:end:0")],
)
async def test_what_the_replay_never_came_to_diverges(left: str, key: str) -> None:
    """Facts, verdicts and ends left over are named, the first of them in key order."""
    late = [one.model_copy(update={"key": "z#1:call:0"}) for one in _events() if one.kind == left]
    tape = ReplayTape("r", Recorded([*_events(), *late[:1]]))
    await _follow(tape)
    with pytest.raises(Divergence, match="the replay never came to it") as caught:
        tape.finish()
    assert caught.value.key == "z#1:call:0"
    with pytest.raises(Divergence) as first:
        ReplayTape("r", Recorded([one for one in _events() if one.kind == left])).finish()
    assert first.value.key == key


def test_a_resumed_attempt_is_known_by_what_followed() -> None:
    """The record went on after an attempt when the next one has a fact of its own."""
    tape = ReplayTape("r", Recorded(_events()))
    assert [tape.reopened("a", 0), tape.reopened("b", 0), tape.reopened("a", 1)] == [True, True, False]


def test_a_run_that_is_not_over_has_no_result_to_compare() -> None:
    """Without a closing event any result is as good."""
    tape = ReplayTape("r", Recorded(_events()[:-1]))
    tape.close({"status": "failed", "outputs": {}})
