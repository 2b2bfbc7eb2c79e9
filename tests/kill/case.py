"""One case: a vendor, a run that is killed, and restarts until it ends."""

import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from mendflow.connectors.contract import JsonObject
from mendflow.service.exits import COMPLETED, FAILED, WAITING

from tests.kill import behaviours, effects, points
from tests.kill.behaviours import Behaviour
from tests.kill.effects import EffectCase
from tests.kill.nursery import Child, Ended, Nursery
from tests.kill.oracle import Allowed, Finding, violations
from tests.kill.points import WRITTEN, Point
from tests.kill.signals import Tripwire
from tests.kill.vendor import Vendor, open_vendor

MOST_STARTS = 6
"""How often a process is started again before the run counts as stuck."""
COMPLETES = Allowed()
NO_KILL = "none"
ENDED = (COMPLETED, FAILED, WAITING)
"""Exit codes of a command that brought the run to where nothing more can be done."""


@dataclass(frozen=True, slots=True)
class Case:
    """One class of effects under one behaviour of the vendor, killed at one point."""

    effect: EffectCase
    behaviour: Behaviour
    point: Point | None

    @property
    def name(self) -> str:
        """The name by which one case is run again."""
        point = self.point.name if self.point else NO_KILL
        return f"{self.effect.name}/{self.behaviour.name}/{point}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a case showed."""

    case: str
    killed: int
    """How many processes were killed."""
    reached: bool
    """Whether the case's own point was reached."""
    status: str
    violations: tuple[str, ...]
    heard: tuple[tuple[str, ...], ...]
    """What each process was heard to do."""
    seconds: float


def parse_case(name: str) -> Case:
    """Read the name of a case. Raises KeyError where a part of it is unknown."""
    effect, behaviour, point = name.split("/")
    return Case(
        effects.BY_NAME[effect],
        behaviours.BY_NAME[behaviour],
        None if point == NO_KILL else points.BY_NAME[point],
    )


def run_case(case: Case, folder: Path) -> Outcome:
    """Run a case in a folder of its own."""
    with open_vendor(folder) as vendor:
        story = Story(case.effect, vendor, folder)
        vendor.arm(*case.behaviour.faults(case.effect))
        ended = story.until_ended(tripwires(case.point))
        reached = story.killed_at(case.point)
        allowed = Allowed(case.behaviour.may_fail, case.behaviour.may_park(case.effect, [case.point]))
        return outcome_of(case.name, story, ended, allowed=allowed, reached=reached)


def outcome_of(
    name: str,
    story: "Story",
    ended: Ended,
    *,
    wrong: Sequence[str] = (),
    allowed: Allowed = COMPLETES,
    reached: bool = True,
) -> Outcome:
    """Judge how a story ended, and add what was found wrong on the way."""
    found = story.find(ended)
    findings = [*wrong, *violations(found, allowed), *story.check_replays()]
    if findings:
        findings.append(_words_of(ended))
    return Outcome(
        case=name,
        killed=sum(one.killed for one in story.ends()),
        reached=reached,
        status=str(found.documents[0].get("status", "stuck")),
        violations=tuple(findings),
        heard=tuple(one.heard for one in story.ends()),
        seconds=time.perf_counter() - story.begun,
    )


def tripwires(point: Point | None) -> list[Tripwire]:
    """Return where the first processes are killed, in their order."""
    if point is None:
        return []
    own = Tripwire(point.signal)
    return [Tripwire(WRITTEN.signal), own] if point.during == "resume" else [own]


