"""The state file: an append-only list of commands, one JSON object a line, with one owner at a time."""

import asyncio
import fcntl
import os
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from pydantic import ValidationError

from ..contract import Clock
from ..errors import InvalidUse, StoreError
from .world import Command

OPENED: Final = "sandbox.opened"
_TRY_EVERY: Final = timedelta(seconds=0.1)
_TRIES: Final = 50
"""An orphan of a killed parent gets this many tries to go."""


class CommandLog:
    """One state file, open and locked. A command counts once it is written, and is durable after `settle`."""

    def __init__(self, path: Path, descriptor: int, commands: tuple[Command, ...]) -> None:
        self.path = path
        self.commands = commands
        """What the file held when it was opened."""
        self._descriptor = descriptor
        self._written = 0
        self._synced = 0
        self._gate = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file, which gives it free."""
        os.close(self._descriptor)

    def append(self, command: Command) -> None:
        """Write one command, which outlives this process; raise StoreError when the file takes no more."""
        before = os.lseek(self._descriptor, 0, os.SEEK_END)
        line = command.model_dump_json().encode() + b"\n"
        try:
            sent = 0
            while sent < len(line):
                sent += os.write(self._descriptor, line[sent:])
        except OSError as error:
            os.ftruncate(self._descriptor, before)
            raise StoreError(
                f"the state file `{self.path}` cannot be written: {error.strerror}",
                help="Make room, or choose another file, and start the sandbox again.",
            ) from error
        self._written += 1

    async def settle(self) -> None:
        """Return when everything written so far outlives the machine; callers share the syncs."""
        wanted = self._written
        if self._synced >= wanted:
            return
        async with self._gate:
            if self._synced >= wanted:
                return
            reached = self._written
            await asyncio.to_thread(os.fsync, self._descriptor)
            self._synced = reached


async def open_log(path: Path, *, seed: int, clock: Clock) -> CommandLog:
    """Lock and read a state file, made if missing; raise InvalidUse when another process keeps it.

    A last line without its end was torn by a crash before its answer left, and is cut off.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError as error:
        raise InvalidUse(
            f"the state file `{path}` cannot be opened: {error.strerror}", help="Choose another path for it."
        ) from error
    try:
        await _lock(path, descriptor, clock)
        commands = _read(path, descriptor)
        _check_seed(path, commands, seed)
        log = CommandLog(path, descriptor, tuple(line for line in commands if line.operation != OPENED))
        log.append(Command(operation=OPENED, arguments={"seed": seed, "pid": os.getpid()}, at=clock.now()))
    except BaseException:
        os.close(descriptor)
        raise
    return log


async def _lock(path: Path, descriptor: int, clock: Clock) -> None:
    for _ in range(_TRIES):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            await clock.sleep(_TRY_EVERY)
        else:
            return
    raise InvalidUse(
        f"the state file `{path}` is in use by {_holder(path)}",
        help="End that sandbox first, or give this one a state file of its own.",
    )


def _holder(path: Path) -> str:
    openings = [command for command in _parse(path, path.read_bytes()) if command.operation == OPENED]
    return f"process {openings[-1].arguments.get('pid')}" if openings else "another process"


def _read(path: Path, descriptor: int) -> list[Command]:
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        os.ftruncate(descriptor, whole)
    return _parse(path, content[:whole])


def _parse(path: Path, content: bytes) -> list[Command]:
    commands: list[Command] = []
    for number, line in enumerate(content.split(b"\n")[:-1], start=1):
        try:
            commands.append(Command.model_validate_json(line))
        except ValidationError as error:
            raise InvalidUse(
                f"line {number} of the state file `{path}` is no command of the sandbox",
                help="Choose another file, or remove this one to begin a fresh world.",
            ) from error
    return commands


def _check_seed(path: Path, commands: list[Command], seed: int) -> None:
    begun = next((command.arguments.get("seed") for command in commands if command.operation == OPENED), seed)
    if begun != seed:
        raise InvalidUse(
            f"the state file `{path}` was begun with seed {begun}, not with {seed}",
            help=f"Use seed {begun}, or another state file.",
        )
