"""Keys of facts, and their order."""

from hypothesis import given
from hypothesis import strategies as st
from mendflow.journal.canonical import digest
from mendflow.journal.events import fact_body, fact_key, key_order

_NUMBER = st.integers(0, 10**6)


@given(st.lists(st.tuples(_NUMBER, _NUMBER, _NUMBER), unique=True, max_size=20))
def test_keys_are_ordered_by_number(places: list[tuple[int, int, int]]) -> None:
    """Items, attempts and ordinals sort by value, not by their digits."""
    keys = {
        fact_key(f"each[{item}].award", attempt, "call", nth): (item, attempt, nth)
        for item, attempt, nth in places
    }
    assert [keys[key] for key in sorted(keys, key=key_order)] == sorted(places)


def test_keys_are_ordered_by_place() -> None:
    """A step comes before its reads, those before the next step; calls before verdicts."""
    keys = [
        "brief#1:model:0",
        "brief#2:model:0",
        "brief.read[0]#1:call:0",
        "brief.read[2]#1:call:0",
        "brief.read[10]#1:call:0",
        "each[2].a[3].x#1:call:0",
        "each[2].a[3].x#1:verdict:0",
        "each[2].a[11].x#1:call:0",
        "each[10].a[0].x#1:call:0",
        "look#1:call:0",
    ]
    assert sorted(sorted(keys), key=key_order) == keys


def test_a_facts_body_has_the_digest_of_its_request() -> None:
    """Beside request and value stands what tells whether the request is the same."""
    assert fact_body({"a": 1}, {"b": 2}) == {
        "request": {"a": 1},
        "digest": digest({"a": 1.0}),
        "value": {"b": 2},
    }
