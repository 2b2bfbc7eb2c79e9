"""The state folder, and the lock that only a living process holds."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from mendflow.connectors.errors import InvalidUse, StoreError
from mendflow.journal.home import Home

_OWNER = """
import sys
from pathlib import Path
from mendflow.journal.home import Home
with Home(Path(sys.argv[1])).owning("run-1"):
    print("owning", flush=True)
    sys.stdin.read()
"""


def test_a_home_is_made_with_its_folders(tmp_path: Path) -> None:
    """All folders are there afterwards, for the owner alone; making it twice is no harm."""
    home = Home(tmp_path / "deep" / "home")
    home.prepare()
    home.prepare()
    assert sorted(one.name for one in home.folder.iterdir()) == ["locks", "sandbox", "traces"]
    assert home.folder.stat().st_mode & 0o077 == 0


def test_a_home_that_cannot_be_is_refused(tmp_path: Path) -> None:
    """Where a file is in the way the message names the folder and how to choose another."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written") as caught:
        Home(tmp_path / "file" / "home").prepare()
    assert str(tmp_path / "file" / "home") in caught.value.message
    assert "--home" in caught.value.help


def test_a_lock_is_held_once(tmp_path: Path) -> None:
    """Within the same process, too, a run has one owner at a time; other runs are free."""
    home = Home(tmp_path)
    home.prepare()
    refused = pytest.raises(InvalidUse, match="`run-1` is being run by another process")
    with home.owning("run-1"), home.owning("run-2"), refused, home.owning("run-1"):
        pass
    with home.owning("run-1"):
        pass


def test_a_lock_dies_with_its_process(tmp_path: Path) -> None:
    """While another process lives its run is refused; once that is killed, the run can be taken."""
    home = Home(tmp_path)
    home.prepare()
    command = [sys.executable, "-c", _OWNER, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "owning\n"
        with pytest.raises(InvalidUse), home.owning("run-1"):
            pass
        owner.send_signal(signal.SIGKILL)
        owner.wait()
    with home.owning("run-1"):
        pass
