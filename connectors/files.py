"""The `files` connector: reads CSV and JSON files below one folder, and nothing else."""

import asyncio
import csv
import io
import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Final, Self

from pydantic import JsonValue, SecretStr

from .contract import Answer, Clock, ConnectionSettings, JsonObject, Renewal, Reply, ToolCall, ToolSpec
from .decode import decode
from .errors import InvalidUse, UnknownTool

LARGEST_FILE: Final = 16 * 1024 * 1024
MOST_ROWS: Final = 200_000
UNREADABLE: Final = 40000
OUTSIDE: Final = 40300
NOT_FOUND: Final = 40400
_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,18}")
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?")
_PATH: Final[JsonObject] = {
    "type": "string",
    "minLength": 1,
    "maxLength": 1000,
    "description": "Below the workflow's folder, with forward slashes.",
}
_ROWS: Final[JsonObject] = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["row"],
        "properties": {"row": {"type": "integer", "minimum": 1}},
        "additionalProperties": True,
    },
}
_REFUSALS: Final = frozenset({UNREADABLE, OUTSIDE, NOT_FOUND})

TOOLS: Final[Mapping[str, ToolSpec]] = MappingProxyType(
    {
        "csv.read": ToolSpec(
            operation="csv.read",
            summary="Read a CSV file with a header line; `row` is each row's number in the file, from 1.",
            effect="read",
            parameters={
                "type": "object",
                "required": ["path"],
                "properties": {
                    "path": _PATH,
                    "columns": {
                        "type": "object",
                        "additionalProperties": {"enum": ["string", "integer", "number", "decimal"]},
                        "description": "Types of columns; others are text. A decimal stays text, checked.",
                    },
                    "group_by": {"type": "string", "minLength": 1, "description": "A column."},
                },
                "additionalProperties": False,
            },
            answer={
                "type": "object",
                "properties": {
                    "rows": _ROWS,
                    "groups": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["key", "rows"],
                            "properties": {"key": {}, "rows": _ROWS},
                        },
                    },
                    "rows_total": {"type": "integer", "minimum": 0},
                },
                "anyOf": [{"required": ["rows"]}, {"required": ["groups", "rows_total"]}],
            },
            refusals=_REFUSALS,
            source="this library",
        ),
        "json.read": ToolSpec(
            operation="json.read",
            summary="Read a JSON file.",
            effect="read",
            parameters={
                "type": "object",
                "required": ["path"],
                "properties": {"path": _PATH},
                "additionalProperties": False,
            },
            answer={},
            refusals=_REFUSALS,
            source="this library",
        ),
    }
)


class _Refused(Exception):  # a signal within this file
    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Files:
    """A folder to read from; satisfies `Connector`.

    Answers look like a vendor's: `data`, or `message` and `code`. Raises `InvalidUse` for no folder.
    """

    def __init__(
        self, settings: ConnectionSettings, clock: Clock, learn: Callable[[SecretStr], None]
    ) -> None:
        del learn  # there is no secret
        if not settings.folder or not Path(settings.folder).is_dir():
            raise InvalidUse(
                f"Connection `{settings.name}` has the folder `{settings.folder}`, which does not exist.",
                help="files are read below the workflow's own folder",
            )
        self._root = Path(settings.folder).resolve()
        self._clock = clock

    async def __aenter__(self) -> Self:
        """Do nothing: there is nothing to open."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Do nothing: there is nothing to close."""

    def tools(self) -> Mapping[str, ToolSpec]:
        """Return the operations by their dotted names."""
        return TOOLS

    async def send(self, call: ToolCall) -> Reply:
        """Read once, in a thread."""
        if call.operation not in TOOLS:
            raise UnknownTool(
                f"`files` has no operation `{call.operation}`.", help="use csv.read or json.read"
            )
        try:
            data = await asyncio.to_thread(_read, self._root, call)
        except _Refused as refused:
            status = refused.code // 100
            body: JsonObject = {"message": str(refused), "code": refused.code, "status_code": status}
            return Reply(outcome=Answer(status=status, body=body), received_at=self._clock.now())
        return Reply(outcome=Answer(status=200, body={"data": data}), received_at=self._clock.now())

    async def renew(self) -> Renewal:
        """Say that there is no credential."""
        return Renewal(changed=False, key_id="", detail="files need no credential")


