"""The events of the journal, and the keys of facts."""

import re
from datetime import datetime
from typing import Literal

from ..connectors.contract import Frozen, Json, JsonObject
from .canonical import digest

TRACE_VERSION = 1

EventKind = Literal[
    "run_started",  # pins: workflow text, files, inputs, versions, connections
    "run_resumed",  # another process, or the same one later, goes on
    "fact_recorded",  # something the code cannot compute again
    "intent_written",  # a write is about to leave; on disk before its first byte
    "verdict_given",  # a decision of the Verifier
    "heal_recorded",  # a heal that took effect
    "step_ended",  # a step or a map item reached a terminal status
    "run_paused",  # nothing more can be done before a person or a timer
    "run_ended",
]

FactKind = Literal["call", "slot", "renew", "model", "approval", "resolution"]

RunStatus = Literal["running", "completed", "failed", "parked", "waiting", "cancelled"]

_SEGMENT = re.compile(r"[A-Za-z_]\w*|\[\d+\]|#\d+|:\w+")


class Event(Frozen):
    """One line of the journal."""

    run_id: str
    seq: int
    """Position within the run, from 1."""
    kind: EventKind
    key: str
    """Fact or decision key, or the path of a step; empty for events of the run."""
    at: datetime
    epoch: int
    """Which ownership of the run wrote it."""
    body: dict[str, Json]


class EventDraft(Frozen):
    """An event before the store gives it its place."""

    kind: EventKind
    key: str = ""
    at: datetime
    body: JsonObject


def fact_key(path: str, attempt: int, kind: str, ordinal: int = 0) -> str:
    """Return the key of a fact: where, which activation, what, and the how-manieth of its kind in there."""
    return f"{path}#{attempt}:{kind}:{ordinal}"


def key_order(key: str) -> tuple[tuple[int, int, str], ...]:
    """Return what sorts keys by path, item, attempt, kind and ordinal, numbers by value."""
    parts: list[tuple[int, int, str]] = []
    for segment in _SEGMENT.findall(key):
        digits = segment.strip("[]#:")
        parts.append((0, int(digits), segment[0]) if digits.isdigit() else (1, 0, segment))
    return tuple(parts)


def fact_body(request: JsonObject, value: JsonObject) -> JsonObject:
    """Return the body of a fact's event: the request, its digest, and the value."""
    return {"request": request, "digest": digest(request), "value": value}
