"""Which field that vanished is which one that appeared: the ladder of evidence, over facts about fields. Pure.

T0  the same words in another style, at the same place (`credit_balance`, `creditBalance`);
T1  a whole group of fields moved together into an envelope, or out of one;
T2  the new name only says in addition whose field it is (`disputed_transaction` of a dispute): loud, see `pair`;
T3  declared: by the contract's aliases, or by the vendor, who describes both with the very same words.

A pair is unique both ways and of one type, or there is none. Likeness of names is no evidence: `plan.name` is not
`nickname`, and of a unit, a scope or another kind of id nothing in a name can be trusted.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Literal

Tier = Literal["T0", "T1", "T2", "T3"]
NONE: Mapping[tuple[str, ...], str] = MappingProxyType({})
FEWEST_TOGETHER = 2
"""Fields that must move together before a move counts as one of the envelope."""

_STYLED_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[_\-. ][A-Za-z0-9]+)*\Z")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
# What stands under such a name is another version of the thing, or another thing of the same shape.
_TELLING = re.compile(
    r"""after|archived|before|copy|default|deleted|draft|example|expected|former|history|last|new|next|old|original
    |other|parent|previous|prior|request|requested|sample|template
    |amounts?|balances?|cents|credits?|prepaid|price|totals?""",
    re.VERBOSE,
)
# Whose such a field is decides what it says: an id of whom, an amount of what.
_DEPENDENT = re.compile(
    r"""ids?|u?uids?|guids?|sids?|keys?|codes?|tokens?|refs?|references?|hash|identifiers?|numbers?
    |amounts?|totals?|balances?|prices?|costs?|fees?|tax|taxes|cents|credits?|points?|units?|values?
    |counts?|quantity|quantities|size|limits?|max|min|rates?|percent|percentage|share
    |name|names|status|state|type|kind|email|phone|address|currency|country|url|uri""",
    re.VERBOSE,
)
_ENDINGS = ("ing", "ed", "es", "s", "e")
_SHORTEST_STEM = 4


@dataclass(frozen=True, slots=True)
class Field:
    """What is known of one field."""

    path: tuple[str, ...]
    """Names on the way from the object to the field, its own last; `[]` behind a name stands for its items."""
    kinds: frozenset[str] = frozenset()
    """Types that it may have, without null; none where that is not known."""
    format: str = ""
    description: str = ""
    """Digest of the vendor's own words about it; empty where there are none."""
    is_observed: bool = False
    """Whether the types are those of values that were seen, rather than declared: JSON writes 10.0 as 10."""

    @property
    def name(self) -> str:
        """Return its own name."""
        return self.path[-1]

    @property
    def parent(self) -> tuple[str, ...]:
        """Return the way to what holds it."""
        return self.path[:-1]


@dataclass(frozen=True, slots=True)
class Pair:
    """A vanished field and the one that carries its meaning now."""

    old: tuple[str, ...]
    new: tuple[str, ...]
    tier: Tier


def pair(
    thing: str,
    gone: Sequence[Field],
    come: Sequence[Field],
    *,
    aliases: Mapping[tuple[str, ...], str] = NONE,
    loud: bool = False,
) -> tuple[Pair, ...]:
    """Return the proven pairs, in the order of what vanished.

    `thing` names the object that holds the fields. `aliases` maps a vanished field to its declared new name at the
    same place. `loud` admits T2: only for what is read, told to people, and never written on.
    """
    found: dict[tuple[tuple[str, ...], tuple[str, ...]], Tier] = {}
    ladder = [_together(gone, come), _same_words(gone, come), _declared(gone, come, aliases)]
    for pairs in [*ladder, _of_the_thing(thing, gone, come)] if loud else ladder:
        for one in pairs:
            found.setdefault((one.old, one.new), one.tier)
    sources, targets = Counter(old for old, _ in found), Counter(new for _, new in found)
    unique = {
        old: Pair(old, new, tier) for (old, new), tier in found.items() if sources[old] == targets[new] == 1
    }
    return tuple(unique[field.path] for field in gone if field.path in unique)


@lru_cache(maxsize=8192)
def words_of(name: str) -> tuple[str, ...]:
    """Split a name into its words; a name that is in no known style is one word, as it stands."""
    if not _STYLED_NAME.match(name):
        return (name,)
    return tuple(word.lower() for word in _WORD.findall(name))


def is_telling(name: str) -> bool:
    """Tell whether what stands under a name may be another thing of the same shape."""
    return any(map(_TELLING.fullmatch, words_of(name)))


