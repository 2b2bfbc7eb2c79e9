"""A far side that plays one row: exact bytes on a loopback socket, or a connection that ends as the row says."""

import asyncio
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from socket import SO_LINGER, SOL_SOCKET

from tests.faults.form import Form

_CERTIFICATE = Path(__file__).parents[1] / "connectors" / "data" / "localhost.pem"
_AT_ONCE = struct.pack("ii", 1, 0)


class Far:
    """Plays a form to everybody who connects, and counts the requests that came in."""

    def __init__(self, form: Form, good: bytes) -> None:
        self.requests = 0
        self._form = form
        self._sent = form.sent(good)
        self._serving: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    @asynccontextmanager
    async def standing(self) -> AsyncIterator[str]:
        """Return the address at which the form is met."""
        if self._form.place == "no such name":
            yield "https://nowhere.invalid"  # RFC 6761, 6.4: it never has an address
            return
        tls = _untrusted() if self._form.place == "an untrusted certificate" else None
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=tls)
        is_https = self._form.place in {"no TLS", "an untrusted certificate"}
        port = server.sockets[0].getsockname()[1]
        if self._form.place == "nobody listens":
            server.close()
            await server.wait_closed()
        try:
            yield f"{'https' if is_https else 'http'}://127.0.0.1:{port}"
        finally:
            server.close()
            for task, writer in self._serving.items():
                writer.transport.abort()
                await asyncio.wait([task])

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._serving[task] = writer
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            try:
                await self._play(reader, writer)
            finally:
                writer.transport.abort()

    async def _play(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._form.manner == "resets at once":
            _reset(writer)
            return
        if self._form.place == "no TLS":
            await reader.read(1)
            writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
            writer.write_eof()
            await reader.read()
            return
        await _one_request(reader)
        self.requests += 1
        if self._form.manner == "trickles":
            await _trickle(writer, self._sent)
        writer.write(self._sent)
        await writer.drain()
        match self._form.manner:
            case "hangs up":
                writer.write_eof()
            case "resets":
                await asyncio.sleep(0)
                _reset(writer)
                return
        await reader.read()  # until the caller has hung up


def _untrusted() -> ssl.SSLContext:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(_CERTIFICATE)
    return tls


async def _one_request(reader: asyncio.StreamReader) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    lengths = (line[15:] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    await reader.readexactly(int(next(lengths, b"0")))


async def _trickle(writer: asyncio.StreamWriter, sent: bytes) -> None:
    writer.write(sent)
    while not writer.is_closing():
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.01)


def _reset(writer: asyncio.StreamWriter) -> None:
    writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, _AT_ONCE)
    writer.transport.abort()
