from mendflow.connectors.contract import JsonObject
from mendflow.verifier.envelope import Unwrapped, VendorError, denials, unwrap, vendor_error
from pydantic import JsonValue


def test_meta_as_list_as_object_and_absent_are_equal() -> None:
    """The three ways in which the vendor says that there is no meta read the same."""
    bodies: list[JsonValue] = [{"data": [1], "meta": []}, {"data": [1], "meta": {}}, {"data": [1]}]
    assert [unwrap(body) for body in bodies] == [Unwrapped(output=[1], meta={})] * 3


def test_null_is_data() -> None:
    """Calls that delete answer `null`, which is a success."""
    assert unwrap({"data": None, "meta": {"page": 1}}) == Unwrapped(output=None, meta={"page": 1})


def test_a_body_without_data_is_no_success() -> None:
    """Whatever has no `data` is not unwrapped."""
    bodies: list[JsonValue] = [{}, {"result": {}}, [], "data", 1, None]
    assert [unwrap(body) for body in bodies] == [None] * 6


def test_a_whole_error_is_read_with_the_names_of_its_fields() -> None:
    """Code, words and fields of a validation error are kept, its values are not."""
    body: JsonObject = {
        "message": "Invalid input.",
        "code": 1003,
        "status_code": 400,
        "errors": {"email": ["bad: a@b"]},
    }
    assert vendor_error(body) == VendorError(code=1003, message="Invalid input.", fields=("email",))


def test_a_long_message_is_cut() -> None:
    """People read its beginning; the rest is left out."""
    error = vendor_error({"message": "x" * 201, "code": 1003, "status_code": 400})
    assert error == VendorError(code=1003, message="x" * 200)


def test_an_error_that_lost_a_part_is_no_error_of_the_vendor() -> None:
    """A proof that nothing happened needs the whole shape."""
    broken: list[JsonValue] = [
        {"message": "x", "code": 1003},
        {"message": "x", "status_code": 400},
        {"code": 1003, "status_code": 400},
        {"message": "x", "code": "1003", "status_code": 400},
        {"message": "x", "code": True, "status_code": 400},
        {"message": "x", "code": 1003, "status_code": 200},
        {"message": "x", "code": 1003, "status_code": 400.0},
        {"message": "x", "code": 1003, "status_code": 600},
        {"message": "x", "code": 1003, "status_code": 400, "data": {}},
        [],
        None,
    ]
    assert [vendor_error(body) for body in broken] == [None] * len(broken)


def test_an_envelope_may_say_that_the_call_failed() -> None:
    """Each name that denies a success is found, beside whatever data; what denies nothing is not."""
    denying: list[tuple[JsonValue, tuple[str, ...]]] = [
        ({"data": {}, "success": False}, ("success",)),
        ({"data": {}, "error": "no", "successful": False}, ("successful", "error")),
        ({"data": {}, "errors": {"email": ["taken"]}}, ("errors",)),
        ({"data": {}, "message": "x", "code": 1003, "status_code": 400}, ("status_code",)),
    ]
    assert [denials(body) for body, _ in denying] == [names for _, names in denying]
    silent: list[JsonValue] = [
        {"data": {"success": False, "error": "x"}},
        {"data": {}, "success": True, "error": None, "errors": [], "status_code": 200},
        {"data": {}, "success": None, "status_code": "400"},
        [],
        None,
    ]
    assert [denials(body) for body in silent] == [()] * len(silent)
