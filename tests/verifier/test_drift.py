import re
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mendflow.connectors.contract import JsonObject
from mendflow.verifier.contract import fits
from mendflow.verifier.drift.repair import Repair, Unrepaired, repair
from mendflow.verifier.verdict import Move
from pydantic import JsonValue

CARD: JsonObject = {
    "type": "object",
    "required": ["card_id", "credit_balance", "owner"],
    "additionalProperties": False,
    "properties": {
        "card_id": {"type": "string"},
        "credit_balance": {"type": "integer"},
        "short_note": {"type": ["string", "null"]},
        "owner": {
            "type": "object",
            "required": ["first_name"],
            "properties": {"first_name": {"type": "string"}, "last_name": {"type": "string"}},
        },
    },
}
CARDS: JsonObject = {"type": "array", "items": CARD}
OWNER: JsonObject = {"first_name": "Ada"}
CARD_NAMES = ["card_id", "credit_balance", "short_note", "owner", "first_name", "last_name"]
PLAIN: JsonObject = {"card_id": "k", "credit_balance": 7, "owner": {"first_name": "Ada"}}


def camel(name: str) -> str:
    """Write `card_id` as `cardId`."""
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


STYLES: list[Callable[[str], str]] = [
    camel,
    lambda name: name.replace("_", "-"),
    lambda name: "".join(word.capitalize() for word in name.split("_")),
    str.upper,
]


def restyled(value: JsonValue, style: Callable[[str], str]) -> JsonValue:
    """Write every name of a value in another style."""
    match value:
        case dict():
            return {style(name): restyled(inner, style) for name, inner in value.items()}
        case list():
            return [restyled(inner, style) for inner in value]
        case _:
            return value


def test_another_style_is_moved_back_at_every_depth() -> None:
    """All names in camel case, optional ones too: each is moved, outer names first."""
    body: JsonObject = {"data": restyled({**PLAIN, "short_note": None}, camel)}
    assert repair(CARD, body, {}) == Repair(
        output={**PLAIN, "short_note": None},
        moves=(
            Move(tier="T0", found="data.cardId", expected="data.card_id"),
            Move(tier="T0", found="data.creditBalance", expected="data.credit_balance"),
            Move(tier="T0", found="data.shortNote", expected="data.short_note"),
            Move(tier="T0", found="data.owner.firstName", expected="data.owner.first_name"),
        ),
    )


def test_a_list_is_moved_as_a_whole() -> None:
    """One move stands for all items."""
    items: list[JsonValue] = [{**PLAIN, "card_id": number} for number in "ab"]
    body: JsonObject = {"data": restyled(items, camel), "meta": {"page": 1}}
    mended = repair(CARDS, body, {})
    assert isinstance(mended, Repair)
    assert mended.output == items
    assert mended.moves[0] == Move(tier="T0", found="data[].cardId", expected="data[].card_id")


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({"data": {"card": PLAIN}}, "data.card"),
        ({"data": {"card": PLAIN, "object": "card", "ok": True}, "meta": []}, "data.card"),
        ({"result": PLAIN, "meta": {}}, "result"),
        ({"response": {"result": PLAIN}}, "response.result"),
        (PLAIN, "$"),
    ],
)
def test_a_new_envelope_is_taken_off(body: JsonValue, found: str) -> None:
    """The whole object sits at exactly one other place, with nothing of substance beside it."""
    assert repair(CARD, body, {}) == Repair(
        output=PLAIN, moves=(Move(tier="T1", found=found, expected="data"),)
    )


def test_a_wrapped_list_is_found() -> None:
    """Paging that moved into the envelope does not hide the list."""
    body: JsonObject = {"data": {"items": [PLAIN, PLAIN], "page": 1, "count": 2}}
    moves = (Move(tier="T1", found="data.items", expected="data"),)
    assert repair(CARDS, body, {}) == Repair(output=[PLAIN, PLAIN], moves=moves)


def test_a_declared_rename_counts_at_its_own_place_only() -> None:
    """The contract names the other name; it holds for the field of that path."""
    body: JsonObject = {"data": {"card_id": "k", "points": 7, "owner": {"first_name": "Ada"}}}
    move = Move(tier="T3", found="data.points", expected="data.credit_balance")
    assert repair(CARD, body, {"credit_balance": "points"}) == Repair(output=PLAIN, moves=(move,))
    assert isinstance(repair(CARD, body, {"owner.credit_balance": "points"}), Unrepaired)


