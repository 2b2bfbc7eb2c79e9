"""Waiting for a person, and for time that is too long to hold a process."""

from datetime import timedelta

import pytest
from mendflow.connectors.errors import InvalidUse
from mendflow.verifier.remedy import backoff

from tests.graph.engine.conftest import NOON, Bench, status

ASK = """
steps:
  look: {call: shop.members.get, with: {email: "${{ inputs.email }}"}}
  ok: {approve: "Write to ${{ steps.look.output.email }}?", shows: [look]}
  mail: {call: shop.mails.send, needs: [ok], with: {email: "${{ steps.look.output.email }}"}}
outputs: {by: "${{ steps.ok.output.by }}"}
"""
LOOK = "steps:\n  look: {call: shop.members.get, with: {email: a}}\n"
MANY = """
steps:
  each:
    map: inputs.people
    as: person
    steps:
      ok: {approve: "Write to ${{ person }}?"}
      mail: {call: shop.mails.send, needs: [ok], with: {email: "${{ person }}"}}
"""
HOUR = 3600


async def test_a_run_waits_for_a_person(bench: Bench) -> None:
    """The step shows what it is about, nothing behind it happens, and the run is no one's until then."""
    result = await bench.run(ASK)
    look = {"uuid": "u-ann@x.org", "email": "ann@x.org", "balance": 7}
    assert (result.status, result.due_at) == ("waiting", None)
    assert result.waiting == (
        {
            "path": "ok",
            "for": "approval",
            "prompt": "Write to ann@x.org?",
            "shows": [{"step": "look", "output": look}],
        },
    )
    assert bench.vendor.mails == []
    await bench.same(result.run_id, ASK)


async def test_an_approved_run_goes_on(bench: Bench) -> None:
    """After a yes a resume completes the run, without doing again what was done."""
    waiting = await bench.run(ASK)
    assert await bench.decide(waiting.run_id, "ok", approved=True) == "ok"
    result = await bench.resume(waiting.run_id, ASK)
    assert (result.status, result.outputs) == ("completed", {"by": "eve"})
    assert bench.vendor.asked == {"members.get": 1, "mails.send": 1}
    await bench.same(result.run_id, ASK)


async def test_the_first_word_stands(bench: Bench) -> None:
    """Whoever decides about a step that was decided already is told by whom, and how to go on."""
    waiting = await bench.run(ASK)
    await bench.decide(waiting.run_id, "ok", approved=False)
    for step in ("", "ok"):
        with pytest.raises(
            InvalidUse, match=r"`ok` of run `.*` was decided already: `denied` by eve: too much"
        ) as caught:
            await bench.decide(waiting.run_id, step, approved=True)
        assert caught.value.help == f"Go on with: mendflow resume {waiting.run_id}"
    assert (await bench.resume(waiting.run_id, ASK)).status == "failed"
    assert bench.vendor.mails == []


async def test_a_denied_step_fails(bench: Bench) -> None:
    """After a no the step fails with the person's reason, and what needs it is skipped."""
    waiting = await bench.run(ASK)
    await bench.decide(waiting.run_id, "", approved=False)
    result = await bench.resume(waiting.run_id, ASK)
    assert (result.status, bench.vendor.mails) == ("failed", [])
    assert [(one.path, one.reason) for one in result.failed] == [("ok", "eve denied it: too much")]
    await bench.same(result.run_id, ASK)


async def test_a_resume_without_a_decision_waits_on(bench: Bench) -> None:
    """Nothing is done, and nothing is asked twice, while no one has decided."""
    waiting = await bench.run(ASK)
    again = await bench.resume(waiting.run_id, ASK)
    assert (again.status, again.waiting) == ("waiting", waiting.waiting)
    assert bench.vendor.asked == {"members.get": 1}


async def test_only_a_waiting_step_takes_a_decision(bench: Bench) -> None:
    """A decision for another step, or for a run that waits for none, is refused."""
    waiting = await bench.run(ASK)
    with pytest.raises(InvalidUse, match="Step `look` waits for no approval; these do: `ok`"):
        await bench.decide(waiting.run_id, "look", approved=True)
    finished = await bench.run(LOOK)
    with pytest.raises(InvalidUse, match="waits for no approval"):
        await bench.decide(finished.run_id, "", approved=True)


