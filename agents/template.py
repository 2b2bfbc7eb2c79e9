"""Letters by template: text with `{name}` holes, filled from what the step gives and from findings. Pure.

A hole is looked up, in this order:

1. in the step's `with:` values, also into objects: `{last_date}`, `{member.first_name}`;
2. among the findings: `{subject.fact}`, e.g. `{purchases.count}`; `{name}` where subject and fact are both
   `name`, or where every finding whose fact is `name` has the same value.

A list of objects is written by the row template of that name (`voice.rows.purchases: "{date}, {quantity}"`);
its entries are joined by `voice.separator` (`, ` unless told). `{{` and `}}` are braces. What a hole brings
in is never itself read as a template. The values of a step are a convenience and no source: the draft check
knows findings only.
"""

import re
from dataclasses import dataclass

from pydantic import JsonValue

from ..connectors.contract import JsonObject
from .findings import text_of

HOLE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class Scope:
    """Where the values of holes come from, and how lists are written."""

    given: JsonObject
    findings: tuple[JsonObject, ...]
    rows: JsonObject
    separator: str = ", "


@dataclass(frozen=True, slots=True)
class Filled:
    """A text without holes, and the values that went in."""

    text: str
    values: tuple[JsonValue, ...] = ()


@dataclass(frozen=True, slots=True)
class Unfilled:
    """The first hole that nothing fills."""

    hole: str


def fill(template: str, scope: Scope) -> Filled | Unfilled:
    """Fill the holes of a template."""
    parts: list[str] = []
    values: list[JsonValue] = []
    end = 0
    for hole in HOLE.finditer(template):
        parts.append(template[end : hole.start()])
        end = hole.end()
        if hole[0] in ("{{", "}}"):
            parts.append(hole[0][0])
            continue
        name = hole[1].strip()
        value = _look_up(name, scope)
        if value is None:
            return Unfilled(name)
        written = _write(name, value, scope)
        if isinstance(written, Unfilled):
            return written
        parts.append(written.text)
        values.append(value)
    parts.append(template[end:])
    return Filled("".join(parts), tuple(values))


def sources_of(value: JsonValue, findings: tuple[JsonObject, ...]) -> tuple[str, ...]:
    """Return the sources of a value: findings that are it, else rows that hold it, else of its entries."""
    exact = [finding for finding in findings if finding.get("value") == value]
    within = [finding for finding in findings if _has_field(finding.get("value"), value)]
    if exact or within:
        return tuple(str(finding.get("source")) for finding in exact or within)
    if not isinstance(value, list):
        return ()
    return tuple(source for entry in value for source in sources_of(entry, findings))


def _look_up(name: str, scope: Scope) -> JsonValue:
    value: JsonValue = scope.given
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    if value is not None:
        return value
    for full in (name, f"{name}.{name}"):
        for finding in scope.findings:
            if f"{finding.get('subject')}.{finding.get('fact')}" == full:
                return finding.get("value")
    same = [finding.get("value") for finding in scope.findings if finding.get("fact") == name]
    return same[0] if same and all(other == same[0] for other in same) else None


def _write(name: str, value: JsonValue, scope: Scope) -> Filled | Unfilled:
    if not isinstance(value, list):
        return Filled(text_of(value))
    template = scope.rows.get(name)
    entries: list[str] = []
    for entry in value:
        if not isinstance(template, str) or not isinstance(entry, dict):
            entries.append(text_of(entry))
            continue
        written = fill(template, Scope({**scope.given, **entry}, scope.findings, {}, scope.separator))
        if isinstance(written, Unfilled):
            return Unfilled(f"{name}.{written.hole}")
        entries.append(written.text)
    return Filled(scope.separator.join(entries))


def _has_field(row: JsonValue, value: JsonValue) -> bool:
    return isinstance(row, dict) and value in row.values()
