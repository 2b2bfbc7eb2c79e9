"""Who gets a slot: each standing that a slot may have, seen by the same run and by another one."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from mendflow.connectors.contract import JsonObject
from mendflow.connectors.errors import IllegalTransition
from mendflow.journal.canonical import digest
from mendflow.journal.claims import SlotRequest, choose_slot
from mendflow.journal.events import EventDraft, fact_body
from mendflow.journal.store import Held, SlotChoice
from mendflow.verifier.effect import Effect, conclude, intend, park, settled

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LATER = NOON + timedelta(minutes=1)
REQUEST: JsonObject = {"operation": "awards.create", "arguments": {"credits": 10}}
OTHER: JsonObject = {"operation": "awards.create", "arguments": {"credits": 20}}
PLANNED = Effect(slot="s", digest=digest(REQUEST))
OPEN = intend(PLANNED, NOON)
UNKNOWN = conclude(OPEN, "unknown", {})
DONE = conclude(OPEN, "done", {"output": {"uuid": "a-1"}})
REFUSED = conclude(OPEN, "refused", {})
THROTTLED = conclude(OPEN, "refused", {}, final=False)
PARKED = park(UNKNOWN, {})
ABSENT = settled(UNKNOWN, "absent", {})


def _want(*, request: JsonObject = REQUEST, run_id: str = "run-2", path: str = "award") -> SlotRequest:
    return SlotRequest(
        run_id, path, "s", request, "award#1:call:0", "award#1:slot:0", LATER, repeatable=False
    )


def _mine(effect: Effect, request: JsonObject = REQUEST) -> SlotChoice:
    body: JsonObject = {"slot": "s", "request": request, "digest": digest(request)}
    event = EventDraft(kind="intent_written", key="award#1:call:0", at=LATER, body=body)
    return SlotChoice({"standing": "mine"}, effect, event)


def _theirs(claim: JsonObject, request: JsonObject = REQUEST) -> SlotChoice:
    body = fact_body({"slot": "s", "request": request}, claim)
    return SlotChoice(
        claim, None, EventDraft(kind="fact_recorded", key="award#1:slot:0", at=LATER, body=body)
    )


def _standing(word: str) -> JsonObject:
    return {"standing": word, "run_id": "run-1", "path": "award"}


def test_a_free_slot_is_taken() -> None:
    """Nobody has it: it is ours, with the intent to record."""
    assert choose_slot(None, _want()) == _mine(intend(PLANNED, LATER))


@pytest.mark.parametrize("effect", [PLANNED, THROTTLED, ABSENT], ids=["planned", "throttled", "absent"])
def test_a_slot_under_which_nothing_happened_is_taken(effect: Effect) -> None:
    """Another run planned it and no attempt took place: whoever comes first may send."""
    assert choose_slot(Held(effect, "run-1", "award"), _want()) == _mine(intend(effect, LATER))


@pytest.mark.parametrize("request_", [REQUEST, OTHER], ids=["same", "other arguments"])
def test_a_refused_slot_is_free(request_: JsonObject) -> None:
    """The vendor refused it, so nothing happened: a fresh effect takes its place, with any arguments."""
    fresh = Effect(slot="s", digest=digest(request_), version=REFUSED.version + 1)
    assert choose_slot(Held(REFUSED, "run-1", "award"), _want(request=request_)) == _mine(
        intend(fresh, LATER), request_
    )


@pytest.mark.parametrize(
    ("effect", "claim"),
    [
        (DONE, {**_standing("done"), "output": {"uuid": "a-1"}}),
        (OPEN, _standing("held")),
        (UNKNOWN, _standing("held")),
        (PARKED, _standing("parked")),
    ],
    ids=["done", "open", "unknown", "parked"],
)
def test_a_slot_in_other_hands_is_left(effect: Effect, claim: JsonObject) -> None:
    """Another run has it: nothing is intended, and how it stands is recorded."""
    assert choose_slot(Held(effect, "run-1", "award"), _want()) == _theirs(claim)


@pytest.mark.parametrize("effect", [PLANNED, THROTTLED, OPEN, UNKNOWN, DONE, PARKED])
@pytest.mark.parametrize("run_id", ["run-1", "run-2"])
def test_other_arguments_are_never_sent(effect: Effect, run_id: str) -> None:
    """One key with two sets of arguments would be two effects under one name."""
    choice = choose_slot(Held(effect, "run-1", "award"), _want(request=OTHER, run_id=run_id))
    assert choice == _theirs(_standing("differs"), OTHER)


def test_the_same_request_in_other_numbers_is_the_same() -> None:
    """10 and 10.0 are one award."""
    same: JsonObject = {"operation": "awards.create", "arguments": {"credits": 10.0}}
    claim = choose_slot(Held(DONE, "run-1", "award"), _want(request=same)).claim
    assert claim["standing"] == "done"


def test_ones_own_done_slot_is_done() -> None:
    """Also the run that made the effect does not make it again."""
    claim = choose_slot(Held(DONE, "run-2", "award"), _want()).claim
    assert claim["standing"] == "done"


def test_another_step_of_the_same_run_is_another() -> None:
    """Two steps of one run with one key: the second finds the slot held."""
    claim = choose_slot(Held(OPEN, "run-2", "first"), _want()).claim
    assert claim == {"standing": "held", "run_id": "run-2", "path": "first"}


def test_ones_own_parked_slot_is_reopened() -> None:
    """A person resumed: what was parked before anything left is sent under the same effect."""
    parked = park(THROTTLED, {})
    choice = choose_slot(Held(parked, "run-2", "award"), _want())
    assert choice.claim == {"standing": "mine"}
    assert choice.effect is not None
    assert (choice.effect.state, len(choice.effect.attempts)) == ("intent", 2)


@pytest.mark.parametrize("effect", [UNKNOWN, PARKED, OPEN], ids=["unknown", "parked", "open"])
def test_an_open_outcome_is_never_sent_again(effect: Effect) -> None:
    """Not even the run that holds the slot may intend it anew before it is settled."""
    with pytest.raises(IllegalTransition):
        choose_slot(Held(effect, "run-2", "award"), _want())


@pytest.mark.parametrize("held", [None, REFUSED, THROTTLED], ids=["free", "refused", "planned by another"])
def test_an_effect_beyond_the_budget_takes_no_slot(held: Effect | None) -> None:
    """Nothing is intended, and the reason is recorded where a replay finds it."""
    want = replace(_want(), beyond="two were allowed")
    choice = choose_slot(None if held is None else Held(held, "run-1", "award"), want)
    assert choice == _theirs({"standing": "beyond", "reason": "two were allowed"})


def test_an_effect_that_was_begun_goes_on_beyond_the_budget() -> None:
    """It counted when it was begun; sending it again is no further effect."""
    want = replace(_want(), beyond="two were allowed")
    assert choose_slot(Held(THROTTLED, "run-2", "award"), want) == _mine(intend(THROTTLED, LATER))


@pytest.mark.parametrize("effect", [OPEN, UNKNOWN, PARKED, DONE], ids=["open", "unknown", "parked", "done"])
def test_a_slot_in_other_hands_is_told_before_the_budget(effect: Effect) -> None:
    """Nothing is sent for it here, so no budget is asked; how it stands there decides."""
    held = Held(effect, "run-1", "award")
    assert choose_slot(held, replace(_want(), beyond="two were allowed")) == choose_slot(held, _want())
