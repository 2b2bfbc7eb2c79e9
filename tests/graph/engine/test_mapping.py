"""Maps: every item by itself, results in the order of the items, failures as the step says."""

import pytest
from mendflow.agents.model import ModelRefusal
from mendflow.connectors.contract import JsonObject
from pydantic import JsonValue

from tests.graph.engine.conftest import Bench, lost_reply, lost_request, refused, status

EACH = """
steps:
  each:
    map: inputs.people
    as: person
    parallel: {parallel}
    on_item_failure: {word}
    steps:
      member: {{call: shop.members.ensure, with: {{email: "${{{{ person }}}}"}}}}
      award:
        call: shop.awards.create
        when: person != 'bob'
        with: {{contact: "${{{{ steps.member.output.email }}}}", credits: "${{{{ index }}}}"}}
outputs: {{items: "${{{{ steps.each.output.items }}}}", failed: "${{{{ steps.each.output.failed }}}}"}}
"""
PLAIN = """
steps:
  each:
    map: inputs.people
    as: person
    on_item_failure: {word}
    steps:
      member: {{call: shop.members.ensure, with: {{email: "${{{{ person }}}}"}}}}
outputs: {{items: "${{{{ steps.each.output.items.map(i, i == null ? '' : i.member.uuid) }}}}"}}
"""
NESTED = """
steps:
  outer:
    map: "[[1, 2], [], [3]]"
    as: row
    steps:
      inner:
        map: row
        as: cell
        steps:
          award: {call: shop.awards.create, with: {contact: "c${{ cell }}", credits: "${{ cell }}"}}
        outputs: {cell: "${{ cell }}", at: "${{ index }}"}
    outputs: {cells: "${{ steps.inner.output.items }}"}
outputs: {rows: "${{ steps.outer.output.items }}"}
"""


@pytest.mark.parametrize("parallel", [1, 2, 8])
async def test_results_stand_in_the_order_of_the_items(bench: Bench, parallel: int) -> None:
    """However many items run at once, and whichever is slow, the results keep the items' order."""
    steps = EACH.format(parallel=parallel, word="fail")
    bench.vendor.doom("members.ensure", status(429), lost_request)
    bench.vendor.doom("awards.create", lost_reply)
    result = await bench.run(steps)
    items = result.outputs["items"]
    assert isinstance(items, list)
    shown: list[JsonValue] = [
        [item["member"]["email"], item["award"] is None]
        for item in items
        if isinstance(item, dict) and isinstance(item["member"], dict)
    ]
    assert shown == [["ann", False], ["bob", True], ["cid", False]]
    assert (result.status, sorted(map(str, bench.vendor.awarded))) == ("completed", ["ann", "cid"])
    await bench.same(result.run_id, steps)


async def test_an_empty_list_is_done_at_once(bench: Bench) -> None:
    """A map over nothing completes with no items."""
    steps = PLAIN.format(word="fail")
    result = await bench.run(steps, people=[])
    assert (result.status, result.outputs, bench.vendor.asked) == ("completed", {"items": []}, {})
    await bench.same(result.run_id, steps, people=[])


async def test_failed_items_are_counted_and_the_others_go_on(bench: Bench) -> None:
    """With `continue` a failed item has no output, and the map is done."""
    steps = PLAIN.format(word="continue")
    bench.vendor.doom("members.ensure", refused)
    result = await bench.run(steps)
    assert (result.status, result.outputs) == ("completed", {"items": ["", "u-bob", "u-cid"]})
    ends = {one.key: one.body for one in await bench.events(result.run_id) if one.kind == "step_ended"}
    output = ends["each#1:end:0"]["output"]
    assert isinstance(output, dict)
    assert {name: output[name] for name in ("done", "failed", "parked")} == {
        "done": 2,
        "failed": 1,
        "parked": 0,
    }
    await bench.same(result.run_id, steps)


async def test_a_failed_item_fails_the_map_where_the_step_says_so(bench: Bench) -> None:
    """With `fail` the other items still run, then the map fails and names the item."""
    steps = PLAIN.format(word="fail")
    bench.vendor.doom("members.ensure", refused)
    result = await bench.run(steps)
    assert (result.status, bench.vendor.asked) == ("failed", {"members.ensure": 3})
    assert [one.path for one in result.failed] == ["each[0].member"]
    await bench.same(result.run_id, steps)


async def test_maps_nest(bench: Bench) -> None:
    """A map within a map has its own items, indexes and slots."""
    result = await bench.run(NESTED)
    assert result.outputs == {
        "rows": [
            {"cells": [{"cell": 1, "at": 0}, {"cell": 2, "at": 1}]},
            {"cells": []},
            {"cells": [{"cell": 3, "at": 0}]},
        ]
    }
    assert sorted(map(str, bench.vendor.awarded)) == ["c1", "c2", "c3"]
    await bench.same(result.run_id, NESTED)


