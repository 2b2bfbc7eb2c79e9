"""Every row of the table, over real HTTP, through the shipped connector and the shipped Verifier."""

from datetime import UTC, datetime, timedelta

import orjson
import pytest
from mendflow.connectors.clock import VirtualClock
from mendflow.connectors.contract import ConnectionSettings, Reply, ToolCall
from mendflow.connectors.piggy.connector import Piggy
from mendflow.journal.evidence import _SILENCES, _STATUSES
from mendflow.verifier.judge import judge
from mendflow.verifier.ledger import Ledger
from mendflow.verifier.outcome import classify
from mendflow.verifier.verdict import Failed, Healing, Parked, Passed, Verdict

from tests.faults.expected import GOOD, READ, SALT, SETTLE, Side, asked, outcome, verdict
from tests.faults.far import Far
from tests.faults.form import Form
from tests.faults.table import FORMS

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
LEDGER = Ledger(now=NOON, settle=SETTLE, marker_trusted=True, salt=SALT)
PATIENT, HASTY = timedelta(seconds=20), timedelta(seconds=0.15)
OTHERS = ("contacts.update", "contact_verification.send")
"""A write that may be repeated, and one of which nothing tells."""


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set a key."""
    monkeypatch.setenv("PIGGY_API_KEY", "k-123")


async def _meet(form: Form, call: ToolCall) -> tuple[Reply, int]:
    """Make one attempt of a call against a row; return the reply, and how many requests came in."""
    good = orjson.dumps({"data": GOOD.get(call.operation), "meta": {}})
    far = Far(form, good)
    async with far.standing() as url:
        settings = ConnectionSettings(
            name="piggy", connector="piggy", base_url=url, timeout=HASTY if form.is_hasty else PATIENT
        )
        async with Piggy(settings, VirtualClock(NOON), lambda _: None) as piggy:
            reply = await piggy.send(call)
    return reply, far.requests


def _hangs_on_no_code(form: Form) -> bool:
    """Tell whether a row leaves every write open: a code may mean something else to another operation."""
    return form.write == "unknown" and form.cause is not None and "code" not in form.cause.evidence


def _without_reason(given: Verdict) -> Verdict:
    """Leave out why a drifted read was not repaired: that is the healer's own word, with tests of its own."""
    match given:
        case Healing() | Failed() | Parked():
            evidence = {name: one for name, one in given.fault.evidence.items() if name != "not_repaired"}
            return given.model_copy(update={"fault": given.fault.model_copy(update={"evidence": evidence})})
        case Passed():
            return given


@pytest.mark.parametrize("side", ["read", "write"])
@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
async def test_each_form_has_its_outcome_and_its_remedy(form: Form, side: Side) -> None:
    """What came back is read as the row says, whole, and what follows from it is what the row prescribes.

    What leaves an award open leaves the other writes open, too: setting fields is then sent again after the same wait,
    and a mail is left to a person.
    """
    spec, call = asked(READ if side == "read" else form.writes)
    reply, requests = await _meet(form, call)
    assert classify(spec, call, reply) == outcome(form, side, call)
    assert _without_reason(judge(spec, call, reply, LEDGER)) == verdict(form, side, spec, call)
    assert requests <= 1
    for operation in OTHERS if side == "write" and _hangs_on_no_code(form) else ():
        spec, call = asked(operation)
        assert judge(spec, call, reply, LEDGER) == verdict(form, side, spec, call)


async def test_only_a_connection_that_never_stood_has_sent_nothing() -> None:
    """Every other silence leaves a write open, whatever the far side did."""
    silent = {form.name: form.write for form in FORMS if form.cause and "sent" in form.cause.evidence}
    unsent = {name for name, standing in silent.items() if standing == "not_sent"}
    assert unsent == {"connection-refused", "dns", "no-tls", "untrusted-certificate"}
    assert set(silent.values()) == {"not_sent", "unknown"}


def test_an_audit_knows_each_form_that_is_healed() -> None:
    """What a heal record says of a row is what `mendflow audit` takes for that fault."""
    healed = [form.cause for form in FORMS if form.cause and form.remedy in {"wait", "renew"}]
    strange = [
        cause
        for cause in healed
        if ("status" in cause.evidence and cause.evidence["status"] not in _STATUSES[cause.kind])
        or ("reason" in cause.evidence and cause.evidence["reason"] not in _SILENCES[cause.kind])
    ]
    assert strange == []


def test_the_table_is_whole() -> None:
    """Each name stands once, and there are as many rows as the page promises."""
    names = [form.name for form in FORMS]
    assert len(names) == len(set(names))
    assert len(names) >= 80
