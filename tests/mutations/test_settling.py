"""Deletions from the rules that settle an unknown outcome by reading, and from the course of one call."""

import pytest

from tests.mutations.trial import Laboratory, Mutation

PROBING, MARKER, OBJECT, COURSE = (
    f"verifier/{name}.py" for name in ("probing", "marker_read", "object_read", "course")
)
MARKERS = "tests/verifier/test_marker_read.py"
OBJECTS = "tests/verifier/test_object_read.py"
COURSES = "tests/verifier/test_course.py"
MUTATIONS = (
    Mutation(
        "the settle time is not waited for",
        PROBING,
        "return since_sent(ledger, ledger.settle)",
        "return timedelta()",
        (MARKERS,),
    ),
    Mutation(
        "no declared settle time counts as none needed",
        PROBING,
        "    if ledger.settle is None:\n        return None",
        "    if ledger.settle is None:\n        return timedelta()",
        (MARKERS,),
    ),
    Mutation(
        "the settle time begins with the first sending",
        PROBING,
        "max(attempt.sent_at for attempt in ledger.attempts)",
        "min(attempt.sent_at for attempt in ledger.attempts)",
        (MARKERS,),
    ),
    Mutation(
        "what is proven absent is sent for ever",
        PROBING,
        "if ledger.is_used_up:",
        "if False:",
        (MARKERS,),
    ),
    Mutation(
        "what cannot be read is read for ever",
        PROBING,
        "if ledger.probes + 1 >= most:",
        "if False:",
        (MARKERS,),
    ),
    Mutation(
        "a call without our marker is looked for by it",
        PROBING,
        "return bool(spec.marker and call.arguments.get(spec.marker))",
        "return True",
        ("tests/verifier/test_judge.py::test_a_write_without_marker_is_parked",),
    ),
    Mutation(
        "the confirming read is not of what the call was about",
        PROBING,
        "arguments={**fixed, **copied})",
        "arguments={**fixed})",
        (MARKERS,),
    ),
    Mutation(
        "every page that is asked for is the first",
        PROBING,
        "paging.page: page}",
        "paging.page: 1}",
        (MARKERS,),
    ),
    Mutation(
        "the marker is not checked: contact and amount decide",
        MARKER,
        "if any(is_same(one, marker) for one in find(item, confirm.marker_path))]",
        "if not contradicted(spec, call, item)]",
        (MARKERS,),
    ),
    Mutation(
        "absence counts where the marker is not trusted",
        MARKER,
        "case False if remaining is not None and ledger.marker_trusted:",
        "case False if remaining is not None:",
        (MARKERS,),
    ),
    Mutation(
        "absence counts where no settle time is declared",
        MARKER,
        "case False if remaining is not None and ledger.marker_trusted:",
        "case False if ledger.marker_trusted:",
        (MARKERS,),
    ),
    Mutation(
        "pages that were read too early count",
        MARKER,
        "if remaining is not None and remaining > timedelta():",
        "if False:",
        (MARKERS,),
    ),
    Mutation(
        "only the first page is read",
        MARKER,
        "return None if last is None else page < last",
        "return None if last is None else False",
        (MARKERS,),
    ),
    Mutation(
        "a listing without the number of its last page has one page",
        MARKER,
        "return None if last is None else page < last",
        "return last is not None and page < last",
        (MARKERS,),
    ),
    Mutation(
        "the page after a full one is not read",
        MARKER,
        "return len(items) >= limit",
        "return False",
        (MARKERS,),
    ),
    Mutation(
        "another page than the one that was asked for is accepted",
        MARKER,
        "if any(_whole(number) != page for number in served):",
        "if False:",
        (MARKERS,),
    ),
    Mutation(
        "a page shorter than the vendor's own bound is the last",
        MARKER,
        "if limit is None or not 0 < limit <= paging.largest:",
        "if limit is None:",
        (MARKERS,),
    ),
    Mutation(
        "pages are read without end",
        MARKER,
        "if page >= MOST_PAGES:",
        "if False:",
        (MARKERS,),
    ),
    Mutation(
        "a drifted page is healed and then believed",
        MARKER,
        "    if outcome.fault is not None:\n",
        "    from .drift.repair import Repair, repair\n"
        '    mended = repair(probe_spec.answer, getattr(reply.outcome, "body", None), {})\n'
        "    if outcome.fault is not None and isinstance(mended, Repair):\n"
        '        outcome = Outcome("done", output=mended.output, meta={"last_page": page})\n'
        "    if outcome.fault is not None:\n",
        (MARKERS,),
    ),
    Mutation(
        "a listing that changes while it is read is believed",
        MARKER,
        "if page > 1 and total != ledger.listed:",
        "if False:",
        (MARKERS,),
    ),
    Mutation(
        "several pages without a length prove an absence",
        MARKER,
        "case False if page > 1 and total is None:",
        "case False if False:",
        (MARKERS,),
    ),
    Mutation(
        "a marker in another place is not seen",
        MARKER,
        "if mentions(items, marker) or any(",
        "if any(",
        (MARKERS,),
    ),
    Mutation(
        "a record that lost its marker is not ours",
        MARKER,
        "if mentions(items, marker) or any(_may_be_ours(spec, confirm, call, item, ledger) for item in items):",
        "if mentions(items, marker):",
        (MARKERS,),
    ),
    Mutation(
        "a marker that stands twice is done",
        MARKER,
        "if len(ours) > 1:",
        "if False:",
        (MARKERS,),
    ),
    Mutation(
        "our marker on another amount is done",
        MARKER,
        "    if different:\n",
        "    if False:\n",
        (MARKERS,),
    ),
    Mutation(
        "an absence that proves nothing is looked into for ever",
        MARKER,
        'but {reason}, so that proves nothing")\n    if ledger.probes + 1 >= ledger.most_probes:',
        'but {reason}, so that proves nothing")\n    if False:',
        (MARKERS,),
    ),
    Mutation(
        "an object in any state is untouched",
        OBJECT,
        "if not _is_untouched(confirm, output):",
        "if False:",
        (OBJECTS,),
    ),
    Mutation(
        "an object is untouched where nothing shows that",
        OBJECT,
        "return bool(confirm.untouched) and all(",
        "return all(",
        (OBJECTS,),
    ),
    Mutation(
        "any refusal says that the object is gone",
        OBJECT,
        'outcome.fault.evidence.get("code") in confirm.gone:',
        "True:",
        (OBJECTS,),
    ),
    Mutation(
        "a state is reached where nothing shows that",
        OBJECT,
        "if confirm.equals and all(",
        "if all(",
        (OBJECTS,),
    ),
    Mutation(
        "an untouched object counts before the settle time",
        OBJECT,
        "    if remaining > timedelta():\n        return Healing(",
        "    if False:\n        return Healing(",
        (OBJECTS,),
    ),
    Mutation(
        "an untouched object counts where no settle time is declared",
        OBJECT,
        "    if remaining is None:\n",
        "    if remaining is None:\n        return absent(spec, ledger, found)\n    if remaining is None:\n",
        (OBJECTS,),
    ),
    Mutation(
        "a total that grew is proof",
        OBJECT,
        "    return _likely(spec, call, found)\n\n\n",
        "    return took_place(spec, None, found)\n\n\n",
        (OBJECTS,),
    ),
    Mutation(
        "an asynchronous call is sent again because its total did not grow",
        OBJECT,
        "    if now - before < wanted:\n",
        "    if now - before < wanted:\n        return absent(spec, ledger, found)\n    if now - before < wanted:\n",
        (OBJECTS,),
    ),
    Mutation(
        "a reading shows the world as it was when its answer came",
        COURSE,
        "asked_at = reply.sent_at if course.probe and reply.sent_at is not None else reply.received_at",
        "asked_at = reply.received_at",
        (COURSES,),
    ),
    Mutation(
        "the settle time begins before the call has left",
        COURSE,
        "sent_at=reply.received_at",
        "sent_at=reply.sent_at or reply.received_at",
        (COURSES,),
    ),
    Mutation(
        "a repetition without a reading proves the first sending absent",
        COURSE,
        '                if self.course.probe:\n                    update["attempts"]',
        '                if True:\n                    update["attempts"]',
        (COURSES,),
    ),
    Mutation(
        "a proven absence is forgotten",
        COURSE,
        '                if self.course.probe:\n                    update["attempts"]',
        '                if False:\n                    update["attempts"]',
        (COURSES,),
    ),
    Mutation(
        "a resume sends what may have taken place",
        COURSE,
        "must_read = not self.spec.is_read and is_open and not self.is_repeatable",
        "must_read = False",
        (COURSES,),
    ),
    Mutation(
        "a call that was turned away for now is refused for good",
        COURSE,
        "final=isinstance(verdict, Failed)",
        "final=True",
        (COURSES,),
    ),
    Mutation(
        "a reading that shows nothing is taken for absence",
        COURSE,
        'begin_settling(settled(effect, "unreadable", evidence))',
        'settled(effect, "absent", evidence)',
        (COURSES,),
    ),
    Mutation(
        "the total is not read before an order",
        COURSE,
        "return isinstance(self.spec.confirm, TotalRead) and not is_free",
        "return False",
        (COURSES,),
    ),
    Mutation(
        "the confirming read is judged as if it were the call",
        COURSE,
        "        if self.course.probe:\n            return judge_probe(",
        "        if False:\n            return judge_probe(",
        (COURSES,),
    ),
)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=str)
def test_a_deletion_is_noticed(mutation: Mutation, laboratory: Laboratory) -> None:
    """With this piece of the protocol taken away, at least one of the named tests fails by what it asserts."""
    trial = laboratory.mutate(mutation)
    assert trial.is_noticed, trial.report


def test_the_named_tests_pass_on_a_plain_copy(laboratory: Laboratory) -> None:
    """What fails above fails by the deletion: without it the same tests pass in the same place."""
    trial = laboratory.replace("", "", sorted({test for one in MUTATIONS for test in one.tests}))
    assert trial.has_passed, trial.report
