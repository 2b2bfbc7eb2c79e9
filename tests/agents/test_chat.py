from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from mendflow.agents.chat import ChatModel, check_model
from mendflow.agents.model import ModelRefusal, ModelReply, ModelRequest, PickedCall, ToolCard, Usage
from mendflow.agents.models import open_model
from mendflow.agents.offline import OfflineModel
from mendflow.agents.prompt import chat_messages, researcher_request, writer_request
from mendflow.connectors.contract import JsonObject
from mendflow.connectors.errors import InvalidUse, MissingCredential
from pydantic import JsonValue, SecretStr

KEY = "sk-very-secret-key"
WRITE = writer_request(model="m", goal="Write.", given={}, material={"n": 3}, voice={})
TOOL = ToolCard(
    name="piggy.contacts.get",
    summary="Get a contact.",
    parameters={"type": "object", "properties": {"uuid": {"type": "string"}}, "required": ["uuid"]},
)
RESEARCH = researcher_request(model="m", goal="Look.", given={}, material={}, tools=(TOOL,))


class Provider:
    """A stand-in that gives one answer to every request, and keeps what it received."""

    def __init__(self, body: JsonValue, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.body = body
        self.status = status
        self.headers = headers or {}
        self.requests: list[JsonObject] = []
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        self.requests.append(await request.json())
        if isinstance(self.body, str):
            return web.Response(text=self.body, content_type="application/json")
        return web.json_response(self.body, status=self.status, headers=self.headers)


@asynccontextmanager
async def _serving(provider: Provider) -> AsyncIterator[Provider]:
    app = web.Application()
    app.router.add_post("/{path:.*}", provider.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        provider.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield provider
    finally:
        await runner.cleanup()


def _completion(message: JsonObject, finish: str | None = "stop") -> JsonObject:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "gpt-5.5",
        "choices": [{"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7},
    }


def _called(name: str, arguments: str) -> JsonObject:
    call: JsonValue = {
        "id": "call_1",
        "type": "function",
        "function": {"name": name, "arguments": arguments},
    }
    return {"content": None, "tool_calls": [call]}


async def _ask(provider: Provider, request: ModelRequest = WRITE) -> ModelReply | ModelRefusal:
    async with _serving(provider):
        model = ChatModel("openai:gpt-5.5", base_url=f"{provider.url}/v1", api_key=SecretStr(KEY))
        return await model.ask(request)


async def test_structured_reply() -> None:
    """A whole reply of the right shape becomes the output, with the provider's token counts."""
    provider = Provider(_completion({"content": '{"subject": "Hi", "body": "Come back."}'}))

    reply = await _ask(provider)

    assert reply == ModelReply(
        output={"subject": "Hi", "body": "Come back."}, usage=Usage(tokens_in=5, tokens_out=2)
    )
    (sent,) = provider.requests
    assert sent["messages"] == [{"role": role, "content": text} for role, text in chat_messages(WRITE)]
    assert "offline" not in str(sent["response_format"])


@pytest.mark.parametrize(
    ("finish", "refusal"),
    [
        (
            None,
            ModelRefusal(
                reason="truncated",
                detail="`openai:gpt-5.5` gave no finish reason, so its reply was cut short.",
            ),
        ),
        (
            "length",
            ModelRefusal(
                reason="truncated", detail="`openai:gpt-5.5` gave no usable reply (LengthFinishReasonError)."
            ),
        ),
        (
            "content_filter",
            ModelRefusal(
                reason="refused",
                detail="`openai:gpt-5.5` gave no usable reply (ContentFilterFinishReasonError).",
            ),
        ),
    ],
)
async def test_unfinished_replies_are_refusals(finish: str | None, refusal: ModelRefusal) -> None:
    """A reply that did not come to its end is not used, even where its text is whole."""
    provider = Provider(_completion({"content": '{"subject": "Hi", "body": "Come back."}'}, finish))

    assert await _ask(provider) == refusal


@pytest.mark.parametrize(
    ("content", "detail"),
    [
        ("hello", "The reply holds no JSON of the shape that was asked for."),
        ('{"subject": "Hi"}', "The reply breaks `required` of the answer's schema at `the whole`."),
        (
            '{"subject": "Hi", "body": "x", "uses": [{}]}',
            "The reply breaks `anyOf` of the answer's schema at `uses.0`.",
        ),
    ],
)
async def test_replies_of_another_shape_are_invalid(content: str, detail: str) -> None:
    """Text that is no JSON, or JSON that breaks the schema, is no output."""
    assert await _ask(Provider(_completion({"content": content}))) == ModelRefusal(
        reason="invalid", detail=detail
    )


async def test_a_model_may_refuse() -> None:
    """A refusal in words is a refusal as data."""
    refusal = await _ask(Provider(_completion({"content": None, "refusal": "I will not."})))

    assert refusal == ModelRefusal(reason="refused", detail="`openai:gpt-5.5` refused to answer.")


@pytest.mark.parametrize(
    ("status", "code", "headers", "reason", "wait_seconds"),
    [
        (429, "rate_limit_exceeded", {"Retry-After": "3"}, "rate_limit", 3.0),
        (429, "rate_limit_exceeded", {"retry-after-ms": "250"}, "rate_limit", 0.25),
        (
            429,
            "rate_limit_exceeded",
            {"Retry-After": "Wed, 21 Oct 2026 07:28:30 GMT", "Date": "Wed, 21 Oct 2026 07:28:00 GMT"},
            "rate_limit",
            30.0,
        ),
        (429, "rate_limit_exceeded", {}, "rate_limit", None),
        (429, "rate_limit_exceeded", {"Retry-After": "-3"}, "rate_limit", 0.0),
        (429, "rate_limit_exceeded", {"Retry-After": "9" * 400}, "rate_limit", None),
        (429, "rate_limit_exceeded", {"retry-after-ms": "9" * 400}, "rate_limit", None),
        (
            429,
            "rate_limit_exceeded",
            {"Retry-After": "Wed, 21 Oct 99999999999 07:28:30 GMT"},
            "rate_limit",
            None,
        ),
        (429, "insufficient_quota", {}, "setup", None),
        (401, "invalid_api_key", {}, "unauthorized", None),
        (403, "no_access", {}, "unauthorized", None),
        (404, "model_not_found", {}, "setup", None),
        (400, "invalid_value", {}, "setup", None),
        (408, "timeout", {}, "unreachable", None),
        (409, "conflict", {}, "server_error", None),
        (503, "overloaded", {}, "server_error", None),
    ],
)
async def test_statuses_become_reasons(
    status: int, code: str, headers: dict[str, str], reason: str, wait_seconds: float | None
) -> None:
    """Each failure has its reason and the provider's wait; one request is made, and no secret is quoted."""
    provider = Provider({"error": {"message": f"No: {KEY}", "code": code}}, status, headers)

    refusal = await _ask(provider)

    assert refusal.model_dump() == {
        "kind": "refusal",
        "reason": reason,
        "detail": f"`openai:gpt-5.5` answered with status {status} (`{code}`).",
        "wait_seconds": wait_seconds,
    }
    assert len(provider.requests) == 1


@pytest.mark.parametrize("body", ["{", '"text"', '{"id": "x"}'])
async def test_unreadable_replies_are_invalid(body: str) -> None:
    """A reply that is no chat completion is data too, never an exception."""
    refusal = await _ask(Provider(body))

    assert isinstance(refusal, ModelRefusal)
    assert refusal.reason == "invalid"


async def test_nobody_there_is_unreachable() -> None:
    """Where nobody listens, the model is unreachable."""
    async with _serving(Provider({})) as provider:
        url = provider.url
    model = ChatModel("openai:gpt-5.5", base_url=f"{url}/v1", api_key=SecretStr(KEY))

    assert await model.ask(WRITE) == ModelRefusal(
        reason="unreachable", detail="`openai:gpt-5.5` gave no usable reply (OpenAIConnectionError)."
    )


async def test_researcher_picks_reads() -> None:
    """A tool call of the model becomes a picked read under the workflow's name."""
    provider = Provider(_completion(_called("t0_piggy_contacts_get", '{"uuid": "c-1"}'), "tool_calls"))

    reply = await _ask(provider, RESEARCH)

    assert reply == ModelReply(
        calls=(PickedCall(tool="piggy.contacts.get", arguments={"uuid": "c-1"}),),
        usage=Usage(tokens_in=5, tokens_out=2),
    )
    assert provider.requests[0]["tool_choice"] == "required"


async def test_researcher_answers_through_a_tool() -> None:
    """Beside its reads a model gives its findings as the call of `answer`."""
    reply = await _ask(Provider(_completion(_called("answer", '{"findings": []}'), "tool_calls")), RESEARCH)

    assert reply == ModelReply(output={"findings": []}, usage=Usage(tokens_in=5, tokens_out=2))


@pytest.mark.parametrize(("name", "arguments"), [("delete_all", "{}"), ("t0_piggy_contacts_get", "{")])
async def test_calls_that_cannot_be_made_are_invalid(name: str, arguments: str) -> None:
    """An unknown tool or broken arguments are refused with the list of what is allowed."""
    refusal = await _ask(Provider(_completion(_called(name, arguments), "tool_calls")), RESEARCH)

    assert refusal == ModelRefusal(
        reason="invalid",
        detail=(
            "It called a tool that there is not, or with broken arguments; allowed are `piggy.contacts.get`."
        ),
    )


@pytest.mark.parametrize("stop", ["tool_use", None])
async def test_anthropic_speaks_the_same_way(stop: str | None) -> None:
    """The other provider's reply is read alike, and without a stop reason it is cut short too."""
    block: JsonValue = {
        "type": "tool_use",
        "id": "toolu_1",
        "name": "answer",
        "input": {"subject": "Hi", "body": "Come back."},
    }
    provider = Provider(
        {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "claude-opus-4-7",
            "content": [block],
            "stop_reason": stop,
            "stop_sequence": None,
            "usage": {"input_tokens": 5, "output_tokens": 2},
        }
    )
    async with _serving(provider):
        model = ChatModel("anthropic:claude-opus-4-7", base_url=provider.url, api_key=SecretStr(KEY))
        reply = await model.ask(WRITE)

    if stop is None:
        assert reply == ModelRefusal(
            reason="truncated",
            detail="`anthropic:claude-opus-4-7` gave no finish reason, so its reply was cut short.",
        )
    else:
        assert reply == ModelReply(
            output={"subject": "Hi", "body": "Come back."}, usage=Usage(tokens_in=5, tokens_out=2)
        )


def test_a_model_without_its_key_is_named_before_the_run() -> None:
    """The missing variable is named, and a model that needs none passes."""
    check_model("offline", {})
    check_model("openai:gpt-5.5", {"OPENAI_API_KEY": KEY})
    with pytest.raises(MissingCredential) as caught:
        check_model("anthropic:claude-opus-4-7", {"OPENAI_API_KEY": KEY, "ANTHROPIC_API_KEY": " "})

    assert (caught.value.message, caught.value.help) == (
        "The model `anthropic:claude-opus-4-7` needs an API key, and `ANTHROPIC_API_KEY` holds none.",
        "Set `ANTHROPIC_API_KEY`, or use the model `offline`, which needs no key.",
    )


@pytest.mark.parametrize("name", ["gpt-5.5", "openai:", "other:model", ""])
def test_unknown_names_are_refused(name: str) -> None:
    """A name that is no model is refused where it is opened, with the names that are known."""
    with pytest.raises(InvalidUse) as caught:
        open_model(name)

    assert (caught.value.message, caught.value.help) == (
        f"`{name}` is no model: expected `offline` or `provider:model`.",
        "Known providers: `anthropic`, `openai`; e.g. `openai:gpt-5.5`.",
    )


def test_models_open_by_name() -> None:
    """`offline` and provider strings open without a network, and show no secret."""
    assert isinstance(open_model("offline"), OfflineModel)
    assert repr(open_model("openai:gpt-5.5")) == "ChatModel('openai:gpt-5.5')"
