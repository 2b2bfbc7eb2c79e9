"""Each class of effect after a lost exchange: what is read, what is sent again, what is left to a person."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from mendflow.connectors.contract import Answer, JsonObject, NoAnswer, ToolCall
from mendflow.connectors.errors import InvalidUse
from mendflow.graph.engine.run import Order, start
from mendflow.graph.engine.summary import RunResult
from mendflow.graph.language.compiler import compile_text
from mendflow.journal.sqlite import SqliteStore
from mendflow.journal.switch import KillSwitch
from mendflow.verifier.effect import Decision
from pydantic import JsonValue

from tests.graph.engine.conftest import (
    HEAD,
    TOOLS,
    Bench,
    Fate,
    Vendor,
    gone,
    lost_reply,
    lost_request,
    plainly,
    status,
    taken,
)

CLAIM = """
steps:
  claim: {call: shop.cards.claim, once: inputs.email, with: {card: c1, owner: "${{ inputs.email }}"}}
"""
MERGE = """
steps:
  merge: {call: shop.cards.merge, once: inputs.email, with: {card: c1, owner: c2}}
"""
ORDER = """
steps:
  order: {call: shop.codes.order, once: inputs.email, with: {quantity: 5}}
"""
MAIL = """
steps:
  mail: {call: shop.mails.send, once: inputs.email, with: {email: "${{ inputs.email }}"}}
outputs: {sent: "${{ steps.mail.output.sent }}"}
"""
AWARD = """
steps:
  award: {call: shop.awards.create, once: inputs.email, with: {contact: ann, credits: 10}}
"""
REPEATED_MAIL = MAIL.replace("once: inputs.email", "may_repeat: true")
LINKED = """
steps:
  award: {call: shop.awards.create, with: {contact: ann, credits: 10, till: t1}}
outputs: {uuid: "${{ steps.award.output.uuid }}"}
"""

MAPPED = """
budgets: {effects: {count: 2}}
steps:
  each:
    map: inputs.people
    parallel: 1
    steps:
      award: {call: shop.awards.create, once: item, with: {contact: "${{ item }}", credits: 10}}
"""
KEYED = """
steps:
  second: {call: shop.awards.create, once: "'k'", on_exhausted: park, with: {contact: ann, credits: 10}}
"""
CAPPED = """
budgets: {effects: {count: 1}}
steps:
  first: {call: shop.awards.create, with: {contact: zed, credits: 10}}
  second: {call: shop.awards.create, needs: [first], once: "'k'", with: {contact: ann, credits: 10}}
