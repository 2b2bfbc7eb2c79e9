"""Which faults can strike a call, and how a strike is written."""

import pytest
from mendflow.connectors.errors import InvalidUse
from mendflow.connectors.sandbox.faults import order_fault
from mendflow.service.drill.strikes import KINDS, OF_WRITES, Strike, orders_for, parse_strikes


def test_strikes_are_read_as_they_are_written() -> None:
    """The text of a strike names kind, detail, operation and number, and leads back to the same strike."""
    strikes = (
        Strike(order=order_fault("drift_rename", "shops.list", detail="uuid=id"), number=2),
        Strike(order=order_fault("slow", "contacts.update"), number=10),
    )
    text = "drift_rename=uuid=id@shops.list#2+slow@contacts.update#10"
    assert "+".join(map(str, strikes)) == text
    assert parse_strikes(text) == strikes


@pytest.mark.parametrize("text", ["", "slow", "slow@shops.list", "slow@shops.list#0", "slow@shops.list#x"])
def test_half_a_strike_is_refused(text: str) -> None:
    """A strike that does not say which request is none."""
    with pytest.raises(InvalidUse):
        parse_strikes(text)


def test_writes_meet_every_kind_and_some_of_them_twice() -> None:
    """Each kind once; those that can strike after the effect do so as well."""
    orders = [*orders_for("shops.list", {"id": 7, "two_words": "x"}, is_read=False)]
    assert [order.kind for order in orders if order.detail != "after"] == [*KINDS]
    after = {order.kind for order in orders if order.detail == "after"}
    assert after >= {"server_error", "bad_gateway", "creating"}
    assert not any(order.kind.startswith("drift_") for order in orders if order.detail == "after")


def test_reads_meet_what_can_befall_them() -> None:
    """No fault about the moment of an effect, and none that strikes after it."""
    orders = [*orders_for("shops.list", [{"id": 7, "two_words": "x"}], is_read=True)]
    assert {order.kind for order in orders} == {*KINDS} - OF_WRITES
    assert not any(order.detail == "after" for order in orders)


def test_drift_that_finds_nothing_to_spoil_is_left_out() -> None:
    """Without a number there is nothing to retype, without two words no other style."""
    kinds = {order.kind for order in orders_for("shops.list", {"name": "x"}, is_read=True)}
    assert {kind for kind in kinds if kind.startswith("drift_")} == {"drift_wrap", "drift_null"}
