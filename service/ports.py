"""The ports of this machine: the journal of a home, the system's clock, connectors and models as installed."""

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ..agents.models import open_model
from ..connectors.clock import SystemClock
from ..connectors.contract import ConnectionSettings, Connector
from ..connectors.opening import open_connector
from ..graph.engine.context import Progress
from ..graph.engine.run import Ports
from ..journal.home import Home
from ..journal.sqlite import SqliteStore
from ..journal.switch import KillSwitch
from ..journal.vault import Vault
from .logs import log_to_stderr
from .narration import narrate
from .progress import Report


@asynccontextmanager
async def opened(home: Home, report: Report) -> AsyncIterator[Ports]:
    """Open the journal and bind the ports to this machine."""
    vault, clock, switch = Vault(), SystemClock(), KillSwitch(home.folder)
    log_to_stderr(os.environ.get("MENDFLOW_LOG", "error"), vault, as_json=not sys.stderr.isatty())

    def connector(settings: ConnectionSettings) -> Connector:
        return open_connector(settings, clock, vault.learn, held=lambda: switch.why(settings.name))

    async with SqliteStore(home.database, vault) as store:
        yield Ports(
            home=home,
            store=store,
            vault=vault,
            clock=clock,
            open_connector=connector,
            open_model=open_model,
            report=lambda progress: _tell(progress, report),
        )


def _tell(progress: Progress, report: Report) -> None:
    """Tell the log, then whoever watches."""
    narrate(progress)
    report(progress)
