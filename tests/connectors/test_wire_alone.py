"""Nobody but the address hears of a request, and nothing of it leaves once the attempt is over."""

import asyncio
import os
import signal
import socket
import ssl
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from mendflow.connectors.contract import Answer, NoAnswer
from mendflow.connectors.wire import Wire, WireRequest

CERTIFICATE = Path(__file__).parent / "data" / "localhost.pem"
LONG = timedelta(seconds=20)
SECRET = {"authorization": "Bearer k-secret", "x-api-key": "k-secret"}
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
REDIRECTS = ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"]
LARGE = b"x" * 16_000_000
"""More than a system takes off a program's hands at once."""
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ntrue"


class Server:
    """Gives one answer to all, and keeps what came in."""

    def __init__(self, answer: bytes = OK) -> None:
        self.answer = answer
        self.heads: list[bytes] = []
        self.address = ""

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heads.append(b"")
        try:
            while line := await reader.readline():
                self.heads[-1] += line
                if line == b"\r\n":
                    writer.write(self.answer)
        except ConnectionError:
            pass
        finally:
            writer.close()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Listen on a free port."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with server:
            yield


def to(place: str, elsewhere: Server) -> bytes:
    """Return a place on another server, or a path on the same one."""
    return place.replace("ELSEWHERE", elsewhere.address).encode()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("status", REDIRECTS)
@pytest.mark.parametrize("place", ["/elsewhere", "//ELSEWHERE/x", "http://ELSEWHERE/x"])
async def test_redirect_is_an_answer_and_is_not_followed(method: str, status: str, place: str) -> None:
    """The call is made nowhere else, on the same server or another one, and the key goes nowhere else."""
    elsewhere, server = Server(), Server()
    async with elsewhere.listening(), server.listening():
        location = b"location: " + to(place, elsewhere)
        server.answer = b"\r\n".join(
            [f"HTTP/1.1 {status}".encode(), location, b"content-length: 0", b"", b""]
        )
        async with Wire(f"http://{server.address}", timeout=LONG) as wire:
            answer = await wire.attempt(WireRequest(method, "/x", headers=SECRET))
    assert answer == Answer(status=int(status[:3]), flaw="empty")
    assert (len(server.heads), server.heads[0].count(b"HTTP/1.1"), elsewhere.heads) == (1, 1, [])


CHILD = """
import asyncio, sys
from datetime import timedelta
from mendflow.connectors.wire import Wire, WireRequest

async def main(plain, secure):
    for url in (plain, secure):
        async with Wire(url, timeout=timedelta(seconds=20)) as wire:
            outcome = await wire.attempt(WireRequest("GET", "/x"))
            print(outcome.model_dump_json(include={"kind", "status", "sent", "reason"}))

asyncio.run(main(*sys.argv[1:]))
"""
STOCK = "import httpx, sys; print(httpx.get(sys.argv[1]).status_code)"


async def run_python(code: str, *words: str, env: dict[str, str]) -> list[str]:
    """Run a program to its end, and return the lines that it printed."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, *words, env=env, stdout=PIPE)
    out, _ = await process.communicate()
    return out.decode().splitlines()


@pytest.fixture
async def steered(tmp_path: Path) -> AsyncIterator[tuple[Server, dict[str, str]]]:
    """Yield a trap and an environment that leads plain clients there, with a key and a certificate of its own."""
    trap = Server()
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login thief password thief\n")
    async with trap.listening():
        proxies = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), f"http://{trap.address}")
        lower = {name.lower(): value for name, value in proxies.items()}
        trust = {"SSL_CERT_FILE": str(CERTIFICATE), "SSL_CERT_DIR": str(CERTIFICATE.parent)}
        home = {"HOME": str(tmp_path), "NETRC": str(tmp_path / ".netrc"), "NO_PROXY": "example.com"}
        yield trap, {**os.environ, **proxies, **lower, **trust, **home}


@asynccontextmanager
async def secure_server() -> AsyncIterator[str]:
    """Listen on TLS with a certificate that only the steered environment trusts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with server:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_environment_steers_nothing(steered: tuple[Server, dict[str, str]]) -> None:
    """Proxies, a .netrc and certificates of the environment are left alone."""
    trap, env = steered
    server = Server()
    async with server.listening(), secure_server() as secure:
        told = await run_python(CHILD, f"http://{server.address}", secure, env=env)
    assert told == [
        '{"kind":"answer","status":200}',
        '{"kind":"no_answer","sent":"no","reason":"tls"}',
    ]
    assert trap.heads == []
    assert len(server.heads) == 1
    assert b"authorization" not in server.heads[0].lower()


