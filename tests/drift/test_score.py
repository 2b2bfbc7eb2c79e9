"""The healer of drift is never wrong, and its score cannot flatter it."""

import subprocess
import sys
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mendflow.connectors.contract import JsonObject
from mendflow.connectors.errors import InvalidUse
from mendflow.verifier.drift.fields import Field, Pair, pair

from tests.drift.bodies import SAFE
from tests.drift.events import EVENTS
from tests.drift.pairs import Change, read_changes
from tests.drift.score import events, mutations, score_of

TEXT: JsonObject = {"type": "string"}
WORDS = ("card", "owner", "shop", "letter", "colour", "note", "member", "visit")
MEANING = {
    "a unit": "{}_in_cents",
    "money": "{}_amount",
    "a scope": "total_{}",
    "another version": "previous_{}",
    "a default": "default_{}",
    "a count": "{}_count",
    "an id of it": "{}_id",
    "its own id": "{}_uuid",
    "a bound": "max_{}",
    "a denial": "no_{}",
    "a time": "{}_created_at",
    "an end": "end_{}",
    "another word": "nick{}",
}
"""What a new name may say beside the old one, each another meaning."""


def change(**update: object) -> str:
    """Return a line of a file of pairs."""
    line = {
        "id": "made-1",
        "api": "shop",
        "schema": "gift_card",
        "removed": {"owner_name": TEXT, "note": TEXT},
        "added": {"ownerName": TEXT, "remark": TEXT},
        "truth": {"owner_name": "ownerName", "note": "?"},
    }
    return orjson.dumps(line | update).decode()


def field(dotted: str, kind: str = "string", description: str = "") -> Field:
    """Return a field by its dotted path."""
    return Field(tuple(dotted.split(".")), frozenset({kind}), description=description)


def pairs(
    thing: str, gone: list[Field], come: list[Field], *, loud: bool = True
) -> list[tuple[str, str, str]]:
    """Return the pairs in short."""
    return [(".".join(one.old), ".".join(one.new), one.tier) for one in pair(thing, gone, come, loud=loud)]


def test_each_tier_has_its_own_evidence() -> None:
    """Style, envelope, the thing's own name, and equal descriptions; without evidence there is no pair."""
    assert pairs("gift", [field("owner_name")], [field("ownerName")]) == [("owner_name", "ownerName", "T0")]
    assert pairs("gift", [field("a"), field("b")], [field("gift.a"), field("gift.b")]) == [
        ("a", "gift.a", "T1"),
        ("b", "gift.b", "T1"),
    ]
    assert pairs("issuing.dispute", [field("transaction")], [field("disputed_transaction")]) == [
        ("transaction", "disputed_transaction", "T2")
    ]
    assert pairs("gift", [field("speed", description="d")], [field("pace", description="d")]) == [
        ("speed", "pace", "T3")
    ]
    assert pairs("gift", [field("speed")], [field("pace")]) == []


@pytest.mark.parametrize(
    ("thing", "gone", "come"),
    [
        ("gift", [field("a")], [field("gift.a")]),  # one field alone is no envelope
        (
            "gift",
            [field("a"), field("b"), field("c")],
            [field("gift.a"), field("gift.b")],
        ),  # one stayed behind
        ("gift", [field("a"), field("b")], [field("previous.a"), field("previous.b")]),  # another version
        ("gift", [field("x.a"), field("x.b")], [field("y.a"), field("y.b")]),  # another envelope altogether
        ("gift", [field("a"), field("b")], [field("g.a"), field("g.b"), field("h.a"), field("h.b")]),  # twice
        ("gift", [field("id")], [field("gift_id")]),  # an id: of whom decides what it says
        ("gift", [field("size")], [field("media_size")]),  # the word is not that of the thing
        ("card", [field("owner"), field("first_owner")], [field("card_owner")]),  # two could be meant
        ("gift", [field("speed", description="d")], [field("pace", "integer", "d")]),  # another type
        ("gift", [field("a", description="d"), field("b", description="d")], [field("c", description="d")]),
        (
            "gift",
            [field("unit_value", "number")],
            [field("unitValue", "integer")],
        ),  # a whole number may be cents
    ],
)
def test_less_is_refused(thing: str, gone: list[Field], come: list[Field]) -> None:
    """What looks alike and lacks the proof has no pair."""
    assert pairs(thing, gone, come) == []


def test_what_may_be_written_on_is_never_matched_by_the_things_name() -> None:
    """T2 is for readers only."""
    assert pairs("dispute", [field("transaction")], [field("dispute_transaction")], loud=False) == []


