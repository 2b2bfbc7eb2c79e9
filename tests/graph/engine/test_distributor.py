"""What the Distributor sends and what it does not: slots, `once` keys, markers, secrets."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from mendflow.connectors.contract import Answer, NoAnswer, ToolCall
from mendflow.graph.engine.distributor import marker_of
from mendflow.graph.engine.summary import RunResult
from mendflow.journal.sqlite import SqliteStore
from mendflow.verifier.remedy import backoff
from pydantic import SecretStr

from tests.graph.engine.conftest import Bench, Fate, Vendor, lost_request, plainly, refused, status

AWARD = """
steps:
  award: {call: shop.awards.create, once: inputs.email, with: {contact: ann, credits: "${{ inputs.credits }}"}}
outputs: {uuid: "${{ steps.award.output.uuid }}"}
"""
TWICE = """
steps:
  first: {call: shop.awards.create, once: "'k'", with: {contact: ann, credits: 10}}
  second: {call: shop.awards.create, needs: [first], once: "'k'", with: {contact: ann, credits: 10}}
outputs: {one: "${{ steps.first.output.uuid }}", two: "${{ steps.second.output.uuid }}"}
"""
SECRET = """
steps:
  token: {call: shop.tokens.create, with: {email: ann}}
  look: {call: shop.members.get, with: {email: "${{ steps.token.output.token }}"}}
  ok: {approve: "go on?", needs: [look]}
  later: {call: shop.members.get, needs: [ok], with: {email: "later-${{ steps.token.output.token }}"}}
"""


def _bytes_in(folder: Path) -> bytes:
    return b"".join(one.read_bytes() for one in folder.rglob("*") if one.is_file())


def _faults(result: RunResult) -> list[object]:
    return [one.fault["kind"] for one in result.failed]


async def test_one_key_is_one_effect_within_a_run(bench: Bench) -> None:
    """Two steps with the same `once` key send once; the second takes the first one's output."""
    result = await bench.run(TWICE)
    assert (result.status, result.outputs) == ("completed", {"one": "a-1", "two": "a-1"})
    assert (bench.vendor.awarded, result.effects_by_operation["awards.create"].intended) == (["ann"], 1)
    await bench.same(result.run_id, TWICE)


async def test_one_key_is_one_effect_over_all_runs(bench: Bench) -> None:
    """A second run with the same `once` key sends nothing and has the same output."""
    first = await bench.run(AWARD)
    second = await bench.run(AWARD)
    assert (first.outputs, second.outputs, second.status) == ({"uuid": "a-1"}, {"uuid": "a-1"}, "completed")
    assert (bench.vendor.awarded, second.effects_by_operation["awards.create"].confirmed) == (["ann"], 1)
    await bench.same(second.run_id, AWARD)


async def test_without_a_key_each_run_has_its_own_effect(bench: Bench) -> None:
    """The slot of a call without `once` is the run and the step: two runs award twice."""
    steps = AWARD.replace("once: inputs.email, ", "")
    await bench.run(steps)
    await bench.run(steps)
    assert bench.vendor.awarded == ["ann", "ann"]
    assert len({award["slot"] for award in bench.vendor.awards}) == 2


async def test_another_key_is_another_effect(bench: Bench) -> None:
    """Runs with different `once` keys each send, under different markers."""
    await bench.run(AWARD, email="a")
    await bench.run(AWARD, email="b")
    head = "awards.create/fake@default/once/"
    assert [award["slot"] for award in bench.vendor.awards] == [marker_of(head + "a"), marker_of(head + "b")]


async def test_other_arguments_under_one_key_send_nothing(bench: Bench) -> None:
    """A key that stands for another award fails the step before anything leaves."""
    first = await bench.run(AWARD, credits=10)
    second = await bench.run(AWARD, credits=20)
    assert (second.status, _faults(second)) == ("failed", ["slot_taken"])
    assert first.run_id in second.failed[0].reason
    assert [award["credits"] for award in bench.vendor.awards] == [10]
    await bench.same(second.run_id, AWARD, credits=20)


