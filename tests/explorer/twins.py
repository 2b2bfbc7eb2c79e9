"""Naive designs: the shipped rules but for one, each with the harm that the search must find."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from mendflow.connectors.contract import Answer, JsonObject, Reply
from mendflow.journal.claims import SlotRequest, choose_slot
from mendflow.journal.store import Held, SlotChoice
from mendflow.verifier.course import Means, Turn
from mendflow.verifier.effect import Effect, conclude
from mendflow.verifier.outcome import classify
from mendflow.verifier.verdict import Failed, Healing, Parked, Settle, Verdict
from pydantic import JsonValue

from tests.explorer.case import Case
from tests.explorer.properties import DOUBLED, FALSE_DONE, FALSE_FAILED
from tests.explorer.rules import SHIPPED, Rules


@dataclass(frozen=True, slots=True)
class Twin:
    """A rule that is wrong, a case in which it does harm, and the harm."""

    name: str
    rules: Rules
    case: Case
    harm: str


def _resends_unknown(means: Means) -> Means:
    return means.model_copy(update={"may_repeat": True})


def _takes_over_by_lease(*, alive: bool) -> bool:
    """Take over when a lease ran out, which it does also while its holder merely stands still."""
    del alive
    return True


def _ignores_settle(means: Means) -> Means:
    return means.model_copy(update={"settle": timedelta()})


def _on_page(change: Callable[[Turn, JsonObject], JsonObject]) -> Callable[[Turn, Reply], Verdict]:
    """Judge a page of the confirming read after changing what it says."""

    def judge(turn: Turn, reply: Reply) -> Verdict:
        outcome = reply.outcome
        is_page = turn.course.probe and isinstance(outcome, Answer) and isinstance(outcome.body, dict)
        if not is_page or not isinstance(outcome, Answer) or not isinstance(outcome.body, dict):
            return turn.judge(reply)
        changed = outcome.model_copy(update={"body": change(turn, outcome.body)})
        return turn.judge(reply.model_copy(update={"outcome": changed}))

    return judge


def _items(body: JsonObject) -> list[dict[str, JsonValue]]:
    items = body.get("data")
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _matched_by_amount(turn: Turn, body: JsonObject) -> JsonObject:
    wanted = turn.call.arguments
    return {
        **body,
        "data": [
            {**item, "slot": wanted["slot"]} if item["amount"] == wanted["amount"] else item
            for item in _items(body)
        ],
    }


def _first_page_only(turn: Turn, body: JsonObject) -> JsonObject:
    return {**body, "meta": {"page": turn.course.probe, "last_page": turn.course.probe}}


def _unmarked_overlooked(turn: Turn, body: JsonObject) -> JsonObject:
    del turn
    return {**body, "data": [item for item in _items(body) if "slot" in item]}


def _last_page_only(turn: Turn, reply: Reply) -> Verdict:
    """Read the number of pages from the first, then look at the last alone."""
    verdict = turn.judge(reply)
    outcome = reply.outcome
    if turn.course.probe != 1 or not isinstance(outcome, Answer) or not isinstance(outcome.body, dict):
        return verdict
    meta = outcome.body.get("meta")
    last = meta["last_page"] if isinstance(meta, dict) else 1
    if not isinstance(last, int) or last == 1 or isinstance(verdict, Parked | Failed):
        return verdict
    fault = turn.judge(reply.model_copy(update={"outcome": Answer(status=500)}))
    if not isinstance(fault, Healing):
        return fault
    total = meta["total"] if isinstance(meta, dict) else None
    remedy = Settle(after=timedelta(), page=last, total=total if isinstance(total, int) else None)
    return fault.model_copy(update={"remedy": remedy})


def _refusal_is_final(turn: Turn, reply: Reply) -> Verdict:
    verdict = turn.judge(reply)
    outcome = classify(turn.asked, turn.exact, reply)
    if turn.is_reading or outcome.standing != "refused" or outcome.fault is None:
        return verdict
    return Failed(fault=outcome.fault) if outcome.fault.kind == "refused" else verdict


def _drift_is_failure(turn: Turn, reply: Reply) -> Verdict:
    verdict = turn.judge(reply)
    if (
        not turn.is_reading
        and isinstance(verdict, Healing)
        and verdict.fault.evidence.get("cause") == "drift"
    ):
        return Failed(fault=verdict.fault)
    return verdict


def _digest_names_slot(key: str, digest: str) -> str:
    del key
    return digest


def _ignores_holder(held: Held | None, want: SlotRequest) -> SlotChoice:
    return choose_slot(held if held and held.run_id == want.run_id else None, want)


def _forgets_done(held: Held | None, want: SlotRequest) -> SlotChoice:
    return choose_slot(None if held and held.effect.state == "done" else held, want)


def _unknown_is_planned(turn: Turn, reply: Reply, verdict: Verdict) -> Callable[[Effect], Effect] | None:
    """Let the journal say `planned` of what may have taken place."""
    change = turn.transition(reply, verdict)
    if change is None or turn.is_reading or classify(turn.spec, turn.call, reply).standing != "unknown":
        return change
    return lambda effect: conclude(effect, "not_sent", {"fault": "lost"})


def _any_version(slot: str, before: tuple[str, int] | None, version: int) -> None:
    del slot, before, version


_SMALL: Final = Case("", "marked", settle=True, trusted=True, sends=2, crashes=1, others=0, visits=0)
_TWO: Final = Case("", "marked", settle=True, trusted=True, sends=2, crashes=0, others=0, visits=0, runs=2)
_OTHERS: Final = Case("", "marked", settle=True, trusted=True, sends=2, crashes=0, visits=0)
_UNECHOED: Final = Case(
    "", "marked", settle=True, trusted=True, listed="unmarked", sends=2, crashes=0, others=0, visits=0
)
_NATURAL: Final = Case("", "natural", sends=2, crashes=0, visits=0)
_KEYED: Final = Case("", "keyed", late=None, trusted=True, sends=2, crashes=0, others=0, visits=0)
_UNTRUE: Final = Case(
    "", "marked", settle=True, trusted=True, late=None, sends=2, crashes=0, others=0, visits=0
)
_DIFFERING: Final = Case(
    "",
    "marked",
    settle=True,
    trusted=True,
    sends=1,
    crashes=0,
    others=0,
    visits=0,
    runs=2,
    amounts=(5, 7),
)
_APART: Final = Case(
    "",
    "marked",
    settle=True,
    trusted=True,
    sends=1,
    crashes=0,
    others=0,
    visits=0,
    runs=2,
    keys=("ann", "bob"),
)

TWINS: Final = (
    Twin("an unknown is sent again without proof", Rules(means=_resends_unknown), _SMALL, DOUBLED),
    Twin(
        "a lease that ran out allows a take-over", Rules(may_take_over=_takes_over_by_lease), _SMALL, DOUBLED
    ),
    Twin("an equal amount is taken for ours", Rules(judge=_on_page(_matched_by_amount)), _OTHERS, FALSE_DONE),
    Twin("a refusal is final after an unknown", Rules(judge=_refusal_is_final), _NATURAL, FALSE_FAILED),
    Twin("a refusal is final in spite of a key", Rules(judge=_refusal_is_final), _KEYED, FALSE_FAILED),
    Twin("the digest names the slot, other arguments", Rules(slot=_digest_names_slot), _DIFFERING, DOUBLED),
    Twin("the digest names the slot, equal arguments", Rules(slot=_digest_names_slot), _APART, FALSE_DONE),
    Twin("absence counts before the settle time", Rules(means=_ignores_settle), _SMALL, DOUBLED),
    Twin("absence on the first page counts", Rules(judge=_on_page(_first_page_only)), _OTHERS, DOUBLED),
    Twin("absence on the last page counts", Rules(judge=_last_page_only), _OTHERS, DOUBLED),
    Twin(
        "an award without a marker is overlooked",
        Rules(judge=_on_page(_unmarked_overlooked)),
        _UNECHOED,
        DOUBLED,
    ),
    Twin("a drifted success is a failure", Rules(judge=_drift_is_failure), _SMALL, FALSE_FAILED),
    Twin("the intent is not awaited", Rules(intent_is_awaited=False), _SMALL, DOUBLED),
    Twin("a crash counts as not sent", Rules(crash="unreachable"), _SMALL, DOUBLED),
    Twin(
        "a slot in other hands is free",
        Rules(choose=_ignores_holder, admit_version=_any_version),
        _TWO,
        DOUBLED,
    ),
    Twin(
        "a slot that is done is free", Rules(choose=_forgets_done, admit_version=_any_version), _TWO, DOUBLED
    ),
    Twin("the journal forgets an unknown", Rules(transition=_unknown_is_planned), _TWO, DOUBLED),
    Twin("the declared settle time is not true", SHIPPED, _UNTRUE, DOUBLED),
)
