"""The Writer: drafts that go back to it by rules and by review, within bounds."""

import pytest
from mendflow.agents.model import ModelRefusal
from mendflow.connectors.contract import JsonObject
from mendflow.graph.engine.drafts import MOST_ASKED_AGAIN, MOST_SENT_BACK
from mendflow.verifier.remedy import backoff

from tests.graph.engine.conftest import Bench

LETTER = """
steps:
  look: {{call: shop.members.get, with: {{email: ann}}}}
  letter: {{agent: writer, model: think, goal: Write., from: [look], voice: {{banned: [cheap]}}{more}}}
outputs: {{body: "${{{{ steps.letter.output.body }}}}"}}
"""
REVIEWED = """
steps:
  letter: {agent: writer, model: think, goal: Write.}
  review:
    verify: letter
    rules:
      - {id: short, expect: size(draft.body) < 10}
      - {id: hello, expect: "draft.body.startsWith('Hello')"}
    on_fail: {back_to: letter, max: 2}
  mail: {call: shop.mails.send, needs: [review], once: "'m'", with: {email: "${{ steps.letter.output.body }}"}}
outputs: {review: "${{ steps.review.output }}", body: "${{ steps.letter.output.body }}"}
"""
JUDGED = """
steps:
  letter: {agent: writer, model: think, goal: Write.}
  review:
    verify: letter
    rules: [{id: tone, judge: think, rubric: Warm.}]
    on_fail: {back_to: letter, max: 1}
"""


def _draft(body: str) -> JsonObject:
    return {"subject": "Hello", "body": body}


def _letter(more: str = "") -> str:
    return LETTER.format(more=more)


async def test_a_good_draft_passes(bench: Bench) -> None:
    """A draft that claims only what its findings hold is done at the first round."""
    bench.thinker.says(_draft("You have 7 credits."))
    result = await bench.run(_letter())
    assert (result.status, result.outputs) == ("completed", {"body": "You have 7 credits."})
    assert (result.drafts_rejected, len(bench.thinker.asked)) == (0, 1)
    await bench.same(result.run_id, _letter())


async def test_a_draft_goes_back_with_its_reasons(bench: Bench) -> None:
    """A false number and a banned word go back, the draft with them; the heal is recorded once."""
    bench.thinker.says(_draft("You have 9 credits."), _draft("A cheap offer."), _draft("You have 7 credits."))
    result = await bench.run(_letter())
    assert (result.status, result.drafts_rejected, result.heals) == ("completed", 2, {"draft_rejected": 1})
    first, second, third = bench.thinker.asked
    assert (first.reasons, first.draft) == ((), None)
    assert (second.reasons, second.draft) == (
        (
            (
                "The number `9` in `body` stands in no finding; use only values of the findings; "
                "the nearest one is `7` (`material.look.balance`)."
            ),
        ),
        _draft("You have 9 credits."),
    )
    assert third.reasons == ("The voice bans `cheap`, which stands in `body`; say it without.",)
    await bench.same(result.run_id, _letter())


@pytest.mark.parametrize(
    ("word", "status_of_run", "status_of_step"),
    [("fail", "failed", "failed"), ("park", "parked", "parked"), ("skip", "completed", "skipped")],
)
async def test_a_writer_has_so_many_tries(
    bench: Bench, word: str, status_of_run: str, status_of_step: str
) -> None:
    """After the last rejection the step ends as `on_exhausted` says."""
    steps = _letter(f", on_exhausted: {word}").partition("outputs:")[0]
    bench.thinker.says(*[_draft("You have 9 credits.")] * (MOST_SENT_BACK + 1))
    result = await bench.run(steps)
    ends = {one.key: one.body for one in await bench.events(result.run_id) if one.kind == "step_ended"}
    assert (result.status, ends[f"letter#{MOST_SENT_BACK + 1}:end:0"]["status"]) == (
        status_of_run,
        status_of_step,
    )
    assert (bench.thinker.script, result.heals) == ([], {})
    await bench.same(result.run_id, steps)


async def test_a_review_hands_the_draft_back(bench: Bench) -> None:
    """A rejected draft goes back to its author with the rules that did not hold; nothing is sent before."""
    bench.thinker.says(_draft("Hi, all you good people"), _draft("Hello to you"), _draft("Hello you"))
    result = await bench.run(REVIEWED)
    assert (result.status, result.outputs) == (
        "completed",
        {"review": {"passed": True, "attempts": 3}, "body": "Hello you"},
    )
    assert [request.reasons for request in bench.thinker.asked] == [
        (),
        (
            "rule `short`: `size(draft.body) < 10` does not hold",
            "rule `hello`: `draft.body.startsWith('Hello')` does not hold",
        ),
        ("rule `short`: `size(draft.body) < 10` does not hold",),
    ]
    assert bench.vendor.mails == [{"email": "Hello you"}]
    await bench.same(result.run_id, REVIEWED)


