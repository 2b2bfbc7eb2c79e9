"""Score the healer of drift: `make drift-score PAIRS=FILE`. Exits 1 on a wrong heal."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import orjson
from mendflow.connectors.contract import JsonObject
from mendflow.connectors.errors import InvalidUse
from rich.console import Console
from rich.table import Table

from tests.drift.pairs import read_changes
from tests.drift.score import Row, Score, events, mutations, score_of


def main(words: Sequence[str]) -> int:
    """Print the scores and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.drift", description=(__doc__ or "").split(":")[0])
    parser.add_argument("pairs", type=Path, help="labelled changes, one JSON object a line")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(words)
    try:
        changes = read_changes(options.pairs)
    except InvalidUse as error:
        sys.stderr.write(f"{error.message}\n{error.help}\n")
        return 2
    scores = {
        "names and types": score_of(changes, described=False),
        "with descriptions": score_of(changes, described=True),
    }
    rows = {"events": events(), "mutations": mutations()}
    if options.json:
        sys.stdout.write(orjson.dumps(_document(scores, rows)).decode() + "\n")
    else:
        _print(scores, rows)
    return 1 if any(_wrong(scores, rows)) else 0


def _wrong(scores: dict[str, dict[str, Score]], rows: dict[str, dict[str, Row]]) -> list[str]:
    found = [text for mode in scores.values() for text in mode["all"].wrong]
    return found + [text for table in rows.values() for row in table.values() for text in row.wrong]


def _document(scores: dict[str, dict[str, Score]], rows: dict[str, dict[str, Row]]) -> JsonObject:
    changes = {mode: {name: one.document() for name, one in table.items()} for mode, table in scores.items()}
    others = {name: {kind: row.document() for kind, row in table.items()} for name, table in rows.items()}
    document: JsonObject = orjson.loads(
        orjson.dumps({"changes": changes, **others, "wrong": _wrong(scores, rows)})
    )
    return document


def _print(scores: dict[str, dict[str, Score]], rows: dict[str, dict[str, Row]]) -> None:
    console = Console(markup=False, highlight=False)
    for mode, table in scores.items():
        grid = _grid(f"labelled changes: {mode}", ("", "heals", "right", "wrong", "counterparts", "recall"))
        for name, one in sorted(table.items()):
            cells = (one.heals, one.right, len(one.wrong), one.counterparts)
            grid.add_row(name, *map(str, cells), f"{one.recall:.3f}")
        console.print(grid)
    titles = {"events": "the vendor's own events", "mutations": "every contract of the catalogue, drifted"}
    for name, others in rows.items():
        grid = _grid(titles[name], ("", "cases", "kept", "healed", "refused", "wrong"))
        for kind, row in others.items():
            counts = (row.cases, row.kept, row.healed, row.refused, len(row.wrong))
            grid.add_row(kind, *map(str, counts))
        console.print(grid)
    for text in _wrong(scores, rows):
        console.print(f"WRONG {text}", style="red")


def _grid(title: str, headings: Sequence[str]) -> Table:
    grid = Table(title=title, title_justify="left", box=None, padding=(0, 2, 0, 0))
    for number, heading in enumerate(headings):
        grid.add_column(heading, justify="right" if number else "left")
    return grid


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