async def test_a_refused_key_is_free_again(bench: Bench) -> None:
    """Nothing happened under a key that the vendor refused, so a corrected run may use it."""
    bench.vendor.doom("awards.create", refused)
    first = await bench.run(AWARD, credits=10)
    second = await bench.run(AWARD, credits=20)
    assert (first.status, second.status) == ("failed", "completed")
    assert [award["credits"] for award in bench.vendor.awards] == [20]


async def test_a_key_whose_outcome_is_open_is_not_used(bench: Bench) -> None:
    """While one run's award is parked, another run with the key waits for a person and sends nothing."""
    bench.settle = None
    bench.vendor.doom("awards.create", lost_request)
    first = await bench.run(AWARD)
    second = await bench.run(AWARD)
    assert (first.status, second.status) == ("parked", "parked")
    assert bench.vendor.asked["awards.create"] == 1
    assert first.run_id in second.parked[0].next_action
    await bench.same(second.run_id, AWARD)


async def test_a_run_behind_a_parked_one_goes_on_after_it(bench: Bench) -> None:
    """When the other run's award is found after all, a resume of the second takes its output."""
    bench.settle = None
    bench.vendor.doom("awards.create", lost_request)
    first = await bench.run(AWARD)
    second = await bench.run(AWARD)
    bench.vendor.act(next(call for call in bench.vendor.calls if call.operation == "awards.create"))
    await bench.resume(first.run_id, AWARD)
    again = await bench.resume(second.run_id, AWARD)
    assert (again.status, again.outputs, bench.vendor.asked["awards.create"]) == (
        "completed",
        {"uuid": "a-1"},
        1,
    )
    await bench.same(again.run_id, AWARD)


async def test_the_arguments_are_fixed_at_the_first_attempt(bench: Bench) -> None:
    """Every attempt of one call sends the same arguments and the same marker."""
    bench.vendor.doom("awards.create", status(429), lost_request, status(429))
    await bench.run(AWARD)
    sent = [call.arguments for call in bench.vendor.calls if call.operation == "awards.create"]
    assert len(sent) == 4
    assert all(one == sent[0] for one in sent)


async def test_the_intent_is_on_record_before_the_call_leaves(bench: Bench) -> None:
    """At the moment of the call its intent stands in the journal; its outcome comes after."""
    result = await bench.run(AWARD)
    kinds = [(one.kind, one.key) for one in await bench.events(result.run_id) if one.key.startswith("award#")]
    assert kinds == [
        ("intent_written", "award#1:call:0"),
        ("fact_recorded", "award#1:call:0"),
        ("verdict_given", "award#1:verdict:0"),
        ("step_ended", "award#1:end:0"),
    ]


async def test_a_secret_answer_is_never_stored(bench: Bench) -> None:
    """A token reaches the next call, but neither it nor a part of it stands in any file of the home."""
    waiting = await bench.run(SECRET)
    assert waiting.status == "waiting"
    assert [call.arguments["email"] for call in bench.vendor.calls] == ["ann", bench.vendor.token]
    written = _bytes_in(bench.folder)
    assert b"tok-" not in written
    assert b"[secret]" in written


async def test_a_secret_is_fetched_again_on_recovery(bench: Bench) -> None:
    """A resume asks for the token anew, because the record holds only its mask."""
    waiting = await bench.run(SECRET)
    await bench.decide(waiting.run_id, "", approved=True)
    bench.vendor.token = "tok-0987654321"
    result = await bench.resume(waiting.run_id, SECRET)
    assert (result.status, bench.vendor.asked["tokens.create"]) == ("completed", 2)
    assert bench.vendor.calls[-1].arguments["email"] == "later-tok-0987654321"


async def test_a_run_with_a_secret_replays(bench: Bench) -> None:
    """A replay sees masks where the run saw secrets, and finds the same run."""
    waiting = await bench.run(SECRET)
    await bench.decide(waiting.run_id, "", approved=True)
    result = await bench.resume(waiting.run_id, SECRET)
    await bench.same(result.run_id, SECRET)


