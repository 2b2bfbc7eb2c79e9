"""The states that are searched: nested tuples of small numbers, so that equal ones are one."""

from typing import Final, NamedTuple

from mendflow.verifier.effect import Decision

NONE: Final = -1
# A worker's phase: before an attempt, between claim and sending, waiting for each of two replies, before its end.
READY, CLAIMED, SENT, ASKED, ENDING = range(5)
# What the last record of a run on disk says: the next attempt is due, an intent is open, an outcome is known,
# a verdict has ended the course, somebody else has the slot, a person has decided.
FRESH, INTENT, FACT, KNOWN, SLOT, RULED = range(6)

STANDINGS: Final = ("mine", "done", "differs", "beyond", "held", "parked")
"""Of a claim."""
ENDED_STANDINGS: Final = ("done", "differs", "beyond")
DECISIONS: Final[tuple[Decision, ...]] = ("done", "refused", "resend")
"""Of a person."""


class Flight(NamedTuple):
    """A request on its way."""

    age: int
    """Ticks since it left."""
    run: int
    worker: int
    """Who waits for the answer, or NONE."""


class Row(NamedTuple):
    """One slot in the journal."""

    effect: int
    holder: int


class Disk(NamedTuple):
    """The last record of a run, from which a resume goes on."""

    stage: int
    course: int
    """The one that follows; within FACT and KNOWN that of the ruling."""
    wait: int
    said: int
    """FACT and KNOWN: the ruling; SLOT: the standing; RULED: the decision."""
    resent: int
    closed: bool
    """Whether the run has ended or paused."""


class Worker(NamedTuple):
    """A living process at work on a run."""

    phase: int
    course: int
    """While it reads: as it was when it asked."""
    wait: int
    """Ticks before it goes on; while it reads: ticks since it asked."""
    live: int
    """Ticks before a reading of this process may count."""
    mail: int
    """The answer that has come in, or NONE."""
    owns: bool
    """Whether its epoch is the present one."""
    pending: bool
    """Whether its last decision is posted and not yet on disk."""
    undo: tuple[Row, Disk] | None
    """What is on disk again after a crash; only where the intent is not awaited."""


class Left(NamedTuple):
    """What may happen yet."""

    crashes: int
    others: int
    visits: int


class State(NamedTuple):
    """The vendor, the journal and the processes at one moment."""

    shown: tuple[int, ...]
    """Awards that the vendor lists, newest first: the run that sent it, UNMARKED or MARKED."""
    hidden: tuple[tuple[int, int], ...]
    """Awards that took place and are not listed yet: age of the request and run."""
    flying: tuple[Flight, ...]
    rows: tuple[Row, ...]
    disks: tuple[Disk, ...]
    workers: tuple[Worker | None, ...]
    left: Left

    # Built in place rather than by `_replace`, which takes four times as long.

    def with_worker(self, number: int, worker: Worker | None) -> "State":
        """Return the state with another worker in this place."""
        shown, hidden, flying, rows, disks, workers, left = self
        workers = (*workers[:number], worker, *workers[number + 1 :])
        return State(shown, hidden, flying, rows, disks, workers, left)

    def with_disk(self, run: int, disk: Disk) -> "State":
        """Return the state with another last record of a run."""
        shown, hidden, flying, rows, disks, workers, left = self
        return State(shown, hidden, flying, rows, (*disks[:run], disk, *disks[run + 1 :]), workers, left)

    def with_row(self, slot: int, row: Row) -> "State":
        """Return the state with another row of a slot."""
        shown, hidden, flying, rows, disks, workers, left = self
        return State(shown, hidden, flying, (*rows[:slot], row, *rows[slot + 1 :]), disks, workers, left)
