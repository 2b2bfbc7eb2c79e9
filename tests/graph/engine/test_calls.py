"""One call against a vendor that misbehaves: what heals it, how long that takes, and what is never sent twice."""

import pytest
from mendflow.journal.switch import KillSwitch
from mendflow.verifier.remedy import backoff

from tests.graph.engine.conftest import (
    Bench,
    Fate,
    answered,
    lost_reply,
    lost_request,
    plainly,
    refused,
    status,
)

LOOK = """
steps:
  look: {call: shop.members.get, with: {email: "${{ inputs.email }}"}}
outputs: {uuid: "${{ steps.look.output.uuid }}"}
"""
AWARD = """
steps:
  award: {call: shop.awards.create, with: {contact: ann, credits: "${{ inputs.credits }}"}}
outputs: {uuid: "${{ steps.award.output.uuid }}"}
"""
ENSURE = """
steps:
  ensure: {call: shop.members.ensure, with: {email: "${{ inputs.email }}"}}
"""
MAIL = """
steps:
  mail: {call: shop.mails.send, once: inputs.email, with: {email: "${{ inputs.email }}"}}
"""
BROKEN = status(500)


def _back(path: str, *numbers: int) -> list[float]:
    return [backoff(number, path).total_seconds() for number in numbers]


async def test_a_good_answer_passes(bench: Bench) -> None:
    """A read that is answered as promised is made once, and nothing is waited."""
    result = await bench.run(LOOK)
    assert (result.status, result.outputs, result.heals) == ("completed", {"uuid": "u-ann@x.org"}, {})
    assert (bench.vendor.asked, bench.waits) == ({"members.get": 1}, [])
    await bench.same(result.run_id, LOOK)


async def test_a_rate_limit_is_waited_out(bench: Bench) -> None:
    """The vendor's own wait and our backoff on top are slept, once each, before the next attempt."""
    bench.vendor.doom("members.get", status(429, retry_after="2"), status(429))
    result = await bench.run(LOOK)
    first, second = _back("look", 1, 2)
    assert bench.waits == pytest.approx([2 + first, second])
    assert (result.status, result.heals) == ("completed", {"rate_limit": 2})
    assert bench.vendor.asked == {"members.get": 3}
    await bench.same(result.run_id, LOOK)


async def test_a_rate_limit_holds_back_the_whole_connection(bench: Bench) -> None:
    """While one step waits for the vendor's pace, another call of the connection is not sent before its time."""
    steps = """
steps:
  look: {call: shop.members.get, with: {email: a}}
  second: {call: shop.members.ensure, needs: [third], with: {email: b}}
  third: {call: shop.tokens.create, with: {email: b}}
"""
    bench.vendor.doom("members.get", status(429, retry_after="30"))
    result = await bench.run(steps)
    pause = 30 + _back("look", 1)[0]
    assert bench.vendor.moments == pytest.approx([0, 0, pause, pause])
    assert (result.status, result.heals) == ("completed", {"rate_limit": 1})
    await bench.same(result.run_id, steps)


@pytest.mark.parametrize("fate", [BROKEN, status(503), lost_request], ids=["500", "503", "silence"])
async def test_a_read_is_tried_again(bench: Bench, fate: Fate) -> None:
    """A read that failed on the far side is made again after a backoff."""
    bench.vendor.doom("members.get", fate, fate)
    result = await bench.run(LOOK)
    assert bench.waits == pytest.approx(_back("look", 1, 2))
    assert (result.status, bench.vendor.asked) == ("completed", {"members.get": 3})
    await bench.same(result.run_id, LOOK)


async def test_a_rotated_key_is_renewed(bench: Bench) -> None:
    """A rejected key is read again from its source once, and the call goes out with the new one."""
    bench.vendor.valid_key = bench.vendor.next_key = "k2"
    result = await bench.run(AWARD)
    assert (result.status, bench.vendor.renewals, bench.vendor.awarded) == ("completed", 1, ["ann"])
    assert (result.heals, bench.waits) == ({"unauthorized": 1}, [])
    await bench.same(result.run_id, AWARD)


async def test_a_dead_key_parks_and_a_resume_goes_on(bench: Bench) -> None:
    """A key that stays bad after reading it again parks the run; with a good key a resume completes it."""
    bench.vendor.valid_key = "k2"
    parked = await bench.run(LOOK)
    assert (parked.status, bench.vendor.asked, bench.vendor.renewals) == ("parked", {"members.get": 2}, 1)
    bench.vendor.next_key = "k2"
    result = await bench.resume(parked.run_id, LOOK)
    assert (result.status, result.outputs) == ("completed", {"uuid": "u-ann@x.org"})
    await bench.same(result.run_id, LOOK)