"""


def not_sent(_vendor: Vendor, _call: ToolCall) -> NoAnswer:
    """Never let it leave."""
    return NoAnswer(sent="no", reason="dns")


def _open_end(result: RunResult) -> str:
    (end,) = result.parked
    return end.reason


@pytest.mark.parametrize("fate", [lost_reply, lost_request], ids=["reply", "request"])
async def test_a_claim_is_settled_by_the_state_of_its_object(bench: Bench, fate: Fate) -> None:
    """The claimed card shows its owner; one that is untouched after the settle time is claimed again."""
    bench.vendor.doom("cards.claim", fate)
    result = await bench.run(CLAIM)
    assert (result.status, bench.vendor.owners) == ("completed", {"c1": "ann@x.org"})
    assert bench.vendor.asked["cards.claim"] == (1 if fate is lost_reply else 2)
    await bench.same(result.run_id, CLAIM)


async def test_a_claim_is_not_repeated_without_a_settle_time(bench: Bench) -> None:
    """An untouched card proves nothing where no bound is declared: a person decides."""
    bench.settle = None
    bench.vendor.doom("cards.claim", lost_request)
    result = await bench.run(CLAIM)
    assert (result.status, bench.vendor.asked["cards.claim"]) == ("parked", 1)
    assert "no `settle` time is declared" in _open_end(result)
    await bench.same(result.run_id, CLAIM)


async def test_a_card_of_somebody_else_is_left_to_a_person(bench: Bench) -> None:
    """Another owner is neither our effect nor its absence."""
    bench.vendor.doom("cards.claim", lost_request)
    bench.vendor.owners["c1"] = "bob@x.org"
    result = await bench.run(CLAIM)
    assert (result.status, bench.vendor.asked["cards.claim"]) == ("parked", 1)


async def test_a_merge_whose_source_is_gone_is_left_to_a_person(bench: Bench) -> None:
    """What was accepted is done later: the reading is repeated until the source is no more, which is no proof."""
    bench.vendor.doom("cards.merge", lost_reply)
    bench.vendor.doom("cards.get", plainly, plainly, gone)
    bench.settle = None
    result = await bench.run(MERGE)
    assert result.status == "parked"
    assert result.parked[0].next_action.startswith("It most likely took place.")
    assert bench.vendor.asked == {"cards.merge": 1, "cards.get": 3}
    await bench.same(result.run_id, MERGE)


@pytest.mark.parametrize("settle", [None, timedelta(seconds=3)])
async def test_a_merge_is_never_sent_again(bench: Bench, settle: timedelta | None) -> None:
    """A source that is still there may be merged yet, so a person decides once the vendor's time is over."""
    bench.settle = settle
    bench.vendor.doom("cards.merge", lost_request)
    result = await bench.run(MERGE)
    assert (result.status, bench.vendor.asked["cards.merge"]) == ("parked", 1)
    assert sum(bench.waits) == pytest.approx(60 if settle is None else 3)
    await bench.same(result.run_id, MERGE)


async def test_a_total_is_read_before_an_order_and_proves_nothing_after_it(bench: Bench) -> None:
    """The person learns by how much the total grew; nothing is sent again."""
    bench.vendor.codes = 7
    bench.vendor.doom("codes.order", lost_reply)
    result = await bench.run(ORDER)
    assert (result.status, bench.vendor.codes) == ("parked", 12)
    assert bench.vendor.asked == {"codes.list": 2, "codes.order": 1}
    assert "was 7 before and is 12; 5 more were asked for" in _open_end(result)
    assert result.parked[0].next_action.startswith("It most likely took place.")
    assert result.effects.confirmed == 0
    await bench.same(result.run_id, ORDER)


async def test_an_order_that_did_not_grow_the_total_is_not_sent_again(bench: Bench) -> None:
    """Absence from a total proves nothing either."""
    bench.vendor.doom("codes.order", lost_request)
    result = await bench.run(ORDER)
    assert (result.status, bench.vendor.asked["codes.order"]) == ("parked", 1)
    assert "was 0 before and is 0" in _open_end(result)


async def test_an_order_whose_total_cannot_be_read_is_not_sent(bench: Bench) -> None:
    """Without the snapshot nothing could be said afterwards, so nothing leaves."""
    bench.vendor.doom("codes.list", *[status(500)] * 6)
    result = await bench.run(ORDER)
    assert (result.status, bench.vendor.asked) == ("failed", {"codes.list": 6})
    await bench.same(result.run_id, ORDER)


async def test_a_good_order_passes(bench: Bench) -> None:
    """A read total and a good answer are all it takes, with one effect confirmed."""
    bench.vendor.doom("codes.list", status(500))
    result = await bench.run(ORDER)
    assert (result.status, result.effects.confirmed) == ("completed", 1)
    assert bench.vendor.asked == {"codes.list": 2, "codes.order": 1}
    await bench.same(result.run_id, ORDER)


async def test_a_blind_call_is_repeated_where_its_author_allows_it(bench: Bench) -> None:
    """`may_repeat: true` says that a second mail does no harm."""
    bench.vendor.doom("mails.send", lost_reply)
    result = await bench.run(REPEATED_MAIL)
    assert (result.status, len(bench.vendor.mails)) == ("completed", 2)
    await bench.same(result.run_id, REPEATED_MAIL)


