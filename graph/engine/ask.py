"""One question to a model, as a fact."""

from pydantic import TypeAdapter

from ...agents.model import ModelOutcome, ModelRequest
from ...connectors.contract import JsonObject
from .context import RunContext

_OUTCOME: TypeAdapter[ModelOutcome] = TypeAdapter(ModelOutcome)


async def ask(context: RunContext, key: str, request: ModelRequest) -> ModelOutcome:
    """Return the recorded outcome, or ask the model once and record what it says."""

    async def perform() -> JsonObject:
        outcome = await context.models[request.model].ask(request)
        plain: JsonObject = outcome.model_dump(mode="json")
        return plain

    plain = request.model_dump(mode="json", exclude_defaults=True)
    return _OUTCOME.validate_python(await context.tape.fact(key, plain, perform))