async def test_a_review_hands_back_only_so_often(bench: Bench) -> None:
    """After `max` rewrites the review fails and what needs it is skipped."""
    bench.thinker.says(*[_draft("Hello, all you good people")] * 3)
    result = await bench.run(REVIEWED)
    assert (result.status, [one.path for one in result.failed]) == ("failed", ["review"])
    assert (bench.thinker.script, bench.vendor.mails) == ([], [])
    await bench.same(result.run_id, REVIEWED)


async def test_a_reviewed_run_recovers(bench: Bench) -> None:
    """After a resume the steps behind a review see the draft that passed it, not the first one."""
    steps = REVIEWED.replace("needs: [review]", "needs: [review, ok]").replace(
        "outputs:", "  ok: {approve: 'send?', needs: [review]}\noutputs:"
    )
    bench.thinker.says(_draft("Hi"), _draft("Hello you"))
    waiting = await bench.run(steps)
    await bench.decide(waiting.run_id, "", approved=True)
    result = await bench.resume(waiting.run_id, steps)
    assert (result.status, bench.vendor.mails) == ("completed", [{"email": "Hello you"}])
    assert len(bench.thinker.asked) == 2
    await bench.same(result.run_id, steps)


async def test_a_judge_may_veto(bench: Bench) -> None:
    """A model's veto sends the draft back with the judge's reasons; its pass lets it through."""
    veto: JsonObject = {"verdict": "veto", "reasons": ["cold"]}
    bench.thinker.says(_draft("Hi"), veto, _draft("Hello"), {"verdict": "pass"})
    result = await bench.run(JUDGED)
    assert result.status == "completed"
    assert bench.thinker.asked[2].reasons == ("rule `tone`: cold",)
    await bench.same(result.run_id, JUDGED)


async def test_a_judge_without_a_usable_reply_passes_nothing(bench: Bench) -> None:
    """A judge that is away counts as a veto."""
    away = ModelRefusal(reason="server_error", detail="down")
    bench.thinker.says(_draft("Hi"), away, _draft("Hello"), away)
    result = await bench.run(JUDGED)
    assert (result.status, [one.path for one in result.failed]) == ("failed", ["review"])
    await bench.same(result.run_id, JUDGED)


async def test_a_model_that_is_away_is_asked_so_often(bench: Bench) -> None:
    """Passing refusals are waited out with growing waits, then the step fails."""
    away = ModelRefusal(reason="server_error", detail="down")
    bench.thinker.says(*[away] * (MOST_ASKED_AGAIN + 1))
    result = await bench.run(_letter())
    expected = [backoff(number, "letter").total_seconds() for number in (1, 2, 3)]
    assert bench.waits == pytest.approx(expected)
    assert (result.status, bench.thinker.script) == ("failed", [])
    assert [one.fault["kind"] for one in result.failed] == ["model_fault"]
    await bench.same(result.run_id, _letter())


async def test_a_model_that_refuses_for_good_is_not_asked_again(bench: Bench) -> None:
    """A refusal that no wait helps fails the step at once."""
    bench.thinker.says(ModelRefusal(reason="unauthorized", detail="no key"))
    result = await bench.run(_letter())
    assert (result.status, bench.waits, len(bench.thinker.asked)) == ("failed", [], 1)
    await bench.same(result.run_id, _letter())


async def test_a_parked_writer_begins_again_on_resume(bench: Bench) -> None:
    """`on_exhausted: park` promises that a resume tries the step again: with all its tries."""
    steps = _letter(", on_exhausted: park")
    bench.thinker.says(*[_draft("You have 9 credits.")] * (MOST_SENT_BACK + 1))
    parked = await bench.run(steps)
    bench.thinker.says(_draft("You have 9 credits."), _draft("You have 7 credits."))
    result = await bench.resume(parked.run_id, steps)
    assert (parked.status, result.status) == ("parked", "completed")
    assert result.outputs == {"body": "You have 7 credits."}
    await bench.same(result.run_id, steps)


async def test_a_parked_review_hands_the_draft_back_once_more_on_resume(bench: Bench) -> None:
    """A person who resumes gives the author another try; what is still rejected parks again."""
    steps = REVIEWED.replace("max: 2}", "max: 1}\n    on_exhausted: park")
    bench.thinker.says(_draft("No."), _draft("Still no."))
    parked = await bench.run(steps)
    bench.thinker.says(_draft("Never."))
    again = await bench.resume(parked.run_id, steps)
    bench.thinker.says(_draft("Hello."))
    result = await bench.resume(parked.run_id, steps)
    assert [parked.status, again.status, result.status] == ["parked", "parked", "completed"]
    assert bench.vendor.asked["mails.send"] == 1
    await bench.same(result.run_id, steps)
