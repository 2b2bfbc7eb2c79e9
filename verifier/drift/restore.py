"""Names and values of an answer given back, object by object, all the way down. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from pydantic import JsonValue

from ...connectors.contract import JsonObject
from ..shape import items_of, kind_of, kinds_of, properties_of, when_there
from ..verdict import Move
from .fields import FEWEST_TOGETHER, Field, Pair, Path, Refusal, weigh
from .values import rewritten
from .witness import UNSEEN, Seen, id_of, witnessed

MOST_STRANGE = 500
"""New names in one object beyond which none is weighed."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a repair may rely on beside the contract and the answer."""

    aliases: Mapping[str, str]
    """Dotted fields of the contract to the vendor's other name for each (T3)."""
    loud: bool
    """Whether T2 is admitted, which needs that no write depends on the answer."""
    seen: Seen
    """Records of this contract that were answered before (T4)."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a group of values stands: as moves write it, and as aliases name it."""

    evidence: Evidence
    thing: str
    """What the values are (T2)."""
    path: str = "data"
    field: tuple[str, ...] = ()

    def of(self, name: str) -> "Place":
        """Return the place of a field."""
        return replace(self, thing=name, path=f"{self.path}.{name}", field=(*self.field, name))

    def of_items(self) -> "Place":
        """Return the place of a list's items."""
        return replace(self, path=f"{self.path}[]")


@dataclass(frozen=True, slots=True)
class Restored:
    """A group of values in the contract's names and writing, by moves that hold for all of them."""

    group: list[JsonValue]
    moves: tuple[Move, ...] = ()
    refusals: tuple[str, ...] = ()
    """Why fields that the contract needs are not put back."""


def restore(schema: JsonObject, group: list[JsonValue], place: Place) -> Restored:
    """Give the values of one place their contract names and writing, all the way down."""
    schema = when_there(schema)
    here = _renamed(schema, group, place)
    group, moves, refusals = here.group, here.moves, here.refusals
    for name, rule in properties_of(schema).items():
        inner = [one[name] for one in group if isinstance(one, dict) and name in one]
        if not inner:
            continue
        below = _rewritten(name, rule, inner, place.of(name)) or restore(rule, inner, place.of(name))
        refusals += below.refusals
        if below.moves:
            moves += below.moves
            supply = iter(below.group)
            group = [
                {**one, name: next(supply)} if isinstance(one, dict) and name in one else one for one in group
            ]
    items = [item for one in group if isinstance(one, list) for item in one]
    if not items:
        return Restored(group, moves, refusals)
    below = restore(items_of(schema), items, place.of_items())
    if below.moves:
        supply = iter(below.group)
        group = [[next(supply) for _ in one] if isinstance(one, list) else one for one in group]
    return Restored(group, moves + below.moves, refusals + below.refusals)


def _rewritten(name: str, rule: JsonObject, values: list[JsonValue], place: Place) -> Restored | None:
    """Give a field's values the contract's writing; None where they have it, or nothing proves what they say."""
    if any(isinstance(value, dict | list) for value in values):
        return None
    found = rewritten(name, rule, values)
    if found is None:
        return None
    change, changed = found
    return Restored(changed, (Move(tier="T0", found=place.path, expected=place.path, change=change),))


def _renamed(schema: JsonObject, group: list[JsonValue], place: Place) -> Restored:
    declared = properties_of(schema)
    present = dict.fromkeys(name for one in group if isinstance(one, dict) for name in one)
    missing = [name for name in declared if name not in present]
    strange = [name for name in present if name not in declared]
    if not missing or not strange:
        return Restored(group)
    if len(strange) > MOST_STRANGE:
        return Restored(group, refusals=(f"{len(strange)} unknown fields are too many to be weighed",))
    weighed = [*_weighed(schema, missing, strange, group, place)]
    pairs = [one for one in weighed if isinstance(one, Pair)]
    if schema.get("additionalProperties") is True:
        pairs = _beside_attributes(pairs)
    renames = {one.new[-1]: one.old[-1] for one in pairs}
    needed = schema.get("required")
    refusals = tuple(
        str(one)
        for one in weighed
        if isinstance(one, Refusal) and isinstance(needed, list) and one.old[-1] in needed
    )
    renamed: list[JsonValue] = [
        {renames.get(name, name): value for name, value in one.items()} if isinstance(one, dict) else one
        for one in group
    ]
    moves = tuple(
        Move(tier=one.tier, found=f"{place.path}.{one.new[-1]}", expected=f"{place.path}.{one.old[-1]}")
        for one in pairs
    )
    return Restored(renamed if renames else group, moves, refusals)


def _beside_attributes(pairs: list[Pair]) -> list[Pair]:
    """Return the pairs that hold where customers name fields of their own: a lone look-alike may be one of those."""
    styled = [one for one in pairs if one.tier == "T0"]
    return [
        one
        for one in pairs
        if one.tier in ("T3", "T4") or (one.tier == "T0" and len(styled) >= FEWEST_TOGETHER)
    ]


def _weighed(
    schema: JsonObject, missing: Sequence[str], strange: Sequence[str], group: list[JsonValue], place: Place
) -> Iterator[Pair | Refusal]:
    """Yield for each missing field what the ladder says, and where it says nothing, what witnesses say."""
    declared, evidence = properties_of(schema), place.evidence
    others: dict[Path, str] = {
        (name,): evidence.aliases.get(".".join((*place.field, name)), "") for name in missing
    }
    weighed = weigh(
        place.thing,
        [Field((name,), frozenset(kinds_of(declared[name])) - {"null"}) for name in missing],
        [Field((name,), _kinds_seen(group, name), is_observed=True) for name in strange],
        aliases=others,
        loud=evidence.loud,
    )
    taken = {one.new for one in weighed if isinstance(one, Pair)}
    open_names = [one.old[-1] for one in weighed if isinstance(one, Refusal) and one.reason == "unproven"]
    free = [name for name in strange if (name,) not in taken]
    seen = evidence.seen if not place.field else UNSEEN
    shown = {one.old: one for one in witnessed(id_of(schema), open_names, free, group, seen)}
    yield from (shown.get(one.old, one) for one in weighed)


def _kinds_seen(group: list[JsonValue], name: str) -> frozenset[str]:
    """Return the types of the values under a name, without null."""
    values = (one[name] for one in group if isinstance(one, dict) and name in one)
    return frozenset(kind_of(value) for value in values if value is not None)
