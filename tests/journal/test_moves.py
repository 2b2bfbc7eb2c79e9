"""The audit applies a drift patch again, by its own code, and sees where it does not lead to what was returned."""

import pytest
from mendflow.connectors.contract import JsonObject
from mendflow.journal.courses import Course, Exchange
from mendflow.journal.evidence import _wrong_moves
from pydantic import JsonValue

OBJECTION = "the moves do not lead from the answer to what the step returned"
MOVES: list[JsonValue] = [
    {"tier": "T1", "found": "data.items", "expected": "data", "change": ""},
    {"tier": "T0", "found": "data[].Status", "expected": "data[].status"},
    {"tier": "T0", "found": "data[].status", "expected": "data[].status", "change": "case"},
    {
        "tier": "T0",
        "found": "data[].shop.external_id",
        "expected": "data[].shop.external_id",
        "change": "text",
    },
    {"tier": "T0", "found": "data[].visits", "expected": "data[].visits", "change": "whole"},
]


def answered(**update: JsonValue) -> JsonObject:
    """Return the item as it came."""
    return {"Status": "Active", "shop": {"external_id": 7}, "visits": "12", **update}


def returned(**update: JsonValue) -> JsonObject:
    """Return the item as the step gave it on."""
    return {"status": "ACTIVE", "shop": {"external_id": "7"}, "visits": 12, **update}


def objections(answer: JsonObject, output: JsonObject) -> list[str]:
    """Return what the audit says of both."""
    exchange = Exchange(
        number=1, reply={"outcome": {"kind": "answer", "status": 200, "body": {"data": {"items": [answer]}}}}
    )
    course = Course(path="visits", exchanges={1: exchange}, ends={1: {"output": [output]}})
    return [*_wrong_moves(course, exchange, MOVES)]


def test_names_and_writings_are_applied_again() -> None:
    """An envelope, a name, a word's letters, a number as text and text as a number lead to the output."""
    assert objections(answered(), returned()) == []


@pytest.mark.parametrize(
    ("answer", "output"),
    [
        (answered(Status="Locked"), returned()),
        (answered(), returned(status="LOCKED")),
        (answered(visits="007"), returned(visits=7)),
        (answered(visits="12"), returned(visits=13)),
        (answered(visits=True), returned(visits=1)),
        (answered(shop={"external_id": 8}), returned()),
        (answered(shop={"external_id": True}), returned(shop={"external_id": "True"})),
    ],
)
def test_another_value_is_told(answer: JsonObject, output: JsonObject) -> None:
    """Where the answer says something else than the output, whatever the moves claim, that is said."""
    assert objections(answer, output) == [OBJECTION]
