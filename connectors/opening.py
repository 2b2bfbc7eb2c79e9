"""From settings to a connector that can be entered; loads what the connectors need, httpx too."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from pydantic import SecretStr

from .catalogue import tools_of
from .contract import Clock, ConnectionSettings, Connector, ConnectorFactory
from .files import Files
from .piggy.connector import Piggy
from .wire import Held

CONNECTORS: Final[Mapping[str, ConnectorFactory]] = MappingProxyType({"piggy": Piggy, "files": Files})


def open_connector(
    settings: ConnectionSettings, clock: Clock, learn: Callable[[SecretStr], None], *, held: Held = str
) -> Connector:
    """Return the connector of a connection, to be entered with `async with`; raises `InvalidUse`.

    `held` says why nothing may leave at this moment, empty where it may; it is asked before each first byte.
    """
    tools_of(settings)  # names the connectors there are, where this one is none
    if settings.connector == "piggy":
        return Piggy(settings, clock, learn, held=held)
    return CONNECTORS[settings.connector](settings, clock, learn)
