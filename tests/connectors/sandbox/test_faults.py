"""Ordering faults, and what drift does to data."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mendflow.connectors.errors import InvalidUse
from mendflow.connectors.sandbox.drift import distort
from mendflow.connectors.sandbox.faults import TOOLS, FaultOrder, FaultQueue, parse_fault
from mendflow.connectors.sandbox.world import OPERATIONS
from pydantic import JsonValue


@pytest.mark.parametrize(
    ("text", "order"),
    [
        (
            "rate_limit@credit_receptions.create:2",
            FaultOrder(kind="rate_limit", operation="credit_receptions.create", count=2),
        ),
        (
            "rate_limit=date@contacts.find_or_create",
            FaultOrder(kind="rate_limit", operation="contacts.find_or_create", detail="date"),
        ),
        ("rate_limit=90@*", FaultOrder(kind="rate_limit", operation="*", detail="90")),
        (
            "drift_rename=unit_value=unitValue@*:3",
            FaultOrder(kind="drift_rename", operation="*", count=3, detail="unit_value=unitValue"),
        ),
        ("slow=0.5@PIGGY_LIST_PERKS", FaultOrder(kind="slow", operation="perks.list", detail="0.5")),
        (
            "lost_reply=0.05@contacts.claim",
            FaultOrder(kind="lost_reply", operation="contacts.claim", detail="0.05"),
        ),
        ("maintenance=120@*", FaultOrder(kind="maintenance", operation="*", detail="120")),
        ("redirect=307@*", FaultOrder(kind="redirect", operation="*", detail="307")),
        (
            "refused=6001@credit_receptions.create",
            FaultOrder(kind="refused", operation="credit_receptions.create", detail="6001"),
        ),
        ("creating=after@*", FaultOrder(kind="creating", operation="*", detail="after")),
    ],
)
def test_specs_are_read_and_written(text: str, order: FaultOrder) -> None:
    """A spec says kind, detail, operation and count; writing the order gives a spec that reads the same."""
    assert parse_fault(text) == order
    assert parse_fault(order.spec) == order


@pytest.mark.parametrize(
    ("text", "help_part"),
    [
        ("rate_limit", "KIND[=DETAIL]@OPERATION[:COUNT]"),
        ("rate_limt@*", "`rate_limit`"),
        ("slow@contacts.find_or_creat", "`contacts.find_or_create`"),
        ("slow@PIGGY_LIST_PERK", "`PIGGY_LIST_PERKS`"),
        ("slow@*:0", "KIND[=DETAIL]"),
        ("slow@*:x", "KIND[=DETAIL]"),
        ("slow=soon@*", "seconds"),
        ("slow=nan@*", "seconds"),
        (
            "rate_limit=never@*",
            "seconds or date or none or reset or milliseconds or draft or absurd or a number",
        ),
        ("maintenance=later@*", "Expected after or a number of seconds."),
        ("maintenance=3601@*", "Expected after or a number of seconds."),
        ("redirect=304@*", "Expected 301 or 302 or 303 or 307 or 308."),
        ("disguised=full@*", "disguised=1015"),
        ("bomb=after@*", "Expected none."),
        ("drift_null@*", "name of a field"),
        ("drift_rename=a@*", "old=new"),
        ("lost_reply=now@*", "seconds, at most 0.1"),
        ("late=0.2@*", "seconds, at most 0.1"),
        ("lag=-1@*", "seconds, at most 0.1"),
        ("slow=3601@*", "seconds, at most 3600"),
        ("lost_request=0.1@*", "Expected none."),
        ("garbled=after@*", "Expected none."),
        ("bad_gateway=before@*", "Expected after."),
        ("refused=full@*", "refused=1015"),
        ("refused=1000000@*", "refused=1015"),
    ],
)
def test_odd_specs_say_what_is_expected(text: str, help_part: str) -> None:
    """A spec that cannot be used raises InvalidUse with the nearest names or the form."""
    with pytest.raises(InvalidUse) as error:
        parse_fault(text)
    assert help_part in error.value.help


@pytest.mark.parametrize(
    ("spec", "seconds"),
    [
        ("slow@*", 4),
        ("slow=0.5@*", 0.5),
        ("late@*", 0.1),
        ("late=0@*", 0),
        ("lag@*", 0.1),
        ("lost_reply@*", 0),
        ("lost_reply=0.02@*", 0.02),
        ("rate_limit=90@*", 0),
    ],
)
def test_orders_say_how_much_later(spec: str, seconds: float) -> None:
    """A delay is what the detail says, else the kind's own; what tells the client to wait delays nothing."""
    assert parse_fault(spec).delay == timedelta(seconds=seconds)


def test_every_tool_has_an_operation() -> None:
    """The names of the catalogue lead to operations that are served."""
    assert set(TOOLS.values()) <= OPERATIONS.keys()


def test_orders_are_used_in_arming_order() -> None:
    """The first order that fits is used, count by count; a postponed one goes last."""
    queue = FaultQueue()
    first, second = parse_fault("slow@shops.list:2"), parse_fault("lost_reply@*")
    queue.arm(first)
    queue.arm(second)
    assert queue.orders_for("perks.list") == [second]
    assert queue.orders_for("shops.list") == [first, second]
    queue.spend(first)
    queue.postpone(parse_fault("slow@shops.list"))
    assert [order.spec for order in queue.armed()] == ["lost_reply@*:1", "slow@shops.list:1"]
    queue.spend(second)
    queue.clear()
    assert queue.orders_for("shops.list") == []


DATA: JsonValue = [{"unit_value": 10.4, "unit": {"is_default": True, "id": "7"}, "created_at": "x"}]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("drift_wrap@*", {"result": DATA}),
        (
            "drift_rename@*",
            [{"unitValue": 10.4, "unit": {"isDefault": True, "id": "7"}, "createdAt": "x"}],
        ),
        (
            "drift_rename=unit_value=value@*",
            [{"value": 10.4, "unit": {"is_default": True, "id": "7"}, "created_at": "x"}],
        ),
        (
            "drift_retype=id@*",
            [{"unit_value": 10.4, "unit": {"is_default": True, "id": 7}, "created_at": "x"}],
        ),
        (
            "drift_retype=unit_value@*",
            [{"unit_value": "10.4", "unit": {"is_default": True, "id": "7"}, "created_at": "x"}],
        ),
        ("drift_null=unit@*", [{"unit_value": 10.4, "unit": None, "created_at": "x"}]),
        (
            "drift_rename=id=unit@*",
            [{"unit_value": 10.4, "unit": {"is_default": True, "unit": "7"}, "created_at": "x"}],
        ),
        ("drift_rename=unit=created_at@*", DATA),
        ("drift_retype=created_at@*", DATA),
        ("drift_retype=is_default@*", DATA),
        ("drift_null=nothing@*", DATA),
        ("slow@*", DATA),
    ],
)
def test_drift_changes_what_was_ordered(spec: str, expected: JsonValue) -> None:
    """Each kind changes its own, at every depth, and leaves the rest."""
    assert distort(parse_fault(spec), DATA) == expected


NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)


@given(NUMBERS)
def test_retyping_numbers_loses_nothing(number: float) -> None:
    """A number that became a string becomes the same number again."""
    order = parse_fault("drift_retype=n@*")
    once = distort(order, {"n": number})
    assert isinstance(once, dict)
    assert isinstance(once["n"], str)
    assert distort(order, once) == {"n": number}
