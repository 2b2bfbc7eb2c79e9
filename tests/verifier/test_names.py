"""Names: where a text uses one, and where it only looks as if."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mendflow.verifier.names import read_names, read_signers
from mendflow.verifier.text import fold


def _names(text: str) -> list[str]:
    """Return each name once: capitals after a greeting are read twice."""
    return [*dict.fromkeys(claim.text for claim in (*read_names(fold(text)), *read_signers(fold(text))))]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Hello Ann, welcome.", ["Ann"]),
        ("Hello, Ann!", ["Ann"]),
        ("Dear Ms. Ruiz,", ["Ruiz"]),
        ("Good morning Ben de Vries!", ["Ben de Vries"]),
        ("We met. Hi Ann and Bob", ["Ann"]),
        ("Liebe Kim, wie geht es?", ["Kim"]),
        ("Come to Groove Palace on Monday.", ["Groove Palace"]),
        ("We are at the House of Vinyl now.", ["House of Vinyl"]),
        ("Ask for Ann Smith's order.", ["Ann Smith"]),
        ("We asked Mr Jones for it.", ["Jones"]),
        ('You like "Giant Steps" best.', ["Giant Steps"]),
        ('Your perk "free lunch" is here.', ["free lunch"]),
        ('The "coffee" perk is here.', ["coffee"]),
        ("All the best for you.\nKind regards,\nMarta", ["Marta"]),
    ],
)
def test_names_are_read(text: str, names: list[str]) -> None:
    """Greetings, closings, quotes and capitals in a row name somebody or something."""
    assert _names(text) == names


@pytest.mark.parametrize(
    "text",
    [
        "Hello! We kept your place.",
        "Hello there, dear customer.",
        "Dear Customer, hello again.",
        "Hi We missed you.",
        "Hello, We have missed you at last.",
        "Happy New Year, and Merry Christmas to you.",
        "On Monday I saw it, in January.",
        "We Kept Your Place By The Listening Booth",
        "Our NEW RECORDS are here.",
        'He said "see you soon" and "Come back!" twice.',
        "Wir haben Ihre Neue Platte und Guten Kaffee für Sie.",
        "With love,\nThe team",
        "Kind regards,\nwe all",
        "Don't miss it. Ann's is open.",
    ],
)
def test_honest_words_are_no_names(text: str) -> None:
    """Capitals of sentences, days, headings, shouting and German nouns are no names."""
    assert _names(text) == []


@given(text=st.text(max_size=300))
def test_reading_names_is_total(text: str) -> None:
    """No text breaks the reader, and each name stands in the text."""
    folded = fold(text)

    assert all(word in folded for name in _names(text) for word in name.split())
