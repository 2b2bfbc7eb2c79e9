"""Many worlds, one after the other and on several cores: what each of them showed."""

import gc
import hashlib
import sqlite3
import tempfile
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import count, islice
from multiprocessing import get_context
from pathlib import Path

import orjson
from mendflow.connectors.piggy.operations import TOOLS
from mendflow.connectors.virtual import Stuck, run_virtually

from tests.simulation.oracle import Oracle
from tests.simulation.shape import DRAWN, draw_shape
from tests.simulation.world import SHIPPED, Seams, Simulation

REPLAYED = 10
"""Of so many worlds, one has its runs replayed."""
SIZE = 200
"""Effects of a world."""
AHEAD = 3
"""Worlds for each core that are begun before they are asked for."""
ALL = "all"
"""The reference's mix, and in every fifth world a drawn one."""

Tally = Counter[tuple[str, str]]
"""Counts by table and row."""


@dataclass(frozen=True, slots=True)
class WorldName:
    """All that a world follows from."""

    seed: int
    mix: str
    size: int = SIZE

    @property
    def command(self) -> str:
        """Return what lives through exactly this world again."""
        return f"python -m tests.simulation --world {self.seed} --mix {self.mix} --size {self.size}"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a world showed."""

    name: WorldName
    tally: Tally
    violations: tuple[str, ...]
    digest: str
    """Of the whole trace: equal for equal names."""


def names(mix: str, first: int, size: int = SIZE) -> Iterator[WorldName]:
    """Yield the names of worlds without end."""
    for seed in count(first):
        yield WorldName(seed, _mix(mix, seed), size)


def _mix(mix: str, seed: int) -> str:
    if mix != ALL:
        return mix
    return DRAWN if seed % 5 == 0 else "reference"


def campaign(worlds: Iterable[WorldName], workers: int) -> Iterator[Finding]:
    """Live through worlds on several cores; what they show comes in their order."""
    coming = iter(worlds)
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_set_aside) as pool:
        begun: deque[Future[Finding]] = deque()
        try:
            while True:
                begun.extend(
                    pool.submit(live_through, name) for name in islice(coming, workers * AHEAD - len(begun))
                )
                if not begun:
                    return
                yield begun.popleft().result()
        finally:
            for future in begun:
                future.cancel()


def _set_aside() -> None:
    """Keep what was imported out of the collector's sight: it would look through all of it after every world."""
    gc.collect()
    gc.freeze()


def live_through(name: WorldName, seams: Seams = SHIPPED) -> Finding:
    """Live through one world, and judge it."""
    with simulated(name, seams) as simulation:
        oracle = Oracle(simulation)
        violations = [*oracle.violations()]
        replayed = name.seed % REPLAYED == 0 and simulation.error is None
        if replayed:
            violations += run_virtually(oracle.divergences)
        digest = hashlib.sha256("\n".join(trace_of(simulation)).encode()).hexdigest()
        tally = _tally(simulation, oracle)
        tally["replays", "runs"] = len(simulation.jobs) if replayed else 0
        return Finding(name, tally, tuple(violations), digest)


@contextmanager
def simulated(name: WorldName, seams: Seams = SHIPPED) -> Iterator[Simulation]:
    """Live through one world and hand it over."""
    shape = draw_shape(name.seed, name.mix, name.size)
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(sqlite3.connect(":memory:", isolation_level=None)) as db,
    ):
        simulation = Simulation(shape, Path(folder), db, seams)
        gc.disable()  # it would take a tenth of the time, and a world is small
        try:
            run_virtually(simulation.live)
        except Stuck as error:
            simulation.error = error
        finally:
            gc.enable()
        yield simulation


def trace_of(simulation: Simulation) -> Iterator[str]:
    """Yield all that came to pass: on the network, in the journal, at the vendor."""
    yield from simulation.network.lines
    for job in simulation.jobs:
        for event in simulation.events(job):
            text = orjson.dumps(event.model_dump(mode="json")).decode()
            yield text.replace(simulation.place, "")
    for effect in simulation.effects():
        yield effect.model_dump_json()
    for made in simulation.network.desk.world.effects:
        yield orjson.dumps(made.model_dump(mode="json")).decode()


def _tally(simulation: Simulation, oracle: Oracle) -> Tally:
    mix = simulation.shape.mix.name
    network = simulation.network
    tally: Tally = Counter()
    tally["worlds", mix] = 1
    tally["requests", mix] = network.faults.total()
    tally["lives", mix] = sum(job.lives for job in simulation.jobs)
    for job in simulation.jobs:
        tally["runs", job.result.status if job.result else "no result"] += 1
        for kind, times in job.result.heals.items() if job.result else ():
            tally["heals", kind] += times
    for effect, _ in oracle.effects():
        tally["effects", f"{mix} {TOOLS[effect].effect}"] += 1
    for course in oracle.parked():
        table = "behind" if course.is_behind else "parked"
        tally[table, f"{mix} {TOOLS[course.name[0]].effect}"] += 1
    tally.update({("faults", fault or "none"): times for fault, times in network.faults.items()})
    tally.update({("deaths", point): times for point, times in simulation.deaths.items()})
    return tally
