"""Kills runs at every named point, under every behaviour of the vendor, for every class of effects: `make kill`.

Each case is a run of the installed command against a real sandbox, killed by a real SIGKILL and started again until
it ends; then the vendor's books are compared with what the run and its journal say. Prints a table; exits 1 on a
violation, and where a point was reached by no case.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence

import orjson
from mendflow.connectors.contract import JsonObject

from tests.kill.behaviours import BEHAVIOURS
from tests.kill.campaign import ROUNDS, trials
from tests.kill.case import Outcome
from tests.kill.effects import CLASSES
from tests.kill.matrix import Scouted, scouted, scouts, summary, unreached
from tests.kill.points import POINTS
from tests.kill.pool import run_all, warm_up
from tests.kill.sample import SAMPLE

COLUMNS = ("cases", "killed", "not reached", "completed", "parked", "failed", "refused", "violations")
_TOLD_EVERY = 500


def main(words: Sequence[str]) -> int:
    """Run what the command line asks for and return the exit code."""
    options = _parser().parse_args(words)
    if options.points:
        _say(f"{point.name:28} {point.during:7} {point.means}" for point in POINTS)
        return 0
    begun = time.perf_counter()
    warm_up()
    outcomes, left = _run(options)
    never = unreached(outcomes) if _is_whole(options) else []
    seconds = time.perf_counter() - begun
    if options.json:
        sys.stdout.buffer.write(orjson.dumps(_document(outcomes, left, never, seconds)) + b"\n")
    else:
        _say(_table(outcomes, left, never, seconds))
    return 1 if never or any(outcome.violations for outcome in outcomes) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.kill", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--case", action="append", default=[], metavar="CLASS/BEHAVIOUR/POINT")
    parser.add_argument("--trials", action="store_true", help="the trials alone, without the matrix of kills")
    parser.add_argument("--sample", action="store_true", help="the fixed sample that `make test` runs")
    parser.add_argument("--effect", action="append", choices=[one.name for one in CLASSES], default=[])
    parser.add_argument("--behaviour", action="append", choices=[one.name for one in BEHAVIOURS], default=[])
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every Nth of the cases")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="rounds of contention")
    parser.add_argument("--points", action="store_true", help="list the crash points")
    parser.add_argument("--workers", type=int, default=6, help="most of a case is waiting")
    parser.add_argument("--json", action="store_true")
    return parser


def _is_whole(options: argparse.Namespace) -> bool:
    """Tell whether all is run, so that each point must be reached."""
    part = options.case or options.trials or options.sample or options.effect or options.behaviour
    return not part and options.every == 1


def _run(options: argparse.Namespace) -> tuple[list[Outcome], Scouted]:
    """Run the cases that are asked for; all of them begin with their scouts."""

    def show(outcome: Outcome, done: int, due: int) -> None:
        if options.case and not options.json:
            _say(" ".join(heard) for heard in outcome.heard)
        if done % _TOLD_EVERY == 0:
            sys.stderr.write(f"{done} of {due}\n")
        for violation in outcome.violations:
            sys.stderr.write(f"{outcome.case}: {violation}\n")

    chosen = [*options.case, *(SAMPLE if options.sample else ())]
    chosen += trials(options.rounds) if options.trials else []
    if chosen:
        return run_all(chosen, options.workers, show), Scouted((), ())
    effects = [one for one in CLASSES if one.name in (options.effect or [one.name])]
    behaviours = [one for one in BEHAVIOURS if one.name in (options.behaviour or [one.name])]
    first = run_all(scouts(effects, behaviours), options.workers, show)
    found = scouted(first)
    names = [case.name for case in found.reached]
    names += [] if options.effect or options.behaviour else trials(options.rounds)
    return [*first, *run_all(names[:: options.every], options.workers, show)], found


def _table(outcomes: Sequence[Outcome], left: Scouted, never: Sequence[str], seconds: float) -> Iterable[str]:
    yield f"{'':16}" + "".join(f"{name:>13}" for name in COLUMNS)
    total: Counter[str] = Counter()
    for group, row in summary(outcomes, left.missed):
        yield f"{group:16}" + "".join(f"{row[name]:>13}" for name in COLUMNS)
        total += row
    yield f"{'all':16}" + "".join(f"{total[name]:>13}" for name in COLUMNS) + f"   {seconds:.0f} s"
    for outcome in outcomes:
        if outcome.violations:
            yield f"\npython -m tests.kill --case {outcome.case}"
            yield from (f"  {violation}" for violation in outcome.violations)
    yield from (f"\nno case reached the point `{name}`" for name in never)


def _document(outcomes: Sequence[Outcome], left: Scouted, never: Sequence[str], seconds: float) -> JsonObject:
    return {
        "cases": [
            {
                "case": outcome.case,
                "killed": outcome.killed,
                "reached": outcome.reached,
                "status": outcome.status,
                "violations": [*outcome.violations],
                "seconds": round(outcome.seconds, 2),
            }
            for outcome in outcomes
        ],
        "not_reached": [case.name for case in left.missed],
        "points_never_reached": [*never],
        "seconds": round(seconds, 1),
    }


def _say(lines: Iterable[str]) -> None:
    for line in lines:
        sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
