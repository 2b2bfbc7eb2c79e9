import pytest
from hypothesis import given
from hypothesis import strategies as st
from mendflow.connectors.contract import ToolCall, ToolSpec
from mendflow.connectors.piggy.operations import TOOLS
from mendflow.verifier.echo import contradicted, find, has_foreign_marker, is_same, mentions, unrepeated
from pydantic import JsonValue

JSON: st.SearchStrategy[JsonValue] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


def test_numbers_are_compared_by_value() -> None:
    """Ten is ten with or without decimals; text and truth values are no numbers."""
    assert is_same(10, 10.0)
    assert is_same(10.10, 10.1)
    assert is_same({"a": [1]}, {"a": [1.0]})
    assert not is_same(10, "10")
    assert not is_same(1, True)
    assert not is_same(False, 0)
    assert not is_same(2**63, float(2**63) + 2048)
    assert not is_same([1], [1, 2])
    assert not is_same({"a": 1}, {"b": 1})
    assert not is_same(None, "")


@given(JSON)
def test_every_value_equals_itself_and_is_mentioned_in_its_list(value: JsonValue) -> None:
    """The comparison is reflexive, and looking for a scalar finds it at any depth."""
    assert is_same(value, value)
    if not isinstance(value, dict | list):
        assert mentions({"a": [{"b": value}]}, value)


def test_a_path_finds_one_value_or_none() -> None:
    """A null that is there differs from nothing there."""
    assert find({"a": {"b": None}}, "a.b") == (None,)
    assert find({"a": {"b": None}}, "a.c") == ()
    assert find({"a": [1]}, "a.b") == ()


def test_echoes_of_absent_arguments_are_not_demanded(award: ToolSpec, award_call: ToolCall) -> None:
    """The call gave credits and no unit value; only what was sent must be repeated."""
    assert unrepeated(award, award_call, {"contact": {"uuid": "c-1"}, "credits": 10.0}) == ()
    assert unrepeated(award, award_call, {"contact": {"uuid": "c-2"}}) == ("contact_uuid", "credits")
    assert contradicted(award, award_call, {"contact": {"uuid": "c-2"}, "credits": None}) == ("contact_uuid",)


@pytest.mark.parametrize(
    ("email", "wrong"),
    [("Ann@X.org", ()), ("ann@x.org", ()), ("bob@x.org", ("email",)), (None, ("email",)), (7, ("email",))],
)
def test_an_address_is_repeated_in_any_case(email: JsonValue, wrong: tuple[str, ...]) -> None:
    """The contact that comes back has the address that was asked for, however it is written; nobody else's."""
    for operation in ("contacts.find_or_create", "contacts.find_one_by", "contacts.claim"):
        call = ToolCall(connection="piggy", operation=operation, arguments={"email": "ann@X.org"})
        assert unrepeated(TOOLS[operation], call, {"uuid": "c-1", "email": email}) == wrong


def test_a_contact_is_the_one_that_was_asked_for() -> None:
    """Another contact's record is no answer."""
    call = ToolCall(connection="piggy", operation="contacts.get", arguments={"contact_uuid": "c-1"})
    assert unrepeated(TOOLS["contacts.get"], call, {"uuid": "c-1"}) == ()
    assert unrepeated(TOOLS["contacts.get"], call, {"uuid": "C-1"}) == ("contact_uuid",)


def test_only_another_marker_is_foreign(award: ToolSpec, award_call: ToolCall) -> None:
    """A reply without a marker, or with ours, is fine."""
    assert not has_foreign_marker(award, award_call, {})
    assert not has_foreign_marker(award, award_call, {"slot": "mf_1"})
    assert has_foreign_marker(award, award_call, {"slot": "mf_2"})
    assert not has_foreign_marker(award, award_call.model_copy(update={"arguments": {}}), {"slot": "mf_2"})
