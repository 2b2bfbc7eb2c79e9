"""The folder where the state lives, and the lock that proves a run's owner is alive."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..connectors.errors import InvalidUse, StoreError


class Home:
    """The state folder: `journal.db`, `locks/`, `traces/`, `sandbox/`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = folder / "journal.db"
        self.mark = folder / "journal.db.mark"
        """Stands beside a journal from its first event on, and stays when the journal is lost."""
        self.locks = folder / "locks"
        self.traces = folder / "traces"
        self.sandbox = folder / "sandbox"

    def prepare(self) -> None:
        """Make the folder. Raises StoreError where that is not possible, or where a journal has been lost."""
        try:
            for folder in (self.folder, self.locks, self.traces, self.sandbox):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            locked = sorted(one.stem for one in self.locks.glob("*.lock"))
            traced = sorted(one.stem for one in self.traces.glob("*.jsonl"))
        except OSError as error:
            raise self._unwritable(error) from error
        if not os.access(self.folder, os.W_OK | os.X_OK):
            raise self._unwritable(PermissionError("no permission to write"))
        if self.database.exists():  # looked for last: it is there before any lock or trace is
            return
        if locked:
            raise self._lost(f"a lock of run `{locked[0]}`")
        if traced and not self.mark.exists():  # with the mark, opening the journal says more
            raise self._lost(f"the trace of run `{traced[0]}` in `traces/`")

    @contextmanager
    def owning(self, run_id: str) -> Iterator[None]:
        """Hold the run's lock. The kernel lets go when a process dies, so holding it proves the last owner dead.

        Raises InvalidUse when a living process holds it, StoreError when locks cannot be made here.
        """
        lock = self._lock(run_id)
        with self._locking():
            descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            is_ours = _try_to_lock(descriptor)
        try:
            if not is_ours:
                raise _held(run_id)
            yield
        finally:
            if is_ours:
                with suppress(StoreError), self._locking():  # a file that stays behind does no harm
                    lock.unlink(missing_ok=True)
            os.close(descriptor)

    def refuse_if_owned(self, run_id: str) -> None:
        """Raise InvalidUse, as `owning` would, where a living process holds the run's lock."""
        if self.owner_is_alive(run_id):
            raise _held(run_id)

    def owner_is_alive(self, run_id: str) -> bool:
        """Tell whether a living process, this one included, owns the run at this moment."""
        with self._locking():
            try:
                descriptor = os.open(self._lock(run_id), os.O_RDWR | os.O_CLOEXEC)
            except FileNotFoundError:
                return False
            try:
                return not _try_to_lock(descriptor)
            finally:
                os.close(descriptor)

    def _lock(self, run_id: str) -> Path:
        return self.locks / f"{run_id}.lock"

    @contextmanager
    def _locking(self) -> Iterator[None]:
        """Keep others from making, trying or removing locks: none is removed between its opening and its locking."""
        try:
            with alone_in(self.locks):
                yield
        except OSError as error:
            raise self._unwritable(error) from error

    def _lost(self, what: str) -> StoreError:
        return StoreError(
            f"The home `{self.folder}` has no `journal.db`, but {what}, which was in it.",
            help="Put the journal back, with `journal.db-wal` if there is one, or choose another home: a new journal"
            " would not know what was done under a `once` key.",
        )

    def _unwritable(self, error: OSError) -> StoreError:
        return StoreError(
            f"The home `{self.folder}` cannot be written: {error.strerror or error}.",
            help="Choose another folder with `--home FOLDER` or the variable `MENDFLOW_HOME`.",
        )


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Let one process at a time work on the files of a folder; the others wait here. For moments only."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _held(run_id: str) -> InvalidUse:
    return InvalidUse(
        f"Run `{run_id}` is being run by another process.",
        help="Wait until it ends, or end that process; then resume the run.",
    )


def _try_to_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
