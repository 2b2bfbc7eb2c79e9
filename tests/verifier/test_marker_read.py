from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mendflow.connectors.contract import (
    Answer,
    JsonObject,
    MarkerRead,
    NoAnswer,
    Paging,
    Reply,
    ToolCall,
    ToolSpec,
)
from mendflow.verifier.ledger import Attempt, Ledger
from mendflow.verifier.probing import person_decides, probe_call
from mendflow.verifier.remedy import backoff
from mendflow.verifier.settling import judge_probe
from mendflow.verifier.verdict import Failed, Fault, Healing, Mend, Parked, Passed, Resend, Settle, Verdict
from pydantic import JsonValue

SENT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SETTLE = timedelta(seconds=0.3)
OURS: JsonObject = {"uuid": "r-1", "credits": 10, "contact": {"uuid": "c-1"}, "slot": "mf_1"}
THEIRS: JsonObject = {**OURS, "uuid": "r-2", "slot": "mf_2"}


def ledger(after: timedelta = SETTLE, attempts: int = 1, **facts: object) -> Ledger:
    """Return the ledger of a call whose last attempt is unknown, some time after it was sent."""
    made = [Attempt(number=number, sent_at=SENT, standing="unknown") for number in range(1, attempts + 1)]
    usual = {"now": SENT + after, "settle": SETTLE, "marker_trusted": True, "salt": "k", "attempts": made}
    return Ledger.model_validate({**usual, **facts})


TOTAL = 250


def page_of(*items: JsonValue, page: int = 1, last: JsonValue = 1, total: JsonValue = TOTAL) -> Reply:
    """Return a page of the listing."""
    body: JsonObject = {"data": list(items), "meta": {"page": page, "last_page": last, "total": total}}
    return Reply(outcome=Answer(status=200, body=body), received_at=SENT)


@pytest.fixture
def judged(award: ToolSpec, award_call: ToolCall, listing: ToolSpec) -> "Judged":
    """Return the judgement of a page of the usual listing."""
    return Judged(award, award_call, listing)


class Judged:
    def __init__(self, award: ToolSpec, call: ToolCall, listing: ToolSpec) -> None:
        self.award, self.call, self.listing = award, call, listing
        self.look = person_decides(award, call)

    def __call__(self, reply: Reply, state: Ledger, page: int = 1) -> Verdict:
        probe = probe_call(self.award, self.call, page)
        return judge_probe(self.award, self.call, self.listing, probe, reply, state)


def remedy_of(verdict: Verdict) -> object:
    """Return the remedy, or the kind of a verdict that has none."""
    return verdict.remedy if isinstance(verdict, Healing) else verdict.kind


def test_the_confirming_read_is_built_from_the_call(award: ToolSpec, award_call: ToolCall) -> None:
    """Fixed arguments, copied ones, and the page."""
    arguments: JsonObject = {"type": "credit_receptions", "contact_uuid": "c-1", "limit": 100, "page": 2}
    probe = ToolCall(connection="piggy", operation="loyalty_transactions.list", arguments=arguments)
    assert probe_call(award, award_call, 2) == probe
    bare = probe_call(award, award_call, 1, paging=None)
    assert bare.arguments == {"type": "credit_receptions", "contact_uuid": "c-1"}
    named = probe_call(award, award_call, 3, paging=Paging(page="p", limit="n", largest=30))
    assert named.arguments == {**bare.arguments, "n": 30, "p": 3}


def test_a_marker_that_is_there_proves_the_effect(judged: Judged) -> None:
    """Even before the settle time, on any page, whether or not absence would count."""
    mend = Mend(
        fault=Fault(
            kind="unknown_outcome", detail="whether `credit_receptions.create` took place was unknown"
        ),
        remedy="settle",
        proof="the marker was found in `loyalty_transactions.list`, page 2",
    )
    early = ledger(timedelta(), settle=None, marker_trusted=False)
    assert judged(page_of(THEIRS, OURS, page=2, last=9), early, 2) == Passed(output=OURS, mends=(mend,))


def test_a_settled_complete_absence_allows_a_resend(judged: Judged) -> None:
    """All pages are read, the settle time is over, the marker is trusted: it did not take place."""
    fault = Fault(
        kind="unknown_outcome",
        detail="`credit_receptions.create` did not take place:"
        " after the settle time its marker is not on the only page",
    )
    assert judged(page_of(THEIRS), ledger()) == Healing(fault=fault, remedy=Resend())


def test_a_proved_absence_after_the_last_attempt_is_a_failure(judged: Judged) -> None:
    """It is known that nothing happened, so it may be called failed."""
    verdict = judged(page_of(), ledger(attempts=6))
    assert isinstance(verdict, Failed)
    assert verdict.fault.kind == "budget_spent"


