"""Telling somebody that a run ended parked: real programs, and a real webhook on the loopback."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import orjson
import pytest
from aiohttp import web
from mendflow.connectors.contract import JsonObject
from mendflow.graph.engine.summary import EffectCount, OpenEnd, RunResult
from mendflow.graph.language.plan import OnPark
from mendflow.journal.vault import Vault
from mendflow.service.notify import news_of, notify
from pydantic import SecretStr

SECRET = "sk-live-0123456789"
NEWS: JsonObject = {"run_id": "run-1", "workflow": "w", "status": "parked", "parked": [{"path": "award"}]}


def python(script: str, *words: str) -> OnPark:
    """Return a command that runs a script."""
    return OnPark(command=(sys.executable, "-c", script, *words))


def knowing(secret: str = "") -> Vault:
    """Return a vault that knows a secret."""
    vault = Vault()
    vault.learn(SecretStr(secret))
    return vault


def test_the_news_names_the_run_and_each_parked_step() -> None:
    """What a person needs in order to act is told, and nothing of what the run put out."""
    parked = OpenEnd(path="award", reason="open", next_action="look", fault={"kind": "unknown_outcome"})
    result = RunResult(
        run_id="run-1",
        workflow="w",
        status="parked",
        outputs={"letter": "Dear Ada"},
        effects=EffectCount(intended=2, confirmed=1),
        parked=(parked,),
    )
    assert news_of(result) == {
        "run_id": "run-1",
        "workflow": "w",
        "status": "parked",
        "parked": [
            {
                "path": "award",
                "reason": "open",
                "next_action": "look",
                "fault": {"kind": "unknown_outcome"},
            }
        ],
    }


async def test_a_program_gets_the_news_on_its_standard_input(tmp_path: Path) -> None:
    """The words of the command arrive as they are written, no shell between, and the news as JSON."""
    told = tmp_path / "told"
    script = "import sys; open(sys.argv[1], 'w').write(sys.argv[2] + sys.stdin.read())"
    assert await notify(python(script, str(told), "$HOME; `id` *"), NEWS, Vault()) == ""
    assert told.read_text() == "$HOME; `id` *" + orjson.dumps(NEWS).decode()


async def test_a_program_gets_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither in its environment, whatever the variable is called, nor in the news; all else is there."""
    monkeypatch.setenv("SHOP", f"Bearer {SECRET}")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-model")
    monkeypatch.setenv("SHOP_NAME", "Bakery")
    told = tmp_path / "told"
    script = (
        "import json, os, sys; names = {'SHOP', 'ANTHROPIC_API_KEY', 'SHOP_NAME', 'PATH'} & set(os.environ);"
        "json.dump([sorted(names), json.load(sys.stdin)], open(sys.argv[1], 'w'))"
    )
    news: JsonObject = {**NEWS, "parked": [{"reason": f"refused with {SECRET}"}]}
    assert await notify(python(script, str(told)), news, knowing(SECRET)) == ""
    masked = {**NEWS, "parked": [{"reason": "refused with [secret]"}]}
    assert orjson.loads(told.read_bytes()) == [["PATH", "SHOP_NAME"], masked]


async def test_what_a_program_prints_is_dropped(capfd: pytest.CaptureFixture[str]) -> None:
    """Nothing of it comes between our own lines, however much it is."""
    script = "import sys; print('x' * 200_000); print('y' * 200_000, file=sys.stderr)"
    assert await notify(python(script), NEWS, Vault()) == ""
    assert capfd.readouterr() == ("", "")


async def test_a_program_need_not_read() -> None:
    """One that ends without having read long news has been told all the same."""
    news: JsonObject = {**NEWS, "parked": ["x" * 1_000_000]}
    assert await notify(python("import os; os.close(0)"), news, Vault()) == ""


@pytest.mark.parametrize(
    ("script", "end"),
    [
        ("raise SystemExit(3)", "ended with the code 3, expected 0"),
        ("import os; os.kill(os.getpid(), 15)", f"was ended by the signal {signal.SIGTERM:d}"),
    ],
)
async def test_a_program_that_fails_is_named(script: str, end: str) -> None:
    """A code other than 0 becomes a sentence, not an error."""
    sentence = await notify(python(script), NEWS, Vault())
    assert sentence == f"`on_park`: the program `{sys.executable}` {end}"


async def test_a_program_that_cannot_start_is_named(tmp_path: Path) -> None:
    """What is not there, may not be run, or cannot be handed over becomes a sentence."""
    plain = tmp_path / "plain"
    plain.write_text("no program")
    reasons = {
        (str(tmp_path / "none"),): "No such file or directory",
        (str(plain),): "Permission denied",
        (sys.executable, "\0"): "a word of the command cannot be handed over",
        (sys.executable, "\ud800"): "a word of the command cannot be handed over",
    }
    for command, reason in reasons.items():
        sentence = await notify(OnPark(command=command), NEWS, Vault())
        assert sentence == f"`on_park`: the program `{command[0]}` could not be started: {reason}"


