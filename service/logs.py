"""Where the command line's logs go: stderr, one line each, with every known secret masked."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from ..connectors.errors import InvalidUse
from ..journal.vault import Vault
from .screen import clean

LEVELS = ("debug", "info", "warning", "error")


def log_to_stderr(level: str, vault: Vault, *, as_json: bool) -> None:
    """Set the process's logs up. Only the command line does this; the library leaves logging to its host."""
    if level not in LEVELS:
        raise InvalidUse(f"There is no log level `{level}`.", help=f"Use one of: {', '.join(LEVELS)}.")

    def mask(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        return {
            name: clean(vault.seal_text(value)) if isinstance(value, str) else value
            for name, value in event.items()
        }

    renderer = structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=False)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            mask,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
