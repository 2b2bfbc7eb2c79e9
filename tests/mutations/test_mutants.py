"""The small changes by which the score is measured."""

import ast

from tests.mutations.mutants import mutants

SOURCE = '''
"""Words."""
Kind = Literal["a", "b"]
LIMIT = 3

def choose(held: str | None, count: int = 0) -> str:
    """Say which."""
    if held is None or count <= LIMIT and not held.open:
        raise ValueError(f"no {held}")
    note("a sentence", key="word")
    assert_never(held)
    return "left" if any(held) else "right"
'''


def test_every_place_is_changed_once_in_each_way() -> None:
    """Each mutant differs from the program in one place; types, docstrings and sentences are left alone."""
    assert [(one.line, one.was, one.now) for one in mutants(SOURCE)] == [
        (4, "3", "4"),
        (6, "0", "1"),
        *_of_if("if held is None or (count <= LIMIT and (not held.open)):"),
        *_of_or("held is None", "count <= LIMIT and (not held.open)"),
        (8, "held is None", "held is not None"),
        (8, "count <= LIMIT and (not held.open)", "count <= LIMIT or not held.open"),
        (8, "count <= LIMIT and (not held.open)", "not held.open"),
        (8, "count <= LIMIT and (not held.open)", "count <= LIMIT"),
        (8, "count <= LIMIT", "count < LIMIT"),
        (8, "not held.open", "held.open"),
        (9, "raise ValueError(f'no {held}')", "pass"),
        (10, "note('a sentence', key='word')", "pass"),
        (10, "'word'", "'word_mutant'"),
        (12, "'left' if any(held) else 'right'", "'left'"),
        (12, "'left' if any(held) else 'right'", "'right'"),
        (12, "any", "all"),
        (12, "'left'", "'left_mutant'"),
        (12, "'right'", "'right_mutant'"),
    ]


def test_the_program_itself_is_none_of_its_mutants() -> None:
    """Each text is another program, and all can be read."""
    texts = [one.text for one in mutants(SOURCE)]
    plain = ast.dump(ast.parse(SOURCE))
    found = {ast.dump(ast.parse(text)) for text in texts}
    assert (len(found), plain in found) == (len(texts), False)


def _of_if(test: str) -> list[tuple[int, str, str]]:
    return [(8, test, "if True:"), (8, test, "if False:")]


def _of_or(left: str, right: str) -> list[tuple[int, str, str]]:
    whole = f"{left} or ({right})"
    return [(8, whole, f"{left} and ({right})"), (8, whole, right), (8, whole, left)]
