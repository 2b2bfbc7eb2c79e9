"""Forms of the vendor's own error: known, open, unknown and drifted codes, under 400 and under 200."""

from typing import Final

from tests.faults.form import AT_ONCE, JSON, SIX, Cause, Form, http

_LOST: Final = "status 400 without an error that the vendor documents; expected 2xx, or 400 with a code"
_BUSY: Final = "Credit reception creating in progress."
_ATTRIBUTE: Final = "loyalty_transaction_attributes.create"


def _error(code: int, message: str, status: int = 400) -> bytes:
    return f'{{"message":"{message}","code":{code},"status_code":{status}}}'.encode()


def _refused(code: int, message: str, status: int = 400) -> Cause:
    return Cause(
        "refused", f"the vendor refused with code {code}: {message}", {"status": status, "code": code}
    )


def _open(code: int, message: str, status: int = 400) -> Cause:
    detail = f"the vendor left the outcome open with code {code}: {message}"
    return Cause("server_error", detail, {"status": status, "code": code})


def _drifted(name: str, seen: str, body: bytes) -> Form:
    return Form(
        name=name,
        seen=f"400, {seen}",
        sent=http("400 Bad Request", body, JSON),
        cause=Cause("refused", _LOST, {"status": 400}),
        remedy="fail",
        refused=AT_ONCE,
    )


CODES: Final = (
    Form(
        name="refusal",
        seen="400, code `1003` with the names of fields",
        sent=http(
            "400 Bad Request",
            b'{"message":"Invalid input.","code":1003,"status_code":400,"errors":{"credits":"Too many."}}',
            JSON,
        ),
        cause=Cause(
            "refused",
            "the vendor refused with code 1003: Invalid input. (credits)",
            {"status": 400, "code": 1003},
        ),
        write="refused",
        remedy="fail",
        refused=AT_ONCE,
    ),
    Form(
        name="refusal-of-the-account",
        seen="400, code `7002`: the account is inactive",
        sent=http("400 Bad Request", _error(7002, "Account inactive."), JSON),
        cause=_refused(7002, "Account inactive."),
        write="refused",
        remedy="fail",
        refused=AT_ONCE,
    ),
    Form(
        name="refusal-within-200",
        seen="200, code `1003`",
        sent=http("200 OK", _error(1003, "Invalid input."), JSON),
        cause=_refused(1003, "Invalid input.", 200),
        write="refused",
        remedy="fail",
        refused=AT_ONCE,
    ),
    Form(
        name="unsettled-1000",
        seen="400, code `1000`: an internal error",
        sent=http("400 Bad Request", _error(1000, "Interne fout."), JSON),
        cause=_open(1000, "Interne fout."),
    ),
    Form(
        name="unsettled-within-200",
        seen="200, code `1000`",
        sent=http("200 OK", _error(1000, "Interne fout."), JSON),
        cause=_open(1000, "Interne fout.", 200),
    ),
    Form(
        name="unsettled-60001",
        seen="400, code `60001`: another creation is in progress",
        sent=http("400 Bad Request", _error(60001, _BUSY), JSON),
        cause=_refused(60001, _BUSY),
        of_write=_open(60001, _BUSY),
        remedy="fail",
        refused="at once on a read, which has no such code",
    ),
    Form(
        name="already-60009",
        seen="400, code `60009`: the attribute is there",
        sent=http("400 Bad Request", _error(60009, "Attribute already exists."), JSON),
        writes=_ATTRIBUTE,
        cause=_refused(60009, "Attribute already exists."),
        write="done",
        remedy="fail",
        refused="at once on a read, which has no such code",
    ),
    Form(
        name="already-6001",
        seen="400, code `6001`: the POS transaction is taken, and the call named none",
        sent=http("400 Bad Request", _error(6001, "Linked."), JSON),
        cause=_refused(6001, "Linked."),
        write="refused",
        remedy="fail",
        refused=AT_ONCE,
    ),
    Form(
        name="unknown-code",
        seen="400, code `99999`",
        sent=http("400 Bad Request", _error(99999, "New."), JSON),
        cause=_refused(99999, "New."),
        remedy="fail",
        refused=AT_ONCE,
    ),
    Form(
        name="unknown-code-within-200",
        seen="200, code `99999`",
        sent=http("200 OK", _error(99999, "New."), JSON),
        cause=_refused(99999, "New.", 200),
        remedy="fail",
        refused=AT_ONCE,
    ),
    _drifted("code-as-text", 'code `"1003"`', b'{"message":"No.","code":"1003","status_code":400}'),
    _drifted("code-as-float", "code `1003.0`", b'{"message":"No.","code":1003.0,"status_code":400}'),
    _drifted("code-missing", "no code", b'{"message":"No.","status_code":400}'),
    _drifted(
        "code-renamed", "code under another name", b'{"message":"No.","error_code":1003,"status_code":400}'
    ),
    _drifted("status-code-missing", "no `status_code`", b'{"message":"No.","code":1003}'),
    _drifted("status-code-of-success", "`status_code: 200`", _error(1003, "No.", 200)),
    _drifted("message-missing", "no message", b'{"code":1003,"status_code":400}'),
    _drifted("error-wrapped", "the error one level deeper", b'{"error":' + _error(1003, "No.") + b"}"),
    _drifted(
        "error-with-data",
        "an error beside `data`",
        b'{"data":null,"message":"No.","code":1003,"status_code":400}',
    ),
    Form(
        name="code-as-text-within-200",
        seen='200, code `"1003"`',
        sent=http("200 OK", b'{"message":"No.","code":"1003","status_code":400}', JSON),
        cause=Cause(
            "malformed_answer",
            "status 200, and `status_code` of the answer says that the call failed",
            {"status": 200},
        ),
        refused=SIX,
    ),
)
