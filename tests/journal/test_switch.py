"""The kill switch: a connection is paused by a file, and held back whenever that file is there."""

import resource
from pathlib import Path

import pytest
from mendflow.connectors.errors import InvalidUse, StoreError
from mendflow.journal.switch import KillSwitch


def test_a_pause_says_by_whom_and_why_until_it_is_released(tmp_path: Path) -> None:
    """Each look sees the present state; a second process of the home sees the same."""
    switch, other = KillSwitch(tmp_path), KillSwitch(tmp_path)
    assert (switch.why("shop"), switch.all(), switch.release("shop")) == ("", {}, False)
    switch.pause("shop", by="eve", reason="too many awards")
    told = "the connection `shop` is paused by eve: too many awards"
    assert (other.why("shop"), other.why("till"), other.all()) == (told, "", {"shop": told})
    assert (other.release("shop"), switch.why("shop")) == (True, "")


@pytest.mark.parametrize("text", [b"", b"stop!", b"[1]", b'{"by": "eve"'])
def test_any_file_of_that_name_holds_back(tmp_path: Path, text: bytes) -> None:
    """In an emergency `touch` is enough, and a file that was cut short releases nothing."""
    switch = KillSwitch(tmp_path)
    (tmp_path / "paused").mkdir()
    (tmp_path / "paused" / "shop").write_bytes(text)
    assert switch.why("shop") == "the connection `shop` is paused"


def test_a_switch_that_cannot_be_read_holds_back(tmp_path: Path) -> None:
    """Whatever stands there is no permission to send."""
    (tmp_path / "paused" / "shop").mkdir(parents=True)
    assert KillSwitch(tmp_path).why("shop") == "the connection `shop` is paused (Is a directory)"


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../journal", "1a", "a b", "a" * 65])
def test_only_a_name_of_a_connection_is_taken(tmp_path: Path, name: str) -> None:
    """Nothing outside the folder of the switch is written or removed."""
    switch = KillSwitch(tmp_path)
    with pytest.raises(InvalidUse, match="is no name of a connection"):
        switch.pause(name, by="eve", reason="")
    with pytest.raises(InvalidUse, match="is no name of a connection"):
        switch.release(name)
    assert list(tmp_path.iterdir()) == []


def test_a_pause_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    """Whoever asked for it must not believe that the connection is held."""
    (tmp_path / "paused").write_text("")
    with pytest.raises(StoreError, match="`shop` could not be paused"):
        KillSwitch(tmp_path).pause("shop", by="eve", reason="")


def test_a_full_disk_is_no_reason_to_go_on(tmp_path: Path) -> None:
    """The file takes no room and holds back; only the words that do not fit into it are missing."""
    switch = KillSwitch(tmp_path)
    (tmp_path / "paused").mkdir()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))  # no file may have a single byte
    try:
        switch.pause("shop", by="eve", reason="too many awards")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert switch.why("shop") == "the connection `shop` is paused"