def test_too_early_absence_means_waiting_and_starting_over(judged: Judged) -> None:
    """Pages that were read before the settle time do not count: the listing is read again from its start."""
    early = ledger(timedelta(seconds=0.1))
    again = Settle(after=timedelta(seconds=0.2))
    assert remedy_of(judged(page_of(THEIRS), early)) == again
    assert remedy_of(judged(page_of(THEIRS, page=2, last=3), early, 2)) == again


def test_all_pages_are_read(judged: Judged) -> None:
    """The marker on the first of three pages, or on none: the next page follows until the last."""
    following = [Settle(after=timedelta(), page=page, total=TOTAL) for page in (2, 3)]
    assert remedy_of(judged(page_of(THEIRS, last=3), ledger())) == following[0]
    assert remedy_of(judged(page_of(page=2, last="3"), ledger(listed=TOTAL), 2)) == following[1]
    assert remedy_of(judged(page_of(page=3, last=3), ledger(listed=TOTAL), 3)) == Resend()


@pytest.mark.parametrize("total", [TOTAL - 1, TOTAL + 1, None, "many"])
def test_a_listing_that_changes_while_it_is_read_is_read_again(total: JsonValue, judged: Judged) -> None:
    """What left it moves others to pages that were read already: from the first page again, then a person."""
    came = page_of(page=2, last=2, total=total)
    verdicts = [remedy_of(judged(came, ledger(listed=TOTAL, probes=probes), 2)) for probes in range(5)]
    assert verdicts == [*(Settle(after=backoff(number, "k")) for number in range(1, 5)), "parked"]
    found = judged(page_of(OURS, page=2, last=2, total=total), ledger(listed=TOTAL), 2)
    assert remedy_of(found) == "passed"


def test_a_listing_that_does_not_tell_its_length_proves_no_absence(judged: Judged) -> None:
    """Over several pages something may have moved unseen; a single page cannot shift."""
    several = judged(page_of(page=2, last=2, total=None), ledger(probes=4), 2)
    assert isinstance(several, Parked)
    assert several.fault.detail == (
        "`credit_receptions.create` is not listed, but the listing may have shifted while it was read,"
        " so that proves nothing"
    )
    assert remedy_of(judged(page_of(total=None), ledger())) == Resend()


@pytest.mark.parametrize(
    "meta",
    [
        {},
        {"last_page": None},
        {"last_page": "many"},
        {"last_page": True},
        {"last_page": 1, "page": 2},
        {"last_page": -1},
    ],
)
def test_a_listing_whose_end_is_not_proven_proves_nothing(meta: JsonObject, judged: Judged) -> None:
    """Without a number of the last page, or with another page than asked for, absence is not proven."""
    reply = Reply(outcome=Answer(status=200, body={"data": [THEIRS], "meta": meta}), received_at=SENT)
    fault = Fault(
        kind="unknown_outcome",
        detail="whether `credit_receptions.create` took place is not settled: it is not proven that"
        " `loyalty_transactions.list` was read to its end",
    )
    assert judged(reply, ledger()) == Parked(fault=fault, next_action=judged.look)


def test_without_page_numbers_a_short_page_is_the_last(
    award: ToolSpec, award_call: ToolCall, listing: ToolSpec
) -> None:
    """A full page calls for the next; a limit beyond the vendor's largest page proves nothing."""
    plain = listing.model_copy(update={"paging": Paging(largest=2)})

    def verdict(limit: int, *items: JsonValue) -> object:
        probe = probe_call(award, award_call, 1, paging=Paging(largest=limit))
        reply = Reply(outcome=Answer(status=200, body={"data": list(items)}), received_at=SENT)
        return remedy_of(judge_probe(award, award_call, plain, probe, reply, ledger()))

    assert verdict(2, THEIRS) == Resend()
    assert verdict(2, THEIRS, THEIRS) == Settle(after=timedelta(), page=2)
    assert verdict(3, THEIRS) == "parked"
    unpaged = listing.model_copy(update={"paging": None})
    probe = probe_call(award, award_call, 1, paging=None)
    assert remedy_of(judge_probe(award, award_call, unpaged, probe, page_of(THEIRS), ledger())) == "parked"


@pytest.mark.parametrize("facts", [{"settle": None}, {"marker_trusted": False}, {"attempts": 0}])
def test_absence_that_proves_nothing_is_never_a_resend(facts: dict[str, Any], judged: Judged) -> None:
    """A few more looks, for presence would settle it; then a person."""
    waits = [remedy_of(judged(page_of(), ledger(probes=probes, **facts))) for probes in range(5)]
    assert waits == [*(Settle(after=backoff(number, "k")) for number in range(1, 5)), "parked"]


