"""The contracts between a connector and everything above it: what can be called, one call, what came back."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Annotated, Literal, Protocol, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    JsonValue,
    SecretStr,
    SerializerFunctionWrapHandler,
    model_serializer,
)
from pydantic_core import CoreSchema, core_schema


class _AsItIs:
    """Tells pydantic to take JSON that was decoded already as it is: walking it again costs more than a call.

    The value is shared, not copied; nobody changes JSON that is not theirs.
    """

    def __get_pydantic_core_schema__(self, _: object, __: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.any_schema()


Json = Annotated[JsonValue, _AsItIs()]
JsonObject = Annotated[dict[str, JsonValue], _AsItIs()]

EffectClass = Literal[
    "read",  # changes nothing; may be repeated
    "secret_read",  # a read whose answer is a secret: never stored, fetched again on recovery
    "natural_key",  # the vendor finds or creates by a key in the arguments: the same call again is the same effect
    "idempotent",  # sets a state outright: the same call again changes nothing more
    "marked",  # our marker comes back in a listing, which settles an unknown outcome
    "readable_state",  # a read of the object tells whether it happened
    "asynchronous",  # accepted now, done later, without a job to ask
    "blind",  # nothing tells afterwards whether it happened
]
READS: frozenset[EffectClass] = frozenset({"read", "secret_read"})
REPEATABLE: frozenset[EffectClass] = frozenset({"natural_key", "idempotent"})

Flaw = Literal[
    "empty",
    "not_json",
    "html",
    "truncated",
    "too_large",
    "too_deep",
    "duplicate_key",
    "too_many",
    "not_a_number",
]


class Frozen(BaseModel):
    """The common manners of our data: frozen, no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Tagged(Frozen):
    """A member of a union that `kind` tells apart; the tag is written even where defaults are left out."""

    kind: str

    @model_serializer(mode="wrap")
    def _with_tag(self, write: SerializerFunctionWrapHandler) -> JsonObject:
        return {"kind": self.kind, **write(self)}


class MarkerRead(Frozen):
    """The listing that settles an unknown outcome by our marker."""

    operation: str
    """Dotted name of a read of the same connector."""
    arguments: JsonObject = {}
    """Fixed arguments of the read."""
    copied: dict[str, str] = {}
    """Arguments of the read taken from the call: name in the read to name in the call."""
    marker_path: str
    """Path of the marker within one item of the listing."""
    created: str = ""
    """Path of the moment at which an item came to be; empty where the listing does not tell."""


class StateRead(Frozen):
    """The read of the object itself, whose state tells whether the call took place."""

    operation: str
    copied: dict[str, str] = {}
    """Arguments of the read taken from the call: name in the read to name in the call."""
    equals: dict[str, str] = {}
    """Path in the output to the argument that stands there once the call took place; all of them, at least one."""
    gone: frozenset[int] = frozenset()
    """Refusals of the read which say that the object is no more. The call may have brought that about, and so may
    somebody else: evidence for a person, never proof."""
    untouched: JsonObject = {}
    """Path in the output to the value that stands there as long as the call did not take place; empty where
    nothing shows that, because what was accepted is done later."""
    takes: timedelta = timedelta()
    """How long the vendor may take to do what it accepted; a declared `settle` comes before this."""


class TotalRead(Frozen):
    """A listing that only counts: its total, before the call and after, is evidence for a person, never proof."""

    operation: str
    arguments: JsonObject = {}
    copied: dict[str, str] = {}
    """Arguments of the read taken from the call: name in the read to name in the call."""
    total: str
    """Path of the number in the answer's meta."""
    grows_by: str
    """Argument of the call by which the number grows once the call took place."""
    takes: timedelta = timedelta()
    """How long the vendor may take to do what it accepted; a declared `settle` comes before this."""


ConfirmingRead = MarkerRead | StateRead | TotalRead


class VendorKey(Frozen):
    """An argument under which the vendor makes at most one effect, whatever is sent."""

    argument: str
    """Name of the argument; a call without it has no key."""
    taken: int
    """Code with which the vendor refuses a second one."""


class Paging(Frozen):
    """How a listing is paged, and how its completeness is proven."""

    page: str = "page"
    """Name of the argument that selects a page; pages count from 1."""
    limit: str = "limit"
    largest: int = 100
    """The largest page the vendor serves."""
    last_page: str = ""
    """Path in the answer's meta of the number of the last page; empty where the vendor gives none."""
    total: str = ""
    """Path in the answer's meta of the number of all items; empty where the vendor gives none. Only where it stays the
    same from the first page to the last, no item moved to a page that was read already."""


