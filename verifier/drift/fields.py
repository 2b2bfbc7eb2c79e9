"""Which field that vanished is which one that appeared: the ladder of evidence, over facts about fields. Pure.

T0  the same words in another style, at the same place (`credit_balance`, `creditBalance`);
T1  a whole group of fields moved together into an envelope, or out of one;
T2  the new name only says in addition whose field it is (`disputed_transaction` of a dispute): loud, see `pair`;
T3  declared: by the contract's aliases, or by the vendor, who describes both with the very same words.

T4, by values that were seen before, needs values: `verifier.drift.witness`. A pair is unique both ways and of one
type, or there is none. Likeness of names is no evidence: `plan.name` is not `nickname`, and of a unit, a scope or
another kind of id nothing in a name can be trusted.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from .names import is_telling, last_words_of, may_differ, words_of

Tier = Literal["T0", "T1", "T2", "T3", "T4"]
Path = tuple[str, ...]
NONE: Mapping[Path, str] = MappingProxyType({})
FEWEST_TOGETHER = 2
"""Fields that must move together before a move counts as one of the envelope."""

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

    path: Path
    """Names on the way from the object to the field, its own last; `[]` behind a name stands for its items."""
    kinds: frozenset[str] = frozenset()
    """Types that it may have, without null; none where that is not known."""
    format: str = ""
    shape: str = ""
    """Name of the vendor's type that it is of, where the type has one; a vendor may rename it with the field."""
    description: str = ""
    """Digest of the vendor's own words about it; empty where there are none."""
    is_observed: bool = False
    """Whether the types are those of values that were seen, rather than declared: JSON writes 10.0 as 10."""

    @property
    def name(self) -> str:
        """Return its own name."""
        return self.path[-1]

    @property
    def parent(self) -> Path:
        """Return the way to what holds it."""
        return self.path[:-1]


@dataclass(frozen=True, slots=True)
class Pair:
    """A vanished field and the one that carries its meaning now."""

    old: Path
    new: Path
    tier: Tier


@dataclass(frozen=True, slots=True)
class Refusal:
    """A vanished field that no new one is proven to be."""

    old: Path
    reason: Literal["several", "type", "meaning", "unproven"]
    """More than one could be meant; the only one is of another type; its name may mean another thing; none is."""
    candidates: tuple[Path, ...] = ()

    def __str__(self) -> str:
        names = " or ".join(f"`{'.'.join(one)}`" for one in self.candidates[:3])
        said = {
            "several": f"could be more than one: {names}",
            "type": f"is not {names}, which has another type",
            "meaning": f"is not proven to be {names}: its name may say another thing",
            "unproven": "is nothing of what appeared, as far as can be proven",
        }
        return f"`{'.'.join(self.old)}` {said[self.reason]}"


def pair(
    thing: str,
    gone: Sequence[Field],
    come: Sequence[Field],
    *,
    aliases: Mapping[Path, str] = NONE,
    loud: bool = False,
) -> tuple[Pair, ...]:
    """Return the proven pairs alone; `weigh` has the parameters and the refusals."""
    weighed = weigh(thing, gone, come, aliases=aliases, loud=loud)
    return tuple(one for one in weighed if isinstance(one, Pair))


def weigh(
    thing: str,
    gone: Sequence[Field],
    come: Sequence[Field],
    *,
    aliases: Mapping[Path, str] = NONE,
    loud: bool = False,
) -> tuple[Pair | Refusal, ...]:
    """Return for each vanished field its proven counterpart, or why it has none.

    `thing` names the object that holds the fields. `aliases` maps a vanished field to its declared new name at the
    same place. `loud` admits T2: only for what is read, told to people, and never written on.
    """
    found: dict[tuple[Path, Path], Tier] = {}
    ladder = [_together(thing, gone, come), _same_words(gone, come), _declared(gone, come, aliases)]
    for pairs in [*ladder, _of_the_thing(thing, gone, come)] if loud else ladder:
        for one in pairs:
            found.setdefault((one.old, one.new), one.tier)
    sources, targets = Counter(old for old, _ in found), Counter(new for _, new in found)
    unique = {
        old: Pair(old, new, tier) for (old, new), tier in found.items() if sources[old] == targets[new] == 1
    }
    return tuple(unique.get(field.path) or _refused(field, come, found) for field in gone)


def _refused(old: Field, come: Sequence[Field], found: Mapping[tuple[Path, Path], Tier]) -> Refusal:
    """Say why a field has no pair."""
    several = [new for one, new in found if one == old.path]
    if several:
        return Refusal(old.path, "several", tuple(several))
    alike = [one for one in come if one.parent == old.parent and words_of(one.name) == words_of(old.name)]
    alike += [one for one in come if old.description and one.description == old.description]
    paths = tuple(dict.fromkeys(one.path for one in alike))
    if len(paths) > 1:
        return Refusal(old.path, "several", paths)
    if not paths:
        return Refusal(old.path, "unproven")
    return Refusal(old.path, "meaning" if _is_alike(old, alike[0]) else "type", paths)


