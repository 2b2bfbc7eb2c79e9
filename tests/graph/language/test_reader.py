"""YAML text to a tree: values, positions, and files that are out to harm."""

import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mendflow.graph.language.diagnostics import Report
from mendflow.graph.language.plan import Place
from mendflow.graph.language.reader import (
    DEEPEST,
    LARGEST,
    MOST_VALUES,
    Mapping,
    Scalar,
    describe,
    plain,
    read,
    shorten,
)
from pydantic import JsonValue

Mistakes = Callable[[str], list[str]]


def _read(text: str) -> tuple[JsonValue, list[str]]:
    report = Report()
    root = read(text, "f.yaml", report)
    return (plain(root) if root else None), [f"{m.place} {m.code}" for m in report.mistakes]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("no", "no"),
        ("NO", "NO"),
        ("true", True),
        ("~", None),
        ("", None),
        ("12", 12),
        ("-3", -3),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("2026-01-02", "2026-01-02"),
        ("12:30:45", "12:30:45"),
        ("'12'", "12"),
        ('"a\\nb"', "a\nb"),
        ("[1, {a: b}]", [1, {"a": "b"}]),
        ("|\n  x\n  y", "x\ny"),
        (">\n  x\n  y", "x y"),
    ],
)
def test_scalars_follow_yaml_1_2(written: str, value: JsonValue) -> None:
    """Words and dates stay text; only what the core schema names is anything else."""
    assert _read(f"a: {written}") == ({"a": value}, [])


def test_an_alias_gives_what_its_anchor_holds() -> None:
    """Aliases are a convenience, and as long as they stay small they are allowed."""
    assert _read("a: &x [1, 2]\nb: *x") == ({"a": [1, 2], "b": [1, 2]}, [])


