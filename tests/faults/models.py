"""Forms of fault of a model's provider, as bytes on the wire: the chat completions of OpenAI stand for all."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import orjson
from mendflow.agents.chat import Reason
from pydantic import JsonValue

from tests.faults.form import DATE, HTML, JSON, Form, Manner, Place, Sent, exactly, http

NAME: Final = "openai:gpt-5.5"
THREE: Final = "asked again three times"
AT_ONCE: Final = "at once: asking again would change nothing"
_UNUSABLE: Final = f"`{NAME}` gave no usable reply"
_GOOD: Final = '{"subject":"Hi","body":"Come back."}'
_TOOLS: Final = "allowed are `piggy.contacts.get`"


@dataclass(frozen=True, slots=True)
class ModelForm:
    """One form of fault of a model."""

    name: str
    seen: str
    sent: Sent
    reason: Reason
    detail: str
    manner: Manner = "answers"
    place: Place = "here"
    wait_seconds: float | None = None
    told: float = 0.0
    """Seconds that are waited at least before the model is asked again."""
    is_retried: bool = True
    is_research: bool = False
    """Whether the model was offered a tool to read with."""

    @property
    def refused(self) -> str:
        """When it is given up."""
        return THREE if self.is_retried else AT_ONCE

    @property
    def form(self) -> Form:
        """What the far side plays."""
        return Form(self.name, self.seen, self.sent, manner=self.manner, place=self.place)


def _failed(
    name: str,
    seen: str,
    status: int,
    code: str,
    reason: Reason,
    *headers: str,
    told: float | None = None,
    is_retried: bool = True,
) -> ModelForm:
    body = orjson.dumps({"error": {"message": "No.", "code": code}})
    return ModelForm(
        name=name,
        seen=seen,
        sent=http(f"{status} Failed", body, JSON, *headers),
        reason=reason,
        detail=f"`{NAME}` answered with status {status} (`{code}`).",
        wait_seconds=told,
        told=min(told or 0.0, 3600.0),
        is_retried=is_retried,
    )


def _limited(name: str, seen: str, *headers: str, told: float | None = None) -> ModelForm:
    return _failed(name, f"429, {seen}", 429, "rate_limit_exceeded", "rate_limit", *headers, told=told)


def _replied(
    name: str,
    seen: str,
    message: Mapping[str, JsonValue],
    finish: str | None,
    reason: Reason,
    detail: str,
    *,
    is_retried: bool = True,
    is_research: bool = False,
) -> ModelForm:
    body = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "gpt-5.5",
        "choices": [{"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7},
    }
    return ModelForm(
        name=name,
        seen=seen,
        sent=http("200 OK", orjson.dumps(body), JSON),
        reason=reason,
        detail=detail,
        is_retried=is_retried,
        is_research=is_research,
    )


def _called(name: str, arguments: str) -> Mapping[str, JsonValue]:
    call: JsonValue = {"id": "c", "type": "function", "function": {"name": name, "arguments": arguments}}
    return {"content": None, "tool_calls": [call]}


MODELS: Final = (
    _limited("model-retry-after-seconds", "`Retry-After: 3`", "Retry-After: 3", told=3),
    _limited("model-retry-after-milliseconds", "`retry-after-ms: 250`", "retry-after-ms: 250", told=0.25),
    _limited(
        "model-retry-after-date",
        "`Retry-After` a date 20 s after the reply's own `Date`",
        "Retry-After: Sun, 22 Nov 2026 10:00:20 GMT",
        told=20,
    ),
    _limited("model-retry-after-negative", "`Retry-After: -4`", "Retry-After: -4", told=0),
    _limited(
        "model-retry-after-two-hours",
        "`Retry-After: 7200`: an hour is waited",
        "Retry-After: 7200",
        told=7200,
    ),
    _limited("model-retry-after-absurd", "`Retry-After` of 400 digits", f"Retry-After: {'9' * 400}"),
    _limited("model-no-hint", "no hint"),
    _failed("model-quota", "429, the account is empty", 429, "insufficient_quota", "setup", is_retried=False),
    _failed("model-500", "500", 500, "server_error", "server_error"),
    _failed(
        "model-503", "503, `Retry-After: 5`", 503, "overloaded", "server_error", "Retry-After: 5", told=5
    ),
    _failed("model-529", "529", 529, "overloaded_error", "server_error"),
    _failed("model-408", "408", 408, "timeout", "unreachable"),
    _failed("model-409", "409", 409, "conflict", "server_error"),
    _failed("model-401", "401", 401, "invalid_api_key", "unauthorized", is_retried=False),
    _failed("model-403", "403", 403, "no_access", "unauthorized", is_retried=False),
    _failed("model-404", "404: no such model", 404, "model_not_found", "setup", is_retried=False),
    ModelForm(
        name="model-context-overflow",
        seen="400: more than the model's context holds",
        sent=http(
            "400 Bad Request",
            b'{"error":{"message":"This model\'s maximum context length is 9 tokens.",'
            b'"code":"context_length_exceeded"}}',
            JSON,
        ),
        reason="setup",
        detail=f"`{NAME}` answered with status 400 (`context_length_exceeded`).",
        is_retried=False,
    ),
    ModelForm(
        name="model-page",
        seen="502, a page",
        sent=http("502 Bad Gateway", b"<html>Bad gateway</html>", HTML),
        reason="server_error",
        detail=f"`{NAME}` answered with status 502.",
    ),
    _replied(
        "model-no-finish-reason",
        "a reply without finish reason",
        {"content": _GOOD},
        None,
        "truncated",
        f"`{NAME}` gave no finish reason, so its reply was cut short.",
    ),
    _replied(
        "model-length",
        "a reply cut for its length",
        {"content": _GOOD},
        "length",
        "truncated",
        f"{_UNUSABLE} (LengthFinishReasonError).",
    ),
    _replied(
        "model-content-filter",
        "a reply stopped by a filter",
        {"content": _GOOD},
        "content_filter",
        "refused",
        f"{_UNUSABLE} (ContentFilterFinishReasonError).",
        is_retried=False,
    ),
    _replied(
        "model-refusal",
        "a refusal in words",
        {"content": None, "refusal": "I will not."},
        "stop",
        "refused",
        f"`{NAME}` refused to answer.",
        is_retried=False,
    ),
    _replied(
        "model-no-json",
        "words in place of JSON",
        {"content": "hello"},
        "stop",
        "invalid",
        "The reply holds no JSON of the shape that was asked for.",
    ),
    _replied(
        "model-other-shape",
        "JSON that breaks the schema",
        {"content": '{"subject":"Hi"}'},
        "stop",
        "invalid",
        "The reply breaks `required` of the answer's schema at `the whole`.",
    ),
    *(
        _replied(
            name,
            seen,
            _called(tool, arguments),
            "tool_calls",
            "invalid",
            f"It called a tool that there is not, or with broken arguments; {_TOOLS}.",
            is_research=True,
        )
        for name, seen, tool, arguments in (
            ("model-unknown-tool", "a call of a tool that there is not", "delete_all", "{}"),
            (
                "model-broken-arguments",
                "a call with arguments that are no JSON",
                "t0_piggy_contacts_get",
                "{",
            ),
        )
    ),
    ModelForm(
        name="model-truncated",
        seen="200, JSON that ends in its midst",
        sent=http("200 OK", b'{"id":"chatcmpl-1","choices":[', JSON),
        reason="invalid",
        detail=f"{_UNUSABLE} (JSONDecodeError).",
    ),
    ModelForm(
        name="model-not-a-completion",
        seen="200, JSON that is no reply",
        sent=http("200 OK", b'{"id":"x"}', JSON),
        reason="invalid",
        detail=f"{_UNUSABLE} (TypeError).",
    ),
    ModelForm(
        name="model-cut-off",
        seen="a reply that is cut off",
        sent=exactly(f"HTTP/1.1 200 OK\r\n{DATE}\r\n{JSON}\r\nContent-Length: 999\r\n\r\n{{".encode()),
        manner="hangs up",
        reason="unreachable",
        detail=f"{_UNUSABLE} (OpenAIConnectionError).",
    ),
    ModelForm(
        name="model-reset",
        seen="a reset in place of a reply",
        sent=exactly(b""),
        manner="resets",
        reason="unreachable",
        detail=f"{_UNUSABLE} (OpenAIConnectionError).",
    ),
    ModelForm(
        name="model-connection-refused",
        seen="nobody listens",
        sent=exactly(b""),
        place="nobody listens",
        reason="unreachable",
        detail=f"{_UNUSABLE} (OpenAIConnectionError).",
    ),
    ModelForm(
        name="model-silence",
        seen="no byte until the time-out",
        sent=exactly(b""),
        manner="stays silent",
        reason="unreachable",
        detail=f"{_UNUSABLE} (OpenAITimeoutError).",
    ),
)
