import json
import os
from datetime import UTC, datetime
from pathlib import Path

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mendflow.connectors import files
from mendflow.connectors.clock import VirtualClock
from mendflow.connectors.contract import (
    Answer,
    ConnectionSettings,
    Connector,
    JsonObject,
    Renewal,
    Reply,
    ToolCall,
)
from mendflow.connectors.errors import InvalidUse, UnknownTool
from mendflow.connectors.files import TOOLS, Files
from mendflow.connectors.opening import open_connector
from pydantic import JsonValue

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
PURCHASES = """customer_id,date,quantity,amount
00004,1997-01-01,2,29.33
00021,1997-01-01,3,63.34
00004,1997-01-18,2,29.73
00004,1997-01-18,2,29.73
"""


def opened(folder: Path) -> Connector:
    """Return a connection to `folder`."""
    settings = ConnectionSettings(name="data", connector="files", folder=str(folder))
    return open_connector(settings, VirtualClock(NOON), lambda _: None)


async def read(folder: Path, operation: str, **arguments: JsonValue) -> Reply:
    """Make one call whose arguments fit the contract, and hold a success against it."""
    spec = TOOLS[operation]
    jsonschema_rs.validator_for(spec.parameters).validate(arguments)
    async with opened(folder) as connector:
        reply = await connector.send(ToolCall(connection="data", operation=operation, arguments=arguments))
    assert isinstance(reply.outcome, Answer)
    if reply.outcome.status == 200:
        assert isinstance(reply.outcome.body, dict)
        jsonschema_rs.validator_for(spec.answer).validate(reply.outcome.body["data"])
    return reply


def good(data: JsonValue) -> Reply:
    """Return a success."""
    return Reply(outcome=Answer(status=200, body={"data": data}), received_at=NOON)