@pytest.mark.parametrize(
    "items",
    [
        [OURS, OURS],
        [{**OURS, "credits": 100}],
    ],
    ids=["twice", "another amount"],
)
def test_contradictions_go_to_a_person(items: list[JsonValue], judged: Judged) -> None:
    """The marker twice, or with another amount: neither done nor absent."""
    verdict = judged(page_of(*items), ledger())
    assert isinstance(verdict, Parked)
    assert verdict.next_action == judged.look


@pytest.mark.parametrize(
    "item",
    [
        {**OURS, "slot": None, "Slot": "mf_1"},
        {**THEIRS, "attributes": {"slot": "mf_1"}},
        {**OURS, "slot": None},
        {name: value for name, value in OURS.items() if name != "slot"},
        {"uuid": "r-9", "credits": 10},
    ],
    ids=["another name", "another place", "nulled", "dropped", "dropped with more"],
)
def test_a_marker_that_drifted_is_neither_presence_nor_absence(item: JsonObject, judged: Judged) -> None:
    """The page is read again, for drift may pass; it never counts as proof, and in the end a person looks."""
    verdicts = [remedy_of(judged(page_of(item), ledger(probes=probes))) for probes in range(5)]
    assert verdicts == [*(Settle(after=backoff(number, "k")) for number in range(1, 5)), "parked"]


@pytest.mark.parametrize(
    ("created", "remedy"),
    [
        ("2026-02-28T11:59:59+00:00", "resend"),
        ("2026-02-28T11:59:59", "resend"),
        ("2026-02-28T12:00:01+00:00", "settle"),
        ("2026-03-01T12:00:01+00:00", "settle"),
        ("yesterday", "settle"),
        (None, "settle"),
    ],
)
def test_a_record_without_a_marker_is_not_ours_when_it_is_old(
    created: JsonValue, remedy: str, award: ToolSpec, award_call: ToolCall, listing: ToolSpec
) -> None:
    """A day before our first attempt is more than two clocks and a time zone can differ by."""
    assert isinstance(award.confirm, MarkerRead)
    confirm = award.confirm.model_copy(update={"created": "created_at"})
    dated = Judged(award.model_copy(update={"confirm": confirm}), award_call, listing)
    bare: JsonObject = {"uuid": "r-9", "credits": 10, "contact": {"uuid": "c-1"}, "created_at": created}
    verdict = dated(page_of(bare), ledger())
    assert isinstance(verdict, Healing)
    assert verdict.remedy.kind == remedy


def test_a_record_without_a_marker_is_not_ours_when_it_contradicts_the_call(judged: Judged) -> None:
    """Another amount is somebody else's award; an equal one without a marker might be ours, unechoed."""
    foreign: JsonObject = {name: value for name, value in OURS.items() if name != "slot"}
    others = page_of({**foreign, "credits": 9}, {**THEIRS, "credits": 9, "slot": None})
    assert remedy_of(judged(others, ledger())) == Resend()


UNUSABLE: list[tuple[Answer | NoAnswer, timedelta, bool]] = [
    (NoAnswer(sent="unknown", reason="timeout"), timedelta(), False),
    (Answer(status=500), timedelta(), False),
    (Answer(status=429, headers={"retry-after": "2"}), timedelta(seconds=2), False),
    (Answer(status=401), timedelta(), True),
    (Answer(status=200, body={"data": {"items": [THEIRS, THEIRS]}}), timedelta(), False),
    (Answer(status=200, body={"data": [{"uuid": "r-9"}], "meta": {"last_page": 2}}), timedelta(), False),
]


@pytest.mark.parametrize(("came", "hint", "renew"), UNUSABLE)
def test_an_unusable_page_is_read_again_and_never_healed(
    *,
    came: Answer | NoAnswer,
    hint: timedelta,
    renew: bool,
    judged: Judged,
) -> None:
    """The same page after a pause, with the key read again when it was not let in; then a person."""
    reply = Reply(outcome=came, received_at=SENT)
    verdicts = [remedy_of(judged(reply, ledger(probes=probes, listed=TOTAL), 2)) for probes in range(5)]
    pauses = [backoff(number, "k") + hint for number in range(1, 5)]
    again = [Settle(after=pause, page=2, total=TOTAL, renew=renew) for pause in pauses]
    assert verdicts == [*again, "parked"]


