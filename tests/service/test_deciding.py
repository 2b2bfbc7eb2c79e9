"""A person pauses a connection."""

from pathlib import Path

import pytest
from mendflow.connectors.errors import InvalidUse
from mendflow.journal.home import Home
from mendflow.journal.switch import KillSwitch
from mendflow.service.deciding import switch

from tests.service.conftest import Record

Captured = pytest.CaptureFixture[str]


def pause(name: str, folder: Path, *, off: bool = False) -> int:
    """Type `mendflow pause`."""
    return switch(name, off=off, by="Ann", reason="odd", home_folder=folder)


def test_a_pause_says_of_which_home(home: Home, record: Record, capsys: Captured) -> None:
    """The whole path: another home of that short name would go on."""
    record("run-1", "completed")
    assert pause("piggy", home.folder) == 0
    said, doubt = capsys.readouterr()
    assert f"in any run of the home `{home.folder.resolve()}`." in said
    assert doubt == ""


def test_a_name_that_no_run_has_is_paused_with_a_word(home: Home, record: Record, capsys: Captured) -> None:
    """It may be the name of a run to come, or misspelt; the names that there are tell which."""
    record("run-1", "completed")
    assert pause("pigy", home.folder) == 0
    assert capsys.readouterr().err == "No run here has a connection `pigy`; there are: `files`, `piggy`.\n"
    assert [*KillSwitch(home.folder).all()] == ["pigy"]


def test_a_broken_journal_stops_no_pause(home: Home, capsys: Captured) -> None:
    """The switch is for emergencies: it is set first, and what cannot be looked up is said."""
    home.database.write_text("this is no journal")
    assert pause("piggy", home.folder) == 0
    assert capsys.readouterr().err.startswith(
        f"Whether a run here has a connection `piggy` could not be looked up: The journal `{home.database}`"
    )
    assert [*KillSwitch(home.folder).all()] == ["piggy"]


@pytest.mark.parametrize(("name", "off"), [("piggy", False), ("piggy", True), ("", False)])
def test_a_home_that_never_was_is_refused(name: str, tmp_path: Path, *, off: bool) -> None:
    """A pause in the wrong folder would hold nothing back; the folder is not made."""
    with pytest.raises(InvalidUse, match="There is no journal in"):
        pause(name, tmp_path / "hom", off=off)
    assert list(tmp_path.iterdir()) == []
