"""The words of expressions: references, ends of holes, and comprehensions made sure."""

import pytest
from mendflow.graph.language.tokens import end_of_hole, references, sure_of_lists


@pytest.mark.parametrize(
    ("text", "sure"),
    [
        ("inputs.l.map(x, x * 2)", "(inputs.l + []).map(x, x * 2)"),
        (
            "a.f.filter(r, r.x.exists(y, y)).map(z, z)",
            "((a.f + []).filter(r, (r.x + []).exists(y, y)) + []).map(z, z)",
        ),
        ("[1, 2].all(i, i > 0)", "([1, 2] + []).all(i, i > 0)"),
        ("{'a': 1}.map(k, k)", "({'a': 1} + []).map(k, k)"),
        ("f(x).g(y)[0].map(q, q)", "(f(x).g(y)[0] + []).map(q, q)"),
        ("1 in (b).filter(x, true)", "1 in ((b) + []).filter(x, true)"),
        ("1 in [1].map(x, x)", "1 in ([1] + []).map(x, x)"),
        ("!a.b.exists(x, x)", "!(a.b + []).exists(x, x)"),
        ("a[b.map(c, c)[0]].map(d, d)", "(a[(b + []).map(c, c)[0]] + []).map(d, d)"),
        ("'x.map(y, z)' + map", "'x.map(y, z)' + map"),
    ],
)
def test_comprehensions_are_made_sure_of_their_lists(text: str, sure: str) -> None:
    """The operand of a comprehension is found whatever it is made of."""
    assert sure_of_lists(text).text == sure


def test_places_in_a_made_sure_text_lead_back() -> None:
    """Every character that was there before keeps its place; those put in stand for where they were put."""
    text = "a.map(x, x.b.map(y, zz))"
    sure = sure_of_lists(text)
    back = [sure.origin(offset) for offset in range(len(sure.text))]
    assert sure.text == "(a + []).map(x, (x.b + []).map(y, zz))"
    assert back == [0, 0, *[1] * 7, *range(2, 9), 9, *range(9, 12), *[12] * 7, *range(13, 24)]


def test_references_are_paths_of_names() -> None:
    """Method names, indexes, texts and comments are no part of a path."""
    found = references(
        "steps.m.output.rows.filter(r, r.c == item . id) + inputs['x'] + 'steps.no' // steps.no"
    )
    assert [(".".join(r.path), r.starts[0], r.alone) for r in found] == [
        ("steps.m.output.rows", 0, False),
        ("r", 27, False),
        ("r.c", 30, False),
        ("item.id", 37, False),
        ("inputs", 50, False),
    ]
    assert [r.alone for r in references("steps.a.b")] == [True]


@pytest.mark.parametrize(
    ("text", "end"),
    [(" a }} b }}", 3), (" {'a': {'b': '}}'}} }}", 20), (" 'a", -1), (" a } }", -1), (" {'a': 1}}}", 9)],
)
def test_a_hole_ends_where_its_braces_are_even(text: str, end: int) -> None:
    """Braces of maps and of texts inside a hole do not end it."""
    assert end_of_hole(text, 0) == end
