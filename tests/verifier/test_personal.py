"""Phone numbers, accounts and cards."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mendflow.verifier.claims import read_claims
from mendflow.verifier.personal import read_personal


def _found(text: str) -> list[tuple[str, str]]:
    return [(one.kind, text[one.start : one.end]) for one in read_personal(text)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Call +31 6 12345678 now", [("phone number", "+31 6 12345678")]),
        ("Call 06-12345678.", [("phone number", "06-12345678")]),
        ("Call (030) 123 4567,", [("phone number", "(030) 123 4567")]),
        (
            "Call 555-123-4567 or 0612345678",
            [("phone number", "555-123-4567"), ("phone number", "0612345678")],
        ),
        ("Pay to NL91 ABNA 0417 1643 00.", [("bank account", "NL91 ABNA 0417 1643 00")]),
        ("Pay to DE89370400440532013000", [("bank account", "DE89370400440532013000")]),
        ("Card 4111 1111 1111 1111!", [("card number", "4111 1111 1111 1111")]),
        ("Card 4111 1111 1111 1112!", []),
        ("NL91 ABNA 4417 1643 01", []),
        ("1997-01-18, 29.33, 1,234.50 and 12 5 7", []),
        ("0004 and 0.5 and 01-02-1997 and 09:30", []),
        ("order 2026000123 of 3f6c1d52-8b0e-4c7a-9d41-5a2e7f90c613", []),
    ],
)
def test_personal_numbers_are_read_whole(text: str, found: list[tuple[str, str]]) -> None:
    """They are found with their groups, accounts and cards only where their check digits hold."""
    assert _found(text) == found


def test_one_phone_number_in_two_forms_is_one() -> None:
    """The national form and the international one compare equal."""
    one, other = (next(read_claims(text)).readings for text in ("06 12345678", "+31 6 1234 5678"))

    assert one == other


@given(text=st.text("0123456789 +-().ABab", max_size=200))
def test_personal_numbers_stand_apart(text: str) -> None:
    """They never overlap, and come in order."""
    found = read_personal(text)

    assert all(one.end <= other.start for one, other in itertools.pairwise(found))
