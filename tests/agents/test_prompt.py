from mendflow.agents.model import ToolReading
from mendflow.agents.prompt import (
    Rejection,
    chat_messages,
    judge_request,
    researcher_request,
    with_offline,
    without_offline,
    writer_request,
)
from mendflow.agents.roles import RESEARCHER, VERIFIER, WRITER
from mendflow.connectors.contract import JsonObject

FINDING: JsonObject = {"subject": "n", "fact": "n", "value": 3, "source": "material.n"}


def test_writer_sees_findings_alone() -> None:
    """Of a researcher's output only the findings reach the writer; other sources become findings by rule."""
    request = writer_request(
        model="m",
        goal="write",
        given={},
        material={"brief": {"findings": [FINDING], "selected": {"secret": 1}}, "balance": 5},
        voice={},
    )

    assert request.material == {
        "findings": [
            FINDING,
            {"subject": "balance", "fact": "balance", "value": 5, "source": "material.balance"},
        ]
    }
    assert (request.role, request.instructions, request.answer_schema) == (
        "writer",
        WRITER.instructions,
        WRITER.answer_schema,
    )


def test_messages_hold_what_there_is() -> None:
    """Data stands under headings as JSON, the offline template is left out, and empty parts are not shown."""
    request = writer_request(
        model="m",
        goal="Write to Zoë.",
        given={"b": 1, "a": "é"},
        material={"brief": {"findings": [FINDING]}},
        voice={"tone": "warm", "template": "Hi {x}", "rows": {}},
        rejection=Rejection({"body": "old"}, ("too long",)),
    )

    assert chat_messages(request) == (
        ("system", WRITER.instructions),
        (
            "user",
            (
                "# Goal\nWrite to Zoë."
                '\n\n# Given\n{"a": "é", "b": 1}'
                '\n\n# Voice\n{"tone": "warm"}'
                "\n\n# Material\n"
                '{"findings": [{"fact": "n", "source": "material.n", "subject": "n", "value": 3}]}'
                '\n\n# Draft\n{"body": "old"}'
                '\n\n# Reasons\n["too long"]'
            ),
        ),
    )


def test_researcher_sees_its_readings() -> None:
    """Readings are shown with the key that findings must name."""
    request = researcher_request(
        model="m",
        goal="Look.",
        given={},
        material={},
        readings=(ToolReading(tool="p.t", arguments={}, output={"x": 1}, source="brief.read[0]"),),
    )

    assert chat_messages(request) == (
        ("system", RESEARCHER.instructions),
        (
            "user",
            (
                "# Goal\nLook.\n\n# Readings\n"
                '[{"arguments": {}, "output": {"x": 1}, "source": "brief.read[0]", "tool": "p.t"}]'
            ),
        ),
    )


def test_judge_gets_the_rubric_as_goal() -> None:
    """The rubric is the goal, and the draft stands beside the findings."""
    request = judge_request(
        model="m", rubric="Is it kind?", draft={"body": "x"}, material={"findings": [FINDING]}, voice={}
    )

    assert (request.role, request.goal, request.draft, request.material, request.answer_schema) == (
        "verifier",
        "Is it kind?",
        {"body": "x"},
        {"findings": [FINDING]},
        VERIFIER.answer_schema,
    )


def test_own_schema_gets_room_for_the_mark() -> None:
    """A workflow's own schema lets the offline model say so, and a real model never sees that field."""
    own: JsonObject = {"type": "object", "properties": {"text": {"type": "string"}}}

    marked = with_offline(own)

    assert marked == {
        "type": "object",
        "properties": {"text": {"type": "string"}, "offline": {"type": "boolean"}},
    }
    assert without_offline(marked) == own