ITEM: st.SearchStrategy[JsonValue] = st.sampled_from([OURS, THEIRS, {**OURS, "slot": None}, {}, None, 1])


@given(
    status=st.sampled_from([200, 200, 200, 400, 401, 429, 500]),
    items=st.lists(ITEM, max_size=3),
    last=st.sampled_from([None, 0, 1, 2, 3]),
    late=st.integers(0, 600),
    page=st.integers(1, 3),
    settle=st.sampled_from([None, SETTLE]),
    trusted=st.booleans(),
    probes=st.integers(0, 9),
)
def test_only_a_full_proof_resends_and_only_the_marker_passes(
    *,
    status: int,
    items: list[JsonValue],
    last: int | None,
    late: int,
    page: int,
    settle: timedelta | None,
    trusted: bool,
    probes: int,
    tools: list[tuple[ToolSpec, ToolCall]],
    listing: ToolSpec,
) -> None:
    """Whatever the listing says: a resend has all its proofs, a pass has the marker, nothing is raised."""
    state = ledger(timedelta(milliseconds=late), settle=settle, marker_trusted=trusted, probes=probes)
    award, award_call = tools[1]
    probe = probe_call(award, award_call, page)
    body: JsonObject = {"data": items, "meta": {} if last is None else {"last_page": last}}
    reply = Reply(outcome=Answer(status=status, body=body), received_at=SENT)
    verdict = judge_probe(award, award_call, listing, probe, reply, state)
    remedy = remedy_of(verdict)
    assert isinstance(remedy, Settle | Resend | str)
    if isinstance(remedy, Resend):
        assert (status, trusted, settle) == (200, True, SETTLE)
        assert late >= 300
        assert OURS not in items
        assert last is not None
        assert last <= page
    if isinstance(verdict, Passed):
        assert verdict.output == OURS


def test_the_settle_time_begins_with_the_last_sending(judged: Judged) -> None:
    """Of two attempts that are unknown the later one may still be under way."""
    made = [
        Attempt(number=number, sent_at=SENT + timedelta(seconds=late), standing="unknown")
        for number, late in enumerate((0.0, 0.2), start=1)
    ]
    verdict = judged(page_of(), ledger(SETTLE).model_copy(update={"attempts": tuple(made)}))
    assert remedy_of(verdict) == Settle(after=timedelta(seconds=0.2))


def test_pages_are_read_to_a_bound(judged: Judged) -> None:
    """A listing that never comes to its end is left to a person after a thousand pages."""
    read = ledger(listed=TOTAL)
    following = Settle(after=timedelta(), page=1000, total=TOTAL)
    assert remedy_of(judged(page_of(page=999, last=2000), read, 999)) == following
    assert remedy_of(judged(page_of(page=1000, last=2000), read, 1000)) == "parked"


@pytest.mark.parametrize(
    "meta",
    [{"last_page": 1, "current_page": 2}, {"last_page": "٣"}, {"last_page": 10**9}, {"last_page": 1.0}],
)
def test_a_number_that_is_none_proves_no_end(meta: JsonObject, judged: Judged) -> None:
    """Another page by its other name, digits of another script, more pages than there are, a broken number."""
    reply = Reply(outcome=Answer(status=200, body={"data": [], "meta": meta}), received_at=SENT)
    assert remedy_of(judged(reply, ledger())) == "parked"


def test_many_pages_are_read_one_by_one(judged: Judged) -> None:
    """The number of the last page may have up to nine digits."""
    assert remedy_of(judged(page_of(last=999_999_999), ledger())) == Settle(
        after=timedelta(), page=2, total=TOTAL
    )


def test_an_absence_says_where_was_looked(judged: Judged) -> None:
    """The proof names the pages that were read."""
    verdict = judged(page_of(page=3, last=3), ledger(listed=TOTAL), 3)
    assert isinstance(verdict, Healing)
    assert verdict.fault.detail == (
        "`credit_receptions.create` did not take place:"
        " after the settle time its marker is not on any of 3 pages"
    )


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"marker_trusted": False}, "the account is not known to echo our marker"),
        ({"marker_trusted": False, "settle": None}, "the account is not known to echo our marker"),
        ({"settle": None}, "no `settle` time is declared for the connection"),
        ({"attempts": 0}, "it is not known when it was sent"),
    ],
)
def test_an_absence_that_proves_nothing_says_why(facts: dict[str, Any], reason: str, judged: Judged) -> None:
    """A person reads what would have to be so that absence counts."""
    verdict = judged(page_of(), ledger(probes=4, **facts))
    assert isinstance(verdict, Parked)
    assert verdict.fault.detail == (
        f"`credit_receptions.create` is not listed, but {reason}, so that proves nothing"
    )


