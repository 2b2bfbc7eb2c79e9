"""One connection that carries one HTTP/1.1 exchange at a time, on asyncio's transports and h11.

httpx's own connections hold what came in where nobody can look, so that a second answer on a TLS connection is
taken for the next one, and when they are closed the system goes on sending what it holds. Here each byte that
came unasked is seen, and a connection that is given up takes back what was not yet delivered.
"""

import asyncio
import select
import ssl
import struct
from asyncio.trsock import TransportSocket
from collections.abc import AsyncIterator
from socket import SO_LINGER, SOCK_STREAM, SOL_SOCKET
from typing import Final, Self

import h11

LONGEST_HEAD: Final = 100 * 1024
_TRIED_FOR: Final = 2.0  # seconds for an address while there is another one
# On close, drop what was not delivered; else the system sends it again for minutes, even after a kill.
_TAKE_BACK: Final = struct.pack("ii", 1, 0)
_IN_ORDER: Final = struct.pack("ii", 0, 0)


class Link(asyncio.Protocol):
    """One connection, from `open` to `close`. What goes wrong is an `OSError` or h11's `ProtocolError`."""

    def __init__(self) -> None:
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=LONGEST_HEAD)
        self._transport: asyncio.Transport | None = None
        self._arrival = asyncio.Event()
        self._ended = False
        self._error: Exception | None = None

    @classmethod
    async def open(cls, host: str, port: int, tls: ssl.SSLContext | None) -> Self:
        """Connect, by TLS where it is given; no byte of a request leaves."""
        *others, last = await asyncio.get_running_loop().getaddrinfo(host, port, type=SOCK_STREAM)
        for *_, address in others:
            try:
                async with asyncio.timeout(_TRIED_FOR):
                    return await cls._connect(str(address[0]), port, tls, host)
            except OSError:
                continue
        return await cls._connect(str(last[-1][0]), port, tls, host)

    @classmethod
    async def _connect(cls, address: str, port: int, tls: ssl.SSLContext | None, host: str) -> Self:
        # asyncio's own race of addresses (`happy_eyeballs_delay`) loses a socket when it is cancelled.
        transport, link = await asyncio.get_running_loop().create_connection(
            cls, address, port, ssl=tls, server_hostname=host if tls else None
        )
        link._transport = transport  # noqa: SLF001  # of this very class
        _socket_of(transport).setsockopt(SOL_SOCKET, SO_LINGER, _TAKE_BACK)
        return link

    def is_idle(self) -> bool:
        """Tell whether a request can leave here: all is answered, nothing came unasked, nobody hung up."""
        if self._transport is None or self._ended or self._transport.is_closing():
            return False
        if self._http.our_state is not h11.IDLE:
            return False
        arrivals = select.poll()
        arrivals.register(_socket_of(self._transport), select.POLLIN)
        return not arrivals.poll(0)

    def frame(self, head: h11.Request, body: bytes) -> bytes:
        """Return the request as it leaves with `send`."""
        events: tuple[h11.Event, ...] = (head, h11.Data(data=body), h11.EndOfMessage())
        return b"".join(self._http.send(event) or b"" for event in events)

    def send(self, framed: bytes) -> None:
        """Let the bytes go, without waiting: a far side that does not take them all may answer all the same."""
        if self._transport is None:
            raise RuntimeError("a link is opened before it sends")
        self._transport.write(framed)

    async def head(self) -> h11.Response:
        """Return the answer's status and headers; interim answers (1xx) are passed over."""
        event = await self._next()
        while isinstance(event, h11.InformationalResponse):
            event = await self._next()
        if not isinstance(event, h11.Response):
            raise h11.RemoteProtocolError("the far side gave something else than an answer")
        return event

    async def body(self) -> AsyncIterator[bytes]:
        """Yield the answer's body as it comes in."""
        while isinstance(event := await self._next(), h11.Data):
            yield bytes(event.data)

    def finish(self) -> None:
        """End an exchange: the link is idle afterwards, or closed where it cannot be used again."""
        is_whole = self._http.our_state is h11.DONE and self._http.their_state is h11.DONE
        is_sent = self._transport is not None and not self._transport.get_write_buffer_size()
        if is_whole and is_sent and self._http.trailing_data == (b"", False):
            self._http.start_next_cycle()
        else:
            self.close()

    def close(self) -> None:
        """Hang up: in order when idle, else taking back what was not delivered. Nothing leaves afterwards."""
        if self._transport is None:
            return
        if self.is_idle():
            _socket_of(self._transport).setsockopt(SOL_SOCKET, SO_LINGER, _IN_ORDER)
        self._transport.abort()

    async def _next(self) -> h11.Event:
        while not isinstance(event := self._http.next_event(), h11.Event):
            if not self._ended:
                self._arrival.clear()
                await self._arrival.wait()
            elif self._error is not None:
                raise ConnectionResetError("the connection was lost") from self._error
            elif self._http.their_state is h11.SEND_RESPONSE:
                raise ConnectionAbortedError("the far side hung up before it answered")
            else:
                self._http.receive_data(b"")  # h11's word for the end
        return event

    def data_received(self, data: bytes) -> None:
        """Keep what came in, or hang up when nothing was asked; asyncio calls it."""
        if self._http.our_state is h11.IDLE:
            self.close()
        else:
            self._http.receive_data(data)
            self._arrival.set()

    def eof_received(self) -> None:
        """Note that the far side will say no more; asyncio calls it."""
        self._ended = True
        self._arrival.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that the connection is no more, and why; asyncio calls it."""
        self._ended, self._error = True, exc
        self._arrival.set()


def _socket_of(transport: asyncio.Transport) -> TransportSocket:
    found: TransportSocket = transport.get_extra_info("socket")
    return found