class Story:
    """The runs of one workflow at one vendor, through all their processes."""

    def __init__(self, effect: EffectCase, vendor: Vendor, folder: Path) -> None:
        self.begun = time.perf_counter()
        self.effect = effect
        self.vendor = vendor
        self.home = folder / "home"
        self.nursery = Nursery(folder, effect.operation)
        self._children: list[Child] = []
        self.workflow = effect.workflow(vendor, folder)
        self._before = len(vendor.effects())

    def start(
        self, *words: str, tripwire: Tripwire | None = None, prepare: Callable[[], None] | None = None
    ) -> Child:
        """Start a command and keep it in mind."""
        return self.watch(self.nursery.command(*words, tripwire=tripwire, prepare=prepare))

    def watch(self, child: Child) -> Child:
        """Keep a process in mind."""
        self._children.append(child)
        return child

    def ends(self) -> list[Ended]:
        """Return how the processes ended, in the order in which they were started."""
        return [child.wait() for child in self._children]

    def words(self) -> list[str]:
        """Return the command that a person would give now: start the run, or go on with it."""
        run_id = self.run_id()
        return self.going_on(run_id) if run_id else self.first_words()

    def first_words(self) -> list[str]:
        """Return the command that starts a run."""
        return [
            "run",
            str(self.workflow),
            f"--sandbox={self.vendor.url}",
            "--json",
            "--home",
            str(self.home),
        ]

    def going_on(self, run_id: str) -> list[str]:
        """Return the command that goes on with a run."""
        return ["resume", run_id, "--json", "--home", str(self.home)]

    def until_ended(self, wires: Sequence[Tripwire]) -> Ended:
        """Start, kill where the wires are, and start again until the run has ended; a parked one once more."""
        looked_again = False
        ended = self.start(*self.words(), tripwire=wires[0] if wires else None).wait()
        for number in range(1, MOST_STARTS):
            if not ended.killed and (ended.document.get("status") != "parked" or looked_again):
                break
            looked_again = looked_again or not ended.killed
            ended = self.start(*self.words(), tripwire=wires[number] if number < len(wires) else None).wait()
        return ended

    def find(self, ended: Ended) -> Finding:
        """Return what was left behind, in the journal and at the vendor; `ended` told of one of the runs."""
        document = ended.document if ended.code in ENDED else {}
        return Finding(
            operation=self.effect.operation,
            documents=(document, *self._others(str(document.get("run_id")))),
            effects=tuple(self.vendor.effects()[self._before :]),
            states=tuple(self.states()),
        )

    def _others(self, told: str) -> list[JsonObject]:
        """Return what became of every run but the one that was told of."""
        shown = [
            self.nursery.command("show", run_id, "--json", "--home", str(self.home))
            for run_id, _ in self.runs()
            if run_id != told
        ]
        return [child.wait().document for child in shown]

    def run_id(self) -> str:
        """Return the id of the first run of the home; empty where there is none yet."""
        return next((run_id for run_id, _ in self.runs()), "")

    def runs(self) -> list[tuple[str, str]]:
        """Return the runs of the home with their statuses, in the order in which they were started."""
        rows = self.ask("SELECT run_id, status FROM runs ORDER BY created_at, run_id")
        return [(str(run_id), str(status)) for run_id, status in rows]

    def states(self) -> list[str]:
        """Return how the effects of the operation stand in the journal."""
        rows = self.ask(
            "SELECT json_extract(body, '$.state') FROM effects WHERE slot LIKE ?",
            f"{self.effect.operation}/%",
        )
        return [str(row[0]) for row in rows]

    def count_events(self, kind: str) -> int:
        """Return how many events of a kind the journal holds."""
        return len(self.ask("SELECT seq FROM events WHERE kind = ?", kind))

    def check_replays(self) -> list[str]:
        """Return what replays of the runs' records find wrong."""
        wrong: list[str] = []
        for run_id, _ in self.runs():
            ended = self.nursery.command("replay", run_id, "--json", "--home", str(self.home)).wait()
            if ended.code or not ended.document.get("same"):
                wrong.append(f"diverges: the replay ended with {ended.code}: {_words_of(ended)}")
        return wrong

    def killed_at(self, point: Point | None) -> bool:
        """Whether a process was killed at this very point."""
        if point is None:
            return True
        mark = f"{point.signal}!"
        own = self.ends()[1:] if point.during == "resume" else self.ends()[:1]
        return any(mark in one.heard for one in own)

    def ask(self, query: str, *values: str) -> list[tuple[object, ...]]:
        """Read the journal and leave it as the killed process did; nothing where there is none yet."""
        database = self.home / "journal.db"
        if not database.exists():
            return []
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as db:
            try:
                return db.execute(query, values).fetchall()
            except sqlite3.OperationalError as error:
                if "no such table" in str(error):
                    return []
                raise


def _words_of(ended: Ended) -> str:
    return f"exit {ended.code}: {ended.out.strip()[-600:]} {ended.err.strip()[-600:]}"