async def test_a_parked_item_parks_the_map_and_only_it_is_looked_at_again(bench: Bench) -> None:
    """The other items are finished for good; the open one is settled by reading on resume."""
    bench.settle = None
    steps = EACH.format(parallel=1, word="continue")
    bench.vendor.doom("awards.create", lost_request)
    parked = await bench.run(steps)
    assert (parked.status, [one.path for one in parked.parked]) == ("parked", ["each[0].award"])
    assert (bench.vendor.awarded, bench.vendor.asked["members.ensure"]) == (["cid"], 3)
    bench.vendor.act(next(call for call in bench.vendor.calls if call.operation == "awards.create"))
    result = await bench.resume(parked.run_id, steps)
    assert (result.status, result.outputs["failed"]) == ("completed", 0)
    assert (bench.vendor.awarded, bench.vendor.asked["members.ensure"]) == (["cid", "ann"], 3)
    await bench.same(result.run_id, steps)


@pytest.mark.parametrize(
    ("over", "reason"),
    [
        ("inputs.email", "`map` needs a list of at most 100000 items, and got str"),
        ("inputs.people[7]", "cannot be evaluated"),
    ],
)
async def test_what_is_no_list_fails_the_map(bench: Bench, over: str, reason: str) -> None:
    """A map over something else, or over a fault, fails with the reason."""
    steps = PLAIN.format(word="fail").replace("inputs.people", f"dyn({over})")
    result = await bench.run(steps)
    assert (result.status, bench.vendor.asked) == ("failed", {})
    assert reason in result.failed[0].reason
    await bench.same(result.run_id, steps)


async def test_an_output_that_cannot_be_read_fails_the_item(bench: Bench) -> None:
    """A fault in the outputs of an item is that item's failure."""
    steps = """
steps:
  each:
    map: inputs.people
    as: person
    on_item_failure: fail
    steps:
      look: {call: shop.members.get, with: {email: "${{ person }}"}}
    outputs: {first: "${{ inputs.people[index + 1] }}"}
"""
    result = await bench.run(steps)
    assert (result.status, bench.vendor.asked) == ("failed", {"members.get": 3})
    await bench.same(result.run_id, steps)


async def test_items_that_wait_long_are_not_begun_again_in_the_same_process(bench: Bench) -> None:
    """While another branch waits its minute the map's moment comes nearer; it is left to a resume."""
    steps = """
steps:
  letters:
    map: inputs.people
    as: person
    steps:
      say: {agent: researcher, model: think, goal: "say"}
      mail: {call: shop.mails.send, once: person, needs: [say], with: {email: "${{ person }}"}}
  brief: {agent: researcher, model: think, goal: "say"}
"""
    bench.vendor.doom("mails.send", status(429, retry_after="310"))
    refusal = ModelRefusal(reason="rate_limit", detail="slow", wait_seconds=60.0)
    said: JsonObject = {"findings": []}
    bench.thinker.says(refusal, *[said] * 6)
    waiting = await bench.run(steps, people=["ann"])
    assert (waiting.status, bench.vendor.mails, len(bench.thinker.asked)) == ("waiting", [], 3)
    keys = [event.key for event in await bench.events(waiting.run_id) if event.kind == "fact_recorded"]
    assert len(keys) == len(set(keys))
    assert waiting.due_at is not None
    await bench.clock.sleep(waiting.due_at - bench.clock.now())
    result = await bench.resume(waiting.run_id, steps, people=["ann"])
    assert (result.status, bench.vendor.mails) == ("completed", [{"email": "ann"}])
    await bench.same(result.run_id, steps, people=["ann"])


async def test_an_approval_can_be_given_while_another_item_waits_for_a_timer(bench: Bench) -> None:
    """A map says both: until when it waits, and whom it asks."""
    steps = """
steps:
  each:
    map: inputs.people
    as: person
    steps:
      look: {call: shop.members.get, when: "person == 'ann'", with: {email: "${{ person }}"}}
      ask: {approve: "go?", when: "person == 'bob'"}
"""
    bench.vendor.doom("members.get", status(429, retry_after="3600"))
    waiting = await bench.run(steps, people=["ann", "bob"])
    assert [one["for"] for one in waiting.waiting if isinstance(one, dict)] == ["timer", "approval"]
    assert await bench.decide(waiting.run_id, "", approved=True) == "each[1].ask"
    assert waiting.due_at is not None
    await bench.clock.sleep(waiting.due_at - bench.clock.now())
    result = await bench.resume(waiting.run_id, steps, people=["ann", "bob"])
    assert result.status == "completed"
    await bench.same(result.run_id, steps, people=["ann", "bob"])
