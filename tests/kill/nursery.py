"""A nursery of real processes: forked from one that has loaded everything, so that a case costs no start-up.

Whoever forks has one thread and no event loop; the child runs the shipped command line and ends by itself, by
its tripwire, or by the alarm that ends whatever hangs.
"""

import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import orjson
from mendflow.connectors.contract import JsonObject
from mendflow.service.cli import main

from tests.kill.signals import Listener, Tripwire

LONGEST = 60
"""Seconds after which a process is taken to hang."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended, and what it was heard to do."""

    code: int
    """Exit code; minus the signal's number when a signal ended it."""
    out: str
    err: str
    heard: tuple[str, ...] = ()

    @property
    def killed(self) -> bool:
        """Whether the tripwire ended it."""
        return self.code == -signal.SIGKILL

    @property
    def document(self) -> JsonObject:
        """The one JSON document on stdout; empty where there is none."""
        try:
            document: JsonObject = orjson.loads(self.out)
        except orjson.JSONDecodeError:
            return {}
        return document


@dataclass(slots=True)
class Child:
    """A process under way."""

    pid: int
    folder: Path
    name: str
    ended: Ended | None = None

    def wait(self) -> Ended:
        """Wait until it has ended."""
        if self.ended is None:
            _, status = os.waitpid(self.pid, 0)
            heard = _text(self.folder / f"{self.name}.heard").split()
            self.ended = Ended(
                code=os.waitstatus_to_exitcode(status),
                out=_text(self.folder / f"{self.name}.out"),
                err=_text(self.folder / f"{self.name}.err"),
                heard=tuple(heard),
            )
        return self.ended

    def wait_until_stopped(self) -> bool:
        """Wait until it has stopped itself; return whether it did, rather than ended."""
        found = os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        return found is not None and found.si_code == os.CLD_STOPPED

    def go_on(self) -> None:
        """Let a stopped process go on."""
        os.kill(self.pid, signal.SIGCONT)


@dataclass(slots=True)
class Nursery:
    """Starts processes that keep their words in one folder."""

    folder: Path
    operation: str
    """Operation of the effect that the processes are heard about."""
    started: int = 0

    def command(
        self,
        *words: str,
        tripwire: Tripwire | None = None,
        prepare: Callable[[], None] | None = None,
    ) -> Child:
        """Start the command line with these words; `prepare` is done first in the new process."""

        def work() -> NoReturn:
            if prepare is not None:
                prepare()
            main(list(words))

        return self.start(work, tripwire)

    def start(self, work: Callable[[], object], tripwire: Tripwire | None = None) -> Child:
        """Start a process that does `work`, heard by a listener of its own."""
        self.started += 1
        name = f"{self.started:02}"
        pid = os.fork()
        if pid:
            return Child(pid, self.folder, name)
        code = 70
        try:
            _settle_in(self.folder, name)
            heard = os.open(self.folder / f"{name}.heard", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            Listener(self.operation, tripwire, heard).listen()
            work()
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 70
        finally:
            _leave(code)


def _settle_in(folder: Path, name: str) -> None:
    """Give a new process words of its own, an end in any case, and less claim to the processor than the vendor's."""
    signal.alarm(LONGEST)
    os.nice(5)
    for number, kind in ((1, "out"), (2, "err")):
        descriptor = os.open(folder / f"{name}.{kind}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(descriptor, number)
        os.close(descriptor)
    sys.stdout = os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", closefd=False)


def _leave(code: int) -> NoReturn:
    """End without the parent's clean-up; a failure of ours is told on stderr."""
    error = sys.exception()
    if error is not None and not isinstance(error, SystemExit):
        sys.excepthook(type(error), error, error.__traceback__)
    sys.setprofile(None)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""
