"""Forms of a connection: it never stands, is cut, is silent, or carries something else than HTTP."""

from typing import Final, Literal

from mendflow.verifier.verdict import FaultKind

from tests.faults.form import DATE, JSON, Cause, Form, Manner, Place, Sent, exactly, http

_NOTHING: Final = exactly(b"")
_ALIVE: Final = "six attempts are spent; five failures in a row let one call through now and then"
_RESET: Final = "the connection was cut (ConnectionResetError)"
_HUNG_UP: Final = "the connection was cut (ConnectionAbortedError)"
_LATE: Final = "no whole answer within 0.15 s"
_NONSENSE: Final = "the answer is not HTTP/1.1 (RemoteProtocolError)"


def _cause(kind: FaultKind, reason: str, found: str, sent: Literal["no", "unknown"]) -> Cause:
    return Cause(kind, f"no answer ({reason}): {found}", {"reason": reason, "sent": sent})


def _unmet(name: str, seen: str, place: Place, reason: str, found: str) -> Form:
    return Form(
        name=name,
        seen=seen,
        place=place,
        cause=_cause("unreachable", reason, found, "no"),
        read="not_sent",
        write="not_sent",
        refused=_ALIVE,
    )


def _lost(name: str, seen: str, manner: Manner, found: str, sent: Sent = _NOTHING) -> Form:
    return Form(
        name=name,
        seen=seen,
        sent=sent,
        manner=manner,
        cause=_cause("unreachable", "reset", found, "unknown"),
        refused=_ALIVE,
    )


def _late(name: str, seen: str, manner: Manner, sent: Sent = _NOTHING) -> Form:
    return Form(
        name=name,
        seen=seen,
        sent=sent,
        manner=manner,
        cause=_cause("timeout", "timeout", _LATE, "unknown"),
        refused=_ALIVE,
    )


def _nonsense(name: str, seen: str, raw: bytes) -> Form:
    return Form(
        name=name,
        seen=seen,
        sent=exactly(raw),
        cause=_cause("unreachable", "protocol", _NONSENSE, "unknown"),
        refused=_ALIVE,
    )


CONNECTIONS: Final = (
    _unmet(
        "connection-refused",
        "nobody listens",
        "nobody listens",
        "connect",
        "no connection (ConnectionRefusedError)",
    ),
    _unmet(
        "dns", "the name has no address", "no such name", "dns", "the host's name has no address (gaierror)"
    ),
    _unmet("no-tls", "plain HTTP where TLS is due", "no TLS", "tls", "no trusted TLS connection (SSLError)"),
    _unmet(
        "untrusted-certificate",
        "a certificate that nobody trusts",
        "an untrusted certificate",
        "tls",
        "no trusted TLS connection (SSLCertVerificationError)",
    ),
    _lost("reset-before-a-byte", "a reset before the request is read", "resets at once", _RESET),
    _lost("reset-after-the-request", "a reset in place of an answer", "resets", _RESET),
    _lost("hung-up", "the far side hangs up in place of an answer", "hangs up", _HUNG_UP),
    _lost(
        "hung-up-in-the-head",
        "the far side hangs up in the midst of a header",
        "hangs up",
        _HUNG_UP,
        exactly(b"HTTP/1.1 200 OK\r\nContent-Le"),
    ),
    _late("silence", "no byte until the time-out", "stays silent"),
    _late("interim-only", "100, then silence", "stays silent", exactly(b"HTTP/1.1 100 Continue\r\n\r\n")),
    _late(
        "slow-body",
        "a body that trickles beyond the time-out",
        "trickles",
        http("200 OK", b"", JSON, length=9999),
    ),
    _late(
        "slow-header",
        "a header that trickles beyond the time-out",
        "trickles",
        exactly(f"HTTP/1.1 200 OK\r\n{DATE}".encode()),
    ),
    _nonsense("not-http", "another protocol's greeting", b"SSH-2.0-OpenSSH_9.6\r\n\r\n"),
    _nonsense(
        "101-switching",
        "101 Switching Protocols, unasked",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n",
    ),
    _nonsense("header-nonsense", "a header without colon", b"HTTP/1.1 200 OK\r\nbad header\r\n\r\n"),
    _nonsense(
        "header-huge", "a header of 300 kB", b"HTTP/1.1 200 OK\r\nX-Long: " + b"a" * 300_000 + b"\r\n\r\n"
    ),
    _nonsense(
        "header-without-end", "headers without end", b"HTTP/1.1 200 OK\r\n" + b"X-More: 1\r\n" * 30_000
    ),
    _nonsense("status-nonsense", "a status that is no number", b"HTTP/1.1 OK 200\r\n\r\n"),
)
