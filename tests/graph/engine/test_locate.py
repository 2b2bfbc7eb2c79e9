"""From a divergence to the line of the file."""

import pytest
from mendflow.graph.engine.locate import locate, step_at

from tests.graph.engine.conftest import HEAD, Bench

STEPS = """
steps:
  brief:
    agent: researcher
    model: think
    tools: [shop.members.get]
    goal: "Who?"
    select:
      few: inputs.people
  each:
    map: inputs.people
    as: person
    steps:
      award:
        call: shop.awards.create
        once: person
        with:
          contact: "${{ person }}"
          credits: 1
  review_it:
    agent: writer
    model: think
    goal: "Write."
    from: [brief]
"""
LINES = (HEAD + STEPS).splitlines()


def _line(text: str) -> int:
    (found,) = (number for number, line in enumerate(LINES, start=1) if line.strip().startswith(text))
    return found


@pytest.mark.parametrize(
    ("key", "field", "starts"),
    [
        ("each[12].award#1:call:0", "arguments.contact", "contact:"),
        ("each[0].award#1:call:0", "arguments.slot", "with:"),
        ("each[0].award#2:call:0", "slot", "once:"),
        ("each[0].award#1:call:0", "operation", "call: shop.awards"),
        ("each[0].award#1:verdict:0", "kind", "award:"),
        ("brief#1:model:0", "goal", 'goal: "Who'),
        ("brief#1:model:0", "material.few[0]", "few:"),
        ("brief.read[0]#1:call:0", "arguments.email", "brief:"),
        ("review_it#1:model:0", "material.findings[0].value", "from:"),
        ("each#1:end:0", "output.items[0]", "each:"),
    ],
)
def test_a_field_leads_to_its_line(bench: Bench, key: str, field: str, starts: str) -> None:
    """The nearest key of the step that the field comes from, or the step itself."""
    place = locate(bench.plan(STEPS), key, field)
    assert place is not None
    assert (place.file, place.line) == ("w.yaml", _line(starts))


def test_what_is_not_in_the_file_has_no_place(bench: Bench) -> None:
    """A step that the plan does not have, and the end of the run, lead nowhere."""
    plan = bench.plan(STEPS)
    assert locate(plan, "gone#1:call:0", "x") is None
    assert locate(plan, "end of the run", "outputs") is None
    assert step_at(plan, "each[0].gone") is not None
