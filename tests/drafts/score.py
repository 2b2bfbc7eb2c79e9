"""How many planted untruths the rules catch, and how many honest letters they send back."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from mendflow.agents.findings import compose_findings
from mendflow.connectors.contract import JsonObject
from mendflow.verifier.drafts import check_draft

from tests.drafts.texts import LETTERS, Letter


@dataclass(slots=True)
class Row:
    """One kind of letter: how many there are, and which of them the rules judged wrongly."""

    letters: int = 0
    wrong: list[str] = field(default_factory=list)


def findings_of(letter: Letter) -> list[JsonObject]:
    """Return the findings from which a letter was written."""
    return [finding.model_dump(mode="json") for finding in compose_findings(letter.facts)]


def reasons_of(letter: Letter) -> tuple[str, ...]:
    """Return why the rules send a letter back."""
    return check_draft({"body": letter.text}, findings_of(letter), {}, {})


def score(letters: Iterable[Letter] = LETTERS) -> dict[str, Row]:
    """Return a row for each kind: an untruth that passes is wrong, and an honest letter that does not."""
    rows: dict[str, Row] = {}
    for letter in letters:
        row = rows.setdefault(letter.kind, Row())
        row.letters += 1
        if bool(reasons_of(letter)) == (letter.kind == "honest"):
            row.wrong.append(letter.text)
    return rows