async def test_a_drifted_read_is_mended(bench: Bench) -> None:
    """A field that was renamed in style only is put back, and a heal record says so."""
    bench.vendor.doom("members.get", answered({"data": {"Uuid": "u-1", "Email": "a", "Balance": 7}}))
    result = await bench.run(LOOK)
    assert (result.status, result.outputs, result.heals) == ("completed", {"uuid": "u-1"}, {"drift": 1})
    assert bench.vendor.asked == {"members.get": 1}
    await bench.same(result.run_id, LOOK)


async def test_a_lost_reply_is_found_by_reading(bench: Bench) -> None:
    """An award whose reply was lost is looked for after the settle time, found, and not sent again."""
    bench.vendor.doom("awards.create", lost_reply)
    result = await bench.run(AWARD)
    assert (result.status, result.outputs, result.heals) == (
        "completed",
        {"uuid": "a-1"},
        {"unknown_outcome": 1},
    )
    assert bench.vendor.asked == {"marks.create": 1, "awards.create": 1, "awards.list": 1}
    assert (bench.vendor.awarded, bench.waits) == (["ann"], [3.0])
    await bench.same(result.run_id, AWARD)


async def test_a_lost_request_is_resent_once_it_is_proven_absent(bench: Bench) -> None:
    """An award that never arrived is sent again, exactly once, after a settled reading has not found it."""
    bench.vendor.doom("awards.create", lost_request)
    result = await bench.run(AWARD)
    assert (result.status, result.heals) == ("completed", {"unknown_outcome": 1})
    assert [call.operation for call in bench.vendor.calls] == [
        "marks.create",
        "awards.create",
        "awards.list",
        "awards.create",
    ]
    assert (bench.vendor.awarded, bench.waits) == (["ann"], [3.0])
    await bench.same(result.run_id, AWARD)


async def test_a_proven_absence_is_not_forgotten(bench: Bench) -> None:
    """After a proven absence a plain refusal is a refusal: the earlier attempt is unknown no longer."""
    bench.vendor.doom("awards.create", lost_request, refused)
    result = await bench.run(AWARD)
    assert (result.status, bench.vendor.awarded) == ("failed", [])
    assert bench.vendor.asked == {"marks.create": 1, "awards.create": 2, "awards.list": 1}


async def test_a_listing_that_cannot_be_read_is_read_again(bench: Bench) -> None:
    """While the confirming read fails, only the read is repeated, never the award."""
    bench.vendor.doom("awards.create", lost_reply)
    bench.vendor.doom("awards.list", BROKEN, status(429, retry_after="1"))
    result = await bench.run(AWARD)
    assert (result.status, bench.vendor.awarded) == ("completed", ["ann"])
    assert bench.vendor.asked == {"marks.create": 1, "awards.create": 1, "awards.list": 3}
    await bench.same(result.run_id, AWARD)


async def test_an_open_outcome_without_settle_time_parks_and_is_looked_at_again(bench: Bench) -> None:
    """Without a settle time absence proves nothing: the run parks, and a resume looks by reading only."""
    bench.settle = None
    bench.vendor.doom("awards.create", lost_request)
    parked = await bench.run(AWARD)
    looked = bench.vendor.asked["awards.list"]
    assert (parked.status, [one.path for one in parked.parked]) == ("parked", ["award"])
    again = await bench.resume(parked.run_id, AWARD)
    assert (again.status, bench.vendor.asked["awards.create"]) == ("parked", 1)
    assert bench.vendor.asked["awards.list"] == 2 * looked
    bench.vendor.act(next(call for call in bench.vendor.calls if call.operation == "awards.create"))
    result = await bench.resume(parked.run_id, AWARD)
    assert (result.status, result.outputs, bench.vendor.asked["awards.create"]) == (
        "completed",
        {"uuid": "a-1"},
        1,
    )
    await bench.same(result.run_id, AWARD)


async def test_an_untrusted_marker_proves_no_absence(bench: Bench) -> None:
    """Where the account is not known to give the marker back, an award that is not listed is not sent again."""
    bench.prepared = False
    bench.vendor.doom("awards.create", lost_request)
    result = await bench.run(AWARD)
    assert (result.status, bench.vendor.asked["awards.create"]) == ("parked", 1)
    assert "the account is not known to echo our marker" in result.parked[0].reason
    await bench.same(result.run_id, AWARD)


async def test_a_marker_that_cannot_be_prepared_stops_the_award(bench: Bench) -> None:
    """Where the marker's room could not be made, the award is not even begun."""
    bench.vendor.doom("marks.create", refused)
    result = await bench.run(AWARD)
    assert (result.status, bench.vendor.asked) == ("failed", {"marks.create": 1})
    assert [one.path for one in result.failed] == ["prepare_shop"]


async def test_a_refusal_is_final(bench: Bench) -> None:
    """A documented refusal fails the step with the vendor's words and is not tried again."""
    bench.vendor.doom("awards.create", refused)
    result = await bench.run(AWARD)
    assert (result.status, bench.vendor.asked["awards.create"]) == ("failed", 1)
    assert [one.reason for one in result.failed] == ["the vendor refused with code 1003: no such thing"]
    await bench.same(result.run_id, AWARD)


