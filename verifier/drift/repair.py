"""The healer of drifted answers: only lossless moves that are proven by the contract, otherwise a refusal.

Names go by the ladder of `fields` and by witnesses (T0, T2, T3, T4), object by object; values by the three writings of
`values`; here the envelope is added:

T1  the whole object or list that the contract describes sits in another one.

No name is ever guessed by likeness: `plan.name` is not `nickname`. So words of money and units keep their names but
for style. A move is unique both ways, holds for every item of a list, and counts only when the contract holds
afterwards.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice

from pydantic import JsonValue

from ...connectors.contract import JsonObject
from ..contract import compare, fits
from ..envelope import unwrap
from ..shape import admits, items_of, kinds_of, required_of
from ..verdict import Move
from .restore import Evidence, Place, restore
from .witness import UNSEEN, Seen
from .wrapping import FEWEST_FIELDS, Found, is_substantial, objection_to, places

MOST_PLACES = 2000
MOST_REASONS = 3


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


def repair(
    schema: JsonObject,
    body: JsonValue,
    aliases: Mapping[str, str],
    *,
    thing: str = "",
    loud: bool = False,
    seen: Seen = UNSEEN,
) -> Repair | Unrepaired:
    """Move what has drifted back to where the contract expects it, or say why that is not proven.

    `body` is the whole envelope. `aliases` maps dotted fields of the contract to the vendor's other name. `thing` names
    what the contract describes; `loud` admits T2, for what no write depends on. `seen` holds records of the same
    contract that were answered before, by their ids, for T4.
    """
    place = Place(Evidence(aliases, loud, seen), thing)
    unwrapped = unwrap(body)
    if unwrapped is not None and unwrapped.output is None:
        return Unrepaired("the vendor says that there is nothing")
    refusals: tuple[str, ...] = ()
    if unwrapped is not None:
        restored = restore(schema, [unwrapped.output], place)
        refusals = restored.refusals
        if restored.moves and fits(schema, restored.group[0]):
            return _repaired(schema, restored.group[0], restored.moves)
    found = _relocate(schema, body, place)
    if isinstance(found, Repair) or not refusals:
        return found
    return Unrepaired("; ".join((*refusals[:MOST_REASONS], found.reason)))


def _repaired(schema: JsonObject, output: JsonValue, moves: tuple[Move, ...]) -> Repair:
    extras = tuple(one.path for one in compare(schema, output) if one.change == "unexpected")
    return Repair(output=output, moves=moves, extras=extras)


def _relocate(schema: JsonObject, body: JsonValue, origin: Place) -> Repair | Unrepaired:
    """Find the one place in the body that satisfies the whole contract (T1)."""
    core = items_of(schema) if "array" in kinds_of(schema) else schema
    if len(required_of(core)) < FEWEST_FIELDS:
        return Unrepaired("the contract has too few fields to recognise its object elsewhere")
    fitting = (place for place in places(body) if admits(schema, place.value))
    searched = list(islice(fitting, MOST_PLACES + 1))
    if len(searched) > MOST_PLACES:
        return Unrepaired("the answer is too large to be searched")
    satisfied: list[tuple[Found, Repair]] = []
    for place in searched:
        restored = restore(schema, [place.value], origin)
        output = restored.group[0]
        if is_substantial(core, output) and fits(schema, output):
            wrap = Move(tier="T1", found=place.path, expected="data")
            satisfied.append((place, _repaired(schema, output, (wrap, *restored.moves))))
    if len(satisfied) != 1:
        count = len(satisfied) or "no"
        return Unrepaired(f"{count} places in the answer satisfy the contract; exactly one would have to")
    found, mended = satisfied[0]
    objection = objection_to(found, core)
    return Unrepaired(objection) if objection else mended
