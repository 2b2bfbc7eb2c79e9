"""Nothing that reaches the terminal can steer it, and output that is lost is said."""

import unicodedata

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mendflow.connectors.contract import JsonObject
from mendflow.service.screen import clean, say, say_json, warn

HOSTILE = "a\x1b[2Jb\x9b31mc\x07d\r\ne\tf\rg\x7f"
Captured = pytest.CaptureFixture[str]


@given(st.text(st.characters(exclude_categories=())))
def test_a_clean_text_steers_nothing(text: str) -> None:
    """Of control characters only newlines and tabs are left, all else is as it was, and once is enough."""
    cleaned = clean(text)
    assert {one for one in cleaned if unicodedata.category(one) in {"Cc", "Cs"}} <= {"\n", "\t"}
    assert clean(cleaned) == cleaned
    kept = [
        one
        for one in text.replace("\r\n", "\n")
        if unicodedata.category(one) not in {"Cc", "Cs"} or one in "\n\t"
    ]
    assert [one for one in cleaned if one != "\ufffd"] == [one for one in kept if one != "\ufffd"]


def test_lines_are_clean_on_both_streams(capsys: Captured) -> None:
    """What a vendor wrote into a reason stands there without its escapes."""
    say(HOSTILE)
    warn(HOSTILE)
    cleaned = "a\ufffd[2Jb\ufffd31mc\ufffdd\ne\tf\ufffdg\ufffd\n"
    assert capsys.readouterr() == (cleaned, cleaned)


def test_documents_are_whole(capsys: Captured) -> None:
    """In JSON nothing is replaced: escaped it steers no terminal either."""
    document: JsonObject = {"reason": HOSTILE}
    say_json(document)
    text = capsys.readouterr().out
    assert clean(text) == text
    assert orjson.loads(text) == document