class ToolSpec(Frozen):
    """One operation of a connector: its contract in both directions and its effect on the world."""

    operation: str
    """Dotted name, e.g. `credit_receptions.create`."""
    names: tuple[str, ...] = ()
    """Other names under which it can be called, e.g. `PIGGY_CREATE_CREDIT_RECEPTION`."""
    summary: str
    effect: EffectClass
    parameters: JsonObject
    """JSON Schema (an object) of the arguments."""
    answer: JsonObject
    """JSON Schema of the output, i.e. of the answer without the vendor's envelope."""
    refusals: frozenset[int] = frozenset()
    """Vendor codes which prove that nothing happened and that the same call will be refused again."""
    unsettled: frozenset[int] = frozenset()
    """Vendor codes which leave the outcome open."""
    already: frozenset[int] = frozenset()
    """Vendor codes which say that the effect is there already."""
    echoes: dict[str, str] = {}
    """Arguments that a success must repeat: name of the argument to its path in the output."""
    marker: str = ""
    """Name of the argument that carries our marker; empty where there is none."""
    prepare: str = ""
    """Operation that must have succeeded once on the connection before the marker can be trusted."""
    prepare_with: JsonObject = {}
    """Arguments of that operation, the marker's name among them."""
    confirm: ConfirmingRead | None = None
    """How an unknown outcome is looked into; None: nothing tells."""
    key: VendorKey | None = None
    """The vendor's own guard against a second effect, where a call makes use of it."""
    recipient: str = ""
    """Name of the argument that says who gets the effect; empty where nobody does."""
    paging: Paging | None = None
    aliases: dict[str, str] = {}
    """Declared renames (drift tier T3): field of the contract to the vendor's other name for it."""
    source: str = ""
    """Where the vendor states the rule, or that it is an inference."""

    @property
    def is_read(self) -> bool:
        """Whether the call leaves the world as it was."""
        return self.effect in READS


class ToolCall(Frozen):
    """The exact request that the Distributor makes once."""

    connection: str
    operation: str
    arguments: JsonObject
    """As they leave, the marker included."""


class Answer(Tagged):
    """The far side answered over HTTP, well or badly."""

    kind: Literal["answer"] = "answer"
    status: int
    headers: dict[str, str] = {}
    """The few headers that matter, names in lower case: retry-after, (x-)ratelimit*, date, content-type."""
    body: Json = None
    """The decoded body; None when `flaw` says why there is none."""
    flaw: Flaw | None = None
    excerpt: str = ""
    """The first characters of a body that could not be decoded."""


class NoAnswer(Tagged):
    """Nothing came back, or too late."""

    kind: Literal["no_answer"] = "no_answer"
    sent: Literal["no", "unknown"]
    """`no` only where it is certain that not one byte of the request left."""
    reason: Literal[
        "dns",
        "connect",
        "tls",
        "pool",
        "timeout",
        "reset",
        "protocol",
        "cancelled",
        "crash",
        "credential",
        "paused",
        "down",
    ]
    detail: str = ""


class Reply(Frozen):
    """What came back to one call, unjudged (the Result of the design)."""

    outcome: Annotated[Answer | NoAnswer, Field(discriminator="kind")]
    key_id: str = ""
    """Fingerprint of the credential that was used; never the credential."""
    sent_at: datetime | None = None
    """Not after the moment at which the first byte left; None where nobody noted it."""
    received_at: datetime


ToolResult = Reply


class Renewal(Frozen):
    """What reading a credential's source again brought."""

    changed: bool
    key_id: str
    detail: str = ""


class Clock(Protocol):
    """Where time comes from, and how one waits."""

    def now(self) -> datetime:
        """Return the present moment, aware, in UTC."""
        ...

    async def sleep(self, duration: timedelta) -> None:
        """Return after `duration`; at once when it is zero or negative."""
        ...


class CredentialSource(Frozen):
    """Where a secret lives. Exactly one of the fields is set."""

    env: str = ""
    """Name of an environment variable."""
    file: str = ""
    """Path of a file whose stripped content is the secret."""
    keyring: str = ""
    """`service/user` in the system's keyring (extra `keyring`)."""


class ConnectionSettings(Frozen):
    """How one connection of a workflow reaches its account."""

    name: str
    connector: str
    credential: CredentialSource | None = None
    base_url: str = ""
    """Overrides the connector's own address."""
    prefix: str = ""
    """Overrides the connector's own path prefix."""
    timeout: timedelta = timedelta(seconds=10)
    """How long one attempt may take."""
    settle: timedelta | None = None
    """After this time an effect that was sent is surely readable, or never will be; None: no bound is known."""
    account: str = ""
    """Names the vendor account whose effects these are; empty: connector and base URL name it."""
    folder: str = ""
    """Root of the `files` connector: the workflow's folder."""


class Connector(Protocol):
    """One connection to a vendor. It calls, and never judges, waits or retries."""

    def tools(self) -> Mapping[str, ToolSpec]:
        """Return the operations by their dotted names."""
        ...

    async def send(self, call: ToolCall) -> Reply:
        """Make exactly one attempt. Far-side failures are returned, never raised."""
        ...

    async def renew(self) -> Renewal:
        """Read the credential's source again; concurrent callers share one reading."""
        ...

    async def __aenter__(self) -> Self:
        """Open what the connection needs."""
        ...

    async def __aexit__(self, *_: object) -> None:
        """Close what was opened."""
        ...


ConnectorFactory = Callable[[ConnectionSettings, Clock, Callable[[SecretStr], None]], Connector]
"""Builds a connector from its settings, the clock, and the sink that learns each secret in order to redact it."""

Performer = Callable[[], Awaitable[JsonObject]]
"""Produces a fact's value when the tape does not hold it."""