async def test_one_key_counts_once_towards_the_budget(bench: Bench) -> None:
    """The second item under a key makes no effect and gives none back: two effects are two."""
    result = await bench.run(MAPPED, people=["ann", "ann", "bob", "cid"])
    assert (bench.vendor.awarded, result.status) == (["ann", "bob"], "completed")
    assert [end.path for end in result.failed] == ["each[3].award"]
    await bench.same(result.run_id, MAPPED, people=["ann", "ann", "bob", "cid"])


async def test_a_slot_that_another_run_left_counts_towards_the_budget(bench: Bench) -> None:
    """Nothing was sent under it, so it would be one more effect."""
    bench.vendor.doom("awards.create", *[not_sent] * 6)
    assert (await bench.run(KEYED)).status == "parked"
    result = await bench.run(CAPPED)
    assert (bench.vendor.awarded, result.status) == (["zed"], "failed")
    await bench.same(result.run_id, CAPPED)


async def test_a_resumed_run_remembers_its_budget(bench: Bench) -> None:
    """What an earlier process began counts."""
    bench.settle = None
    bench.vendor.doom("awards.create", lost_request)
    parked = await bench.run(MAPPED, people=["ann", "bob", "cid"])
    assert (bench.vendor.awarded, parked.status) == (["bob"], "parked")
    result = await bench.resume(parked.run_id, MAPPED, people=["ann", "bob", "cid"])
    assert (bench.vendor.awarded, result.status) == (["bob"], "parked")


@pytest.mark.parametrize("settle", [None, timedelta(seconds=3)])
async def test_a_vendor_key_lets_an_unknown_call_be_sent_again(
    bench: Bench, settle: timedelta | None
) -> None:
    """The vendor itself refuses a second one, so no bound is needed."""
    bench.settle = settle
    bench.vendor.doom("awards.create", lost_request)
    result = await bench.run(LINKED)
    assert (result.status, bench.vendor.awarded) == ("completed", ["ann"])
    assert bench.vendor.asked["awards.list"] == 0
    await bench.same(result.run_id, LINKED)


async def test_a_taken_vendor_key_is_looked_into(bench: Bench) -> None:
    """That the key is taken does not say by whom: our marker in the listing does, and gives the output."""
    bench.vendor.doom("awards.create", lost_reply, taken)
    result = await bench.run(LINKED)
    assert (result.status, result.outputs, bench.vendor.awarded) == ("completed", {"uuid": "a-1"}, ["ann"])
    await bench.same(result.run_id, LINKED)


async def test_a_vendor_key_in_other_hands_is_not_taken_for_ours(bench: Bench) -> None:
    """Taken at the first attempt: refused. Taken after a lost request, and our marker nowhere: not done."""
    bench.vendor.doom("awards.create", taken)
    assert (await bench.run(LINKED)).status == "failed"
    bench.settle = None
    bench.vendor.doom("awards.create", lost_request, taken)
    result = await bench.run(LINKED)
    assert (result.status, bench.vendor.awarded) == ("parked", [])


@pytest.mark.parametrize(
    ("decision", "status_after", "mails"),
    [("done", "completed", 0), ("refused", "failed", 0), ("resend", "completed", 1)],
)
async def test_a_person_decides_about_a_parked_effect(
    bench: Bench, decision: Decision, status_after: str, mails: int
) -> None:
    """What they say is recorded with name and reason, and the resumed run does as they say."""
    bench.vendor.doom("mails.send", lost_request)
    parked = await bench.run(MAIL)
    assert f"mendflow resolve {parked.run_id} 'mail' --done" in parked.parked[0].next_action
    path = await bench.resolve(parked.run_id, "", decision, {"sent": True})
    result = await bench.resume(parked.run_id, MAIL)
    assert (path, result.status, len(bench.vendor.mails)) == ("mail", status_after, mails)
    assert result.outputs == ({"sent": True} if status_after == "completed" else {})
    (effect,) = await bench.effects(parked.run_id)
    assert effect.state == ("refused" if decision == "refused" else "done")
    if decision != "resend":
        assert (effect.evidence["by"], effect.evidence["reason"]) == ("eve", "seen in the dashboard")
    await bench.same(parked.run_id, MAIL)


