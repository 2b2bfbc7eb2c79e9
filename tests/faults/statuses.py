"""Forms that the status alone decides: failing servers, refused keys, redirects, no content, interim answers."""

from typing import Final

from mendflow.connectors.contract import Flaw, JsonObject
from mendflow.verifier.verdict import FaultKind

from tests.faults.form import (
    AT_ONCE,
    DATE,
    HTML,
    JSON,
    NEVER,
    SIX,
    UNCHANGED,
    Cause,
    Form,
    http,
    whole,
)

_LOST_ERROR: Final = "status {} without an error that the vendor documents; expected 2xx, or 400 with a code"
_BASE: Final = "check the connection's base URL and prefix"
_PAGE: Final = b"<!DOCTYPE html><html><body>Log in</body></html>"
_WORDS: Final = {
    300: "Multiple Choices",
    301: "Moved Permanently",
    302: "Found",
    303: "See Other",
    304: "Not Modified",
    307: "Temporary Redirect",
    308: "Permanent Redirect",
}


def _evidence(status: int, flaw: Flaw | None) -> JsonObject:
    return {"status": status} if flaw is None else {"status": status, "flaw": flaw}


def _failing(status: int, body: bytes = b"{}", flaw: Flaw | None = None, *, seen: str = "") -> Form:
    return Form(
        name=f"{status}{'-' + seen.rsplit(' ', maxsplit=1)[-1].strip('`') if seen else ''}",
        seen=f"{status}{', ' + seen if seen else ''}",
        sent=http(f"{status} Failing", body, JSON if flaw is None else HTML),
        cause=Cause(
            "server_error",
            f"the vendor's server failed with status {status}",
            _evidence(status, flaw),
        ),
        refused=f"{SIX}; five failures in a row let one call through now and then",
    )


def _passing(status: int, kind: FaultKind, word: str) -> Form:
    return Form(
        name=f"{status}-{word.lower().replace(' ', '-')}",
        seen=f"{status} {word}",
        sent=http(f"{status} {word}", b"{}", JSON),
        cause=Cause(kind, f"the vendor answered with status {status}", {"status": status}),
    )


def _shut_out(name: str, seen: str, body: bytes, media: str = JSON, flaw: Flaw | None = None) -> Form:
    return Form(
        name=name,
        seen=f"401, {seen}",
        sent=http("401 Unauthorized", body, media),
        cause=Cause(
            "unauthorized", "status 401: the vendor did not accept the credential", _evidence(401, flaw)
        ),
        write="refused",
        remedy="renew",
        refused=UNCHANGED,
    )


def _forbidden(name: str, seen: str, body: bytes, media: str = JSON, flaw: Flaw | None = None) -> Form:
    return Form(
        name=name,
        seen=f"403, {seen}",
        sent=http("403 Forbidden", body, media),
        cause=Cause("forbidden", "status 403: the credential may not do this", _evidence(403, flaw)),
        write="refused",
        remedy="fail",
        refused=AT_ONCE,
    )


def _nowhere(status: int, word: str, body: bytes, media: str = JSON, flaw: Flaw | None = None) -> Form:
    return Form(
        name=f"{status}-{'page' if flaw else 'json'}",
        seen=f"{status} {word}, {'a page' if flaw else 'JSON'}",
        sent=http(f"{status} {word}", body, media),
        cause=Cause("refused", f"status {status}: no such address; {_BASE}", _evidence(status, flaw)),
        remedy="fail",
        refused=AT_ONCE,
    )


def _moved(status: int) -> Form:
    is_final = status in {301, 308}
    told = "the address has moved" if is_final else "a redirect, which is never followed"
    return Form(
        name=f"{status}-redirect",
        seen=f"{status} {_WORDS[status]} to a login page",
        sent=http(f"{status} {_WORDS[status]}", b"", "Location: /login"),
        cause=Cause(
            "refused" if is_final else "malformed_answer",
            f"status {status}: {told}; {_BASE}",
            {"status": status, "flaw": "empty"},
        ),
        remedy="fail" if is_final else "wait",
        refused=AT_ONCE if is_final else SIX,
    )


