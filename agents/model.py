"""The model port: what an agent asks of a language model, and what comes back."""

from typing import Annotated, Literal, Protocol

from pydantic import Field

from ..connectors.contract import Frozen, Json, JsonObject

RoleName = Literal["researcher", "writer", "designer", "engineer", "verifier", "distributor"]


class ToolCard(Frozen):
    """A read that the agent may ask for."""

    name: str
    """As the workflow writes it, `connection.OPERATION`."""
    summary: str
    parameters: JsonObject


class ToolReading(Frozen):
    """The judged output of a read that the agent asked for in an earlier round."""

    tool: str
    arguments: JsonObject
    output: Json
    source: str
    """Key of the fact that holds it, e.g. `brief#1:call:0`."""


class ModelRequest(Frozen):
    """One question to a model. Everything that shapes the reply is in here, and so in the trace."""

    role: RoleName
    model: str
    instructions: str
    goal: str
    given: JsonObject = {}
    """Values the step hands over; also the source of arguments for the offline model's reads."""
    material: JsonObject = {}
    """What the agent may use: outputs of earlier steps by their ids, selected data by name."""
    tools: tuple[ToolCard, ...] = ()
    readings: tuple[ToolReading, ...] = ()
    voice: JsonObject = {}
    """Brand voice: tone, signature, banned words, the offline template."""
    reasons: tuple[str, ...] = ()
    """Why the last draft was sent back."""
    draft: Json = None
    """The draft that was sent back."""
    answer_schema: JsonObject


class PickedCall(Frozen):
    """A read that the model asks for."""

    tool: str
    arguments: JsonObject


class Usage(Frozen):
    """Tokens of one exchange, as the provider counts them."""

    tokens_in: int = 0
    tokens_out: int = 0


class ModelReply(Frozen):
    """What the model said: either reads it wants first, or its output."""

    kind: Literal["reply"] = "reply"
    calls: tuple[PickedCall, ...] = ()
    output: Json = None
    usage: Usage = Usage()
    offline: bool = False


class ModelRefusal(Frozen):
    """The provider gave no usable reply."""

    kind: Literal["refusal"] = "refusal"
    reason: Literal[
        "rate_limit",
        "unauthorized",
        "unreachable",
        "server_error",
        "truncated",
        "invalid",
        "refused",
        "setup",
    ]
    detail: str
    wait_seconds: float | None = None


ModelOutcome = Annotated[ModelReply | ModelRefusal, Field(discriminator="kind")]


class Model(Protocol):
    """Answers one request. Far-side failures are returned, never raised; it never retries."""

    async def ask(self, request: ModelRequest) -> ModelReply | ModelRefusal:
        """Ask once."""
        ...
