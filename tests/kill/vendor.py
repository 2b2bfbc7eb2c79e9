"""The vendor of one case: a sandbox in a process of its own, which outlives whoever is killed."""

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

import orjson
from mendflow.connectors.clock import SystemClock
from mendflow.connectors.contract import Clock, JsonObject
from mendflow.connectors.sandbox.access import Announcement
from mendflow.connectors.sandbox.server import SandboxSettings, serve

PREFIX = "/api/v3/oauth/clients"
_LONGEST = 20


@dataclass(frozen=True, slots=True)
class Vendor:
    """A running sandbox."""

    url: str
    key_file: Path

    def effects(self) -> list[str]:
        """Return the operation of every write that took place, or still will: the ground truth."""
        state = self._talk("GET", "/__sandbox__/state")
        found = [one for part in (state["effects"], state["late"]) if isinstance(part, list) for one in part]
        return [str(one["operation"]) for one in found if isinstance(one, dict)]

    def requests(self) -> int:
        """Return how many requests have arrived."""
        found = self._talk("GET", "/__sandbox__/requests")["requests"]
        assert isinstance(found, list)
        return len(found)

    def arm(self, *faults: str) -> None:
        """Arm faults."""
        self._talk("POST", "/__sandbox__/faults", {"faults": [*faults]})

    def call(self, method: str, path: str, body: JsonObject | None = None) -> JsonObject:
        """Make a call of the account's own, beside the workflow, and return its data."""
        data = self._talk(method, PREFIX + path, body)["data"]
        return data if isinstance(data, dict) else {}

    def _talk(self, method: str, path: str, body: JsonObject | None = None) -> JsonObject:
        connection = HTTPConnection(urlsplit(self.url).netloc, timeout=_LONGEST)
        try:
            headers = {
                "authorization": f"Bearer {self.key_file.read_text(encoding='utf-8').strip()}",
                "content-type": "application/json",
            }
            connection.request(
                method, path, body=None if body is None else orjson.dumps(body), headers=headers
            )
            answer = connection.getresponse()
            said = answer.read()
            assert answer.status < 300, f"{method} {path}: {answer.status} {said!r}"  # a success
            document: JsonObject = orjson.loads(said)
            return document
        finally:
            connection.close()


@contextmanager
def open_vendor(folder: Path, clock: Clock | None = None) -> Iterator[Vendor]:
    """Serve a fresh world in a forked process until the context ends, by the machine's clock or another one."""
    key_file = folder / "vendor.key"
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(reading)
        _serve(SandboxSettings(key_file=key_file), writing, clock or SystemClock())
    os.close(writing)
    try:
        with os.fdopen(reading, encoding="utf-8") as lines:
            announcement = Announcement.model_validate_json(lines.readline())
        yield Vendor(announcement.base_url, key_file)
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _serve(settings: SandboxSettings, writing: int, clock: Clock) -> NoReturn:
    def announce(line: str) -> None:
        os.write(writing, f"{line}\n".encode())
        os.close(writing)

    async def work() -> None:
        await serve(settings, clock, announce, asyncio.Event())

    try:
        asyncio.run(work())
    finally:
        os._exit(1)
