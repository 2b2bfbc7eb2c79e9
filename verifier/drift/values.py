"""Values that say the same in another writing: the three changes that lose nothing and can be undone. Pure.

text   an id that came as a whole number, where the contract has text;
whole  a whole number that came as text, where the contract has a whole number that is no money;
case   a word of a closed list in other letters, where exactly one word of the list has these.

All else is refused: `007` and `+7` are not 7, 7.0 may be money, `true` is no number, a uuid is never a number, and
null is unknown, never 0.
"""

import re
from collections.abc import Sequence
from typing import Literal

from pydantic import JsonValue

from ...connectors.contract import JsonObject
from ..shape import kinds_of
from .names import is_of_amounts, words_of

Change = Literal["text", "whole", "case"]

# Without sign, leading zero or point; 15 digits, so that no program on the way can have rounded it.
_WHOLE = re.compile(r"(?:0|[1-9][0-9]{0,14})\Z")


def rewritten(
    name: str, rule: JsonObject, values: Sequence[JsonValue]
) -> tuple[Change, list[JsonValue]] | None:
    """Return the values of one field in the contract's writing, or None where that is not proven for all of them.

    `rule` is the field's schema. Null stays null. The result may still break the rest of the rule.
    """
    kinds = {*kinds_of(rule)} - {"null"}
    choices = rule.get("enum")
    changed: list[JsonValue] | None = None
    change: Change = "case"
    if kinds == {"string"} and isinstance(choices, list):
        changed = _each(values, choices)
    elif kinds == {"string"} and words_of(name)[-1] == "id" and all(map(_is_whole_number, values)):
        change, changed = "text", [None if value is None else str(value) for value in values]
    elif kinds == {"integer"} and not is_of_amounts(name) and all(map(_is_whole_text, values)):
        change, changed = "whole", [int(value) if isinstance(value, str) else value for value in values]
    return None if changed is None or changed == [*values] else (change, changed)


def _each(values: Sequence[JsonValue], choices: list[JsonValue]) -> list[JsonValue] | None:
    """Return the word of the list that each value is, or None where one is none, or could be two."""
    words: list[JsonValue] = []
    for value in values:
        meant = [value] if value is None or value in choices else _same_letters(value, choices)
        if len(meant) != 1:
            return None
        words += meant
    return words


def _same_letters(value: JsonValue, choices: list[JsonValue]) -> list[JsonValue]:
    if not isinstance(value, str):
        return []
    return [one for one in choices if isinstance(one, str) and one.casefold() == value.casefold()]


def _is_whole_number(value: JsonValue) -> bool:
    return value is None or type(value) is int


def _is_whole_text(value: JsonValue) -> bool:
    return value is None or (isinstance(value, str) and _WHOLE.match(value) is not None)