@pytest.mark.parametrize("limit", [None, 0, -1, True, "many", 3])
def test_a_page_without_a_usable_limit_proves_no_end(
    limit: JsonValue, award: ToolSpec, award_call: ToolCall, listing: ToolSpec
) -> None:
    """Where pages are not numbered, a short page is the last one only if it is known how long it could be."""
    plain = listing.model_copy(update={"paging": Paging(largest=2)})
    probe = probe_call(award, award_call, 1)
    given = probe.model_copy(update={"arguments": {**probe.arguments, "limit": limit}})
    reply = Reply(outcome=Answer(status=200, body={"data": []}), received_at=SENT)
    assert remedy_of(judge_probe(award, award_call, plain, given, reply, ledger())) == "parked"
    bare = probe.model_copy(update={"arguments": {"page": 1}})
    assert remedy_of(judge_probe(award, award_call, plain, bare, reply, ledger())) == "parked"


def test_a_read_without_a_page_is_of_the_first(
    award: ToolSpec, award_call: ToolCall, listing: ToolSpec
) -> None:
    """What was not asked for by its number is page one, in the proof and for what follows."""
    probe = probe_call(award, award_call, 1, paging=None)
    following = judge_probe(award, award_call, listing, probe, page_of(last=2), ledger())
    assert remedy_of(following) == Settle(after=timedelta(), page=2, total=TOTAL)
    unpaged = listing.model_copy(update={"paging": None})
    found = judge_probe(award, award_call, unpaged, probe, page_of(OURS), ledger())
    assert isinstance(found, Passed)
    assert found.mends[0].proof == "the marker was found in `loyalty_transactions.list`, page 1"


@pytest.mark.parametrize("body", [{"slot": "mf_1"}, {"items": [OURS]}, "mf_1", None])
def test_what_is_no_listing_settles_nothing(
    body: JsonValue, award: ToolSpec, award_call: ToolCall, listing: ToolSpec
) -> None:
    """Even where the contract would allow it, our marker counts in a list of records only."""
    anything = listing.model_copy(update={"answer": {}})
    reply = Reply(outcome=Answer(status=200, body={"data": body}), received_at=SENT)
    verdict = judge_probe(award, award_call, anything, probe_call(award, award_call, 1), reply, ledger())
    assert isinstance(verdict, Parked)
    assert "is no listing in which our marker could be" in verdict.fault.detail


@pytest.mark.parametrize("marker", [None, ""])
def test_a_call_without_a_marker_is_not_found_by_it(
    marker: JsonValue, award: ToolSpec, award_call: ToolCall, listing: ToolSpec
) -> None:
    """Records that have no marker either are not ours for that."""
    call = award_call.model_copy(update={"arguments": {**award_call.arguments, "slot": marker}})
    page = page_of({**OURS, "slot": marker})
    verdict = judge_probe(award, call, listing, probe_call(award, call, 1), page, ledger())
    assert isinstance(verdict, Parked)
    assert "is no listing in which our marker could be" in verdict.fault.detail


@pytest.mark.parametrize(
    ("created", "attempts", "remedy"),
    [
        ("2026-02-28T12:00:00+00:00", [0], "resend"),
        ("2026-02-28T14:00:00+05:00", [0], "resend"),
        ("2026-02-28T10:00:00-05:00", [0], "settle"),
        ("2026-02-28T12:00:00+00:00", [-1, 0], "settle"),
        ("2020-01-01T00:00:00+00:00", [], "settle"),
    ],
    ids=["a day", "eastern", "western", "an earlier attempt", "no attempt known"],
)
def test_what_is_old_is_older_than_the_first_attempt(
    created: str, attempts: list[int], remedy: str, award: ToolSpec, award_call: ToolCall, listing: ToolSpec
) -> None:
    """Moments are compared whatever their zone; where no attempt is known, nothing is too old to be ours."""
    assert isinstance(award.confirm, MarkerRead)
    confirm = award.confirm.model_copy(update={"created": "created_at"})
    dated = Judged(award.model_copy(update={"confirm": confirm}), award_call, listing)
    made = tuple(
        Attempt(number=number, sent_at=SENT + timedelta(days=days), standing="unknown")
        for number, days in enumerate(attempts, start=1)
    )
    bare: JsonObject = {"uuid": "r-9", "credits": 10, "contact": {"uuid": "c-1"}, "created_at": created}
    verdict = dated(page_of(bare), ledger().model_copy(update={"attempts": made}))
    assert isinstance(verdict, Healing)
    assert verdict.remedy.kind == remedy
