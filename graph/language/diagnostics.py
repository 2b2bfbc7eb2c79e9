"""Mistakes in a workflow file: their codes, where they stand, and the errors that carry them.

MendflowError
├── InvalidWorkflow       a file with mistakes; carries all of them
└── InvalidUse
    └── InvalidInputs     inputs that the workflow cannot take; carries all of them
"""

from collections.abc import Iterable

from rapidfuzz import process
from rapidfuzz.distance import DamerauLevenshtein

from ...connectors.contract import Frozen
from ...connectors.errors import InvalidUse, MendflowError
from .plan import Place

CODES: dict[str, str] = {
    # The text and its YAML
    "MF1001": "the text is not YAML",
    "MF1002": "a tab is used for indentation",
    "MF1003": "a key is given twice",
    "MF1004": "a YAML tag",
    "MF1005": "the file is too large",
    "MF1006": "the file is nested too deeply",
    "MF1007": "the file has too many values, aliases expanded",
    "MF1008": "an alias without its anchor, or one that contains itself",
    "MF1009": "a key that is not plain text",
    "MF1010": "more than one document in a file",
    "MF1011": "the file holds no mapping",
    "MF1012": "a number that other programs would read otherwise",
    "MF1013": "a merge key",
    "MF1014": "a YAML version other than 1.2",
    # Shape
    "MF1101": "an unknown key",
    "MF1102": "a missing key",
    "MF1103": "a value of the wrong type",
    "MF1104": "a value that is not one of the allowed ones",
    "MF1105": "a name that cannot be used",
    "MF1106": "a number out of range",
    "MF1107": "a step without a kind",
    "MF1108": "a step with two kinds",
    "MF1109": "something that is not available yet",
    "MF1110": "a secret, or what looks like one, written into the file",
    "MF1111": "a file that cannot be read, or may not be",
    "MF1112": "a schema or rule that is itself invalid",
    "MF1113": "keys that exclude each other, or none of them",
    # Expressions
    "MF1201": "an expression that CEL cannot read",
    "MF1202": "an unknown name in an expression",
    "MF1203": "an expression whose types do not fit together",
    "MF1204": "an expression that is too long or nested too deeply",
    "MF1205": "a comprehension over a map",
    "MF1206": "a hole that is never closed",
    "MF1207": "an expression with the wrong type of result",
    "MF1208": "an unknown function in an expression",
    "MF1209": "a hole where an expression or fixed text stands",
    "MF1210": "more expressions than a file may have",
    # Names and order
    "MF1301": "an unknown step",
    "MF1302": "steps that wait for each other",
    "MF1303": "an unknown input",
    "MF1304": "an unknown connection",
    "MF1305": "an unknown model",
    "MF1306": "an unknown role",
    "MF1307": "a step inside a map, referred to from outside",
    "MF1308": "a step that cannot play this part",
    "MF1309": "a connection that cannot be made",
    "MF1310": "a name that is taken",
    "MF1311": "a field that the draft does not have",
    # Tools
    "MF1401": "an unknown tool",
    "MF1402": "an unknown argument",
    "MF1403": "a missing argument",
    "MF1404": "an argument that does not fit",
    "MF1405": "a tool that is not a read, given to an agent",
    "MF1406": "a write that could happen twice and nothing would tell",
    "MF1407": "`may_repeat` where it is useless, or dangerous",
    "MF1408": "a bound of `budgets` that could not be counted",
}
"""Every code with its meaning in one line."""


MOST_MISTAKES = 1_000
MOST_EXPRESSIONS = 2_000


class Mistake(Frozen):
    """One mistake of a workflow file."""

    code: str
    place: Place
    message: str
    help: str = ""

    def __str__(self) -> str:
        return f"{self.place}: {self.code} {self.message}"


class InvalidWorkflow(MendflowError):  # the name that the tree of errors gives
    """A workflow file has mistakes; `mistakes` holds all of them in the order of the file."""

    code = "invalid_workflow"

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(sorted(set(mistakes), key=_order))
        helps = dict.fromkeys(mistake.help for mistake in self.mistakes if mistake.help)
        super().__init__("\n".join(map(str, self.mistakes)), help="\n".join(helps))


class InputMistake(Frozen):
    """One input that cannot be used as given."""

    name: str
    message: str

    def __str__(self) -> str:
        return f"input `{self.name}`: {self.message}"


class InvalidInputs(InvalidUse):
    """The inputs do not fit the workflow; `mistakes` holds all of them."""

    code = "invalid_inputs"

    def __init__(self, mistakes: Iterable[InputMistake]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__(
            "\n".join(map(str, self.mistakes)),
            help="Give each input as `--input NAME=VALUE`; the workflow's `inputs` say what is expected.",
        )


class Report:
    """Collects mistakes while a file is checked."""

    def __init__(self) -> None:
        self.mistakes: list[Mistake] = []
        self.expressions = 0

    def add(self, code: str, place: Place, message: str, advice: str = "") -> None:
        """Note a mistake; `code` is one of `CODES`. Raise InvalidWorkflow when they are too many."""
        if code not in CODES:
            raise KeyError(code)
        self.mistakes.append(Mistake(code=code, place=place, message=message, help=advice))
        if len(self.mistakes) >= MOST_MISTAKES:
            self.refuse()

    def count_expression(self, place: Place) -> None:
        """Count an expression; raise InvalidWorkflow when they are too many."""
        self.expressions += 1
        if self.expressions > MOST_EXPRESSIONS:
            message = f"the file has more than {MOST_EXPRESSIONS} expressions, aliases expanded"
            self.add("MF1210", place, message)
            self.refuse()

    def refuse(self) -> None:
        """Raise InvalidWorkflow when there is any mistake."""
        if self.mistakes:
            raise InvalidWorkflow(self.mistakes)


def nearest(word: str, choices: Iterable[str]) -> str:
    """Return the choice that `word` was probably meant to be, or an empty text."""
    longest, most = 100, 1_000
    if len(word) > longest:
        return ""
    found = process.extractOne(
        word,
        sorted(choice for choice in choices if len(choice) <= longest)[:most],
        scorer=DamerauLevenshtein.normalized_similarity,
        processor=str.lower,
        score_cutoff=0.6,
    )
    return "" if found is None else found[0]


def suggestion(word: str, choices: Iterable[str]) -> str:
    """Return the end of a sentence about an unknown `word`: the nearest choice, or all when they are few."""
    known = sorted(set(choices))
    meant = nearest(word, known)
    if meant:
        return f"; did you mean `{meant}`?"
    if not known:
        return "; there are none"
    few = 8
    shown = ", ".join(f"`{name}`" for name in known[:few])
    return f"; known: {shown}" + (f" and {len(known) - few} more" if len(known) > few else "")


def _order(mistake: Mistake) -> tuple[str, int, int, str, str]:
    place = mistake.place
    return (place.file, place.line, place.column, mistake.code, mistake.message)