def _read(root: Path, call: ToolCall) -> JsonValue:
    path = str(call.arguments.get("path", ""))
    raw = _content(root, path)
    if call.operation == "json.read":
        decoded = decode(raw, "application/json")
        if decoded.flaw:
            raise _Refused(UNREADABLE, f"The file `{path}` is not clean JSON ({decoded.flaw}).")
        return decoded.value
    columns = call.arguments.get("columns")
    types = {name: str(kind) for name, kind in columns.items()} if isinstance(columns, dict) else {}
    rows = _rows(raw, path, types)
    group_by = call.arguments.get("group_by")
    if not isinstance(group_by, str):
        return {"rows": [*rows]}
    if rows and group_by not in rows[0]:
        raise _Refused(UNREADABLE, f"The file `{path}` has no column `{group_by}` to group by.")
    return {"groups": _grouped(rows, group_by), "rows_total": len(rows)}


def _content(root: Path, path: str) -> bytes:
    """Return the bytes of a regular file below `root`, wherever links on the way lead."""
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts or "\\" in path or "\x00" in path:
        raise _Refused(OUTSIDE, f"The path `{path}` leads out of the workflow's folder.")
    try:
        found = (root / pure).resolve(strict=True)
        if not found.is_relative_to(root):
            raise _Refused(OUTSIDE, f"The path `{path}` leads out of the workflow's folder.")
        if not found.is_file():
            raise _Refused(UNREADABLE, f"The path `{path}` is not a file.")
        with found.open("rb") as file:
            raw = file.read(LARGEST_FILE + 1)
    except FileNotFoundError as error:
        raise _Refused(NOT_FOUND, f"There is no file `{path}` in the workflow's folder.") from error
    except (OSError, RuntimeError) as error:  # RuntimeError: links that go in a circle
        raise _Refused(UNREADABLE, f"The file `{path}` cannot be read.") from error
    if len(raw) > LARGEST_FILE:
        raise _Refused(UNREADABLE, f"The file `{path}` is larger than {LARGEST_FILE // 1024**2} MiB.")
    return raw


def _rows(raw: bytes, path: str, types: Mapping[str, str]) -> list[JsonObject]:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _Refused(UNREADABLE, f"The file `{path}` is not UTF-8.") from error
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[JsonObject] = []
    try:
        header = next(reader, [])
        _check_header(header, path, types)
        for cells in reader:
            if not cells:
                continue
            place = f"line {reader.line_num} of `{path}`"
            if len(cells) != len(header):
                raise _Refused(
                    UNREADABLE, f"There are {len(cells)} cells in {place}; expected {len(header)}."
                )
            if len(rows) == MOST_ROWS:
                raise _Refused(UNREADABLE, f"The file `{path}` has more than {MOST_ROWS} rows.")
            row: JsonObject = {
                name: _typed(cell, types.get(name, "string"), f"column `{name}` in {place}")
                for name, cell in zip(header, cells, strict=True)
            }
            row["row"] = len(rows) + 1
            rows.append(row)
    except csv.Error as error:
        raise _Refused(UNREADABLE, f"Line {reader.line_num} of `{path}` is not CSV ({error}).") from error
    return rows


def _check_header(header: list[str], path: str, types: Mapping[str, str]) -> None:
    if not header or not all(header):
        raise _Refused(UNREADABLE, f"The file `{path}` does not begin with a line of column names.")
    if len(set(header)) != len(header) or "row" in header:
        raise _Refused(
            UNREADABLE, f"The column names of `{path}` must differ from each other and from `row`."
        )
    missing = sorted(set(types) - set(header))
    if missing:
        names = ", ".join(f"`{name}`" for name in header)
        raise _Refused(UNREADABLE, f"The file `{path}` has no column `{missing[0]}`; it has {names}.")


def _typed(cell: str, kind: str, place: str) -> JsonValue:
    """Return a cell as its type; an empty one is null unless it is text."""
    if kind == "string":
        return cell
    text = cell.strip()
    if not text:
        return None
    match kind:
        case "integer" if _INTEGER.fullmatch(text):
            return int(text)
        case "number" if _NUMBER.fullmatch(text) and math.isfinite(float(text)):
            return float(text)
        case "decimal" if _NUMBER.fullmatch(text):
            return text
    raise _Refused(UNREADABLE, f"The value of {place} is not of the type `{kind}`.")


def _grouped(rows: list[JsonObject], column: str) -> list[JsonValue]:
    """Return the rows by their value in `column`, in the order in which the values first appear."""
    groups: dict[str, list[JsonValue]] = {}
    keys: dict[str, JsonValue] = {}
    for row in rows:
        key = repr(row[column])
        keys.setdefault(key, row[column])
        groups.setdefault(key, []).append(row)
    return [{"key": keys[key], "rows": members} for key, members in groups.items()]
