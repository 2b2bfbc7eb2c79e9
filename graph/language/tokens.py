"""The words of an expression: what it refers to, where a hole ends, which comprehensions it holds."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""
      (?P<space>\s+|//[^\n]*)
    | (?P<text>[bB]?[rR][bB]?(?:\"{3}.*?\"{3}|'{3}.*?'{3}|"[^"\n]*"|'[^'\n]*')
        | [bB]?(?:\"{3}(?:\\.|[^\\])*?\"{3}|'{3}(?:\\.|[^\\])*?'{3}|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))
    | (?P<open>\"{3}.*|'{3}.*|["'][^\n]*)
    | (?P<number>0[xX][0-9a-fA-F]+[uU]?|[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?[uU]?)
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<mark>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_MACROS = frozenset({"all", "exists", "exists_one", "existsOne", "map", "filter"})
_PAIRS = {")": "(", "]": "[", "}": "{"}
_NOT_NAMES = frozenset(
    (
        *("true", "false", "null", "in", "google"),
        *("bool", "int", "uint", "double", "string", "bytes", "list", "map", "null_type", "type"),
    )
)
"""Words that stand alone in CEL without being variables."""


@dataclass(frozen=True, slots=True)
class Token:
    """A word of an expression. Texts and numbers count as words, spaces and comments do not.

    A text that is never closed is one word, of the kind `open`, to its end; so the work stays linear.
    """

    kind: str
    text: str
    start: int

    @property
    def end(self) -> int:
        """Return the offset behind the word."""
        return self.start + len(self.text)


@dataclass(frozen=True, slots=True)
class Reference:
    """A variable with the fields that follow it, e.g. `steps.member.output.uuid`."""

    path: tuple[str, ...]
    starts: tuple[int, ...]
    """Where each name of the path starts."""
    alone: bool
    """Whether nothing else stands in the expression."""


def tokens(text: str, start: int = 0) -> Iterator[Token]:
    """Yield the words of an expression from `start` on."""
    for match in _TOKEN.finditer(text, start):
        kind = match.lastgroup or ""
        if kind != "space":
            yield Token(kind, match.group(), match.start())


def end_of_hole(text: str, start: int) -> int:
    """Return where the `}}` stands that closes a hole whose expression begins at `start`; -1: nowhere."""
    depth = 0
    for token in tokens(text, start):
        if token.kind == "open":
            return text.find("}}", token.start)
        if token.text == "{":
            depth += 1
        elif token.text == "}" and depth:
            depth -= 1
        elif token.text == "}" and text[token.end : token.end + 1] == "}":
            return token.start
        elif token.text == "}":
            return -1
    return -1


def references(text: str) -> tuple[Reference, ...]:
    """Return what an expression refers to, in order; variables of its comprehensions are among them."""
    words = list(tokens(text))
    found: list[Reference] = []
    index = 0
    while index < len(words):
        last = _end_of_path(words, index)
        if last >= 0:
            names = words[index : last + 1 : 2]
            alone = index == 0 and last == len(words) - 1
            found.append(Reference(tuple(w.text for w in names), tuple(w.start for w in names), alone))
        index = max(last, index) + 1
    return tuple(found)


def _end_of_path(words: list[Token], index: int) -> int:
    """Return the index of the last name of a path that begins at `index`; -1 when none begins there."""
    if words[index].kind != "name" or words[index].text in _NOT_NAMES:
        return -1
    if index and words[index - 1].text == ".":
        return -1
    if _is(words, index + 1, "("):
        return -1
    last = index
    while _is(words, last + 1, ".") and _is_name(words, last + 2) and not _is(words, last + 3, "("):
        last += 2
    return last


def _is(words: list[Token], index: int, text: str) -> bool:
    return 0 <= index < len(words) and words[index].text == text


def _is_name(words: list[Token], index: int) -> bool:
    return 0 <= index < len(words) and words[index].kind == "name"


@dataclass(frozen=True, slots=True)
class Sure:
    """An expression whose comprehensions fail on maps, whose order would otherwise leak out."""

    text: str
    added: tuple[tuple[int, str], ...]
    """What was put in: offsets in the first text, in order."""

    def origin(self, offset: int) -> int:
        """Return the offset in the first text for one in the new text."""
        shift = 0
        for start, piece in self.added:
            if start + shift + len(piece) > offset:
                return min(offset - shift, start) if start + shift > offset else start
            shift += len(piece)
        return offset - shift


def sure_of_lists(text: str) -> Sure:
    """Return the expression with `X.map(…)` and its like as `(X + []).map(…)`.

    Only a list can be added to a list, so that a map fails. The text must be one that CEL can read.
    """
    words = list(tokens(text))
    opens = _opens(words)
    added: list[tuple[int, str]] = []
    for index, word in enumerate(words):
        if word.text in _MACROS and _is(words, index - 1, ".") and _is(words, index + 1, "("):
            first = _start_of_operand(words, opens, index - 2)
            added += [(words[first].start, "("), (words[index - 1].start, " + [])")]
    added.sort(key=lambda piece: piece[0])
    parts: list[str] = []
    done = 0
    for start, piece in added:
        parts += [text[done:start], piece]
        done = start
    return Sure("".join([*parts, text[done:]]), tuple(added))


def _opens(words: list[Token]) -> dict[int, int]:
    """Return for each closing bracket the index of its opening one."""
    stack: list[int] = []
    found: dict[int, int] = {}
    for index, word in enumerate(words):
        if word.kind != "mark":
            continue
        if word.text in _PAIRS.values():
            stack.append(index)
        elif word.text in _PAIRS and stack:
            found[index] = stack.pop()
    return found


def _start_of_operand(words: list[Token], opens: dict[int, int], index: int) -> int:
    """Return the index of the first word of the operand that ends at `index`."""
    while index > 0:
        closing = words[index].text if words[index].kind == "mark" else ""
        index = opens.get(index, index)
        before = words[index - 1] if index else None
        if before is None:
            return index
        if closing == ")" and before.kind == "name" and before.text != "in":
            index -= 1
        elif closing == "]" and _ends_an_operand(before):
            index -= 1
            continue
        if not _is(words, index - 1, "."):
            return index
        index -= 2
    return max(index, 0)


def _ends_an_operand(word: Token) -> bool:
    if word.kind == "mark":
        return word.text in _PAIRS
    return word.text != "in"
