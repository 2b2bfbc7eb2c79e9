"""The fields of drafts: a rule may look only at one that the draft has."""

from pydantic import JsonValue

from ...agents.roles import RESEARCHER, WRITER
from ...verifier.drafts import ABOUT_THE_DRAFT
from .diagnostics import Report, suggestion
from .plan import AgentStep, MapStep, Place, Step, VerifyStep
from .reader import shorten
from .steps import Level


def check_fields(level: Level, steps: tuple[Step, ...], report: Report) -> None:
    """Note each rule that looks at a field which the draft it judges does not have."""
    by_id = {step.id: step for step in steps}
    for shape in level.steps:
        step = by_id.get(shape.step.id)
        if isinstance(step, MapStep) and shape.inner:
            check_fields(shape.inner, step.steps, report)
        elif isinstance(step, VerifyStep):
            _check_fields_of(step, shape.spots, by_id.get(step.subject), report)


def _check_fields_of(step: VerifyStep, spots: dict[str, Place], subject: Step | None, report: Report) -> None:
    known = fields_of(subject) if isinstance(subject, AgentStep) else ()
    for rule in step.rules:
        name = rule.check.field.partition(".")[0] if rule.check else ""
        if not name or not known or name in known:
            continue
        place = spots.get(f"rules.{rule.id}.field") or spots.get(f"rules.{rule.id}.length", step.place)
        message = f"the draft of `{step.subject}` has no field `{shorten(name)}`{suggestion(name, known)}"
        report.add("MF1311", place, message, "Name it as `field`.")


def fields_of(step: AgentStep) -> tuple[str, ...]:
    """Return the fields of what an author writes that are meant for its reader; empty where nothing tells."""
    schema = step.output_schema
    if schema is None:
        schema = (WRITER if step.role == "writer" else RESEARCHER).answer_schema
    properties: JsonValue = schema.get("properties")
    names = properties if isinstance(properties, dict) else {}
    return tuple(name for name in names if name not in ABOUT_THE_DRAFT)
