"""Values in another writing are put back where nothing can be lost, and nowhere else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mendflow.connectors.contract import JsonObject
from mendflow.verifier.drift.repair import Repair, Unrepaired, repair
from mendflow.verifier.drift.values import rewritten
from mendflow.verifier.verdict import Move
from pydantic import JsonValue

TEXT: JsonObject = {"type": "string"}
WHOLE: JsonObject = {"type": ["integer", "null"]}
STATUS: JsonObject = {"type": "string", "enum": ["ACTIVE", "LOCKED", "locked in"]}
SCALARS: st.SearchStrategy[JsonValue] = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=6)
    | st.from_regex(r"[-+ 0]{0,2}[0-9]{1,17}(\.0)?", fullmatch=True)
)


@pytest.mark.parametrize(
    ("name", "rule", "before", "after"),
    [
        ("external_id", TEXT, [42, 7], ("text", ["42", "7"])),
        ("times_redeemed", WHOLE, ["0", None, "12"], ("whole", [0, None, 12])),
        ("status", STATUS, ["Active", "LOCKED"], ("case", ["ACTIVE", "LOCKED"])),
    ],
)
def test_what_says_the_same_is_written_as_agreed(
    name: str, rule: JsonObject, before: list[JsonValue], after: tuple[str, list[JsonValue]]
) -> None:
    """An id as text, a count as a number, a word of a list in the list's letters; null stays null."""
    assert rewritten(name, rule, before) == after


@pytest.mark.parametrize(
    ("name", "rule", "value"),
    [
        ("uuid", TEXT, 42),  # another kind of id
        ("code", TEXT, 42),  # leading zeros may be lost
        ("external_id", TEXT, 42.0),
        ("external_id", TEXT, True),
        ("external_id", {"type": ["string", "integer"]}, 42),  # nothing is wrong with it
        ("external_id", {}, 42),
        ("credits", WHOLE, "12"),  # money
        ("balance_in_cents", WHOLE, "12"),
        ("expiration_days", WHOLE, "12"),  # a unit
        ("visits", {"type": "number"}, "12"),
        ("visits", {"type": "boolean"}, "1"),
        ("visits", WHOLE, "007"),
        ("visits", WHOLE, "+7"),
        ("visits", WHOLE, "-7"),
        ("visits", WHOLE, " 7"),
        ("visits", WHOLE, "7\n"),
        ("visits", WHOLE, "7.0"),
        ("visits", WHOLE, "7e2"),
        ("visits", WHOLE, "\u0667"),
        ("visits", WHOLE, "1" * 16),
        ("visits", WHOLE, ""),
        ("visits", WHOLE, True),
        ("status", STATUS, "NEW"),
        ("status", STATUS, "Active "),
        ("status", STATUS, 1),
        ("status", {"type": "string", "enum": ["a", "A"]}, "á"),
        ("status", {"type": "string", "enum": ["on", "ON"]}, "On"),  # could be two
    ],
)
def test_what_may_say_something_else_is_left(name: str, rule: JsonObject, value: JsonValue) -> None:
    """Another kind of id, money, units, signs, zeros, floats, flags, unknown words: none is touched."""
    assert rewritten(name, rule, [value]) is None


def test_one_value_that_is_not_sure_stops_all() -> None:
    """A column of which one value is doubtful is left as it is."""
    assert rewritten("visits", WHOLE, ["7", "007"]) is None
    assert rewritten("visits", WHOLE, ["7", 8]) is None
    assert rewritten("external_id", TEXT, [7, "8"]) is None
    assert rewritten("status", STATUS, ["Active", "new"]) is None


@given(
    name=st.sampled_from(("external_id", "visits", "credits", "uuid", "status")),
    rule=st.sampled_from((TEXT, WHOLE, STATUS, {"type": "number"}, {"type": "boolean"})),
    values=st.lists(SCALARS, min_size=1, max_size=3),
)
def test_every_change_can_be_undone(name: str, rule: JsonObject, values: list[JsonValue]) -> None:
    """Whatever comes: text and numbers give each other back to the letter, words differ in the case of letters only."""
    found = rewritten(name, rule, values)
    if found is None:
        return
    change, changed = found
    for before, after in zip(values, changed, strict=True):
        match change:
            case "text":
                assert before is None or (isinstance(after, str) and int(after) == before)
            case "whole":
                assert before is None or (type(after) is int and str(after) == before)
            case "case":
                assert before is None or str(after).casefold() == str(before).casefold()


def test_a_repair_tells_the_writing() -> None:
    """Names first, then values, each as a move; what the contract needs and finds null stays unrepaired."""
    schema: JsonObject = {
        "type": "object",
        "required": ["uuid", "visit_count", "status"],
        "properties": {"uuid": TEXT, "visit_count": {"type": "integer"}, "status": STATUS},
    }
    body: JsonObject = {"data": {"uuid": "u", "visit_count": "3", "status": "active"}}
    assert repair(schema, body, {}) == Repair(
        output={"uuid": "u", "visit_count": 3, "status": "ACTIVE"},
        moves=(
            Move(tier="T0", found="data.visit_count", expected="data.visit_count", change="whole"),
            Move(tier="T0", found="data.status", expected="data.status", change="case"),
        ),
    )
    nulled: JsonObject = {"data": {"uuid": "u", "visit_count": None, "status": "active"}}
    assert isinstance(repair(schema, nulled, {}), Unrepaired)