async def test_each_item_of_a_map_is_decided_by_itself(bench: Bench) -> None:
    """Approvals within a map are named by their items, and each goes its own way."""
    waiting = await bench.run(MANY, people=["ann", "bob"])
    with pytest.raises(InvalidUse, match=r"Several steps wait for approval: `each\[0\].ok`, `each\[1\].ok`"):
        await bench.decide(waiting.run_id, "", approved=True)
    await bench.decide(waiting.run_id, "each[0].ok", approved=True)
    half = await bench.resume(waiting.run_id, MANY, people=["ann", "bob"])
    assert (half.status, bench.vendor.mails) == ("waiting", [{"email": "ann"}])
    await bench.decide(waiting.run_id, "", approved=False)
    result = await bench.resume(waiting.run_id, MANY, people=["ann", "bob"])
    assert (result.status, bench.vendor.mails) == ("completed", [{"email": "ann"}])
    await bench.same(result.run_id, MANY, people=["ann", "bob"])


async def test_a_long_wait_ends_the_process_and_a_resume_goes_on(bench: Bench) -> None:
    """A wait beyond what a process may hold makes the run due later; resumed then, it completes."""
    bench.vendor.doom("members.get", status(429, retry_after=str(HOUR)))
    waiting = await bench.run(LOOK)
    due = NOON + timedelta(seconds=HOUR) + backoff(1, "look")
    assert (waiting.status, waiting.due_at, bench.waits) == ("waiting", due, [])
    assert waiting.waiting == ({"path": "look", "for": "timer", "until": due.isoformat()},)
    await bench.clock.sleep(due - NOON)
    result = await bench.resume(waiting.run_id, LOOK)
    assert (result.status, bench.vendor.asked) == ("completed", {"members.get": 2})
    assert bench.waits == [(due - NOON).total_seconds()]
    await bench.same(result.run_id, LOOK)


async def test_a_resume_before_its_time_waits_what_is_left(bench: Bench) -> None:
    """Resumed too early, a run is due at the same moment as before, or holds out for the rest."""
    bench.vendor.doom("members.get", status(429, retry_after=str(HOUR)))
    waiting = await bench.run(LOOK)
    again = await bench.resume(waiting.run_id, LOOK)
    assert (again.status, again.due_at, bench.vendor.asked) == (
        "waiting",
        waiting.due_at,
        {"members.get": 1},
    )
    await bench.clock.sleep(timedelta(seconds=HOUR - 60))
    result = await bench.resume(waiting.run_id, LOOK)
    assert result.status == "completed"
    assert bench.waits == pytest.approx([HOUR - 60, 60 + backoff(1, "look").total_seconds()])


async def test_a_run_that_waits_on_a_timer_replays(bench: Bench) -> None:
    """The replay of a run that is due later stops where the run stopped."""
    bench.vendor.doom("members.get", status(429, retry_after=str(HOUR)))
    waiting = await bench.run(LOOK)
    await bench.same(waiting.run_id, LOOK)


async def test_a_run_that_parked_after_a_long_timer_replays(bench: Bench) -> None:
    """A long wait that a resume has sat out does not stop a later replay, however the run ended."""
    steps = LOOK.replace("{email: a}", "{email: a}, on_exhausted: park")
    bench.vendor.doom("members.get", status(429, retry_after=str(HOUR)), *[status(500)] * 6)
    waiting = await bench.run(steps)
    await bench.clock.sleep(timedelta(seconds=2 * HOUR))
    parked = await bench.resume(waiting.run_id, steps)
    assert parked.status == "parked"
    await bench.same(parked.run_id, steps)


@pytest.mark.parametrize("parallel", [1, 2, 3])
async def test_a_map_of_which_one_item_waits_long_replays(bench: Bench, parallel: int) -> None:
    """Calls that were made before the vendor asked for fewer are not held back in the replay."""
    steps = f"""
steps:
  each:
    map: inputs.people
    as: person
    parallel: {parallel}
    steps:
      look: {{call: shop.members.get, with: {{email: "${{{{ person }}}}"}}}}
      then: {{call: shop.members.ensure, needs: [look], with: {{email: "${{{{ person }}}}"}}}}
"""
    bench.vendor.doom("members.get", status(429, retry_after=str(HOUR)))
    bench.vendor.slow["ann"] = 200
    waiting = await bench.run(steps)
    assert waiting.status == "waiting"
    await bench.same(waiting.run_id, steps)
    await bench.clock.sleep(timedelta(seconds=2 * HOUR))
    result = await bench.resume(waiting.run_id, steps)
    assert (result.status, bench.vendor.asked) == ("completed", {"members.get": 4, "members.ensure": 3})
    await bench.same(result.run_id, steps)
