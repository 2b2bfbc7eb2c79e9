import asyncio
import gzip
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import httpx
import pytest
from mendflow.connectors.contract import Answer, NoAnswer
from mendflow.connectors.wire import LARGEST_BODY, SMALL_BODY, Wire, WireRequest

JSON = {"content-type": "application/json"}
LONG = timedelta(seconds=10)
SHORT = timedelta(milliseconds=150)
OK = b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 11\r\n\r\n{"data": 1}'


def response(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    """Return a whole HTTP/1.1 response."""
    head = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers, "", ""]
    return "\r\n".join(head).encode() + body


class Far:
    """The far side: notes each request that arrives, and gives the nth the nth of its scripted replies.

    A reply is bytes to write; None hangs up at once; a coroutine function does as it likes.
    """

    def __init__(self, *replies: bytes | Callable[[asyncio.StreamWriter], Awaitable[None]] | None) -> None:
        self.replies = list(replies)
        self.arrived: list[str] = []
        self.connections = 0
        self.peak = 0
        self.under_way = 0
        self.url = ""
        self._open: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        if task := asyncio.current_task():
            self._open[task] = writer
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = next(
                    (
                        int(line[15:])
                        for line in head.lower().split(b"\r\n")
                        if line.startswith(b"content-length:")
                    ),
                    0,
                )
                await reader.readexactly(length)
                self.arrived.append(head.split(b"\r\n")[0].decode())
                reply = self.replies[len(self.arrived) - 1]
                if reply is None:
                    break
                if isinstance(reply, bytes):
                    writer.write(reply)
                    await writer.drain()
                else:
                    self.under_way += 1
                    self.peak = max(self.peak, self.under_way)
                    await reply(writer)
                    self.under_way -= 1
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Listen on a free port, and hang up on everybody in the end."""
        server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with server:
            yield
            for task, writer in self._open.items():
                writer.transport.abort()
                await asyncio.wait([task])


@asynccontextmanager
async def listening(far: Far, timeout: timedelta = LONG, width: int = 16) -> AsyncIterator[Wire]:  # noqa: ASYNC109  # the wire's own
    """Serve `far` on a free port and open a wire to it."""
    async with far.listening(), Wire(far.url, timeout=timeout, width=width) as wire:
        yield wire


def request(method: str = "POST", target: str = "/x") -> WireRequest:
    """Return a small request."""
    return WireRequest(method, target, content=b"" if method in {"GET", "DELETE"} else b'{"a": 1}')


async def hang_up_after_half(writer: asyncio.StreamWriter) -> None:
    """Send the beginning of a response, then cut the connection."""
    writer.write(
        b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\ncontent-type: application/json\r\n\r\n" + b'{"data": {"a'
    )
    await writer.drain()
    writer.close()


async def test_answer_keeps_the_status_the_body_and_the_headers_that_matter() -> None:
    """A good answer comes back decoded, with few headers, in lower case and of bounded length."""
    far = Far(
        response(
            b'{"message": "slow down"}',
            "Content-Type: application/json",
            "Retry-After: 7",
            "X-RateLimit-Remaining: 0",
            "X-RateLimit-Reset: " + "9" * 500,
            'RateLimit: "default";r=0;t=7',
            "RateLimit-Reset: 7",
            "Date: Sun, 22 Nov 2026 10:00:00 GMT",
            "Set-Cookie: session=1",
            "Server: far",
            status="429 Too Many Requests",
        ),
        OK,
    )
    async with listening(far) as wire:
        answers = [await wire.attempt(request()) for _ in range(2)]
    assert answers == [
        Answer(
            status=429,
            headers={
                "content-type": "application/json",
                "retry-after": "7",
                "x-ratelimit-remaining": "0",
                "x-ratelimit-reset": "9" * 200,
                "ratelimit": '"default";r=0;t=7',
                "ratelimit-reset": "7",
                "date": "Sun, 22 Nov 2026 10:00:00 GMT",
            },
            body={"message": "slow down"},
        ),
        Answer(status=200, headers=JSON, body={"data": 1}),
    ]
    assert (far.arrived, far.connections) == (["POST /x HTTP/1.1"] * 2, 1)


async def test_body_that_ends_before_its_length_is_an_answer_with_a_flaw() -> None:
    """The status that arrived is kept as evidence; the body is marked truncated."""
    far = Far(hang_up_after_half, OK)
    async with listening(far) as wire:
        answer = await wire.attempt(request())
        after = await wire.attempt(request())
    assert answer == Answer(status=200, headers=JSON, flaw="truncated", excerpt='{"data": {"a')
    assert isinstance(after, Answer)
    assert far.connections == 2


async def test_gzip_is_read() -> None:
    """Compression that was asked for is undone."""
    far = Far(response(gzip.compress(b'{"data": "' + b"a" * 10_000 + b'"}'), "Content-Encoding: gzip"))
    async with listening(far) as wire:
        answer = await wire.attempt(request())
    assert answer == Answer(status=200, body={"data": "a" * 10_000})


async def test_gzip_bomb_is_capped() -> None:
    """A small body that unfolds beyond the cap is cut there."""
    far = Far(response(gzip.compress(b" " * (LARGEST_BODY * 20)), "Content-Encoding: gzip"), OK)
    async with listening(far) as wire:
        answer = await wire.attempt(request())
        after = await wire.attempt(request())
    assert answer == Answer(status=200, flaw="too_large", excerpt=" " * 200)
    assert after == Answer(status=200, headers=JSON, body={"data": 1})


async def test_plain_body_is_capped() -> None:
    """A long body is read up to the cap, and no further."""
    far = Far(response(b" " * (LARGEST_BODY + 1)))
    async with listening(far) as wire:
        answer = await wire.attempt(request("GET"))
    assert answer == Answer(status=200, flaw="too_large", excerpt=" " * 200)


async def test_body_that_unfolds_too_far_is_cut() -> None:
    """Beyond a size that any answer may have, a body that unfolds a hundredfold is a bomb, however small still."""
    allowed, bomb = SMALL_BODY - 2, SMALL_BODY + 100_000
    far = Far(
        *(
            response(gzip.compress(b'"' + b"a" * size + b'"'), "Content-Encoding: gzip")
            for size in (allowed, bomb)
        )
    )
    async with listening(far) as wire:
        answers = [await wire.attempt(request()) for _ in range(2)]
    assert answers == [
        Answer(status=200, body="a" * allowed),
        Answer(status=200, flaw="too_large", excerpt='"' + "a" * 199),
    ]


@pytest.mark.parametrize(
    ("body", "coding", "flaw"),
    [
        (gzip.compress(b'{"data": 1}' * 50, mtime=0)[:-12], "gzip", "truncated"),
        (b"no gzip at all", "gzip", "not_json"),
        (gzip.compress(b'{"data": 1}') + b"more", "gzip", "not_json"),
        (gzip.compress(b'{"data": 1}') + gzip.compress(b'{"data": 2}'), "gzip", "not_json"),
        (b'{"data": 1}', "br", "not_json"),
        (b"", "gzip", "empty"),
    ],
    ids=["cut short", "no gzip", "more behind it", "another one behind it", "another coding", "nothing"],
)
async def test_bad_compression_is_a_flaw(body: bytes, coding: str, flaw: str) -> None:
    """A body that cannot be unfolded has no value."""
    far = Far(response(body, f"Content-Encoding: {coding}"))
    async with listening(far) as wire:
        answer = await wire.attempt(request())
    assert isinstance(answer, Answer)
    assert (answer.body, answer.flaw) == (None, flaw)


async def test_no_answer_in_time_is_unknown() -> None:
    """A far side that stays silent after the request left may have acted."""
    silence = asyncio.Event()

    async def stay_silent(_: asyncio.StreamWriter) -> None:
        await silence.wait()

    far = Far(stay_silent, OK)
    async with listening(far, SHORT) as wire:
        lost = await wire.attempt(request())
        wire._seconds = LONG.total_seconds()
        after = await wire.attempt(request())
        silence.set()
    assert lost == NoAnswer(sent="unknown", reason="timeout", detail="no whole answer within 0.15 s")
    assert isinstance(after, Answer)
    assert far.connections == 2


async def test_body_that_drips_is_cut_at_the_deadline() -> None:
    """The deadline is for the whole attempt, however steadily bytes drip in."""
    stop = asyncio.Event()

    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
        while not stop.is_set():
            writer.write(b" ")
            await writer.drain()
            await asyncio.wait([asyncio.ensure_future(stop.wait())], timeout=0.01)

    far = Far(drip)
    async with listening(far, SHORT) as wire:
        lost = await wire.attempt(request("GET"))
        stop.set()
    assert lost == NoAnswer(sent="unknown", reason="timeout", detail="no whole answer within 0.15 s")


async def test_wait_for_a_free_connection_counts_and_was_never_sent() -> None:
    """Where all connections are taken until the deadline, nothing has left."""
    let_go = asyncio.Event()
    taken = asyncio.Event()

    async def hold(writer: asyncio.StreamWriter) -> None:
        taken.set()
        await let_go.wait()
        writer.write(OK)

    far = Far(hold)
    async with listening(far, width=1) as wire, asyncio.TaskGroup() as tasks:
        first = tasks.create_task(wire.attempt(request()))
        await taken.wait()
        wire._seconds = 0.05
        second = await wire.attempt(request())
        let_go.set()
    assert second == NoAnswer(sent="no", reason="pool", detail="no connection was free within 0.05 s")
    assert isinstance(first.result(), Answer)
    assert len(far.arrived) == 1


async def test_width_bounds_what_travels_at_once() -> None:
    """Forty callers on a wire of four: four at once, all answered, each once, on four connections."""
    gate = asyncio.Semaphore(0)

    async def answer_when_crowded(writer: asyncio.StreamWriter) -> None:
        if far.under_way == 4:
            for _ in range(40):
                gate.release()
        await gate.acquire()
        writer.write(OK)
        await writer.drain()

    far = Far(*[answer_when_crowded] * 40)
    async with listening(far, width=4) as wire:
        answers = await asyncio.gather(*[wire.attempt(request(target=f"/{n}")) for n in range(40)])
    assert answers == [Answer(status=200, headers=JSON, body={"data": 1})] * 40
    assert sorted(far.arrived) == sorted(f"POST /{n} HTTP/1.1" for n in range(40))
    assert (far.peak, far.connections) == (4, 4)


async def test_refused_port_was_never_sent() -> None:
    """Nobody listens: it is certain that nothing left."""
    server = await asyncio.start_server(lambda _, w: w.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    async with Wire(f"http://127.0.0.1:{port}", timeout=LONG) as wire:
        assert await wire.attempt(request()) == NoAnswer(
            sent="no", reason="connect", detail="no connection (ConnectionRefusedError)"
        )


async def test_unknown_host_was_never_sent() -> None:
    """A name without an address, by the reserved top-level domain, is told apart."""
    async with Wire("http://nowhere.invalid", timeout=LONG) as wire:
        assert await wire.attempt(request()) == NoAnswer(
            sent="no", reason="dns", detail="the host's name has no address (gaierror)"
        )


@pytest.mark.parametrize(
    "url", ["http://[::1", "http://exa\nmple", "ftp://127.0.0.1", "http://127.0.0.1:99999"]
)
async def test_invalid_address_was_never_sent(url: str) -> None:
    """An address that is none leads nowhere."""
    async with Wire(url, timeout=LONG) as wire:
        outcome = await wire.attempt(request())
    assert isinstance(outcome, NoAnswer)
    assert (outcome.sent, outcome.reason) == ("no", "protocol")


async def test_tls_failure_was_never_sent() -> None:
    """A server that does not speak TLS sees no byte of the request."""
    seen = bytearray()

    async def speak_plainly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.extend(await reader.read(1000))
        writer.write(response(b"", status="400 Bad Request"))
        writer.close()

    server = await asyncio.start_server(speak_plainly, "127.0.0.1", 0)
    url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, Wire(url, timeout=LONG) as wire:
        outcome = await wire.attempt(request())
    assert outcome == NoAnswer(sent="no", reason="tls", detail="no trusted TLS connection (SSLError)")
    assert b"POST" not in seen


async def test_http_wire_trusts_no_certificate() -> None:
    """A wire to an http address could not be led to trust an https one."""
    async with Wire("http://127.0.0.1:9", timeout=LONG) as wire:
        trust = wire._tls
    assert trust is not None
    assert (trust.verify_mode, trust.get_ca_certs()) == (ssl.CERT_REQUIRED, [])


@pytest.mark.parametrize(
    "nonsense",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx-long: " + b"a" * 300_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nbad header\r\n\r\n",
    ],
)
async def test_answer_that_is_not_http_is_unknown(nonsense: bytes) -> None:
    """Nonsense and endless headers after the request left are no answer, and are not quoted."""
    far = Far(nonsense)
    async with listening(far) as wire:
        assert await wire.attempt(request()) == NoAnswer(
            sent="unknown", reason="protocol", detail="the answer is not HTTP/1.1 (RemoteProtocolError)"
        )


def test_request_hides_its_headers() -> None:
    """The key in a request's header does not appear in its repr."""
    assert "secret" not in repr(WireRequest("GET", "/", headers={"authorization": "Bearer secret"}))


