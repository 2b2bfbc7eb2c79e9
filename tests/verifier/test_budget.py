from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mendflow.connectors.contract import JsonObject, ToolCall, ToolSpec
from mendflow.verifier.budget import EffectBudget, EffectMeter
from pydantic import JsonValue

AWARD = ToolSpec(
    operation="awards.create",
    summary="Award credits.",
    effect="marked",
    parameters={"properties": {"contact": {"type": "string"}, "credits": {"type": "number"}}},
    answer={},
    recipient="contact",
)
MAIL = ToolSpec(
    operation="mails.send",
    summary="Send a mail.",
    effect="blind",
    parameters={"properties": {"email": {"type": "string"}}},
    answer={},
    recipient="email",
)
NOTE = ToolSpec(operation="notes.add", summary="Note.", effect="blind", parameters={}, answer={})


def call_of(spec: ToolSpec, **arguments: JsonValue) -> ToolCall:
    """Return a call of a tool."""
    return ToolCall(connection="c", operation=spec.operation, arguments=arguments)


def filled(budget: EffectBudget, *calls: tuple[ToolSpec, ToolCall]) -> EffectMeter:
    """Return a meter that counts these calls, each in a slot of its own."""
    meter = EffectMeter(budget)
    for number, (spec, call) in enumerate(calls):
        meter.add(f"slot-{number}", spec, call)
    return meter


def test_without_a_budget_everything_is_within() -> None:
    """A workflow that bounds nothing is refused nothing."""
    meter = filled(EffectBudget(), *[(AWARD, call_of(AWARD, contact="a"))] * 1000)
    assert meter.refusal("new", AWARD, call_of(AWARD, contact="a", credits=10**30)) == ""
    assert EffectMeter().refusal("new", NOTE, call_of(NOTE)) == ""


def test_effects_are_counted() -> None:
    """The last one that is allowed is let through, the next one is not, whatever its tool."""
    first, second = (AWARD, call_of(AWARD, contact="a")), (NOTE, call_of(NOTE))
    budget = EffectBudget(count=2)
    assert filled(budget, first).refusal("new", *second) == ""
    refusal = filled(budget, first, second).refusal("new", NOTE, call_of(NOTE))
    assert refusal == "this run has begun 2 effects, and `budgets.effects.count` allows 2"


def test_a_slot_counts_once() -> None:
    """A resend is the same effect: it is neither refused nor counted again."""
    award = call_of(AWARD, contact="a", credits=5)
    meter = EffectMeter(EffectBudget(count=1, per_recipient=1, sums={"credits": 5}))
    for _ in range(3):
        assert meter.refusal("slot", AWARD, award) == ""
        meter.add("slot", AWARD, award)
    assert meter.refusal("other", AWARD, award) == (
        "this run has begun 1 effect, and `budgets.effects.count` allows 1"
    )


def test_a_resend_takes_nothing_more() -> None:
    """Neither from the count nor from the recipient's share nor from the sum."""
    award = call_of(AWARD, contact="a", credits=5)
    meter = EffectMeter(EffectBudget(count=2, per_recipient=2, sums={"credits": 10}))
    for _ in range(3):
        meter.add("slot", AWARD, award)
    assert meter.refusal("other", AWARD, award) == ""


@pytest.mark.parametrize("other", [{"contact": "b", "credits": 5}, {"contact": "a", "credits": 6}])
def test_other_arguments_under_a_slot_count_as_one_more(other: JsonObject) -> None:
    """A slot that the vendor refused is free again: what is sent under it then may not pass a bound unseen."""
    meter = filled(
        EffectBudget(count=2, sums={"credits": 10}), (AWARD, call_of(AWARD, contact="a", credits=5))
    )
    call = ToolCall(connection="c", operation=AWARD.operation, arguments=other)
    beyond = {5: "", 6: "`credits` would add up to 11, and `budgets.effects.sum` allows 10"}
    assert meter.refusal("slot-0", AWARD, call) == beyond[int(str(other["credits"]))]
    meter.add("slot-0", AWARD, call)
    assert meter.refusal("new", NOTE, call_of(NOTE)) == (
        "this run has begun 2 effects, and `budgets.effects.count` allows 2"
    )


