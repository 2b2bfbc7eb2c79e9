"""One HTTP attempt at a time: the file that knows httpx; `memory` beside it makes a transport without sockets.

It works on httpx's transports, one connection each, rather than on its client: nothing here follows redirects,
keeps cookies, reads proxies from the environment or tries twice.
"""

import asyncio
import re
import socket
import ssl
import zlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Literal, Self

import h11
import httpx

from .contract import Answer, NoAnswer
from .decode import decode, excerpt_of
from .link import Link

LARGEST_BODY: Final = 10 * 1024 * 1024
"""Bytes of a body, counted before and after decompression."""
MOST_UNFOLDED: Final = 100
"""How many times its compressed size a body may become, once it is larger than `SMALL_BODY`."""
SMALL_BODY: Final = 1024 * 1024
LONGEST_HEADER: Final = 200
WIDTH: Final = 32
"""Requests at once: as many as a map may have under way, so that none uses up its time-out by waiting."""
_HTTP: Final = 80
_HTTPS: Final = 443
_HIGHEST_PORT: Final = 65_535
_KEPT: Final = frozenset({"retry-after", "date", "content-type"})
_RATE_LIMIT: Final = re.compile(r"(?:x-)?ratelimit(?:-[a-z-]{1,40})?")
_GZIP: Final = 16 + zlib.MAX_WBITS

Phase = Literal["waiting", "given", "connecting", "sent"]
"""How far an attempt came: it waits for a connection, the transport has it, the transport says that it still
connects, the header is on its way. Only in the first and the third is it certain that nothing left."""

OpenTransport = Callable[[ssl.SSLContext], httpx.AsyncBaseTransport]
"""Makes the transport of one connection, which has one request at a time.

What it was given counts as sent, unless it proves otherwise through httpx's `trace` extension: after the event
`NOTHING_LEFT` and before `HEADER_LEAVES` it may fail, or be too late, without a byte having left.
"""
Held = Callable[[], str]
"""Says why nothing may leave now, empty where it may; asked after a connection stands, before the first byte."""
NOTHING_LEFT: Final = "connection.connect_tcp.started"
HEADER_LEAVES: Final = "http11.send_request_headers.started"


@dataclass(frozen=True, slots=True)
class WireRequest:
    """One HTTP request, ready to leave."""

    method: str
    target: str
    """Path and query, escaped, below the wire's base address."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    content: bytes = b""


@dataclass(slots=True)
class _Trip:
    """How far one attempt has come."""

    held: Held
    phase: Phase = "waiting"

    async def trace(self, event: str, _: Mapping[str, object]) -> None:
        if event == HEADER_LEAVES:
            why = self.held()
            if why:
                raise _HeldBack(why)
            self.phase = "sent"
        elif event == NOTHING_LEFT and self.phase == "given":
            self.phase = "connecting"


class _HeldBack(Exception):  # a signal within this file
    """Nothing may leave at this moment."""


class _TooLarge(Exception):  # a signal within this file
    """The body is larger than `LARGEST_BODY`, or unfolds further than `MOST_UNFOLDED`."""


class _Undecodable(Exception):  # a signal within this file
    """The body has a content coding that was not asked for, or breaks its own."""


class OneConnection(httpx.AsyncBaseTransport):
    """Real HTTP/1.1 over a connection that is kept alive, and made anew where it cannot be used again."""

    def __init__(self, tls: ssl.SSLContext) -> None:
        self._tls = tls
        self._link: Link | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Make one exchange, telling through `trace` when the header leaves."""
        url, trace = request.url, request.extensions["trace"]
        await trace(NOTHING_LEFT, {})
        with _as_httpx():
            head = h11.Request(method=request.method, target=url.raw_path, headers=request.headers.raw)
            link = await self._ready(url)
            framed = link.frame(head, request.content)
            await trace(HEADER_LEAVES, {})
            link.send(framed)
            answer = await link.head()
        return httpx.Response(answer.status_code, headers=answer.headers.raw_items(), stream=_Body(link))

    async def _ready(self, url: httpx.URL) -> Link:
        if self._link is None or not self._link.is_idle():
            await self.aclose()
            is_tls = url.scheme == "https"
            port = url.port or (_HTTPS if is_tls else _HTTP)
            self._link = await Link.open(url.raw_host.decode(), port, self._tls if is_tls else None)
        return self._link

    async def aclose(self) -> None:
        """Hang up; what was not delivered is taken back."""
        if self._link is not None:
            self._link.close()
            self._link = None
            await asyncio.sleep(0)  # asyncio closes sockets in its next round


