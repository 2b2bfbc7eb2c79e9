"""Many cases side by side: processes that were forked from this one, each of which forks those of its cases."""

import contextlib
import gc
import io
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

from mendflow.service.cli import main

from tests.kill.campaign import TRIALS
from tests.kill.case import Outcome, Story, parse_case, run_case
from tests.kill.effects import CLASSES
from tests.kill.vendor import open_vendor

Shown = Callable[[Outcome, int, int], None]
"""Is given each outcome, how many there are now, and how many there will be."""


def run_named(name: str) -> Outcome:
    """Run one case by its name, in a folder that goes with it."""
    trial = TRIALS.get(name.partition("/")[0])
    with tempfile.TemporaryDirectory(prefix="kill-") as folder:
        try:
            return trial(name, Path(folder)) if trial else run_case(parse_case(name), Path(folder))
        except Exception as error:  # noqa: BLE001  # a border: one case that breaks must not end the others
            return Outcome(name, 0, False, "broken", (f"broken: {error!r}",), (), 0.0)  # not reached


def run_all(names: Iterable[str], workers: int, show: Shown) -> list[Outcome]:
    """Run cases side by side, in processes that were forked from this one."""
    outcomes: list[Outcome] = []
    with ProcessPoolExecutor(workers, mp_context=get_context("fork")) as pool:
        futures = [pool.submit(run_named, name) for name in names]
        for future in as_completed(futures):
            outcomes.append(future.result())
            show(outcomes[-1], len(outcomes), len(futures))
    return sorted(outcomes, key=lambda outcome: outcome.case)


def warm_up() -> None:
    """Run a workflow and its replay in this process, so that what is forked from it has all modules loaded."""
    with tempfile.TemporaryDirectory(prefix="kill-") as folder, open_vendor(Path(folder)) as vendor:
        story = Story(CLASSES[0], vendor, Path(folder))
        _say_nothing(story.first_words())
        _say_nothing(["replay", story.run_id(), "--home", str(story.home)])
    threads = len(list(Path("/proc/self/task").iterdir()))
    assert threads == 1, f"{threads} threads: a process that forks has one"
    gc.freeze()  # what is loaded stays: the children need not copy it


def _say_nothing(words: list[str]) -> None:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
        main(words)
