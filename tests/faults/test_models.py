"""Every row about models, over real HTTP, through the shipped chat model and the judgement of drafts."""

from datetime import timedelta

import pytest
from mendflow.agents.chat import ChatModel
from mendflow.agents.model import ModelRefusal, ToolCard
from mendflow.agents.prompt import researcher_request, writer_request
from mendflow.graph.engine.drafts import MOST_ASKED_AGAIN, _judge_refusal
from mendflow.graph.engine.state import AuthorJob
from mendflow.verifier.remedy import backoff
from mendflow.verifier.verdict import Failed, Fault, Healing, Verdict, Wait
from pydantic import SecretStr

from tests.faults.far import Far
from tests.faults.models import MODELS, NAME, ModelForm

WRITE = writer_request(model="m", goal="Write.", given={}, material={"n": 3}, voice={})
TOOL = ToolCard(
    name="piggy.contacts.get",
    summary="Get a contact.",
    parameters={"type": "object", "properties": {"uuid": {"type": "string"}}, "required": ["uuid"]},
)
RESEARCH = researcher_request(model="m", goal="Look.", given={}, material={}, tools=(TOOL,))
PATIENT, HASTY = timedelta(seconds=20), timedelta(seconds=0.3)


def _judged(refusal: ModelRefusal, asked_again: int) -> Verdict:
    plain = refusal.model_dump(mode="json")
    return _judge_refusal(AuthorJob(step="s", path="s", refusal=plain, asked_again=asked_again))


@pytest.mark.parametrize("form", MODELS, ids=lambda form: form.name)
async def test_each_form_has_its_reason_and_its_remedy(form: ModelForm) -> None:
    """One request is made; its failure is data, and the model is asked again as the row says, or not at all."""
    far = Far(form.form, b"")
    async with far.standing() as url:
        timeout = HASTY if form.manner == "stays silent" else PATIENT
        model = ChatModel(NAME, base_url=f"{url}/v1", api_key=SecretStr("sk-secret-key"), timeout=timeout)
        came = await model.ask(RESEARCH if form.is_research else WRITE)
    refusal = ModelRefusal(reason=form.reason, detail=form.detail, wait_seconds=form.wait_seconds)
    assert came == refusal
    assert far.requests <= 1
    fault = Fault(kind="model_fault", detail=f"the model gave no usable reply ({form.reason}): {form.detail}")
    pause = max(backoff(1, "s"), timedelta(seconds=form.told))
    again = Healing(fault=fault, remedy=Wait(duration=pause))
    assert _judged(refusal, 0) == (again if form.is_retried else Failed(fault=fault))
    assert _judged(refusal, MOST_ASKED_AGAIN) == Failed(fault=fault)
