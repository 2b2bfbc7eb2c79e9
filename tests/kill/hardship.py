"""Trials of the ground that a run stands on: a full disk, a home that cannot be written, a torn log, a moved clock."""

import asyncio
import os
import random
import resource
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import orjson
from mendflow.connectors.clock import SystemClock
from mendflow.connectors.contract import ConnectionSettings, Connector
from mendflow.connectors.opening import open_connector
from mendflow.connectors.sandbox.world import SETTLE
from mendflow.graph.engine.run import Order, resume, start
from mendflow.graph.engine.summary import RunResult
from mendflow.journal.home import Home
from mendflow.service.exits import INVALID
from mendflow.service.pins import order_of, plan_of
from mendflow.service.ports import opened
from mendflow.service.progress import quiet
from mendflow.service.workflows import load_plan
from mendflow.service.worlds import at_url

from tests.kill import behaviours, effects
from tests.kill.case import ENDED, Outcome, Story, outcome_of
from tests.kill.nursery import Ended
from tests.kill.oracle import Allowed, doubled
from tests.kill.points import BY_NAME
from tests.kill.signals import Tripwire
from tests.kill.vendor import open_vendor

NO_ROOM = "has no more room"
"""What the shipped error says of a journal for which SQLite answered SQLITE_FULL."""
NOBODY = 65_534
LARGEST_JOURNAL = 200_000
"""Bytes; more than the journal of one of these runs and its log ever have."""
SLOWER = 10
SLOW_SETTLE = SETTLE * SLOWER
DURABLE = {
    "start": "run_started",
    "intent": "intent_written",
    "fact": "fact_recorded",
    "verdict": "verdict_given",
    "end": "step_ended",
    "close": "run_ended",
}
"""What a transaction of each name writes first of all in a run of one write."""


class MovedClock:
    """The machine's clock, moved."""

    def __init__(self, by: timedelta) -> None:
        self._by = by
        self._clock = SystemClock()

    def now(self) -> datetime:
        """Return the moved moment."""
        return self._clock.now() + self._by

    async def sleep(self, duration: timedelta) -> None:
        """Wait for `duration` of real time."""
        await self._clock.sleep(duration)


class SlowClock:
    """A clock that goes slower than the machine's: whoever lives by it takes longer for everything."""

    def __init__(self) -> None:
        self._clock = SystemClock()
        self._begin = self._clock.now()

    def now(self) -> datetime:
        """Return the moment by this clock."""
        return self._begin + (self._clock.now() - self._begin) / SLOWER

    async def sleep(self, duration: timedelta) -> None:
        """Wait until so much has passed by this clock."""
        await self._clock.sleep(duration * SLOWER)


def full(name: str, folder: Path) -> Outcome:
    """Let no file grow beyond a seeded size, as on a full disk; then give room, and go on."""
    deal = _deal(name)
    effect = deal.choice(effects.CLASSES)
    size = deal.randrange(4096, LARGEST_JOURNAL)
    with _told(effect, folder, "calm") as story:
        hindered = story.start(*story.words(), prepare=lambda: _limit(size)).wait()
        wrong = [] if hindered.code in ENDED else _check_clear(hindered)
        allowed = Allowed(
            parked=not effect.settles
        )  # the disk is full at any moment, so after the intent too
        ended = story.until_ended([])
        return outcome_of(name, story, ended, wrong=wrong, allowed=allowed, reached=bool(hindered.code))


def crowded(name: str, folder: Path) -> Outcome:
    """Give the journal so many pages and no more, so that SQLite itself finds no room; then give room, and go on."""
    _, kind, pages = name.split("/")
    effect = effects.BY_NAME[kind]
    with _told(effect, folder, "calm") as story:
        hindered = story.start(*story.words(), prepare=lambda: _keep_to(int(pages))).wait()
        wrong = _check_clear(hindered)
        if NO_ROOM not in hindered.err:
            wrong.append(f"unclear: nothing says that the journal {NO_ROOM}")
        if effect.operation in story.vendor.effects() and not story.states():
            wrong.append("unrecorded: the effect took place and the journal does not know of it")
        allowed = Allowed(parked=not effect.settles)  # its outcome found no room
        ended = story.until_ended([])
        return outcome_of(name, story, ended, wrong=wrong, allowed=allowed, reached=bool(hindered.code))


def durable(name: str, folder: Path) -> Outcome:
    """Kill a run just before a COMMIT, and one just after it: nothing of it is kept, or all of it."""
    without, _ = _kept(name, folder / "before", "commit")
    kept, outcome = _kept(name, folder / "after", "committed")
    if (without, kept) == (0, 1):
        return outcome
    wrong = f"not durable: {without} events before the COMMIT, {kept} after it"
    return replace(outcome, violations=(*outcome.violations, wrong))


def _kept(name: str, folder: Path, moment: str) -> tuple[int, Outcome]:
    what = name.partition("/")[2]
    folder.mkdir()
    with _told(effects.BY_NAME["natural_key"], folder, "calm") as story:
        killed = story.start(*story.words(), tripwire=Tripwire(f"{what}.{moment}")).wait()
        kept = story.count_events(DURABLE[what])
        return kept, outcome_of(name, story, story.until_ended([]), reached=killed.killed)


