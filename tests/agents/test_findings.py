from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from mendflow.agents.findings import compose_findings, text_of


def test_nested_objects_keep_their_path() -> None:
    """Facts inside objects carry the path within their subject; `null` gives no finding."""
    found = compose_findings({"contact": {"credit_balance": {"balance": 5, "id": None}, "tags": ["a"]}})

    assert [finding.model_dump() for finding in found] == [
        {
            "subject": "contact",
            "fact": "credit_balance.balance",
            "value": 5,
            "source": "material.contact.credit_balance.balance",
        },
        {"subject": "contact.tags", "fact": "count", "value": 1, "source": "material.contact.tags"},
        {"subject": "contact.tags[0]", "fact": "entry", "value": "a", "source": "material.contact.tags[0]"},
    ]


@given(number=st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_are_written_exactly(number: float) -> None:
    """A number is written without exponent, and reads back as the same number."""
    assert Decimal(text_of(number)) == Decimal(str(number))
