"""One question to a model, as a fact."""

from pydantic import TypeAdapter

from ...agents.model import ModelOutcome, ModelRefusal, ModelRequest
from ...connectors.contract import JsonObject
from ...journal.vault import is_recordable
from .context import RunContext

_UNUSABLE = ModelRefusal(reason="invalid", detail="the reply holds a number or a sign that JSON cannot carry")
_OUTCOME: TypeAdapter[ModelOutcome] = TypeAdapter(ModelOutcome)


async def ask(context: RunContext, key: str, request: ModelRequest) -> ModelOutcome:
    """Return the recorded outcome, or ask the model once and record what it says."""

    async def perform() -> JsonObject:
        outcome = await context.models[request.model].ask(request)
        plain: JsonObject = outcome.model_dump(mode="json")
        return plain if is_recordable(plain) else _UNUSABLE.model_dump(mode="json")

    plain = request.model_dump(mode="json", exclude_defaults=True)
    return _OUTCOME.validate_python(await context.tape.fact(key, plain, perform))
