"""The healer of drifted answers: only lossless moves that are proven by the contract, otherwise a refusal.

Names go by the ladder of `verifier.fields` (T0, T2, T3), object by object; here the envelope is added:

T1  the whole object or list that the contract describes sits in another one.

Values are moved, never changed, and no name is ever guessed by likeness: `plan.name` is not `nickname`. So
words of money and units keep their names but for style. A move is unique both ways, holds for every item of a
list, and counts only when the contract holds afterwards.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice

from pydantic import JsonValue

from ...connectors.contract import JsonObject
from ..contract import compare, fits
from ..envelope import unwrap
from ..shape import admits, items_of, kind_of, kinds_of, properties_of, required_of
from ..verdict import Move
from .fields import Field, pair
from .names import is_telling, words_of

DEEPEST_ENVELOPE = 6
MOST_PLACES = 2000
FEWEST_FIELDS = 2

_STILL_THERE = "the answer still has its `data`, and what the contract describes is elsewhere"


@dataclass(frozen=True, slots=True)
class Repair:
    """An answer that keeps the contract after the moves, which apply one after the other."""

    output: JsonValue
    moves: tuple[Move, ...]
    extras: tuple[str, ...] = ()
    """Paths of fields that the contract does not know; they are kept."""


@dataclass(frozen=True, slots=True)
class Unrepaired:
    """No proven repair exists."""

    reason: str


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a group of values stands: as moves write it, and as aliases name it."""

    thing: str
    """What the values are, for T2."""
    is_loud: bool
    """Whether T2 may be used."""
    path: str = "data"
    field: tuple[str, ...] = ()

    def of(self, name: str) -> "_Place":
        return replace(self, thing=name, path=f"{self.path}.{name}", field=(*self.field, name))

    def of_items(self) -> "_Place":
        return replace(self, path=f"{self.path}[]")


@dataclass(frozen=True, slots=True)
class _Found:
    """A value somewhere in the body, with the containers that hold it."""

    path: str
    value: JsonValue
    holders: tuple[tuple[JsonObject, str], ...] = ()
    """Each object on the way down and the name under which the way went on."""
    is_item: bool = False


def repair(
    schema: JsonObject, body: JsonValue, aliases: Mapping[str, str], *, thing: str = "", loud: bool = False
) -> Repair | Unrepaired:
    """Move what has drifted back to where the contract expects it, or say why that is not proven.

    `body` is the whole envelope. `aliases` maps dotted fields of the contract to the vendor's other name. `thing` names
    what the contract describes; `loud` admits T2, for what no write depends on.
    """
    place = _Place(thing, loud)
    unwrapped = unwrap(body)
    if unwrapped is not None and unwrapped.output is None:
        return Unrepaired("the vendor says that there is nothing")
    if unwrapped is not None:
        output, moves = _rename(schema, [unwrapped.output], place, aliases)
        if moves and fits(schema, output[0]):
            return _repaired(schema, output[0], moves)
    return _relocate(schema, body, aliases, place)


def _repaired(schema: JsonObject, output: JsonValue, moves: tuple[Move, ...]) -> Repair:
    extras = tuple(one.path for one in compare(schema, output) if one.change == "unexpected")
    return Repair(output=output, moves=moves, extras=extras)


def _relocate(
    schema: JsonObject, body: JsonValue, aliases: Mapping[str, str], origin: _Place
) -> Repair | Unrepaired:
    """Find the one place in the body that satisfies the whole contract (T1)."""
    core = items_of(schema) if "array" in kinds_of(schema) else schema
    if len(required_of(core)) < FEWEST_FIELDS:
        return Unrepaired("the contract has too few fields to recognise its object elsewhere")
    fitting = (place for place in _places(body) if admits(schema, place.value))
    places = list(islice(fitting, MOST_PLACES + 1))
    if len(places) > MOST_PLACES:
        return Unrepaired("the answer is too large to be searched")
    satisfied: list[tuple[_Found, Repair]] = []
    for place in places:
        output, moves = _rename(schema, [place.value], origin, aliases)
        if _is_substantial(core, output[0]) and fits(schema, output[0]):
            wrap = Move(tier="T1", found=place.path, expected="data")
            satisfied.append((place, _repaired(schema, output[0], (wrap, *moves))))
    if len(satisfied) != 1:
        count = len(satisfied) or "no"
        return Unrepaired(f"{count} places in the answer satisfy the contract; exactly one would have to")
    found, mended = satisfied[0]
    objection = _objection(found, core)
    return Unrepaired(objection) if objection else mended