def readonly(name: str, folder: Path) -> Outcome:
    """Kill a run, let nobody write its home, and try to resume it: a clear error, and nothing is sent."""
    point = BY_NAME[name.partition("/")[2]]
    with _told(effects.BY_NAME["marked"], folder, "calm") as story:
        killed = story.start(*story.words(), tripwire=Tripwire(point.signal)).wait()
        before = story.vendor.requests()
        with _nobody_writes(story.home, folder):
            hindered = story.start(*story.words(), prepare=_become_nobody).wait()
        wrong = _check_clear(hindered)
        if story.vendor.requests() != before:
            wrong.append("unrecorded: something was sent that could not be written down")
        return outcome_of(name, story, story.until_ended([]), wrong=wrong, reached=killed.killed)


def torn(name: str, folder: Path) -> Outcome:
    """Kill a run and cut the end off its log; it goes on without harm, or says that the journal has lost something."""
    _, place, size = name.split("/")
    with _told(effects.BY_NAME["marked"], folder, "calm") as story:
        killed = story.start(*story.words(), tripwire=Tripwire(BY_NAME[place].signal)).wait()
        log = story.home / "journal.db-wal"
        os.truncate(log, max(0, log.stat().st_size - int(size)))
        ended = story.start(*story.words()).wait()
        if ended.code != INVALID:
            return outcome_of(name, story, ended, reached=killed.killed)
        found = story.find(ended)
        wrong = [*_check_clear(ended), *doubled(found.effects)]
        return replace(
            outcome_of(name, story, ended, reached=killed.killed), status="refused", violations=tuple(wrong)
        )


def moved(name: str, folder: Path) -> Outcome:
    """Kill a run, move the clock by hours, and resume it; if it then waits for its old hour, put the clock right.

    The vendor is slow, and keeps within the bound that is declared for it.
    """
    _, hours, behaviour, place = name.split("/")
    effect = effects.BY_NAME["marked"]
    with open_vendor(folder, SlowClock()) as vendor:
        story = Story(effect, vendor, folder)
        vendor.arm(*behaviours.BY_NAME[behaviour].faults(effect))
        home = Home(story.home)

        def start_run() -> None:
            _print(asyncio.run(_started(home, story.workflow, vendor.url)))

        def resume_run() -> None:
            clock = MovedClock(timedelta(hours=int(hours)))
            _print(asyncio.run(_resumed(home, story.run_id(), clock)))

        wire = Tripwire(BY_NAME[place].signal)
        killed = story.watch(story.nursery.start(start_run, wire)).wait()
        ended = story.watch(story.nursery.start(resume_run)).wait()
        if ended.document.get("status") == "waiting":
            ended = story.until_ended([])
        return outcome_of(name, story, ended, reached=killed.killed)


async def _started(home: Home, workflow: Path, url: str) -> RunResult:
    """Start a run as the command does, at a vendor for which a longer settle time is declared."""
    plan = load_plan(workflow)
    home.prepare()
    async with at_url(plan.connections, url) as world, opened(home, quiet) as ports:
        connections = {
            name: one.model_copy(update={"settle": SLOW_SETTLE}) for name, one in world.connections.items()
        }
        return await start(ports, Order(plan, {}, connections, world.pinned))


async def _resumed(home: Home, run_id: str, clock: MovedClock) -> RunResult:
    """Resume a run as the command does, by another clock."""
    async with opened(home, quiet) as ports:

        def connector(settings: ConnectionSettings) -> Connector:
            return open_connector(settings, clock, ports.vault.learn)

        pinned = (await ports.store.events(run_id))[0].body
        order = order_of(pinned, plan_of(pinned))
        moved_ports = replace(ports, clock=clock, open_connector=connector)
        return await resume(moved_ports, run_id, lambda _: order)


def _print(result: RunResult) -> None:
    os.write(1, orjson.dumps(result.model_dump(mode="json")))


def _deal(name: str) -> random.Random:
    return random.Random(name)  # noqa: S311  # a seed, not a secret


@contextmanager
def _told(effect: effects.EffectCase, folder: Path, behaviour: str) -> Iterator[Story]:
    with open_vendor(folder) as vendor:
        story = Story(effect, vendor, folder)
        vendor.arm(*behaviours.BY_NAME[behaviour].faults(effect))
        yield story


def _keep_to(pages: int) -> None:
    """Let no database of this process grow beyond so many pages: a limit that SQLite keeps for a connection."""

    class Crowded(sqlite3.Connection):
        def __init__(self, *words: Any, **options: Any) -> None:  # as `sqlite3.connect` is called
            super().__init__(*words, **options)
            self.execute(f"PRAGMA max_page_count = {pages}")

    vars(sqlite3)["connect"] = partial(sqlite3.connect, factory=Crowded)


def _limit(size: int) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # writing fails instead
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))


@contextmanager
def _nobody_writes(home: Path, folder: Path) -> Iterator[None]:
    """Take the right to write away; root has it always, so that the process must become somebody else."""
    everything = [home, *home.rglob("*")]
    if os.geteuid() == 0:
        folder.chmod(0o755)
        for path in (*everything, *folder.glob("vendor.*")):
            os.chown(path, NOBODY, NOBODY)
    for path in everything:
        path.chmod(0o500 if path.is_dir() else 0o400)
    try:
        yield
    finally:
        for path in everything:
            path.chmod(0o700 if path.is_dir() else 0o600)


def _become_nobody() -> None:
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)


def _check_clear(ended: Ended) -> list[str]:
    """Return what is wrong with an end that had to be a clear error."""
    if ended.code == INVALID and ended.err.strip() and "Traceback" not in ended.err:
        return []
    return [f"unclear: exit {ended.code} instead of a clear error: {ended.err.strip()[-400:]}"]
