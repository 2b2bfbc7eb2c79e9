"""How an operation goes over the wire: its method, its path, and where each argument goes."""

import re
from collections.abc import Mapping
from typing import Literal
from urllib.parse import quote, urlencode

import orjson
from pydantic import JsonValue

from ..contract import Frozen, JsonObject, ToolSpec
from ..errors import InvalidUse

_PLACE = re.compile(r"\{(\w+)\}")


class Route(Frozen):
    """Where a call goes.

    An argument named in `path` goes there; the others go into a GET's query and into the body of the rest.
    """

    method: Literal["GET", "POST", "PUT"]
    path: str
    gathered: str = ""
    """Name of the body's object that takes all other arguments; empty: they are the body."""

    def target(self, arguments: JsonObject) -> str:
        """Return the escaped path with its query."""
        path = self.path
        for name in _PLACE.findall(self.path):
            path = path.replace(f"{{{name}}}", _segment(name, arguments.get(name)))
        if self.method != "GET":
            return path
        query = urlencode(_pairs(self._others(arguments)), quote_via=quote)
        return f"{path}?{query}" if query else path

    def content(self, arguments: JsonObject) -> bytes:
        """Return the JSON body, empty for a GET."""
        if self.method == "GET":
            return b""
        others = self._others(arguments)
        return orjson.dumps({self.gathered: others} if self.gathered else others)

    def _others(self, arguments: JsonObject) -> JsonObject:
        taken = set(_PLACE.findall(self.path))
        return {name: value for name, value in arguments.items() if name not in taken}


class Operation(Frozen):
    """One operation: the contract that everybody sees, and the way that only this connector knows."""

    spec: ToolSpec
    route: Route


def _segment(name: str, value: JsonValue) -> str:
    """Return `value` as one segment of a path, which it cannot leave."""
    if not isinstance(value, str) or value in {"", ".", ".."}:
        raise InvalidUse(
            f"The argument `{name}` stands in the address and must be a text, not empty and not a dot.",
            help=f"give `{name}` the uuid that the vendor gave",
        )
    return quote(value, safe="")


def _pairs(arguments: Mapping[str, JsonValue]) -> list[tuple[str, str]]:
    """Return a query's pairs; `{"created_at": {"gte": …}}` becomes `created_at[gte]`, the vendor's way."""
    pairs: list[tuple[str, str]] = []
    for name, value in arguments.items():
        match value:
            case None:
                continue
            case bool():
                pairs.append((name, "true" if value else "false"))
            case dict():
                pairs += _pairs({f"{name}[{key}]": inner for key, inner in value.items()})
            case list():
                pairs += _pairs({f"{name}[{index}]": inner for index, inner in enumerate(value)})
            case _:
                pairs.append((name, str(value)))
    return pairs
