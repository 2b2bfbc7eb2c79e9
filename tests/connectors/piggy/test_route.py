from urllib.parse import parse_qsl, unquote, urlsplit

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mendflow.connectors.contract import JsonObject
from mendflow.connectors.errors import InvalidUse
from mendflow.connectors.piggy.route import Route

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@settings(deadline=None)
@given(texts.filter(lambda text: text not in {".", ".."}), texts)
def test_argument_stays_in_its_place(uuid: str, code: str) -> None:
    """Whatever an argument holds, it is one segment of the path or one value of the query."""
    target = Route(method="GET", path="/contacts/{uuid}/vouchers").target({"uuid": uuid, "code": code})
    parts = urlsplit(f"http://host{target}")
    assert [unquote(segment) for segment in parts.path.split("/")] == ["", "contacts", uuid, "vouchers"]
    assert parse_qsl(parts.query, keep_blank_values=True) == [("code", code)]
    assert target.isascii()


@pytest.mark.parametrize("value", ["", ".", "..", None, 7, ["a"]])
def test_segment_that_would_change_the_path_is_refused(value: str | int | None | list[str]) -> None:  # noqa: RUF036  # as drawn
    """An argument that is empty or a dot would address something else."""
    with pytest.raises(InvalidUse, match="`uuid` stands in the address"):
        Route(method="GET", path="/contacts/{uuid}").target({"uuid": value})  # type: ignore[dict-item]  # a mistake on purpose


def test_query_is_written_as_the_vendor_reads_it() -> None:
    """Numbers, flags, nulls and nested values have one form each."""
    target = Route(method="GET", path="/x").target(
        {
            "limit": 100,
            "flag": True,
            "none": None,
            "created_at": {"gte": "2026-01-01T00:00:00+00:00"},
            "ids": ["a", "b"],
        }
    )
    assert parse_qsl(urlsplit(target).query) == [
        ("limit", "100"),
        ("flag", "true"),
        ("created_at[gte]", "2026-01-01T00:00:00+00:00"),
        ("ids[0]", "a"),
        ("ids[1]", "b"),
    ]


def test_get_has_no_body_and_no_empty_query() -> None:
    """A GET without arguments is its path."""
    route = Route(method="GET", path="/shops")
    assert (route.target({}), route.content({})) == ("/shops", b"")


def test_body_holds_what_the_path_does_not() -> None:
    """A write sends its other arguments as JSON, gathered under one name where the vendor wants that."""
    arguments: JsonObject = {"uuid": "a", "credits": 5, "note": "ü"}
    plain, gathered = (
        Route(method="PUT", path="/x/{uuid}"),
        Route(method="PUT", path="/x/{uuid}", gathered="attributes"),
    )
    assert plain.target(arguments) == "/x/a"
    assert orjson.loads(plain.content(arguments)) == {"credits": 5, "note": "ü"}
    assert orjson.loads(gathered.content(arguments)) == {"attributes": {"credits": 5, "note": "ü"}}
