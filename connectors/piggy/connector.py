"""The Piggy (now Leat) connector: one call becomes one HTTP request, one reply comes back unjudged."""

from collections.abc import Callable, Mapping
from ipaddress import ip_address
from typing import Final, Self
from urllib.parse import urlsplit

from pydantic import SecretStr

from ..contract import Clock, ConnectionSettings, CredentialSource, Renewal, Reply, ToolCall, ToolSpec
from ..credentials import Credential, key_id_of
from ..errors import InvalidUse, UnknownTool
from ..wire import Held, OneConnection, OpenTransport, Wire, WireRequest
from .operations import OPERATIONS, TOOLS

BASE_URL: Final = "https://api.piggy.eu"
PREFIX: Final = "/api/v3/oauth/clients"
CREDENTIAL: Final = CredentialSource(env="PIGGY_API_KEY")


class Piggy:
    """One connection to a Piggy account; satisfies `Connector`.

    Raises `InvalidUse` for an address that would show the key to others, and, when it is entered,
    `MissingCredential` where there is no key.
    """

    def __init__(
        self,
        settings: ConnectionSettings,
        clock: Clock,
        learn: Callable[[SecretStr], None],
        *,
        open_transport: OpenTransport = OneConnection,
        held: Held = str,
    ) -> None:
        address = _checked_address(settings.base_url or BASE_URL)
        self._credential = Credential(settings.credential or CREDENTIAL, learn=learn)
        self._wire = Wire(
            address + _checked_prefix(settings.prefix or PREFIX),
            timeout=settings.timeout,
            open_transport=open_transport,
            held=held,
        )
        self._clock = clock

    async def __aenter__(self) -> Self:
        """Read the key and open the wire."""
        self._credential.resolve()
        await self._wire.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the wire."""
        await self._wire.__aexit__()

    def tools(self) -> Mapping[str, ToolSpec]:
        """Return the operations by their dotted names."""
        return TOOLS

    async def send(self, call: ToolCall) -> Reply:
        """Make exactly one attempt; `call.operation` is a dotted name and its arguments fit the contract."""
        operation = OPERATIONS.get(call.operation)
        if operation is None:
            raise UnknownTool(
                f"Piggy has no operation `{call.operation}`.", help="`mendflow tools` lists what there is"
            )
        secret = self._credential.secret
        content = operation.route.content(call.arguments)
        request = WireRequest(
            operation.route.method,
            operation.route.target(call.arguments),
            headers={
                "authorization": f"Bearer {secret.get_secret_value()}",
                "accept": "application/json",
                **({"content-type": "application/json"} if content else {}),
            },
            content=content,
        )
        outcome = await self._wire.attempt(request)
        return Reply(outcome=outcome, key_id=key_id_of(secret), received_at=self._clock.now())

    async def renew(self) -> Renewal:
        """Read the key's source again; concurrent callers share one reading."""
        return await self._credential.renew()


def _checked_address(base_url: str) -> str:
    """Return `base_url` if the key may be sent there, without a slash at the end."""
    help_line = f"write for example `base_url: {BASE_URL}`"
    try:
        parts = urlsplit(base_url)
        _ = parts.port  # raises where it is no port
    except ValueError as error:
        raise InvalidUse("The `base_url` is not an address.", help=help_line) from error
    if "@" in parts.netloc:
        raise InvalidUse("The `base_url` holds a user name or password.", help="name a `credential` instead")
    if parts.scheme not in {"http", "https"} or not parts.hostname or set(base_url) & set("?#\\"):
        raise InvalidUse(f"The `base_url` `{base_url}` is not an http address of a host.", help=help_line)
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise InvalidUse(
            f"The `base_url` `{base_url}` would send the key unencrypted.",
            help=f"use https://{parts.hostname}; http is for this machine only",
        )
    return base_url.rstrip("/")


def _checked_prefix(prefix: str) -> str:
    parts = urlsplit(prefix)
    if not prefix.startswith("/") or parts.netloc or set(prefix) & set("?#\\"):
        raise InvalidUse(
            f"The `prefix` `{prefix}` is not a path; expected something like `{PREFIX}`.",
            help="begin it with one slash",
        )
    return prefix.rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
