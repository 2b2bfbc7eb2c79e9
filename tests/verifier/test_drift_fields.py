"""Changes of meaning, planted among changes of style: with the strongest evidence there is, none of them is healed."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mendflow.verifier.drift.fields import Field, Pair, Refusal, pair, weigh
from mendflow.verifier.drift.names import is_telling, may_differ

WORDS = ("card", "shop", "letter", "colour", "note", "visit", "order", "gift", "booking", "campaign")
CHANGES = {
    "unit": [("{}", "{}_in_cents"), ("{}_seconds", "{}_minutes"), ("{}_usd", "{}_eur"), ("{}", "{}_percent")],
    "money": [("{}", "{}_amount"), ("{}_amount", "{}_balance"), ("{}_price", "{}_value"), ("{}", "{}_fee")],
    "scope": [("{}", "total_{}"), ("max_{}", "min_{}"), ("net_{}", "gross_{}"), ("{}", "{}_count")],
    "version": [("{}", "default_{}"), ("{}", "previous_{}"), ("{}", "parent_{}"), ("first_{}", "last_{}")],
    "moment": [("{}_start", "{}_end"), ("{}_created_at", "{}_updated_at"), ("{}", "{}_expires")],
    "kind of id": [("{}_id", "{}_uuid"), ("{}_sid", "{}_id"), ("{}_code", "{}_key"), ("{}_id", "{}_number")],
    "role": [("source_{}", "destination_{}"), ("billing_{}", "shipping_{}"), ("{}_from", "{}_to")],
    "denial": [("{}", "no_{}"), ("{}", "un{}"), ("{}_enabled", "{}_disabled"), ("{}", "{}_excluded")],
    "swap": [("{}_is_active", "{}_is_inactive"), ("{}_allowed", "{}_denied")],
}  # fmt: skip
PLANTED = [(old, new) for pairs in CHANGES.values() for old, new in pairs]
KINDS = st.sampled_from(("string", "integer", "number", "boolean"))


@dataclass(frozen=True)
class Sides:
    """Fields that vanished and fields that appeared; `styled` are those of which only the style is new."""

    gone: list[Field]
    come: list[Field]
    styled: set[tuple[str, str]]


def field(name: str, kind: str = "string", description: str = "") -> Field:
    """Return a field by its dotted path."""
    return Field(tuple(name.split(".")), frozenset({kind}), description=description)


@st.composite
def planted(draw: st.DrawFn) -> Sides:
    """Draw fields of which some change their style only, and others their meaning under the same description."""
    names = draw(st.lists(st.sampled_from(WORDS), min_size=2, max_size=6, unique=True))
    styled, told = names[::2], names[1::2]
    gone = [field(f"{name}_of_it", description=name) for name in styled]
    come = [field(f"{name}OfIt", description=f"new {name}") for name in styled]
    for name in told:
        old, new = draw(st.sampled_from(PLANTED))
        kind = draw(KINDS)
        there, back = (
            field(old.format(name), kind, f"about {name}"),
            field(new.format(name), kind, f"about {name}"),
        )
        one, other = (there, back) if draw(st.booleans()) else (back, there)
        gone.append(one)
        come.append(other)
    pairs = {(f"{name}_of_it", f"{name}OfIt") for name in styled}
    return Sides(draw(st.permutations(gone)), draw(st.permutations(come)), pairs)


@given(planted(), st.sampled_from(("shop", "gift_card", "account.order")), st.booleans())
def test_only_the_style_is_healed(sides: Sides, thing: str, loud: bool) -> None:  # noqa: FBT001  # drawn
    """Units, money, scopes, versions, moments, ids, roles, denials: not even equal descriptions heal them."""
    found = pair(thing, sides.gone, sides.come, loud=loud)
    assert {(one.old[-1], one.new[-1]) for one in found} == sides.styled
    assert {one.tier for one in found} == {"T0"}


@given(st.sampled_from(WORDS), KINDS, st.booleans(), st.integers(2, 4))
def test_one_is_never_many(name: str, kind: str, back: bool, parts: int) -> None:  # noqa: FBT001  # drawn
    """A field that was split, several that became one, and one that became a list: no pair, whatever is told."""
    whole = [field(name, kind, "the same")]
    split = [field(f"{name}_{letter}", kind, "the same") for letter in "wxyz"[:parts]]
    listed = [field(f"{name}s[].{name}", kind, "the same")]
    for other in (split, listed):
        assert pair(name, *((other, whole) if back else (whole, other)), loud=True) == ()


@given(st.lists(st.sampled_from(WORDS), min_size=2, max_size=5, unique=True), st.booleans())
def test_a_list_is_no_envelope(names: list[str], back: bool) -> None:  # noqa: FBT001  # drawn
    """Fields that moved together into the items of a list are many now."""
    plain, listed = [field(name) for name in names], [field(f"box[].{name}") for name in names]
    assert pair("thing", *((listed, plain) if back else (plain, listed)), loud=True) == ()


@given(st.sampled_from(WORDS), st.permutations(["string", "integer", "number", "boolean", "object"]))
def test_another_type_is_another_field(name: str, kinds: list[str]) -> None:
    """A flag is no number and a number no text, in any style and under any description."""
    old, new = field(f"{name}_of_it", kinds[0], "the same"), field(f"{name}OfIt", kinds[1], "the same")
    assert weigh("thing", [old], [new], loud=True) == (Refusal(old.path, "type", (new.path,)),)


@pytest.mark.parametrize(
    ("gone", "come", "reason"),
    [
        ([field("a_b")], [field("aB"), field("a-b", "integer")], "several"),  # a type does not choose
        ([field("a_b", description="d")], [field("aB"), field("pet", description="d")], "several"),
        ([field("a"), field("b")], [field("g.a"), field("g.b"), field("h.a")], "unproven"),
        ([field("a", description="d")], [field("max_a", description="d")], "meaning"),
        ([field("a_b")], [field("aB", "integer")], "type"),
        ([field("a")], [field("z")], "unproven"),
    ],
)
def test_each_refusal_has_its_reason(gone: list[Field], come: list[Field], reason: str) -> None:
    """More than one candidate, another meaning, another type, or nothing that proves it."""
    (first, *_) = weigh("thing", gone, come, loud=True)
    assert isinstance(first, Refusal)
    assert first.reason == reason


def test_a_word_that_only_adds_what_is_known_leaves_the_meaning() -> None:
    """An id, or a role, may be said in addition under the vendor's same words; it counts as declared."""
    pairs = pair("account", [field("owner", description="d")], [field("ownerId", description="d")])
    assert pairs == (Pair(("owner",), ("ownerId",), "T3"),)
    assert not may_differ(("next_source_action",), ("next_action",))
    assert may_differ(("a.previous",), ("a",))


@pytest.mark.parametrize("name", ["error", "errors", "previous_card", "netTotals", "max", "failed_items"])
def test_an_envelope_that_says_something_is_none(name: str) -> None:
    """An error, another version, a bound: what stands under such a name is another thing, but for its own name."""
    assert is_telling(name)
    assert not is_telling("error", "api.error")
    assert not is_telling("value")
    assert not is_telling("result")