def _is_alike(old: Field, new: Field) -> bool:
    """Tell whether both are of one type, as far as that is known. A whole number in place of another may be cents."""
    if not new.is_observed:
        return old.kinds == new.kinds and (not old.format or not new.format or old.format == new.format)
    declared = old.kinds | {"integer"} if "number" in old.kinds else old.kinds
    return not declared or new.kinds <= declared


def _is_the_like(old: Field, new: Field) -> bool:
    """Tell the same where nobody describes the fields: then another name of the type may be another thing."""
    return old.shape == new.shape and _is_alike(old, new)


def _same_words(gone: Sequence[Field], come: Sequence[Field]) -> Iterator[Pair]:
    """Pair names of the same words at one place (T0), where no third name has them, of whatever type."""
    places: dict[tuple[Path, tuple[str, ...]], list[Field]] = defaultdict(list)
    for field in come:
        places[field.parent, words_of(field.name)].append(field)
    for old in gone:
        named_so = places[old.parent, words_of(old.name)]
        if len(named_so) == 1 and _is_the_like(old, named_so[0]):
            yield Pair(old.path, named_so[0].path, "T0")


def _declared(gone: Sequence[Field], come: Sequence[Field], aliases: Mapping[Path, str]) -> Iterator[Pair]:
    """Pair what the contract, or the vendor by equal descriptions, says to be the same (T3)."""
    told = Counter(field.description for field in gone), Counter(field.description for field in come)
    for old in gone:
        for new in come:
            is_alias = old.parent == new.parent and aliases.get(old.path) == new.name
            is_described = bool(old.description) and old.description == new.description
            is_unique = is_described and told[0][old.description] == told[1][new.description] == 1
            if (is_alias or (is_unique and _may_be_one(old, new))) and _is_alike(old, new):
                yield Pair(old.path, new.path, "T3")


def _may_be_one(old: Field, new: Field) -> bool:
    """Tell whether neither the words on the way nor the lists on it speak against two fields being one."""
    return _lists(old.path) == _lists(new.path) and not may_differ(old.path, new.path)


def _lists(path: Path) -> int:
    return sum(name.endswith("[]") for name in path)


def _together(thing: str, gone: Sequence[Field], come: Sequence[Field]) -> Iterator[Pair]:
    """Pair fields that moved as one group into an envelope or out of one, under their own names (T1)."""
    groups: dict[tuple[Path, Path], list[tuple[Field, Field]]] = defaultdict(list)
    candidates: Counter[Path] = Counter()
    by_name: dict[str, list[Field]] = defaultdict(list)
    for field in _leaves(come):
        by_name[field.name].append(field)
    for old in _leaves(gone):
        for new in by_name[old.name]:
            envelope = _envelope(old.path, new.path)
            if envelope is not None:
                groups[envelope].append((old, new))
                candidates[old.path] += 1
    for (before, after), moved in groups.items():
        paths = {old.path for old, _ in moved}
        left = [one for one in _leaves(gone) if one.path[: len(before)] == before and one.path not in paths]
        is_whole = len(moved) >= FEWEST_TOGETHER and not left and _is_mere(thing, (*before, *after))
        if is_whole and all(candidates[old.path] == 1 and _is_the_like(old, new) for old, new in moved):
            yield from (Pair(old.path, new.path, "T1") for old, new in moved)


def _is_mere(thing: str, envelope: Path) -> bool:
    """Tell whether an envelope is no list and says nothing of its own."""
    return not any(name.endswith("[]") or is_telling(name, thing) for name in envelope)


def _leaves(fields: Sequence[Field]) -> list[Field]:
    """Return the fields that hold no other of these fields."""
    holders = {field.path[:length] for field in fields for length in range(len(field.path))}
    return [field for field in fields if field.path not in holders]


def _envelope(old: Path, new: Path) -> tuple[Path, Path] | None:
    """Return what was taken off a path and what was put around it; None where it is neither of the two alone."""
    more = len(new) - len(old)
    if more > 0 and new[more:] == old:
        return (), new[:more]
    if more < 0 and old[-more:] == new:
        return old[:-more], ()
    return None


def _of_the_thing(thing: str, gone: Sequence[Field], come: Sequence[Field]) -> Iterator[Pair]:
    """Pair names of which one only adds the word for the thing itself (T2)."""
    whose = last_words_of(thing)
    heads = Counter((field.parent, words_of(field.name)[-1]) for field in (*gone, *come))
    for old in gone:
        for new in come:
            is_only = heads[old.parent, words_of(old.name)[-1]] == 2  # noqa: PLR2004  # these two
            if (
                is_only
                and old.parent == new.parent
                and _is_the_like(old, new)
                and not may_differ(old.path, new.path)
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