async def test_a_known_secret_in_an_answer_is_masked(bench: Bench) -> None:
    """A credential that the vendor echoes is masked wherever it would be recorded."""
    bench.vault.learn(SecretStr("u-ann@x.org"))
    result = await bench.run("steps:\n  look: {call: shop.members.get, with: {email: ann@x.org}}\n")
    assert result.status == "completed"
    assert all("u-ann@x.org" not in one.model_dump_json() for one in await bench.events(result.run_id))


@pytest.mark.parametrize("key", ["1", "[1, 'a']", "{'a': 1.0}"])
async def test_a_key_may_be_any_value(bench: Bench, key: str) -> None:
    """A `once` that is no text names the slot all the same, and alike in every run."""
    steps = f'steps:\n  mail: {{call: shop.mails.send, once: "{key}", with: {{email: a}}}}\n'
    await bench.run(steps)
    result = await bench.run(steps)
    assert (result.status, len(bench.vendor.mails)) == ("completed", 1)


async def test_the_intent_is_on_disk_when_the_call_leaves(bench: Bench) -> None:
    """At the moment at which the vendor gets a call, another reader of the journal finds its intent."""
    found: list[int] = []

    def look(vendor: Vendor, call: ToolCall) -> Answer:
        with closing(sqlite3.connect(bench.home.database)) as db:
            query = "SELECT count(*) FROM events WHERE kind = 'intent_written' AND key LIKE 'award#%'"
            found.append(db.execute(query).fetchone()[0])
        return plainly(vendor, call) if len(found) == 2 else Answer(status=429)

    bench.vendor.doom("awards.create", look, look)
    assert (await bench.run(AWARD)).status == "completed"
    assert found == [1, 2]


@pytest.mark.parametrize("key", ["''", "[]", "{}"])
async def test_an_empty_key_sends_nothing(bench: Bench, key: str) -> None:
    """A business key that came to nothing would be one effect for all runs, or one for each of them."""
    steps = f'steps:\n  mail: {{call: shop.mails.send, once: "{key}", with: {{email: a}}}}\n'
    result = await bench.run(steps)
    assert (result.status, bench.vendor.mails, _faults(result)) == ("failed", [], ["expression"])


async def test_a_key_that_another_run_is_using_is_waited_for(bench: Bench) -> None:
    """A run that died under way keeps its key: another one waits a few times, then parks, and sends nothing."""

    def die(_vendor: Vendor, _call: ToolCall) -> NoAnswer:
        raise RuntimeError("died")

    bench.vendor.doom("awards.create", die)
    with pytest.raises(RuntimeError, match="died"):
        await bench.run(AWARD)
    second = await bench.run(AWARD)
    assert (second.status, bench.vendor.asked["awards.create"]) == ("parked", 1)
    assert bench.waits == [backoff(number, "award").total_seconds() for number in range(1, 6)]
    async with SqliteStore(bench.home.database, bench.vault) as store:
        first = (await store.runs())[-1].run_id
    assert f"run `{first}` at `award` has begun the same effect" in second.parked[0].reason
    assert (await bench.resume(first, AWARD)).outputs == {"uuid": "a-1"}
    assert (await bench.resume(second.run_id, AWARD)).outputs == {"uuid": "a-1"}
    assert bench.vendor.awarded == ["ann"]
    await bench.same(second.run_id, AWARD)


@pytest.mark.parametrize(
    ("budget", "awarded"),
    [
        ("count: 2", ["ann", "ann"]),
        ("per_recipient: 1", ["ann", "bob"]),
        ("sum: {credits: 5}", ["ann", "bob"]),
    ],
)
async def test_what_goes_beyond_the_budget_is_not_sent(bench: Bench, budget: str, awarded: list[str]) -> None:
    """Of effects that are begun at once, those beyond the budget fail before anything leaves."""
    steps = f"""
budgets: {{effects: {{{budget}}}}}
steps:
  one: {{call: shop.awards.create, with: {{contact: ann, credits: 2}}}}
  two: {{call: shop.awards.create, with: {{contact: ann, credits: 4}}}}
  three: {{call: shop.awards.create, with: {{contact: bob, credits: 3}}}}
"""
    bench.vendor.doom("awards.create", status(429))  # a second sending is no second effect
    result = await bench.run(steps)
    assert (result.status, sorted(map(str, bench.vendor.awarded))) == ("failed", awarded)
    assert _faults(result) == ["budget_spent"]
    await bench.same(result.run_id, steps)


