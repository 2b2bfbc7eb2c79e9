"""Bodies as clients send them."""

import pytest
from mendflow.connectors.contract import JsonObject
from mendflow.connectors.sandbox.bodies import read_body, read_fields
from mendflow.connectors.sandbox.refusals import Refusal

FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"", {}),
        (b"credits=5&unit_value=10.40&slot=7", {"credits": 5, "unit_value": 10.4, "slot": "7"}),
        (b"credits=five&unit_value=nan", {"credits": "five", "unit_value": "nan"}),
        (b"attributes[firstname]=Ada&attributes[age]=3", {"attributes": {"firstname": "Ada", "age": "3"}}),
        (b"categories[0][uuid]=a&categories[1][uuid]=b", {"categories": [{"uuid": "a"}, {"uuid": "b"}]}),
        (b"tags[]=a&tags[]=b", {"tags": ["a", "b"]}),
        (b"a=1&a[b]=2", {"a": {"b": "2"}}),
    ],
)
def test_forms_become_arguments(text: bytes, expected: JsonObject) -> None:
    """Numbers are told by their field, brackets nest."""
    assert read_body(FORM, text) == expected


def test_multipart_forms_become_arguments() -> None:
    """A multipart form is read like any other form."""
    body = (
        b'--x\r\nContent-Disposition: form-data; name="credits"\r\n\r\n5\r\n'
        b'--x\r\nContent-Disposition: form-data; name="email"\r\n\r\na@b.nl\r\n--x--\r\n'
    )
    assert read_body("multipart/form-data; boundary=x", body) == {"credits": 5, "email": "a@b.nl"}


def test_json_stays_as_it_is() -> None:
    """JSON keeps its types."""
    assert read_body("application/json", b'{"credits": "5", "a": [1]}') == {"credits": "5", "a": [1]}


@pytest.mark.parametrize("body", [b"[1]", b"{", b'"text"'])
def test_json_that_is_no_object_is_refused(body: bytes) -> None:
    """Anything but an object is invalid input."""
    with pytest.raises(Refusal) as refusal:
        read_body("application/json", body)
    assert refusal.value.code == 1003


def test_queries_are_read_like_forms() -> None:
    """Page and limit are numbers, date filters nest."""
    assert read_fields([("page", "2"), ("created_at[gte]", "2026-01-01")]) == {
        "page": 2,
        "created_at": {"gte": "2026-01-01"},
    }
