"""All trials of a drill, on several cores; what they show comes in their order, whoever was quicker."""

import gc
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import islice
from multiprocessing import get_context

from .trials import Trial
from .trying import Finding, Setup, try_out

AHEAD = 4
"""Trials for each core that are begun before they are asked for."""
FEW = 8
"""So few trials are not worth the start of other processes."""


def findings(setup: Setup, trials: Sequence[Trial], workers: int) -> Iterator[Finding]:
    """Yield what each trial shows."""
    if workers == 1 or len(trials) <= FEW:
        yield from (try_out(setup, trial) for trial in trials)
        return
    coming = iter(trials)
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_set_aside) as pool:
        begun: deque[Future[Finding]] = deque()
        try:
            while True:
                begun.extend(
                    pool.submit(try_out, setup, trial)
                    for trial in islice(coming, workers * AHEAD - len(begun))
                )
                if not begun:
                    return
                yield begun.popleft().result()
        finally:
            for future in begun:
                future.cancel()


def _set_aside() -> None:
    """Keep what was imported out of the collector's sight: it would look through all of it again and again."""
    gc.collect()
    gc.freeze()