def _odd(name: str, status: str, kind: FaultKind, body: bytes, flaw: Flaw | None, *headers: str) -> Form:
    number = int(status.split(" ", maxsplit=1)[0])
    is_refusal = kind == "refused"
    return Form(
        name=name,
        seen=f"{status}, {'nothing' if not body else 'a page' if flaw else 'JSON that is no error of the vendor'}",
        sent=http(status, body, *headers),
        cause=Cause(kind, _LOST_ERROR.format(number), _evidence(number, flaw)),
        remedy="fail" if is_refusal else "wait",
        refused=AT_ONCE if is_refusal else SIX,
    )


def _contentless(status: str) -> Form:
    number = int(status.split(" ", maxsplit=1)[0])
    return Form(
        name=f"{number}-without-body",
        seen=f"{status}, where a body is owed",
        sent=http(status, b""),
        cause=Cause(
            "malformed_answer",
            "the answer cannot be read: empty; expected one whole JSON text",
            {"status": number, "flaw": "empty"},
        ),
    )


def _interim(name: str, seen: str, before: bytes) -> Form:
    return Form(
        name=name,
        seen=seen,
        sent=lambda good: before + http("200 OK", whole, JSON)(good),
        read="done",
        write="done",
        remedy="none needed",
        refused=NEVER,
    )


def _good(name: str, status: str) -> Form:
    return Form(
        name=name,
        seen=f"{status} with a whole answer",
        sent=http(status, whole, JSON),
        read="done",
        write="done",
        remedy="none needed",
        refused=NEVER,
    )


STATUSES: Final = (
    _failing(500),
    _failing(500, b'{"message":"Contact not found.","code":55031,"status_code":500}', seen="code `55031`"),
    _failing(502, _PAGE, "html", seen="a page"),
    _failing(504),
    _failing(599),
    _passing(408, "timeout", "Request Timeout"),
    _passing(409, "server_error", "Conflict"),
    _passing(421, "server_error", "Misdirected Request"),
    _passing(425, "server_error", "Too Early"),
    _shut_out("401-oauth", "`error: invalid_token`", b'{"error":"invalid_token"}'),
    _shut_out("401-framework", "`message: Unauthenticated.`", b'{"message":"Unauthenticated."}'),
    _shut_out(
        "401-vendor",
        "a whole error of the vendor",
        b'{"message":"Unauthenticated.","code":401,"status_code":401}',
    ),
    _shut_out("401-page", "a page", _PAGE, HTML, "html"),
    _forbidden("403-scope", "a whole error", b'{"message":"No.","code":7011,"status_code":403}'),
    _forbidden("403-page", "a page of a firewall", _PAGE, HTML, "html"),
    _nowhere(404, "Not Found", b'{"message":"Not Found"}'),
    _nowhere(404, "Not Found", _PAGE, HTML, "html"),
    _nowhere(405, "Method Not Allowed", b'{"message":"No"}'),
    _nowhere(410, "Gone", b'{"message":"Gone"}'),
    *map(_moved, (301, 302, 303, 307, 308)),
    _odd("300-choices", "300 Multiple Choices", "malformed_answer", b"{}", None, JSON),
    _odd("304-not-modified", "304 Not Modified", "malformed_answer", b"", "empty"),
    _odd("400-page", "400 Bad Request", "malformed_answer", _PAGE, "html", HTML),
    _odd("400-empty", "400 Bad Request", "malformed_answer", b"", "empty"),
    _odd("406", "406 Not Acceptable", "refused", b"{}", None, JSON),
    _odd("413", "413 Content Too Large", "refused", b"{}", None, JSON),
    _odd(
        "422-validation",
        "422 Unprocessable Content",
        "refused",
        b'{"message":"Invalid.","errors":{"credits":["Too many."]}}',
        None,
        JSON,
    ),
    _contentless("204 No Content"),
    _contentless("205 Reset Content"),
    Form(
        name="206-part",
        seen="206 Partial Content, however whole it looks",
        sent=http("206 Partial Content", whole, JSON, "Content-Range: bytes 0-9/100"),
        cause=Cause(
            "malformed_answer", "status 206: a part of an answer; expected the whole", {"status": 206}
        ),
    ),
    _interim("100-continue", "100 before the answer", b"HTTP/1.1 100 Continue\r\n\r\n"),
    _interim(
        "103-early-hints", "103 before the answer", f"HTTP/1.1 103 Early Hints\r\n{DATE}\r\n\r\n".encode()
    ),
    _good("201-created", "201 Created"),
    _good("202-accepted", "202 Accepted"),
)