async def test_environment_would_steer_a_client_that_listens_to_it(
    steered: tuple[Server, dict[str, str]],
) -> None:
    """The trap and the certificate of the test above do work on stock httpx."""
    trap, env = steered
    server = Server()
    async with server.listening(), secure_server() as secure:
        assert await run_python(STOCK, f"http://{server.address}", env=env) == ["200"]
        assert await run_python(STOCK, secure, env={**env, "NO_PROXY": "127.0.0.1"}) == ["200"]
    assert (len(trap.heads), server.heads) == (1, [])


@asynccontextmanager
async def slow_reader() -> AsyncIterator[tuple[str, socket.socket]]:
    """Listen with room for little, so that most of a large request waits in the sender's own system."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.setblocking(False)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", listener


async def rest_of(connection: socket.socket) -> int:
    """Count the bytes that still come in, to the end."""
    loop, count = asyncio.get_running_loop(), 0
    try:
        while piece := await loop.sock_recv(connection, 65_536):
            count += len(piece)
    except ConnectionResetError:
        pass
    return count


async def test_wire_that_is_closed_hangs_up_in_order() -> None:
    """A far side that answered everything sees an orderly end, not a reset."""
    async with slow_reader() as (url, listener):
        loop = asyncio.get_running_loop()
        async with Wire(url, timeout=LONG) as wire, asyncio.TaskGroup() as tasks:
            tasks.create_task(wire.attempt(WireRequest("GET", "/x")))
            connection, _ = await loop.sock_accept(listener)
            await loop.sock_recv(connection, 65_536)
            await loop.sock_sendall(connection, OK)
        with connection:
            assert await loop.sock_recv(connection, 1) == b""


async def test_nothing_leaves_once_an_attempt_was_given_up() -> None:
    """After a time-out what the system still holds of the request is taken back: it cannot arrive later."""
    async with slow_reader() as (url, listener), Wire(url, timeout=timedelta(milliseconds=100)) as wire:
        outcome = await wire.attempt(WireRequest("POST", "/x", content=LARGE))
        connection, _ = await asyncio.get_running_loop().sock_accept(listener)
        with connection:
            assert await rest_of(connection) < 1_000_000
    assert outcome == NoAnswer(sent="unknown", reason="timeout", detail="no whole answer within 0.1 s")


async def test_nothing_leaves_once_an_attempt_was_cancelled() -> None:
    """After a cancellation what the system still holds of the request is taken back."""
    async with slow_reader() as (url, listener), Wire(url, timeout=LONG) as wire:
        attempt = asyncio.ensure_future(wire.attempt(WireRequest("POST", "/x", content=LARGE)))
        connection, _ = await asyncio.get_running_loop().sock_accept(listener)
        with connection:
            await asyncio.get_running_loop().sock_recv(connection, 1)
            attempt.cancel()
            with pytest.raises(asyncio.CancelledError):
                await attempt
            assert await rest_of(connection) < 1_000_000


SENDER = """
import asyncio, sys
from datetime import timedelta
from mendflow.connectors.wire import Wire, WireRequest

async def main(url):
    async with Wire(url, timeout=timedelta(seconds=60)) as wire:
        await wire.attempt(WireRequest("POST", "/x", content=b"x" * 1_000_000))

asyncio.run(main(sys.argv[1]))
"""


async def test_nothing_leaves_once_the_process_was_killed() -> None:
    """With kill -9, too, the system takes back what it holds of the request: a settle time counts from there."""
    loop = asyncio.get_running_loop()
    async with slow_reader() as (url, listener):
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", SENDER, url, stdout=DEVNULL)
        connection, _ = await loop.sock_accept(listener)
        with connection:
            await loop.sock_recv(connection, 1)
            process.send_signal(signal.SIGKILL)
            await process.wait()
            assert await rest_of(connection) < 1_000_000


async def test_what_is_held_back_while_it_connects_does_not_leave() -> None:
    """Asked when the connection stands: of a request that is paused meanwhile not one byte arrives."""
    server, answers = Server(), ["", "the switch is on", ""]
    async with server.listening():
        wire = Wire(f"http://{server.address}", timeout=LONG, held=lambda: answers.pop(0))
        async with wire:
            sent = [await wire.attempt(WireRequest("POST", "/awards", content=b"{}")) for _ in range(3)]
    assert [type(one) for one in sent] == [Answer, NoAnswer, Answer]
    assert sent[1] == NoAnswer(sent="no", reason="paused", detail="the switch is on")
    assert [head.partition(b"\r\n")[0] for head in server.heads if head] == [b"POST /awards HTTP/1.1"] * 2