def test_an_alias_bomb_is_refused() -> None:
    """Nine levels of nine aliases are hundreds of millions of values in 300 bytes."""
    lines = ["a0: &a0 [x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    assert _read("\n".join(lines)) == (None, ["f.yaml:5:5 MF1007"])


@pytest.mark.parametrize("text", ["a: " + "[" * 50_000, "a: " + "{b: " * 50_000, "- " * 50_000])
def test_deep_nesting_is_refused(text: str) -> None:
    """Nesting is refused at its limit, however much deeper it goes."""
    found = _read(text)[1]
    assert [line.rpartition(" ")[2] for line in found] == ["MF1006"]


def test_nesting_may_go_to_its_limit_and_no_deeper() -> None:
    """The limit counts every level, the top one included, and aliases do not hide any."""
    most = "a: " + "[" * (DEEPEST - 1) + "]" * (DEEPEST - 1)
    assert _read(most)[1] == []
    half = "[" * 40 + "]" * 40
    assert _read(f"a: &x {half}\nb: {'[' * 30}*x{']' * 30}")[1] == ["f.yaml:1:4 MF1006"]


def test_a_huge_file_is_refused_unread() -> None:
    """A file over the limit is refused by its size, whatever is in it."""
    assert _read("a: " + "é" * (LARGEST // 2))[1] == ["f.yaml:1:1 MF1005"]


def test_too_many_values_are_refused() -> None:
    """A long list stops the reading at the limit."""
    assert _read("a: [" + "1," * MOST_VALUES + "]")[1] == [f"f.yaml:1:{5 + 2 * (MOST_VALUES - 1)} MF1007"]


@pytest.mark.parametrize(
    "text", ['a: "\\UFFFFFFFF"', "a: \ud800", "%X\n---\na: b", "a: \x00", "%YAML 1.3\n--- {}"]
)
def test_odd_texts_are_refused_or_read_but_never_crash(text: str) -> None:
    """Whatever the YAML library makes of a text, it ends here."""
    _read(text)


@pytest.mark.parametrize(
    ("text", "word", "place"),
    [
        ("a: one two", "two", "1:8"),
        ("a: 'one ''x'' two'", "two", "1:15"),
        ('a: "one \\"x\\" two"', "two", "1:15"),
        ("a: |\n  one\n  two three", "three", "3:7"),
        ("a: |2-\n    one\n   two", "two", "3:4"),
        ("a: >\n  one\n  two\n\n  three", "three", "5:3"),
        ("a: one\n  two", "two", "2:3"),
        ("a: 'é ☃ two'", "two", "1:9"),
    ],
)
def test_a_place_inside_a_text_is_found_again_in_the_file(text: str, word: str, place: str) -> None:
    """Quotes, escapes, indentation and folding do not move the place of a word."""
    root = read(text, "f", Report())
    assert isinstance(root, Mapping)
    scalar = root.entries[0].value
    assert isinstance(scalar, Scalar)
    assert isinstance(scalar.value, str)
    assert str(scalar.at(scalar.value.index(word))) == f"f:{place}"


def test_descriptions_are_short_and_plain() -> None:
    """Messages say what stands there in a few words."""
    here = Place(file="f", line=1, column=1)
    assert describe(Scalar(here, "x" * 50)) == f"the text `{'x' * 39}…`"
    assert describe(Scalar(here, True)) == "`true`"
    assert describe(Scalar(here, None)) == "nothing"
    assert shorten("a\n  b") == "a b"


_WORDS = st.sampled_from(
    [
        *"ab:-?[]{},&*!|>'\"%@#\n\t 1",
        *("${{", "}}", "*a", "&a", "<<", "---", "...", ".nan", "\n  ", "\n    "),
        *(
            "steps:\n",
            "inputs",
            "call",
            "agent: writer",
            "goal: '${{ steps.a }}'",
            "apiVersion: mendflow/v1\n",
        ),
    ]
)
_MISTAKE = re.compile(r"[1-9]\d*:[1-9]\d* MF\d{4}")


@settings(deadline=None)
@given(st.one_of(st.text(max_size=200), st.lists(_WORDS, max_size=60).map("".join)))
def test_any_text_is_a_plan_or_mistakes(mistakes: Mistakes, text: str) -> None:
    """No text at all crashes the compiler."""
    assert all(_MISTAKE.fullmatch(line) for line in mistakes(text))


@settings(deadline=None)
@given(data=st.data())
def test_a_damaged_workflow_is_a_plan_or_mistakes(
    mistakes: Mistakes, example: str, data: st.DataObject
) -> None:
    """A workflow from which pieces were cut, or into which others were put, never crashes the compiler."""
    start = data.draw(st.integers(0, len(example)))
    length = data.draw(st.integers(0, 40))
    put = data.draw(st.one_of(_WORDS, st.text(max_size=5)))
    text = example[:start] + put + example[start + length :]
    assert all(_MISTAKE.fullmatch(line) for line in mistakes(text))


_TOP = 'apiVersion: mendflow/v1\nkind: Workflow\nmetadata: {name: w, version: "1"}\n'


@pytest.mark.parametrize(
    ("goal", "codes"),
    [
        ("'" + "${{ 1 }}" * 20_000 + "'", {"MF1210"}),
        ('"' + "\\x41" * 80_000 + '${{ 1 }}"', set()),
        ('"${{ ' + "\\\\'''" * 50_000 + ' }}"', {"MF1204"}),
        ('"${{ ' + "\\\\'" * 80_000 + '"', {"MF1206"}),
        ("a, ? " + "k" * 500_000 + " : 1", {"MF1101"}),
        ("a, " + ", ".join(f"k{n}: 1" for n in range(5_000)), {"MF1101"}),
    ],
    ids=["holes", "escapes", "quotes", "open", "key", "keys"],
)
def test_work_stays_bounded_whatever_the_file(mistakes: Mistakes, goal: str, codes: set[str]) -> None:
    """Files that invite quadratic work are answered all the same; else this test would not end."""
    found = mistakes(f"{_TOP}steps:\n  a: {{agent: writer, goal: {goal}}}\n")
    assert {line.rpartition(" ")[2] for line in found} == codes


def test_aliases_do_not_multiply_expressions(mistakes: Mistakes) -> None:
    """Expressions are counted where aliases put them."""
    steps = "".join(f"  s{n}: {{agent: writer, goal: *many}}\n" for n in range(40))
    found = mistakes(f"{_TOP}x-many: &many '{'${{ 1 }}' * 100}'\nsteps:\n{steps}")
    assert found == ["4:20 MF1210"]
