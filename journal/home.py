"""The folder where the state lives, and the lock that proves a run's owner is alive."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..connectors.errors import InvalidUse, StoreError


class Home:
    """The state folder: `journal.db`, `locks/`, `traces/`, `sandbox/`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = folder / "journal.db"
        self.locks = folder / "locks"
        self.traces = folder / "traces"
        self.sandbox = folder / "sandbox"

    def prepare(self) -> None:
        """Make the folder. Raises StoreError where that is not possible."""
        try:
            for folder in (self.folder, self.locks, self.traces, self.sandbox):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise self._unwritable(error) from error
        if not os.access(self.folder, os.W_OK | os.X_OK):
            raise self._unwritable(PermissionError("no permission to write"))

    def _unwritable(self, error: OSError) -> StoreError:
        return StoreError(
            f"The home `{self.folder}` cannot be written: {error.strerror or error}.",
            help="Choose another folder with `--home FOLDER` or the variable `MENDFLOW_HOME`.",
        )

    @contextmanager
    def owning(self, run_id: str) -> Iterator[None]:
        """Hold the run's lock. The kernel lets go when a process dies, so holding it proves the last owner dead.

        Raises InvalidUse when a living process holds it.
        """
        descriptor = os.open(self.locks / f"{run_id}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise InvalidUse(
                    f"Run `{run_id}` is being run by another process.",
                    help="Wait until it ends, or end that process; then resume the run.",
                ) from error
            yield
        finally:
            os.close(descriptor)
