"""What a run says to the log. The journal is the record; the log is a view of it, and nothing is only in the log."""

import structlog

from ..graph.engine.context import Progress

_log = structlog.get_logger("mendflow")
_LOUD = frozenset({"failed", "parked"})


def narrate(progress: Progress) -> None:
    """Log one event under its dotted name; what needs somebody's attention as a warning."""
    event = progress.kind.replace("_", ".", 1)
    if progress.detail in _LOUD:
        _log.warning(event, path=progress.path, detail=progress.detail)
    else:
        _log.info(event, path=progress.path, detail=progress.detail)