def test_envelope_and_style_heal_together() -> None:
    """A wrap and a style change are two moves, in this order; what is new is kept and reported."""
    card: JsonObject = {"cardId": "k", "credit_balance": 7, "owner": OWNER, "colour": "red"}
    body: JsonObject = {"data": {"card": card}}
    assert repair(CARD, body, {}) == Repair(
        output={**PLAIN, "colour": "red"},
        moves=(
            Move(tier="T1", found="data.card", expected="data"),
            Move(tier="T0", found="data.cardId", expected="data.card_id"),
        ),
        extras=("colour",),
    )


REFUSED: dict[str, JsonObject] = {
    "another word": {"data": {"card_id": "k", "points_balance": 7, "owner": OWNER}},
    "half of the words": {"data": {"card_id": "k", "balance": 7, "owner": OWNER}},
    "a unit more": {"data": {"card_id": "k", "credit_balance_in_cents": 7, "owner": OWNER}},
    "two styles at once": {"data": {"card_id": "k", "creditBalance": 7, "credit-balance": 8, "owner": OWNER}},
    "another parent": {"data": {"card_id": "k", "owner": {"first_name": "Ada", "creditBalance": 7}}},
    "another type": {"data": {"card_id": "k", "creditBalance": "7", "owner": OWNER}},
    "nulled": {"data": {**PLAIN, "credit_balance": None}},
    "an underscore before": {"data": {"_card_id": "k", "credit_balance": 7, "owner": OWNER}},
    "words run together": {"data": {"cardid": "k", "credit_balance": 7, "owner": OWNER}},
    "nothing there": {"data": None, "result": PLAIN},
    "two candidates": {"result": PLAIN, "other": PLAIN},
    "data still there": {"data": {"x": 1}, "result": PLAIN},
    "data beside the fields": {**PLAIN, "data": {}},
    "one of a list": {"data": [PLAIN]},
    "an older version": {"data": {"previous_card": PLAIN}},
    "an error": {"data": {"error": PLAIN}},
    "a bound of it": {"data": {"max": PLAIN}},
    "another account of money": {"data": {"prepaid_card": PLAIN}},
    "things beside it": {"data": {"card": PLAIN, "shop": {"uuid": "s"}}},
    "fields left behind": {"data": {"card": PLAIN, "creditBalance": 9}},
    "half of it wrapped": {"data": {"card_id": "k", "rest": {"credit_balance": 7, "owner": OWNER}}},
    "too deep": {"a": {"b": {"c": {"d": {"e": {"f": {"g": PLAIN}}}}}}},
    "already good": {"data": PLAIN},
}


@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED.keys())
def test_what_is_not_proven_is_refused(body: JsonObject) -> None:
    """Likeness is no proof, and where two readings are possible there is none."""
    assert isinstance(repair(CARD, body, {}), Unrepaired)


def test_a_contract_of_one_field_is_not_searched_for() -> None:
    """A single leaf may stand anywhere and mean anything."""
    schema: JsonObject = {
        "type": "object",
        "required": ["balance"],
        "properties": {"balance": {"type": "integer"}},
    }
    assert isinstance(repair(schema, {"data": {"card": {"balance": 5}}}, {}), Unrepaired)


def test_a_lone_look_alike_may_be_a_customers_own() -> None:
    """Where customers' attributes stand beside the fields, one name in another style is left, and two are a style."""
    spread: JsonObject = {**CARD, "additionalProperties": True}
    alone: JsonObject = {"data": {"card_id": "k", "creditBalance": 7, "owner": OWNER}}
    assert isinstance(repair(spread, alone, {}), Unrepaired)
    assert isinstance(repair(CARD, alone, {}), Repair)
    both: JsonObject = {"data": {"cardId": "k", "creditBalance": 7, "owner": OWNER}}
    assert isinstance(repair(spread, both, {}), Repair)
    named: JsonObject = {"data": {"card_id": "k", "points": 7, "owner": OWNER}}
    assert isinstance(repair(spread, named, {"credit_balance": "points"}), Repair)


def test_too_many_unknown_names_are_not_weighed() -> None:
    """An object with a flood of new names is refused with that reason."""
    flood: JsonObject = {f"field{number}": number for number in range(501)}
    found = repair(CARD, {"data": {"card_id": "k", "creditBalance": 7, "owner": OWNER, **flood}}, {})
    assert isinstance(found, Unrepaired)
    assert found.reason.startswith("502 unknown fields are too many to be weighed; ")


def test_one_item_that_differs_stops_the_move() -> None:
    """A name that is old in one item and new in another is two fields, not one in another style."""
    body: JsonObject = {"data": [PLAIN, restyled(PLAIN, camel)]}
    assert isinstance(repair(CARDS, body, {}), Unrepaired)
    empty: JsonObject = {"data": {"items": []}}
    assert isinstance(repair(CARDS, empty, {}), Unrepaired)


