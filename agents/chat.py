"""Chat models of providers, through langchain (extra `models`): one request, one attempt, no retry.

langchain is imported at the first request, because it is an extra and takes seconds to load. Details of
failures never quote what a provider wrote: it may hold keys or personal data.
"""

import asyncio
import importlib.util
import os
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

import jsonschema_rs
from pydantic import JsonValue, SecretStr

from ..connectors.contract import JsonObject
from ..connectors.errors import InvalidUse, MissingCredential
from ..connectors.hints import hinted_wait
from .model import ModelRefusal, ModelReply, ModelRequest, PickedCall, ToolCard, Usage
from .prompt import chat_messages, without_offline


@dataclass(frozen=True, slots=True)
class Provider:
    """What a provider needs on this machine."""

    package: str
    key: str
    """Name of the environment variable that holds the API key."""


PROVIDERS: Mapping[str, Provider] = {
    "anthropic": Provider("langchain_anthropic", "ANTHROPIC_API_KEY"),
    "openai": Provider("langchain_openai", "OPENAI_API_KEY"),
}
ANSWER = "answer"
"""Name of the tool by which a model that may also read gives its output."""

Reason = Literal[
    "rate_limit", "unauthorized", "unreachable", "server_error", "truncated", "invalid", "refused", "setup"
]
FINISHED = frozenset(
    {"stop", "tool_calls", "function_call", "end_turn", "tool_use", "stop_sequence", "completed"}
)
REFUSED = frozenset({"content_filter", "refusal"})
NAMED: Mapping[str, Reason] = {
    "ModelConnectionError": "unreachable",
    "ModelTimeoutError": "unreachable",
    "APIConnectionError": "unreachable",
    "ModelAPIError": "server_error",
    "LengthFinishReasonError": "truncated",
    "ContentFilterFinishReasonError": "refused",
    "OpenAIRefusalError": "refused",
    "ContextOverflowError": "setup",
    "OpenAIError": "setup",
    "AnthropicError": "setup",
}
"""Failures without a status, by class name: the classes belong to an extra, and may not be there."""


def check_model(name: str, environment: Mapping[str, str] = os.environ) -> None:
    """Raise InvalidUse or MissingCredential where a model cannot be used; `offline` always can."""
    if name == "offline":
        return
    provider = _installed(name)
    if not environment.get(provider.key, "").strip():
        raise MissingCredential(
            f"The model `{name}` needs an API key, and `{provider.key}` holds none.",
            help=f"Set `{provider.key}`, or use the model `offline`, which needs no key.",
        )


def _installed(name: str) -> Provider:
    word, colon, model = name.partition(":")
    provider = PROVIDERS.get(word)
    if provider is None or not colon or not model:
        raise InvalidUse(
            f"`{name}` is no model: expected `offline` or `provider:model`.",
            help=f"Known providers: {', '.join(f'`{known}`' for known in PROVIDERS)}; e.g. `openai:gpt-5.5`.",
        )
    if not all(importlib.util.find_spec(package) for package in ("langchain", provider.package)):
        raise InvalidUse(
            f"The model `{name}` needs the extra `models`, which is not installed.",
            help="pip install 'mendflow[models]'",
        )
    return provider


class ChatModel:
    """A provider's chat model. It asks once, and returns failures as data.

    `base_url` sends the requests elsewhere; `api_key` takes the place of the environment variable.
    """

    def __init__(
        self,
        name: str,
        *,
        base_url: str = "",
        api_key: SecretStr | None = None,
        timeout: timedelta = timedelta(seconds=60),
    ) -> None:
        _installed(name)
        self._name = name
        self._options: dict[str, Any] = {"max_retries": 0, "timeout": timeout.total_seconds()}
        if base_url:
            self._options["base_url"] = base_url
        if api_key is not None:
            self._options["api_key"] = api_key
        self._chat: Any = None
        self._opening = threading.Lock()

    def __repr__(self) -> str:
        return f"ChatModel({self._name!r})"

    async def ask(self, request: ModelRequest) -> ModelReply | ModelRefusal:
        """Ask once. A reply that is cut short, refused or of another shape than asked for is a refusal."""
        try:
            chat = await asyncio.to_thread(self._open)
            message, parsed = await _exchange(chat, request)
        except Exception as error:  # noqa: BLE001  # border: the libraries raise far outside their own trees
            return _refusal(self._name, error)
        if stopped := _stopped(self._name, message):
            return stopped
        usage = message.usage_metadata or {}
        counted = Usage(tokens_in=usage.get("input_tokens", 0), tokens_out=usage.get("output_tokens", 0))
        return _reply(request, message, parsed, counted)

    def _open(self) -> Any:
        with self._opening:
            if self._chat is None:
                from langchain.chat_models import init_chat_model  # noqa: PLC0415  # optional extra, slow to load

                self._chat = init_chat_model(self._name, **self._options)
            return self._chat


async def _exchange(chat: Any, request: ModelRequest) -> tuple[Any, JsonValue]:
    """Return the raw message and, where no tools were offered, the structured output in it."""
    schema = _wire_schema(request.answer_schema)
    messages = list(chat_messages(request))
    if not request.tools:
        answer = await chat.with_structured_output(schema, include_raw=True).ainvoke(messages)
        return answer["raw"], answer["parsed"]
    offered = [
        _function(name, card.summary, card.parameters) for name, card in _wire_names(request.tools).items()
    ]
    offered.append(_function(ANSWER, "Give your answer once you have read all you need.", schema))
    return await chat.bind_tools(offered, tool_choice="any").ainvoke(messages), None


