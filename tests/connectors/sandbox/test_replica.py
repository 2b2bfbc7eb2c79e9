"""What reads show while effects are hidden, and that everything shows in time, whatever is armed."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st
from mendflow.connectors.contract import JsonObject
from mendflow.connectors.sandbox.account import (
    ANONYMOUS_CONTACT_UUID,
    CONTACT_EMAIL,
    PROMOTION_UUID,
    SHOP_UUID,
)
from mendflow.connectors.sandbox.desk import Desk, Incoming, Plan
from mendflow.connectors.sandbox.faults import parse_fault
from mendflow.connectors.sandbox.routes import PREFIX
from mendflow.connectors.sandbox.world import SETTLE, Command, World
from pydantic import JsonValue

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
VERA = World().state.emails[CONTACT_EMAIL]
OMAR = World().state.emails["omar.haddad@example.com"]
SLOT: JsonObject = {"name": "slot", "label": "Slot", "data_type": "text"}

Request = tuple[str, str, JsonObject]
Step = tuple[Request, str, int]
"""A request, the fault that is armed for it, and the milliseconds before it."""


@dataclass
class Visit:
    """A desk, a client of it, and what the desk has recorded."""

    recorded: list[Command] = field(default_factory=list)
    at: datetime = START

    def __post_init__(self) -> None:
        self.desk = Desk(
            World(), record=self.recorded.append, publish_key=lambda _: None, requests_per_minute=10**6
        )

    def ask(self, request: Request, fault: str = "") -> Plan:
        """Make one request at this moment, with a fault that strikes it."""
        method, path, body = request
        if fault:
            self.desk.faults.arm(parse_fault(f"{fault}@*"))
        headers = {"authorization": f"Bearer {self.desk.world.key}"}
        query = tuple((name, str(value)) for name, value in body.items()) if method == "GET" else ()
        sent = b"" if method == "GET" else orjson.dumps(body)
        plan = self.desk.handle(Incoming(method, PREFIX + path, query, headers, sent), self.at)
        self.desk.faults.clear()
        return plan

    def read(self, path: str, **query: JsonValue) -> JsonObject:
        """Return the body of a read."""
        return self.ask(("GET", path, query)).body

    def markers(self) -> list[JsonValue]:
        """Return the markers in the whole listing of a shop."""
        found: list[JsonValue] = []
        for page in (1, 2, 3):
            rows = self.read("/loyalty-transactions", shop_uuid=SHOP_UUID, limit=20, page=page)["data"]
            assert isinstance(rows, list)
            found += [row["slot"] for row in rows if isinstance(row, dict)]
        return found


def award(slot: str, contact_uuid: str = VERA) -> Request:
    """Describe an award with a marker."""
    body: JsonObject = {"contact_uuid": contact_uuid, "shop_uuid": SHOP_UUID, "credits": 1, "slot": slot}
    return "POST", "/credit-receptions", body


def batch(quantity: int) -> Request:
    """Describe an order of vouchers."""
    return "POST", "/vouchers/batch", {"promotion_uuid": PROMOTION_UUID, "quantity": quantity}


def open_visit() -> Visit:
    """Return a visit to an account that gives markers back."""
    visit = Visit()
    visit.ask(("POST", "/loyalty-transaction-attributes", SLOT))
    return visit


def test_a_hidden_effect_hides_those_after_it() -> None:
    """Reads go back to the moment before the first hidden effect; writes see everything at once."""
    visit = open_visit()
    visit.ask(award("seen"))
    visit.ask(award("hidden"), "lag")
    visit.at += timedelta(milliseconds=60)
    answer = visit.ask(award("behind it")).body["data"]
    assert isinstance(answer, dict)
    assert answer["contact"] == {
        "uuid": VERA,
        "email": CONTACT_EMAIL,
        "credit_balance": {"id": 1, "balance": 3},
    }
    assert visit.markers() == ["seen"]
    assert visit.read(f"/contacts/{VERA}/credit-balance")["data"] == {"balance": 1}
    visit.at += timedelta(milliseconds=40)
    assert visit.markers() == ["seen", "hidden", "behind it"]


def test_a_second_lag_shows_what_came_before_it() -> None:
    """Of two hidden effects the first shows when it is due, and the second still does not."""
    visit = open_visit()
    visit.ask(award("first"), "lag")
    visit.at += timedelta(milliseconds=60)
    visit.ask(award("second"), "lost_reply=0.1")
    visit.at += timedelta(milliseconds=40)
    assert visit.markers() == ["first"]
    visit.at += timedelta(milliseconds=60)
    assert visit.markers() == ["first", "second"]


def test_a_hidden_claim_shows_the_contact_untouched() -> None:
    """Neither the contact nor the e-mail tells of the claim before its time."""
    visit = open_visit()
    claim: JsonObject = {"email": "me@example.com"}
    visit.ask(("PUT", f"/contacts/{ANONYMOUS_CONTACT_UUID}/claim", claim), "lost_reply=0.1")
    shown = visit.read(f"/contacts/{ANONYMOUS_CONTACT_UUID}")["data"]
    assert isinstance(shown, dict)
    assert shown["email"] is None
    assert visit.read("/contacts/find-one-by", email="me@example.com")["code"] == 55031
    visit.at += timedelta(milliseconds=100)
    found = visit.read("/contacts/find-one-by", email="me@example.com")["data"]
    assert isinstance(found, dict)
    assert found["uuid"] == ANONYMOUS_CONTACT_UUID


def test_a_merge_under_way_is_not_seen_through_a_lag() -> None:
    """The job is done while reads lag; what was given to the source meanwhile stays consistent."""
    visit = open_visit()
    visit.ask(("POST", "/contacts/merge", {"source_contact_uuid": VERA, "destination_contact_uuid": OMAR}))
    visit.at += timedelta(milliseconds=90)
    visit.ask(award("just in time"), "lag")
    visit.at += timedelta(milliseconds=50)
    assert visit.read(f"/contacts/{VERA}/credit-balance")["data"] == {"balance": 0}
    visit.at += timedelta(milliseconds=50)
    assert visit.read(f"/contacts/{VERA}/credit-balance")["code"] == 55031
    assert visit.read(f"/contacts/{OMAR}/credit-balance")["data"] == {"balance": 1}


def test_what_has_no_effect_hides_nothing() -> None:
    """A lag on a read, on a refusal or on a write that changes nothing leaves everything in sight."""
    visit = open_visit()
    visit.ask(("GET", "/shops", {}), "lag")
    visit.ask(award("s-1", "nobody"), "lag")
    visit.ask(("GET", "/contacts/find-or-create", {"email": CONTACT_EMAIL}), "lag")
    visit.ask(award("s-2"))
    assert visit.markers() == ["s-2"]


def test_late_requests_take_effect_in_the_order_in_which_they_are_due() -> None:
    """One that travels shorter overtakes one that left before it; each stands with the moment it was due."""
    visit = open_visit()
    visit.ask(award("slow"), "late=0.1")
    visit.at += timedelta(milliseconds=10)
    visit.ask(award("quick"), "late=0.02")
    visit.at += SETTLE
    assert visit.markers() == ["quick", "slow"]
    assert [command.at - START for command in visit.recorded[1:]] == [
        timedelta(milliseconds=30),
        timedelta(milliseconds=100),
    ]


def test_a_late_request_that_cannot_be_read_is_nothing() -> None:
    """A broken body is cut like any other, and never takes effect."""
    visit = open_visit()
    visit.desk.faults.arm(parse_fault("late@credit_receptions.create"))
    headers = {"authorization": f"Bearer {visit.desk.world.key}"}
    plan = visit.desk.handle(Incoming("POST", f"{PREFIX}/credit-receptions", (), headers, b"{"), visit.at)
    assert plan.cut
    assert visit.desk.truth(visit.at)["late"] == []


def test_a_reset_forgets_what_travels_and_what_is_hidden() -> None:
    """After a reset nothing of before takes effect or stays out of sight."""
    visit = open_visit()
    visit.ask(award("late"), "late")
    visit.ask(award("hidden"), "lag")
    visit.desk.reset(visit.at)
    visit.ask(("POST", "/loyalty-transaction-attributes", SLOT))
    visit.ask(award("fresh"))
    assert visit.markers() == ["fresh"]
    visit.at += SETTLE
    assert visit.markers() == ["fresh"]


DELAYING = st.sampled_from(
    ("", "late", "late=0.03", "lag", "lag=0.07", "lost_reply", "lost_reply=0.1", "slow")
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), DELAYING, st.integers(0, 120)), min_size=1, max_size=20))
def test_every_effect_shows_when_the_time_to_settle_is_over(steps: list[tuple[int, str, int]]) -> None:
    """Whatever delays are armed, together or not: from then on each award is listed once, each batch is made.

    A step is an award (0) or an order of vouchers, the fault for it, and the time before it.
    """
    visit = open_visit()
    checks: list[tuple[datetime, str, int]] = []
    ordered = 0

    def check_until(moment: datetime) -> None:
        while checks and checks[0][0] <= moment:
            visit.at, slot, total = checks.pop(0)
            assert visit.markers().count(slot) == bool(slot)
            meta = visit.read("/vouchers")["meta"]
            assert isinstance(meta, dict)
            assert isinstance(meta["total"], int)
            assert total <= meta["total"] <= ordered

    arrival = START
    for number, (quantity, fault, gap) in enumerate(steps):
        arrival += timedelta(milliseconds=gap)
        check_until(arrival)
        visit.at = arrival
        visit.ask(batch(quantity) if quantity else award(f"s-{number}"), fault)
        ordered += quantity
        checks.append((arrival + SETTLE, "" if quantity else f"s-{number}", ordered))
    check_until(arrival + SETTLE)
    assert visit.desk.truth(visit.at)["late"] == []
    assert sorted(map(str, visit.markers())) == sorted(
        f"s-{number}" for number, (quantity, _, _) in enumerate(steps) if not quantity
    )


EMAILS = st.sampled_from(("ada@example.com", "bob@example.com", CONTACT_EMAIL))
CONTACTS = st.sampled_from((VERA, OMAR, ANONYMOUS_CONTACT_UUID, "nobody"))
REQUESTS: st.SearchStrategy[Request] = st.one_of(
    st.builds(award, st.sampled_from(("s-1", "s-2")), CONTACTS),
    st.builds(batch, st.integers(0, 3)),
    st.builds(lambda email: ("GET", "/contacts/find-or-create", {"email": email}), EMAILS),
    st.builds(lambda email: ("POST", "/contact-verification/send", {"email": email}), EMAILS),
    st.builds(lambda uuid, email: ("PUT", f"/contacts/{uuid}/claim", {"email": email}), CONTACTS, EMAILS),
    st.builds(
        lambda one, other: (
            "POST",
            "/contacts/merge",
            {"source_contact_uuid": one, "destination_contact_uuid": other},
        ),
        CONTACTS,
        CONTACTS,
    ),
    st.builds(lambda uuid: ("GET", f"/contacts/{uuid}", {}), CONTACTS),
    st.just(("POST", "/contacts/anonymous", {})),
    st.just(("GET", "/loyalty-transactions", {"limit": 100})),
    st.just(("GET", "/nowhere", {})),
)
FAULTS = st.sampled_from(
    (
        *("", "", "late", "late=0.02", "lag", "lost_reply", "lost_reply=0.05", "lost_request", "slow=1"),
        *(
            "rate_limit",
            "unauthorized",
            "refused=1015",
            "creating=after",
            "server_error",
            "bad_gateway=after",
        ),
        *("garbled", "truncated", "empty", "duplicate_key", "drift_wrap"),
        *("maintenance=after", "redirect", "forbidden", "disguised", "null_data", "denied", "latin1"),
    )
)
STEPS: st.SearchStrategy[list[Step]] = st.lists(st.tuples(REQUESTS, FAULTS, st.integers(0, 150)), max_size=25)


def play(steps: list[Step]) -> tuple[list[Plan], Visit]:
    """Make all requests of a story; return the answers, and the visit long after the last one."""
    visit, plans = open_visit(), list[Plan]()
    for request, fault, gap in steps:
        visit.at += timedelta(milliseconds=gap)
        plans.append(visit.ask(request, fault))
    visit.at += SETTLE
    visit.desk.truth(visit.at)
    return plans, visit


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_a_story_ends_the_same_each_time_it_is_told(steps: list[Step]) -> None:
    """The same requests under the same faults get the same answers, and the record gives the same world."""
    plans, visit = play(steps)
    plans_again, visit_again = play(steps)
    assert plans_again == plans
    assert visit_again.recorded == visit.recorded
    assert visit_again.desk.truth(visit.at) == visit.desk.truth(visit.at)
    replayed, lived = World(), visit.desk.world
    for command in visit.recorded:
        replayed.apply(Command.model_validate_json(command.model_dump_json()))
    replayed.advance(visit.at)
    lived.advance(visit.at)
    assert replayed.state == lived.state
    assert (replayed.effects, replayed.key) == (lived.effects, lived.key)
    assert [command.at for command in visit.recorded] == sorted(command.at for command in visit.recorded)
