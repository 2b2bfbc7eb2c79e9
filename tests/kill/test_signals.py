"""What the kill harness hears: names for what the journal writes, and a tripwire that truly kills."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kill.points import POINTS
from tests.kill.signals import Transactions, operation_of

ROOT = Path(__file__).parents[2]
AWARD = "credit_receptions.create"


def event(kind: str, key: str = "", body: str = "{}") -> str:
    """Return the SQL of an event as SQLite shows it."""
    values = ("run-1", 3, kind, key, "2026-01-01", 1, body)
    return f"INSERT INTO events VALUES {values}"  # noqa: S608  # text to be read, never run


def effect(state: str, sendings: int) -> str:
    """Return the SQL of an effect's row as SQLite shows it."""
    attempts = ",".join(f'{{"number":{number},"at":"2026"}}' for number in range(1, sendings + 1))
    body = f'{{"slot":"{AWARD}/x","state":"{state}","attempts":[{attempts}]}}'
    values = (f"{AWARD}/x", "run-1", "effect", 1, body)
    return f"INSERT INTO effects VALUES {values} ON CONFLICT"  # noqa: S608  # text to be read, never run


def heard(*statements: str) -> list[str]:
    """Return what the statements of one transaction are called, with what follows its COMMIT."""
    transactions = Transactions(AWARD)
    names = [
        name
        for statement in ("BEGIN IMMEDIATE", *statements, "COMMIT")
        for name in transactions.before(statement)
    ]
    return names + transactions.after_commit()


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        (
            (effect("intent", 1), event("intent_written", "effect#1:call:0")),
            ["intent.effect", "intent.event", "intent.commit", "intent.committed"],
        ),
        (
            (effect("intent", 2), event("intent_written", "effect#3:call:0")),
            ["resend.effect", "resend.event", "resend.commit", "resend.committed"],
        ),
        (
            (event("fact_recorded", "effect#1:call:0", f'{{"operation":"{AWARD}"}}'),),
            ["fact.event", "fact.commit", "fact.committed"],
        ),
        (
            (event("fact_recorded", "effect#1:call:0", f'{{"operation":"{AWARD}","reason":"crash"}}'),),
            ["crash.event", "crash.commit", "crash.committed"],
        ),
        (
            (
                event("fact_recorded", "effect#2:call:0", '{"operation":"loyalty_transactions.list"}'),
                effect("done", 1),
                event("verdict_given", "effect#2:verdict:0"),
            ),
            [
                "reading.event",
                "settled.effect",
                "settled.event",
                "reading.commit",
                "settled.commit",
                "reading.committed",
                "settled.committed",
            ],
        ),
        ((event("intent_written", "prepare_piggy#1:call:0"),), []),
    ],
)
def test_what_is_written_has_a_name(statements: tuple[str, ...], expected: list[str]) -> None:
    """Each write about the effect under test is told before it, before its COMMIT, and after it."""
    assert heard(*statements) == expected


@pytest.mark.parametrize(
    ("method", "target", "operation"),
    [
        ("POST", "/credit-receptions", AWARD),
        ("GET", "/contacts/find-or-create?email=a", "contacts.find_or_create"),
        ("GET", "/contacts/0af1", "contacts.get"),
        ("DELETE", "/contacts/0af1", ""),
    ],
)
def test_a_request_is_known_by_its_route(method: str, target: str, operation: str) -> None:
    """A fixed path comes before one with a place in it."""
    assert operation_of(method, target) == operation


def test_a_tripwire_kills_the_process() -> None:
    """The process dies at its signal, by SIGKILL, with what it told before it on record."""
    reading, writing = os.pipe()
    program = (
        "import sys; from tests.kill.signals import Listener, Tripwire\n"
        f"listener = Listener({AWARD!r}, Tripwire('here', 2), {writing})\n"
        "for told in ('before', 'here', 'between', 'here', 'after'): listener.tell(told)\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, pass_fds=(writing,), check=False)
    os.close(writing)
    with os.fdopen(reading) as told:
        assert (ended.returncode, told.read().split()) == (
            -signal.SIGKILL,
            ["before", "here", "between", "here!"],
        )


def test_each_point_has_a_name_of_its_own() -> None:
    """No two points share a name, or a signal of the same process; each says what it stands for."""
    assert len({point.name for point in POINTS}) == len(POINTS)
    assert len({(point.signal, point.during) for point in POINTS}) == len(POINTS)
    assert all(point.means for point in POINTS)
