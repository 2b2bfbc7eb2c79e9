"""How the shipped healer of drift does: on labelled changes of vendors, and on every contract of the catalogue."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from mendflow.connectors.contract import JsonObject
from mendflow.connectors.piggy.operations import TOOLS
from mendflow.verifier.contract import fits
from mendflow.verifier.drift.fields import pair
from mendflow.verifier.drift.repair import Repair, repair
from mendflow.verifier.shape import items_of, properties_of
from pydantic import JsonValue

from tests.drift.bodies import SAFE, drifted
from tests.drift.events import EVENTS, Event
from tests.drift.pairs import Change, Question


@dataclass(slots=True)
class Score:
    """What became of some vanished fields."""

    heals: int = 0
    right: int = 0
    counterparts: int = 0
    """How many of them have a counterpart."""
    wrong: list[str] = field(default_factory=list)
    """Each wrong heal in words."""

    @property
    def recall(self) -> float:
        """Return the share of those with a counterpart that were healed rightly."""
        return self.right / self.counterparts if self.counterparts else 0.0

    def document(self) -> JsonObject:
        """Return the score as JSON."""
        wrong: list[JsonValue] = [*self.wrong]
        return {
            "heals": self.heals,
            "right": self.right,
            "wrong": wrong,
            "counterparts": self.counterparts,
            "recall": round(self.recall, 4),
        }


def heal(question: Question) -> Iterator[tuple[str, str, str]]:
    """Yield what the shipped rules make of a change: old field, new field, tier."""
    for one in pair(question.thing, question.gone, question.come, loud=True):
        yield ".".join(one.old), ".".join(one.new), one.tier


def score_of(changes: Iterable[Change], *, described: bool) -> dict[str, Score]:
    """Return the scores: of `all`, by vendor, and by tier (whose recall is its share of all counterparts)."""
    scores: dict[str, Score] = {"all": Score()}
    for change in changes:
        for name in ("all", change.api):
            scores.setdefault(name, Score()).counterparts += change.counterparts
        for old, new, tier in heal(change.question(described=described)):
            for name in ("all", change.api, tier):
                _count(scores.setdefault(name, Score()), change, old, new, tier)
    for name, score in scores.items():
        if name.startswith("T"):
            score.counterparts = scores["all"].counterparts
    return scores


def _count(score: Score, change: Change, old: str, new: str, tier: str) -> None:
    score.heals += 1
    if change.truth.get(old) == new:
        score.right += 1
    else:
        score.wrong.append(
            f"{change.id} {change.schema_}: {old} → {new} by {tier}, true is {change.truth.get(old)}"
        )


@dataclass(slots=True)
class Row:
    """What became of the answers that drifted in one way."""

    cases: int = 0
    healed: int = 0
    kept: int = 0
    """Still as the contract has it, without any repair."""
    refused: int = 0
    wrong: list[str] = field(default_factory=list)

    def document(self) -> JsonObject:
        """Return the row as JSON."""
        wrong: list[JsonValue] = [*self.wrong]
        return {
            "cases": self.cases,
            "healed": self.healed,
            "kept": self.kept,
            "refused": self.refused,
            "wrong": wrong,
        }


def mutations() -> dict[str, Row]:
    """Drift every answer contract of the catalogue in every way, and say what the shipped healer made of it."""
    rows: dict[str, Row] = {}
    for one in drifted():
        row = rows.setdefault(one.kind, Row())
        row.cases += 1
        schema = TOOLS[one.operation].answer
        output = _output(one.body)
        if output is not None and fits(schema, output):
            row.kept += 1
            continue
        mended = repair(
            schema, one.body, TOOLS[one.operation].aliases, thing=_thing(one.operation), loud=True
        )
        if not isinstance(mended, Repair):
            row.refused += 1
        elif one.kind in SAFE and _says_the_same(schema, one.original, mended.output):
            row.healed += 1
        else:
            row.wrong.append(f"{one.operation} {one.kind} {one.field}".rstrip())
    return rows


def _output(body: JsonValue) -> JsonValue:
    return body.get("data") if isinstance(body, dict) else None


def _thing(operation: str) -> str:
    return operation.partition(".")[0]


def _says_the_same(schema: JsonObject, original: JsonValue, output: JsonValue) -> bool:
    """Tell whether every field that the contract knows has its old value, or is not there."""
    match original, output:
        case dict(), dict():
            declared = properties_of(schema)
            return all(
                _says_the_same(rule, original.get(name), output[name])
                for name, rule in declared.items()
                if name in output
            )
        case list(), list():
            return len(original) == len(output) and all(
                _says_the_same(items_of(schema), before, after)
                for before, after in zip(original, output, strict=True)
            )
        case _:
            return original == output


def events() -> dict[str, Row]:
    """Judge the vendor's own drift events; rows by what was expected of them."""
    rows: dict[str, Row] = {}
    for event in EVENTS:
        row = rows.setdefault(event.expected, Row())
        row.cases += 1
        became = _became(event)
        row.healed += became == "healed"
        row.kept += became == "kept"
        row.refused += became == "refused"
        if became != event.expected:
            row.wrong.append(f"event {event.number} ({event.what}): {became}, expected {event.expected}")
    return rows


def _became(event: Event) -> str:
    if not event.operation:
        return "outside"
    spec = TOOLS[event.operation]
    output = _output(event.body)
    if output is not None and fits(spec.answer, output):
        return "kept"
    mended = repair(spec.answer, event.body, spec.aliases, thing=_thing(event.operation), loud=True)
    return "healed" if isinstance(mended, Repair) else "refused"