async def test_a_program_that_hangs_is_ended() -> None:
    """It has its time, and no more."""
    sentence = await notify(
        python("import signal; signal.alarm(20); signal.pause()"),
        NEWS,
        Vault(),
        longest=timedelta(milliseconds=50),
    )
    assert sentence == (
        f"`on_park`: the program `{sys.executable}` was ended because it took longer than 0.05 s"
    )


async def test_a_cancelled_notice_leaves_no_process_behind(tmp_path: Path) -> None:
    """The program is ended together with what it has started."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    script = (  # it ends by itself, and says so, where nobody ends it
        "import os, signal, sys; pipe = open(sys.argv[1], 'w'); os.fork(); pipe.write('here'); pipe.flush();"
        "signal.sigtimedwait([], 20); pipe.write('late')"
    )
    task = asyncio.create_task(notify(python(script, str(pipe)), NEWS, Vault()))
    reader = await asyncio.to_thread(pipe.open)
    with reader:
        assert await asyncio.to_thread(reader.read, 8) == "herehere"
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(reader.read) == ""  # the end: nobody holds the other side any more


@dataclass
class Hook:
    """A webhook that notes what it is sent, and answers as it is told."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    hangs_up: bool = False
    silence: asyncio.Event | None = None
    """Answers only when it is over."""
    url: str = ""
    arrived: list[tuple[str, str, str, bytes]] = field(default_factory=list)

    async def serve(self, request: web.Request) -> web.Response:
        """Note a request and answer it."""
        body = await request.read()
        self.arrived.append((request.method, request.path_qs, request.headers["content-type"], body))
        if self.hangs_up and request.transport is not None:
            request.transport.abort()
        if self.silence is not None:
            await self.silence.wait()
        return web.Response(status=self.status, headers=self.headers, text="<p>words</p>")


@pytest.fixture
async def hook() -> AsyncIterator[Hook]:
    """Serve a webhook on the loopback."""
    hook = Hook()
    application = web.Application()
    application.router.add_route("*", "/{tail:.*}", hook.serve)
    runner = web.AppRunner(application, shutdown_timeout=0)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0]
        hook.url = f"http://{host}:{port}"
        yield hook
    finally:
        await runner.cleanup()


async def test_a_webhook_gets_the_news_in_one_post(hook: Hook) -> None:
    """Path and query as they are written, the news as JSON, secrets masked."""
    news: JsonObject = {**NEWS, "workflow": SECRET}
    assert await notify(OnPark(webhook=f"{hook.url}/a/b?c=%20d#e"), news, knowing(SECRET)) == ""
    masked = orjson.dumps({**NEWS, "workflow": "[secret]"})
    assert hook.arrived == [("POST", "/a/b?c=%20d", "application/json", masked)]


async def test_an_address_without_a_path_will_do(hook: Hook) -> None:
    """The news goes to the root; any success is one, also without words."""
    hook.status = 204
    assert await notify(OnPark(webhook=hook.url), NEWS, Vault()) == ""
    assert hook.arrived == [("POST", "/", "application/json", orjson.dumps(NEWS))]


@pytest.mark.parametrize("status", [302, 404, 429, 500])
async def test_a_webhook_that_refuses_is_asked_once(status: int, hook: Hook) -> None:
    """The answer becomes a sentence; nothing is followed and nothing is tried again."""
    hook.status, hook.headers = status, {"location": f"{hook.url}/elsewhere", "retry-after": "0"}
    sentence = await notify(OnPark(webhook=f"{hook.url}/hush"), NEWS, Vault())
    assert sentence == f"`on_park`: the webhook at `127.0.0.1` answered {status}, expected 2xx"
    assert [path for _, path, _, _ in hook.arrived] == ["/hush"]


async def test_a_webhook_has_its_time(hook: Hook) -> None:
    """Silence becomes a sentence that names the time and keeps the address to itself."""
    hook.silence = asyncio.Event()
    sentence = await notify(
        OnPark(webhook=f"{hook.url}/hush"), NEWS, Vault(), longest=timedelta(milliseconds=500)
    )
    hook.silence.set()
    assert sentence.startswith("`on_park`: the webhook at `127.0.0.1` ")
    assert sentence.endswith("within 0.5 s")
    assert "hush" not in sentence


async def test_a_webhook_that_hangs_up_may_have_been_told(hook: Hook) -> None:
    """Without an answer it stays open whether the news was taken in, and the sentence says so."""
    hook.hangs_up = True
    sentence = await notify(OnPark(webhook=f"{hook.url}/hush"), NEWS, Vault())
    assert sentence.startswith("`on_park`: the webhook at `127.0.0.1` may not have been told: ")
    assert "hush" not in sentence
    assert len(hook.arrived) == 1


async def test_a_webhook_that_is_not_there_was_not_told() -> None:
    """Nobody listens at the address: the sentence names the host and nothing else of it."""
    sentence = await notify(OnPark(webhook="http://127.0.0.1:1/hush"), NEWS, Vault())
    assert sentence.startswith("`on_park`: the webhook at `127.0.0.1` was not told: ")
    assert "hush" not in sentence