def refusal(code: int, message: str) -> Reply:
    """Return a refusal."""
    body: JsonObject = {"message": message, "code": code, "status_code": code // 100}
    return Reply(outcome=Answer(status=code // 100, body=body), received_at=NOON)


async def test_csv_is_text_by_default(tmp_path: Path) -> None:
    """Without types every cell is text, and each row knows its number in the file."""
    (tmp_path / "a.csv").write_bytes(b'\xef\xbb\xbfname,note\r\n"Vos, Lena","two\nlines"\r\n\r\nOmar,\r\n')
    assert await read(tmp_path, "csv.read", path="a.csv") == good(
        {
            "rows": [
                {"name": "Vos, Lena", "note": "two\nlines", "row": 1},
                {"name": "Omar", "note": "", "row": 2},
            ]
        }
    )


async def test_csv_is_grouped_in_order_of_appearance(tmp_path: Path) -> None:
    """Equal rows stay apart by their number; groups keep the order of the file."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "purchases.csv").write_text(PURCHASES)
    row: JsonObject = {"customer_id": "00004", "date": "1997-01-18", "quantity": 2, "amount": 29.73}
    assert await read(
        tmp_path,
        "csv.read",
        path="data/purchases.csv",
        columns={"quantity": "integer", "amount": "number"},
        group_by="customer_id",
    ) == good(
        {
            "groups": [
                {
                    "key": "00004",
                    "rows": [
                        {
                            "customer_id": "00004",
                            "date": "1997-01-01",
                            "quantity": 2,
                            "amount": 29.33,
                            "row": 1,
                        },
                        {**row, "row": 3},
                        {**row, "row": 4},
                    ],
                },
                {
                    "key": "00021",
                    "rows": [
                        {
                            "customer_id": "00021",
                            "date": "1997-01-01",
                            "quantity": 3,
                            "amount": 63.34,
                            "row": 2,
                        }
                    ],
                },
            ],
            "rows_total": 4,
        }
    )


async def test_cells_become_their_types(tmp_path: Path) -> None:
    """A decimal stays the text it is, an empty typed cell is null."""
    (tmp_path / "a.csv").write_text("i,n,d,s\n-7,1e3,10.40, x\n,,,\n")
    types: JsonValue = {"i": "integer", "n": "number", "d": "decimal", "s": "string"}
    assert await read(tmp_path, "csv.read", path="a.csv", columns=types) == good(
        {
            "rows": [
                {"i": -7, "n": 1000.0, "d": "10.40", "s": " x", "row": 1},
                {"i": None, "n": None, "d": None, "s": "", "row": 2},
            ]
        }
    )


@pytest.mark.parametrize(
    ("kind", "cell"),
    [
        ("integer", "1.0"),
        ("integer", "1_000"),
        ("integer", "9" * 19),
        ("number", "NaN"),
        ("number", "inf"),
        ("number", "1e999"),
        ("number", "1,5"),
        ("number", "0x1"),
        ("decimal", "sNaN"),
        ("decimal", "ten"),
        ("integer", "٣"),
    ],
)
async def test_cell_of_another_type_is_refused_with_its_place(tmp_path: Path, kind: str, cell: str) -> None:
    """A wrong value is named by line and column, and not quoted."""
    (tmp_path / "a.csv").write_text(f'x\n1\n"{cell}"\n')
    assert await read(tmp_path, "csv.read", path="a.csv", columns={"x": kind}) == refusal(
        40000, f"The value of column `x` in line 3 of `a.csv` is not of the type `{kind}`."
    )


@pytest.mark.parametrize(
    ("content", "arguments", "message"),
    [
        (b"", {}, "The file `a.csv` does not begin with a line of column names."),
        (b"a,,b\n", {}, "The file `a.csv` does not begin with a line of column names."),
        (b"a,a\n", {}, "The column names of `a.csv` must differ from each other and from `row`."),
        (b"a,row\n", {}, "The column names of `a.csv` must differ from each other and from `row`."),
        (b"a,b\n1\n", {}, "There are 1 cells in line 2 of `a.csv`; expected 2."),
        (b'a\n"x"y\n', {}, "Line 2 of `a.csv` is not CSV (',' expected after '\"')."),
        (b'a\n"x\n', {}, "Line 2 of `a.csv` is not CSV (unexpected end of data)."),
        (b"a\n\xff\n", {}, "The file `a.csv` is not UTF-8."),
        (b"a,b\n", {"columns": {"c": "integer"}}, "The file `a.csv` has no column `c`; it has `a`, `b`."),
        (b"a,b\n1,2\n", {"group_by": "c"}, "The file `a.csv` has no column `c` to group by."),
    ],
)
async def test_csv_that_cannot_be_read_is_refused(
    tmp_path: Path, content: bytes, arguments: JsonObject, message: str
) -> None:
    """Each way in which a file is no table is named."""
    (tmp_path / "a.csv").write_bytes(content)
    assert await read(tmp_path, "csv.read", path="a.csv", **arguments) == refusal(40000, message)


@settings(deadline=None)
@given(
    rows=st.lists(
        st.lists(
            st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1),
            min_size=2,
            max_size=2,
        )
    )
)
def test_any_text_survives_csv(rows: list[list[str]]) -> None:
    """Cells with quotes, commas and line breaks of every kind come back as they were."""
    quoted = "".join(",".join('"' + cell.replace('"', '""') + '"' for cell in row) + "\r\n" for row in rows)
    expected = [{"a": a, "b": b, "row": number} for number, (a, b) in enumerate(rows, 1)]
    assert files._rows(f"a,b\r\n{quoted}".encode(), "x.csv", {}) == expected


async def test_json_is_read_strictly(tmp_path: Path) -> None:
    """Clean JSON comes back whole; anything else is refused with its flaw."""
    (tmp_path / "good.json").write_text(json.dumps({"members": [1, 2.5, None]}))
    (tmp_path / "bad.json").write_text('{"a": 1, "a": 2}')
    assert await read(tmp_path, "json.read", path="good.json") == good({"members": [1, 2.5, None]})
    assert await read(tmp_path, "json.read", path="bad.json") == refusal(
        40000, "The file `bad.json` is not clean JSON (duplicate_key)."
    )


@pytest.mark.parametrize(
    "path", ["/etc/hostname", "../secret.json", "a/../../secret.json", "link.json", "way/secret.json", "a\\b"]
)
async def test_nothing_outside_the_folder_is_read(tmp_path: Path, path: str) -> None:
    """No path and no link leads out of the workflow's folder."""
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "secret.json").write_text("1")
    (inside / "link.json").symlink_to(tmp_path / "secret.json")
    (inside / "way").symlink_to(tmp_path)
    assert await read(inside, "json.read", path=path) == refusal(
        40300, f"The path `{path}` leads out of the workflow's folder."
    )


async def test_what_is_not_a_readable_file_is_refused(tmp_path: Path) -> None:
    """A missing file, a folder, a pipe, a circle of links and a file too large are told apart."""
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    with (tmp_path / "large").open("wb") as file:
        file.truncate(files.LARGEST_FILE + 1)
    replies = [
        await read(tmp_path, "json.read", path=path) for path in ("none", "folder", "pipe", "circle", "large")
    ]
    assert replies == [
        refusal(40400, "There is no file `none` in the workflow's folder."),
        refusal(40000, "The path `folder` is not a file."),
        refusal(40000, "The path `pipe` is not a file."),
        refusal(40000, "The file `circle` cannot be read."),
        refusal(40000, "The file `large` is larger than 16 MiB."),
    ]


async def test_rows_are_bounded(tmp_path: Path) -> None:
    """A file with too many rows is refused rather than cut."""
    (tmp_path / "a.csv").write_text("x\n" + "1\n" * (files.MOST_ROWS + 1))
    assert await read(tmp_path, "csv.read", path="a.csv") == refusal(
        40000, "The file `a.csv` has more than 200000 rows."
    )


@pytest.mark.parametrize("folder", ["", "nowhere"])
def test_folder_must_exist(tmp_path: Path, folder: str) -> None:
    """A connection to no folder is a mistake of the user's."""
    settings = ConnectionSettings(name="data", connector="files", folder=folder and str(tmp_path / folder))
    with pytest.raises(InvalidUse, match="does not exist"):
        Files(settings, VirtualClock(NOON), lambda _: None)


async def test_files_have_no_credential_and_no_other_operation(tmp_path: Path) -> None:
    """Renewing changes nothing; an unknown operation is our mistake."""
    connector = opened(tmp_path)
    assert await connector.renew() == Renewal(changed=False, key_id="", detail="files need no credential")
    assert connector.tools() == TOOLS
    with pytest.raises(UnknownTool):
        await connector.send(ToolCall(connection="data", operation="csv.write", arguments={}))