def _is_alike(old: Field, new: Field) -> bool:
    """Tell whether both are of one type, as far as that is known. A whole number in place of another may be cents."""
    declared = old.kinds | {"integer"} if new.is_observed and "number" in old.kinds else old.kinds
    is_one_type = new.kinds <= declared if new.is_observed else new.kinds == declared
    same_kinds = not old.kinds or not new.kinds or is_one_type
    return same_kinds and (not old.format or not new.format or old.format == new.format)


def _same_words(gone: Sequence[Field], come: Sequence[Field]) -> Iterator[Pair]:
    """Pair names of the same words at one place (T0)."""
    places: dict[tuple[tuple[str, ...], tuple[str, ...]], list[Field]] = defaultdict(list)
    for field in come:
        places[field.parent, words_of(field.name)].append(field)
    for old in gone:
        for new in places[old.parent, words_of(old.name)]:
            if _is_alike(old, new):
                yield Pair(old.path, new.path, "T0")


def _declared(
    gone: Sequence[Field], come: Sequence[Field], aliases: Mapping[tuple[str, ...], str]
) -> Iterator[Pair]:
    """Pair what the contract, or the vendor by equal descriptions, says to be the same (T3)."""
    told = Counter(field.description for field in gone), Counter(field.description for field in come)
    for old in gone:
        for new in come:
            is_alias = old.parent == new.parent and aliases.get(old.path) == new.name
            is_described = bool(old.description) and old.description == new.description
            is_unique = is_described and told[0][old.description] == told[1][new.description] == 1
            if (is_alias or is_unique) and _is_alike(old, new):
                yield Pair(old.path, new.path, "T3")


def _together(gone: Sequence[Field], come: Sequence[Field]) -> Iterator[Pair]:
    """Pair fields that moved as one group into an envelope or out of one, under their own names (T1)."""
    groups: dict[tuple[tuple[str, ...], tuple[str, ...]], list[Pair]] = defaultdict(list)
    by_name: dict[str, list[Field]] = defaultdict(list)
    for field in _leaves(come):
        by_name[field.name].append(field)
    for old in _leaves(gone):
        for new in by_name[old.name]:
            envelope = _envelope(old.path, new.path)
            if envelope is not None and _is_alike(old, new):
                groups[envelope].append(Pair(old.path, new.path, "T1"))
    for (before, after), pairs in groups.items():
        moved = {one.old for one in pairs}
        left = [
            field
            for field in _leaves(gone)
            if field.path[: len(before)] == before and field.path not in moved
        ]
        if len(pairs) >= FEWEST_TOGETHER and not left and not any(map(is_telling, (*before, *after))):
            yield from pairs


def _leaves(fields: Sequence[Field]) -> list[Field]:
    """Return the fields that hold no other of these fields."""
    holders = {field.path[:length] for field in fields for length in range(len(field.path))}
    return [field for field in fields if field.path not in holders]


def _envelope(old: tuple[str, ...], new: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """Return what was taken off a path and what was put around it; None where it is neither of the two alone."""
    more = len(new) - len(old)
    if more > 0 and new[more:] == old:
        return (), new[:more]
    if more < 0 and old[-more:] == new:
        return old[:-more], ()
    return None


def _of_the_thing(thing: str, gone: Sequence[Field], come: Sequence[Field]) -> Iterator[Pair]:
    """Pair names of which one only adds the word for the thing itself (T2)."""
    whose = [*words_of(re.sub(r"\W+", "_", thing).strip("_"))][-1:]
    heads = Counter((field.parent, words_of(field.name)[-1]) for field in (*gone, *come))
    for old in gone:
        for new in come:
            is_only = heads[old.parent, words_of(old.name)[-1]] == 2  # noqa: PLR2004  # these two
            if (
                is_only
                and old.parent == new.parent
                and _is_alike(old, new)
                and _adds_only(old.name, new.name, whose)
            ):
                yield Pair(old.path, new.path, "T2")


def _adds_only(one: str, other: str, whose: Sequence[str]) -> bool:
    short, long = sorted((words_of(one), words_of(other)), key=len)
    extra = long[: len(long) - len(short)]
    if not extra or not short or long[len(extra) :] != short or any(map(_DEPENDENT.fullmatch, short)):
        return False
    return [*map(_stem, extra)] == [*map(_stem, whose)]


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM:
            return word.removesuffix(ending)
    return word
