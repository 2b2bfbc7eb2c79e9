"""Records that were seen before show which new name carries a vanished field, or nothing is shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mendflow.connectors.contract import JsonObject
from mendflow.verifier.drift.fields import Pair
from mendflow.verifier.drift.repair import Repair, Unrepaired, repair
from mendflow.verifier.drift.witness import witnessed
from mendflow.verifier.verdict import Move
from pydantic import JsonValue

SEEN: dict[str, JsonObject] = {
    "u1": {"uuid": "u1", "nickname": "Countess", "note": "likes jazz"},
    "u2": {"uuid": "u2", "nickname": "Enchantress", "note": "likes blues"},
    "u3": {"uuid": "u3", "nickname": "Amazing", "note": "likes blues"},
}
NOW: list[JsonValue] = [
    {"uuid": "u1", "alias": "Countess", "note": "likes jazz"},
    {"uuid": "u2", "alias": "Enchantress", "note": "likes blues"},
]
SCHEMA: JsonObject = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["uuid", "nickname"],
        "properties": {
            "uuid": {"type": "string"},
            "nickname": {"type": "string"},
            "note": {"type": "string"},
        },
    },
}


def shown(
    now: list[JsonValue], seen: dict[str, JsonObject], old: str = "nickname", new: str = "alias"
) -> bool:
    """Tell whether the one pair is shown."""
    return witnessed("uuid", [old], [new], now, seen) == (Pair((old,), (new,), "T4"),)


def test_two_records_show_it() -> None:
    """Two known records with different values stand under the new name, and nothing else holds them."""
    assert shown(NOW, SEEN)
    assert repair(SCHEMA, {"data": NOW}, {}, seen=SEEN) == Repair(
        output=[SEEN["u1"], SEEN["u2"]],
        moves=(Move(tier="T4", found="data[].alias", expected="data[].nickname"),),
    )
    assert isinstance(repair(SCHEMA, {"data": NOW}, {}), Unrepaired)


def altered(number: int, **update: JsonValue) -> list[JsonValue]:
    """Return the records as they are answered now, one of them changed."""
    return [
        {**one, **update} if place == number else one
        for place, one in enumerate(NOW)
        if isinstance(one, dict)
    ]


@pytest.mark.parametrize(
    ("now", "seen"),
    [
        (NOW, {"u1": SEEN["u1"]}),  # one witness
        ([NOW[0], NOW[0], NOW[1]], SEEN),  # one record twice
        (altered(0, alias="Countess!"), SEEN),  # a witness against it
        (altered(0, alias=None), SEEN),
        (altered(0, handle="Countess"), SEEN),  # the value stands twice
        (altered(0, more={"handle": ["Countess"]}), SEEN),
        (NOW, {**SEEN, "u1": {**SEEN["u1"], "note": "Countess"}}),  # it may have come from another field
        (altered(0, uuid="u9"), SEEN),  # not seen before
        ([{**one, "alias": "same"} for one in NOW if isinstance(one, dict)],
         {name: {**one, "nickname": "same"} for name, one in SEEN.items()}),  # one value in both
        ([{**one, "alias": "ab"} for one in NOW if isinstance(one, dict)],
         {name: {**one, "nickname": "ab"} for name, one in SEEN.items()}),  # a commonplace
        ([], SEEN),
    ],
)  # fmt: skip
def test_less_shows_nothing(now: list[JsonValue], seen: dict[str, JsonObject]) -> None:
    """Too few, commonplace, doubled or contradicting values leave the field where it is."""
    assert not shown(now, seen)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("balance", "opening_balance"),  # another field may hold what stood there yesterday
        ("nickname", "previous_nickname"),
        ("owner_id", "owner_uuid"),
        ("source", "destination"),
        ("subscribed", "unsubscribed"),
    ],
)
def test_names_that_say_another_thing_are_never_shown(old: str, new: str) -> None:
    """Equal values are no proof against a word of money, scope, another id, another role or a denial."""
    seen: dict[str, JsonObject] = {
        name: {"uuid": name, old: value} for name, value in (("a", 1234), ("b", 5678))
    }
    now: list[JsonValue] = [{"uuid": name, new: one[old]} for name, one in seen.items()]
    assert not shown(now, seen, old, new)
    plain: list[JsonValue] = [{"uuid": name, "pet": one[old]} for name, one in seen.items()]
    assert shown(plain, {name: {"uuid": name, "dog": one[old]} for name, one in seen.items()}, "dog", "pet")


@given(
    st.lists(
        st.sampled_from(("Countess", "Enchantress", "ab", "", 7, 4711, 815.5, True, None)),
        min_size=2,
        max_size=5,
    ),
    st.lists(
        st.sampled_from(("Countess", "Enchantress", "ab", "", 7, 4711, 815.5, True, None)),
        min_size=2,
        max_size=5,
    ),
)
def test_what_is_shown_is_equal_everywhere(before: list[JsonValue], after: list[JsonValue]) -> None:
    """Whatever the values: a pair means that each known value stands under the new name, type for type."""
    seen: dict[str, JsonObject] = {
        f"r{place}": {"uuid": f"r{place}", "nickname": value} for place, value in enumerate(before)
    }
    now: list[JsonValue] = [{"uuid": f"r{place}", "alias": value} for place, value in enumerate(after)]
    if shown(now, seen):
        met = [(one, other) for one, other in zip(before, after, strict=False) if one is not None]
        assert all(type(one) is type(other) and one == other for one, other in met)
        assert len({str(one) for one, _ in met}) > 1
