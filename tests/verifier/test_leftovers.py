"""Placeholders that were left in a text."""

import pytest
from mendflow.verifier.leftovers import read_leftovers


@pytest.mark.parametrize(
    "left",
    [
        "{{name}}", "{{ customer.first_name }}", "{name}", "${name}", "{% if x %}", "[NAME]", "[First Name]",
        "[your name]", "[insert link here]", "[customer_name]", "[[name]]", "<first name>", "<NAME>", "*|FNAME|*",
        "%s", "%(name)s", "TODO", "TBD", "XXX", "lorem ipsum", "[object Object]",
    ],
)  # fmt: skip
def test_placeholders_are_found(left: str) -> None:
    """Each common form of a hole, a note or a filler is found as it stands."""
    assert [*read_leftovers(f"Hello {left}, welcome")] == [left]


@pytest.mark.parametrize("word", ["null", "None", "undefined", "nan"])
def test_a_greeting_of_nothing_is_found(word: str) -> None:
    """A missing value that was greeted by its program's word for it is a leftover; elsewhere it is a word."""
    assert [*read_leftovers(f"Dear {word}, and {word} else")] == [word]


@pytest.mark.parametrize(
    "text",
    [
        "I <3 you",
        "see [1] and [sic]",
        "<b>bold</b> <br> <code>",
        "100% sure",
        "50 %",
        "[NEW] records",
        "[Groove Shop]",
    ],
)
def test_honest_signs_are_no_placeholders(text: str) -> None:
    """Marks, footnotes and percentages are none."""
    assert [*read_leftovers(text)] == []
