"""Findings by rule instead of by model: every value of some data with the path where it stands. Pure."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from pydantic import JsonValue

from ..connectors.contract import JsonObject
from .model import ToolReading
from .roles import Finding

MOST_ROWS = 20
"""Of a longer list the first ten and the last ten entries become findings: the newest is among them."""


def compose_findings(material: JsonObject, readings: Sequence[ToolReading] = ()) -> tuple[Finding, ...]:
    """Return one finding for each scalar, for each count of a list and for each of its entries.

    `null` says nothing and gives no finding.
    """
    found: list[Finding] = []
    for name, value in material.items():
        found += _walk(value, name, name, f"material.{name}")
    for reading in readings:
        subject = reading.tool.rpartition(".")[2]
        found += _walk(reading.output, subject, subject, reading.source)
    return tuple(found)


def findings_of(material: JsonObject) -> tuple[JsonObject, ...]:
    """Return the findings in what a writer's sources gave.

    A source that is no researcher's output is turned into findings by rule.
    """
    found: list[JsonObject] = []
    for name, value in material.items():
        own = value.get("findings") if isinstance(value, dict) else value if name == "findings" else None
        if isinstance(own, list):
            found += [entry for entry in own if isinstance(entry, dict)]
        else:
            found += [entry.model_dump(mode="json") for entry in compose_findings({name: value})]
    return tuple(found)


def text_of(value: JsonValue) -> str:
    """Write a value as people read it, exactly: no rounding, no exponents."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return format(Decimal(str(value)), "f")
    if isinstance(value, list):
        return ", ".join(text_of(entry) for entry in value)
    if isinstance(value, dict):
        return ", ".join(f"{name}: {text_of(entry)}" for name, entry in value.items() if _is_scalar(entry))
    return ""


def _walk(value: JsonValue, subject: str, fact: str, path: str) -> Iterator[Finding]:
    if isinstance(value, dict):
        for name, entry in value.items():
            whole = name if fact == subject else f"{fact}.{name}"
            yield from _walk(entry, subject, whole, f"{path}.{name}")
    elif isinstance(value, list):
        listed = subject if fact == subject else f"{subject}.{fact}"
        yield Finding(subject=listed, fact="count", value=len(value), source=path)
        yield from _rows(value, listed, path)
    elif value is not None:
        yield Finding(subject=subject, fact=fact, value=value, source=path)


def _rows(rows: list[JsonValue], subject: str, path: str) -> Iterator[Finding]:
    half = MOST_ROWS // 2
    for index, row in enumerate(rows):
        if len(rows) > MOST_ROWS and half <= index < len(rows) - half:
            continue
        place = f"[{index}]"
        if row is None:
            continue
        fact = text_of(row) if isinstance(row, dict) else "entry"
        yield Finding(subject=f"{subject}{place}", fact=fact, value=row, source=f"{path}{place}")


def _is_scalar(value: JsonValue) -> bool:
    return value is not None and not isinstance(value, dict | list)
