from hypothesis import given
from hypothesis import strategies as st
from mendflow.connectors.contract import JsonObject, ToolSpec
from mendflow.verifier.contract import MOST_DIFFERENCES, check_arguments, compare, fits
from mendflow.verifier.outline import Difference
from mendflow.verifier.verdict import Fault
from pydantic import JsonValue

LETTER: JsonObject = {
    "type": "object",
    "required": ["id", "pages"],
    "additionalProperties": False,
    "properties": {
        "id": {"type": "string"},
        "state": {"enum": ["draft", "sent"]},
        "pages": {
            "type": "array",
            "items": {"type": "object", "required": ["no"], "properties": {"no": {"type": "integer"}}},
        },
    },
}
JSON: st.SearchStrategy[JsonValue] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["draft", "", "\ud800"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "pages", "no", "state", "x"]), inner, max_size=4)
    ),
    max_leaves=8,
)


def test_unknown_fields_are_welcome_in_an_answer() -> None:
    """Vendors add fields; that breaks nothing, even where the schema bans them, and is reported."""
    letter: JsonObject = {"id": "a", "pages": [], "colour": "red"}
    assert fits(LETTER, letter)
    assert compare(LETTER, letter) == (Difference(path="colour", change="unexpected"),)


def test_each_difference_is_named_with_its_path() -> None:
    """Missing, nulled, retyped and otherwise broken places are told apart, and no value is repeated."""
    letter: JsonObject = {"id": None, "state": "burnt", "pages": [{"no": "1"}, {}, {"no": 2.0}]}
    assert not fits(LETTER, letter)
    assert compare(LETTER, letter) == (
        Difference(path="id", change="nulled", expected="string", found="null"),
        Difference(path="pages[].no", change="retyped", expected="integer", found="string"),
        Difference(path="pages[].no", change="missing"),
        Difference(path="state", change="invalid", expected="`enum`"),
    )


def test_a_broken_rule_is_named_beside_what_is_missing() -> None:
    """A field that is missing hides no other broken rule, and a broken rule no missing field."""
    letter: JsonObject = {"pages": [{"no": 1}, {}], "state": "burnt"}
    assert compare(LETTER, letter) == (
        Difference(path="id", change="missing"),
        Difference(path="pages[].no", change="missing"),
        Difference(path="state", change="invalid", expected="`enum`"),
    )
    assert compare(LETTER, {**letter, "state": "sent"}) == (
        Difference(path="id", change="missing"),
        Difference(path="pages[].no", change="missing"),
    )


def test_the_report_is_bounded() -> None:
    """A list of a thousand strange things does not make a report of a thousand lines."""
    schema: JsonObject = {"type": "object", "additionalProperties": False}
    many: JsonObject = {f"f{number}": 1 for number in range(1000)}
    assert len(compare(schema, many)) == MOST_DIFFERENCES


@given(JSON)
def test_an_answer_fits_or_its_differences_say_why(value: JsonValue) -> None:
    """No invalid answer is without a named difference, and no valid one has a breaking one."""
    breaking = [one for one in compare(LETTER, value) if one.change != "unexpected"]
    assert fits(LETTER, value) == (not breaking)


def test_what_hides_behind_a_reference_is_named_too() -> None:
    """Rules that we do not walk ourselves are told by the validator."""
    schema: JsonObject = {"$defs": {"n": {"type": "integer"}}, "properties": {"a": {"$ref": "#/$defs/n"}}}
    assert compare(schema, {"a": "x"}) == (
        Difference(path="a", change="invalid", expected="`type: integer`"),
    )


def test_good_arguments_may_leave(award: ToolSpec) -> None:
    """Nothing is wrong with a call as the contract wants it."""
    arguments: JsonObject = {"contact_uuid": "00000000-0000-4000-8000-000000000000", "credits": 5}
    assert check_arguments(award, arguments) is None


def test_all_mistakes_in_arguments_are_named_at_once(award: ToolSpec) -> None:
    """Unknown names, bounds, formats and alternatives are checked before anything is sent."""
    assert check_arguments(award, {"contact_uuid": "me", "credits": 501, "note": "x"}) == Fault(
        kind="invalid_arguments",
        detail="`credit_receptions.create` cannot be called like this: `note` is unexpected;"
        " `contact_uuid` breaks the rule `format: uuid`; `credits` breaks the rule `maximum: 500`",
        evidence={
            "differences": [
                {"path": "note", "change": "unexpected"},
                {"path": "contact_uuid", "change": "invalid", "expected": "`format: uuid`"},
                {"path": "credits", "change": "invalid", "expected": "`maximum: 500`"},
            ]
        },
    )
    assert check_arguments(award, {"credits": 1.5}) == Fault(
        kind="invalid_arguments",
        detail="`credit_receptions.create` cannot be called like this: `contact_uuid` is missing;"
        " `credits` should be integer and is number",
        evidence={
            "differences": [
                {"path": "contact_uuid", "change": "missing"},
                {"path": "credits", "change": "retyped", "expected": "integer", "found": "number"},
            ]
        },
    )
