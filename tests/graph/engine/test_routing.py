"""What runs, what is skipped, and in which order."""

from tests.graph.engine.conftest import Bench, refused

CHAIN = """
steps:
  last: {call: shop.members.get, needs: [middle], with: {email: last}}
  middle: {call: shop.members.get, needs: [first], when: inputs.credits > 5, with: {email: middle}}
  first: {call: shop.members.get, with: {email: first}}
outputs: {first: "${{ steps.first.output.uuid }}"}
"""


async def test_needs_set_the_order(bench: Bench) -> None:
    """A step runs after what it needs, wherever it stands in the file."""
    result = await bench.run(CHAIN)
    assert [call.arguments["email"] for call in bench.vendor.calls] == ["first", "middle", "last"]
    assert result.status == "completed"
    await bench.same(result.run_id, CHAIN)


async def test_when_skips_a_step_and_what_needs_it(bench: Bench) -> None:
    """A step whose `when` does not hold is skipped, and so is all behind it; the run completes."""
    result = await bench.run(CHAIN, credits=1)
    ends = [(one.key, one.body) for one in await bench.events(result.run_id) if one.kind == "step_ended"]
    assert ends[1:] == [
        ("middle#1:end:0", {"status": "skipped", "reason": "its `when` does not hold"}),
        ("last#1:end:0", {"status": "skipped", "reason": "it needs `middle`, which is skipped"}),
    ]
    assert (result.status, result.outputs) == ("completed", {"first": "u-first"})
    await bench.same(result.run_id, CHAIN, credits=1)


async def test_a_fault_in_when_fails_the_step(bench: Bench) -> None:
    """A `when` that cannot be evaluated fails its step, and nothing of it is sent."""
    steps = CHAIN.replace("inputs.credits > 5", "\"inputs.people[9] == 'x'\"")
    result = await bench.run(steps)
    assert (result.status, [one.path for one in result.failed]) == ("failed", ["middle"])
    assert bench.vendor.asked == {"members.get": 1}
    await bench.same(result.run_id, steps)


async def test_branches_do_not_wait_for_each_other(bench: Bench) -> None:
    """A failed branch does not stop another one, but fails the run."""
    steps = """
steps:
  bad: {call: shop.members.get, with: {email: bad}}
  good: {call: shop.members.ensure, with: {email: good}}
  after: {call: shop.members.ensure, needs: [good], with: {email: after}}
"""
    bench.vendor.doom("members.get", refused)
    result = await bench.run(steps)
    assert (result.status, bench.vendor.asked) == ("failed", {"members.get": 1, "members.ensure": 2})
    await bench.same(result.run_id, steps)


async def test_an_output_that_cannot_be_read_fails_the_run(bench: Bench) -> None:
    """All steps are done, but an output of the workflow has no value: the run failed."""
    steps = CHAIN.replace("steps.first.output.uuid", "inputs.people[9]")
    result = await bench.run(steps)
    assert (result.status, result.outputs, result.failed) == ("failed", {}, ())
    await bench.same(result.run_id, steps)