def _places(body: JsonValue) -> Iterator[_Found]:
    """Walk every object and list of the body but `data` itself."""
    waiting = [_Found("$", body)]
    while waiting:
        here = waiting.pop()
        if here.path != "data" and isinstance(here.value, dict | list):
            yield here
        if isinstance(here.value, dict):
            prefix = "" if here.path == "$" else f"{here.path}."
            for name, inner in here.value.items():
                waiting.append(
                    _Found(prefix + name, inner, (*here.holders, (here.value, name)), here.is_item)
                )
        if isinstance(here.value, list):
            waiting.extend(
                _Found(f"{here.path}[]", inner, here.holders, is_item=True) for inner in here.value
            )


def _is_substantial(core: JsonObject, output: JsonValue) -> bool:
    """Tell whether there is enough in it to be recognised: several declared fields, in every item."""
    declared = properties_of(core).keys()
    objects = output if isinstance(output, list) else [output]
    return bool(objects) and all(
        isinstance(one, dict) and len(declared & one.keys()) >= FEWEST_FIELDS for one in objects
    )


def _objection(found: _Found, core: JsonObject) -> str:
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


def _rename(
    schema: JsonObject, group: list[JsonValue], place: _Place, aliases: Mapping[str, str]
) -> tuple[list[JsonValue], tuple[Move, ...]]:
    """Give the values of one place their contract names, all the way down; a move holds for all of them."""
    group, moves = _rename_fields(schema, group, place, aliases)
    for name, rule in properties_of(schema).items():
        inner = [one[name] for one in group if isinstance(one, dict) and name in one]
        changed, more = _rename(rule, inner, place.of(name), aliases) if inner else ([], ())
        if more:
            supply = iter(changed)
            group = [
                {**one, name: next(supply)} if isinstance(one, dict) and name in one else one for one in group
            ]
            moves += more
    items = [item for one in group if isinstance(one, list) for item in one]
    changed, more = _rename(items_of(schema), items, place.of_items(), aliases) if items else ([], ())
    if more:
        supply = iter(changed)
        group = [[next(supply) for _ in one] if isinstance(one, list) else one for one in group]
    return group, moves + more


def _rename_fields(
    schema: JsonObject, group: list[JsonValue], place: _Place, aliases: Mapping[str, str]
) -> tuple[list[JsonValue], tuple[Move, ...]]:
    declared = properties_of(schema)
    present = dict.fromkeys(name for one in group if isinstance(one, dict) for name in one)
    missing = [name for name in declared if name not in present]
    strange = [name for name in present if name not in declared]
    if not missing or not strange:
        return group, ()
    others: dict[tuple[str, ...], str] = {
        (name,): aliases.get(".".join((*place.field, name)), "") for name in missing
    }
    pairs = pair(
        place.thing,
        [Field((name,), frozenset(kinds_of(declared[name])) - {"null"}) for name in missing],
        [Field((name,), _kinds_seen(group, name), is_observed=True) for name in strange],
        aliases=others,
        loud=place.is_loud,
    )
    renames = {one.new[-1]: one.old[-1] for one in pairs}
    if not renames:
        return group, ()
    renamed: list[JsonValue] = [
        {renames.get(name, name): value for name, value in one.items()} if isinstance(one, dict) else one
        for one in group
    ]
    return renamed, tuple(
        Move(tier=one.tier, found=f"{place.path}.{one.new[-1]}", expected=f"{place.path}.{one.old[-1]}")
        for one in pairs
    )


def _kinds_seen(group: list[JsonValue], name: str) -> frozenset[str]:
    """Return the types of the values under a name, without null."""
    values = (one[name] for one in group if isinstance(one, dict) and name in one)
    return frozenset(kind_of(value) for value in values if value is not None)
