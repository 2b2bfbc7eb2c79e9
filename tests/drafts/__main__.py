"""Score the rules over drafts: `make draft-score`. Exits 0: the figures are for people; the tests hold them."""

import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from tests.drafts.score import reasons_of, score
from tests.drafts.texts import HELD_OUT, LETTERS, Letter


def main() -> int:
    """Print what was caught, missed and falsely sent back."""
    console = Console(markup=False, highlight=False)
    for title, letters in (("the letters the rules were made with", LETTERS), ("letters held out", HELD_OUT)):
        _print(console, title, letters)
    return 0


def _print(console: Console, title: str, letters: Sequence[Letter]) -> None:
    grid = Table("planted", "letters", "caught", "missed", "false alarms", title=title)
    rows = score(letters)
    for kind, row in rows.items():
        wrong = len(row.wrong)
        if kind == "honest":
            grid.add_row("nothing", str(row.letters), "", "", str(wrong))
        else:
            grid.add_row(kind, str(row.letters), str(row.letters - wrong), str(wrong), "")
    console.print(grid)
    for letter in letters:
        if letter.text in rows[letter.kind].wrong:
            console.print(f"{letter.kind}: {letter.text!r}", *reasons_of(letter), sep="\n  ")


if __name__ == "__main__":
    sys.exit(main())
