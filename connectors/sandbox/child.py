"""A sandbox in a process of its own, which ends with ours."""

import asyncio
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import IO, Final, Self

from pydantic import SecretStr, ValidationError

from ..errors import InvalidUse
from .access import Announcement
from .faults import FaultOrder
from .world import DEFAULT_KEY, DEFAULT_SEED

PROGRAM: Final = (sys.executable, "-m", "mendflow", "sandbox")
START_WAIT: Final = timedelta(seconds=30)
_END_WAIT: Final = timedelta(seconds=5)
_EXCERPT: Final = 2000


class SandboxChild:
    """A sandbox as a child process; an async context manager.

    The child ends when our end of its standard input closes, so it does not outlive us, however we end.
    """

    def __init__(
        self,
        *,
        seed: int = DEFAULT_SEED,
        api_key: str = DEFAULT_KEY,
        state: Path | None = None,
        key_file: Path | None = None,
        faults: Sequence[FaultOrder] = (),
        program: Sequence[str] = PROGRAM,
    ) -> None:
        self.key_file = key_file
        self._command = [*program, "--port", "0", "--seed", str(seed), "--api-key", api_key]
        self._command += ["--until-stdin-closes"]
        self._command += ["--state", str(state)] if state is not None else []
        self._command += ["--key-file", str(key_file)] if key_file is not None else []
        for order in faults:
            self._command += ["--fault", order.spec]
        self._process: Process | None = None
        self._announcement: Announcement | None = None

    @property
    def base_url(self) -> str:
        """The address, without the vendor's prefix."""
        return self._announced().base_url

    @property
    def api_key(self) -> SecretStr:
        """The key that was valid when the child started."""
        return self._announced().api_key

    async def __aenter__(self) -> Self:
        """Start the child and wait until it serves; raise InvalidUse with its words when it does not."""
        with tempfile.TemporaryFile() as words:
            # A group of its own: an interrupt from the terminal is ours to handle; the child's end follows.
            self._process = await asyncio.create_subprocess_exec(
                *self._command, stdin=PIPE, stdout=PIPE, stderr=words, process_group=0
            )
            try:
                self._announcement = await self._read_announcement(self._process, words)
            except BaseException:
                await self._end(self._process)
                raise
        return self

    async def __aexit__(self, *_: object) -> None:
        """End the child."""
        if self._process is not None:
            await self._end(self._process)

    def _announced(self) -> Announcement:
        if self._announcement is None:
            raise RuntimeError("a SandboxChild is used inside `async with`")
        return self._announcement

    async def _read_announcement(self, process: Process, words: IO[bytes]) -> Announcement:
        line = b""
        try:
            async with asyncio.timeout(START_WAIT.total_seconds()):
                line = await process.stdout.readline() if process.stdout else b""
            return Announcement.model_validate_json(line)
        except TimeoutError as error:
            message = f"the sandbox was not ready within {START_WAIT.seconds} s"
            raise InvalidUse(message, help="Start it again.") from error
        except ValidationError as error:
            words.seek(0)
            said = words.read(_EXCERPT).decode("utf-8", "replace").strip()
            raise InvalidUse("the sandbox did not start", help=said or "It said nothing.") from error

    async def _end(self, process: Process) -> None:
        if process.stdin is not None:
            process.stdin.close()
        try:
            async with asyncio.timeout(_END_WAIT.total_seconds()):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
