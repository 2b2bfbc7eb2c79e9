"""What a connection can do to a request, and that the wire tells the truth about it: once at most, never again."""

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Literal

import pytest
from mendflow.connectors.contract import Answer, NoAnswer
from mendflow.connectors.wire import OneConnection, Wire, WireRequest

CERTIFICATE = Path(__file__).parent / "data" / "localhost.pem"
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
LONG = timedelta(seconds=20)
SHORT = timedelta(milliseconds=100)
LARGE = b"x" * 4_000_000
JSON = {"content-type": "application/json"}
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 11\r\n\r\n"
BODY = b'{"data": 1}'
GOOD = Answer(status=200, headers=JSON, body={"data": 1})
HALF = Answer(status=200, headers=JSON, flaw="truncated", excerpt='{"data')
NO_BODY = Answer(status=200, headers=JSON, flaw="empty")
CUT = NoAnswer(sent="unknown", reason="reset", detail="the connection was cut (ConnectionAbortedError)")
RESET = NoAnswer(sent="unknown", reason="reset", detail="the connection was cut (ConnectionResetError)")
NONSENSE = NoAnswer(
    sent="unknown", reason="protocol", detail="the answer is not HTTP/1.1 (RemoteProtocolError)"
)
LATE = NoAnswer(sent="unknown", reason="timeout", detail="no whole answer within 0.1 s")

End = Literal["keep", "close", "reset", "half-close", "cut"]
"""`cut` closes at once, without the words that TLS has for it."""


@dataclass(frozen=True)
class Play:
    """What the far side does with a request: from when on, what it says, and how it leaves the connection."""

    when: Literal["byte", "header", "whole"] = "whole"
    say: bytes = b""
    end: End = "keep"
    later: bytes = b""
    """Said a round of the loop after the rest."""


@dataclass
class Far:
    """The far side: plays by the request's path, and keeps all that came in, connection by connection."""

    plays: Mapping[bytes, Play]
    came_in: list[bytearray] = field(default_factory=list)
    lines: list["Line"] = field(default_factory=list)

    @asynccontextmanager
    async def listening(self, *, tls: bool = False, width: int = 16) -> AsyncIterator[Wire]:
        """Listen on a free port, and open a wire to it."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: Line(self), "127.0.0.1", 0, ssl=server_side() if tls else None
        )
        url = f"http{'s' * tls}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        wire = Wire(url, timeout=LONG, width=width, open_transport=lambda _: OneConnection(client_side()))
        async with server, wire:
            yield wire
            for line in self.lines:
                line.leave("close")

    def arrivals(self, path: bytes = b"/x") -> int:
        """Count how often the request for a path, or the beginning of it, came in."""
        return sum(came_in.count(b" " + path + b" ") for came_in in self.came_in)


class Line(asyncio.Protocol):
    """One connection at the far side."""

    def __init__(self, far: Far) -> None:
        self._far = far
        self._came_in = bytearray()
        self._answered = 0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._far.came_in.append(self._came_in)
        self._far.lines.append(self)

    def data_received(self, data: bytes) -> None:
        self._came_in += data
        head, end_of_head, body = bytes(self._came_in[self._answered :]).partition(b"\r\n\r\n")
        if not head:
            return
        play = self._far.plays.get(head.split(b" ")[1], Play(say=OK))
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or b"0")
        if play.when == "byte" or (end_of_head and (play.when == "header" or len(body) >= length)):
            self._answered += len(head) + len(end_of_head) + length
            self.say(play.say.removesuffix(BODY) if head.startswith(b"HEAD") else play.say)
            if play.later:
                asyncio.get_running_loop().call_soon(self.say, play.later)
            self.leave(play.end)

    def say(self, text: bytes) -> None:
        assert self._transport is not None
        if not self._transport.is_closing():
            self._transport.write(text)

    def leave(self, end: End) -> None:
        assert self._transport is not None
        if end == "half-close":
            self._transport.write_eof()
        elif end == "close":
            self._transport.close()
        elif end in {"reset", "cut"}:
            linger = struct.pack("ii", end == "reset", 0)
            self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self._transport.abort()


@cache
def server_side() -> ssl.SSLContext:
    """Return what the far side proves itself with."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


@cache
def client_side() -> ssl.SSLContext:
    """Return what believes the far side."""
    return ssl.create_default_context(cafile=CERTIFICATE)


def request(method: str = "POST", target: str = "/x", body: bytes = b'{"a": 1}') -> WireRequest:
    """Return a request, with a body where its method has one."""
    return WireRequest(method, target, content=body if method in {"POST", "PUT", "PATCH"} else b"")


OK = HEAD + BODY
LAST = OK.replace(b"\r\n", b"\r\nconnection: close\r\n", 1)
STALE = OK.replace(b"1}", b"7}")
BIG = HEAD.replace(b"11", b"65462") + b'"' + b"a" * 65_460 + b'"'
"""An answer that fills one read of 64 KiB to the last byte."""