async def test_a_repeatable_write_is_sent_again(bench: Bench) -> None:
    """A write that finds or creates by a key is sent again when its answer is lost."""
    bench.vendor.doom("members.ensure", lost_reply, lost_request)
    result = await bench.run(ENSURE)
    assert (result.status, bench.vendor.asked) == ("completed", {"members.ensure": 3})
    assert bench.waits == pytest.approx(_back("ensure", 1, 2))
    await bench.same(result.run_id, ENSURE)


async def test_a_blind_write_is_never_sent_again(bench: Bench) -> None:
    """A mail of which nothing tells whether it left is parked, and a resume sends nothing."""
    bench.vendor.doom("mails.send", lost_reply)
    parked = await bench.run(MAIL)
    again = await bench.resume(parked.run_id, MAIL)
    assert (parked.status, again.status) == ("parked", "parked")
    assert (bench.vendor.asked, len(bench.vendor.mails)) == ({"mails.send": 1}, 1)
    await bench.same(parked.run_id, MAIL)


async def test_an_expectation_that_does_not_hold_fails_the_step(bench: Bench) -> None:
    """The award stands at the vendor and counts as confirmed, but the step has failed."""
    steps = """
steps:
  award: {call: shop.awards.create, with: {contact: ann, credits: 10}, expect: output.credits == 11}
"""
    result = await bench.run(steps)
    assert (result.status, result.effects_by_operation["awards.create"].confirmed) == ("failed", 1)
    assert [one.fault["kind"] for one in result.failed] == ["expectation"]
    await bench.same(result.run_id, steps)


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ("credits: '${{ inputs.people[9] }}'", "expression"),
        ("credits: '${{ inputs.people }}'", "invalid_arguments"),
    ],
)
async def test_nothing_is_sent_with_arguments_that_cannot_be(bench: Bench, given: str, kind: str) -> None:
    """A fault of an expression, or a value of the wrong type, fails the step before anything leaves."""
    steps = f"steps:\n  award: {{call: shop.awards.create, with: {{contact: ann, {given}}}}}\n"
    result = await bench.run(steps)
    assert (result.status, [one.fault["kind"] for one in result.failed]) == ("failed", [kind])
    assert bench.vendor.asked == {"marks.create": 1}
    await bench.same(result.run_id, steps)


@pytest.mark.parametrize(
    ("word", "status_of_run", "after"),
    [("fail", "failed", "skipped"), ("park", "parked", None), ("skip", "completed", "skipped")],
)
async def test_a_spent_budget_means_what_the_step_says(
    bench: Bench, word: str, status_of_run: str, after: str | None
) -> None:
    """After the last attempt the step fails, parks or is skipped, as `on_exhausted` says."""
    steps = f"""
steps:
  look: {{call: shop.members.get, with: {{email: a}}, on_exhausted: {word}}}
  next: {{call: shop.members.ensure, with: {{email: "${{{{ steps.look.output.email }}}}"}}}}
"""
    bench.vendor.doom("members.get", *[BROKEN] * 6)
    result = await bench.run(steps)
    ends = {
        one.key: one.body["status"] for one in await bench.events(result.run_id) if one.kind == "step_ended"
    }
    assert (result.status, ends.get("next#1:end:0")) == (status_of_run, after)
    assert bench.vendor.asked == {"members.get": 6}
    await bench.same(result.run_id, steps)


async def test_a_step_parked_by_a_spent_budget_is_tried_again_on_resume(bench: Bench) -> None:
    """`on_exhausted: park` promises that a resume tries the step again."""
    steps = """
steps:
  look: {call: shop.members.get, with: {email: a}, on_exhausted: park}
"""
    bench.vendor.doom("members.get", *[BROKEN] * 6)
    parked = await bench.run(steps)
    result = await bench.resume(parked.run_id, steps)
    assert (parked.status, result.status) == ("parked", "completed")
    assert bench.vendor.asked == {"members.get": 7}
    await bench.same(result.run_id, steps)


async def test_plain_course_follows_the_written_fates(bench: Bench) -> None:
    """The vendor of these tests does what was written first, then its plain course."""
    bench.vendor.doom("awards.create", plainly)
    result = await bench.run(AWARD)
    assert (result.status, bench.vendor.awarded) == ("completed", ["ann"])


async def test_what_a_pause_held_back_was_no_attempt(bench: Bench) -> None:
    """However often it was tried while the connection was paused, all attempts are left afterwards."""
    switch = KillSwitch(bench.home.folder)
    switch.pause("shop", by="eve", reason="a trial")
    parked = await bench.run(LOOK)
    for _ in range(6):
        parked = await bench.resume(parked.run_id, LOOK)
    switch.release("shop")
    bench.vendor.doom("members.get", status(500))
    result = await bench.resume(parked.run_id, LOOK)
    assert (result.status, bench.vendor.asked) == ("completed", {"members.get": 2})
    await bench.same(result.run_id, LOOK)
