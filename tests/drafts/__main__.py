"""Score the rules over drafts: `make draft-score`. Exits 0: the figures are for people; the tests hold them."""

import sys

from rich.console import Console
from rich.table import Table

from tests.drafts.score import reasons_of, score
from tests.drafts.texts import LETTERS


def main() -> int:
    """Print what was caught, missed and falsely sent back."""
    console = Console(markup=False, highlight=False)
    grid = Table("planted", "letters", "caught", "missed", "false alarms", title="letters with labels")
    rows = score()
    for kind, row in rows.items():
        wrong = len(row.wrong)
        if kind == "honest":
            grid.add_row("nothing", str(row.letters), "", "", str(wrong))
        else:
            grid.add_row(kind, str(row.letters), str(row.letters - wrong), str(wrong), "")
    console.print(grid)
    for letter in LETTERS:
        if letter.text in rows[letter.kind].wrong:
            console.print(f"{letter.kind}: {letter.text!r}", *reasons_of(letter), sep="\n  ")
    return 0


if __name__ == "__main__":
    sys.exit(main())
