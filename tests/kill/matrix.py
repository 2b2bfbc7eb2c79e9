"""The matrix of kills: every point at which a scout was heard, under every behaviour, for every class of effects."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tests.kill.behaviours import Behaviour
from tests.kill.case import Case, Outcome, parse_case
from tests.kill.effects import EffectCase
from tests.kill.points import POINTS, WRITTEN, Point


@dataclass(frozen=True, slots=True)
class Scouted:
    """Which points one class reaches under one behaviour, and which it does not."""

    reached: tuple[Case, ...]
    missed: tuple[Case, ...]


def scouts(effects: Iterable[EffectCase], behaviours: Iterable[Behaviour]) -> list[str]:
    """Return the cases that show which points are reached: no kill, and a kill at the worst moment."""
    wanted = [*behaviours]
    return [
        Case(effect, behaviour, point).name
        for effect in effects
        for behaviour in wanted
        if behaviour.fits(effect)
        for point in (None, WRITTEN)
    ]


def scouted(outcomes: Iterable[Outcome]) -> Scouted:
    """Return the cases that remain once the scouts are back."""
    heard = {outcome.case: outcome.heard for outcome in outcomes}
    reached: list[Case] = []
    missed: list[Case] = []
    for name, processes in heard.items():
        scout = parse_case(name)
        if scout.point is not None:
            continue
        again = heard.get(Case(scout.effect, scout.behaviour, WRITTEN).name, ())
        for point in POINTS:
            if point is WRITTEN:
                continue
            passed = _passed(point, processes, again)
            (reached if passed else missed).append(Case(scout.effect, scout.behaviour, point))
    return Scouted(tuple(reached), tuple(missed))


def _passed(point: Point, alive: tuple[tuple[str, ...], ...], killed: tuple[tuple[str, ...], ...]) -> bool:
    processes = killed[1:2] if point.during == "resume" else alive[:1]
    return any(point.signal in heard for heard in processes)


def summary(outcomes: Iterable[Outcome], missed: Iterable[Case]) -> Iterator[tuple[str, Counter[str]]]:
    """Return for each group of cases how many there were and how they ended."""
    rows: dict[str, Counter[str]] = {}
    for outcome in outcomes:
        row = rows.setdefault(outcome.case.partition("/")[0], Counter())
        row.update(["cases", outcome.status])
        row["killed"] += outcome.killed
        row["not reached"] += not outcome.reached
        row["violations"] += bool(outcome.violations)
    for case in missed:
        rows.setdefault(case.effect.name, Counter())["not reached"] += 1
    yield from sorted(rows.items())


def unreached(outcomes: Iterable[Outcome]) -> list[str]:
    """Return the points at which no case killed."""
    killed = {outcome.case.rpartition("/")[2] for outcome in outcomes if outcome.reached}
    return [point.name for point in POINTS if point.name not in killed]