def _wire_schema(schema: JsonObject) -> JsonObject:
    return {"description": "The answer.", **without_offline(schema), "title": ANSWER}


def _function(name: str, summary: str, parameters: JsonObject) -> JsonObject:
    return {"type": "function", "function": {"name": name, "description": summary, "parameters": parameters}}


def _wire_names(cards: tuple[ToolCard, ...]) -> dict[str, ToolCard]:
    """Return the tools by names that every provider takes: at most 64 letters, digits, `_` and `-`."""
    return {
        f"t{place}_{re.sub(r'[^A-Za-z0-9_-]', '_', card.name)}"[:64]: card for place, card in enumerate(cards)
    }


def _stopped(name: str, message: Any) -> ModelRefusal | None:
    """Return why a message is not whole. Without a finish reason it was cut, however well it reads."""
    facts: dict[str, Any] = message.response_metadata
    finish = facts.get("finish_reason") or facts.get("stop_reason") or facts.get("status")
    if finish in REFUSED or message.additional_kwargs.get("refusal"):
        return ModelRefusal(reason="refused", detail=f"`{name}` refused to answer.")
    if finish in FINISHED:
        return None
    found = (
        f"stopped early (`{_word(finish)}`)"
        if finish
        else "gave no finish reason, so its reply was cut short"
    )
    return ModelRefusal(reason="truncated", detail=f"`{name}` {found}.")


def _reply(request: ModelRequest, message: Any, parsed: JsonValue, usage: Usage) -> ModelReply | ModelRefusal:
    if request.tools:
        names = _wire_names(request.tools)
        picked = [call for call in message.tool_calls if call["name"] != ANSWER]
        unknown = [call for call in picked if call["name"] not in names]
        if unknown or message.invalid_tool_calls:
            allowed = ", ".join(f"`{card.name}`" for card in request.tools)
            return _invalid(
                f"It called a tool that there is not, or with broken arguments; allowed are {allowed}."
            )
        if picked:
            calls = tuple(
                PickedCall(tool=names[call["name"]].name, arguments=call["args"]) for call in picked
            )
            return ModelReply(calls=calls, usage=usage)
        parsed = next((call["args"] for call in message.tool_calls), None)
    if parsed is None:
        return _invalid("The reply holds no JSON of the shape that was asked for.")
    schema = without_offline(request.answer_schema)
    for error in jsonschema_rs.validator_for(schema).iter_errors(parsed):
        place = ".".join(str(part) for part in error.instance_path) or "the whole"
        return _invalid(f"The reply breaks `{error.schema_path[-1]}` of the answer's schema at `{place}`.")
    return ModelReply(output=parsed, usage=usage)


def _invalid(detail: str) -> ModelRefusal:
    return ModelRefusal(reason="invalid", detail=detail)


def _refusal(name: str, error: Exception) -> ModelRefusal:
    status = getattr(error, "status_code", None)
    if not isinstance(status, int):
        classes = [kind.__name__ for kind in type(error).__mro__]
        reason = next((NAMED[kind] for kind in classes if kind in NAMED), "invalid")
        return ModelRefusal(reason=reason, detail=f"`{name}` gave no usable reply ({classes[0]}).")
    word = _error_word(error)
    said = f" (`{word}`)" if word else ""
    return ModelRefusal(
        reason=_reason(status, word),
        detail=f"`{name}` answered with status {status}{said}.",
        wait_seconds=_wait_seconds(error),
    )


def _reason(status: int, word: str) -> Reason:
    if word == "insufficient_quota":  # OpenAI sends it as 429, but no waiting cures an empty account
        return "setup"
    if status == 429:  # noqa: PLR2004  # HTTP's own number
        return "rate_limit"
    if status in (401, 403):
        return "unauthorized"
    if status == 408:  # noqa: PLR2004  # HTTP's own number
        return "unreachable"
    return "server_error" if status >= 500 or status == 409 else "setup"  # noqa: PLR2004  # HTTP's own numbers


def _error_word(error: Exception) -> str:
    """Return the provider's code for a failure, where it is a plain word."""
    body = getattr(error, "body", None)
    inner = body.get("error", body) if isinstance(body, dict) else {}
    said = inner if isinstance(inner, dict) else {}
    return _word(said.get("code") or said.get("type"))


def _word(value: object) -> str:
    return value if isinstance(value, str) and re.fullmatch(r"[a-z_]{1,40}", value) else ""


def _wait_seconds(error: Exception) -> float | None:
    """Return how long the provider asks to wait; `retry-after-ms` is OpenAI's."""
    headers: Mapping[str, str] = getattr(getattr(error, "response", None), "headers", {})
    milliseconds = headers.get("retry-after-ms", "").strip()
    if re.fullmatch(r"[0-9]{1,8}(\.[0-9]{1,9})?", milliseconds):
        return float(milliseconds) / 1000
    wait = hinted_wait(headers, None)
    return None if wait is None else wait.total_seconds()
