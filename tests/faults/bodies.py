"""Forms of a body under status 200: media types, framing, compression, encodings, and what JSON must not hold."""

import gzip
from typing import Final

from mendflow.connectors.contract import Flaw, JsonObject
from mendflow.connectors.decode import DEEPEST, MOST_ITEMS
from mendflow.connectors.wire import LARGEST_BODY, SMALL_BODY

from tests.faults.form import HTML, JSON, NEVER, Cause, Form, Manner, Sent, chunked, exactly, http, whole

_GZIP: Final = "Content-Encoding: gzip"
_LOGIN: Final = b"<!DOCTYPE html><html><body><form action='/login'></form></body></html>"


def _unwell(name: str, seen: str, flaw: Flaw, sent: Sent, manner: Manner = "answers") -> Form:
    return Form(
        name=name,
        seen=seen,
        sent=sent,
        manner=manner,
        cause=Cause(
            "malformed_answer",
            f"the answer cannot be read: {flaw.replace('_', ' ')}; expected one whole JSON text",
            {"status": 200, "flaw": flaw},
        ),
    )


def _well(name: str, seen: str, sent: Sent, manner: Manner = "answers") -> Form:
    return Form(
        name=name,
        seen=seen,
        sent=sent,
        manner=manner,
        read="done",
        write="done",
        remedy="none needed",
        refused=NEVER,
    )


def _drifted(name: str, seen: str, body: bytes, change: str, found: str) -> Form:
    difference: JsonObject = {"path": "", "change": change, "expected": "object", "found": found}
    return Form(
        name=name,
        seen=seen,
        sent=http("200 OK", body, JSON),
        cause=Cause(
            "drift",
            f"the answer breaks the contract of `{{operation}}`: the whole should be object and is {found}",
            {"differences": [difference]},
        ),
    )


def _denied(name: str, seen: str, beside: bytes, names: str) -> Form:
    return Form(
        name=name,
        seen=seen,
        sent=http("200 OK", _with(beside), JSON),
        cause=Cause(
            "malformed_answer",
            f"status 200, and {names} of the answer says that the call failed",
            {"status": 200},
        ),
    )


def _with(beside: bytes) -> Sent:
    """Add members to the good body's envelope."""
    return lambda good: good[:-1] + b"," + beside + b"}"


def _zipped(good: bytes) -> bytes:
    return gzip.compress(good, mtime=0)


def _bomb(size: int) -> bytes:
    return gzip.compress(b'"' + b"a" * size + b'"', mtime=0)


