"""Exit codes of the command line."""

from ..journal.events import RunStatus

COMPLETED = 0
FAILED = 1
INVALID = 2
WAITING = 3
DIVERGED = 4
CANCELLED = 5

OF_STATUS: dict[RunStatus, int] = {
    "completed": COMPLETED,
    "failed": FAILED,
    "parked": WAITING,
    "waiting": WAITING,
    "running": FAILED,
    "cancelled": CANCELLED,
}
