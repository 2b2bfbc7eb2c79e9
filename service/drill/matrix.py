"""What a drill found, for people: the matrix of calls and faults, the counts, and each broken invariant."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ...connectors.sandbox.faults import AFTER
from .report import Report
from .strikes import KINDS
from .trying import Ending, Finding

STYLES: Final[dict[Ending, str]] = {
    "healed": "green",
    "unharmed": "dim",
    "parked": "yellow",
    "waiting": "yellow",
    "failed": "cyan",
    "not struck": "dim",
    "BROKEN": "bold red",
}
MEANINGS: Final[dict[Ending, str]] = {
    "healed": "the run did all that it does when nothing goes wrong",
    "unharmed": "the same, and nothing had to be healed",
    "parked": "left to a person, with cause and next action",
    "waiting": "the run is due later",
    "failed": "said so, and nothing of the failed write is at the vendor",
    "not struck": "the run had nothing that the fault could strike",
    "BROKEN": "an invariant does not hold",
}
_WIDEST: Final = 30
"""Signs of a row's name."""
_GAP: Final = 2


def print_report(report: Report, console: Console) -> None:
    """Print everything that a person wants to know, at most as wide as the console."""
    if report.findings:
        for table in _blocks(report.findings, console.width):
            console.print(table)
            console.print()
    console.print(_counts(report))
    for line in report.head:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    for finding in (*report.findings, *report.pairs):
        for violation in finding.violations:
            console.print(Text.assemble(("BROKEN ", "bold red"), violation), soft_wrap=True)
            console.print(f"  {report.command(finding.trial)}", markup=False, highlight=False, soft_wrap=True)


def _blocks(findings: Sequence[Finding], width: int) -> Iterator[Table]:
    """Yield the matrix in blocks of as many kinds as fit side by side."""
    cells = {
        (_row(one), one.trial.strikes[0].form.partition("=")[0], _is_after(one)): one for one in findings
    }
    rows = [*dict.fromkeys(_row(one) for one in findings)]
    columns = iter(sorted({(kind, after) for _, kind, after in cells}, key=_place))
    left = max(len(row) for row in rows) + _GAP
    while True:
        block: list[tuple[str, bool]] = []
        room = width - left
        for column in columns:
            block.append(column)
            room -= _width(column, cells) + _GAP
            if room < _WIDTH_OF_CELL + _GAP:
                break
        if not block:
            return
        yield _table(rows, block, cells)


def _place(column: tuple[str, bool]) -> tuple[int, bool]:
    """Return what sorts columns as the sandbox lists its faults."""
    kind, after = column
    return [*map(str, KINDS)].index(kind), after


_WIDTH_OF_CELL: Final = max(len(word) for word in MEANINGS)


def _width(column: tuple[str, bool], cells: dict[tuple[str, str, bool], Finding]) -> int:
    endings = [len(one.ended) for (_, *rest), one in cells.items() if tuple(rest) == column]
    return max(*endings, *(len(word) for word in _heading(column).split("\n")))


def _table(
    rows: list[str], block: list[tuple[str, bool]], cells: dict[tuple[str, str, bool], Finding]
) -> Table:
    table = Table(box=None, padding=(0, _GAP, 0, 0), header_style="bold")
    table.add_column("", no_wrap=True)
    for column in block:
        table.add_column(_heading(column), no_wrap=True)
    for row in rows:
        found = (cells.get((row, *column)) for column in block)
        table.add_row(row, *(Text(one.ended, style=STYLES[one.ended]) if one else Text("–") for one in found))
    return table


def _heading(column: tuple[str, bool]) -> str:
    kind, after = column
    return kind.replace("_", "\n") + ("\n(after)" if after else "")


def _row(finding: Finding) -> str:
    """Return the step's name; of a long one its end tells more."""
    step = finding.trial.step or finding.trial.operation
    return step if len(step) <= _WIDEST else f"…{step[1 - _WIDEST :]}"


def _is_after(finding: Finding) -> bool:
    return finding.trial.strikes[0].order.detail == AFTER


def _counts(report: Report) -> Table:
    table = Table(box=None, padding=(0, _GAP, 0, 0), header_style="bold")
    for heading in ("", "single", "pairs", ""):
        table.add_column(heading, justify="right" if heading else "left")
    single = Counter(one.ended for one in report.findings)
    pairs = Counter(one.ended for one in report.pairs)
    for ending, meaning in MEANINGS.items():
        if single[ending] or pairs[ending] or ending == "BROKEN":
            word = Text(ending, style=STYLES[ending])
            table.add_row(word, str(single[ending]), str(pairs[ending]), Text(meaning, style="dim"))
    return table