class _Body(httpx.AsyncByteStream):
    """The body of an answer, as it comes in."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _as_httpx():
            async for piece in self._link.body():
                yield piece

    async def aclose(self) -> None:
        self._link.finish()


@contextmanager
def _as_httpx() -> Iterator[None]:
    """Say in httpx's words what went wrong."""
    try:
        yield
    except h11.LocalProtocolError as error:
        raise httpx.LocalProtocolError(str(error)) from error
    except h11.RemoteProtocolError as error:
        raise httpx.RemoteProtocolError(str(error)) from error
    except OSError as error:
        raise httpx.NetworkError(str(error)) from error


class Wire:
    """The way to one address; an async context manager.

    Up to `width` requests travel at once, each alone on a kept-alive connection; the one used last is used
    next, so that few stay warm. `timeout` covers a whole attempt, the wait for a free connection included.
    """

    def __init__(
        self,
        base_url: str,
        *,
        timeout: timedelta,
        width: int = WIDTH,
        open_transport: OpenTransport = OneConnection,
        held: Held = str,
    ) -> None:
        self._held = held
        self._base_url = base_url.rstrip("/")
        self._seconds = timeout.total_seconds()
        self._open_transport = open_transport
        self._free: list[httpx.AsyncBaseTransport] = []
        self._slots = asyncio.Semaphore(width)
        self._tls: ssl.SSLContext | None = None

    async def __aenter__(self) -> Self:
        """Load the trusted certificates, once for all connections."""
        if self._base_url.lower().startswith("https:"):
            self._tls = httpx.create_ssl_context(trust_env=False)
            self._tls.set_alpn_protocols(["http/1.1"])
        else:
            self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # trusts nobody: TLS can only fail here
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connections."""
        while self._free:
            await self._free.pop().aclose()

    async def attempt(self, request: WireRequest) -> Answer | NoAnswer:
        """Send `request` at most once and return what became of it; cancellation passes through.

        `sent` is `no` only before the first byte of the header is handed to the socket: after that, whatever
        the error is called, the far side may have acted.
        """
        if self._tls is None:
            raise RuntimeError("a Wire is used inside `async with`")
        trip = _Trip(self._held)
        try:
            outgoing = httpx.Request(
                request.method,
                self._base_url + request.target,
                headers={"accept-encoding": "gzip", "user-agent": "mendflow", **request.headers},
                content=request.content or None,
                extensions={"trace": trip.trace},
            )
        except (httpx.InvalidURL, UnicodeError, ValueError) as error:
            return NoAnswer(sent="no", reason="protocol", detail=f"the address is not valid ({_name(error)})")
        if outgoing.url.scheme not in {"http", "https"}:
            return NoAnswer(sent="no", reason="protocol", detail="the address is not http or https")
        if (outgoing.url.port or 0) > _HIGHEST_PORT:
            return NoAnswer(sent="no", reason="protocol", detail="the address has a port beyond 65535")
        try:
            async with asyncio.timeout(self._seconds), self._connection(trip, self._tls) as connection:
                return await _exchange(connection, outgoing)
        except _HeldBack as held:
            return NoAnswer(sent="no", reason="paused", detail=str(held))
        except TimeoutError:
            return _late(trip.phase, self._seconds)
        except Exception as error:  # noqa: BLE001  # a border: what else httpx lets slip must not hide a write
            return _lost(trip.phase, error)

    @asynccontextmanager
    async def _connection(self, trip: _Trip, tls: ssl.SSLContext) -> AsyncIterator[httpx.AsyncBaseTransport]:
        """Lend a connection; one that did not end its exchange in order is closed rather than used again."""
        async with self._slots:
            trip.phase = "given"
            connection = self._free.pop() if self._free else self._open_transport(tls)
            try:
                yield connection
            except BaseException:
                await connection.aclose()
                raise
            self._free.append(connection)


async def _exchange(connection: httpx.AsyncBaseTransport, request: httpx.Request) -> Answer:
    response = await connection.handle_async_request(request)
    headers = _kept(response.headers)
    content_type = headers.get("content-type", "")
    received = bytearray()
    try:
        await _receive(response, received)
    except (httpx.RemoteProtocolError, httpx.NetworkError):
        # The head is evidence that no retry brings back, so this stays an answer; its flaw says that the body
        # cannot be trusted. On a write the Verifier reads any flaw as an unknown outcome.
        return Answer(
            status=response.status_code, headers=headers, flaw="truncated", excerpt=excerpt_of(received)
        )
    except _TooLarge:
        return Answer(
            status=response.status_code, headers=headers, flaw="too_large", excerpt=excerpt_of(received)
        )
    except _Undecodable:
        return Answer(status=response.status_code, headers=headers, flaw="not_json")
    finally:
        await response.aclose()
    decoded = decode(bytes(received), content_type)
    return Answer(
        status=response.status_code,
        headers=headers,
        body=decoded.value,
        flaw=decoded.flaw,
        excerpt=decoded.excerpt,
    )


async def _receive(response: httpx.Response, received: bytearray) -> None:
    """Add the decompressed body to `received`, never more than `LARGEST_BODY` and one byte."""
    coding = response.headers.get("content-encoding", "identity").strip().lower()
    if coding not in {"identity", "gzip"}:
        raise _Undecodable
    # Inflated here, because httpx inflates a whole piece at once, however large it becomes.
    inflate = zlib.decompressobj(_GZIP) if coding == "gzip" else None
    raw_size = 0
    pieces = response.stream
    if not isinstance(pieces, httpx.AsyncByteStream):
        raise TypeError("an asynchronous transport answers with an asynchronous stream")
    async for piece in pieces:
        raw_size += len(piece)
        received += _inflated(inflate, piece, LARGEST_BODY + 1 - len(received)) if inflate else piece
        if max(raw_size, len(received)) > LARGEST_BODY:
            raise _TooLarge
        if len(received) > max(SMALL_BODY, raw_size * MOST_UNFOLDED):
            raise _TooLarge
    if inflate and inflate.unused_data:
        raise _Undecodable  # what follows the compressed body would be lost without a word
    if inflate and raw_size and not inflate.eof:
        raise httpx.ReadError("the compressed body ends early")


def _inflated(inflate: "zlib._Decompress", piece: bytes, most: int) -> bytes:
    try:
        return inflate.decompress(piece, most)
    except zlib.error as error:
        raise _Undecodable from error


def _kept(headers: httpx.Headers) -> dict[str, str]:
    kept: dict[str, str] = {}
    for name, value in headers.items():
        if name in _KEPT or _RATE_LIMIT.fullmatch(name):
            kept[name] = "".join(char for char in value if char.isprintable())[:LONGEST_HEADER]
    return kept


def _late(phase: Phase, seconds: float) -> NoAnswer:
    match phase:
        case "waiting":
            return NoAnswer(sent="no", reason="pool", detail=f"no connection was free within {seconds:g} s")
        case "connecting":
            return NoAnswer(sent="no", reason="connect", detail=f"no connection stood within {seconds:g} s")
        case "given" | "sent":
            return NoAnswer(sent="unknown", reason="timeout", detail=f"no whole answer within {seconds:g} s")


def _lost(phase: Phase, error: Exception) -> NoAnswer:
    """Name a failure of the transport. Its text is left out: it may quote what the far side sent."""
    causes = _causes(error)
    name = _name(causes[-1])
    if phase in {"given", "sent"}:
        if isinstance(error, httpx.TimeoutException):
            return NoAnswer(sent="unknown", reason="timeout", detail=f"no whole answer in time ({name})")
        if isinstance(error, httpx.ProtocolError):
            return NoAnswer(sent="unknown", reason="protocol", detail=f"the answer is not HTTP/1.1 ({name})")
        return NoAnswer(sent="unknown", reason="reset", detail=f"the connection was cut ({name})")
    if isinstance(error, httpx.ProtocolError):
        return NoAnswer(sent="no", reason="protocol", detail=f"the request is not valid HTTP/1.1 ({name})")
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return NoAnswer(sent="no", reason="dns", detail=f"the host's name has no address ({name})")
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return NoAnswer(sent="no", reason="tls", detail=f"no trusted TLS connection ({name})")
    return NoAnswer(sent="no", reason="connect", detail=f"no connection ({name})")


def _causes(error: BaseException) -> list[BaseException]:
    chain: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and following not in chain:
        chain.append(following)
        following = following.__cause__ or following.__context__
    return chain


def _name(error: BaseException) -> str:
    return type(error).__name__
