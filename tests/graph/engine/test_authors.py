"""The Researcher: what it may read, what comes of its reads, and what it may claim."""

from mendflow.agents.model import ModelRefusal, ModelReply, PickedCall
from mendflow.connectors.contract import JsonObject
from mendflow.graph.engine.authors import MOST_ROUNDS
from pydantic import JsonValue

from tests.graph.engine.conftest import Bench, refused, status

BRIEF = """
steps:
  brief:
    agent: researcher
    model: think
    tools: [shop.members.get]
    goal: "Who is ${{ inputs.email }}?"
    select: {few: "inputs.people.filter(p, p != 'bob')"}
outputs: {findings: "${{ steps.brief.output.findings }}", few: "${{ steps.brief.output.selected.few }}"}
"""


def _asks(*emails: str, tool: str = "shop.members.get") -> ModelReply:
    return ModelReply(calls=tuple(PickedCall(tool=tool, arguments={"email": email}) for email in emails))


def _finding(source: str, value: JsonValue) -> JsonObject:
    return {"subject": "member", "fact": "balance", "value": value, "source": source}


def _found(*findings: JsonObject) -> ModelReply:
    return ModelReply(output={"findings": [*findings]})


async def test_a_researcher_reads_through_its_tools(bench: Bench) -> None:
    """Each read goes through the Distributor and the Verifier, and comes back with the key of its fact."""
    finding = _finding("brief.read[0].balance", 7)
    bench.thinker.script = [_asks("ann", "bob"), _asks("cid"), _found(finding)]
    result = await bench.run(BRIEF)
    assert (result.status, result.outputs) == ("completed", {"findings": [finding], "few": ["ann", "cid"]})
    last = bench.thinker.asked[-1]
    assert [(one.source, one.arguments["email"]) for one in last.readings] == [
        ("brief.read[0]", "ann"),
        ("brief.read[1]", "bob"),
        ("brief.read[2]", "cid"),
    ]
    assert last.goal == "Who is ann@x.org?"
    assert bench.vendor.asked == {"members.get": 3}
    await bench.same(result.run_id, BRIEF)


async def test_a_read_with_arguments_that_do_not_fit_is_never_made(bench: Bench) -> None:
    """The contract is checked before anything leaves, also where a model wrote the arguments."""
    wrong = ModelReply(calls=(PickedCall(tool="shop.members.get", arguments={"mail": "../ann"}),))
    bench.thinker.script = [wrong, _found()]
    result = await bench.run(BRIEF)
    reading = bench.thinker.asked[-1].readings[0]
    assert isinstance(reading.output, dict)
    assert "cannot be called like this" in str(reading.output["failed"])
    assert (result.status, result.failed, bench.vendor.asked) == ("completed", (), {})
    await bench.same(result.run_id, BRIEF)


async def test_a_read_outside_the_allow_list_is_never_made(bench: Bench) -> None:
    """A tool that the step does not allow is not called; the model is told, and may go on."""
    bench.thinker.script = [_asks("ann", tool="shop.awards.create"), _found()]
    result = await bench.run(BRIEF)
    reading = bench.thinker.asked[-1].readings[0]
    told = "there is no tool `shop.awards.create`; the allowed ones: `shop.members.get`"
    assert (result.status, reading.output, bench.vendor.asked) == ("completed", {"failed": told}, {})
    await bench.same(result.run_id, BRIEF)


async def test_a_read_that_fails_is_told_to_the_model(bench: Bench) -> None:
    """A refused read is no failure of the step; another read heals as every call does."""
    bench.vendor.doom("members.get", refused, status(500))
    bench.thinker.script = [_asks("ann", "bob"), _found()]
    result = await bench.run(BRIEF)
    first, second = bench.thinker.asked[-1].readings
    assert first.output == {"failed": "the vendor refused with code 1003: no such thing"}
    assert second.output == {"uuid": "u-bob", "email": "bob", "balance": 7}
    assert (result.status, result.failed, result.heals) == ("completed", (), {"server_error": 1})
    await bench.same(result.run_id, BRIEF)


async def test_a_finding_that_stands_nowhere_goes_back(bench: Bench) -> None:
    """Findings with another value than their source go back with the reason, then pass."""
    good = _finding("material.few[0]", "ann")
    bench.thinker.script = [_found(_finding("material.few[0]", "eve")), _found(good)]
    result = await bench.run(BRIEF)
    assert (result.status, result.drafts_rejected, result.heals) == ("completed", 1, {"draft_rejected": 1})
    assert len(bench.thinker.asked[-1].reasons) == 1
    await bench.same(result.run_id, BRIEF)


async def test_reading_has_an_end(bench: Bench) -> None:
    """A model that only ever reads is stopped after its rounds, and the step fails."""
    bench.thinker.script = [_asks(*"abcdefgh") for _ in range(MOST_ROUNDS + 3)]
    result = await bench.run(BRIEF)
    assert (result.status, bench.vendor.asked) == ("failed", {"members.get": 8 * MOST_ROUNDS})
    await bench.same(result.run_id, BRIEF)


async def test_a_fault_in_the_goal_fails_the_step(bench: Bench) -> None:
    """A goal or a `select` that cannot be evaluated fails the step, and no model is asked."""
    steps = BRIEF.replace("inputs.email", "inputs.people[9]")
    result = await bench.run(steps)
    assert (result.status, bench.thinker.asked) == ("failed", [])
    await bench.same(result.run_id, steps)


async def test_reads_are_not_made_again_on_recovery(bench: Bench) -> None:
    """A resume serves reads and replies from the record and asks only what was not asked."""
    steps = BRIEF.replace("outputs:", "  ok: {approve: 'go on?', needs: [brief]}\noutputs:")
    bench.thinker.script = [_asks("ann"), _found()]
    waiting = await bench.run(steps)
    await bench.decide(waiting.run_id, "", approved=True)
    result = await bench.resume(waiting.run_id, steps)
    assert (result.status, bench.vendor.asked, len(bench.thinker.asked)) == (
        "completed",
        {"members.get": 1},
        2,
    )
    await bench.same(result.run_id, steps)


async def test_a_model_that_is_away_is_asked_again(bench: Bench) -> None:
    """A passing refusal is waited out before the same question is asked again."""
    away = ModelRefusal(reason="rate_limit", detail="slow down", wait_seconds=5)
    bench.thinker.script = [away, _found()]
    result = await bench.run(BRIEF)
    assert (result.status, bench.waits) == ("completed", [5.0])
    assert bench.thinker.asked[0] == bench.thinker.asked[1]
    await bench.same(result.run_id, BRIEF)