ANSWERED = {  # what is said, and on how many connections that request and the next one came in
    "kept alive": (OK, "keep", 1),
    "closed afterwards": (OK, "close", 2),
    "said to be the last": (LAST, "keep", 2),
    "HTTP/1.0": (OK.replace(b"1.1", b"1.0"), "close", 2),
    "100 Continue before it": (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, "keep", 1),
    "103 Early Hints before it": (b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + OK, "keep", 1),
    "a second answer behind it": (OK + STALE, "keep", 2),
    "a piece of a second answer behind it": (OK + STALE[:9], "keep", 2),
}
CUT_OFF = {
    "closed at the first byte": (Play("byte", end="close"), CUT),
    "reset at the first byte": (Play("byte", end="reset"), RESET),
    "closed after the header": (Play("header", end="close"), CUT),
    "reset after the header": (Play("header", end="reset"), RESET),
    "closed after the whole request": (Play(end="close"), CUT),
    "reset after the whole request": (Play(end="reset"), RESET),
    "half-closed after the whole request": (Play(end="half-close"), CUT),
    "closed within the status line": (Play(say=b"HTTP/1.1 20", end="close"), CUT),
    "closed within the head": (Play(say=HEAD[:-2], end="close"), CUT),
    "closed after 100 Continue": (Play(say=b"HTTP/1.1 100 Continue\r\n\r\n", end="close"), CUT),
    "another protocol": (Play(say=b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n"), NONSENSE),
    "nonsense": (Play(say=b"SSH-2.0-far\r\n\r\n"), NONSENSE),
    "closed within the body": (Play(say=HEAD + BODY[:6], end="close"), HALF),
    "half-closed within the body": (Play(say=HEAD + BODY[:6], end="half-close"), HALF),
}
over_plain_and_tls = pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
by_each_method = pytest.mark.parametrize("method", METHODS)
by_each_method_and_over_tls = pytest.mark.parametrize(
    ("method", "tls"), [*((method, False) for method in METHODS), ("GET", True), ("POST", True)]
)


@by_each_method
@pytest.mark.parametrize("warm", [False, True], ids=["fresh", "warm"])
@pytest.mark.parametrize(("play", "outcome"), CUT_OFF.values(), ids=CUT_OFF)
async def test_cut_request_came_in_once_and_is_never_called_unsent(
    method: str, *, warm: bool, play: Play, outcome: Answer | NoAnswer
) -> None:
    """Wherever a connection ends: one arrival, an open outcome, and nothing more on that connection."""
    far = Far({b"/x": play})
    async with far.listening() as wire:
        await assert_told(far, wire, method, warm=warm, outcome=outcome)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("play", "outcome"),
    [row for row in CUT_OFF.values() if row[0].end != "half-close"],  # TLS has no half of a connection
    ids=[name for name, row in CUT_OFF.items() if row[0].end != "half-close"],
)
async def test_cut_request_over_tls_came_in_once_and_is_never_called_unsent(
    method: str, play: Play, outcome: Answer | NoAnswer
) -> None:
    """Wherever a TLS connection ends: one arrival, an open outcome, and nothing more on that connection."""
    far = Far({b"/x": play})
    async with far.listening(tls=True) as wire:
        await assert_told(far, wire, method, warm=True, outcome=outcome)


async def assert_told(far: Far, wire: Wire, method: str, *, warm: bool, outcome: Answer | NoAnswer) -> None:
    """Make a request that is cut, and one after it, and hold what was told against what came in."""
    if warm:
        assert await wire.attempt(request("GET", "/warm")) == GOOD
    told = await wire.attempt(request(method))
    assert told == (NO_BODY if method == "HEAD" and outcome == HALF else outcome)
    assert await wire.attempt(request("GET", "/after")) == GOOD
    assert (far.arrivals(), far.arrivals(b"/after"), len(far.came_in)) == (1, 1, 2)
    assert b"/after" not in far.came_in[0]


@over_plain_and_tls
async def test_silence_is_unknown_and_the_silent_connection_is_left(*, tls: bool) -> None:
    """Without an answer in time each method's request came in once, and nothing else follows it."""
    far = Far({b"/x": Play(), b"/half": Play(say=HEAD + BODY[:6])})
    async with far.listening(tls=tls) as wire:
        for path in ("/x", "/half"):
            for method in METHODS:
                wire._seconds = LONG.total_seconds()
                assert await wire.attempt(request("GET", "/warm")) == GOOD
                wire._seconds = SHORT.total_seconds()
                told = await wire.attempt(request(method, path))
                assert told == (NO_BODY if (method, path) == ("HEAD", "/half") else LATE)
    assert [far.arrivals(b"/x"), far.arrivals(b"/half")] == [len(METHODS)] * 2
    assert all(came_in.count(b" HTTP/1.1") <= 2 for came_in in far.came_in if b"HEAD /half" not in came_in)


@by_each_method_and_over_tls
@pytest.mark.parametrize(("say", "end", "connections"), ANSWERED.values(), ids=ANSWERED)
async def test_answered_request_came_in_once(
    method: str, *, tls: bool, say: bytes, end: End, connections: int
) -> None:
    """An answer counts however it is wrapped, and what comes behind it answers no later request."""
    far = Far({b"/x": Play(say=say, end=end)})
    async with far.listening(tls=tls) as wire:
        told = [await wire.attempt(request(method)), await wire.attempt(request("GET", "/after"))]
    assert told == [NO_BODY if method == "HEAD" else GOOD, GOOD]
    assert (far.arrivals(), far.arrivals(b"/after"), len(far.came_in)) == (1, 1, connections)


@over_plain_and_tls
async def test_second_answer_behind_a_full_read_answers_no_later_request(*, tls: bool) -> None:
    """A stale answer is not taken where the first one ended with the last byte of a read."""
    far = Far({b"/x": Play(say=BIG + STALE)})
    assert len(BIG) == 2**16
    async with far.listening(tls=tls) as wire:
        told = [await wire.attempt(request("GET")), await wire.attempt(request("GET", "/after"))]
    assert told == [Answer(status=200, headers=JSON, body="a" * 65_460), GOOD]
    assert len(far.came_in) == 2


@by_each_method_and_over_tls
@pytest.mark.parametrize("end", ["cut", "reset"])
@pytest.mark.parametrize("rounds", [1, 5], ids=["at that moment", "before"])
async def test_connection_that_ended_while_idle_is_not_written_to(
    method: str, *, tls: bool, end: End, rounds: int
) -> None:
    """Where the far side had hung up, nothing was sent there, and the request comes in once on a new connection."""
    far = Far({})
    async with far.listening(tls=tls) as wire:
        assert await wire.attempt(request("GET", "/warm")) == GOOD
        far.lines[0].leave(end)
        for _ in range(rounds):  # asyncio closes in its next round; our side hears of it in the one after
            await asyncio.sleep(0)
        assert await wire.attempt(request(method)) == (NO_BODY if method == "HEAD" else GOOD)
    assert [came_in.count(b" /x ") for came_in in far.came_in] == [0, 1]


@over_plain_and_tls
@pytest.mark.parametrize("rounds", [0, 5], ids=["at that moment", "before"])
async def test_word_said_unasked_ends_an_idle_connection(*, tls: bool, rounds: int) -> None:
    """A time-out page (408) that comes between two requests answers none of them."""
    far = Far({})
    async with far.listening(tls=tls) as wire:
        assert await wire.attempt(request("GET", "/warm")) == GOOD
        far.lines[0].say(b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n")
        for _ in range(rounds):
            await asyncio.sleep(0)
        assert await wire.attempt(request()) == GOOD
    assert [came_in.count(b" /x ") for came_in in far.came_in] == [0, 1]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
@pytest.mark.parametrize("end", ["close", "reset"])
async def test_far_side_that_hangs_up_on_a_large_body_is_unknown(method: str, end: End) -> None:
    """A request that was cut while it was being written may have been enough to act on."""
    far = Far({b"/x": Play("header", end=end)})
    async with far.listening() as wire:
        assert await wire.attempt(request("GET", "/warm")) == GOOD
        told = await wire.attempt(request(method, body=LARGE))
        assert await wire.attempt(request("GET", "/after")) == GOOD
    assert isinstance(told, NoAnswer)
    assert (told.sent, told.reason) == ("unknown", "reset")
    assert (far.arrivals(), len(far.came_in)) == (1, 2)
    assert len(far.came_in[0]) < len(LARGE)


@pytest.mark.parametrize("end", ["keep", "close"])
async def test_refusal_of_a_large_body_is_heard(end: End) -> None:
    """A far side that answers before it has read the whole request is heard, and gets no second one there."""
    refusal = (
        b"HTTP/1.1 413 Content Too Large\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
    )
    far = Far({b"/x": Play("header", refusal, end)})
    async with far.listening() as wire:
        assert await wire.attempt(request(body=LARGE)) == Answer(status=413, headers=JSON, body={})
        assert await wire.attempt(request("GET", "/after")) == GOOD
    assert (far.arrivals(), len(far.came_in)) == (1, 2)


@over_plain_and_tls
@pytest.mark.parametrize("warm", [False, True], ids=["fresh", "warm"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_cancelled_at_any_moment_it_leaves_no_half_exchange_behind(
    method: str, *, tls: bool, warm: bool
) -> None:
    """Cancelled after any number of rounds of the loop: at most one arrival, and a fresh connection afterwards."""
    is_over = False
    for rounds in range(1000):
        far = Far({b"/x": Play(say=HEAD + BODY[:6], end="keep", later=BODY[6:])})
        async with far.listening(tls=tls, width=1) as wire:
            if warm:
                assert await wire.attempt(request("GET", "/warm")) == GOOD
            attempt = asyncio.ensure_future(wire.attempt(request(method)))
            for _ in range(rounds):
                await asyncio.sleep(0)
            is_over = attempt.done()
            attempt.cancel()
            await asyncio.wait([attempt])
            assert attempt.cancelled() != is_over
            assert await wire.attempt(request("GET", "/after")) == GOOD
        assert far.arrivals() <= 1
        for came_in in far.came_in:
            assert is_over or not (b" /x " in came_in and b" /after " in came_in)
        if is_over:
            break
    assert is_over
