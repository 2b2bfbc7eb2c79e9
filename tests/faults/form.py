"""What one row of the table of faults says: what the far side does, and what the Verifier must make of it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal

from mendflow.connectors.contract import JsonObject
from mendflow.verifier.outcome import Standing
from mendflow.verifier.verdict import FaultKind

Sent = Callable[[bytes], bytes]
"""Makes the bytes that the far side sends; it is given the body of a good answer to the call."""
Manner = Literal[
    "answers",  # and keeps the connection
    "hangs up",  # after the bytes, in order
    "resets",  # after the bytes
    "resets at once",  # before it has read anything
    "stays silent",
    "trickles",  # the bytes one by one, for ever
]
Place = Literal[
    "here",
    "nobody listens",
    "no such name",
    "no TLS",  # plain HTTP where TLS is spoken
    "an untrusted certificate",
]
Remedy = Literal["none needed", "wait", "renew", "fail"]
"""Of a read, and of a write that is known not to have taken place. One that may have is settled, or sent again."""

DATE: Final = "Date: Sun, 22 Nov 2026 10:00:00 GMT"
"""The far side's clock; ours says noon."""
JSON: Final = "Content-Type: application/json"
HTML: Final = "Content-Type: text/html; charset=UTF-8"

SIX: Final = "six attempts are spent"
TWENTY: Final = "20 throttled attempts are spent"
DISBELIEVED: Final = (
    "20 throttled attempts are spent; the hint is not believed, so only our backoff is waited"
)
DEADLINE: Final = (
    "20 throttled attempts are spent; a wait over 5 minutes is left to a timer, over 24 h is not believed"
)
UNCHANGED: Final = "the key's source holds the same key: parked"
AT_ONCE: Final = "at once: another try would change nothing"
NEVER: Final = "–"


@dataclass(frozen=True, slots=True)
class Cause:
    """The fault as a read has it; a write whose outcome is open keeps it as its cause.

    `{operation}` in the detail stands for the operation's name.
    """

    kind: FaultKind
    detail: str
    evidence: JsonObject


@dataclass(frozen=True, slots=True)
class Form:
    """One form of fault."""

    name: str
    seen: str
    """What the far side does, for the page."""
    sent: Sent = field(default=lambda _: b"")
    writes: str = "credit_receptions.create"
    """The operation that stands for the writes."""
    manner: Manner = "answers"
    place: Place = "here"
    cause: Cause | None = None
    """None: the answer is good."""
    of_write: Cause | None = None
    """The cause for a write, where that is another one."""
    read: Standing = "refused"
    write: Standing = "unknown"
    remedy: Remedy = "wait"
    told: float = 0.0
    """Seconds that the far side asks to wait, on top of our own backoff."""
    refused: str = SIX

    @property
    def is_hasty(self) -> bool:
        """Whether the time-out is what ends it."""
        return self.manner in {"stays silent", "trickles"}


def http(status: str, body: bytes | Sent, *headers: str, length: int | None = None) -> Sent:
    """Return a whole HTTP/1.1 answer; `length` is what it claims, if not the truth."""

    def make(good: bytes) -> bytes:
        content = body if isinstance(body, bytes) else body(good)
        claimed = len(content) if length is None else length
        return _head(status, DATE, *headers, f"Content-Length: {claimed}") + content

    return make


def chunked(status: str, body: Sent, *headers: str, end: bytes = b"0\r\n\r\n") -> Sent:
    """Return an answer in one chunk, with `end` behind it."""

    def make(good: bytes) -> bytes:
        content = body(good)
        head = _head(status, DATE, *headers, "Transfer-Encoding: chunked")
        return head + f"{len(content):x}\r\n".encode() + content + b"\r\n" + end

    return make


def exactly(raw: bytes) -> Sent:
    """Return these bytes, whatever the call."""
    return lambda _: raw


def whole(good: bytes) -> bytes:
    """Return the good body as it is."""
    return good


def _head(status: str, *lines: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode("latin-1")
