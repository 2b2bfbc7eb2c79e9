"""The vendor's envelope: `{"data", "meta"}` around a success, `{"message", "code", "status_code"}` else."""

from dataclasses import dataclass
from typing import TypeGuard

from pydantic import JsonValue

from ..connectors.contract import Frozen, JsonObject

LONGEST_MESSAGE = 200
_ERRORS = range(400, 600)  # RFC 9110, 15.5 and 15.6
# Wrappers around the vendor say so beside the data; Composio's is `{data, error, successful}`.
_FLAGS = ("success", "successful")
_COMPLAINTS = ("error", "errors")


@dataclass(frozen=True, slots=True)
class Unwrapped:
    """A success without its envelope."""

    output: JsonValue
    meta: JsonObject
    """`[]`, `{}` and absent are equal: the vendor serves all three for the same call."""


class VendorError(Frozen):
    """A whole, well-formed error of the vendor. Programs branch on `code`, never on the words."""

    code: int
    message: str
    fields: tuple[str, ...] = ()
    """Names of the arguments that a validation error is about."""


def unwrap(body: JsonValue) -> Unwrapped | None:
    """Return what a success holds, or None when the body is no success: it has no `data`."""
    if not isinstance(body, dict) or "data" not in body:
        return None
    meta = body.get("meta")
    return Unwrapped(output=body["data"], meta=meta if isinstance(meta, dict) else {})


def vendor_error(body: JsonValue) -> VendorError | None:
    """Return the error that the body is, or None: an error that lost a part of its shape proves nothing.

    Its `status_code` must be that of an error.
    """
    if not isinstance(body, dict) or "data" in body:
        return None
    code, message = body.get("code"), body.get("message")
    if not _is_number(code) or not _is_error_status(body.get("status_code")) or not isinstance(message, str):
        return None
    errors = body.get("errors")
    fields = tuple(sorted(errors)) if isinstance(errors, dict) else ()
    return VendorError(code=code, message=message[:LONGEST_MESSAGE], fields=fields)


def denials(body: JsonValue) -> tuple[str, ...]:
    """Return the names of the envelope that say that the call failed, whatever else the body holds."""
    if not isinstance(body, dict):
        return ()
    flags = [name for name in _FLAGS if body.get(name) is False]
    complaints = [name for name in _COMPLAINTS if body.get(name)]
    statuses = ["status_code"] if _is_error_status(body.get("status_code")) else []
    return (*flags, *complaints, *statuses)


def _is_error_status(value: JsonValue) -> bool:
    return _is_number(value) and value in _ERRORS


def _is_number(value: JsonValue) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)
