"""Where in a body the whole of a contract sits, and whether what is around it is a mere envelope. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import JsonValue

from ...connectors.contract import JsonObject
from ..shape import properties_of
from .names import is_telling, words_of

DEEPEST_ENVELOPE = 6
FEWEST_FIELDS = 2

_STILL_THERE = "the answer still has its `data`, and what the contract describes is elsewhere"


@dataclass(frozen=True, slots=True)
class Found:
    """A value somewhere in the body, with the containers that hold it."""

    path: str
    value: JsonValue
    holders: tuple[tuple[JsonObject, str], ...] = ()
    """Each object on the way down and the name under which the way went on."""
    is_item: bool = False


def places(body: JsonValue) -> Iterator[Found]:
    """Walk every object and list of the body but `data` itself."""
    waiting = [Found("$", body)]
    while waiting:
        here = waiting.pop()
        if here.path != "data" and isinstance(here.value, dict | list):
            yield here
        if isinstance(here.value, dict):
            prefix = "" if here.path == "$" else f"{here.path}."
            for name, inner in here.value.items():
                waiting.append(Found(prefix + name, inner, (*here.holders, (here.value, name)), here.is_item))
        if isinstance(here.value, list):
            waiting.extend(Found(f"{here.path}[]", inner, here.holders, is_item=True) for inner in here.value)


def is_substantial(core: JsonObject, output: JsonValue) -> bool:
    """Tell whether there is enough in it to be recognised: several declared fields, in every item."""
    declared = properties_of(core).keys()
    objects = output if isinstance(output, list) else [output]
    return bool(objects) and all(
        isinstance(one, dict) and len(declared & one.keys()) >= FEWEST_FIELDS for one in objects
    )


def objection_to(found: Found, core: JsonObject) -> str:
    """Return why the one place may mean something else than the old one; empty when it is a mere envelope."""
    if found.is_item:
        return "the contract's object is one of a list; which one was meant is not proven"
    if len(found.holders) > DEEPEST_ENVELOPE:
        return "the contract's object sits too deep to be a mere envelope"
    if found.path == "$" and isinstance(found.value, dict) and "data" in found.value:
        return _STILL_THERE
    declared = {words_of(name) for name in properties_of(core)}
    for depth, (holder, name) in enumerate(found.holders):
        if is_telling(name):
            return f"the name `{name}` may say that it is another thing than the contract's"
        if depth == 0 and "data" in holder and name != "data":
            return _STILL_THERE
        siblings = {other: value for other, value in holder.items() if other != name} if depth else {}
        if any(isinstance(value, dict | list) for value in siblings.values()):
            return f"`{name}` has siblings of substance, so it is no mere envelope"
        if any(words_of(other) in declared for other in siblings):
            return f"fields of the contract stand beside `{name}`"
    return ""