@given(
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=4, unique=True),
    st.sampled_from(sorted(MEANING)),
    st.sampled_from(("order", "visit card", "account.member", "shop")),
    st.booleans(),
)
def test_a_name_that_says_more_is_another_field(names: list[str], what: str, thing: str, back: bool) -> None:  # noqa: FBT001  # drawn
    """A unit, a scope, a bound, an id, a time or a denial in the name: never the same field, in neither direction."""
    plain, told = [field(name) for name in names], [field(MEANING[what].format(name)) for name in names]
    assert pairs(thing, *((told, plain) if back else (plain, told))) == []


@given(
    st.lists(st.sampled_from(WORDS), max_size=6, unique=True),
    st.lists(st.sampled_from(WORDS), max_size=6, unique=True),
    st.sampled_from(("string", "integer")),
)
def test_pairs_are_unique_both_ways(gone: list[str], come: list[str], kind: str) -> None:
    """Whatever vanished and appeared, no field stands in two pairs, and each pair is of one type."""
    old, new = [field(f"{name}_of_it") for name in gone], [field(f"{name}OfIt", kind) for name in come]
    found: tuple[Pair, ...] = pair("gift", old, new, loud=True)
    assert len({one.old for one in found}) == len({one.new for one in found}) == len(found)
    assert kind == "string" or not found


def test_a_heal_of_what_nobody_can_tell_is_wrong() -> None:
    """Right, wrong and undecidable heals are counted as the data's own rules say."""
    told = Change.model_validate_json(change())
    scores = score_of([told], described=False)
    assert scores["all"].document() == {"heals": 1, "right": 1, "wrong": [], "counterparts": 1, "recall": 1.0}
    doubtful = Change.model_validate_json(change(truth={"owner_name": "?"}))
    (wrong,) = score_of([doubtful], described=False)["T0"].wrong
    assert wrong == "made-1 gift_card: owner_name → ownerName by T0, true is ?"


def test_descriptions_are_withheld_where_they_are_not_asked_for() -> None:
    """The same words of the vendor count only in the mode that shows them."""
    described: JsonObject = {"type": "string", "description_id": "d1"}
    told = Change.model_validate_json(
        change(removed={"speed": described}, added={"pace": described}, truth={"speed": "pace"})
    )
    assert [score_of([told], described=shown)["all"].right for shown in (False, True)] == [0, 1]


def test_a_file_that_is_none_is_told_with_its_line(tmp_path: Path) -> None:
    """The line, what was found and what a line is; an absent file says how to name one."""
    path = tmp_path / "pairs.jsonl"
    path.write_text(f"{change()}\n{{}}\n", encoding="utf-8")
    with pytest.raises(InvalidUse, match=r"line 2 is no labelled pair: id: Field required"):
        read_changes(path)
    with pytest.raises(InvalidUse, match="cannot be read"):
        read_changes(tmp_path / "absent.jsonl")
    path.write_text("\n", encoding="utf-8")
    with pytest.raises(InvalidUse, match="holds no change"):
        read_changes(path)


def test_the_command_fails_on_a_wrong_heal(tmp_path: Path) -> None:
    """Exit 0 and one document; exit 1, with the heal named, once one is wrong."""
    path = tmp_path / "pairs.jsonl"
    command = [sys.executable, "-m", "tests.drift", str(path)]
    path.write_text(change(), encoding="utf-8")
    ended = subprocess.run([*command, "--json"], capture_output=True, text=True, check=False)
    assert (ended.returncode, orjson.loads(ended.stdout)["wrong"]) == (0, [])
    path.write_text(change(truth={}), encoding="utf-8")
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "WRONG made-1 gift_card: owner_name → ownerName by T0, true is None" in ended.stdout


def test_every_contract_is_healed_where_it_is_safe_and_nowhere_else() -> None:
    """Each answer of the catalogue, drifted in each way: no wrong heal, and no safe change that lost a value."""
    rows = mutations()
    assert {kind: row.wrong for kind, row in rows.items() if row.wrong} == {}
    assert {kind for kind, row in rows.items() if row.healed} <= SAFE
    assert rows["restyled"].refused == 0
    assert {kind: row.healed for kind, row in rows.items() if kind in ("wrapped", "unwrapped")} == {
        "wrapped": 20,
        "unwrapped": 20,
    }
    changed = ("renamed", "moved", "dropped", "doubled", "grown", "wrapped twice")
    assert all(rows[kind].cases == rows[kind].refused for kind in changed)
    assert all(rows[kind].cases == rows[kind].kept for kind in ("added", "other unit"))
    assert rows["rewritten"].cases == rows["rewritten"].healed > 0


def test_the_vendors_own_events_are_taken_as_they_were_meant() -> None:
    """All 54 events are here, each once, and none is healed into something else."""
    assert sorted(event.number for event in EVENTS) == [*range(1, 55)]
    assert [text for row in events().values() for text in row.wrong] == []
