"""Exit codes of the command line. Imports nothing, so that `--help` stays quick."""

COMPLETED = 0
FAILED = 1
INVALID = 2
WAITING = 3
DIVERGED = 4
CANCELLED = 5

OF_STATUS: dict[str, int] = {
    "completed": COMPLETED,
    "failed": FAILED,
    "parked": WAITING,
    "waiting": WAITING,
    "running": FAILED,
    "cancelled": CANCELLED,
}

INTERRUPTED = "interrupted"
"""What a run is called that the journal has as running and no living process has."""
