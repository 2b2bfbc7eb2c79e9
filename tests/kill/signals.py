"""What a process tells of itself on its way, heard from outside: its SQL, its wire, a few of its calls.

Nothing of the library is patched. SQLite tells each statement before it runs, and the profile hook tells the
calls: those of the main thread while the effect is under way, and the journal's thread's first one after a COMMIT.
Each becomes a signal `WHAT.MOMENT`, and a tripwire is a signal at which the process ends, by a real SIGKILL, or
stops.
"""

import os
import re
import signal
import sqlite3
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from dis import opmap
from functools import partial
from signal import SIGKILL, SIGUSR1, Signals, pthread_kill
from types import CodeType, FrameType
from typing import get_args

from mendflow.connectors.link import Link
from mendflow.connectors.piggy.operations import OPERATIONS, TOOLS
from mendflow.connectors.wire import Wire, _Trip
from mendflow.graph.engine.verification import verifier
from mendflow.journal.events import EventKind
from mendflow.journal.sqlite import SqliteStore

STEP = "effect"
"""Id of the step under test in every workflow of this harness."""

_EVENT = re.compile(rf"INSERT INTO events\b.*?'({'|'.join(get_args(EventKind))})',\s*'([^']*)'", re.DOTALL)
_EFFECT = re.compile(r"(?:INSERT INTO|UPDATE) effects\b.*?\"state\":\"(\w+)\"", re.DOTALL)
_OF_RUN = {"run_started": "start", "run_resumed": "takeover", "run_ended": "close", "run_paused": "close"}
_OF_STEP = {"heal_recorded": "heal", "step_ended": "end"}
_SENDING = re.compile(r'"number":\d+,"at":')
_MOMENTS = {
    "connection.connect_tcp.started": "connecting",
    "http11.send_request_headers.started": "unwritten",
}
_FROM_HERE = ("intent.committed", "resend.committed", "takeover.committed")
"""After these the calls of the main thread are heard, up to the next exchange that is not about the effect."""
_MAIN = threading.main_thread().ident or 0


@dataclass(frozen=True, slots=True)
class Tripwire:
    """Where a process ends itself: at the `number`th time that a signal is given."""

    signal: str
    number: int = 1
    action: Signals = SIGKILL


class Transactions:
    """Names what the journal writes about one effect, from its SQL."""

    def __init__(self, operation: str) -> None:
        self.sending = ""
        """What the last intent was for: `intent` the first time, `resend` later; `takeover` in a resume before."""
        self._operation = operation
        self._judged = "verdict"
        self._names: list[str] = []

    def before(self, statement: str) -> list[str]:
        """Return the signals that a statement gives before it runs."""
        if statement.startswith("BEGIN"):
            self._names = []
        if statement.startswith("INSERT INTO runs"):
            return ["start.row"]
        if (
            statement.startswith("SELECT")
            and "FROM effects" in statement
            and f"'{self._operation}/" in statement
        ):
            return ["claim.look"]
        if statement == "COMMIT":
            return [f"{name}.commit" for name in self._names]
        effect = _EFFECT.match(statement)
        if effect is not None and f"'{self._operation}/" in statement:
            return [f"{self._of_effect(effect[1], statement)}.effect"]
        event = _EVENT.match(statement)
        name = self._name(event[1], event[2], statement) if event is not None else ""
        if not name:
            return []
        self._names.append(name)
        return [f"{name}.event"]

    def after_commit(self) -> list[str]:
        """Return the signals that a COMMIT gives when it has returned."""
        names, self._names = self._names, []
        return [f"{name}.committed" for name in names]

    def _of_effect(self, state: str, statement: str) -> str:
        if state != "intent":
            return self._judged
        self.sending = "intent" if len(_SENDING.findall(statement)) == 1 else "resend"
        return self.sending

    def _name(self, kind: str, key: str, statement: str) -> str:
        path, _, rest = key.partition("#")
        if kind in _OF_RUN:
            self.sending = self.sending if kind != "run_resumed" else "takeover"
            return _OF_RUN[kind]
        if path != STEP:
            return ""
        match kind:
            case "intent_written":
                return self.sending
            case "verdict_given":
                return self._judged
            case "fact_recorded":
                return self._fact(rest.partition(":")[2].partition(":")[0], statement)
            case _:
                return _OF_STEP.get(kind, "")

    def _fact(self, kind: str, statement: str) -> str:
        if kind != "call":
            return kind
        if f'"operation":"{self._operation}"' not in statement:
            self._judged = "settled"
            return "reading"
        self._judged = "verdict"
        return "crash" if '"reason":"crash"' in statement else "fact"


