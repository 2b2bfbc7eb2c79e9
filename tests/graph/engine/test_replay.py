"""A replay finds the run that was, and says where an edited workflow departs from it."""

import pytest
from mendflow.graph.engine.locate import locate
from mendflow.graph.engine.replay import replay
from mendflow.journal.tape import Divergence
from pydantic import JsonValue

from tests.graph.engine.conftest import HEAD, TOOLS, Bench, lost_reply, status

STEPS = """
steps:
  look: {call: shop.members.get, with: {email: "${{ inputs.email }}"}}
  letter: {agent: writer, model: think, goal: Write to them., from: [look]}
  each:
    map: inputs.people
    as: person
    steps:
      award:
        call: shop.awards.create
        once: person
        with: {contact: "${{ person }}", credits: 5}
outputs: {done: "${{ steps.each.output.done }}"}
"""


async def _recorded(bench: Bench) -> str:
    bench.vendor.doom("members.get", status(429))
    bench.vendor.doom("awards.create", lost_reply)
    bench.thinker.says({"subject": "x", "body": "You have 7 credits."})
    result = await bench.run(STEPS)
    assert result.status == "completed"
    return result.run_id


async def test_a_replay_is_the_same_and_touches_nothing(bench: Bench) -> None:
    """All facts are served, nothing is sent, asked or written."""
    run_id = await _recorded(bench)
    asked, before = dict(bench.vendor.asked), await bench.events(run_id)
    await bench.same(run_id, STEPS)
    assert (dict(bench.vendor.asked), len(bench.thinker.asked)) == (asked, 1)
    assert await bench.events(run_id) == before


async def test_the_record_of_an_interrupted_run_ends_rather_than_diverges(bench: Bench) -> None:
    """A trace that was cut off is the same as far as it goes, and the report says where that is."""
    run_id = await _recorded(bench)
    kept = (await bench.events(run_id))[:8]
    report = await replay(kept, bench.order(STEPS), {"shop": TOOLS})
    assert (report.divergence, report.ends_at != "") == (None, True)


@pytest.mark.parametrize(
    ("old", "new", "key", "field", "values"),
    [
        ("Write to them.", "Write to her.", "letter#1:model:0", "goal", ("Write to them.", "Write to her.")),
        ("credits: 5", "credits: 6", "each[0].award#1:call:0", "arguments.credits", (5, 6)),
        (
            "once: person",
            "once: person + '!'",
            "each[0].award#1:call:0",
            "slot",
            ("awards.create/fake@default/once/ann", "awards.create/fake@default/once/ann!"),
        ),
        ("members.get", "members.ensure", "look#1:call:0", "slot", (None, None)),
        ("from: [look]", "needs: [look]", "letter#1:model:0", "material.findings", (None, [])),
    ],
    ids=["goal", "with", "once", "call", "from"],
)
async def test_an_edited_workflow_departs_where_it_was_edited(
    bench: Bench, old: str, new: str, key: str, field: str, values: tuple[JsonValue, JsonValue]
) -> None:
    """The divergence names the fact, the field, both values, and leads to the edited line."""
    run_id = await _recorded(bench)
    edited = STEPS.replace(old, new)
    found = (await bench.replay(run_id, edited)).divergence
    assert isinstance(found, Divergence)
    assert (found.key, found.field) == (key, field)
    if values[0] is not None:
        assert (found.old, found.new) == values
    place = locate(bench.plan(edited), found.key, found.field)
    assert place is not None
    line = (HEAD + edited).splitlines()[place.line - 1]
    assert new in line


async def test_other_inputs_depart_at_the_first_call(bench: Bench) -> None:
    """A replay on other inputs names the argument that they change."""
    run_id = await _recorded(bench)
    found = (await bench.replay(run_id, STEPS, email="bob")).divergence
    assert found is not None
    assert (found.key, found.field, found.old, found.new) == (
        "look#1:call:0",
        "arguments.email",
        "ann@x.org",
        "bob",
    )


async def test_a_shorter_workflow_leaves_facts_over(bench: Bench) -> None:
    """What the edited workflow never comes to is named, the first of it in key order."""
    run_id = await _recorded(bench)
    edited = STEPS.replace("map: inputs.people", "map: inputs.people.filter(p, p != 'cid')")
    found = (await bench.replay(run_id, edited)).divergence
    assert found is not None
    assert found.key == "each#1:end:0"


async def test_a_record_that_ends_early_diverges_there(bench: Bench) -> None:
    """A fact that is cut off from the record is named as missing."""
    run_id = await _recorded(bench)
    events = [one for one in await bench.events(run_id) if one.key != "look#2:call:0"]
    report = await replay(events, bench.order(STEPS), {"shop": TOOLS})
    assert report.divergence is not None
    assert (report.divergence.key, report.divergence.old) == ("look#2:call:0", None)