async def test_a_decision_needs_a_parked_effect(bench: Bench) -> None:
    """Nothing parked, another name, or a decision made already: an error that says what is parked."""
    bench.vendor.doom("mails.send", lost_request)
    parked = await bench.run(MAIL)
    with pytest.raises(InvalidUse, match="`post` is not parked; these are: `mail`"):
        await bench.resolve(parked.run_id, "post", "done")
    await bench.resolve(parked.run_id, "mail", "done")
    with pytest.raises(
        InvalidUse, match=r"`mail` of run `.*` was decided already: `done` by eve: seen in the dashboard."
    ) as caught:
        await bench.resolve(parked.run_id, "mail", "resend")
    assert caught.value.help == f"Go on with: mendflow resume {parked.run_id}"
    with pytest.raises(InvalidUse, match=r"`mail` of run `.*` was decided already"):
        await bench.resolve(parked.run_id, "", "resend")
    await bench.resume(parked.run_id, MAIL)
    with pytest.raises(InvalidUse, match=r"`mail` of run `.*` was decided already") as caught:
        await bench.resolve(parked.run_id, "mail", "resend")
    assert caught.value.help == f"`mendflow why {parked.run_id}` tells it."


async def test_an_effect_that_a_person_saw_done_is_done_for_all_runs(bench: Bench) -> None:
    """Its once key stands: another run takes the output over and sends nothing."""
    bench.vendor.doom("mails.send", lost_request)
    parked = await bench.run(MAIL)
    await bench.resolve(parked.run_id, "mail", "done", {"sent": True})
    other = await bench.run(MAIL)
    assert (other.status, other.outputs, bench.vendor.mails) == ("completed", {"sent": True}, [])


@pytest.mark.parametrize(
    "steps", [LINKED, ORDER, "steps:\n  look: {call: shop.cards.get, with: {card: c1}}\n"]
)
async def test_a_paused_connection_sends_nothing(bench: Bench, steps: str) -> None:
    """The run parks with the way out; released and resumed, it goes on."""
    switch = KillSwitch(bench.home.folder)
    switch.pause("shop", by="eve", reason="too many awards")
    bench.prepared = False
    result = await bench.run(steps)
    assert (result.status, bench.vendor.calls) == ("parked", [])
    assert "paused by eve: too many awards" in _open_end(result)
    assert f"mendflow pause shop --off` lets it go on; then `mendflow resume {result.run_id}" in (
        result.parked[0].next_action
    )
    assert (switch.release("shop"), switch.release("shop")) == (True, False)
    assert (await bench.resume(result.run_id, steps)).status == "completed"
    await bench.same(result.run_id, steps)


async def test_a_pause_holds_back_a_reading_too(bench: Bench) -> None:
    """What is unknown stays unknown while the connection is paused, and is read about afterwards."""
    bench.prepared = False
    switch = KillSwitch(bench.home.folder)

    def lost_and_paused(vendor: Vendor, call: ToolCall) -> NoAnswer:
        switch.pause("shop", by="eve", reason="stop")
        return lost_reply(vendor, call)

    steps = LINKED.replace(", till: t1", "")
    bench.vendor.doom("awards.create", lost_and_paused)
    result = await bench.run(steps)
    assert (result.status, bench.vendor.asked["awards.list"]) == ("parked", 0)
    switch.release("shop")
    assert (await bench.resume(result.run_id, steps)).status == "completed"
    assert bench.vendor.awarded == ["ann"]
    await bench.same(result.run_id, steps)