def test_a_slot_that_another_run_has_counts_no_more() -> None:
    """What was counted and then not sent gives its place back, once."""
    award = call_of(AWARD, contact="a", credits=5)
    meter = EffectMeter(EffectBudget(count=1, per_recipient=1, sums={"credits": 5}))
    meter.add("slot", AWARD, award)
    meter.drop("slot", AWARD, award)
    meter.drop("slot", AWARD, award)
    assert meter.refusal("other", AWARD, award) == ""
    meter.add("other", AWARD, award)
    assert meter.refusal("third", AWARD, award) != ""


def test_a_slot_that_two_steps_ask_for_counts_until_both_gave_it_up() -> None:
    """Under one business key the first has the effect, and the second, which is sent away, takes nothing off."""
    award = call_of(AWARD, contact="a", credits=5)
    meter = EffectMeter(EffectBudget(count=1))
    for _ in range(2):
        meter.add("slot", AWARD, award)
    meter.drop("slot", AWARD, award)
    assert meter.refusal("other", AWARD, award) != ""
    meter.drop("slot", AWARD, award)
    assert meter.refusal("other", AWARD, award) == ""


def test_a_recipient_has_a_bound_over_all_tools() -> None:
    """An address is one recipient in capitals too; who is not named is nobody. The sentence names no person."""
    budget = EffectBudget(per_recipient=2)
    meter = filled(
        budget,
        (AWARD, call_of(AWARD, contact="ada@example.com")),
        (MAIL, call_of(MAIL, email="Ada@Example.com")),
        (NOTE, call_of(NOTE, contact="ada@example.com")),
        *[(AWARD, call_of(AWARD))] * 3,
    )
    assert meter.refusal("new", MAIL, call_of(MAIL, email="ADA@example.com")) == (
        "the recipient that `email` names has 2 effects of this run, and `budgets.effects.per_recipient` allows 2"
    )
    assert meter.refusal("new", MAIL, call_of(MAIL, email="bob@example.com")) == ""
    assert meter.refusal("new", NOTE, call_of(NOTE, contact="ada@example.com")) == ""
    assert meter.refusal("new", AWARD, call_of(AWARD)) == ""


def test_amounts_are_added_up() -> None:
    """The bound itself may be reached, and the effect that would pass it is refused with what it would come to."""
    meter = filled(EffectBudget(sums={"credits": 10}), (AWARD, call_of(AWARD, credits=7)))
    assert meter.refusal("new", AWARD, call_of(AWARD, credits=3)) == ""
    assert meter.refusal("new", AWARD, call_of(AWARD, credits=3.5)) == (
        "`credits` would add up to 10.5, and `budgets.effects.sum` allows 10"
    )


def test_decimals_are_added_up_exactly() -> None:
    """Ten times 0.1 is 1, as people count, and not the little more that binary fractions make of it."""
    tenths = [(AWARD, call_of(AWARD, credits=0.1))] * 9
    assert filled(EffectBudget(sums={"credits": 1}), *tenths).refusal("new", *tenths[0]) == ""
    assert filled(EffectBudget(sums={"credits": 1}), *tenths, tenths[0]).refusal("new", *tenths[0]) == (
        "`credits` would add up to 1.1, and `budgets.effects.sum` allows 1"
    )


@pytest.mark.parametrize("value", ["5", True, None, [5], {}, float("nan"), float("inf")])
def test_what_is_no_number_cannot_be_added_up(value: JsonValue) -> None:
    """A bound that cannot be checked is not taken for kept."""
    meter = EffectMeter(EffectBudget(sums={"credits": 10}))
    assert meter.refusal("new", AWARD, call_of(AWARD, credits=value)) == (
        "`credits` is no number, and `budgets.effects.sum` has to add it up"
    )


def test_an_amount_that_is_left_out_cannot_be_added_up() -> None:
    """The vendor would choose the amount. A tool without such an argument is not meant."""
    meter = EffectMeter(EffectBudget(sums={"credits": 10}))
    assert meter.refusal("new", AWARD, call_of(AWARD, contact="a")) == (
        "`credits` is left out, and `budgets.effects.sum` has to add it up"
    )
    assert meter.refusal("new", MAIL, call_of(MAIL, email="a")) == ""


def test_an_argument_beyond_the_contract_is_added_up_too() -> None:
    """Tools may take arguments that their contract does not list."""
    meter = EffectMeter(EffectBudget(sums={"points": 10}))
    assert meter.refusal("new", NOTE, call_of(NOTE, points=11)) == (
        "`points` would add up to 11, and `budgets.effects.sum` allows 10"
    )