def test_a_rename_with_two_reasons_is_ambiguous() -> None:
    """The declared name and another style are both there: nobody knows which is meant."""
    body: JsonObject = {"data": {"card_id": "k", "creditBalance": 7, "points": 7, "owner": OWNER}}
    assert isinstance(repair(CARD, body, {"credit_balance": "points"}), Unrepaired)


def leaves(value: JsonValue) -> Iterator[JsonValue]:
    """Walk the scalars of a value."""
    match value:
        case dict():
            for inner in value.values():
                yield from leaves(inner)
        case list():
            for inner in value:
                yield from leaves(inner)
        case _:
            yield value


def as_text(value: JsonValue, way: list[str]) -> JsonValue:
    """Write what stands at the end of a way as text, in every item of the lists on it."""
    if isinstance(value, list):
        return [as_text(item, way) for item in value]
    if not way:
        return value if value is None else str(value)
    name = way[0].removesuffix("[]")
    if not isinstance(value, dict) or name not in value:
        return value
    return {**value, name: as_text(value[name], way[1:])}


def replayed(body: JsonValue, moves: tuple[Move, ...]) -> JsonValue:
    """Apply the moves to the body by their own words, one after the other."""
    output = body["data"] if isinstance(body, dict) and "data" in body else None
    for move in moves:
        if move.tier == "T1":
            output = body
            for name in move.found.split(".") if move.found != "$" else []:
                assert isinstance(output, dict)
                output = output[name]
            continue
        if move.change:
            assert move.change == "text"
            output = as_text(output, move.found.split(".")[1:])
            continue
        *way, found = move.found.removeprefix("data").split(".")
        output = renamed(output, re.findall(r"\[\]|[^.\[\]]+", ".".join(way)), found, move)
    return output


def renamed(value: JsonValue, way: list[str], found: str, move: Move) -> JsonValue:
    """Rename one field at the end of a way."""
    if not way:
        assert isinstance(value, dict)
        return {move.expected.rpartition(".")[2] if name == found else name: v for name, v in value.items()}
    if way[0] == "[]":
        assert isinstance(value, list)
        return [renamed(item, way[1:], found, move) for item in value]
    if isinstance(value, dict) and way[0] in value:
        return {**value, way[0]: renamed(value[way[0]], way[1:], found, move)}
    return value


NAMES = st.sampled_from(
    [*CARD_NAMES, *map(camel, CARD_NAMES), "CardId", "Owner", "points", "previous", "data", "result", "meta"]
)
NOISE: st.SearchStrategy[JsonValue] = st.recursive(
    st.sampled_from([None, True, 7, "k", "Ada", 1.5]) | st.just(PLAIN) | st.just(restyled(PLAIN, camel)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=10,
)


@given(body=NOISE, data=NOISE, wrapped=st.booleans(), schema=st.sampled_from([CARD, CARDS]))
def test_a_repair_is_lossless_or_refused(
    body: JsonValue, data: JsonValue, *, wrapped: bool, schema: JsonObject
) -> None:
    """The contract holds afterwards, each value was in the body, and the moves alone lead there."""
    answer: JsonValue = {"data": data, "meta": body} if wrapped else body
    mended = repair(schema, answer, {"credit_balance": "points"})
    if isinstance(mended, Repair):
        assert fits(schema, mended.output)
        assert mended.moves
        assert replayed(answer, mended.moves) == mended.output
        rewritten = {move.change for move in mended.moves} - {""}
        available = [*leaves(answer), *(str(leaf) for leaf in leaves(answer) if rewritten)]
        assert all(leaf in available for leaf in leaves(mended.output))


@given(
    style=st.sampled_from(STYLES),
    wrap=st.sampled_from(["", "card", "result", "payload"]),
    envelope=st.sampled_from(["data", "result", "response"]),
    note=st.none() | st.text(max_size=3),
    several=st.booleans(),
)
def test_style_and_envelope_are_always_healed(
    style: Callable[[str], str],
    wrap: str,
    envelope: str,
    note: str | None,
    *,
    several: bool,
) -> None:
    """Whatever style and envelope the vendor moves to, the very same output comes back."""
    card: JsonObject = {**PLAIN, "short_note": note}
    output: JsonValue = [card, {**card, "card_id": "l"}] if several else card
    drifted = restyled(output, style)
    mended = repair(CARDS if several else CARD, {envelope: {wrap: drifted} if wrap else drifted}, {})
    assert isinstance(mended, Repair)
    assert mended.output == output
