"""A transport without sockets: what httpx would send is carried to a desk of the sandbox in this process."""

from collections.abc import AsyncIterator
from urllib.parse import parse_qsl

import httpx

from .sandbox.courier import Carrier
from .sandbox.desk import Incoming
from .wire import HEADER_LEAVES, NOTHING_LEFT


class InMemory(httpx.AsyncBaseTransport):
    """One connection to whatever stands behind a carrier."""

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Make one exchange, telling through `trace` when the header leaves; raise httpx's own errors."""
        trace = request.extensions["trace"]
        await trace(NOTHING_LEFT, {})
        incoming = _incoming(request, await request.aread())
        answer = await self._carrier.carry(incoming, lambda: trace(HEADER_LEAVES, {}))
        if answer == "refused":
            raise httpx.ConnectError("refused")
        if answer == "cut":
            raise httpx.ReadError("the far side hung up")
        body = _Body(answer.shown, torn=answer.torn)
        return httpx.Response(answer.status, headers=answer.headers, stream=body)


class _Body(httpx.AsyncByteStream):
    def __init__(self, content: bytes, *, torn: bool) -> None:
        self._content = content
        self._torn = torn

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._content
        if self._torn:
            raise httpx.RemoteProtocolError("peer closed connection without sending complete message body")


def _incoming(request: httpx.Request, body: bytes) -> Incoming:
    return Incoming(
        method=request.method,
        path=request.url.path,
        query=tuple(parse_qsl(request.url.query.decode())),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=body,
    )
