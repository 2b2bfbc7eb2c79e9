from hypothesis import given
from hypothesis import strategies as st
from mendflow.agents.template import Filled, Scope, Unfilled, fill
from mendflow.connectors.contract import JsonObject

FINDINGS: tuple[JsonObject, ...] = (
    {"subject": "purchases", "fact": "count", "value": 4, "source": "material.purchases"},
    {"subject": "visits", "fact": "count", "value": 5, "source": "material.visits"},
    {"subject": "balance", "fact": "balance", "value": 7, "source": "material.balance"},
    {"subject": "member", "fact": "city", "value": "Oslo", "source": "material.member.city"},
)


def _scope(given: JsonObject, rows: JsonObject | None = None) -> Scope:
    return Scope(given=given, findings=FINDINGS, rows=rows or {})


def test_holes_are_looked_up_in_order() -> None:
    """`with` comes before findings; a bare fact needs to be unambiguous."""
    template = "{balance} {purchases.count} {city} {who.name}"

    assert fill(template, _scope({"balance": 9, "who": {"name": "Ann"}})) == Filled(
        "9 4 Oslo Ann", (9, 4, "Oslo", "Ann")
    )
    assert fill("{balance}", _scope({})) == Filled("7", (7,))
    assert fill("{count}", _scope({})) == Unfilled("count")


def test_lists_are_written_row_by_row() -> None:
    """A list uses the row template of its name, and names a hole of it that stays empty."""
    given: JsonObject = {"rows": [{"a": 1}, {"a": 2.5}], "plain": ["x", "y"]}

    assert fill("{rows} / {plain}", _scope(given, {"rows": "<{a}>"})) == Filled(
        "<1>, <2.5> / x, y", (given["rows"], given["plain"])
    )
    assert fill("{rows}", _scope(given, {"rows": "{b}"})) == Unfilled("rows.b")


@given(value=st.text(min_size=1))
def test_values_are_never_templates(value: str) -> None:
    """What a hole brings in stays as it is, braces included."""
    assert fill("{{{v}}}", _scope({"v": value})) == Filled("{" + value + "}", (value,))
