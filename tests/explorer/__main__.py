"""Search the shipped protocol at the large bounds, and the naive twins beside it: `make explore`."""

import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

from tests.explorer.case import Case
from tests.explorer.cases import LARGE
from tests.explorer.coverage import demanded
from tests.explorer.search import Findings, Search
from tests.explorer.twins import TWINS


def _search(case: Case) -> Findings:
    return Search(case).run()


def _search_twin(number: int) -> Findings:
    return Search(TWINS[number].case, TWINS[number].rules).run()


def main() -> int:
    """Print what was found. Returns 1 where a promise is broken, a step was never taken or a twin is not seen."""
    began = time.monotonic()
    with ProcessPoolExecutor(max_workers=int(os.environ.get("WORKERS", "2"))) as pool:
        twins = pool.map(_search_twin, range(len(TWINS)))
        found = []
        _say(f"{'states':>9} {'steps':>9} {'flawed':>6}  the shipped protocol")
        for findings in pool.map(_search, LARGE):
            _say(f"{findings.states:9,} {findings.steps:9,} {findings.flawed:6}  {findings.case}")
            found.append(findings)
        unseen = _tell_twins(list(twins))
    return _conclude(found, unseen, time.monotonic() - began)


def _tell_twins(found: list[Findings]) -> list[str]:
    _say(f"\n{'states':>9} {'flawed':>9}  naive twins, whose states do not count")
    for twin, findings in zip(TWINS, found, strict=True):
        broken = ", ".join(sorted(flaw.partition(":")[0] for flaw in findings.flaws))
        _say(f"{findings.states:9,} {findings.flawed:9,}  {twin.name}: {broken or 'nothing found'}")
    return [
        twin.name for twin, findings in zip(TWINS, found, strict=True) if twin.harm not in findings.traces
    ]


def _conclude(found: list[Findings], unseen: list[str], seconds: float) -> int:
    taken: Counter[str] = Counter()
    for findings in found:
        taken.update(findings.taken)
        for flaw, trace in findings.traces.items():
            _say(f"\n{findings.case}\n{flaw}")
            _say("\n".join(f"{number:4}. {words}" for number, words in enumerate(trace, start=1)))
    _say(f"\n{'taken':>11}")
    for what, count in sorted(taken.items()):
        _say(f"{count:11,}  {what}")
    missed = sorted(demanded() - taken.keys())
    states, steps = sum(one.states for one in found), sum(one.steps for one in found)
    flawed = sum(one.flawed for one in found)
    _say(f"\n{states:,} states and {steps:,} steps in {len(found)} cases: {flawed} violating.")
    _say(f"Never taken: {', '.join(missed) or 'nothing'}. Twins not seen: {', '.join(unseen) or 'none'}.")
    _say(f"{seconds:.0f} s.")
    return 1 if flawed or missed or unseen else 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