class Listener:
    """Hears a process, from within it, and trips its wire."""

    def __init__(self, operation: str, tripwire: Tripwire | None, heard: int) -> None:
        self._operation = operation
        self._confirm = confirming(operation)
        self._tripwire = tripwire
        self._left = tripwire.number if tripwire else 0
        self._heard = heard
        """File descriptor to which each signal is written, so that it outlives the process."""
        self._transactions = Transactions(operation)
        self._role = "other"
        """Whose exchange is on the wire: `write`, `resent`, `reading` or `other`."""
        self._fresh: list[sqlite3.Connection] = []
        self._own = {id(_code(own)) for own in (self._at_statement, self._audited, self.tell, _profile)}
        """Our own functions, whose ends a hook that was just set hears first."""
        self._watched: dict[int, Callable[[FrameType, str], None]] = {
            id(_code(Wire.attempt)): self._at_attempt,
            id(_code(_Trip.trace)): self._at_trace,
            id(_code(Link.open)): partial(self._at_end, "connected"),
            id(_code(Link.send)): partial(self._at_end, "written"),
            id(_code(Link.head)): partial(self._at_end, "head_read"),
            id(_code(Link.finish)): partial(self._at_begin, "body_read"),
            id(_code(verifier)): partial(self._at_begin, "judging"),
            id(_code(SqliteStore.post)): partial(self._at_end, "posted"),
        }

    def listen(self) -> None:
        """Hear this process from now on; to be called in its main thread."""
        sys.addaudithook(self._audited)
        signal.signal(SIGUSR1, lambda _number, _frame: _profile(self._in_main))

    def tell(self, told: str) -> None:
        """Write a signal down, and end or stop the process where the wire is."""
        trips = False
        if self._tripwire is not None and told == self._tripwire.signal:
            self._left -= 1
            trips = self._left == 0
        os.write(self._heard, f"{told}{'!' if trips else ''}\n".encode())
        if trips and self._tripwire is not None:
            os.kill(os.getpid(), self._tripwire.action)

    def _audited(self, event: str, arguments: tuple[object, ...]) -> None:
        if event == "sqlite3.connect/handle" and isinstance(arguments[0], sqlite3.Connection):
            self._fresh.append(arguments[0])
            _profile(self._once_connected)
        elif event == "open" and str(arguments[0]).endswith(".jsonl") and arguments[1] == "w":
            self.tell("trace.asked")

    def _once_connected(self, frame: FrameType, _event: str, _argument: object) -> None:
        """Hear a connection's statements: its handle is shown before it can be used."""
        if id(frame.f_code) in self._own:
            return
        with suppress(sqlite3.ProgrammingError):
            self._fresh[-1].set_trace_callback(self._at_statement)
            self._fresh.pop()
            _profile(None)

    def _at_statement(self, statement: str) -> None:
        for name in self._transactions.before(statement):
            self.tell(name)
        if statement == "COMMIT":
            _profile(self._once_committed)

    def _once_committed(self, frame: FrameType, _event: str, _argument: object) -> None:
        """Hear what the thread does first after a COMMIT has returned."""
        if id(frame.f_code) in self._own:
            return
        _profile(None)
        for name in self._transactions.after_commit():
            self.tell(name)
            if name in _FROM_HERE:  # the main thread runs the handler before it learns of the commit
                pthread_kill(_MAIN, SIGUSR1)

    def _in_main(self, frame: FrameType, event: str, _: object) -> None:
        watched = self._watched.get(id(frame.f_code))
        if watched is not None:
            watched(frame, event)

    def _at_begin(self, moment: str, frame: FrameType, event: str) -> None:
        if event == "call" and _begins(frame):
            self.tell(f"{self._role}.{moment}")

    def _at_end(self, moment: str, frame: FrameType, event: str) -> None:
        if event == "return" and _ends(frame):
            self.tell(f"{self._role}.{moment}")

    def _at_attempt(self, frame: FrameType, event: str) -> None:
        if event == "call" and _begins(frame):
            request = frame.f_locals["request"]
            self._role = self._role_of(operation_of(request.method, request.target))
        self._at_begin("asked", frame, event)
        self._at_end("returned", frame, event)
        if self._role == "other":
            _profile(None)

    def _role_of(self, operation: str) -> str:
        if operation == self._operation:
            return "resent" if self._transactions.sending == "resend" else "write"
        return "reading" if operation == self._confirm and self._transactions.sending else "other"

    def _at_trace(self, frame: FrameType, event: str) -> None:
        moment = _MOMENTS.get(frame.f_locals["event"], "")
        if moment:
            self._at_begin(moment, frame, event)


def confirming(operation: str) -> str:
    """Return the operation that settles an unknown outcome of another; empty where there is none."""
    confirm = TOOLS[operation].confirm
    return confirm.operation if confirm is not None else ""


def operation_of(method: str, target: str) -> str:
    """Return the dotted name of what a request asks for; empty when it is nothing of the catalogue."""
    path = target.partition("?")[0]
    found = ""
    for name, operation in OPERATIONS.items():
        pattern = re.sub(r"\{\w+\}", "[^/]+", operation.route.path)
        if operation.route.method != method or not re.fullmatch(pattern, path):
            continue
        if pattern == path:
            return name
        found = name
    return found


def _code(function: Callable[..., object]) -> CodeType:
    code = function.__code__
    assert isinstance(code, CodeType)
    return code


def _profile(hook: Callable[[FrameType, str, object], None] | None) -> None:
    """Set this thread's profile hook; Python lets one thread at a time do so, and refuses the other."""
    while True:
        try:
            sys.setprofile(hook)
        except RuntimeError:
            continue
        return


def _begins(frame: FrameType) -> bool:
    """Tell the first entry of a coroutine from its going on after an await (operand of RESUME)."""
    return frame.f_lasti < 0 or frame.f_code.co_code[frame.f_lasti + 1] == 0


def _ends(frame: FrameType) -> bool:
    """Tell a function's end from its waiting, or its failing."""
    return frame.f_code.co_code[frame.f_lasti] == opmap["RETURN_VALUE"]
