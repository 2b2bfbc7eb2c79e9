"""Which models a plan uses, and another one in their place."""

from mendflow.graph.engine.models import model_names, models_of, with_model
from mendflow.graph.language.plan import walk

from tests.graph.engine.conftest import Bench, Thinker

STEPS = """
steps:
  brief: {agent: researcher, model: "one:a", goal: x}
  each:
    map: inputs.people
    steps:
      letter: {agent: writer, model: "two:b", goal: x}
      again: {agent: writer, model: "one:a", goal: x}
      review:
        verify: letter
        rules: [{id: tone, judge: "three:c", rubric: Warm.}, {id: short, expect: "true"}]
"""


def test_each_model_is_named_once(bench: Bench) -> None:
    """Authors and judges, those within maps included, in the order of the file, authors first."""
    assert model_names(bench.plan(STEPS)) == ("one:a", "two:b", "three:c")


def test_one_model_takes_the_place_of_all(bench: Bench) -> None:
    """Every author and judge is replaced and nothing else; rules without a judge get none."""
    plan = bench.plan(STEPS)
    offline = with_model(plan, "offline")
    assert model_names(offline) == ("offline",)
    assert [step.id for step in walk(offline.steps)] == [step.id for step in walk(plan.steps)]
    assert with_model(with_model(plan, "x:y"), "offline") == offline


def test_models_are_opened_once_each(bench: Bench) -> None:
    """Without an override the plan is as it was; with one, a single model is opened."""
    opened: list[str] = []

    def open_model(name: str) -> Thinker:
        opened.append(name)
        return Thinker()

    plan = bench.plan(STEPS)
    same, models = models_of(plan, "", open_model)
    assert (same, [*models]) == (plan, ["one:a", "two:b", "three:c"])
    _, models = models_of(plan, "offline", open_model)
    assert opened == ["one:a", "two:b", "three:c", "offline"]