BODIES: Final = (
    _unwell("html", "a page", "html", http("200 OK", _LOGIN, HTML)),
    _unwell(
        "login-page-as-json", "a login page that calls itself JSON", "html", http("200 OK", _LOGIN, JSON)
    ),
    _unwell("plain-text", "`OK`", "not_json", http("200 OK", b"OK", "Content-Type: text/plain")),
    _unwell("xml", "XML", "not_json", http("200 OK", b"<?xml version='1.0'?><a/>", JSON)),
    _unwell("empty", "no body", "empty", http("200 OK", b"", JSON)),
    _unwell("white-space", "white space only", "empty", http("200 OK", b" \r\n", JSON)),
    _well("wrong-media-type", "good JSON as `text/html`", http("200 OK", whole, HTML)),
    _well("missing-media-type", "good JSON without `Content-Type`", http("200 OK", whole)),
    _unwell(
        "utf-16",
        "good JSON in UTF-16",
        "not_json",
        http("200 OK", lambda good: good.decode().encode("utf-16"), JSON),
    ),
    _unwell(
        "byte-order-mark",
        "good JSON behind a byte order mark",
        "not_json",
        http("200 OK", lambda good: b"\xef\xbb\xbf" + good, JSON),
    ),
    _unwell(
        "latin-1",
        "a letter in ISO 8859-1",
        "not_json",
        http("200 OK", _with(b'"note":"caf\xe9"'), "Content-Type: application/json; charset=ISO-8859-1"),
    ),
    _unwell(
        "truncated-json",
        "JSON that ends in its midst",
        "truncated",
        http("200 OK", lambda good: good[:-9], JSON),
    ),
    _unwell(
        "content-length-too-long",
        "fewer bytes than `Content-Length` says",
        "truncated",
        http("200 OK", whole, JSON, length=5000),
        "hangs up",
    ),
    _unwell(
        "content-length-too-short",
        "more bytes than `Content-Length` says",
        "truncated",
        http("200 OK", whole, JSON, length=10),
    ),
    _unwell(
        "reset-in-the-body",
        "a reset in the midst of the body",
        "truncated",
        http("200 OK", whole, JSON, length=5000),
        "resets",
    ),
    _well("chunked", "one chunk", chunked("200 OK", whole, JSON)),
    _unwell(
        "chunked-cut-off",
        "the last chunk is missing",
        "truncated",
        chunked("200 OK", whole, JSON, end=b""),
        "hangs up",
    ),
    _unwell(
        "chunk-size-nonsense",
        "a chunk without size",
        "truncated",
        chunked("200 OK", whole, JSON, end=b"zz\r\n"),
    ),
    _well(
        "until-close",
        "no length, the connection ends behind the body",
        lambda good: b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + good,
        "hangs up",
    ),
    _unwell(
        "until-close-cut-off",
        "no length, the connection ends in its midst",
        "truncated",
        lambda good: b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + good[:-9],
        "hangs up",
    ),
    _well("gzip", "good JSON in gzip", http("200 OK", _zipped, JSON, _GZIP)),
    _unwell(
        "gzip-cut",
        "gzip that ends in its midst",
        "truncated",
        http("200 OK", lambda good: _zipped(good)[:-12], JSON, _GZIP),
    ),
    _unwell("gzip-garbage", "gzip that is none", "not_json", http("200 OK", whole, JSON, _GZIP)),
    _unwell(
        "gzip-and-more",
        "something behind the gzip",
        "not_json",
        http("200 OK", lambda good: _zipped(good) * 2, JSON, _GZIP),
    ),
    _unwell(
        "unknown-encoding",
        "`Content-Encoding: br`",
        "not_json",
        http("200 OK", whole, JSON, "Content-Encoding: br"),
    ),
    _unwell(
        "gzip-bomb",
        "gzip that unfolds beyond 10 MiB",
        "too_large",
        http("200 OK", _bomb(LARGEST_BODY * 2), JSON, _GZIP),
    ),
    _unwell(
        "gzip-ratio",
        "gzip that unfolds more than a hundredfold, beyond 1 MiB",
        "too_large",
        http("200 OK", _bomb(SMALL_BODY * 2), JSON, _GZIP),
    ),
    _unwell("too-large", "more than 10 MiB", "too_large", http("200 OK", b" " * (LARGEST_BODY + 1), JSON)),
    _unwell(
        "too-deep",
        "nested deeper than 64 levels",
        "too_deep",
        http("200 OK", b"[" * (DEEPEST + 1) + b"]" * (DEEPEST + 1), JSON),
    ),
    _unwell("far-too-deep", "nested 100,000 levels deep", "too_deep", http("200 OK", b"[" * 100_000, JSON)),
    _unwell(
        "too-many",
        "more than a million values",
        "too_many",
        http("200 OK", b'{"data":[' + b"1," * MOST_ITEMS + b"1]}", JSON),
    ),
    _unwell(
        "duplicate-key",
        "`data` twice",
        "duplicate_key",
        http("200 OK", lambda good: b'{"data":null,' + good[1:], JSON),
    ),
    _unwell("nan", "`NaN`", "not_a_number", http("200 OK", _with(b'"n":NaN'), JSON)),
    _unwell("infinity", "`-Infinity`", "not_a_number", http("200 OK", _with(b'"n":-Infinity'), JSON)),
    _unwell("1e400", "`1e400`", "not_a_number", http("200 OK", _with(b'"n":1e400'), JSON)),
    _unwell(
        "beyond-64-bit",
        "a whole number beyond 64 bit",
        "not_a_number",
        http("200 OK", _with(b'"n":18446744073709551616'), JSON),
    ),
    _unwell("lone-surrogate", r"`\ud800`", "not_json", http("200 OK", _with(rb'"n":"\ud800"'), JSON)),
    _unwell("two-texts", "two JSON texts", "not_json", http("200 OK", lambda good: good * 2, JSON)),
    _unwell(
        "trailing-comma", "a comma too many", "not_json", http("200 OK", lambda good: good[:-1] + b",}", JSON)
    ),
    _drifted("null-data", "`data: null`", b'{"data":null,"meta":{}}', "nulled", "null"),
    _drifted(
        "list-for-object", "a list where an object is due", b'{"data":[],"meta":[]}', "retyped", "array"
    ),
    _drifted(
        "text-for-object", "a text where an object is due", b'{"data":"ok","meta":[]}', "retyped", "string"
    ),
    Form(
        name="no-data",
        seen="JSON without `data`",
        sent=http("200 OK", b'{"result":true}', JSON),
        cause=Cause("drift", "the answer has no `data`, which every success holds", {"status": 200}),
    ),
    Form(
        name="not-an-envelope",
        seen="a list in place of the envelope",
        sent=http("200 OK", b"[]", JSON),
        cause=Cause("drift", "the answer has no `data`, which every success holds", {"status": 200}),
    ),
    _denied("success-false", "good data, and `success: false`", b'"success":false', "`success`"),
    _denied(
        "successful-false",
        "good data in Composio's wrapper, with `successful: false` and an `error`",
        b'"error":"No.","successful":false',
        "`successful`, `error`",
    ),
    _denied(
        "errors-beside-data", "good data, and `errors`", b'"errors":{"credits":["Too many."]}', "`errors`"
    ),
    _denied(
        "error-beside-data",
        "good data, and an error of the vendor",
        b'"message":"No.","code":1015,"status_code":400',
        "`status_code`",
    ),
    _well(
        "second-answer",
        "another answer behind it, unasked",
        lambda good: http("200 OK", whole, JSON)(good) + http("200 OK", b"{}", JSON)(good),
    ),
    Form(
        name="content-length-too-long-and-silence",
        seen="fewer bytes than `Content-Length` says, then silence",
        sent=http("200 OK", whole, JSON, length=5000),
        manner="stays silent",
        cause=Cause(
            "timeout",
            "no answer (timeout): no whole answer within 0.15 s",
            {"reason": "timeout", "sent": "unknown"},
        ),
    ),
    *(
        Form(
            name=name,
            seen=seen,
            sent=exactly(head + b"\r\n{}"),
            cause=Cause(
                "unreachable",
                "no answer (protocol): the answer is not HTTP/1.1 (RemoteProtocolError)",
                {"reason": "protocol", "sent": "unknown"},
            ),
        )
        for name, seen, head in (
            (
                "two-lengths",
                "two `Content-Length` that differ",
                b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n",
            ),
            ("length-nonsense", "`Content-Length: -1`", b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n"),
        )
    ),
)
