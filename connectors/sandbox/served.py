"""What an operation of the world hands back."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from pydantic import JsonValue

from ..contract import JsonObject
from .arguments import Arguments
from .state import State


@dataclass(frozen=True, slots=True)
class Served:
    """A success. `meta` is `[]`, `{}` or filled, as the vendor's differs by call; None leaves it out."""

    data: JsonValue
    meta: JsonValue
    status: int = 200
    links: JsonObject | None = None
    wrote: bool = False
    """Whether the world has changed."""

    def body(self) -> JsonObject:
        """Return the vendor's envelope."""
        body: JsonObject = {"data": self.data}
        if self.links is not None:
            body["links"] = self.links
        if self.meta is not None:
            body["meta"] = self.meta
        return body


Operation = Callable[[State, Arguments, datetime], Served]
"""Answers one call at one moment, or raises a Refusal and leaves the state as it was."""
