"""A small catalogue of tools, the example workflow, and ways to compile a text in memory."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from mendflow.connectors.contract import ConnectionSettings, JsonObject, MarkerRead, ToolSpec
from mendflow.connectors.errors import InvalidUse
from mendflow.graph.language.compiler import compile_text
from mendflow.graph.language.diagnostics import InvalidWorkflow
from mendflow.graph.language.plan import Plan

_TEXT: JsonObject = {"type": "string", "minLength": 1}
_FIND_OR_CREATE = ToolSpec(
    operation="contacts.find_or_create",
    summary="Find a contact by its address, or create it.",
    effect="natural_key",
    parameters={
        "type": "object",
        "properties": {"email": {"type": "string", "format": "email"}},
        "required": ["email"],
        "additionalProperties": False,
    },
    answer={"type": "object"},
)
_CREATE_RECEPTION = ToolSpec(
    operation="credit_receptions.create",
    names=("PIGGY_CREATE_CREDIT_RECEPTION",),
    summary="Award credits.",
    effect="marked",
    parameters={
        "type": "object",
        "properties": {
            "contact_uuid": _TEXT,
            "shop_uuid": _TEXT,
            "credits": {"type": "integer"},
            "unit_value": {"type": "number"},
            "mendflow_slot": {"type": "string"},
            "labels": {"type": "array", "items": {"type": "string"}},
            "detail": {"type": "object", "properties": {"note": {"type": "string"}}},
        },
        "required": ["contact_uuid", "shop_uuid"],
        "anyOf": [{"required": ["credits"]}, {"required": ["unit_value"]}],
        "additionalProperties": False,
    },
    answer={"type": "object"},
    marker="mendflow_slot",
    prepare="loyalty_transaction_attributes.create",
    prepare_with={"name": "mendflow_slot", "label": "mendflow slot", "type": "text"},
    confirm=MarkerRead(operation="loyalty_transactions.list", marker_path="mendflow_slot"),
    recipient="contact_uuid",
)
_LIST_PERKS = ToolSpec(
    operation="perks.list",
    names=("PIGGY_LIST_PERKS",),
    summary="List perks.",
    effect="read",
    parameters={
        "type": "object",
        "properties": {"limit": {"type": "integer"}},
        "additionalProperties": False,
    },
    answer={"type": "array"},
)
_SEND_EMAIL = ToolSpec(
    operation="contact_verification.send",
    names=("PIGGY_SEND_CONTACT_VERIFICATION_EMAIL",),
    summary="Send a verification e-mail.",
    effect="blind",
    parameters={"type": "object", "properties": {"email": {"type": "string"}}, "required": ["email"]},
    answer={"type": "object"},
)
_BATCH = _SEND_EMAIL.model_copy(
    update={
        "operation": "vouchers.batch",
        "names": (),
        "effect": "asynchronous",
        "parameters": {**_SEND_EMAIL.parameters, "additionalProperties": {"type": ["string", "number"]}},
    }
)
_CLAIM = _SEND_EMAIL.model_copy(
    update={"operation": "contacts.claim", "names": (), "effect": "readable_state"}
)
_SPECS = (_FIND_OR_CREATE, _CREATE_RECEPTION, _LIST_PERKS, _SEND_EMAIL, _BATCH, _CLAIM)
_TOOLS = {spec.operation: spec for spec in _SPECS}

_EXAMPLE = """\
apiVersion: mendflow/v1
kind: Workflow
metadata: {name: welcome-bonus, version: 1.0.0}
inputs:
  email:   {type: string, format: email}
  shop:    {type: string}
  credits: {type: integer, minimum: 1, maximum: 500, default: 50}
connections:
  piggy: {connector: piggy, credential: {env: PIGGY_API_KEY}}
models: {research: "openai:gpt-5.5", write: "anthropic:claude-opus-4-7"}
steps:
  member: {call: piggy.contacts.find_or_create, with: {email: "${{ inputs.email }}"}}
  brief:
    agent: researcher
    model: research
    tools: [piggy.PIGGY_LIST_PERKS]
    goal: "Find what ${{ inputs.email }} may like."
  letter: {agent: writer, model: write, goal: "Write.", from: [brief], output: {schema: letter.schema.json}}
  review:
    verify: letter
    rules:
      - {id: length, expect: "size(draft.body) < 600"}
      - {id: tone, judge: write, rubric: "Warm."}
    on_fail: {back_to: letter, max: 2}
  award:
    call: piggy.PIGGY_CREATE_CREDIT_RECEPTION
    needs: [review]
    once: "inputs.email"
    with:
      contact_uuid: "${{ steps.member.output.uuid }}"
      shop_uuid: "${{ inputs.shop }}"
      credits: "${{ inputs.credits }}"
    expect: "output.credits == inputs.credits"
outputs: {reception: "${{ steps.award.output.uuid }}"}
"""
_FILES = {
    "letter.schema.json": '{"type": "object", "required": ["body"]}',
    "broken.json": '{"type":\n ]',
    "odd.json": '{"type": "letter"}',
}


def _catalogue(settings: ConnectionSettings) -> Mapping[str, ToolSpec]:
    if settings.connector != "piggy":
        raise InvalidUse(f"unknown connector `{settings.connector}`")
    return _TOOLS


def _read_file(path: Path) -> str:
    if path.name not in _FILES:
        raise FileNotFoundError(path)
    return _FILES[path.name]


def _compiled(text: str) -> Plan:
    return compile_text(text, file="w.yaml", folder=Path("flows"), catalogue=_catalogue, read_file=_read_file)


def _mistakes(text: str) -> list[str]:
    try:
        _compiled(text)
    except InvalidWorkflow as error:
        return [f"{m.place.line}:{m.place.column} {m.code}" for m in error.mistakes]
    return []


@pytest.fixture(scope="session")
def catalogue() -> Callable[[ConnectionSettings], Mapping[str, ToolSpec]]:
    """Return the catalogue, which knows the connector `piggy` only."""
    return _catalogue


@pytest.fixture(scope="session")
def compiled() -> Callable[[str], Plan]:
    """Return a way to compile a text."""
    return _compiled


@pytest.fixture(scope="session")
def mistakes() -> Callable[[str], list[str]]:
    """Return a way to list the mistakes of a text as `line:column code`."""
    return _mistakes


@pytest.fixture(scope="session")
def example() -> str:
    """Return the example of the documentation."""
    return _EXAMPLE
