"""A schema's types and fields, laid out once for a quick walk over the values of many answers. Pure."""

from dataclasses import dataclass
from typing import Literal, assert_never

from pydantic import JsonValue

from ..connectors.contract import JsonObject
from .shape import items_of, kind_of, kinds_of, properties_of, required_of

MOST_OUTLINED = 4096

_TYPES: dict[str, tuple[type, ...]] = {
    "null": (type(None),),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "string": (str,),
    "array": (list,),
    "object": (dict,),
}


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where a value is not what the contract says. Names and types only, never a payload."""

    path: str
    """Like `contact.cards[].uuid`; empty for the value itself."""
    change: Literal["missing", "unexpected", "retyped", "nulled", "invalid"]
    """`unexpected` breaks nothing: vendors add fields. `invalid` is any other broken rule of the schema."""
    expected: str = ""
    found: str = ""

    def __str__(self) -> str:
        place = f"`{self.path}`" if self.path else "the whole"
        match self.change:
            case "missing" | "unexpected":
                return f"{place} is {self.change}"
            case "invalid":
                return f"{place} breaks the rule {self.expected}"
            case "retyped" | "nulled":
                return f"{place} should be {self.expected} and is {self.found}"
            case never:
                assert_never(never)


@dataclass(frozen=True, slots=True)
class Outline:
    """What one place of a schema says of types and fields."""

    path: str
    kinds: frozenset[str]
    """Types that it admits; none where it leaves them open."""
    expected: str
    missing: dict[str, Difference]
    """What is said of each required field that is not there."""
    fields: dict[str, "Outline"]
    """The declared fields, but for those of which nothing would be said."""
    declared: frozenset[str]
    items: "Outline | None"
    is_closed: bool
    types: frozenset[type]
    """The types of Python that are surely of `kinds`; a whole float is looked at by its value."""
    is_leaf: bool
    """Whether nothing within a value is looked at."""

    def differences(self, value: JsonValue, most: int) -> list[Difference]:
        """Return how a value differs in types and fields, each place once, at most `most`."""
        found: dict[Difference, None] = {}
        self.note(value, found, most)
        return list(found)[:most]

    def note(self, value: JsonValue, found: dict[Difference, None], most: int) -> None:
        """Add to `found` how a value differs, as long as it holds fewer than `most`."""
        if self.kinds and type(value) not in self.types and kind_of(value) not in self.kinds:
            change: Literal["nulled", "retyped"] = "nulled" if value is None else "retyped"
            found[Difference(self.path, change, self.expected, kind_of(value))] = None
        elif self.is_leaf or len(found) >= most:
            return
        elif isinstance(value, dict):
            self._note_fields(value, found, most)
        elif self.items is not None and isinstance(value, list):
            for item in value:
                self.items.note(item, found, most)

    def _note_fields(self, value: JsonObject, found: dict[Difference, None], most: int) -> None:
        for name, difference in self.missing.items():
            if name not in value:
                found[difference] = None
        for name, inner in value.items():
            known = self.fields.get(name)
            if known is not None:
                if not (known.is_leaf and type(inner) in known.types):
                    known.note(inner, found, most)
            elif self.is_closed and name not in self.declared and len(found) < most:
                found[Difference(_under(self.path, name), "unexpected")] = None


_outlined: dict[int, tuple[JsonObject, Outline]] = {}


def outline_of(schema: JsonObject) -> Outline:
    """Return the outline of a schema, made once. The cache keeps the schema, so that its identity stays its own."""
    known = _outlined.get(id(schema))
    if known is not None:
        return known[1]
    if len(_outlined) >= MOST_OUTLINED:
        _outlined.clear()
    outline = _outline(schema, "")
    _outlined[id(schema)] = (schema, outline)
    return outline


def _outline(schema: JsonObject, path: str) -> Outline:
    kinds = kinds_of(schema)
    fields = {name: _outline(rule, _under(path, name)) for name, rule in properties_of(schema).items()}
    inner = _outline(items_of(schema), f"{path}[]") if items_of(schema) else None
    items = inner if inner is not None and _says_something(inner) else None
    missing = {name: Difference(_under(path, name), "missing") for name in required_of(schema)}
    telling = {name: one for name, one in fields.items() if _says_something(one)}
    is_closed = schema.get("additionalProperties") is False
    return Outline(
        path=path,
        kinds=frozenset((*kinds, "integer") if "number" in kinds else kinds),
        expected=" or ".join(kinds),
        missing=missing,
        fields=telling,
        declared=frozenset(fields),
        items=items,
        is_closed=is_closed,
        types=frozenset(one for kind in kinds for one in _TYPES.get(kind, ())),
        is_leaf=not (missing or telling or items is not None or is_closed),
    )


def _says_something(outline: Outline) -> bool:
    return bool(outline.kinds) or not outline.is_leaf


def _under(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
