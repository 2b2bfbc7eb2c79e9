"""The state folder, and the lock that only a living process holds."""

import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
from mendflow.connectors.errors import InvalidUse, StoreError
from mendflow.journal.home import Home

_HASTY = """
import os, sys
from pathlib import Path
from mendflow.connectors.errors import InvalidUse
from mendflow.journal.home import Home

home, token = Home(Path(sys.argv[1])), Path(sys.argv[1]) / "token"
print("ready", flush=True)
sys.stdin.readline()
owned = 0
while owned < 200:
    try:
        with home.owning("run-1"):
            os.close(os.open(token, os.O_CREAT | os.O_EXCL))
            token.unlink()
            owned += 1
    except InvalidUse:
        pass
"""
_CURIOUS = """
import sys
from pathlib import Path
from mendflow.journal.home import Home

home = Home(Path(sys.argv[1]))
print("ready", flush=True)
while not (home.folder / "enough").exists():
    home.owner_is_alive("run-1")
"""
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


def test_a_home_that_lost_its_journal_is_refused(tmp_path: Path) -> None:
    """A run left its lock behind, so there was a journal; with the journal back the home is good."""
    home = Home(tmp_path)
    home.prepare()
    (home.locks / "run-1.lock").touch()
    with pytest.raises(
        StoreError, match=r"has no `journal.db`, but a lock of run `run-1`, which was in it"
    ) as caught:
        home.prepare()
    assert "Put the journal back" in caught.value.help
    home.database.touch()
    home.prepare()


def test_a_home_whose_traces_outlived_its_journal_is_refused(tmp_path: Path) -> None:
    """A run left its trace behind, so there was a journal; where its mark is left, opening it says what is lost."""
    home = Home(tmp_path)
    home.prepare()
    (home.traces / "run-1.jsonl").touch()
    with pytest.raises(
        StoreError, match=r"has no `journal.db`, but the trace of run `run-1` in `traces/`"
    ) as caught:
        home.prepare()
    assert "or choose another home" in caught.value.help
    home.mark.touch()
    home.prepare()
    home.mark.unlink()
    home.database.touch()
    home.prepare()


def test_a_home_without_locks_is_named(tmp_path: Path) -> None:
    """Where no lock can be made, nobody can own a run: an error for people."""
    with (
        pytest.raises(StoreError, match="cannot be written: No such file or directory"),
        Home(tmp_path).owning("r"),
    ):
        pass
    (tmp_path / "locks").touch()
    with pytest.raises(StoreError, match="cannot be written: Not a directory"):
        Home(tmp_path).owner_is_alive("r")


def test_a_lock_ends_with_its_owning(tmp_path: Path) -> None:
    """No file stays behind, whether the run went well or not; one that a killed process left is taken along."""
    home = Home(tmp_path)
    home.prepare()
    with home.owning("run-1"):
        assert [one.name for one in home.locks.iterdir()] == ["run-1.lock"]
    assert list(home.locks.iterdir()) == []
    (home.locks / "run-1.lock").touch()
    with pytest.raises(ValueError, match="no"), home.owning("run-1"):
        raise ValueError("no")
    assert list(home.locks.iterdir()) == []


def test_a_refused_owner_leaves_the_lock(tmp_path: Path) -> None:
    """Whoever is refused takes nothing away from the owner, how often he may try."""
    home = Home(tmp_path)
    home.prepare()
    with home.owning("run-1"):
        for _ in range(3):
            with pytest.raises(InvalidUse), home.owning("run-1"):
                pass
        assert home.owner_is_alive("run-1")


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
        assert (home.owner_is_alive("run-1"), home.owner_is_alive("run-2")) == (True, False)
        owner.send_signal(signal.SIGKILL)
        owner.wait()
    assert [one.name for one in home.locks.iterdir()] == ["run-1.lock"]
    assert not home.owner_is_alive("run-1")
    with home.owning("run-1"):
        assert home.owner_is_alive("run-1")
    assert not home.owner_is_alive("run-1")


def test_a_run_has_one_owner_at_a_time(tmp_path: Path) -> None:
    """Processes that take and leave one run as fast as they can never have it together."""
    home = Home(tmp_path)
    home.prepare()
    with ExitStack() as stack:
        hasty = [stack.enter_context(_start(_HASTY, tmp_path)) for _ in range(3)]
        for one in hasty:
            assert one.stdin is not None
            one.stdin.write("go\n")
            one.stdin.flush()
        assert [one.wait() for one in hasty] == [0, 0, 0]


def test_asking_keeps_nobody_from_owning(tmp_path: Path) -> None:
    """While others ask all the time whether a run has an owner, whoever wants it gets it."""
    home = Home(tmp_path)
    home.prepare()
    with ExitStack() as stack:
        curious = [stack.enter_context(_start(_CURIOUS, tmp_path)) for _ in range(2)]
        for _ in range(500):
            with home.owning("run-1"):
                pass
        (tmp_path / "enough").touch()
        assert [one.wait() for one in curious] == [0, 0]


def _start(script: str, folder: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", script, str(folder)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process
