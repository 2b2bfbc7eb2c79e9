"""From the pieces of a step to a request, and from a request to chat messages. Pure."""

import json
from dataclasses import dataclass
from typing import Literal

from pydantic import JsonValue

from ..connectors.contract import JsonObject
from .findings import findings_of
from .model import ModelRequest, ToolCard, ToolReading
from .roles import RESEARCHER, VERIFIER, WRITER

OFFLINE_VOICE = frozenset({"template", "short_template", "rows", "separator", "subject"})
"""Fields of a voice that only the offline writer reads."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """A draft that was sent back, and why."""

    draft: JsonValue
    reasons: tuple[str, ...]


def researcher_request(  # noqa: PLR0913  # the pieces of a researcher's step
    *,
    model: str,
    goal: str,
    given: JsonObject,
    material: JsonObject,
    tools: tuple[ToolCard, ...] = (),
    readings: tuple[ToolReading, ...] = (),
    reasons: tuple[str, ...] = (),
    output_schema: JsonObject | None = None,
) -> ModelRequest:
    """Ask for findings; `readings` are the reads so far, `reasons` what was wrong with the last answer."""
    return ModelRequest(
        role=RESEARCHER.name,
        model=model,
        instructions=RESEARCHER.instructions,
        goal=goal,
        given=given,
        material=material,
        tools=tools,
        readings=readings,
        reasons=reasons,
        answer_schema=with_offline(output_schema) if output_schema else RESEARCHER.answer_schema,
    )


def writer_request(
    *,
    model: str,
    goal: str,
    given: JsonObject,
    material: JsonObject,
    voice: JsonObject,
    output_schema: JsonObject | None = None,
    rejection: Rejection | None = None,
) -> ModelRequest:
    """Ask for a draft. Of the material the writer sees the findings alone."""
    return ModelRequest(
        role=WRITER.name,
        model=model,
        instructions=WRITER.instructions,
        goal=goal,
        given=given,
        material={"findings": [*findings_of(material)]},
        voice=voice,
        reasons=rejection.reasons if rejection else (),
        draft=rejection.draft if rejection else None,
        answer_schema=with_offline(output_schema) if output_schema else WRITER.answer_schema,
    )


def judge_request(
    *, model: str, rubric: str, draft: JsonValue, material: JsonObject, voice: JsonObject
) -> ModelRequest:
    """Ask a model to pass or veto a draft by a rubric."""
    return ModelRequest(
        role=VERIFIER.name,
        model=model,
        instructions=VERIFIER.instructions,
        goal=rubric,
        material={"findings": [*findings_of(material)]},
        voice=voice,
        draft=draft,
        answer_schema=VERIFIER.answer_schema,
    )


def with_offline(schema: JsonObject) -> JsonObject:
    """Return an object's schema with room for the offline model's mark; the name `offline` is reserved."""
    properties = schema.get("properties")
    if not isinstance(properties, dict) or "offline" in properties:
        return schema
    return {**schema, "properties": {**properties, "offline": {"type": "boolean"}}}


def without_offline(schema: JsonObject) -> JsonObject:
    """Return the schema as a real model sees it, which has no say in that mark."""
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return schema
    return {**schema, "properties": {name: rule for name, rule in properties.items() if name != "offline"}}


def chat_messages(request: ModelRequest) -> tuple[tuple[Literal["system", "user"], str], ...]:
    """Render a request for a chat model. What is empty is left out; data is JSON under its own heading."""
    voice = {name: value for name, value in request.voice.items() if name not in OFFLINE_VOICE}
    readings: list[JsonValue] = [reading.model_dump(mode="json") for reading in request.readings]
    parts: tuple[tuple[str, JsonValue], ...] = (
        ("Given", request.given),
        ("Voice", voice),
        ("Material", request.material),
        ("Readings", readings),
        ("Draft", request.draft),
        ("Reasons", [*request.reasons]),
    )
    sections = [f"# Goal\n{request.goal}"]
    sections += [f"# {heading}\n{_json(value)}" for heading, value in parts if value]
    return ("system", request.instructions), ("user", "\n\n".join(sections))


def _json(value: JsonValue) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
