"""Which models a plan uses, and putting another in their place."""

from collections.abc import Callable

from ...agents.model import Model
from ..language.plan import AgentStep, MapStep, Plan, Step, VerifyStep, walk


def model_names(plan: Plan) -> tuple[str, ...]:
    """Return the provider strings of all models that a plan uses, once each."""
    names = [step.model for step in walk(plan.steps) if isinstance(step, AgentStep)]
    judges = [
        rule.judge
        for step in walk(plan.steps)
        if isinstance(step, VerifyStep)
        for rule in step.rules
        if rule.judge
    ]
    return tuple(dict.fromkeys([*names, *judges]))


def with_model(plan: Plan, model: str) -> Plan:
    """Return the plan with every model replaced."""
    return plan.model_copy(update={"steps": tuple(_replaced(step, model) for step in plan.steps)})


def models_of(plan: Plan, override: str, open_model: Callable[[str], Model]) -> tuple[Plan, dict[str, Model]]:
    """Return the plan to run and its models, opened once each."""
    used = with_model(plan, override) if override else plan
    return used, {name: open_model(name) for name in model_names(used)}


def _replaced(step: Step, model: str) -> Step:
    match step:
        case AgentStep():
            return step.model_copy(update={"model": model})
        case VerifyStep():
            rules = tuple(
                rule.model_copy(update={"judge": model}) if rule.judge else rule for rule in step.rules
            )
            return step.model_copy(update={"rules": rules})
        case MapStep():
            return step.model_copy(update={"steps": tuple(_replaced(inner, model) for inner in step.steps)})
        case _:
            return step