def test_negative_amounts_make_no_room() -> None:
    """A correction takes nothing off, and adds nothing."""
    meter = filled(
        EffectBudget(sums={"credits": 10}),
        (AWARD, call_of(AWARD, credits=-100)),
        (AWARD, call_of(AWARD, credits=10)),
    )
    assert meter.refusal("new", AWARD, call_of(AWARD, credits=-1)) == ""
    assert meter.refusal("new", AWARD, call_of(AWARD, credits=1)) == (
        "`credits` would add up to 11, and `budgets.effects.sum` allows 10"
    )


_AMOUNTS = st.one_of(st.none(), st.integers(), st.floats(), st.text(max_size=2))
_CALLS = st.builds(
    lambda spec, who, amount: (spec, call_of(spec, **_given(spec, who, amount))),
    st.sampled_from((AWARD, MAIL, NOTE)),
    st.sampled_from(("", "a", "b", "A")),
    _AMOUNTS,
)
_BOUNDS = st.one_of(st.none(), st.integers(1, 4))
_BUDGETS = st.builds(
    lambda count, each, most: EffectBudget(
        count=count, per_recipient=each, sums={} if most is None else {"credits": most}
    ),
    _BOUNDS,
    _BOUNDS,
    _BOUNDS,
)


def _given(spec: ToolSpec, who: str, amount: JsonValue) -> JsonObject:
    given: JsonObject = {} if amount is None or spec is NOTE else {"credits": amount}
    return {**given, spec.recipient: who} if spec.recipient and who else given


@settings(deadline=None)
@given(_BUDGETS, st.lists(st.tuples(st.integers(0, 5), _CALLS), max_size=20))
def test_what_was_let_through_is_within_the_budget(
    budget: EffectBudget, asked: list[tuple[int, tuple[ToolSpec, ToolCall]]]
) -> None:
    """Whatever is asked, in any order and however often: the slots that were let through keep every bound."""
    meter = EffectMeter(budget)
    sent: dict[int, tuple[ToolSpec, ToolCall]] = {}
    for slot, (spec, call) in asked:
        if not meter.refusal(str(slot), spec, call):
            meter.add(str(slot), spec, call)
            sent.setdefault(slot, (spec, call))
    recipients = Counter(
        str(call.arguments[spec.recipient]).lower()
        for spec, call in sent.values()
        if spec.recipient in call.arguments
    )
    amounts = [call.arguments["credits"] for _, call in sent.values() if "credits" in call.arguments]
    assert len(sent) <= (budget.count or len(sent))
    assert max(recipients.values(), default=0) <= (budget.per_recipient or len(sent))
    for most in budget.sums.values():
        positive = [Fraction(str(one)) for one in amounts if isinstance(one, int | float) and one > 0]
        assert not [one for one in amounts if isinstance(one, str)]
        assert sum(positive) <= most


@settings(deadline=None)
@given(_BUDGETS, st.lists(_CALLS, max_size=6), _CALLS)
def test_a_refusal_has_its_reason(
    budget: EffectBudget, before: list[tuple[ToolSpec, ToolCall]], last: tuple[ToolSpec, ToolCall]
) -> None:
    """Without the bound that a refusal names, the same effect is not refused for that reason; never in vain."""
    refusal = filled(budget, *before).refusal("new", *last)
    freed: dict[str, object] = {"count": None, "per_recipient": None, "sums": {}}
    names = {"count": "count`", "per_recipient": "per_recipient`", "sums": "sum`"}
    named = [field for field, name in names.items() if f"`budgets.effects.{name}" in refusal]
    assert len(named) == (1 if refusal else 0)
    for field in named:
        wider = budget.model_copy(update={field: freed[field]})
        assert filled(wider, *before).refusal("new", *last) != refusal


@settings(deadline=None)
@given(_BUDGETS, st.lists(_CALLS, max_size=6), st.lists(_CALLS, max_size=3), _CALLS)
def test_what_is_dropped_leaves_no_trace(
    budget: EffectBudget,
    kept: list[tuple[ToolSpec, ToolCall]],
    dropped: list[tuple[ToolSpec, ToolCall]],
    last: tuple[ToolSpec, ToolCall],
) -> None:
    """A meter that gave places back answers as one that never gave them away."""
    meter = filled(budget, *kept)
    for number, one in enumerate(dropped):
        meter.add(f"dropped-{number}", *one)
    for number, one in enumerate(dropped):
        meter.drop(f"dropped-{number}", *one)
    assert meter.refusal("new", *last) == filled(budget, *kept).refusal("new", *last)