async def test_a_resumed_run_keeps_to_its_budget(bench: Bench) -> None:
    """What an earlier process of the run began counts."""
    steps = """
budgets: {effects: {count: 1}}
steps:
  one: {call: shop.awards.create, with: {contact: ann, credits: 1}}
  ok: {approve: "go on?", needs: [one]}
  two: {call: shop.awards.create, needs: [ok], with: {contact: bob, credits: 1}}
"""
    waiting = await bench.run(steps)
    await bench.decide(waiting.run_id, "", approved=True)
    result = await bench.resume(waiting.run_id, steps)
    assert (result.status, _faults(result), bench.vendor.awarded) == ("failed", ["budget_spent"], ["ann"])
    await bench.same(result.run_id, steps)


async def test_an_effect_that_another_run_has_made_is_not_counted(bench: Bench) -> None:
    """A key that is done already takes nothing from the budget: nothing is sent for it here."""
    steps = """
budgets: {effects: {count: 1}}
steps:
  one: {call: shop.awards.create, once: "'k'", with: {contact: ann, credits: 1}}
  two: {call: shop.awards.create, needs: [one], with: {contact: bob, credits: 1}}
"""
    first = await bench.run(steps)
    second = await bench.run(steps)
    assert (first.status, second.status) == ("failed", "completed")
    assert bench.vendor.awarded == ["ann", "bob"]
    await bench.same(second.run_id, steps)


TOKEN = """
steps:
  tok: {call: shop.tokens.create, with: {email: ann@x.org}}
  ask: {approve: "go?", needs: [tok]}
"""


async def test_of_a_secret_that_cannot_be_read_nothing_is_kept(bench: Bench) -> None:
    """A cut answer holds a part of it somewhere: no excerpt goes on record."""
    cut = Answer(status=200, flaw="truncated", excerpt='{"data": {"token": "tok-9876543210"')
    bench.vendor.doom("tokens.create", lambda _, __: cut)
    result = await bench.run(TOKEN)
    assert "tok-9876543210" not in "".join(one.model_dump_json() for one in await bench.events(result.run_id))


@pytest.mark.parametrize("fate", [status(500), lost_request])
async def test_a_secret_that_is_fetched_again_may_fail_first(bench: Bench, fate: Fate) -> None:
    """A resume fetches it anew, and is judged anew: what was passed before says nothing of this answer."""
    waiting = await bench.run(TOKEN)
    await bench.decide(waiting.run_id, "ask", approved=True)
    bench.vendor.doom("tokens.create", fate)
    result = await bench.resume(waiting.run_id, TOKEN)
    assert (result.status, bench.vendor.asked["tokens.create"]) == ("completed", 3)


async def test_a_write_that_was_begun_with_another_secret_is_left_to_a_person(bench: Bench) -> None:
    """Its arguments cannot be told from the record: it may have taken place, so it has not failed."""
    steps = """
steps:
  tok: {call: shop.tokens.create, with: {email: ann@x.org}}
  use: {call: shop.members.ensure, with: {email: "${{ steps.tok.output.token }}"}}
"""

    class KilledError(BaseException):
        """The process is gone."""

    def killed(vendor: Vendor, call: ToolCall) -> Answer:
        vendor.act(call)
        raise KilledError

    bench.vendor.doom("members.ensure", killed)
    with pytest.raises(KilledError):
        await bench.run(steps)
    async with SqliteStore(bench.home.database, bench.vault) as store:
        (row,) = await store.runs()
    bench.vendor.token = "tok-another-one"
    result = await bench.resume(row.run_id, steps)
    assert result.status == "parked"
    assert "its arguments are no longer what they were" in result.parked[0].reason
