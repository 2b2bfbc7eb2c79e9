"""What one sees while a run goes on: a live view on a terminal, plain lines elsewhere, on stderr."""

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.table import Table

from ..graph.engine.context import Progress
from .screen import clean, warn

Report = Callable[[Progress], None]
_EVERY = 10


def quiet(_: Progress) -> None:
    """Show nothing."""


@contextmanager
def watching(*, as_json: bool) -> Iterator[Report]:
    """Show the progress of a run; programs that want JSON see none."""
    if as_json:
        yield quiet
    elif sys.stderr.isatty():
        board = _Board()
        with Live(
            board.table(), console=Console(stderr=True, markup=False), refresh_per_second=8, transient=True
        ) as live:

            def show(progress: Progress) -> None:
                board.note(progress)
                live.update(board.table())

            yield show
    else:
        board = _Board()

        def say(progress: Progress) -> None:
            board.note(progress)
            for line in board.lines(progress):
                warn(line)  # on stderr: stdout is for results

        yield say


class _Board:
    """What has happened so far, for people."""

    def __init__(self) -> None:
        self.title = ""
        self.steps: dict[str, str] = {}
        self.sizes: dict[str, int] = {}
        self.ended: Counter[str] = Counter()
        self.heals: Counter[str] = Counter()
        self.rejected = 0

    def note(self, progress: Progress) -> None:
        match progress.kind:
            case "run_started":
                self.title = f"{progress.detail} ({progress.path})"
            case "map_started" if "[" not in progress.path:
                self.sizes[progress.path] = progress.number
            case "item_ended":
                name, _, rest = progress.path.partition("[")
                if rest.endswith("]") and "." not in rest:
                    self.ended[name] += 1
            case "step_ended" if "[" not in progress.path:
                self.steps[progress.path] = progress.detail
            case "waiting" if "[" not in progress.path:
                self.steps[progress.path] = f"waiting: {progress.detail}"
            case "heal":
                self.heals[progress.detail] += 1
            case "draft_rejected":
                self.rejected += 1
            case _:
                pass

    def table(self) -> Table:
        table = Table(
            title=clean(self.title), title_justify="left", box=None, show_header=False, padding=(0, 2, 0, 0)
        )
        for name, status in self.steps.items():
            table.add_row(_sign(status), clean(name), clean(status))
        for name, size in self.sizes.items():
            if name not in self.steps:
                table.add_row("…", clean(name), f"{self.ended[name]} of {size} items")
        for name, count in sorted(self.heals.items()):
            table.add_row("✚", "healed", clean(f"{name} × {count}"))
        if self.rejected:
            table.add_row("↺", "drafts", f"{self.rejected} sent back to their author")
        return table

    def lines(self, progress: Progress) -> list[str]:
        match progress.kind:
            case "run_started":
                return [self.title]
            case "step_ended" if "[" not in progress.path:
                return [f"{progress.path}: {progress.detail}"]
            case "map_started" if "[" not in progress.path:
                return [f"{progress.path}: {progress.number} items"]
            case "item_ended":
                name = progress.path.partition("[")[0]
                count, size = self.ended[name], self.sizes.get(name, 0)
                top = progress.path.count("[") == 1
                return (
                    [f"{name}: {count} of {size}"] if top and (count % _EVERY == 0 or count == size) else []
                )
            case "heal":
                return [f"healed at {progress.path}: {progress.detail}"]
            case "draft_rejected":
                return [f"draft sent back at {progress.path}: {progress.detail}"]
            case "waiting" if progress.detail == "approval":
                return [f"{progress.path} waits for approval"]
            case _:
                return []


def _sign(status: str) -> str:
    return {"done": "✔", "failed": "✘", "parked": "⏸", "skipped": "–"}.get(status, "…")