async def test_nobody_decides_about_a_run_at_work(bench: Bench) -> None:
    """While a process has the run, a decision is refused and nothing is written."""
    bench.vendor.doom("mails.send", lost_request)
    parked = await bench.run(MAIL)
    before = await bench.events(parked.run_id)
    with bench.home.owning(parked.run_id), pytest.raises(InvalidUse, match="is being run by another process"):
        await bench.resolve(parked.run_id, "mail", "resend")
    assert await bench.events(parked.run_id) == before


def in_pages(records: Callable[[Vendor], list[JsonValue]]) -> Fate:
    """List records two to a page, and tell how many there are in all."""

    def fate(vendor: Vendor, call: ToolCall) -> Answer:
        listed, page = records(vendor), call.arguments["page"]
        assert isinstance(page, int)
        meta: JsonObject = {"last_page": -(-len(listed) // 2), "page": page, "total": len(listed)}
        return Answer(status=200, body={"data": listed[2 * (page - 1) : 2 * page], "meta": meta})

    return fate


async def test_a_record_that_leaves_the_listing_hides_no_award(bench: Bench) -> None:
    """Ours stands first on page two while page one is read, then moves up to it: the listing is read anew."""
    others: list[JsonValue] = [
        {"uuid": f"o-{number}", "contact": "zed", "credits": 1, "slot": f"x{number}"} for number in range(3)
    ]

    def whole(vendor: Vendor) -> list[JsonValue]:
        return [*others[:2], *(dict(one) for one in vendor.awards), others[2]]

    bench.vendor.doom("awards.create", lost_reply)
    bench.vendor.doom("awards.list", in_pages(whole), *[in_pages(lambda vendor: whole(vendor)[1:])] * 2)
    result = await bench.run(AWARD)
    assert (result.status, len(bench.vendor.awards)) == ("completed", 1)
    assert bench.vendor.asked["awards.list"] == 3
    await bench.same(result.run_id, AWARD)


async def test_a_settle_time_beyond_what_a_process_holds_is_waited_for(bench: Bench) -> None:
    """The first process leaves it to a timer; the one that is due then waits by its own clock, and reads."""
    bench.settle = timedelta(minutes=6)
    bench.vendor.doom("awards.create", lost_reply)
    waiting = await bench.run(AWARD)
    assert waiting.due_at is not None
    assert (waiting.status, bench.vendor.asked) == ("waiting", {"marks.create": 1, "awards.create": 1})
    await bench.clock.sleep(bench.settle)
    result = await bench.resume(waiting.run_id, AWARD)
    assert (result.status, len(bench.vendor.awards)) == ("completed", 1)
    assert bench.vendor.asked["awards.create"] == 1
    await bench.same(result.run_id, AWARD)


async def test_a_connection_by_another_name_is_the_same_account(bench: Bench) -> None:
    """What was done under a business key is done, whatever a workflow calls its connection."""
    assert (await bench.run(AWARD)).status == "completed"
    renamed = (HEAD + AWARD).replace("  shop:", "  store:").replace("shop.", "store.")
    plan = compile_text(renamed, file="w.yaml", folder=Path("flows"), catalogue=lambda _: TOOLS)
    given: JsonObject = {name: spec.default for name, spec in plan.inputs.items()}
    async with SqliteStore(bench.home.database, bench.vault) as store:
        result = await start(bench.ports(store), Order(plan, given, plan.connections, {}))
    assert (result.status, len(bench.vendor.awards)) == ("completed", 1)


async def test_a_key_that_is_taken_contradicts_an_absence(bench: Bench) -> None:
    """The listing proved that it is not there, and the vendor knows it under our key: neither of them is believed."""
    bench.vendor.doom("awards.create", status(500), taken, taken)
    result = await bench.run(LINKED)
    assert (result.status, bench.vendor.asked["awards.create"]) == ("parked", 3)
    assert "now the vendor says that its key is taken" in result.parked[0].reason
