"""What holds for every answer there can be, not only for the rows of the table."""

import asyncio
from datetime import UTC, datetime, timedelta

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st
from mendflow.connectors.contract import Answer, NoAnswer, Reply
from mendflow.connectors.decode import decode
from mendflow.connectors.hints import ABSURD
from mendflow.connectors.piggy.operations import TOOLS
from mendflow.connectors.wire import Wire, WireRequest
from mendflow.verifier.course import Course, Means, Turn
from mendflow.verifier.judge import judge
from mendflow.verifier.ledger import Attempt, Ledger
from mendflow.verifier.outcome import Standing, classify
from mendflow.verifier.remedy import LONGEST_BACKOFF
from mendflow.verifier.verdict import Failed, FaultKind, Healing, Parked, Renew, Resend, Settle, Wait

from tests.faults.expected import ARGUMENTS, GOOD, SETTLE, asked
from tests.faults.far import Far
from tests.faults.form import Form, exactly
from tests.faults.table import FORMS

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
AWARD, MAIL = "credit_receptions.create", "contact_verification.send"
HEADERS = st.dictionaries(
    st.sampled_from(
        [
            "retry-after",
            "date",
            "content-type",
            "ratelimit",
            "ratelimit-reset",
            "x-ratelimit-reset",
            "x-ratelimit-remaining",
        ]
    ),
    st.text(st.characters(max_codepoint=0xFF), max_size=40)
    | st.integers().map(str)
    | st.floats().map(str)
    | st.sampled_from(
        ["0", "3", "Sun, 22 Nov 2026 10:00:20 GMT", "1795341615000", '"p";r=0;t=9', "text/html"]
    ),
)
CODES = st.sampled_from(
    [1000, 1003, 6001, 7002, 55031, 60001, 60009, 99999, 99998, "1003", 1003.5, True, None]
)
ERRORS = st.builds(
    lambda code, status: orjson.dumps({"message": "No.", "code": code, "status_code": status}),
    CODES,
    st.sampled_from([400, 400, 200, "400", None]),
)
SUCCESSES = st.sampled_from([*GOOD.values(), [], None, "ok"]).map(
    lambda data: orjson.dumps({"data": data, "meta": []})
)
BODIES = (
    ERRORS
    | SUCCESSES
    | st.binary(max_size=80)
    | st.tuples(ERRORS | SUCCESSES, st.integers(1, 20)).map(lambda cut: cut[0][: -cut[1]])
)
STATUSES = st.sampled_from([200, 201, 204, 206, 302, 400, 401, 403, 404, 409, 429, 500, 503]) | st.integers(
    0, 999
)


def _answered(status: int, headers: dict[str, str], raw: bytes) -> Answer:
    decoded = decode(raw, headers.get("content-type", ""))
    return Answer(
        status=status, headers=headers, body=decoded.value, flaw=decoded.flaw, excerpt=decoded.excerpt
    )


ANSWERS = st.builds(_answered, STATUSES, HEADERS, BODIES)
SILENCES = st.builds(
    NoAnswer,
    sent=st.sampled_from(["no", "unknown"]),
    reason=st.sampled_from(["dns", "connect", "tls", "pool", "timeout", "reset", "protocol", "crash"]),
)
OUTCOMES = ANSWERS | SILENCES
STANDINGS: list[Standing] = ["not_sent", "refused", "unknown"]
KINDS: list[FaultKind] = ["rate_limit", "timeout", "unauthorized"]
LEDGERS = st.builds(
    lambda earlier, settle, trusted, renewed, changed: Ledger(
        attempts=tuple(
            Attempt(number=number, sent_at=NOON, standing=standing, fault_kind=kind)
            for number, (standing, kind) in enumerate(earlier, 1)
        ),
        now=NOON,
        settle=settle,
        marker_trusted=trusted,
        renewed=renewed,
        renewal_changed=changed,
        salt="k",
    ),
    st.just([]) | st.lists(st.tuples(st.sampled_from(STANDINGS), st.sampled_from(KINDS)), max_size=25),
    st.sampled_from([None, SETTLE]),
    st.booleans(),
    st.integers(0, 2),
    st.sampled_from([None, True, False]),
)


def _waits(remedy: object) -> timedelta:
    match remedy:
        case Wait(duration=pause) | Settle(after=pause) | Resend(after=pause):
            return pause
        case _:
            return timedelta()


def _proves_a_refusal(operation: str, came: Answer | NoAnswer) -> bool:
    """Say, apart from the shipped rules, what proves that a write did not take place."""
    if isinstance(came, NoAnswer):
        return came.sent == "no"
    if came.status in {401, 403, 429}:
        return True
    match came.body:
        case {"message": str(), "code": int() as code, "status_code": int() as status, **rest}:
            is_whole = "data" not in rest and 400 <= status < 600 and not isinstance(code, bool)
            return came.status < 500 and is_whole and code in TOOLS[operation].refusals
    return False


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(sorted(ARGUMENTS)), OUTCOMES, LEDGERS)
def test_judging_is_total_and_pure(operation: str, came: Answer | NoAnswer, ledger: Ledger) -> None:
    """Whatever status, headers and bytes come back, there is a verdict, and always the same one."""
    spec, call = asked(operation)
    reply = Reply(outcome=came, received_at=NOON)
    assert judge(spec, call, reply, ledger) == judge(spec, call, reply, ledger)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from([AWARD, MAIL]), OUTCOMES, LEDGERS)
