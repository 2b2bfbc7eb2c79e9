"""What records seen before show: the value of a vanished field stands under one new name, record by record (T4). Pure.

A witness is a record that was answered before and is answered now, known by its id. It counts for a pair where the
old value stood in that record once, and stands in it now once, under the new name. A pair needs two witnesses
with different values that are no commonplace, no witness against it, and no rival.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from pydantic import JsonValue

from ...connectors.contract import JsonObject
from ..shape import required_of
from .fields import Pair
from .names import is_of_amounts, may_differ

Seen = Mapping[str, JsonObject]
"""Records as the contract has them, by their ids, as they were answered before."""
UNSEEN: Seen = MappingProxyType({})
FEWEST_WITNESSES = 2
SHORTEST_TEXT = 4
SMALLEST_NUMBER = 100

_IDS = ("uuid", "id")


def id_of(schema: JsonObject) -> str:
    """Return the field by which records of a contract are known again; empty where it promises none."""
    return next((name for name in _IDS if name in required_of(schema)), "")


def witnessed(
    known_by: str, gone: Sequence[str], come: Sequence[str], group: Sequence[JsonValue], seen: Seen
) -> tuple[Pair, ...]:
    """Return which vanished fields stand under which new names in records that were seen before.

    `known_by` is the field that holds a record's id; `group` the records as they are answered now.
    """
    both = [*_met_again(known_by, group, seen)] if known_by and known_by not in gone else []
    found = [
        (old, new)
        for old in gone
        for new in come
        if _may_be_shown(old, new) and _is_witnessed(old, new, both)
    ]
    sources, targets = Counter(old for old, _ in found), Counter(new for _, new in found)
    return tuple(Pair((old,), (new,), "T4") for old, new in found if sources[old] == targets[new] == 1)


def _may_be_shown(old: str, new: str) -> bool:
    """Tell whether values can prove it at all: of money, another field may hold what stood there yesterday."""
    return not (may_differ((old,), (new,)) or is_of_amounts(old) or is_of_amounts(new))


def _met_again(
    known_by: str, group: Sequence[JsonValue], seen: Seen
) -> Iterator[tuple[JsonObject, JsonObject]]:
    """Yield each record as it was and as it is; one whose id comes twice is no witness."""
    records = [one for one in group if isinstance(one, dict) and isinstance(one.get(known_by), str | int)]
    ids = Counter(str(one[known_by]) for one in records)
    for record in records:
        before = seen.get(str(record[known_by]))
        if before is not None and ids[str(record[known_by])] == 1:
            yield before, record


def _is_witnessed(old: str, new: str, both: Sequence[tuple[JsonObject, JsonObject]]) -> bool:
    values: set[tuple[str, str]] = set()
    for before, now in both:
        value = before.get(old)
        if value is None or new not in now:
            continue
        if not _same(value, now[new]):
            return False
        if _is_singular(value) and _count(before, value) == _count(now, value) == 1:
            values.add((type(value).__name__, str(value)))
    return len(values) >= FEWEST_WITNESSES


def _is_singular(value: JsonValue) -> bool:
    """Tell whether a value is none that many fields have by chance: no flag, no small number, no short text."""
    match value:
        case bool():
            return False
        case int() | float():
            return abs(value) >= SMALLEST_NUMBER
        case str():
            return len(value) >= SHORTEST_TEXT
        case _:
            return False


def _count(record: JsonValue, wanted: JsonValue) -> int:
    """Count the places of a record that hold a value, at any depth."""
    match record:
        case dict():
            return sum(_count(inner, wanted) for inner in record.values())
        case list():
            return sum(_count(inner, wanted) for inner in record)
        case _:
            return int(_same(record, wanted))


def _same(one: JsonValue, other: JsonValue) -> bool:
    """Compare type and value: 10 is not 10.0, which may be money, and not `true`."""
    return type(one) is type(other) and one == other
