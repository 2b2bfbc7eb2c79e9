import jsonschema_rs
import pytest
from mendflow.connectors.catalogue import CATALOGUE, find_tool, tools_of
from mendflow.connectors.contract import ConnectionSettings
from mendflow.connectors.errors import InvalidUse, UnknownTool
from mendflow.connectors.opening import CONNECTORS


def test_every_catalogued_connector_can_be_opened() -> None:
    """The tables and the connectors that serve them have the same names."""
    assert set(CATALOGUE) == set(CONNECTORS)


@pytest.mark.parametrize("connector", CATALOGUE)
def test_each_tool_is_found_by_all_its_names(connector: str) -> None:
    """Dotted names and the names of the vendor's listing lead to the same tool, and none is given twice."""
    tools = tools_of(ConnectionSettings(name="c", connector=connector))
    names = [(name, spec) for spec in tools.values() for name in (spec.operation, *spec.names)]
    assert len({name for name, _ in names}) == len(names)
    assert all(find_tool(tools, name) == spec for name, spec in names)
    for spec in tools.values():
        jsonschema_rs.validator_for(spec.parameters)
        jsonschema_rs.validator_for(spec.answer)


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("PIGGY_LIST_PERK", "`PIGGY_LIST_PERKS`"),
        ("contacts.find_or_crate", "`contacts.find_or_create`"),
        ("credit_reception.create", "`credit_receptions.create`"),
        ("piggy_list_forms", "`PIGGY_LIST_FORMS`"),
    ],
)
def test_unknown_tool_suggests_the_nearest(name: str, near: str) -> None:
    """A slip of the pen is answered with the name that was meant."""
    with pytest.raises(UnknownTool) as caught:
        find_tool(CATALOGUE["piggy"], name)
    assert caught.value.message == f"There is no tool `{name}`."
    assert caught.value.help.startswith(f"did you mean {near}")


def test_tool_like_no_other_gets_no_suggestion() -> None:
    """Where nothing is near, the message says where to look."""
    with pytest.raises(UnknownTool) as caught:
        find_tool(CATALOGUE["files"], "zzz")
    assert caught.value.help == "`mendflow tools` lists what there is"


def test_unknown_connector_is_named_with_the_known() -> None:
    """A connection to a connector that does not exist is a mistake of the user's."""
    with pytest.raises(InvalidUse) as caught:
        tools_of(ConnectionSettings(name="loyalty", connector="pigy"))
    assert (
        caught.value.message == "Connection `loyalty` names the connector `pigy`; known are `piggy`, `files`."
    )
    assert caught.value.help == "did you mean `piggy`?"
