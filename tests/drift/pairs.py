"""Real changes of vendors' schemas, and the one part of each that a healer may see."""

from collections.abc import Iterator
from pathlib import Path

import pydantic
from mendflow.connectors.contract import Frozen
from mendflow.connectors.errors import InvalidUse
from mendflow.verifier.drift.fields import Field
from pydantic import BaseModel, ConfigDict, ValidationError

LARGEST_FILE = 64 * 1024 * 1024
MOST_FIELDS = 2000
"""Fields of one side of a change."""
UNDECIDABLE = "?"


class Fact(BaseModel):
    """What a vendor published about one field."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    type: str | None = None
    format: str | None = None
    ref: str | None = None
    description_id: str | None = None


class Question(Frozen):
    """All that a healer is given of a change. Of the published examples it makes no use: one record proves nothing."""

    thing: str
    gone: tuple[Field, ...]
    come: tuple[Field, ...]


class Change(BaseModel):
    """One line of the file; `removed` and `added` are fields by their dotted paths."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    id: str
    api: str
    schema_: str = pydantic.Field(alias="schema")
    removed: dict[str, Fact] = pydantic.Field(max_length=MOST_FIELDS)
    added: dict[str, Fact] = pydantic.Field(max_length=MOST_FIELDS)
    truth: dict[str, str | None]
    """By vanished field, its counterpart; null or absent: it has none; `?`: nobody can tell."""

    def question(self, *, described: bool) -> Question:
        """Return what a healer sees; `described`: the digests of the vendor's descriptions as well."""
        gone, come = (
            tuple(_field(path, fact, described=described) for path, fact in side.items())
            for side in (self.removed, self.added)
        )
        return Question(thing=self.schema_, gone=gone, come=come)

    @property
    def counterparts(self) -> int:
        """Return how many vanished fields have a counterpart."""
        return sum(other not in (None, UNDECIDABLE) for other in self.truth.values())


def _field(path: str, fact: Fact, *, described: bool) -> Field:
    return Field(
        path=tuple(path.split(".")),
        kinds=frozenset({fact.type} if fact.type else ()),
        shape=fact.ref or "",
        format=fact.format or "",
        description=(fact.description_id or "") if described else "",
    )


def read_changes(path: Path) -> list[Change]:
    """Return the changes of a file. Raises InvalidUse with the line that is none."""
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise InvalidUse(
                f"`{path}` is larger than {LARGEST_FILE} bytes.", help="Give a file of labelled pairs."
            )
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidUse(
            f"The labelled pairs `{path}` cannot be read: {error}.",
            help="Give their file: make drift-score PAIRS=FILE",
        ) from error
    changes = [*_parsed(path, lines)]
    if not changes:
        raise InvalidUse(
            f"`{path}` holds no change.", help="Give a file of labelled pairs, one JSON object a line."
        )
    return changes


def _parsed(path: Path, lines: list[str]) -> Iterator[Change]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            yield Change.model_validate_json(line)
        except ValidationError as error:
            found = error.errors()[0]
            place = ".".join(map(str, found["loc"]))
            raise InvalidUse(
                f"`{path}` line {number} is no labelled pair: {place}: {found['msg']}.",
                help="Each line is an object with `id`, `api`, `schema`, `removed`, `added` and `truth`.",
            ) from error