def test_a_write_is_neither_failed_nor_sent_again_without_proof(
    operation: str, came: Answer | NoAnswer, ledger: Ledger
) -> None:
    """Where this attempt or an earlier one may have taken place, it is read about or left to a person."""
    spec, call = asked(operation)
    verdict = judge(spec, call, Reply(outcome=came, received_at=NOON), ledger)
    if _proves_a_refusal(operation, came) and not ledger.has_unknown:
        return
    is_sent_again = isinstance(verdict, Healing) and isinstance(verdict.remedy, Wait | Renew | Resend)
    assert not isinstance(verdict, Failed)
    assert not is_sent_again


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(sorted(ARGUMENTS)), OUTCOMES, LEDGERS)
def test_waits_are_bounded_and_never_negative(
    operation: str, came: Answer | NoAnswer, ledger: Ledger
) -> None:
    """No header makes us wait for more than a day and our own backoff, or for less than nothing."""
    spec, call = asked(operation)
    verdict = judge(spec, call, Reply(outcome=came, received_at=NOON), ledger)
    wait = _waits(verdict.remedy) if isinstance(verdict, Healing) else timedelta()
    assert timedelta() <= wait <= ABSURD + LONGEST_BACKOFF


RAW = st.binary(max_size=200) | st.builds(
    lambda status, headers, body: b"HTTP/1.1 " + status + b"\r\n" + headers + b"\r\n" + body,
    STATUSES.map(lambda status: b"%03d Odd" % status),
    st.sampled_from(
        [
            b"",
            b"Content-Length: 5\r\n",
            b"Content-Length: 5\r\nContent-Length: 6\r\n",
            b"Transfer-Encoding: chunked\r\n",
            b"Content-Encoding: gzip\r\n",
            b"Retry-After: 3\r\nX-RateLimit-Reset: x\r\n",
        ]
    ),
    BODIES,
)


async def _exchanged(raw: bytes) -> Answer | NoAnswer:
    far = Far(Form("any", "any bytes", exactly(raw), manner="hangs up"), b"")
    async with far.standing() as url, Wire(url, timeout=timedelta(seconds=20)) as wire:
        return await wire.attempt(WireRequest("POST", "/x", content=b"{}"))


@settings(max_examples=150, deadline=None)
@given(RAW)
def test_any_bytes_on_the_wire_are_read_to_a_verdict(raw: bytes) -> None:
    """Over real HTTP: an award is left open, or refused by proof, or passes; it never counts as not sent."""
    came = asyncio.run(_exchanged(raw))
    spec, call = asked(AWARD)
    outcome = classify(spec, call, Reply(outcome=came, received_at=NOON))
    assert outcome.standing != "not_sent"
    assert outcome.standing == "done" or (outcome.standing == "refused") == _proves_a_refusal(AWARD, came)


def _played(turn: Turn, came: list[Answer | NoAnswer], changed: list[bool]) -> tuple[list[Attempt], int]:
    """Go on with a call until it ends, over the same answers again and again; return its sendings and its readings."""
    now, sendings, readings = NOON, list[Attempt](), 0
    for number in range(2000):
        reply = Reply(outcome=came[number % len(came)], sent_at=now, received_at=now, key_id="k")
        verdict = turn.judge(reply)
        is_reading = turn.is_reading
        readings += is_reading
        if not is_reading:
            kind = None if not isinstance(verdict, Healing | Failed | Parked) else verdict.fault.kind
            sendings.append(Attempt(number=number + 1, sent_at=now, standing="refused", fault_kind=kind))
        if not isinstance(verdict, Healing):
            return sendings, readings
        course, until = turn.after(reply, verdict)
        assert until >= now
        now = max(until, now)
        if course.renew_from:
            renewed = course.renewed + 1
            course = course.model_copy(
                update={
                    "renew_from": "",
                    "renewed": renewed,
                    "renewal_changed": changed[renewed % len(changed)],
                }
            )
        turn = Turn(turn.spec, turn.call, course, turn.means, turn.tools)
    raise AssertionError("the call does not end")


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(sorted(ARGUMENTS)),
    st.lists(OUTCOMES, min_size=1, max_size=8),
    st.lists(st.booleans(), min_size=1, max_size=4),
    st.sampled_from([None, SETTLE]),
)
def test_no_far_side_can_make_us_call_beyond_the_budget(
    operation: str, came: list[Answer | NoAnswer], changed: list[bool], settle: timedelta | None
) -> None:
    """Six attempts, one more for the first renewed key, and twenty throttled ones; readings are bounded as well."""
    spec, call = asked(operation)
    means = Means(settle=settle, marker_trusted=True, salt="k")
    sendings, readings = _played(Turn(spec, call, Course(), means, TOOLS), came, changed)
    throttled = sum(one.fault_kind == "rate_limit" for one in sendings)
    assert throttled <= means.most_throttled
    assert len(sendings) - throttled <= means.most_attempts + 1
    assert readings <= (means.most_attempts + 1) * means.most_throttled


def test_the_table_covers_every_standing_and_each_fault_of_a_reply() -> None:
    """No standing and no kind of fault that a reply can have is left without a row."""
    assert {form.read for form in FORMS} | {form.write for form in FORMS} == {*STANDINGS, "done"}
    assert {form.cause.kind for form in FORMS if form.cause} == {
        "rate_limit",
        "unauthorized",
        "forbidden",
        "drift",
        "unreachable",
        "timeout",
        "server_error",
        "maintenance",
        "malformed_answer",
        "refused",
    }