@pytest.mark.parametrize("name", ["x\r\ny", "x y", ""])
async def test_header_that_is_none_was_never_sent(name: str) -> None:
    """A request that HTTP has no form for is refused before it leaves, on a fresh and on a warm connection."""
    far = Far(OK)
    refused = NoAnswer(
        sent="no", reason="protocol", detail="the request is not valid HTTP/1.1 (LocalProtocolError)"
    )
    async with listening(far) as wire:
        assert await wire.attempt(WireRequest("POST", "/x", headers={name: "1"})) == refused
        assert isinstance(await wire.attempt(request("GET", "/warm")), Answer)
        assert await wire.attempt(WireRequest("POST", "/x", headers={name: "1"})) == refused
    assert far.arrived == ["GET /warm HTTP/1.1"]


@pytest.mark.parametrize("listens", [0, 1], ids=["the first", "the second"])
async def test_name_with_several_addresses_is_reached_at_the_one_that_listens(
    listens: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where one address of a name refuses, the other one is tried, and the request comes in once."""

    def resolve(_: str, port: int, *__: object) -> list[tuple[object, ...]]:
        addresses = ["127.0.0.2", "127.0.0.2"]
        addresses[listens] = "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (address, port)) for address in addresses]

    far = Far(OK)
    async with far.listening(), Wire(far.url.replace("127.0.0.1", "shop.example"), timeout=LONG) as wire:
        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        assert await wire.attempt(request()) == Answer(status=200, headers=JSON, body={"data": 1})
    assert far.arrived == ["POST /x HTTP/1.1"]


CONNECTS, WRITES = "connection.connect_tcp.started", "http11.send_request_headers.started"
UNKNOWN_CUT = NoAnswer(sent="unknown", reason="reset", detail="the connection was cut (ConnectError)")
UNSENT = NoAnswer(sent="no", reason="connect", detail="no connection (ConnectError)")


class Failing(httpx.AsyncBaseTransport):
    """A transport that tells how far it came, and then fails or hangs."""

    def __init__(self, *told: str, hangs: bool = False) -> None:
        self.told = told
        self.hangs = hangs

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        for event in self.told:
            await request.extensions["trace"](event, {})
        if self.hangs:
            await asyncio.Event().wait()
        raise httpx.ConnectError("no")


@pytest.mark.parametrize(
    ("told", "outcome"),
    [
        ((), UNKNOWN_CUT),
        ((CONNECTS,), UNSENT),
        ((CONNECTS, WRITES), UNKNOWN_CUT),
        ((WRITES,), UNKNOWN_CUT),
        ((WRITES, CONNECTS), UNKNOWN_CUT),
        (("connection.connect_tcp.complete",), UNKNOWN_CUT),
    ],
)
async def test_only_a_transport_that_says_so_has_sent_nothing(
    told: tuple[str, ...], outcome: NoAnswer
) -> None:
    """What a transport was given counts as sent, whatever error it names, unless it told that it connects."""
    async with Wire("http://x", timeout=LONG, open_transport=lambda _: Failing(*told)) as wire:
        assert await wire.attempt(request()) == outcome


@pytest.mark.parametrize(
    ("told", "outcome"),
    [
        ((), NoAnswer(sent="unknown", reason="timeout", detail="no whole answer within 0.01 s")),
        ((CONNECTS,), NoAnswer(sent="no", reason="connect", detail="no connection stood within 0.01 s")),
        (
            (CONNECTS, WRITES),
            NoAnswer(sent="unknown", reason="timeout", detail="no whole answer within 0.01 s"),
        ),
    ],
)
async def test_only_a_transport_that_says_so_is_late_without_having_sent(
    told: tuple[str, ...], outcome: NoAnswer
) -> None:
    """A deadline that strikes while the transport connects proves that nothing left; any other one does not."""
    wire = Wire(
        "http://x", timeout=timedelta(seconds=0.01), open_transport=lambda _: Failing(*told, hangs=True)
    )
    async with wire:
        assert await wire.attempt(request()) == outcome
