"""What can be called, without opening anything: the tables of all connectors, and tools by their names."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from rapidfuzz import process

from . import files
from .contract import ConnectionSettings, ToolSpec
from .errors import InvalidUse, UnknownTool
from .piggy.operations import TOOLS as PIGGY_TOOLS

CATALOGUE: Final[Mapping[str, Mapping[str, ToolSpec]]] = MappingProxyType(
    {"piggy": PIGGY_TOOLS, "files": files.TOOLS}
)
"""The operations of each connector, by its name and by their dotted names."""


def tools_of(settings: ConnectionSettings) -> Mapping[str, ToolSpec]:
    """Return the operations that a connection offers, by their dotted names."""
    if settings.connector not in CATALOGUE:
        known = ", ".join(f"`{name}`" for name in CATALOGUE)
        raise InvalidUse(
            f"Connection `{settings.name}` names the connector `{settings.connector}`; known are {known}.",
            help=_suggestion(settings.connector, list(CATALOGUE)) or "name one of these",
        )
    return CATALOGUE[settings.connector]


def find_tool(tools: Mapping[str, ToolSpec], name: str) -> ToolSpec:
    """Return the tool that is called `name`, in dotted form or as the vendor's listing has it."""
    if name in tools:
        return tools[name]
    for spec in tools.values():
        if name in spec.names:
            return spec
    names = [*tools, *(other for spec in tools.values() for other in spec.names)]
    raise UnknownTool(
        f"There is no tool `{name}`.", help=_suggestion(name, names) or "`mendflow tools` lists what there is"
    )


def _suggestion(name: str, names: list[str]) -> str:
    near = process.extract(name, names, limit=3, score_cutoff=60, processor=_folded)
    return f"did you mean {' or '.join(f'`{found}`' for found, _, _ in near)}?" if near else ""


def _folded(name: str) -> str:
    return name.lower().replace("_", ".")
